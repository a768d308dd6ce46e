//! What is wrong with images, their documents and their names.

use std::io;

use sealift_trust::{Digest, JsonError};

use crate::error::{Failure, Fault, Kind};
use crate::sanitize::sanitize_line;

/// Something about an image that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OciError {
    /// A document is no strict JSON.
    #[error("{what} is not JSON that every reader reads the same way")]
    Json {
        /// Which document.
        what: String,
        /// What is wrong with it.
        source: JsonError,
    },
    /// A document has not the shape that its type wants.
    #[error("{what} is not what its type wants: {why}")]
    Document {
        /// Which document.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// A document could be read as a manifest and as an index.
    #[error("{what} could be read in two ways: it holds {member:?}")]
    Confused {
        /// Which document.
        what: String,
        /// The member that does not belong there.
        member: String,
    },
    /// The type told outside a document is not the one inside.
    #[error("a document came as {told} and calls itself {found}")]
    MediaType {
        /// As the descriptor or the header has it.
        told: String,
        /// As the document has it.
        found: String,
    },
    /// A type that is no document of an image.
    #[error("{found} is no manifest and no index of an image")]
    UnknownType {
        /// The type.
        found: String,
    },
    /// Docker's first schema.
    #[error("the image is in Docker's schema 1, which registries gave up in 2019: its configuration has no digest")]
    Schema1,
    /// A digest of another algorithm, or no digest.
    #[error("{what} names {text:?}, which is no SHA-256 digest")]
    Digest {
        /// Where it stands.
        what: String,
        /// As written.
        text: String,
    },
    /// More bytes than such a document may have.
    #[error("{what} has {found} bytes, at most {cap} are read")]
    TooLarge {
        /// Which.
        what: String,
        /// Its size.
        found: u64,
        /// The most.
        cap: u64,
    },
    /// The bytes are not those that were asked for.
    #[error("the bytes for {want} have the digest {found}")]
    DigestMismatch {
        /// What was asked for.
        want: Digest,
        /// What came.
        found: Digest,
    },
    /// There are more or fewer bytes than told.
    #[error("{digest} should have {want} bytes and has {found}")]
    SizeMismatch {
        /// What was asked for.
        digest: Digest,
        /// Its size.
        want: u64,
        /// What came.
        found: u64,
    },
    /// A stream goes on after the last byte that was told.
    #[error("{digest} should have {want} bytes and does not end there")]
    Endless {
        /// What was asked for.
        digest: Digest,
        /// Its size.
        want: u64,
    },
    /// An index in an index in an index.
    #[error("{digest} stands in more indexes within each other than any tool writes")]
    Nested {
        /// The innermost.
        digest: Digest,
    },
    /// What came as being about a document is about something else.
    #[error("{digest} was listed as being about {subject}, and is not")]
    Referrer {
        /// What was listed.
        digest: Digest,
        /// What it should be about.
        subject: Digest,
    },
    /// A text is no platform.
    #[error("{text:?} is not a platform: it is spelled os/architecture or os/architecture/variant")]
    Platform {
        /// As written.
        text: String,
    },
    /// A text is no reference to an image.
    #[error("{text:?} is not a reference to an image: {why}")]
    Reference {
        /// As written.
        text: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A tag where a digest is required.
    #[error("{text:?} is a tag, and tags move: a digest is required here")]
    NotPinned {
        /// As written.
        text: String,
    },
    /// A text names no place of an image.
    #[error("{text:?} is not a place of an image: {why}")]
    Place {
        /// As written.
        text: String,
        /// What is wrong.
        why: &'static str,
    },
}

impl OciError {
    /// At most 120 characters of a foreign text, safe to show.
    pub(super) fn shown(text: &str) -> String {
        sanitize_line(&text.chars().take(120).collect::<String>()).into_owned()
    }
}

impl Fault for OciError {
    fn code(&self) -> &'static str {
        match self {
            Self::Json { .. } => "oci.json",
            Self::Document { .. } => "oci.document",
            Self::Confused { .. } => "oci.confused",
            Self::MediaType { .. } => "oci.media-type",
            Self::UnknownType { .. } => "oci.unknown-type",
            Self::Schema1 => "oci.schema1",
            Self::Digest { .. } => "oci.digest",
            Self::TooLarge { .. } => "oci.too-large",
            Self::DigestMismatch { .. } => "oci.digest-mismatch",
            Self::SizeMismatch { .. } => "oci.size-mismatch",
            Self::Endless { .. } => "oci.endless",
            Self::Nested { .. } => "oci.nested",
            Self::Referrer { .. } => "oci.referrer",
            Self::Platform { .. } => "oci.platform",
            Self::Reference { .. } => "oci.reference",
            Self::NotPinned { .. } => "oci.not-pinned",
            Self::Place { .. } => "oci.place",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::Endless { .. } | Self::Referrer { .. } => {
                Kind::Trust
            }
            Self::Platform { .. } | Self::Reference { .. } | Self::NotPinned { .. } | Self::Place { .. } => Kind::Usage,
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Schema1 => "have its owner push it again with a current tool".into(),
            Self::Platform { .. } => "for example linux/amd64 or linux/arm/v7".into(),
            Self::Reference { .. } => {
                "for example alpine:3.22, ghcr.io/owner/name:1.2 or registry.example:5000/name@sha256:…".into()
            }
            Self::NotPinned { text } => format!("`sealift image resolve` gives the digest of {text}"),
            Self::Place { .. } => {
                "for example oci:dist/image:1.2.3, oci-archive:image.tar, docker-archive:image.tar or a reference"
                    .into()
            }
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::Endless { .. } => {
                "nothing of it was used; ask another mirror, or whoever keeps the registry".into()
            }
            _ => return None,
        })
    }
}

/// A failure on its way through [`io::Error`], because streams can say nothing else.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
struct Carried(Failure);

/// Sends a failure through a stream; [`from_stream`] takes it out again.
pub fn through_stream(failure: impl Into<Failure>) -> io::Error {
    io::Error::other(Carried(failure.into()))
}

/// The failure that a stream carried; what the system itself said becomes what `otherwise` makes of it.
pub fn from_stream(error: io::Error, otherwise: impl FnOnce(io::Error) -> Failure) -> Failure {
    match error.downcast::<Carried>() {
        Ok(Carried(failure)) => failure,
        Err(error) => otherwise(error),
    }
}
