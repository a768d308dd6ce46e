//! The work tree: names of its files, and what of them `go list` depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sealift_trust::Digest;

use super::header::{header, may_be_command};
use crate::host::files::{self, FileError};
use crate::host::tree;
use crate::store::KeyBuilder;

/// A Go source file larger than this is no source file.
const GO_CAP: u64 = 64 << 20;

/// Some folders, read once.
pub struct Tree {
    roots: Vec<PathBuf>,
    names: BTreeSet<PathBuf>,
    commands: BTreeSet<PathBuf>,
    shape: Digest,
    tidiness: Digest,
    digests: Mutex<BTreeMap<PathBuf, Digest>>,
}

impl Tree {
    /// Reads folders: the names of all files, the headers of Go files, and the files that choose modules. Skipped are
    /// `.git` and the folders named in `skip` (our own output).
    pub fn read(roots: &[PathBuf], skip: &[PathBuf]) -> Result<Self, FileError> {
        let mut shape = KeyBuilder::new("tree", 1);
        let mut tests = KeyBuilder::new("tests", 1);
        let mut names = BTreeSet::new();
        let mut digests = BTreeMap::new();
        let mut commands = BTreeSet::new();
        for root in roots {
            shape.add("root", "");
            let mut paths = Vec::new();
            let mut enter = |path: &str| {
                let last = path.rsplit('/').next().unwrap_or(path);
                last != ".git" && !skip.contains(&root.join(path))
            };
            tree::walk(root, &mut enter, &mut |path| paths.push(path.to_owned()))?;
            for path in paths {
                let full = root.join(&path);
                shape.add("name", &path);
                let last = path.rsplit('/').next().unwrap_or(&path);
                let go = last.ends_with(".go");
                let test = last.ends_with("_test.go");
                let chooses = matches!(last, "go.mod" | "go.sum" | "go.work" | "go.work.sum" | "modules.txt");
                if (go || chooses) && matches!(files::what(&full)?, files::What::File { .. }) {
                    let bytes = files::read(&full, GO_CAP)?;
                    let digest = Digest::of(&bytes);
                    let counts = if go { Digest::of(&header(&bytes)) } else { digest };
                    if test { &mut tests } else { &mut shape }.add("counts", &counts.hex());
                    digests.insert(full.clone(), digest);
                    if go && !test && may_be_command(&bytes) {
                        commands.extend(full.parent().map(Path::to_owned));
                    }
                }
                names.insert(full);
            }
        }
        let shape = shape.finish().digest();
        let tidiness = tests.with("shape", &shape.hex()).finish().digest();
        Ok(Self { roots: roots.to_vec(), names, commands, shape, tidiness, digests: Mutex::new(digests) })
    }

    /// The digest of all that `go list` depends on in these folders.
    pub fn shape(&self) -> Digest {
        self.shape
    }

    /// The digest of all that `go mod tidy` depends on in these folders: imports of tests too.
    pub fn tidiness(&self) -> Digest {
        self.tidiness
    }

    /// The folders.
    pub fn roots(&self) -> Vec<&Path> {
        self.roots.iter().map(PathBuf::as_path).collect()
    }

    /// Whether a file was there when the tree was read.
    pub fn has(&self, path: &Path) -> bool {
        self.names.contains(path)
    }

    /// Folders with a Go file that says `package main`.
    pub fn commands(&self) -> impl Iterator<Item = &Path> {
        self.commands.iter().map(PathBuf::as_path)
    }

    /// The paths of files with a name, in order.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Path> {
        self.names.iter().map(PathBuf::as_path).filter(move |path| path.file_name().is_some_and(|last| last == name))
    }

    /// The paths below a folder, relative to it, with `/`.
    pub fn below<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = String> + 'a {
        self.names
            .iter()
            .filter_map(move |path| Some(with_slashes(path.strip_prefix(folder).ok()?.to_string_lossy().into_owned())))
    }

    /// The first file of a command below a folder that imports "C", relative to the folder.
    pub fn importing_c(&self, folder: &Path) -> Result<Option<String>, FileError> {
        for path in self.below(folder).filter(|path| path.ends_with(".go") && !path.ends_with("_test.go")) {
            let full = folder.join(&path);
            if !matches!(files::what(&full)?, files::What::File { .. }) {
                continue;
            }
            let header = header(&files::read(&full, GO_CAP)?);
            if may_be_command(&header) && header.windows(3).any(|three| three == b"\"C\"") {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// A file's digest; each file is read once.
    pub fn digest(&self, path: &Path) -> Result<Digest, FileError> {
        let known =
            |tree: &Self| tree.digests.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(path).copied();
        if let Some(digest) = known(self) {
            return Ok(digest);
        }
        let digest = files::measure(path)?.digest();
        self.digests.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(path.to_owned(), digest);
        Ok(digest)
    }
}

/// On other systems than Windows a backslash is part of a name.
fn with_slashes(path: String) -> String {
    if cfg!(windows) { path.replace('\\', "/") } else { path }
}
