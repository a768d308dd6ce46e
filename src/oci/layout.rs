//! OCI image layouts (image-spec, `image-layout.md`): a folder, or the same in a tar.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sealift_trust::Digest;
use sealift_trust::json::Value;

use super::document::read;
use super::shelf::{Folder, Packed, Shelf, failed};
use super::{Checked, Descriptor, Document, Index, LayoutError, MAX_DOCUMENT, OciError, Open, Sink, Source, media};
use crate::error::Failure;
use crate::host::files;
use crate::host::staging::{self, Staged};

/// Under which name an entry of `index.json` is known (image-spec, `annotations.md`).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The same as containerd and Docker write it, with a repository.
pub(super) const IMAGE_NAME: &str = "io.containerd.image.name";

pub(super) const MARKER: &str = "oci-layout";
pub(super) const MARKER_BYTES: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
pub(super) const INDEX: &str = "index.json";
pub(super) const BLOBS: &str = "blobs/sha256";

/// An image layout.
#[derive(Debug)]
pub struct Layout<S = Folder> {
    pub(super) shelf: S,
    /// Held while `index.json` is changed.
    changing: Mutex<()>,
}

/// A layout in a tar; it is read where it lies.
pub type OciArchive = Layout<Packed>;

impl Layout<Folder> {
    /// Opens a layout.
    ///
    /// # Errors
    /// `layout.none`, `layout.version`, and what is wrong with `index.json`.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        Self::on(Folder { path: folder.to_owned() })
    }

    /// Opens a layout, or makes an empty one of a folder that is empty or not there.
    pub fn create(folder: &Path) -> Result<Self, Failure> {
        files::make_folder(folder)?;
        if matches!(files::what(&folder.join(MARKER))?, files::What::Nothing) {
            if !files::names(folder)?.is_empty() {
                return Err(LayoutError::NotEmpty { place: folder.display().to_string() }.into());
            }
            files::make_folder(&folder.join(BLOBS))?;
            staging::write(&folder.join(INDEX), &Index::new(Vec::new()).encode(), 0o644)?;
            // Last: a folder with this file is a layout.
            staging::write(&folder.join(MARKER), MARKER_BYTES, 0o644)?;
        }
        let layout = Self::open(folder)?;
        files::make_folder(&folder.join(BLOBS))?;
        Ok(layout)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.shelf.path
    }

    /// Puts a document, which is there already, into `index.json`. An entry of the same name goes, and so does one of
    /// the same digest that has no name.
    pub fn name(&self, descriptor: &Descriptor, name: Option<&str>) -> Result<(), Failure> {
        let mut entry = descriptor.clone();
        entry.annotations.remove(REF_NAME);
        entry.annotations.extend(name.map(|name| (REF_NAME.to_owned(), name.to_owned())));
        self.change(|entries| {
            let listed = entries.iter().any(|other| other.digest == entry.digest);
            if name.is_none() && listed {
                return;
            }
            entries.retain(|other| match ref_name(other) {
                Some(other) => name != Some(other),
                None => other.digest != entry.digest,
            });
            entries.push(entry.clone());
        })
    }

    /// Replaces all entries of `index.json`. Blobs that are no longer reached stay, and [`Layout::walk`] names them.
    pub fn set(&self, entries: Vec<Descriptor>) -> Result<(), Failure> {
        self.change(|found| *found = entries)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Descriptor>)) -> Result<(), Failure> {
        let _held = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = self.index()?;
        change(&mut index.manifests);
        let bytes = index.encode();
        staging::write(&self.shelf.path.join(INDEX), &bytes, 0o644)?;
        Ok(())
    }

    fn path(&self, digest: Digest) -> std::path::PathBuf {
        self.shelf.path.join(BLOBS).join(digest.hex())
    }

    fn put(&self, descriptor: &Descriptor, from: &mut dyn Read) -> Result<(), Failure> {
        let path = self.path(descriptor.digest);
        let mut staged = Staged::create(&self.shelf.path.join(BLOBS), 0o644)?;
        let mut buffer = vec![0; 128 * 1024];
        let mut from = from.take(descriptor.size.saturating_add(1));
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => io::Write::write_all(&mut staged, &buffer[..n]).map_err(files::at("write", &path))?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(descriptor.to_string(), error)),
            }
        }
        let settled = staged.settle_measured()?;
        descriptor.check(settled.artifact())?;
        settled.commit(&path)?;
        Ok(())
    }
}

impl Layout<Packed> {
    /// Opens a layout in an uncompressed tar.
    ///
    /// # Errors
    /// As [`Layout::open`]; `layout.compressed`; `layout.member` for a tar that no tool writes.
    pub fn open_archive(file: &Path) -> Result<Self, Failure> {
        Self::on(Packed::open(file)?)
    }
}

impl<S: Shelf> Layout<S> {
    pub(super) fn on(shelf: S) -> Result<Self, Failure> {
        let layout = Self { shelf, changing: Mutex::new(()) };
        let place = layout.shelf.shown();
        let Some(marker) = layout.shelf.read(MARKER, 4096)? else {
            return Err(LayoutError::None { place }.into());
        };
        let version = match read(&marker, MARKER)? {
            Value::Object(mut members) => members.remove("imageLayoutVersion"),
            _ => None,
        };
        // The version of the layout, which is not that of the specification.
        if version != Some(Value::String("1.0.0".to_owned())) {
            return Err(LayoutError::Version { place }.into());
        }
        layout.index()?;
        Ok(layout)
    }

    /// What `index.json` says now.
    pub fn index(&self) -> Result<Index, Failure> {
        let place = || self.shelf.shown();
        let bytes = self.shelf.read(INDEX, MAX_DOCUMENT)?.ok_or_else(|| LayoutError::NoIndex { place: place() })?;
        match Document::parse(&bytes, media::OCI_INDEX)? {
            Document::Index(index) => Ok(index),
            Document::Manifest(_) => Err(LayoutError::NoIndex { place: place() }.into()),
        }
    }

    /// The entry of a name, of `@` and a digest, or the only one.
    ///
    /// # Errors
    /// `layout.unknown-name`, `layout.ambiguous`.
    pub fn find(&self, name: Option<&str>) -> Result<Descriptor, Failure> {
        let entries = self.index()?.manifests;
        let digest = name.and_then(|name| name.strip_prefix('@')).and_then(|digest| digest.parse().ok());
        let matches = |entry: &&Descriptor| match (name, digest) {
            (_, Some(digest)) => entry.digest == digest,
            (Some(name), None) => {
                ref_name(entry) == Some(name) || entry.annotations.get(IMAGE_NAME).is_some_and(|found| found == name)
            }
            // What is about another document is found through that one.
            (None, None) => entry.artifact_type.is_none(),
        };
        let mut found: Vec<&Descriptor> = entries.iter().filter(matches).collect();
        found.dedup_by_key(|entry| entry.digest);
        let place = self.shelf.shown();
        match found[..] {
            [one] => Ok(one.clone()),
            [] => {
                let known = entries.iter().filter_map(ref_name).map(OciError::shown).collect();
                Err(LayoutError::UnknownName { place, name: name.map(str::to_owned), known }.into())
            }
            _ => Err(LayoutError::Ambiguous { place, count: found.len() }.into()),
        }
    }

    /// A document that an entry or another document names.
    pub fn parsed(&self, descriptor: &Descriptor) -> Result<Document, Failure> {
        Ok(Document::parse(&self.document(descriptor)?, &descriptor.media_type)?)
    }

    fn open_blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Failure> {
        let missing = || LayoutError::Missing { place: self.shelf.shown(), digest: descriptor.digest };
        let (stream, size) = self.shelf.open(&blob_name(descriptor.digest))?.ok_or_else(missing)?;
        if size != descriptor.size {
            let (digest, want) = (descriptor.digest, descriptor.size);
            return Err(OciError::SizeMismatch { digest, want, found: size }.into());
        }
        Ok(stream)
    }
}

/// Where a blob lies in a layout.
pub(super) fn blob_name(digest: Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

/// The name of an entry.
pub(super) fn ref_name(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME).map(String::as_str)
}

/// Reads a document's stream whole.
pub(super) fn whole<'a>(
    descriptor: &Descriptor,
    open: impl FnOnce() -> Result<Box<dyn Read + Send + 'a>, Failure>,
) -> Result<Vec<u8>, Failure> {
    if descriptor.size > MAX_DOCUMENT {
        let (what, found) = (descriptor.to_string(), descriptor.size);
        return Err(OciError::TooLarge { what, found, cap: MAX_DOCUMENT }.into());
    }
    let mut bytes = Vec::new();
    let read = Checked::new(open()?, descriptor).read_to_end(&mut bytes);
    read.map_err(|error| failed(descriptor.to_string(), error))?;
    Ok(bytes)
}

impl<S: Shelf> Source for Layout<S> {
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Failure> {
        whole(descriptor, || self.open_blob(descriptor))
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, Failure> {
        Ok(Box::new(Checked::new(self.open_blob(descriptor)?, descriptor)))
    }

    /// Looks through the entries of `index.json`, and into the list that other tools keep under `sha256-<digest>`.
    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Failure> {
        let mut candidates = Vec::new();
        let listed = super::Tag::of_referrers(subject);
        for entry in self.index()?.manifests {
            match ref_name(&entry) == Some(listed.as_str()) && media::is_index(&entry.media_type) {
                true => {
                    if let Document::Index(list) = self.parsed(&entry)? {
                        candidates.extend(list.manifests);
                    }
                }
                false => candidates.push(entry),
            }
        }
        let mut found: Vec<Descriptor> = Vec::new();
        for candidate in candidates.iter().filter(|candidate| candidate.is_document()) {
            if found.iter().any(|other| other.digest == candidate.digest) {
                continue;
            }
            let document = self.parsed(candidate)?;
            if document.subject().is_some_and(|about| about.digest == subject) {
                let mut descriptor = candidate.bare();
                descriptor.artifact_type = document.artifact_type().map(str::to_owned);
                descriptor.annotations = document.annotations().clone();
                found.push(descriptor);
            }
        }
        Ok(found)
    }

    /// A name in the index that is a tag.
    fn by_tag(&self, tag: &super::Tag) -> Result<Option<Descriptor>, Failure> {
        Ok(self.index()?.manifests.into_iter().find(|entry| ref_name(entry) == Some(tag.as_str())))
    }
}

impl Sink for Layout<Folder> {
    /// Whether a file of that digest and size is there: its bytes were compared when it came, and are again when it is
    /// read.
    fn has(&self, descriptor: &Descriptor) -> Result<bool, Failure> {
        let what = files::what(&self.path(descriptor.digest))?;
        Ok(matches!(what, files::What::File { size, .. } if size == descriptor.size))
    }

    fn put_blob(&self, descriptor: &Descriptor, open: &Open<'_>) -> Result<(), Failure> {
        self.put(descriptor, &mut open()?)
    }

    /// Also lists in `index.json` what is about another document, because nothing else leads to it.
    fn put_document(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Failure> {
        let document = Document::parse(bytes, &descriptor.media_type)?;
        self.put(descriptor, &mut &*bytes)?;
        if document.subject().is_some() {
            let mut entry = descriptor.bare();
            entry.artifact_type = document.artifact_type().map(str::to_owned);
            self.name(&entry, None)?;
        }
        Ok(())
    }
}
