//! What lies in `dist/` before anything is done there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sealift_trust::name::InnerPath;

use crate::host::files::{self, FileError, What};
use crate::host::{regular, staging};

/// What lies there. All paths are relative to the folder.
#[derive(Default)]
pub(super) struct There {
    /// What is wanted and ours, and no folder: perhaps as it should be.
    pub(super) present: BTreeSet<InnerPath>,
    /// Ours, from an earlier release.
    stale: Vec<PathBuf>,
    /// Folders of ours in which nothing wanted lies, each after those in it.
    emptied: Vec<PathBuf>,
    /// Staged files of runs that were killed.
    leftovers: Vec<PathBuf>,
    /// Somebody else's.
    pub(super) foreign: Vec<PathBuf>,
}

impl There {
    /// Looks at the folder and at the folders in it that hold files of ours, or will: no other folder is entered, and no
    /// link followed.
    pub(super) fn look(
        folder: &Path,
        owned: &BTreeSet<InnerPath>,
        wanted: &BTreeSet<InnerPath>,
    ) -> Result<Self, FileError> {
        let all = |paths: &BTreeSet<InnerPath>| {
            paths.iter().flat_map(|path| folders(path.as_str())).map(str::to_owned).collect::<BTreeSet<String>>()
        };
        let known = Known { owned, wanted, own_folders: all(owned), wanted_folders: all(wanted) };
        let mut there = Self::default();
        there.descend(folder, Path::new(""), &known)?;
        Ok(there)
    }

    /// What must go for only the wanted to be there; staged files are nobody's and say nothing.
    pub(super) fn unwanted(&self) -> impl Iterator<Item = &PathBuf> {
        self.stale.iter().chain(&self.foreign).chain(&self.emptied)
    }

    /// All that goes: what is in a folder before the folder.
    pub(super) fn doomed(&self) -> impl Iterator<Item = &PathBuf> {
        self.stale.iter().chain(&self.foreign).chain(&self.leftovers).chain(&self.emptied)
    }

    /// Whether a path is one of our folders that must be empty by then.
    pub(super) fn is_emptied(&self, path: &Path) -> bool {
        self.emptied.iter().any(|emptied| emptied == path)
    }

    fn descend(&mut self, folder: &Path, inside: &Path, known: &Known<'_>) -> Result<(), FileError> {
        for name in regular::names(&folder.join(inside))? {
            let path = inside.join(&name);
            let text = path.to_str().unwrap_or_default();
            if files::what(&folder.join(&path))? == What::Folder {
                // A folder is ours by what is in it; one that we are about to make may be there already.
                let is_wanted = known.wanted_folders.contains(text);
                if !is_wanted && !known.own_folders.contains(text) {
                    self.foreign.push(path);
                    continue;
                }
                self.descend(folder, &path, known)?;
                if !is_wanted {
                    self.emptied.push(path);
                }
                continue;
            }
            match text.parse::<InnerPath>().ok().filter(|path| known.owned.contains(path)) {
                Some(ours) if known.wanted.contains(&ours) => drop(self.present.insert(ours)),
                Some(_) => self.stale.push(path),
                None if name.to_str().is_some_and(staging::is_staged) => self.leftovers.push(path),
                None => self.foreign.push(path),
            }
        }
        Ok(())
    }
}

/// What may be there.
struct Known<'a> {
    owned: &'a BTreeSet<InnerPath>,
    wanted: &'a BTreeSet<InnerPath>,
    own_folders: BTreeSet<String>,
    wanted_folders: BTreeSet<String>,
}

/// The folders that a path leads through: `image` and `image/blobs` for `image/blobs/x`.
pub(super) fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
