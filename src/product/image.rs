//! Images as values: what `image` makes, as `attest` seals it.

use sealift_trust::{Digest, FileName};
use serde::{Deserialize, Serialize};

use super::{Held, RecordError, Told, read_canonical};
use crate::artifact::Artifact;
use crate::target::Target;

/// The schema of [`record_images`]'s document.
const SCHEMA: &str = "urn:sealift:image:1";

/// The images of a service, with the index that names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageIndex {
    /// The service.
    pub service: FileName,
    /// Digest and size of the index itself.
    pub artifact: Artifact,
    /// The media type of the index.
    pub media_type: String,
    /// The images, one for each platform.
    pub images: Vec<Image>,
}

/// An image for one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Image {
    /// The service it runs.
    pub service: FileName,
    /// The target of the binary in it.
    pub target: Target,
    /// Digest and size of the manifest.
    pub artifact: Artifact,
    /// The media type of the manifest.
    pub media_type: String,
    /// The configuration.
    pub config: Artifact,
    /// The layers as they are stored, the lowest first.
    pub layers: Vec<Artifact>,
    /// The binary in it, by its path in the root file system without a leading `/`.
    pub holds: Vec<Held>,
}

impl ImageIndex {
    /// Everything that a layout needs for these images: layers and configurations, then the manifests that name them,
    /// then the index. A blob that several images share comes several times.
    pub fn blobs(&self) -> impl Iterator<Item = Artifact> {
        let parts = self.images.iter().flat_map(|image| image.layers.iter().copied().chain([image.config]));
        parts.chain(self.images.iter().map(|image| image.artifact)).chain([self.artifact])
    }
}

/// A record of images, read back: nothing in it is measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedImages {
    schema: String,
    /// The indexes.
    pub indexes: Vec<RecordedIndex>,
}

impl RecordedImages {
    /// Every layer of every image.
    pub fn layers(&self) -> impl Iterator<Item = Digest> {
        let images = self.indexes.iter().flat_map(|index| &index.images);
        images.flat_map(|image| &image.layers).map(|layer| layer.digest)
    }

    /// Whether an index or the manifest of one of its images is this.
    pub fn names(&self, digest: Digest) -> bool {
        let manifests = |index: &RecordedIndex| index.images.iter().any(|image| image.artifact.digest == digest);
        self.indexes.iter().any(|index| index.artifact.digest == digest || manifests(index))
    }
}

/// An [`ImageIndex`] as a record tells it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecordedIndex {
    /// See [`ImageIndex::service`].
    pub service: FileName,
    /// What [`ImageIndex::artifact`] was.
    pub artifact: Told,
    /// See [`ImageIndex::media_type`].
    pub media_type: String,
    /// See [`ImageIndex::images`].
    pub images: Vec<RecordedImage>,
}

/// An [`Image`] as a record tells it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecordedImage {
    /// See [`Image::service`].
    pub service: FileName,
    /// See [`Image::target`].
    pub target: Target,
    /// What [`Image::artifact`] was.
    pub artifact: Told,
    /// See [`Image::media_type`].
    pub media_type: String,
    /// What [`Image::config`] was.
    pub config: Told,
    /// What [`Image::layers`] were.
    pub layers: Vec<Told>,
    /// See [`Image::holds`].
    pub holds: Vec<Held>,
}

/// Writes `.sealift/image.json`: canonical JSON, so that [`read_images`] takes these bytes and no others.
pub fn record_images(indexes: &[ImageIndex]) -> Result<Vec<u8>, RecordError> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: &'static str,
        indexes: &'a [ImageIndex],
    }
    let value = sealift_trust::json::to_value(&Record { schema: SCHEMA, indexes })?;
    Ok(sealift_trust::json::canonical(&value))
}

/// Reads what [`record_images`] wrote, strictly: any other byte is refused.
pub fn read_images(bytes: &[u8]) -> Result<RecordedImages, RecordError> {
    read_canonical(bytes, SCHEMA, |recorded: &RecordedImages| &recorded.schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_nothing_like_it() {
        let service: FileName = "api".parse().unwrap();
        let held = Held { path: "usr/bin/api".into(), service: service.clone(), digest: Digest::of(b"b"), size: 1 };
        let image = Image {
            service: service.clone(),
            target: "linux/arm/v7".parse().unwrap(),
            artifact: Artifact::of(b"manifest"),
            media_type: sealift_trust::statement::IMAGE_MANIFEST.into(),
            config: Artifact::of(b"config"),
            layers: vec![Artifact::of(b"root files"), Artifact::of(b"binary")],
            holds: vec![held],
        };
        let index = ImageIndex {
            service,
            artifact: Artifact::of(b"index"),
            media_type: sealift_trust::statement::IMAGE_INDEX.into(),
            images: vec![image.clone()],
        };
        let order = [b"root files".as_slice(), b"binary", b"config", b"manifest", b"index"].map(Artifact::of);
        assert_eq!(index.blobs().collect::<Vec<_>>(), order);
        let bytes = record_images(&[index]).unwrap();
        let recorded = read_images(&bytes).unwrap();
        assert_eq!(recorded.indexes.len(), 1);
        let told = &recorded.indexes[0].images[0];
        assert!(told.artifact.is(image.artifact) && told.config.is(image.config) && told.layers[1].is(image.layers[1]));
        assert_eq!((&told.holds, &told.target), (&image.holds, &image.target));
        assert_eq!(recorded.layers().collect::<Vec<_>>(), [b"root files".as_slice(), b"binary"].map(Digest::of));
        let named = [b"index".as_slice(), b"manifest", b"config"].map(|bytes| recorded.names(Digest::of(bytes)));
        assert_eq!(named, [true, true, false]);
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("image:1", "image:2"),
            ("\"size\":1}", "\"size\":1 }"),
            ("\"size\":1}", "\"size\":1,\"very\":1}"),
            ("linux/arm/v7", "linux/arm"),
            ("\"layers\"", "\"layer\""),
        ] {
            assert!(text.contains(from), "{from} is not in {text}");
            assert!(read_images(text.replace(from, to).as_bytes()).is_err(), "{from} -> {to}");
        }
    }
}
