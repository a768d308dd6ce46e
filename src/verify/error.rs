//! Why nothing could be judged. That something was judged and refused is no error, but a judgement.

use sealift_trust::KeyError;

use crate::error::{Fault, Kind};
use crate::host::files::FileError;

/// Nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// No file was named.
    #[error("no file is named that could be verified")]
    NoFiles,
    /// A path without a file name.
    #[error("{path:?} names no file")]
    NoName {
        /// The path.
        path: String,
    },
    /// Two files of one name: a release has one.
    #[error("{path} has the name of another file that is named")]
    SameName {
        /// The path.
        path: String,
    },
    /// There is no key at that path.
    #[error("there is no key at {path}")]
    NoKey {
        /// The path.
        path: String,
    },
    /// There is no such file.
    #[error("there is no {path}")]
    Absent {
        /// The path.
        path: String,
    },
    /// A folder, a device, …
    #[error("{path} is {what}, not a file that could be verified")]
    NotAFile {
        /// The path.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// A list of digests that cannot be read as one.
    #[error("{path}:{line}: {why}")]
    List {
        /// The list.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A list of digests that say nothing: two files of one digest are made in seconds.
    #[error("{path} holds digests of {algorithm}, for which anybody makes two files of one digest")]
    WeakDigest {
        /// The list.
        path: String,
        /// The algorithm.
        algorithm: &'static str,
    },
    /// A key that cannot be used.
    #[error("{path} holds no public key that can be used")]
    Key {
        /// The path.
        path: String,
        /// Why.
        source: KeyError,
    },
    /// A trusted root that cannot be used.
    #[error(transparent)]
    Keyless(#[from] super::KeylessError),
    /// A file or folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Fault for VerifyError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoFiles => "verify.no-files",
            Self::NoName { .. } => "verify.no-name",
            Self::SameName { .. } => "verify.same-name",
            Self::NoKey { .. } => "verify.no-key",
            Self::Absent { .. } => "verify.absent",
            Self::NotAFile { .. } => "verify.no-file",
            Self::List { .. } => "checksums.form",
            Self::WeakDigest { .. } => "checksums.weak",
            Self::Key { source, .. } => source.code(),
            Self::Keyless(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Interrupted => "verify.interrupted",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoFiles
            | Self::NoName { .. }
            | Self::SameName { .. }
            | Self::NoKey { .. }
            | Self::Absent { .. }
            | Self::NotAFile { .. } => Kind::Usage,
            Self::Key { .. } | Self::List { .. } | Self::Keyless(_) => Kind::Input,
            Self::WeakDigest { .. } => Kind::Trust,
            Self::File(error) => error.kind(),
            Self::Interrupted => Kind::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Absent { .. } | Self::NotAFile { .. } => {
                Some("sealift verify FILE --signature FILE.sig --key release.pub".to_owned())
            }
            Self::NoFiles | Self::NoName { .. } => Some("sealift verify dist --key release.pub".to_owned()),
            Self::Key { source, .. } => source.hint().map(str::to_owned),
            Self::Keyless(error) => error.hint().map(str::to_owned),
            Self::File(error) => error.hint(),
            Self::SameName { .. } => Some("name each file of the release once".to_owned()),
            Self::NoKey { .. } => Some(
                "name the public key of whoever made the release, who prints it with: sealift key public release.key"
                    .to_owned(),
            ),
            Self::WeakDigest { .. } => Some("ask the publisher for SHA-256, or better for a signature".to_owned()),
            Self::List { .. } => Some("a list is what sha256sum prints: digest, two spaces, name".to_owned()),
            Self::Interrupted => None,
        }
    }
}
