//! Where documents and blobs come from and go to.

use std::io::Read;

use sealift_trust::Digest;

use super::{Descriptor, Repository, Tag};
use crate::error::Failure;

/// Opens a blob at its start; may be called again after a cut. Its stream is a [`super::Checked`] one.
pub type Open<'a> = dyn Fn() -> Result<Box<dyn Read + Send + 'a>, Failure> + Sync + 'a;

/// Where documents and blobs come from: a registry, a layout, an archive.
pub trait Source: Sync {
    /// A document's exact bytes; digest and size are already those of the descriptor.
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Failure>;

    /// A blob's stream, which is a [`super::Checked`] one: it ends after the told size, and gives its last byte only
    /// when the digest is right.
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, Failure>;

    /// Descriptors of the documents whose subject is this digest, each once.
    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Failure>;

    /// What a tag stands for; nothing where there is no such tag, or are none at all.
    fn by_tag(&self, _tag: &Tag) -> Result<Option<Descriptor>, Failure> {
        Ok(None)
    }
}

/// Where documents and blobs go.
pub trait Sink: Sync {
    /// Whether the blob or document is there already.
    fn has(&self, descriptor: &Descriptor) -> Result<bool, Failure>;

    /// Takes a blob. What `open` gives is checked at its end: a sink shows nothing under the digest before that.
    fn put_blob(&self, descriptor: &Descriptor, open: &Open<'_>) -> Result<(), Failure>;

    /// Takes a blob over from another repository of the same registry; false when that is not possible.
    fn mount(&self, _descriptor: &Descriptor, _from: &Repository) -> Result<bool, Failure> {
        Ok(false)
    }

    /// Takes a document, after all that it refers to.
    fn put_document(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Failure>;

    /// Whether the order of calls is part of the result, so that nothing may go in parallel.
    fn is_ordered(&self) -> bool {
        false
    }
}
