//! What can go wrong with images.

use crate::archive::ArchiveError;
use crate::error::{Failure, Fault, Kind, Place};
use crate::host::files::FileError;
use crate::oci::OciError;
use crate::table::bytes;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// An image is too large.
    #[error("{image} has {}, {} more than its budget of {}", bytes(*.size), bytes(*.size - *.budget), bytes(*.budget))]
    Budget {
        /// Which.
        image: String,
        /// Its size.
        size: u64,
        /// The most it may have.
        budget: u64,
        /// Its layers and largest files, as a table.
        explained: String,
    },
    /// A file is not what it was when it was measured.
    #[error("{path} changed while its image was made")]
    Changed {
        /// Which.
        path: String,
    },
    /// A file of a base that is merged is not text.
    #[error("{path} of the base {base} is not UTF-8 text")]
    BaseText {
        /// The base.
        base: String,
        /// Which file.
        path: String,
    },
    /// A base that is not what was pinned.
    #[error("the base {base} is {why}")]
    Base {
        /// The base.
        base: String,
        /// What is wrong.
        why: String,
    },
    /// An image that has nowhere to go.
    #[error("the image of {service} has no repository to be pushed to")]
    NoRepository {
        /// The service.
        service: String,
    },
    /// Nothing to make an image for.
    #[error("no service has an image: {why}")]
    Nothing {
        /// Why.
        why: String,
    },
    /// Neither podman nor docker.
    #[error("neither podman nor docker is on PATH")]
    NoRuntime,
    /// A place in a manifest that names an unknown service.
    #[error("{file}:{line}: there is no image of {name}")]
    Unresolved {
        /// The file.
        file: String,
        /// Where.
        line: usize,
        /// The service that is named.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A layer cannot be written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// An image's documents.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A source of images.
    #[error("{}", .0.message)]
    Source(Box<Failure>),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<Failure> for ImageError {
    fn from(failure: Failure) -> Self {
        Self::Source(Box::new(failure))
    }
}

impl Fault for ImageError {
    fn code(&self) -> &'static str {
        match self {
            Self::Budget { .. } => "image.budget",
            Self::Changed { .. } => "image.changed",
            Self::BaseText { .. } => "image.base-text",
            Self::Base { .. } => "image.base",
            Self::NoRepository { .. } => "image.no-repository",
            Self::Nothing { .. } => "image.none",
            Self::NoRuntime => "image.no-runtime",
            Self::Unresolved { .. } => "image.unresolved",
            Self::Archive(error) => error.code(),
            Self::Oci(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Source(failure) => failure.code,
            Self::Interrupted => "image.interrupted",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Budget { .. } => Kind::Gate,
            Self::Changed { .. } | Self::BaseText { .. } | Self::Base { .. } | Self::Unresolved { .. } => Kind::Input,
            Self::NoRepository { .. } => Kind::Config,
            Self::Nothing { .. } => Kind::Nothing,
            Self::NoRuntime => Kind::Tool,
            Self::Archive(error) => error.kind(),
            Self::Oci(error) => error.kind(),
            Self::File(error) => error.kind(),
            Self::Source(failure) => failure.kind,
            Self::Interrupted => Kind::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Budget { .. } => "raise image.budget, or make the largest files smaller".into(),
            Self::Changed { .. } => "run the same command again, and leave the tree alone meanwhile".into(),
            Self::BaseText { .. } | Self::Base { .. } => "choose another base, or run sealift update".into(),
            Self::NoRepository { .. } => {
                "name one in sealift.toml: [image] repository = \"ghcr.io/acme/{service}\"".into()
            }
            Self::Nothing { .. } => "images are made of Linux binaries: look at image.platforms and --target".into(),
            Self::NoRuntime => "install podman or docker, or write a file: sealift image copy oci:dist/image \
                                docker-archive:image.tar"
                .into(),
            Self::Unresolved { name, known, .. } => {
                match crate::error::nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean sealift://{near}?"),
                    None => format!("there are: {}", known.join(", ")),
                }
            }
            Self::Archive(error) => return error.hint(),
            Self::Oci(error) => return error.hint(),
            Self::File(error) => return error.hint(),
            Self::Source(failure) => return failure.hint.clone(),
            Self::Interrupted => "run the same command again: finished steps are kept".into(),
        })
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Source(failure) => failure.place.clone(),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Budget { explained, .. } => Some(explained.clone()),
            Self::Source(failure) => failure.detail.clone(),
            _ => None,
        }
    }
}
