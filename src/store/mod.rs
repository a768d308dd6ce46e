//! The content-addressed store and the step cache: what was made once, found again by the digest of what it was made of.
//!
//! Layout below the cache folder: `blobs/sha256/<2 hex>/<62 hex>` hold bytes by their digest, `steps/<2 hex>/<62 hex>`
//! say which step made which blobs, `stage/<run>/` is where a run works. A blob is measured before it is used, a step's
//! record carries its own digest: whatever was damaged is made again. Therefore nothing here waits for the disk: what a
//! power cut takes away is a step that is done again, and a release is made durable where it is placed.

mod key;
mod prune;
mod records;
mod stage;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use sealift_trust::Digest;
use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::host::files::{self, FileError};
use crate::host::staging;

pub use key::{Key, KeyBuilder};
pub use prune::{Pruned, Stats};
pub use records::Records;
pub use stage::Stage;

/// The most that a step's record may have: a listing of a large module graph is about a megabyte.
const RECORD_CAP: u64 = 64 << 20;

/// The store in the cache folder.
pub struct Store {
    root: PathBuf,
    stage: Stage,
}

/// What a step left: its outputs by name, and a value of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What made it, for people: `build api linux/amd64`.
    pub step: String,
    /// Outputs by name.
    pub outputs: BTreeMap<String, Output>,
    /// What else the step found out.
    pub value: serde_json::Value,
}

/// An output as a record tells it. Not an [`Artifact`]: it was measured once, and is measured again before use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Digest.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

impl From<Artifact> for Output {
    fn from(artifact: Artifact) -> Self {
        Self { digest: artifact.digest(), size: artifact.size() }
    }
}

impl Store {
    /// Opens or makes the store below a cache folder, and clears what killed runs left behind.
    pub fn open(cache: &Path) -> Result<Self, FileError> {
        let root = cache.to_owned();
        for folder in ["blobs/sha256", "steps", "stage"] {
            files::make_folder(&root.join(folder))?;
        }
        let stage = Stage::begin(&root.join("stage"))?;
        Ok(Self { root, stage })
    }

    /// The cache folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of this run, in the store's filesystem, gone when the run ends.
    pub fn stage(&self) -> &Path {
        self.stage.path()
    }

    /// Where a blob lies, if it is there.
    pub fn path_of(&self, digest: Digest) -> PathBuf {
        self.fan(&["blobs", "sha256"], &digest.hex())
    }

    fn fan(&self, folders: &[&str], hex: &str) -> PathBuf {
        let mut path = self.root.clone();
        path.extend(folders);
        path.join(&hex[..2]).join(&hex[2..])
    }

    /// Takes a complete file from the stage into the store.
    pub fn keep(&self, settled: staging::Settled) -> Result<Artifact, FileError> {
        let path = self.path_of(settled.artifact().digest());
        files::make_folder(path.parent().expect("a blob lies in a folder"))?;
        settled.commit_volatile(&path)
    }

    /// Whether the blob is there and its bytes are what its name says. One that is damaged is removed.
    pub fn intact(&self, output: Output) -> Result<Option<Artifact>, FileError> {
        let path = self.path_of(output.digest);
        if !matches!(files::what(&path)?, files::What::File { size, .. } if size == output.size) {
            files::remove(&path)?;
            return Ok(None);
        }
        let artifact = files::measure(&path)?;
        if Output::from(artifact) == output {
            return Ok(Some(artifact));
        }
        files::remove(&path)?;
        Ok(None)
    }

    /// The record of a step that was done before. A damaged record counts as none.
    pub fn find(&self, key: &Key) -> Result<Option<Record>, FileError> {
        let path = self.fan(&["steps"], &key.digest().hex());
        let Some(bytes) = files::read_if_present(&path, RECORD_CAP)? else { return Ok(None) };
        let record = open_record(&bytes);
        if record.is_none() {
            files::remove(&path)?;
        }
        Ok(record)
    }

    /// Records a step after its outputs are in the store.
    pub fn record(&self, key: &Key, record: &Record) -> Result<(), FileError> {
        let path = self.fan(&["steps"], &key.digest().hex());
        files::make_folder(path.parent().expect("a record lies in a folder"))?;
        let body = serde_json::to_vec(record).expect("a record is plain data");
        let mut bytes = Digest::of(&body).hex().into_bytes();
        bytes.push(b'\n');
        bytes.extend(body);
        // Staged where the run works: what a killed run leaves there goes with the next one.
        let mut staged = staging::Staged::create(self.stage(), 0o644)?;
        staged.write_all(&bytes).map_err(files::at("write", &path))?;
        staged.measured().commit_volatile(&path).map(drop)
    }

    /// Forgets a step, so that it is done again.
    pub fn forget(&self, key: &Key) -> Result<(), FileError> {
        files::remove(&self.fan(&["steps"], &key.digest().hex()))
    }

    /// A value that was found out before, or is found out now: for readers whose answer depends on nothing but the key.
    pub fn memo<T, E>(&self, key: &Key, step: &str, find_out: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        T: Serialize + serde::de::DeserializeOwned,
        E: From<FileError>,
    {
        if let Some(record) = self.find(key)?
            && let Ok(value) = serde_json::from_value(record.value)
        {
            return Ok(value);
        }
        let value = find_out()?;
        let plain = serde_json::to_value(&value).expect("a memo is plain data");
        self.record(key, &Record { step: step.to_owned(), outputs: BTreeMap::new(), value: plain })?;
        Ok(value)
    }
}

fn open_record(bytes: &[u8]) -> Option<Record> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let (digest, body) = (std::str::from_utf8(&bytes[..at]).ok()?, &bytes[at + 1..]);
    (Digest::from_hex(digest).ok()? == Digest::of(body)).then(|| serde_json::from_slice(body).ok())?
}

#[cfg(test)]
mod tests;
