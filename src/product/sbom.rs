//! The SBOMs of a release as values, and the record of them.

use sealift_trust::{Digest, FileName};
use serde::{Deserialize, Serialize};

use super::{RecordError, Told, read_canonical};
use crate::artifact::Artifact;
use crate::target::Target;

/// The schema of [`record_sboms`]'s document.
const SCHEMA: &str = "urn:sealift:sbom:2";

/// How an SBOM is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SbomFormat {
    /// CycloneDX 1.6.
    CycloneDx,
    /// SPDX 2.3.
    Spdx,
}

impl SbomFormat {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::CycloneDx, Self::Spdx];

    /// Its word, as users write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::CycloneDx => "cyclonedx",
            Self::Spdx => "spdx",
        }
    }

    /// What a file's name ends with, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::CycloneDx => "cdx.json",
            Self::Spdx => "spdx.json",
        }
    }

    /// The predicate type of a statement that is such a document (in-toto/attestation, `spec/predicates`).
    pub fn predicate_type(self) -> &'static str {
        match self {
            Self::CycloneDx => "https://cyclonedx.org/bom",
            Self::Spdx => "https://spdx.dev/Document",
        }
    }

    /// The media type (IANA).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::CycloneDx => "application/vnd.cyclonedx+json",
            Self::Spdx => "application/spdx+json",
        }
    }
}

/// What an SBOM of a release lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SbomOf {
    /// A binary.
    Binary,
    /// An image for one platform.
    Image,
}

/// An SBOM of a binary or of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SbomFile {
    /// Its file name.
    pub name: FileName,
    /// How it is written.
    pub format: SbomFormat,
    /// What it lists.
    pub of: SbomOf,
    /// The service whose binary or image it lists.
    pub service: FileName,
    /// The target of that binary or image.
    pub target: Target,
    /// The digest of that binary, or of the image's manifest.
    pub subject: Digest,
    /// Digest and size of the file itself.
    pub artifact: Artifact,
}

/// A record of SBOMs, read back: nothing in it is measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedSboms {
    schema: String,
    /// The SBOMs.
    pub sboms: Vec<RecordedSbom>,
}

/// A [`SbomFile`] as a record tells it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedSbom {
    /// See [`SbomFile::name`].
    pub name: FileName,
    /// See [`SbomFile::format`].
    pub format: SbomFormat,
    /// See [`SbomFile::of`].
    pub of: SbomOf,
    /// See [`SbomFile::service`].
    pub service: FileName,
    /// See [`SbomFile::target`].
    pub target: Target,
    /// See [`SbomFile::subject`].
    pub subject: Digest,
    /// What [`SbomFile::artifact`] was.
    pub artifact: Told,
}

/// Writes `.sealift/sbom.json`: canonical JSON, so that [`read_sboms`] takes these bytes and no others.
pub fn record_sboms(sboms: &[SbomFile]) -> Result<Vec<u8>, RecordError> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: &'static str,
        sboms: &'a [SbomFile],
    }
    let value = sealift_trust::json::to_value(&Record { schema: SCHEMA, sboms })?;
    Ok(sealift_trust::json::canonical(&value))
}

/// Reads what [`record_sboms`] wrote, strictly: any other byte is refused.
pub fn read_sboms(bytes: &[u8]) -> Result<RecordedSboms, RecordError> {
    read_canonical(bytes, SCHEMA, |recorded: &RecordedSboms| &recorded.schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_nothing_like_it() {
        let sbom = SbomFile {
            name: "api.cdx.json".parse().unwrap(),
            format: SbomFormat::CycloneDx,
            service: "api".parse().unwrap(),
            target: "linux/arm/v7".parse().unwrap(),
            of: SbomOf::Image,
            subject: Digest::of(b"api"),
            artifact: Artifact::of(b"sbom"),
        };
        let bytes = record_sboms(std::slice::from_ref(&sbom)).unwrap();
        let recorded = read_sboms(&bytes).unwrap();
        assert!(recorded.sboms[0].artifact.is(sbom.artifact) && recorded.sboms[0].subject == sbom.subject);
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("sbom:2", "sbom:1"),
            ("image", "binaries"),
            ("cyclonedx", "cdx"),
            ("\"size\":4", "\"size\":4 "),
            ("arm/v7", "arm"),
        ] {
            assert!(text.contains(from), "{from} is not in {text}");
            assert!(read_sboms(text.replace(from, to).as_bytes()).is_err(), "{from} -> {to}");
        }
    }
}
