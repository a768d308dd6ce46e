//! What `docker save` writes: a tar with `manifest.json`, in the form of before 2024 or with a layout beside it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use sealift_trust::Digest;
use serde::{Deserialize, Serialize};

use super::document::{read, typed};
use super::layer::plain;
use super::layout::{Layout, MARKER, whole};
use super::nullable::nullable;
use super::shelf::{Packed, Shelf, failed};
use super::{
    Checked, Descriptor, ImageConfig, LayoutError, MAX_DOCUMENT, Manifest, OciArchive, OciError, Reference, Source,
    media,
};
use crate::artifact::Artifact;
use crate::error::Failure;

/// The list of images.
pub(super) const MANIFEST: &str = "manifest.json";

/// An entry of `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Saved {
    /// The file of the configuration.
    pub(super) config: String,
    /// Names that the image gets when it is loaded.
    #[serde(default, deserialize_with = "nullable")]
    pub(super) repo_tags: Vec<String>,
    /// The files of the layers, the lowest first.
    #[serde(deserialize_with = "nullable")]
    pub(super) layers: Vec<String>,
}

/// An archive of `docker save`, read where it lies.
#[derive(Debug)]
pub struct DockerArchive(Form);

#[derive(Debug)]
enum Form {
    /// With a layout, whose documents keep their digests.
    Layout(OciArchive),
    /// Without: the manifests are made here.
    Plain(Plain),
}

#[derive(Debug)]
struct Plain {
    shelf: Packed,
    images: Vec<(Vec<String>, Descriptor)>,
    documents: BTreeMap<Digest, Vec<u8>>,
    /// The member that holds each blob.
    blobs: BTreeMap<Digest, String>,
}

impl DockerArchive {
    /// Opens an archive. Without a layout in it every layer is measured, and compared with the configuration.
    ///
    /// # Errors
    /// `layout.no-archive`, `layout.compressed`, `layout.member`, `layout.missing`, and what is wrong with documents.
    pub fn open(file: &Path) -> Result<Self, Failure> {
        let shelf = Packed::open(file)?;
        if shelf.open(MARKER)?.is_some() {
            return Ok(Self(Form::Layout(Layout::on(shelf)?)));
        }
        let refuse = |why: &str| LayoutError::NoArchive { place: shelf.shown(), why: why.to_owned() };
        let bytes = shelf.read(MANIFEST, MAX_DOCUMENT)?.ok_or_else(|| refuse("it has no manifest.json"))?;
        let saved: Vec<Saved> = typed(read(&bytes, MANIFEST)?, MANIFEST)?;
        if saved.is_empty() {
            return Err(refuse("its manifest.json is empty").into());
        }
        let mut plain = Plain { shelf, images: Vec::new(), documents: BTreeMap::new(), blobs: BTreeMap::new() };
        let mut measured = BTreeMap::new();
        for image in saved {
            plain.take(&image, &mut measured)?;
        }
        Ok(Self(Form::Plain(plain)))
    }

    /// The image of a name, of `@` and a digest, or the only one.
    ///
    /// # Errors
    /// `layout.unknown-name`, `layout.ambiguous`.
    pub fn find(&self, name: Option<&str>) -> Result<Descriptor, Failure> {
        match &self.0 {
            Form::Layout(layout) => layout.find(name).or_else(|failure| {
                // Docker writes the whole name: docker.io/library/alpine:3.22.
                let whole = name.and_then(|name| name.parse::<Reference>().ok()).map(|name| name.to_string());
                whole.map_or(Err(failure), |whole| layout.find(Some(&whole)))
            }),
            Form::Plain(plain) => plain.find(name),
        }
    }
}

impl Plain {
    fn take(&mut self, image: &Saved, measured: &mut BTreeMap<String, Descriptor>) -> Result<(), Failure> {
        let config_name = plain(&image.config);
        let config_bytes = self.shelf.read(&config_name, MAX_DOCUMENT)?.ok_or_else(|| self.missing(&config_name))?;
        let config = ImageConfig::parse(&config_bytes)?;
        let mut layers = Vec::new();
        for (index, name) in image.layers.iter().map(|name| plain(name)).enumerate() {
            let layer = match measured.get(&name) {
                Some(known) => known.clone(),
                None => self.measure(&name)?,
            };
            let want = config.rootfs.diff_ids.get(index);
            if let (media::OCI_LAYER_TAR, Some(want)) = (layer.media_type.as_str(), want)
                && layer.digest != *want
            {
                return Err(OciError::DigestMismatch { want: *want, found: layer.digest }.into());
            }
            self.blobs.insert(layer.digest, name.clone());
            measured.insert(name, layer.clone());
            layers.push(layer);
        }
        let config_descriptor = Descriptor::of(media::OCI_CONFIG, &config_bytes);
        self.blobs.insert(config_descriptor.digest, config_name);
        let manifest = Manifest::new(config_descriptor, layers);
        config.fits(&manifest)?;
        let bytes = manifest.encode();
        let descriptor = Descriptor::of(media::OCI_MANIFEST, &bytes).with_platform(config.platform());
        self.documents.insert(descriptor.digest, bytes);
        self.images.push((image.repo_tags.clone(), descriptor));
        Ok(())
    }

    fn missing(&self, name: &str) -> Failure {
        let why = format!("it names {:?} and does not have it", OciError::shown(name));
        LayoutError::NoArchive { place: self.shelf.shown(), why }.into()
    }

    /// Digest, size and compression of a layer's file.
    fn measure(&self, name: &str) -> Result<Descriptor, Failure> {
        let open = || Ok::<_, Failure>(self.shelf.open(name)?.ok_or_else(|| self.missing(name))?.0);
        let mut magic = Vec::new();
        open()?.take(4).read_to_end(&mut magic).map_err(|error| failed(self.shelf.shown(), error))?;
        let media_type = match magic[..] {
            [0x1f, 0x8b, ..] => media::OCI_LAYER_GZIP,
            [0x28, 0xb5, 0x2f, 0xfd] => media::OCI_LAYER_ZSTD,
            _ => media::OCI_LAYER_TAR,
        };
        let artifact = Artifact::measure(open()?).map_err(|error| failed(self.shelf.shown(), error))?;
        Ok(Descriptor::new(media_type, artifact))
    }

    fn find(&self, name: Option<&str>) -> Result<Descriptor, Failure> {
        let whole = |name: &str| name.parse::<Reference>().ok();
        let matches = |(tags, descriptor): &&(Vec<String>, Descriptor)| match name {
            None => true,
            Some(name) => {
                name.strip_prefix('@').is_some_and(|digest| digest == descriptor.digest.to_string())
                    || tags.iter().any(|tag| tag == name || whole(tag).is_some_and(|tag| Some(tag) == whole(name)))
            }
        };
        let mut found: Vec<&Descriptor> = self.images.iter().filter(matches).map(|(_, found)| found).collect();
        found.dedup_by_key(|descriptor| descriptor.digest);
        let place = self.shelf.shown();
        match found[..] {
            [one] => Ok(one.clone()),
            [] => {
                let known = self.images.iter().flat_map(|(tags, _)| tags).map(|tag| OciError::shown(tag)).collect();
                Err(LayoutError::UnknownName { place, name: name.map(str::to_owned), known }.into())
            }
            _ => Err(LayoutError::Ambiguous { place, count: found.len() }.into()),
        }
    }

    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Failure> {
        let digest = descriptor.digest;
        let missing = || LayoutError::Missing { place: self.shelf.shown(), digest };
        let name = self.blobs.get(&digest).ok_or_else(missing)?;
        Ok(self.shelf.open(name)?.ok_or_else(missing)?.0)
    }
}

impl Source for DockerArchive {
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Failure> {
        match &self.0 {
            Form::Layout(layout) => layout.document(descriptor),
            Form::Plain(plain) => match plain.documents.get(&descriptor.digest) {
                Some(bytes) => whole(descriptor, || Ok(Box::new(bytes.as_slice()))),
                None => whole(descriptor, || plain.open(descriptor)),
            },
        }
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, Failure> {
        match &self.0 {
            Form::Layout(layout) => layout.blob(descriptor),
            Form::Plain(plain) => Ok(Box::new(Checked::new(plain.open(descriptor)?, descriptor))),
        }
    }

    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Failure> {
        match &self.0 {
            Form::Layout(layout) => layout.referrers(subject),
            Form::Plain(_) => Ok(Vec::new()),
        }
    }
}
