//! What can go wrong in packaging.

use crate::archive::ArchiveError;
use crate::error::{Fault, Kind};
use crate::host::files::FileError;
use crate::table::bytes;

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// An archive is too large.
    #[error("{name} has {}, {} more than its budget of {}", bytes(*.size), bytes(*.size - *.budget), bytes(*.budget))]
    Budget {
        /// Which.
        name: String,
        /// Its size.
        size: u64,
        /// The most it may have.
        budget: u64,
        /// Its largest files, as a table.
        contributors: String,
    },
    /// A file is not what it was when it was measured.
    #[error("{path} changed while it was packaged")]
    Changed {
        /// Which.
        path: String,
    },
    /// The archive cannot be written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Fault for PackageError {
    fn code(&self) -> &'static str {
        match self {
            Self::Budget { .. } => "package.budget",
            Self::Changed { .. } => "package.changed",
            Self::Archive(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Interrupted => "package.interrupted",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Budget { .. } => Kind::Gate,
            Self::Changed { .. } => Kind::Input,
            Self::Archive(error) => error.kind(),
            Self::File(error) => error.kind(),
            Self::Interrupted => Kind::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Budget { .. } => Some("raise package.budget.archive, or make the largest files smaller".into()),
            Self::Changed { .. } => Some("run the same command again, and leave the tree alone meanwhile".into()),
            Self::Archive(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::Interrupted => Some("run the same command again: finished steps are kept".into()),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Budget { contributors, .. } => Some(contributors.clone()),
            _ => None,
        }
    }
}
