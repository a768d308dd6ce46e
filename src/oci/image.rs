//! An image as a value: what it was is never changed, each step gives a new one.

use sealift_trust::Digest;

use super::config::History;
use super::document::Manifest;
use super::{
    Descriptor, Document, ImageConfig, LayoutError, Others, Platform, RunConfig, Source, layout::whole, media,
};
use crate::error::Failure;

/// A layer on its way into an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLayer {
    /// The blob.
    pub descriptor: Descriptor,
    /// The digest of its uncompressed tar.
    pub diff_id: Digest,
    /// What it is.
    pub history: History,
}

/// An image of one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    manifest: Manifest,
    config: ImageConfig,
}

/// An image's two documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Describes [`Encoded::config_bytes`].
    pub config: Descriptor,
    /// The configuration, a blob.
    pub config_bytes: Vec<u8>,
    /// Describes [`Encoded::manifest_bytes`], with the platform: an entry of an index.
    pub manifest: Descriptor,
    /// The manifest, a document.
    pub manifest_bytes: Vec<u8>,
}

impl Image {
    /// Nothing, for a platform.
    pub fn scratch(platform: &Platform) -> Self {
        let config = ImageConfig::new(platform);
        let manifest = Manifest::new(Descriptor::of(media::OCI_CONFIG, &config.encode()), Vec::new());
        Self { manifest, config }
    }

    /// What another image is, to be built upon. Its layers keep their bytes and get the media types of the image
    /// specification; what its manifest says about itself (annotations, a subject) stays behind.
    ///
    /// # Errors
    /// `layout.no-image` for an artifact or a manifest with layers that are none; `layout.layer-count`.
    pub fn from_base(base: &Manifest, config: ImageConfig) -> Result<Self, LayoutError> {
        let refuse = |why| LayoutError::NoImage { digest: base.config.digest, why };
        if !base.is_image() {
            return Err(refuse("it is an artifact in the form of an image"));
        }
        config.fits(base)?;
        let layers: Option<Vec<Descriptor>> = base.layers.iter().map(as_oci).collect();
        let layers = layers.ok_or_else(|| refuse("one of its layers is of a type that holds no files"))?;
        Ok(Self { manifest: Manifest::new(base.config.bare(), layers), config: config.with_full_history() })
    }

    /// Reads the image that a descriptor names.
    ///
    /// # Errors
    /// As [`Image::from_base`]; `layout.no-image` for an index, of which one entry is to be chosen first.
    pub fn read(source: &dyn Source, descriptor: &Descriptor) -> Result<Self, Failure> {
        let bytes = source.document(descriptor)?;
        let Document::Manifest(manifest) = Document::parse(&bytes, &descriptor.media_type)? else {
            let why = "it is an index of several";
            return Err(LayoutError::NoImage { digest: descriptor.digest, why }.into());
        };
        let config = read_config(source, &manifest)?;
        Ok(Self::from_base(&manifest, config)?)
    }

    /// The layers, the lowest first.
    pub fn layers(&self) -> &[Descriptor] {
        &self.manifest.layers
    }

    /// The configuration.
    pub fn config(&self) -> &ImageConfig {
        &self.config
    }

    /// The machine it is for.
    pub fn platform(&self) -> Platform {
        self.config.platform()
    }

    /// With another layer on top.
    #[must_use]
    pub fn append(mut self, layer: NewLayer) -> Self {
        self.manifest.layers.push(layer.descriptor);
        self.config.rootfs.diff_ids.push(layer.diff_id);
        self.config.history.push(History { empty_layer: false, ..layer.history });
        self
    }

    /// With another way of running it.
    #[must_use]
    pub fn with_run(mut self, run: RunConfig) -> Self {
        self.config.config = run;
        self
    }

    /// For another platform; what a variant of a processor can do is a statement about the binary in it.
    #[must_use]
    pub fn with_platform(mut self, platform: &Platform) -> Self {
        self.config.os.clone_from(&platform.os);
        self.config.architecture.clone_from(&platform.architecture);
        self.config.variant.clone_from(&platform.variant);
        self.config.os_version.clone_from(&platform.os_version);
        self.config.os_features.clone_from(&platform.os_features);
        self
    }

    /// With a time (RFC 3339) and an author.
    #[must_use]
    pub fn with_origin(mut self, created: Option<String>, author: Option<String>) -> Self {
        self.config.created = created;
        self.config.author = author;
        self
    }

    /// With notes on the manifest.
    #[must_use]
    pub fn with_annotations(mut self, annotations: impl IntoIterator<Item = (String, String)>) -> Self {
        self.manifest.annotations.extend(annotations);
        self
    }

    /// Its documents: equal images have equal bytes.
    pub fn encode(&self) -> Encoded {
        let config_bytes = self.config.encode();
        let config = Descriptor::of(media::OCI_CONFIG, &config_bytes);
        let mut manifest = self.manifest.clone();
        manifest.config.clone_from(&config);
        let manifest_bytes = manifest.encode();
        let manifest = Descriptor::of(media::OCI_MANIFEST, &manifest_bytes).with_platform(self.platform());
        Encoded { config, config_bytes, manifest, manifest_bytes }
    }
}

/// Reads the configuration of an image.
pub fn read_config(source: &dyn Source, manifest: &Manifest) -> Result<ImageConfig, Failure> {
    // A blob, as far as a registry is concerned.
    let bytes = whole(&manifest.config, || source.blob(&manifest.config))?;
    Ok(ImageConfig::parse(&bytes)?)
}

/// A layer in the image specification's media types, and without `urls` and `data`, which are never used.
fn as_oci(layer: &Descriptor) -> Option<Descriptor> {
    use media::Compression::{Gzip, None as Plain, Zstd};
    let media_type = match (layer.media_type.as_str(), media::compression(&layer.media_type)?) {
        (media::DOCKER_FOREIGN, _) => media::OCI_LAYER_FOREIGN_GZIP,
        (docker, Plain) if media::is_docker(docker) => media::OCI_LAYER_TAR,
        (docker, Gzip) if media::is_docker(docker) => media::OCI_LAYER_GZIP,
        (docker, Zstd) if media::is_docker(docker) => media::OCI_LAYER_ZSTD,
        (own, _) => own,
    };
    let others: Others = layer
        .others
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "urls" | "data"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Some(Descriptor { media_type: media_type.to_owned(), others, ..layer.clone() })
}

impl ImageConfig {
    /// Whether the configuration describes as many layers as the manifest has.
    pub(super) fn fits(&self, manifest: &Manifest) -> Result<(), LayoutError> {
        let (layers, described) = (manifest.layers.len(), self.rootfs.diff_ids.len());
        if layers == described { Ok(()) } else { Err(LayoutError::LayerCount { layers, described }) }
    }

    /// With a line of history for each layer, so that those of further layers stand beside the right ones.
    fn with_full_history(mut self) -> Self {
        let described = self.history.iter().filter(|line| !line.empty_layer).count();
        let missing = self.rootfs.diff_ids.len().saturating_sub(described);
        let line = History { comment: Some("a layer of the base image".to_owned()), ..History::default() };
        self.history.extend(std::iter::repeat_n(line, missing));
        self
    }
}
