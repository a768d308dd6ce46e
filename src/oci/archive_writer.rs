//! Archives of images, written in one pass: the same images in the same order give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sealift_trust::Digest;

use super::docker_archive::{MANIFEST, Saved};
use super::document::encode;
use super::layout::{BLOBS, IMAGE_NAME, INDEX, MARKER, MARKER_BYTES, REF_NAME, blob_name};
use super::shelf::failed;
use super::{Descriptor, Document, Index, LayoutError, Open, Sink};
use crate::artifact::Artifact;
use crate::error::Failure;
use crate::host::files::at;
use crate::host::staging::Staged;

const RECORD: u64 = 512;

/// What the archive is to be read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveForm {
    /// A layout in a tar.
    Oci,
    /// The same with `manifest.json` beside it, which every `docker load` and `podman load` reads.
    Docker,
}

/// An archive that is being written beside its final place. Dropped before [`ArchiveWriter::finish`] it vanishes.
pub struct ArchiveWriter {
    path: PathBuf,
    form: ArchiveForm,
    state: Mutex<State>,
}

struct State {
    out: io::BufWriter<Staged>,
    held: BTreeSet<Digest>,
    documents: BTreeMap<Digest, Document>,
    /// What is about another document: nothing else leads to it.
    referrers: Vec<Descriptor>,
}

impl ArchiveWriter {
    /// Starts an archive.
    pub fn create(path: &Path, form: ArchiveForm) -> Result<Self, Failure> {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let out = io::BufWriter::with_capacity(128 * 1024, Staged::create(dir, 0o644)?);
        let state = State { out, held: BTreeSet::new(), documents: BTreeMap::new(), referrers: Vec::new() };
        let writer = Self { path: path.to_owned(), form, state: Mutex::new(state) };
        let mut state = writer.state();
        state.file(path, MARKER, MARKER_BYTES.len() as u64, &mut &*MARKER_BYTES)?;
        drop(state);
        Ok(writer)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names what was put in, and moves the archive to its final place. Each image is a document that is there, with the
    /// name under which it is found: a tagged reference when Docker is to load it.
    ///
    /// # Errors
    /// `layout.missing` for a document that was not put in; `layout.no-image` when Docker is to load an index, of which
    /// it takes one platform.
    pub fn finish(self, images: &[(Descriptor, Option<String>)]) -> Result<Artifact, Failure> {
        let Self { path, form, state } = self;
        let mut state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::new();
        let mut saved = Vec::new();
        for (descriptor, name) in images {
            let document = state
                .documents
                .get(&descriptor.digest)
                .ok_or_else(|| LayoutError::Missing { place: path.display().to_string(), digest: descriptor.digest })?;
            let mut entry = descriptor.clone();
            entry.annotations.extend(name.iter().map(|name| (REF_NAME.to_owned(), name.clone())));
            if form == ArchiveForm::Docker {
                saved.push(save(descriptor, document, name.as_deref())?);
                entry.annotations.extend(name.iter().map(|name| (IMAGE_NAME.to_owned(), name.clone())));
            }
            entries.push(entry);
        }
        entries.append(&mut state.referrers);
        let index = Index::new(entries).encode();
        state.file(&path, INDEX, index.len() as u64, &mut index.as_slice())?;
        if form == ArchiveForm::Docker {
            let saved = encode(&saved);
            state.file(&path, MANIFEST, saved.len() as u64, &mut saved.as_slice())?;
        }
        state.out.write_all(&[0; 2 * RECORD as usize]).map_err(at("write", &path))?;
        let staged = state.out.into_inner().map_err(|error| at("write", &path)(error.into_error()))?;
        Ok(staged.commit(&path)?)
    }
}

/// The entry of `manifest.json` for an image.
fn save(descriptor: &Descriptor, document: &Document, name: Option<&str>) -> Result<Saved, Failure> {
    let Document::Manifest(manifest) = document else {
        let why = "it is an index, and docker-archive holds one platform";
        return Err(LayoutError::NoImage { digest: descriptor.digest, why }.into());
    };
    Ok(Saved {
        config: blob_name(manifest.config.digest),
        repo_tags: name.iter().map(|name| (*name).to_owned()).collect(),
        layers: manifest.layers.iter().map(|layer| blob_name(layer.digest)).collect(),
    })
}

impl State {
    fn file(&mut self, path: &Path, name: &str, size: u64, content: &mut dyn Read) -> Result<(), Failure> {
        let mut header = tar::Header::new_ustar();
        // Names here are short and of ASCII letters.
        header.set_path(name).map_err(at("write", path))?;
        header.set_size(size);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.out.write_all(header.as_bytes()).map_err(at("write", path))?;
        let mut buffer = vec![0; 128 * 1024];
        let mut left = size;
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match content.read(&mut buffer[..most]) {
                Ok(0) => return Err(failed(name.to_owned(), io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => {
                    self.out.write_all(&buffer[..n]).map_err(at("write", path))?;
                    left -= n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(name.to_owned(), error)),
            }
        }
        // Less than 512.
        let padding = (size.wrapping_neg() % RECORD) as usize;
        self.out.write_all(&[0; RECORD as usize][..padding]).map_err(at("write", path))?;
        Ok(())
    }

    fn blob(&mut self, path: &Path, descriptor: &Descriptor, content: &mut dyn Read) -> Result<(), Failure> {
        if !self.held.insert(descriptor.digest) {
            return Ok(());
        }
        self.file(path, &format!("{BLOBS}/{}", descriptor.digest.hex()), descriptor.size, content)
    }
}

impl Sink for ArchiveWriter {
    fn has(&self, descriptor: &Descriptor) -> Result<bool, Failure> {
        Ok(self.state().held.contains(&descriptor.digest))
    }

    /// One after the other, whoever calls. After a failure the archive is of no use.
    fn put_blob(&self, descriptor: &Descriptor, open: &Open<'_>) -> Result<(), Failure> {
        let mut stream = super::Checked::new(open()?, descriptor);
        self.state().blob(&self.path, descriptor, &mut stream)
    }

    fn put_document(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Failure> {
        descriptor.check(Artifact::of(bytes))?;
        let document = Document::parse(bytes, &descriptor.media_type)?;
        let mut state = self.state();
        if document.subject().is_some() && !state.documents.contains_key(&descriptor.digest) {
            let mut entry = descriptor.bare();
            entry.artifact_type = document.artifact_type().map(str::to_owned);
            state.referrers.push(entry);
        }
        state.documents.insert(descriptor.digest, document);
        state.blob(&self.path, descriptor, &mut &*bytes)
    }

    fn is_ordered(&self) -> bool {
        true
    }
}
