//! What all entries of an archive must be together: no name twice, nothing inside of a file or a link.

use std::collections::HashMap;

use super::listing::EntryKind;
use crate::archive::{ArchiveError, MemberPath};

/// Names seen so far, folded as a file system folds them that ignores case.
#[derive(Default)]
pub(in crate::archive) struct Census {
    entries: HashMap<String, Seen>,
    /// Folders that hold an entry, whether they are entries themselves or not, as first spelled.
    holding: HashMap<String, Box<str>>,
}

struct Seen {
    path: MemberPath,
    class: Class,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    File,
    Folder,
    Link,
}

impl Census {
    /// Adds a regular file.
    pub(in crate::archive) fn add_file(&mut self, path: &MemberPath) -> Result<(), ArchiveError> {
        self.add_class(path, Class::File)
    }

    /// Adds a folder.
    pub(in crate::archive) fn add_folder(&mut self, path: &MemberPath) -> Result<(), ArchiveError> {
        self.add_class(path, Class::Folder)
    }

    /// Adds an entry, in any order.
    pub(super) fn add(&mut self, path: &MemberPath, kind: &EntryKind) -> Result<(), ArchiveError> {
        let class = match kind {
            EntryKind::File(_) => Class::File,
            EntryKind::Folder => Class::Folder,
            EntryKind::Link(target) => {
                stays_inside(path, target)?;
                Class::Link
            }
        };
        self.add_class(path, class)
    }

    fn add_class(&mut self, path: &MemberPath, class: Class) -> Result<(), ArchiveError> {
        let folded = MemberPath::fold(path.as_str());
        if let Some(first) = self.entries.get(&folded) {
            return Err(twice(path.as_str(), first.path.as_str()));
        }
        if let Some(spelled) = self.holding.get(&folded) {
            match class {
                Class::Folder if **spelled == *path.as_str() => {}
                Class::Folder => return Err(twice(path.as_str(), spelled)),
                Class::File | Class::Link => return Err(inside_of(path.as_str(), class)),
            }
        }
        path.folders().try_for_each(|folder| self.hold(folder))?;
        self.entries.insert(folded, Seen { path: path.clone(), class });
        Ok(())
    }

    /// Notes a folder that an entry is in.
    fn hold(&mut self, folder: &str) -> Result<(), ArchiveError> {
        let folded = MemberPath::fold(folder);
        match self.entries.get(&folded) {
            Some(seen) if seen.class != Class::Folder => return Err(inside_of(seen.path.as_str(), seen.class)),
            Some(seen) if seen.path.as_str() != folder => return Err(twice(folder, seen.path.as_str())),
            _ => {}
        }
        // Two spellings of a folder are one folder on some systems and two on others.
        match self.holding.get(&folded) {
            Some(spelled) if **spelled != *folder => Err(twice(folder, spelled)),
            Some(_) => Ok(()),
            None => {
                self.holding.insert(folded, folder.into());
                Ok(())
            }
        }
    }
}

/// Checks a link's target: relative, first as many `..` as the link is deep, then plain components.
///
/// With `..` after a plain component that is a link itself, the way on would start where that link leads; such targets
/// are refused even where they would end inside.
fn stays_inside(path: &MemberPath, target: &str) -> Result<(), ArchiveError> {
    let refuse = || ArchiveError::LinkEscapes {
        entry: ArchiveError::shown(path.as_str().as_bytes()),
        target: ArchiveError::shown(target.as_bytes()),
    };
    let depth = path.folders().count();
    let mut rest = target;
    for _ in 0..depth {
        match rest.strip_prefix("../") {
            Some(after) => rest = after,
            None if rest == ".." => return Ok(()),
            None => break,
        }
    }
    MemberPath::new(rest).map(drop).map_err(|_| refuse())
}

fn twice(entry: &str, other: &str) -> ArchiveError {
    ArchiveError::Duplicate {
        entry: ArchiveError::shown(entry.as_bytes()),
        other: ArchiveError::shown(other.as_bytes()),
    }
}

fn inside_of(entry: &str, class: Class) -> ArchiveError {
    let entry = ArchiveError::shown(entry.as_bytes());
    match class {
        Class::Link => ArchiveError::ThroughLink { entry },
        Class::File | Class::Folder => ArchiveError::FileAsFolder { entry },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Artifact;
    use crate::error::Fault;

    fn take(entries: &[(&str, EntryKind)]) -> Result<(), &'static str> {
        let mut census = Census::default();
        entries
            .iter()
            .try_for_each(|(path, kind)| census.add(&MemberPath::new(path).unwrap(), kind))
            .map_err(|error| error.code())
    }

    fn file() -> EntryKind {
        EntryKind::File(Artifact::of(b""))
    }

    fn link(target: &str) -> EntryKind {
        EntryKind::Link(target.into())
    }

    #[test]
    fn order_does_not_matter() {
        for (a, b, code) in [
            (("x", file()), ("x", file()), "archive.duplicate"),
            (("x", file()), ("X", file()), "archive.duplicate"),
            (("x", file()), ("x", EntryKind::Folder), "archive.duplicate"),
            (("x", file()), ("x/y", file()), "archive.file-as-folder"),
            (("X", file()), ("x/y/z", file()), "archive.file-as-folder"),
            (("x", link("y")), ("x/y", file()), "archive.through-link"),
            (("x", link("y")), ("X/y", EntryKind::Folder), "archive.through-link"),
            (("Dir/a", file()), ("dir/b", file()), "archive.duplicate"),
            (("Dir", EntryKind::Folder), ("dir/b", file()), "archive.duplicate"),
        ] {
            assert_eq!(take(&[a.clone(), b.clone()]), Err(code), "{a:?} {b:?}");
            assert_eq!(take(&[b, a]), Err(code));
        }
    }

    #[test]
    fn what_fits_together_passes() {
        take(&[
            ("a/b", file()),
            ("a", EntryKind::Folder),
            ("a/c", link("b")),
            ("a/d/e", link("../../a/b")),
            ("a/d/up", link("..")),
        ])
        .unwrap();
    }

    #[test]
    fn links_that_may_leave_are_refused() {
        for (path, target) in [
            ("l", ".."),
            ("l", "../x"),
            ("a/l", "../../x"),
            ("a/l", "/etc"),
            ("a/l", ""),
            ("a/l", "."),
            ("a/l", "x/../../y"),
            ("a/b/l", "x/../y"),
            ("a/l", "x\\y"),
            ("a/l", "../"),
            ("a/l", "c:/x"),
        ] {
            assert_eq!(take(&[(path, link(target))]), Err("archive.link-escapes"), "{path} -> {target}");
        }
    }
}
