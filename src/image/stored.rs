//! Blobs and documents in the step store, as a source of images.

use std::io::{self, Read, Write};

use sealift_trust::Digest;

use super::ImageError;
use crate::artifact::Artifact;
use crate::error::Failure;
use crate::host::files;
use crate::host::staging::Staged;
use crate::oci::{self, Checked, Descriptor, OciError, Source};
use crate::store::{Output, Store};

/// The store as a source: every image that was made lies in it.
pub struct Stored<'a> {
    store: &'a Store,
}

impl<'a> Stored<'a> {
    /// The blobs of a store.
    pub fn new(store: &'a Store) -> Self {
        Self { store }
    }
}

impl Source for Stored<'_> {
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Failure> {
        if descriptor.size > oci::MAX_DOCUMENT {
            let (what, found) = (descriptor.to_string(), descriptor.size);
            return Err(OciError::TooLarge { what, found, cap: oci::MAX_DOCUMENT }.into());
        }
        let path = self.store.path_of(descriptor.digest);
        let bytes = files::read(&path, descriptor.size)?;
        descriptor.check(Artifact::of(&bytes))?;
        Ok(bytes)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, Failure> {
        let file = files::open(&self.store.path_of(descriptor.digest))?;
        Ok(Box::new(Checked::new(file, descriptor)))
    }

    fn referrers(&self, _: Digest) -> Result<Vec<Descriptor>, Failure> {
        Ok(Vec::new())
    }
}

/// Puts bytes into the store; gives what they are.
pub(super) fn put(store: &Store, bytes: &[u8]) -> Result<Artifact, ImageError> {
    let artifact = Artifact::of(bytes);
    if let Some(known) = store.intact(Output::from(artifact))? {
        return Ok(known);
    }
    let mut staged = Staged::create(store.stage(), 0o644)?;
    staged.write_all(bytes).map_err(files::at("write", store.stage()))?;
    Ok(store.keep(staged.measured())?)
}

/// Takes a blob into the store, unless it is there.
pub(super) fn take(store: &Store, from: &dyn Source, blob: &Descriptor) -> Result<Artifact, ImageError> {
    if let Some(known) = store.intact(Output { digest: blob.digest, size: blob.size })? {
        return Ok(known);
    }
    let mut staged = Staged::create(store.stage(), 0o644)?;
    let mut stream = from.blob(blob)?;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => staged.write_all(&buffer[..n]).map_err(files::at("write", store.stage()))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(torn(blob, error).into()),
        }
    }
    let settled = staged.measured();
    blob.check(settled.artifact())?;
    Ok(store.keep(settled)?)
}

/// A stream that broke, with the failure that it carries.
pub(super) fn torn(blob: &Descriptor, error: io::Error) -> Failure {
    let what = blob.to_string();
    oci::from_stream(error, |source| files::FileError::System { op: "read", path: what, source }.into())
}
