//! What a statement is about: in-toto's resource descriptors, in the one form that ours have: a name and a SHA-256 digest.

use serde::{Deserialize, Serialize};

use super::check::MANIFEST;
use super::release::{Artifact, Release};
use crate::digest::Digest;

/// One subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// The digest of its bytes.
    #[serde(with = "digest_set")]
    pub digest: Digest,
}

impl Subject {
    pub(super) fn of(artifact: &Artifact) -> Self {
        Self { name: artifact.name.to_string(), digest: artifact.digest }
    }

    /// All that a provenance is about, by name: the artifacts of a release, and the manifest by the digest of its file, as
    /// everybody can measure it.
    pub fn all(release: &Release, manifest: Digest) -> Vec<Self> {
        let manifest = Self { name: MANIFEST.to_owned(), digest: manifest };
        let mut all: Vec<Self> = release.artifacts.iter().map(Self::of).chain([manifest]).collect();
        all.sort();
        all
    }
}

/// in-toto's digest set (`digest_set.md`), with the one algorithm that we use.
mod digest_set {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::digest::Digest;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Set {
        sha256: String,
    }

    pub fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        Set { sha256: digest.hex() }.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        Digest::from_hex(&Set::deserialize(deserializer)?.sha256).map_err(D::Error::custom)
    }
}
