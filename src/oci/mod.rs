//! Images as the OCI describes them: values, names, and the places where they lie.
//!
//! A document is kept as the exact bytes that came, and its digest is over nothing but these: what is read from it
//! serves deciding, never writing it again. Only SHA-256 is accepted as a digest.

mod archive_writer;
mod checked;
mod config;
mod copy;
mod descriptor;
mod docker_archive;
mod document;
mod error;
mod image;
pub mod layer;
mod layout;
mod layout_error;
pub mod media;
mod nullable;
mod overlay;
mod place;
mod platform;
mod reference;
mod shelf;
mod tar;
#[cfg(test)]
mod tests;
mod transfer;
mod walk;

pub use archive_writer::{ArchiveForm, ArchiveWriter};
pub use checked::Checked;
pub use config::{History, ImageConfig, RootFs, RunConfig};
pub use copy::{Copied, Copy, Referrers, copy};
pub use descriptor::{Descriptor, Others};
pub use docker_archive::DockerArchive;
pub use document::{Document, Index, MAX_DOCUMENT, Manifest};
pub use error::{OciError, from_stream, through_stream};
pub use image::{Encoded, Image, NewLayer, read_config};
pub use layer::{Layer, LayerEntry, LayerError, LayerLimits};
pub use layout::{Layout, OciArchive, REF_NAME};
pub use layout_error::LayoutError;
pub use overlay::{Effective, EffectiveFile, read_files};
pub use place::Place;
pub use platform::Platform;
pub use reference::{Pinned, Reference, Repository, Tag};
pub use shelf::{Folder, Opened, Packed, Shelf};
pub use tar::EntryKind;
pub use transfer::{Open, Sink, Source};
pub use walk::{Depth, Walked};
