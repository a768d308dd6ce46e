//! Files of the project that go into archives.

use std::path::Path;

use super::{Extra, Reader, SurveyError};
use crate::archive::{MemberPath, Names};
use crate::host::files::{self, What};
use crate::version::Release;

/// The key that names the files of archives.
const FILES: &str = "package.files";

/// The files that patterns name, each once, in the order of the patterns. A pattern without wildcards must name a file;
/// one with wildcards may name none.
pub fn configured(reader: &Reader<'_>, patterns: &[String]) -> Result<Vec<Extra>, SurveyError> {
    let root = &reader.config.root;
    let mut extras: Vec<Extra> = Vec::new();
    for pattern in patterns {
        if !pattern.contains(['*', '?', '[']) {
            match files::what(&root.join(pattern))? {
                What::Nothing => return Err(SurveyError::NoFile { key: FILES, pattern: pattern.clone() }),
                _ => add(&mut extras, root, pattern.clone(), Names::Windows)?,
            }
            continue;
        }
        for path in reader.tree.below(root) {
            if matches_glob(pattern.as_bytes(), path.as_bytes()) {
                add(&mut extras, root, path, Names::Windows)?;
            }
        }
    }
    Ok(extras)
}

/// Every file that git tracks, below `<project>-<version>/`.
pub fn sources(reader: &Reader<'_>, release: &Release) -> Result<Vec<Extra>, SurveyError> {
    let Some(git) = &reader.git else { return Ok(Vec::new()) };
    let listed = git.text(reader.host, ["ls-files", "-z"])?;
    let folder = format!("{}-{}", reader.config.project.name, release.version);
    let mut extras = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        // A file that is deleted in a dirty tree, a link or a submodule's folder is no file of the archive.
        if let What::File { .. } = files::what(&reader.config.root.join(path))? {
            add(&mut extras, &reader.config.root, path.to_owned(), Names::Posix)?;
        } else {
            reader
                .events
                .warn("survey.left-out", format!("{path} is not a regular file and is left out of the source archive"));
        }
    }
    for extra in &mut extras {
        extra.path = format!("{folder}/{}", extra.path);
    }
    Ok(extras)
}

fn add(extras: &mut Vec<Extra>, root: &Path, path: String, names: Names) -> Result<(), SurveyError> {
    if extras.iter().all(|extra| extra.path != path) {
        extras.push(take(root, path, FILES, names)?);
    }
    Ok(())
}

/// A regular file within the project, measured. `key` is the one that names it.
pub(super) fn take(root: &Path, path: String, key: &'static str, names: Names) -> Result<Extra, SurveyError> {
    if let Err(source) = MemberPath::new(&path).and_then(|name| name.check_for(names)) {
        return Err(SurveyError::BadPath { path, source });
    }
    let file = root.join(&path);
    let executable = match files::what(&file)? {
        What::File { executable, .. } => executable,
        What::Nothing => return Err(SurveyError::NoFile { key, pattern: path }),
        _ => return Err(SurveyError::NotRegular { key, path }),
    };
    // A folder on the way may be a symbolic link that leaves the project.
    if !files::real(&file)?.starts_with(files::real(root)?) {
        return Err(SurveyError::NotRegular { key, path });
    }
    Ok(Extra { path, artifact: files::measure(&file)?, file, executable })
}

/// Matches `*` and `?` within a path's component and `**` across components.
/// Whether a path is one that a pattern names: itself, below it, or by its wildcards.
pub fn counts(pattern: &str, path: &str) -> bool {
    path.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || matches_glob(pattern.as_bytes(), path.as_bytes())
}

fn matches_glob(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        ([b'*', b'*', rest @ ..], _) => {
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            (0..=path.len())
                .any(|at| (at == 0 || path[at - 1] == b'/' || rest.is_empty()) && matches_glob(rest, &path[at..]))
        }
        ([b'*', rest @ ..], _) => {
            let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=end).any(|at| matches_glob(rest, &path[at..]))
        }
        ([b'?', rest @ ..], [byte, tail @ ..]) if *byte != b'/' => matches_glob(rest, tail),
        ([one, rest @ ..], [byte, tail @ ..]) if one == byte => matches_glob(rest, tail),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches_glob;

    #[test]
    fn globs() {
        for (pattern, path, matched) in [
            ("LICENSE*", "LICENSE", true),
            ("LICENSE*", "LICENSE.md", true),
            ("LICENSE*", "a/LICENSE", false),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/b/a.md", false),
            ("docs/**/*.md", "docs/b/c/a.md", true),
            ("docs/**", "docs/b/c", true),
            ("**/*.md", "a.md", true),
            ("?.md", "a.md", true),
            ("?.md", "/.md", false),
        ] {
            assert_eq!(matches_glob(pattern.as_bytes(), path.as_bytes()), matched, "{pattern} {path}");
        }
    }
}
