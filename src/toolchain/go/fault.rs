//! What can be wrong with a Go toolchain.

use super::gomod::ModFileError;
use super::proxy::ProxyError;
use super::sumdb::SumDbError;
use super::version::GoVersion;
use crate::archive::ArchiveError;
use crate::error::{Fault, Kind, Place};
use crate::host::files::FileError;
use crate::host::process::ProcessError;

/// A Go toolchain that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GoError {
    /// No Go on PATH, and nothing says which to fetch.
    #[error("there is no Go: none is on PATH, and no go.mod, go.work or build.go names a version")]
    Missing,
    /// The configured version is none.
    #[error("build.go = {text:?} is not a release of Go")]
    Configured {
        /// As written.
        text: String,
    },
    /// The Go on PATH cannot be understood.
    #[error("{program} is not a Go that can be used: {why}")]
    Unusable {
        /// Which.
        program: String,
        /// Why.
        why: String,
    },
    /// Versions before 1.21 cannot be downloaded as modules.
    #[error("Go {version} cannot be fetched: downloads exist from 1.21.0 on")]
    TooOld {
        /// Which.
        version: GoVersion,
    },
    /// No proxy has it.
    #[error("no module proxy has {name}")]
    Unavailable {
        /// Version and platform.
        name: String,
        /// What the last of them said.
        source: Box<ProxyError>,
    },
    /// Its hash is not what it must be.
    #[error("{name} has the hash {found}, but {by} says {expected}")]
    HashMismatch {
        /// Version and platform.
        name: String,
        /// Who says what it must be.
        by: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file of the module's zip is outside the module.
    #[error("{name} holds {entry}, which is not below {prefix}")]
    Prefix {
        /// Version and platform.
        name: String,
        /// The entry.
        entry: String,
        /// What every name must start with.
        prefix: String,
    },
    /// A toolchain that is not what it is called.
    #[error("{name} is not that toolchain: {why}")]
    Content {
        /// Version and platform.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Another run has been fetching the same toolchain for too long.
    #[error("another sealift has been fetching {name} for {minutes} minutes")]
    Busy {
        /// Version and platform.
        name: String,
        /// How long this one waited.
        minutes: u64,
    },
    /// A `go.mod` or `go.work`.
    #[error(transparent)]
    ModFile(#[from] ModFileError),
    /// The module proxies.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The checksum database.
    #[error(transparent)]
    SumDb(#[from] SumDbError),
    /// The zip.
    #[error("{name} is not a sound archive")]
    Archive {
        /// Version and platform.
        name: String,
        /// What is wrong.
        source: Box<ArchiveError>,
    },
    /// A child.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Fault for GoError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "toolchain.missing",
            Self::Configured { .. } => "toolchain.version",
            Self::Unusable { .. } => "toolchain.unusable",
            Self::TooOld { .. } => "toolchain.too-old",
            Self::Unavailable { .. } => "toolchain.unavailable",
            Self::HashMismatch { .. } => "toolchain.hash-mismatch",
            Self::Prefix { .. } => "toolchain.prefix",
            Self::Content { .. } => "toolchain.content",
            Self::Busy { .. } => "toolchain.busy",
            Self::ModFile(error) => error.code(),
            Self::Proxy(error) => error.code(),
            Self::SumDb(error) => error.code(),
            Self::Archive { source, .. } => source.code(),
            Self::Process(error) => error.code(),
            Self::File(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Missing | Self::Unusable { .. } | Self::TooOld { .. } | Self::Unavailable { .. } => Kind::Tool,
            Self::Configured { .. } => Kind::Config,
            Self::HashMismatch { .. } => Kind::Trust,
            Self::Prefix { .. } | Self::Content { .. } => Kind::Input,
            Self::Busy { .. } => Kind::Conflict,
            Self::ModFile(error) => error.kind(),
            Self::Proxy(error) => error.kind(),
            Self::SumDb(error) => error.kind(),
            Self::Archive { source, .. } => source.kind(),
            Self::Process(error) => error.kind(),
            Self::File(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing => Some("install Go (https://go.dev/dl/), or write `go = \"1.26.8\"` under [build]".into()),
            Self::Configured { .. } => Some("name a release, for example `go = \"1.26.8\"`".into()),
            Self::Unusable { .. } => Some("put another Go first on PATH (https://go.dev/dl/)".into()),
            Self::TooOld { version } => Some(format!("put Go {version} on PATH, or build with a newer one")),
            Self::Unavailable { .. } => Some("check that the version exists: https://go.dev/dl/?mode=json&include=all".into()),
            Self::HashMismatch { .. } => Some(
                "do not use it: the hash of a release never changes; check GOPROXY, and where the expected hash came from".into(),
            ),
            Self::Prefix { .. } | Self::Content { .. } => Some("check GOPROXY: this is not what Go's own proxy serves".into()),
            Self::Busy { .. } => Some("wait until it has ended".into()),
            Self::ModFile(error) => error.hint(),
            Self::Proxy(error) => error.hint(),
            Self::SumDb(error) => error.hint(),
            Self::Archive { source, .. } => source.hint(),
            Self::Process(error) => error.hint(),
            Self::File(error) => error.hint(),
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::ModFile(error) => error.place(),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Proxy(error) => error.detail(),
            Self::Process(error) => error.detail(),
            _ => None,
        }
    }
}
