//! Where the images of a release lie, and the files of that place that follow from the manifest.
//!
//! One OCI image layout (opencontainers/image-spec, `image-layout.md`) beside the manifest holds the images of all
//! services. Its blobs are named by their digests; its two other files have one form, so that every byte below the folder
//! is decided by the manifest.

use super::release::Release;
use crate::digest::Digest;
use crate::json::{self, Object, Value};
use crate::name::FileName;

/// The folder of the layout, beside the manifest.
pub const LAYOUT: &str = "image";

/// The file that says which form the layout has, in [`LAYOUT`].
pub const LAYOUT_FILE: &str = "oci-layout";

/// The text of [`LAYOUT_FILE`].
pub const LAYOUT_TEXT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// The file that names the indexes, in [`LAYOUT`].
pub const LAYOUT_INDEX: &str = "index.json";

/// The folder of the blobs, in [`LAYOUT`]: each is named by the 64 hexadecimal digits of its digest.
pub const LAYOUT_BLOBS: &str = "blobs/sha256";

/// The media type of an index of images (image-spec, `image-index.md`).
pub const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The media type of an image (image-spec, `manifest.md`).
pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The annotation by which a layout's entry is named (image-spec, `annotations.md`): `skopeo inspect oci:image:api`.
const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// A service's index of images, as a layout names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    /// The service, which is also the entry's name.
    pub service: &'a FileName,
    /// The digest of the index.
    pub digest: Digest,
    /// Its size in bytes, at most 2^53 - 1.
    pub size: u64,
}

/// The text of [`LAYOUT_INDEX`]: canonical JSON, the services by name.
pub fn layout_index(entries: &[IndexEntry<'_>]) -> Vec<u8> {
    let text = |text: &str| Value::String(text.to_owned());
    let object = |members: Vec<(&str, Value)>| {
        Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
    };
    let entry = |entry: &IndexEntry<'_>| {
        object(vec![
            ("annotations", object(vec![(REFERENCE, text(entry.service.as_str()))])),
            ("digest", text(&entry.digest.to_string())),
            ("mediaType", text(IMAGE_INDEX)),
            // A release has no larger ones; of any other caller's the reader would not take the text.
            ("size", Value::Integer(i64::try_from(entry.size).unwrap_or(i64::MAX))),
        ])
    };
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| entry.service);
    json::canonical(&object(vec![
        ("manifests", Value::Array(entries.iter().map(entry).collect())),
        ("mediaType", text(IMAGE_INDEX)),
        ("schemaVersion", Value::Integer(2)),
    ]))
}

impl Release {
    /// The text of [`LAYOUT_INDEX`]; none when the release has no images, and no layout.
    pub fn layout_index(&self) -> Option<Vec<u8>> {
        let entries = self.image_indexes();
        let entries: Vec<IndexEntry<'_>> =
            entries.map(|(service, index)| IndexEntry { service, digest: index.digest, size: index.size }).collect();
        (!entries.is_empty()).then(|| layout_index(&entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::Statement;

    #[test]
    fn the_form_does_not_change_by_accident() {
        let statement = Statement::release(crate::statement::tests::release()).expect("a good release");
        let release = statement.into_release().expect("a release");
        let digest = Digest::of(b"index of api");
        let want = format!(
            r#"{{"manifests":[{{"annotations":{{"org.opencontainers.image.ref.name":"api"}},"digest":"{digest}","mediaType":"application/vnd.oci.image.index.v1+json","size":12}}],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}}"#
        );
        assert_eq!(release.layout_index().map(String::from_utf8), Some(Ok(want)));
        let mut without = release.clone();
        without.artifacts.retain(|artifact| !artifact.name.to_string().starts_with("image:"));
        assert_eq!(without.layout_index(), None);
    }

    #[test]
    fn services_stand_by_name() {
        let (api, worker): (FileName, FileName) = ("api".parse().expect("a name"), "worker".parse().expect("a name"));
        let entry = |service| IndexEntry { service, digest: Digest::of(b""), size: 1 };
        let text = layout_index(&[entry(&worker), entry(&api)]);
        assert_eq!(text, layout_index(&[entry(&api), entry(&worker)]));
        let text = String::from_utf8(text).expect("JSON");
        assert!(text.find("\"api\"") < text.find("\"worker\""), "{text}");
    }
}
