//! Images as the OCI describes them: values, names, and the places where they lie.
//!
//! A document is kept as the exact bytes that came, and its digest is over nothing but these: what is read from it
//! serves deciding, never writing it again. Only SHA-256 is accepted as a digest.

mod checked;
mod config;
mod descriptor;
mod document;
mod error;
pub mod media;
mod nullable;
mod place;
mod platform;
mod reference;
#[cfg(test)]
mod tests;
mod transfer;

pub use checked::Checked;
pub use config::{History, ImageConfig, RootFs, RunConfig};
pub use descriptor::{Descriptor, Others};
pub use document::{Document, Index, MAX_DOCUMENT, Manifest};
pub use error::{OciError, from_stream, through_stream};
pub use place::Place;
pub use platform::Platform;
pub use reference::{Pinned, Reference, Repository, Tag};
pub use transfer::{Open, Sink, Source};
