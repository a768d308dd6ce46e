//! What is known about the Go that builds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealift_trust::Digest;
use serde::{Deserialize, Serialize};

use super::environment::environment;
use super::settings::GoSettings;
use super::version::GoVersion;
use crate::host::env::Env;

/// A Go that is there and can build.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// Its version.
    pub version: GoVersion,
    /// GOROOT.
    pub root: PathBuf,
    /// The go command.
    pub program: PathBuf,
    /// Where it came from.
    pub source: Source,
    /// Who vouches for it.
    pub trust: Trust,
    /// The `h1:` hash of its module, when it was fetched as one.
    pub hash: Option<String>,
    /// The digest of `VERSION` and of the programs that decide a binary's bytes.
    pub identity: Digest,
    /// The `os/arch` pairs that it builds for.
    pub targets: Vec<String>,
}

/// Where a toolchain came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// It was on PATH.
    Path,
    /// It had been fetched before.
    Cached,
    /// It was fetched now.
    Fetched {
        /// From which proxy, without credentials.
        from: String,
    },
}

/// Who vouches for a toolchain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The user, who put it on PATH.
    Path,
    /// The pin in `sealift.lock`.
    Locked,
    /// The checksum database, with a proof.
    ChecksumDatabase,
    /// Nobody but the proxy.
    Unverified {
        /// Why nobody else could be asked.
        why: String,
    },
}

impl Facts {
    /// The whole environment of a go command of this toolchain, before what a target adds.
    pub fn environment(&self, env: &Env, settings: &GoSettings, cache: &Path) -> BTreeMap<String, String> {
        environment(env, settings, &self.root, cache)
    }
}
