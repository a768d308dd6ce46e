//! The toolchains that were fetched: one folder each, there whole or not at all.
//!
//! `toolchains/go1.26.8.linux-amd64/` holds `go/` (GOROOT) and `fetched.json`; `.go1.26.8.linux-amd64.staging/` is where
//! a run works, and `.go1.26.8.linux-amd64.lock` keeps a second run waiting.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sealift_trust::Digest;
use serde::{Deserialize, Serialize};

use super::facts::Trust;
use super::fault::GoError;
use super::release::Release;
use crate::host::Host;
use crate::host::files::{self, FileError};
use crate::host::process::ProcessError;
use crate::host::staging::{self, Lock};

/// The most that is read of `fetched.json`.
const CAP: u64 = 64 * 1024;
/// What was found out about a toolchain, beside it.
const RECORD: &str = "fetched.json";
/// How long a run waits for another one that fetches the same.
const WAIT_MINUTES: u64 = 15;
/// How often it looks.
const PAUSE: Duration = Duration::from_millis(100);

/// What was found out when a toolchain was fetched.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// Its module's hash.
    pub hash: String,
    /// Who vouched for it.
    pub trust: Trust,
    /// What its programs were.
    pub identity: Digest,
}

/// The place of one toolchain in the cache.
pub struct Slot {
    dir: PathBuf,
    staging: PathBuf,
    lock: PathBuf,
    name: String,
}

impl Slot {
    /// The slot of a release below a cache folder.
    pub fn of(cache: &Path, release: &Release) -> Self {
        let (all, name) = (cache.join("toolchains"), release.name());
        Self {
            dir: all.join(&name),
            staging: all.join(format!(".{name}.staging")),
            lock: all.join(format!(".{name}.lock")),
            name,
        }
    }

    /// GOROOT of the complete toolchain.
    pub fn root(&self) -> PathBuf {
        self.dir.join("go")
    }

    /// What is there, if it is complete. A record that cannot be read is none: the toolchain is fetched again.
    pub fn complete(&self) -> Result<Option<Fetched>, GoError> {
        let record = files::read_if_present(&self.dir.join(RECORD), CAP)?;
        Ok(record.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Notes what was found out about it since.
    pub fn record(&self, fetched: &Fetched) -> Result<(), GoError> {
        Ok(staging::remember(&self.dir.join(RECORD), &bytes_of(fetched))?)
    }

    /// Waits until nobody else works on this slot.
    pub fn lock(&self, host: &Host) -> Result<Lock, GoError> {
        files::make_folder(self.dir.parent().unwrap_or(&self.dir))?;
        let turns = WAIT_MINUTES * 60_000 / u64::try_from(PAUSE.as_millis()).unwrap_or(1);
        for _ in 0..turns {
            match Lock::take(&self.lock) {
                Ok(lock) => return Ok(lock),
                Err(FileError::Locked { .. }) if host.children.stopped() => {
                    return Err(ProcessError::Interrupted.into());
                }
                Err(FileError::Locked { .. }) => std::thread::sleep(PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
        Err(GoError::Busy { name: self.name.clone(), minutes: WAIT_MINUTES })
    }

    /// Starts anew: what a killed run left is removed. Only who holds the lock may.
    pub fn stage(&self, _held: &Lock) -> Result<Staging<'_>, GoError> {
        files::remove_folder(&self.staging)?;
        files::make_folder(&self.staging)?;
        Ok(Staging { slot: self })
    }
}

/// The folder in which a toolchain comes to be; it vanishes unless it is committed.
pub struct Staging<'a> {
    slot: &'a Slot,
}

impl Staging<'_> {
    /// Where the zip is downloaded to.
    pub fn zip(&self) -> PathBuf {
        self.slot.staging.join("module.zip")
    }

    /// Where it is unpacked.
    pub fn root(&self) -> PathBuf {
        self.slot.staging.join("go")
    }

    /// Makes the toolchain visible under its name, in place of one that was found to be damaged.
    pub fn commit(self, fetched: &Fetched) -> Result<(), GoError> {
        files::remove(&self.zip())?;
        staging::write(&self.slot.staging.join(RECORD), &bytes_of(fetched), 0o644)?;
        files::remove_folder(&self.slot.dir)?;
        Ok(files::rename(&self.slot.staging, &self.slot.dir)?)
    }
}

fn bytes_of(fetched: &Fetched) -> Vec<u8> {
    serde_json::to_vec(fetched).expect("strings and a digest have a JSON form")
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // After a commit there is nothing to remove; what cannot be removed now, the next run removes before it starts.
        files::remove_folder(&self.slot.staging).ok();
    }
}
