//! Layers of images (image-spec, `layer.md`): a tar with folders, owners and a time for each entry, compressed and
//! measured on both sides in one pass.

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;

use sealift_trust::Hasher;

use super::{Body, Census, Content, Held, Item, Outlet, Packer, Precompressed, compress, tar};
use crate::archive::{ArchiveError, Codec, Format, MemberPath};
use crate::artifact::Artifact;

/// Permission bits and owners, as numbers: names would mean something else on each system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Attributes {
    /// The permission bits, the sticky bit among them.
    pub mode: u32,
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Attributes {
    /// Of user and group 0.
    pub fn root(mode: u32) -> Self {
        Self { mode, uid: 0, gid: 0 }
    }
}

/// An entry of a layer.
pub struct LayerEntry {
    /// Its name, without a leading or final `/`.
    pub path: MemberPath,
    /// Its permissions and owners.
    pub attributes: Attributes,
    /// Its modification time, in seconds since 1970.
    pub mtime_unix: u64,
    /// What it is.
    pub body: LayerBody,
}

/// What an entry of a layer is.
pub enum LayerBody {
    /// A folder.
    Folder,
    /// A regular file.
    File(Content),
}

/// A written layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerWritten {
    /// Digest and size of the compressed layer: what a manifest names.
    pub blob: Artifact,
    /// Digest and size of the tar in it: what an image's configuration calls `diff_id`.
    pub tar: Artifact,
    /// Its regular files, in its order.
    pub files: Vec<Held>,
}

/// Writes a layer as gzip or Zstandard. Entries are sorted by the bytes of their names, so a folder comes before what
/// is in it. The same entries and codec give the same bytes, for any number of threads.
///
/// # Errors
/// `archive.duplicate`, `archive.file-as-folder`, `archive.member`, `archive.member-size`, `archive.write`. After an
/// error what was written is no layer.
pub fn write_layer(
    codec: Codec,
    threads: NonZeroUsize,
    mut entries: Vec<LayerEntry>,
    out: &mut dyn Write,
) -> Result<LayerWritten, ArchiveError> {
    // A layer is a tar: what a zip is asked for cannot be one.
    let codec = if codec.format() == Format::Zip { Codec::from(Format::TarGz) } else { codec };
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut census = Census::default();
    for entry in &entries {
        match entry.body {
            LayerBody::Folder => census.add_folder(&entry.path)?,
            LayerBody::File(_) => census.add_file(&entry.path)?,
        }
    }
    let items: Vec<Item> = entries.into_iter().map(Item::from).collect();
    let size = tar::total(&items);
    let mut outlet = Outlet { out, hasher: Hasher::new(), failure: None };
    let mut hasher = Hasher::new();
    let written =
        compress(codec, threads, size, &mut outlet, |out| tar::write(items, &mut Tee { out, hasher: &mut hasher }));
    let files = match outlet.failure.take() {
        Some(failure) => return Err(ArchiveError::Write(failure)),
        None => written?,
    };
    outlet.out.flush().map_err(ArchiveError::Write)?;
    Ok(LayerWritten { blob: outlet.hasher.into(), tar: hasher.into(), files })
}

impl From<LayerEntry> for Item {
    fn from(entry: LayerEntry) -> Self {
        let body = match entry.body {
            LayerBody::Folder => Body::Folder,
            LayerBody::File(content) => Body::File(content),
        };
        Self { path: entry.path, attributes: entry.attributes, mtime: entry.mtime_unix, body }
    }
}

/// Measures the tar on its way into the compressor.
struct Tee<'a> {
    out: &'a mut dyn Packer,
    hasher: &'a mut Hasher,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Packer for Tee<'_> {
    fn part(&mut self) -> io::Result<()> {
        self.out.part()
    }

    fn accepts(&self, content: &Precompressed) -> bool {
        self.out.accepts(content)
    }

    fn take(&mut self, content: &Precompressed, blocks: &mut dyn Read) -> io::Result<()> {
        self.out.take(content, blocks)
    }

    fn measure(&mut self) -> Option<&mut Hasher> {
        Some(&mut *self.hasher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Opener;

    fn file(path: &str, content: &'static [u8], attributes: Attributes, mtime_unix: u64) -> LayerEntry {
        let open: Opener = Box::new(move || Ok(Box::new(content)));
        let body = LayerBody::File(Content::new(content.len() as u64, open));
        LayerEntry { path: MemberPath::new(path).unwrap(), attributes, mtime_unix, body }
    }

    fn folder(path: &str, attributes: Attributes) -> LayerEntry {
        LayerEntry { path: MemberPath::new(path).unwrap(), attributes, mtime_unix: 0, body: LayerBody::Folder }
    }

    fn entries() -> Vec<LayerEntry> {
        let own = Attributes { mode: 0o700, uid: 65532, gid: 65532 };
        let far = Attributes { mode: 0o644, uid: u32::MAX, gid: 3_000_000 };
        vec![
            file("usr/bin/api", b"binary", Attributes::root(0o755), 1_780_000_000),
            folder("tmp", Attributes::root(0o1777)),
            folder("home/nonroot", own),
            folder(&format!("{}/{}", "d".repeat(99), "e".repeat(90)), Attributes::root(0o755)),
            file("etc/far", b"", far, 0),
        ]
    }

    fn written(format: Format, threads: usize) -> (LayerWritten, Vec<u8>) {
        let mut out = Vec::new();
        let threads = NonZeroUsize::new(threads).unwrap();
        let layer = write_layer(Codec::from(format), threads, entries(), &mut out).unwrap();
        (layer, out)
    }

    #[test]
    fn both_sides_are_measured_and_every_attribute_is_kept() {
        let (layer, bytes) = written(Format::TarGz, 1);
        assert_eq!(layer.blob, Artifact::of(&bytes));
        let mut tar = Vec::new();
        flate2::bufread::GzDecoder::new(&bytes[..]).read_to_end(&mut tar).unwrap();
        assert_eq!(layer.tar, Artifact::of(&tar));
        let (zstd, bytes) = written(Format::TarZst, 1);
        assert_eq!(zstd.tar, layer.tar);
        assert_eq!(zstd::stream::decode_all(&bytes[..]).unwrap(), tar);
        let mut archive = ::tar::Archive::new(&tar[..]);
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let pax: Vec<String> = entry
                .pax_extensions()
                .unwrap()
                .map(|all| all.map(|one| one.unwrap().key().unwrap().to_owned()).collect())
                .unwrap_or_default();
            let header = entry.header();
            found.push((path, header.mode().unwrap(), header.uid().unwrap(), header.mtime().unwrap(), pax.join(" ")));
            assert_eq!(header.entry_type().is_dir(), found.last().unwrap().0.ends_with('/'));
        }
        let row = |path: &str, mode, uid, mtime, pax: &str| (path.to_owned(), mode, uid, mtime, pax.to_owned());
        let deep = format!("{}/{}/", "d".repeat(99), "e".repeat(90));
        assert_eq!(
            found,
            [
                row(&deep, 0o755, 0, 0, ""),
                row("etc/far", 0o644, u64::from(u32::MAX), 0, "gid uid"),
                row("home/nonroot/", 0o700, 65532, 0, ""),
                row("tmp/", 0o1777, 0, 0, ""),
                row("usr/bin/api", 0o755, 0, 1_780_000_000, ""),
            ]
        );
    }

    #[test]
    fn threads_and_order_decide_nothing() {
        for format in [Format::TarGz, Format::TarZst] {
            let (one, bytes) = written(format, 1);
            assert_eq!(written(format, 3), (one.clone(), bytes.clone()));
            let mut out = Vec::new();
            let reversed = entries().into_iter().rev().collect();
            assert_eq!(write_layer(Codec::from(format), NonZeroUsize::MIN, reversed, &mut out).unwrap(), one);
            assert_eq!(out, bytes);
        }
    }

    #[test]
    fn what_lies_in_a_file_is_refused() {
        let all = vec![file("tmp", b"", Attributes::root(0o644), 0), folder("tmp/x", Attributes::root(0o755))];
        let error = write_layer(Codec::from(Format::TarGz), NonZeroUsize::MIN, all, &mut io::sink()).unwrap_err();
        assert_eq!(crate::error::Fault::code(&error), "archive.file-as-folder");
    }
}
