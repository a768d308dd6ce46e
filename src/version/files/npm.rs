//! `package.json` and `package-lock.json`: strings are replaced where they stand, so that every other byte stays.

use std::collections::BTreeSet;
use std::ops::Range;

use sealift_trust::json::MAX_DEPTH;
use semver::Version;

use super::{FilesError, replace};

/// Tables of a `package.json` that name other packages with a range of versions.
const DEPENDENCIES: [&str; 4] = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];

/// What of a `package.json` counts here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The folders of its workspaces, as written: `packages/*`.
    pub workspaces: Vec<String>,
}

/// Reads a `package.json`.
///
/// # Errors
/// `version.file-form` for what is not JSON, or names something twice.
pub fn read(file: &str, text: &str) -> Result<Package, FilesError> {
    let mut package = Package::default();
    strings(file, text, &mut |path, range| {
        let value = || text[range.clone()].to_owned();
        match path {
            [name] if name == "name" => package.name = Some(value()),
            [name] if name == "version" => package.version = Some(value()),
            [name, _] if name == "workspaces" => package.workspaces.push(value()),
            [name, inner, _] if name == "workspaces" && inner == "packages" => package.workspaces.push(value()),
            _ => {}
        }
    })?;
    Ok(package)
}

/// Brings a `package.json` from one version to another, and what it asks of the other packages of the project.
///
/// # Errors
/// As [`read`].
pub fn package(file: &str, text: &str, change: &Change<'_>) -> Result<String, FilesError> {
    let mut changes = Vec::new();
    strings(file, text, &mut |path, range| match path {
        [name] if name == "version" && text[range.clone()] == *change.from => {
            changes.push((range, change.to.to_string()));
        }
        [table, name] if DEPENDENCIES.contains(&table.as_str()) && change.names.contains(name.as_str()) => {
            let value = &text[range.clone()];
            let sign = value.len() - value.trim_start_matches(['^', '~', '=', '>', '<', ' ']).len();
            if value[sign..] == *change.from {
                changes.push((range.start + sign..range.end, change.to.to_string()));
            }
        }
        _ => {}
    })?;
    Ok(replace(text, changes))
}

/// Brings a `package-lock.json` (lockfileVersion 1 to 3) along; `folders` are those of the project's packages.
///
/// # Errors
/// As [`read`].
pub fn lock(file: &str, text: &str, folders: &BTreeSet<&str>, change: &Change<'_>) -> Result<String, FilesError> {
    let mut changes = Vec::new();
    strings(file, text, &mut |path, range| {
        let own = match path {
            [name] => name == "version",
            [packages, folder, name] => {
                packages == "packages" && name == "version" && (folder.is_empty() || folders.contains(folder.as_str()))
            }
            _ => false,
        };
        if own && text[range.clone()] == *change.from {
            changes.push((range, change.to.to_string()));
        }
    })?;
    Ok(replace(text, changes))
}

/// From which version to which, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The version that the files have.
    pub from: &'a str,
    /// The one that they get.
    pub to: &'a Version,
    /// The names of the packages that get it.
    pub names: &'a BTreeSet<&'a str>,
}

/// Shows every string of a document with its path (an index of an array is its digits); a range is without the quotes.
fn strings(file: &str, text: &str, see: &mut dyn FnMut(&[String], Range<usize>)) -> Result<(), FilesError> {
    let mut reader = Reader { text, at: text.len() - text.trim_start_matches('\u{feff}').len(), path: Vec::new(), see };
    let read = reader.value().and_then(|()| {
        reader.space();
        if reader.at == text.len() { Ok(()) } else { Err("something stands behind the end") }
    });
    read.map_err(|why| FilesError::Form { file: file.to_owned(), why: format!("{why} (at byte {})", reader.at) })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    path: Vec<String>,
    see: &'a mut dyn FnMut(&[String], Range<usize>),
}

impl Reader<'_> {
    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn eat(&mut self, sign: u8) -> bool {
        self.space();
        let there = self.text.as_bytes().get(self.at) == Some(&sign);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self) -> Result<(), &'static str> {
        self.space();
        match self.text.as_bytes().get(self.at) {
            Some(b'"') => {
                let range = self.string()?;
                (self.see)(&self.path, range);
                Ok(())
            }
            Some(b'{') => self.group(b'}', true),
            Some(b'[') => self.group(b']', false),
            _ => {
                let rest = &self.text[self.at..];
                let length =
                    rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
                let word = &rest[..length];
                let is_number =
                    word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && word.parse::<f64>().is_ok();
                self.at += length;
                if is_number || matches!(word, "true" | "false" | "null") { Ok(()) } else { Err("not JSON") }
            }
        }
    }

    fn group(&mut self, close: u8, named: bool) -> Result<(), &'static str> {
        if self.path.len() >= MAX_DEPTH {
            return Err("nested too deep");
        }
        self.at += 1;
        let mut names = BTreeSet::new();
        if self.eat(close) {
            return Ok(());
        }
        for index in 0_usize.. {
            let name = if named {
                self.space();
                let range = self.string()?;
                let name = self.text[range].to_owned();
                if !names.insert(name.clone()) {
                    return Err("a name stands twice in one object");
                }
                if !self.eat(b':') {
                    return Err("no colon behind a name");
                }
                name
            } else {
                index.to_string()
            };
            self.path.push(name);
            self.value()?;
            self.path.pop();
            if self.eat(close) {
                break;
            }
            if !self.eat(b',') {
                return Err("no comma between two values");
            }
        }
        Ok(())
    }

    /// A string; what is escaped in it stays so, and is equal to nothing that is looked for.
    fn string(&mut self) -> Result<Range<usize>, &'static str> {
        if self.text.as_bytes().get(self.at) != Some(&b'"') {
            return Err("no string where one must be");
        }
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut at = start;
        loop {
            match bytes.get(at) {
                None | Some(b'\n') => return Err("a string that does not end"),
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        Ok(start..at)
    }
}
