//! What is wrong with layouts and archives of images.

use sealift_trust::Digest;

use crate::error::{Fault, Kind};

/// Something about the place of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// No layout.
    #[error("{place} is no image layout: it has no file oci-layout")]
    None {
        /// The folder or file.
        place: String,
    },
    /// A version that does not exist.
    #[error("{place} is a layout of another version than 1.0.0")]
    Version {
        /// The folder or file.
        place: String,
    },
    /// A layout without its index.
    #[error("{place} has no index.json")]
    NoIndex {
        /// The folder or file.
        place: String,
    },
    /// A folder with other things in it.
    #[error("{place} is not empty and no image layout")]
    NotEmpty {
        /// The folder.
        place: String,
    },
    /// Something that must be a file is none.
    #[error("{name} in {place} is {what}, and must be a file")]
    NotAFile {
        /// The folder or file.
        place: String,
        /// Which name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// A blob is not there.
    #[error("{place} does not have {digest}, which it names")]
    Missing {
        /// The folder or file.
        place: String,
        /// The blob.
        digest: Digest,
    },
    /// One blob is described in two ways.
    #[error("{place} describes {digest} in two ways")]
    Disagree {
        /// The folder or file.
        place: String,
        /// The blob.
        digest: Digest,
    },
    /// The index tells another platform than the image.
    #[error("{digest} is listed for {told} and is for {found}")]
    Platform {
        /// The manifest.
        digest: Digest,
        /// As the index has it.
        told: String,
        /// As the configuration has it.
        found: String,
    },
    /// No image of that name.
    #[error("{place} has no image{}", .name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default())]
    UnknownName {
        /// The folder or file.
        place: String,
        /// The name.
        name: Option<String>,
        /// The names that are there.
        known: Vec<String>,
    },
    /// Several images, and none is named.
    #[error("{place} holds {count} images that could be meant")]
    Ambiguous {
        /// The folder or file.
        place: String,
        /// How many.
        count: usize,
    },
    /// An archive is compressed as a whole.
    #[error("{place} is compressed, and is read in place")]
    Compressed {
        /// The file.
        place: String,
        /// What decompresses it.
        program: &'static str,
    },
    /// An entry of an archive that no tool writes.
    #[error("{name:?} in {place} {why}")]
    Member {
        /// The file.
        place: String,
        /// Which entry.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A tar without images.
    #[error("{place} is no archive of images: {why}")]
    NoArchive {
        /// The file.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// An image is read as a single one and has several platforms, or something else.
    #[error("{digest} is no image that can be run: {why}")]
    NoImage {
        /// The document.
        digest: Digest,
        /// What it is.
        why: &'static str,
    },
    /// Configuration and layers do not belong together.
    #[error("an image has {layers} layers and its configuration describes {described}")]
    LayerCount {
        /// In the manifest.
        layers: usize,
        /// In the configuration.
        described: usize,
    },
}

impl Fault for LayoutError {
    fn code(&self) -> &'static str {
        match self {
            Self::None { .. } => "layout.none",
            Self::Version { .. } => "layout.version",
            Self::NoIndex { .. } => "layout.no-index",
            Self::NotEmpty { .. } => "layout.not-empty",
            Self::NotAFile { .. } => "layout.not-a-file",
            Self::Missing { .. } => "layout.missing",
            Self::Disagree { .. } => "layout.disagree",
            Self::Platform { .. } => "layout.platform",
            Self::UnknownName { .. } => "layout.unknown-name",
            Self::Ambiguous { .. } => "layout.ambiguous",
            Self::Compressed { .. } => "layout.compressed",
            Self::Member { .. } => "layout.member",
            Self::NoArchive { .. } => "layout.no-archive",
            Self::NoImage { .. } => "layout.no-image",
            Self::LayerCount { .. } => "layout.layer-count",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::UnknownName { .. } | Self::Ambiguous { .. } => Kind::Usage,
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None { place } => format!("if it is a tar, write oci-archive:{place} or docker-archive:{place}"),
            Self::NotEmpty { .. } => "choose another folder".into(),
            Self::UnknownName { known, .. } if !known.is_empty() => format!("it has {}", known.join(", ")),
            Self::Ambiguous { place, .. } => format!("name one: oci:{place}:NAME or oci:{place}:@sha256:…"),
            Self::Compressed { place, program } => format!("{program} {place}"),
            Self::Missing { .. } => "copy the image again".into(),
            _ => return None,
        })
    }
}
