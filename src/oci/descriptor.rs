//! Descriptors: what a document says about another document or a blob (image-spec, `descriptor.md`).

use std::collections::BTreeMap;
use std::fmt;

use sealift_trust::Digest;
use sealift_trust::json::MAX_INTEGER;
use serde::{Deserialize, Serialize};

use super::nullable::nullable;
use super::{OciError, Platform, media};
use crate::artifact::Artifact;

/// Members that documents carry and that mean nothing here; kept when they are written again.
pub type Others = BTreeMap<String, serde_json::Value>;

/// Media type, digest and size of something, with notes about it.
///
/// `data` and `urls` are kept with the other members and never used: what they hold comes from elsewhere than the place
/// that was asked (attack A14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// What it is.
    #[serde(rename = "mediaType")]
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// The machine it is for; only in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What a manifest carries when that is no image.
    #[serde(rename = "artifactType", default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Notes by name.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// All other members.
    #[serde(flatten)]
    pub others: Others,
}

impl Descriptor {
    /// Describes bytes that were measured.
    pub fn new(media_type: &str, artifact: Artifact) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: artifact.digest(),
            size: artifact.size(),
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
            others: Others::new(),
        }
    }

    /// Describes a buffer.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, Artifact::of(bytes))
    }

    /// The same for a platform.
    #[must_use]
    pub fn with_platform(self, platform: Platform) -> Self {
        Self { platform: Some(platform), ..self }
    }

    /// Media type, digest and size alone.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self {
            media_type: self.media_type.clone(),
            digest: self.digest,
            size: self.size,
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
            others: Others::new(),
        }
    }

    /// Whether it describes a manifest or an index.
    pub fn is_document(&self) -> bool {
        media::is_document(&self.media_type)
    }

    /// What it describes, in a word.
    pub fn noun(&self) -> &'static str {
        match self.media_type.as_str() {
            kind if media::is_index(kind) => "index",
            kind if media::is_manifest(kind) => "manifest",
            kind if media::is_config(kind) => "configuration",
            kind if media::is_layer(kind) => "layer",
            _ => "blob",
        }
    }

    /// Whether measured bytes are the described ones.
    ///
    /// # Errors
    /// `oci.size-mismatch`, `oci.digest-mismatch`.
    pub fn check(&self, found: Artifact) -> Result<(), OciError> {
        if found.size() != self.size {
            return Err(OciError::SizeMismatch { digest: self.digest, want: self.size, found: found.size() });
        }
        if found.digest() != self.digest {
            return Err(OciError::DigestMismatch { want: self.digest, found: found.digest() });
        }
        Ok(())
    }
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.noun(), self.digest)
    }
}

/// A size that every reader keeps exactly.
fn size<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let size = u64::deserialize(from)?;
    if size > MAX_INTEGER.unsigned_abs() {
        return Err(serde::de::Error::custom("a size beyond 2^53 - 1"));
    }
    Ok(size)
}
