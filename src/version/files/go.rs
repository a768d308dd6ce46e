//! Go: the major version in module paths and imports, what modules of one repository ask of each other, retractions
//! (Go Modules Reference, "Major version suffixes", "retract directive", "Mapping versions to commits").

use std::collections::BTreeMap;
use std::ops::Range;

use semver::Version;

use super::{FilesError, replace};
use crate::error::Place;
use crate::toolchain::go::gomod::{Directive, Word, directives};
use crate::toolchain::sources::imports;

/// Modules of the repository by their paths: what each is to be called, and its version where that changes.
pub type Modules = BTreeMap<String, Renewed>;

/// What becomes of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// Its path from now on.
    pub path: String,
    /// The version that others are to require; none when they stay with what they have.
    pub version: Option<Version>,
}

/// A line that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from one.
    pub number: usize,
    /// As it is, without white space around it.
    pub before: String,
    /// As it will be.
    pub after: String,
}

/// The path that a module must have for a major version; equal to the path when it has it.
pub fn module_path(path: &str, major: u64) -> String {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) && !text.starts_with('0');
    if let Some((base, rest)) = path.rsplit_once(".v").filter(|_| path.starts_with("gopkg.in/")) {
        // This server has the major version in every path, with a dot.
        if number(rest) || rest == "0" {
            return format!("{base}.v{major}");
        }
    }
    let base = match path.rsplit_once("/v") {
        Some((base, rest)) if number(rest) && rest != "1" => base,
        _ => path,
    };
    if major >= 2 { format!("{base}/v{major}") } else { base.to_owned() }
}

/// The tag of a module in a folder of the repository: `dir/v1.2.3`; at the top the version's own.
pub fn tag(folder: &str, version: &Version) -> String {
    if folder.is_empty() { format!("v{version}") } else { format!("{folder}/v{version}") }
}

/// Changes what a `go.mod` or `go.work` says of the repository's modules: its own path, requirements, replacements.
///
/// # Errors
/// `gomod.grammar`.
pub fn go_mod(file: &str, text: &str, modules: &Modules) -> Result<String, FilesError> {
    let mut changes = Vec::new();
    for Directive { verb, words } in directives(file, text)? {
        let renewed = |at: usize| modules.get(&words.get(at)?.value);
        match verb {
            "module" => rename(&mut changes, &words, 0, renewed(0)),
            "require" => {
                let module = renewed(0);
                rename(&mut changes, &words, 0, module);
                if let (Some(version), Some(word)) = (module.and_then(|module| module.version.as_ref()), words.get(1)) {
                    changes.push((word.start..word.end, format!("v{version}")));
                }
            }
            "replace" => rename(&mut changes, &words, 0, renewed(0)),
            _ => {}
        }
    }
    Ok(replace(text, changes))
}

fn rename(changes: &mut Vec<(Range<usize>, String)>, words: &[Word], at: usize, renewed: Option<&Renewed>) {
    if let (Some(word), Some(renewed)) = (words.get(at), renewed)
        && word.value != renewed.path
    {
        changes.push((word.start..word.end, renewed.path.clone()));
    }
}

/// Changes the imports of a Go file to the new paths of modules. A file that cannot be scanned stays.
pub fn source(text: &str, modules: &Modules) -> String {
    let change = |range: Range<usize>| {
        let import = text.get(range.clone())?;
        // The longest path counts: a module may lie within another's path.
        let owner = |(path, _): &(&String, &Renewed)| {
            import.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (path, renewed) = modules.iter().filter(owner).max_by_key(|(path, _)| path.len())?;
        let rest = &import[path.len()..];
        // What is called so already is no package of the old path.
        let is_new = import == renewed.path || import.strip_prefix(&renewed.path).is_some_and(|r| r.starts_with('/'));
        let grows = renewed.path.len() > path.len();
        (renewed.path != *path && !(grows && is_new)).then(|| (range, format!("{}{rest}", renewed.path)))
    };
    let found = imports(text.as_bytes()).unwrap_or_default();
    replace(text, found.into_iter().filter_map(change).collect())
}

/// The lines in which two texts of as many lines differ.
pub fn differences(before: &str, after: &str) -> Vec<Line> {
    let pairs = before.lines().zip(after.lines()).enumerate().filter(|(_, (one, other))| one != other);
    let line = |(at, (one, other)): (usize, (&str, &str))| Line {
        number: at + 1,
        before: one.trim().to_owned(),
        after: other.trim().to_owned(),
    };
    pairs.map(line).collect()
}

/// Where a `go.mod` retracts a version, if it does: alone, or within `[v1.0.0, v1.1.0]`.
///
/// # Errors
/// `gomod.grammar`.
pub fn retracted(file: &str, text: &str, version: &Version) -> Result<Option<Place>, FilesError> {
    let read = |word: &Word| Version::parse(word.value.strip_prefix('v')?).ok();
    for Directive { verb, words } in directives(file, text)? {
        if verb != "retract" {
            continue;
        }
        let versions: Vec<Version> = words.iter().filter_map(read).collect();
        let inside = match &versions[..] {
            [one] => one.cmp_precedence(version).is_eq(),
            [low, high] => low.cmp_precedence(version).is_le() && version.cmp_precedence(high).is_le(),
            _ => false,
        };
        if let (true, Some(first), Some(last)) = (inside, words.first(), words.last()) {
            return Ok(Some(Place::of(file, text, first.start..last.end)));
        }
    }
    Ok(None)
}
