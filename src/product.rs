//! What a release is made of, as values: the binaries of `build`, the archives of `package` and the images of `image`.

mod image;
mod sbom;

use sealift_trust::{Digest, FileName};
use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::target::Target;

pub use image::{Image, ImageIndex, RecordedImage, RecordedImages, RecordedIndex, read_images, record_images};
pub use sbom::{RecordedSbom, RecordedSboms, SbomFile, SbomFormat, SbomOf, read_sboms, record_sboms};

/// The schema of [`record`]'s document.
const SCHEMA: &str = "urn:sealift:package:1";

/// A program for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Binary {
    /// The service it is.
    pub service: FileName,
    /// That service's version.
    pub version: semver::Version,
    /// The target it runs on.
    pub target: Target,
    /// Digest and size.
    pub artifact: Artifact,
}

/// An archive file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Archive {
    /// Its file name.
    pub name: FileName,
    /// What is in it.
    pub kind: ArchiveKind,
    /// The services whose binaries are in it.
    pub services: Vec<FileName>,
    /// The target of the binaries in it.
    pub target: Option<Target>,
    /// Digest and size of the archive itself.
    pub artifact: Artifact,
    /// The media type of the file.
    pub media_type: String,
    /// The binaries in it.
    pub holds: Vec<Held>,
}

/// What an archive is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveKind {
    /// Programs, with what goes along with them.
    Binaries,
    /// The source.
    Source,
    /// A file that something else made.
    File,
}

/// A binary in an archive or an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Where it lies in the archive, or in the root file system of the image.
    pub path: String,
    /// The service it is.
    pub service: FileName,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Digest and size as a record tells them: not an [`Artifact`] before they were measured again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The digest.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
}

impl Told {
    /// Whether what was measured is what was told.
    pub fn is(self, measured: Artifact) -> bool {
        self.digest == measured.digest() && self.size == measured.size()
    }
}

/// A record of binaries and archives, read back: nothing in it is measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    schema: String,
    /// The binaries.
    pub binaries: Vec<RecordedBinary>,
    /// The archives.
    pub archives: Vec<RecordedArchive>,
}

/// A [`Binary`] as a record tells it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedBinary {
    /// See [`Binary::service`].
    pub service: FileName,
    /// See [`Binary::version`].
    pub version: semver::Version,
    /// See [`Binary::target`].
    pub target: Target,
    /// What [`Binary::artifact`] was.
    pub artifact: Told,
}

/// An [`Archive`] as a record tells it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedArchive {
    /// See [`Archive::name`].
    pub name: FileName,
    /// See [`Archive::kind`].
    pub kind: ArchiveKind,
    /// See [`Archive::services`].
    pub services: Vec<FileName>,
    /// See [`Archive::target`].
    pub target: Option<Target>,
    /// What [`Archive::artifact`] was.
    pub artifact: Told,
    /// See [`Archive::media_type`].
    pub media_type: String,
    /// See [`Archive::holds`].
    pub holds: Vec<Held>,
}

/// A record that is refused.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not canonical JSON of the record's shape.
    #[error("the record is not what was written")]
    Json(#[from] sealift_trust::JsonError),
    /// Another document, or one of another version.
    #[error("the record's schema is {found:?}, not {wanted}")]
    Schema {
        /// What it says.
        found: String,
        /// The one that is read.
        wanted: &'static str,
    },
}

/// Writes `.sealift/package.json`: canonical JSON, so that [`read`] takes these bytes and no others.
pub fn record(binaries: &[Binary], archives: &[Archive]) -> Result<Vec<u8>, RecordError> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: &'static str,
        binaries: &'a [Binary],
        archives: &'a [Archive],
    }
    let value = sealift_trust::json::to_value(&Record { schema: SCHEMA, binaries, archives })?;
    Ok(sealift_trust::json::canonical(&value))
}

/// Reads what [`record`] wrote, strictly: any other byte is refused.
pub fn read(bytes: &[u8]) -> Result<Recorded, RecordError> {
    read_canonical(bytes, SCHEMA, |recorded: &Recorded| &recorded.schema)
}

fn read_canonical<T: Serialize + serde::de::DeserializeOwned>(
    bytes: &[u8],
    wanted: &'static str,
    schema: impl Fn(&T) -> &String,
) -> Result<T, RecordError> {
    use sealift_trust::json::{Limits, Numbers, canonical, from_value, parse_canonical, to_value};
    let limits = Limits { bytes: MAX_RECORD, values: 1_000_000, numbers: Numbers::IntegersOnly };
    let recorded: T = from_value(parse_canonical(bytes, &limits)?)?;
    if schema(&recorded) != wanted {
        return Err(RecordError::Schema { found: schema(&recorded).chars().take(80).collect(), wanted });
    }
    // A derived reader takes an array for a struct and nothing for null; the writer does not.
    if canonical(&to_value(&recorded)?) != bytes {
        return Err(sealift_trust::JsonError::Shape("written again it gives other bytes".to_owned()).into());
    }
    Ok(recorded)
}

/// The longest record, in bytes.
pub const MAX_RECORD: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_nothing_like_it() {
        let held = Held { path: "api".into(), service: "api".parse().unwrap(), digest: Digest::of(b"b"), size: 1 };
        let archive = Archive {
            name: "api.tar.gz".parse().unwrap(),
            kind: ArchiveKind::Binaries,
            services: vec!["api".parse().unwrap()],
            target: Some("linux/arm/v7".parse().unwrap()),
            artifact: Artifact::of(b"archive"),
            media_type: "application/gzip".into(),
            holds: vec![held],
        };
        let source = Archive { name: "source.tar.gz".parse().unwrap(), target: None, holds: vec![], ..archive.clone() };
        let binary = Binary {
            service: "api".parse().unwrap(),
            version: "1.2.3-rc.1".parse().unwrap(),
            target: "linux/arm/v7".parse().unwrap(),
            artifact: Artifact::of(b"b"),
        };
        let bytes = record(&[binary], &[archive.clone(), source]).unwrap();
        let recorded = read(&bytes).unwrap();
        assert_eq!((recorded.binaries.len(), recorded.archives.len()), (1, 2));
        assert!(recorded.archives[0].artifact.is(archive.artifact));
        assert_eq!((&recorded.archives[0].holds, &recorded.archives[0].target), (&archive.holds, &archive.target));
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("package:1", "package:2"),
            ("\"kind\":\"binaries\",", ""),
            ("\"size\":1", "\"size\":1 "),
            ("\"size\":1", "\"more\":1,\"size\":1"),
            ("\"target\":null", "\"target\":\"nowhere/near\""),
            ("linux/arm/v7", "linux/arm"),
        ] {
            assert!(text.contains(from), "{from} is not in {text}");
            assert!(read(text.replace(from, to).as_bytes()).is_err(), "{from} -> {to}");
        }
    }
}
