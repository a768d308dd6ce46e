//! What can be wrong while a release is sealed and placed.

use sealift_trust::statement::{MAX_MANIFEST, TermError};
use sealift_trust::{DsseError, FileName, JsonError, NameError, StatementError};

use super::SignerError;
use crate::archive::ArchiveError;
use crate::error::{Fault, Kind};
use crate::host::files::FileError;
use crate::product::RecordError;

/// A release that cannot be sealed, or not be placed.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// The parts do not make a release.
    #[error("these artifacts make no release")]
    Statement(#[from] StatementError),
    /// A text that a manifest cannot hold.
    #[error("the manifest cannot say this")]
    Term(#[from] TermError),
    /// A name or path that a manifest cannot hold.
    #[error("the manifest cannot name this")]
    Name(#[from] NameError),
    /// A moment after the year 9999.
    #[error("{0} seconds after 1970 are beyond the year 9999")]
    Created(u64),
    /// An artifact without bytes, or with more than any reader counts exactly.
    #[error("{name} has {size} bytes")]
    Size {
        /// The artifact.
        name: String,
        /// Its size.
        size: u64,
    },
    /// The envelope cannot be made.
    #[error("the manifest cannot be signed")]
    Envelope(#[from] DsseError),
    /// A file of somebody else has a name that is needed.
    #[error("{path} is there already, and is not of an earlier release by this key")]
    Taken {
        /// Which.
        path: String,
    },
    /// Nobody signs.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// One file that is not signed.
    #[error("{name} cannot be signed in the format {format}")]
    Unsigned {
        /// Which.
        name: FileName,
        /// In which format.
        format: &'static str,
        /// Why.
        source: SignerError,
    },
    /// The manifest is longer than any verifier reads.
    #[error("the manifest has {found} bytes; at most {MAX_MANIFEST} are read")]
    TooLarge {
        /// How many bytes it has.
        found: usize,
    },
    /// What was signed reads as something else.
    #[error("the signed manifest is not what was to be signed")]
    NotReadBack,
    /// Files in `dist/` that sealift did not put there.
    #[error("{folder} holds {} that sealift did not put there: {}", files(.names.len()), few(.names))]
    ForeignFile {
        /// The folder.
        folder: String,
        /// Their names.
        names: Vec<String>,
    },
    /// A folder that is somebody's repository.
    #[error("{folder} is a git repository, and its files are not removed")]
    Repository {
        /// The folder.
        folder: String,
    },
    /// Two files with one path, or a file where a folder must be.
    #[error(
        "two files are to be named {0:?}, or one is to lie in the other, when upper and lower case are not told apart"
    )]
    SameName(String),
    /// A file is no longer what was measured.
    #[error("{path} is no longer what was measured when it was made")]
    Changed {
        /// Which.
        path: String,
    },
    /// A file of an earlier run is missing.
    #[error("{path} is missing, or is no regular file")]
    Missing {
        /// Which.
        path: String,
    },
    /// The list of our own files is damaged.
    #[error("{path} is damaged")]
    Journal {
        /// Which.
        path: String,
        /// How.
        source: JsonError,
    },
    /// The record of an earlier run is damaged, or of another version.
    #[error("{path} cannot be used")]
    Record {
        /// Which.
        path: String,
        /// How.
        source: RecordError,
    },
    /// An archive of an earlier run cannot be read.
    #[error("{path} cannot be read")]
    Archive {
        /// Which.
        path: String,
        /// Why.
        source: ArchiveError,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

fn few(names: &[String]) -> String {
    let shown = names.iter().take(5).map(|name| crate::sanitize::sanitize_line(name).into_owned());
    let rest = names.len().saturating_sub(5);
    let more = (rest > 0).then(|| format!("and {rest} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

impl Fault for AttestError {
    fn code(&self) -> &'static str {
        match self {
            Self::Statement(error) => error.code(),
            Self::Term(error) => error.code(),
            Self::Name(error) => error.code(),
            Self::Created(_) => "attest.created",
            Self::Size { .. } => "attest.size",
            Self::Envelope(error) => error.code(),
            Self::Taken { .. } => "attest.taken",
            Self::Signer(error) | Self::Unsigned { source: error, .. } => error.code(),
            Self::TooLarge { .. } => "attest.too-large",
            Self::NotReadBack => "attest.not-read-back",
            Self::ForeignFile { .. } => "attest.foreign-file",
            Self::Repository { .. } => "attest.repository",
            Self::SameName(_) => "attest.same-name",
            Self::Changed { .. } => "attest.changed",
            Self::Missing { .. } => "attest.missing",
            Self::Journal { .. } => "attest.journal",
            Self::Record { .. } => "attest.record",
            Self::Archive { source, .. } => source.code(),
            Self::File(error) => error.code(),
            Self::Interrupted => "attest.interrupted",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Statement(_)
            | Self::Term(_)
            | Self::Name(_)
            | Self::Size { .. }
            | Self::TooLarge { .. }
            | Self::SameName(_)
            | Self::Changed { .. }
            | Self::Missing { .. }
            | Self::Journal { .. }
            | Self::Record { .. } => Kind::Input,
            Self::Created(_) => Kind::Config,
            Self::Envelope(_) | Self::NotReadBack => Kind::Bug,
            Self::ForeignFile { .. } | Self::Repository { .. } | Self::Taken { .. } => Kind::Conflict,
            Self::Archive { source, .. } => source.kind(),
            Self::Signer(error) | Self::Unsigned { source: error, .. } => error.kind(),
            Self::File(error) => error.kind(),
            Self::Interrupted => Kind::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ForeignFile { folder, .. } => Some(format!(
                "move them away, or pass --clean to remove everything in {folder} that is not of this release"
            )),
            Self::Taken { .. } => Some("move it away, or sign with the key that it was signed with".to_owned()),
            Self::Repository { .. } => Some("choose a folder of its own for the release".to_owned()),
            Self::Changed { .. } => Some("run the same command again: what is damaged is made again".to_owned()),
            Self::Missing { .. } | Self::Record { .. } | Self::Archive { .. } => {
                Some("sealift package, and sealift image for images, makes it again".to_owned())
            }
            Self::Journal { path, .. } => Some(format!("remove {path}, and pass --clean")),
            Self::Created(_) => Some("set SOURCE_DATE_EPOCH to seconds since 1970".to_owned()),
            Self::Interrupted => Some("run the same command again; it goes on where it stopped".to_owned()),
            Self::File(error) => error.hint(),
            Self::Signer(error) | Self::Unsigned { source: error, .. } => error.hint(),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Signer(error) | Self::Unsigned { source: error, .. } => error.detail(),
            _ => None,
        }
    }
}
