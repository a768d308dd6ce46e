//! `.sealift/`: what the last run of each stage did, and the lock of a project.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::host::files::{self, FileError};
use crate::host::staging::{self, Lock};

/// The folder of records in a project. It ignores itself, so that it never makes a tree dirty.
pub struct Records {
    dir: PathBuf,
    _lock: Lock,
}

impl Records {
    /// Opens the folder and keeps other runs of sealift out of the project until this one ends.
    pub fn open(root: &Path) -> Result<Self, FileError> {
        let dir = root.join(".sealift");
        files::make_real_folder(&dir)?;
        let lock = Lock::take(&dir.join("lock"))?;
        staging::sweep(&dir)?;
        let ignore = dir.join(".gitignore");
        if files::what(&ignore)? == files::What::Nothing {
            staging::write(&ignore, b"*\n", 0o644)?;
        }
        Ok(Self { dir, _lock: lock })
    }

    /// Writes the record of a command that only reads. While another sealift works on the project it is left unwritten:
    /// a reader neither waits nor disturbs.
    pub fn note(root: &Path, name: &str, record: &impl Serialize) -> Result<(), FileError> {
        match Self::open(root) {
            Ok(records) => records.write(name, record),
            Err(FileError::Locked { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The folder itself, which is swept when it is opened.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a record lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a record, for example `build.json`; one that would say the same is left alone.
    pub fn write(&self, name: &str, record: &impl Serialize) -> Result<(), FileError> {
        let mut bytes = serde_json::to_vec_pretty(record).expect("a record is plain data");
        bytes.push(b'\n');
        self.write_bytes(name, &bytes)
    }

    /// Writes a record whose bytes are decided elsewhere.
    pub fn write_bytes(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let path = self.path(name);
        if files::read_if_present(&path, bytes.len() as u64).ok().flatten().as_deref() == Some(bytes) {
            return Ok(());
        }
        staging::write(&path, bytes, 0o644).map(drop)
    }
}
