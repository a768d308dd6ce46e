//! What can go wrong with an SBOM.

use super::binary::BinaryError;
use crate::error::{Fault, Kind};
use crate::host::files::FileError;
use crate::sanitize::sanitize_line;

/// Why there is no SBOM.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// A file is no executable, or a damaged one.
    #[error("{path} cannot be listed")]
    Binary {
        /// Which, safe to show.
        path: String,
        /// What is wrong.
        source: BinaryError,
    },
    /// An executable does not tell what is in it.
    #[error("{path} does not tell what is in it: {why}")]
    Silent {
        /// Which, safe to show.
        path: String,
        /// Why.
        why: &'static str,
        /// Whether UPX packed it.
        packed: bool,
    },
    /// Not a file of which there could be an SBOM.
    #[error("{path} is {what}")]
    NotAFile {
        /// Which, safe to show.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// A folder without an executable that tells what is in it.
    #[error("{path} holds no executable of which a list can be made")]
    Nothing {
        /// Which, safe to show.
        path: String,
    },
    /// A list that somebody wrote, of a form that is not known here.
    #[error("{path} is no list that can be read: {why}")]
    List {
        /// Which, safe to show.
        path: String,
        /// Why.
        why: String,
    },
    /// Not an image, or not for the platform that is asked for.
    #[error("there is no image to list in {place}: {why}")]
    NoImage {
        /// Where, safe to show.
        place: String,
        /// Why.
        why: String,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl SbomError {
    pub(super) fn shown(path: &str) -> String {
        sanitize_line(path).into_owned()
    }
}

impl Fault for SbomError {
    fn code(&self) -> &'static str {
        match self {
            Self::Binary { source: BinaryError::NotABinary, .. } => "sbom.not-a-binary",
            Self::Binary { .. } => "sbom.damaged",
            Self::Silent { packed: true, .. } => "sbom.packed",
            Self::Silent { .. } => "sbom.no-build-info",
            Self::NotAFile { .. } => "sbom.not-a-file",
            Self::Nothing { .. } => "sbom.nothing",
            Self::List { .. } => "sbom.list",
            Self::NoImage { .. } => "sbom.no-image",
            Self::File(error) => error.code(),
            Self::Interrupted => "sbom.interrupted",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::File(error) => error.kind(),
            Self::Interrupted => Kind::Interrupted,
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Binary { source: BinaryError::NotABinary, .. } => Some(
                "an SBOM is made of an ELF, PE or Mach-O executable, of a folder that holds some, or of an image"
                    .into(),
            ),
            Self::List { .. } => Some("CycloneDX and SPDX 2 in JSON are read".into()),
            Self::NoImage { .. } => Some("sealift image explain IMAGE shows what is there".into()),
            Self::Silent { packed: true, path, .. } => Some(format!("unpack it first: upx -d {path}")),
            Self::Silent { .. } => Some(
                "build it with Go modules or cargo auditable, or pass --incomplete for an SBOM that says so".into(),
            ),
            Self::File(error) => error.hint(),
            _ => None,
        }
    }
}
