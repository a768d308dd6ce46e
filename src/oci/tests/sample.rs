//! Images that the tests make.

use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use sealift_trust::Digest;

use crate::error::Failure;
use crate::oci::*;

/// An entry of a tar: type, name, link, content.
pub(super) type Entry<'a> = (u8, &'a str, &'a str, &'a [u8]);

/// A tar whose headers say whatever they are told, without the zero blocks of the end.
pub(super) fn open_tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, name, link, content) in entries {
        out.extend_from_slice(header(*kind, name, link, content.len() as u64).as_bytes());
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out
}

pub(super) fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut out = open_tar(entries);
    out.resize(out.len() + 1024, 0);
    out
}

pub(super) fn header(kind: u8, name: &str, link: &str, size: u64) -> ::tar::Header {
    let mut header = ::tar::Header::new_ustar();
    let old = header.as_old_mut();
    old.name[..name.len()].copy_from_slice(name.as_bytes());
    old.linkname[..link.len()].copy_from_slice(link.as_bytes());
    old.linkflag = [kind];
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

pub(super) fn file<'a>(name: &'a str, content: &'a [u8]) -> Entry<'a> {
    (b'0', name, "", content)
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub(super) fn new_layer(tar: &[u8], by: &str) -> (NewLayer, Vec<u8>) {
    let blob = gzip(tar);
    let history = History { created_by: Some(by.to_owned()), ..History::default() };
    let descriptor = Descriptor::of(media::OCI_LAYER_GZIP, &blob);
    (NewLayer { descriptor, diff_id: Digest::of(tar), history }, blob)
}

/// Puts an image of one file into a sink, and gives its descriptor with the platform.
pub(super) fn image(sink: &dyn Sink, platform: &str, content: &[u8]) -> Descriptor {
    let (base, base_blob) = new_layer(&tar(&[(b'5', "etc/", "", b""), file("etc/passwd", b"root\n")]), "base");
    let (app, app_blob) = new_layer(&tar(&[file("app", content)]), "app");
    let image = Image::scratch(&platform.parse().unwrap()).append(base.clone()).append(app.clone());
    for (descriptor, blob) in [(&base.descriptor, &base_blob), (&app.descriptor, &app_blob)] {
        put(sink, descriptor, blob);
    }
    let encoded = image.encode();
    put(sink, &encoded.config, &encoded.config_bytes);
    sink.put_document(&encoded.manifest, &encoded.manifest_bytes).unwrap();
    encoded.manifest
}

pub(super) fn put(sink: &dyn Sink, descriptor: &Descriptor, bytes: &[u8]) {
    sink.put_blob(descriptor, &|| Ok(Box::new(bytes))).unwrap();
}

/// A layout with an index of two platforms, named `v1`, and a signature about it.
pub(super) fn layout(folder: &Path) -> (Layout, Descriptor) {
    let layout = Layout::create(folder).unwrap();
    let entries = vec![image(&layout, "linux/amd64", b"amd64"), image(&layout, "linux/arm/v7", b"arm")];
    let bytes = Index::new(entries).encode();
    let index = Descriptor::of(media::OCI_INDEX, &bytes);
    layout.put_document(&index, &bytes).unwrap();
    layout.name(&index, Some("v1")).unwrap();
    sign(&layout, &index);
    (layout, index)
}

/// Puts a document about another one into a sink.
pub(super) fn sign(sink: &dyn Sink, subject: &Descriptor) -> Descriptor {
    let empty = Descriptor::of(media::EMPTY, b"{}");
    put(sink, &empty, b"{}");
    let mut signature = Manifest::new(empty.clone(), vec![empty]);
    signature.artifact_type = Some("application/vnd.example.signature".into());
    signature.subject = Some(subject.bare());
    let bytes = signature.encode();
    let descriptor = Descriptor::of(media::OCI_MANIFEST, &bytes);
    sink.put_document(&descriptor, &bytes).unwrap();
    descriptor
}

/// A source of one blob, which need not be what it is called.
pub(super) struct Blobs(pub(super) Vec<Vec<u8>>);

impl Source for Blobs {
    fn document(&self, _: &Descriptor) -> Result<Vec<u8>, Failure> {
        unreachable!("there are only blobs")
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, Failure> {
        let blob = self.0.iter().find(|blob| Digest::of(blob) == descriptor.digest).unwrap();
        Ok(Box::new(Checked::new(Cursor::new(blob), descriptor)))
    }

    fn referrers(&self, _: Digest) -> Result<Vec<Descriptor>, Failure> {
        Ok(Vec::new())
    }
}

/// A stream of zeros that costs nothing to hold.
pub(super) fn zeros(bytes: u64) -> impl Read {
    io::repeat(0).take(bytes)
}
