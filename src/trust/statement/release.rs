//! The predicate `urn:sealift:release:1`: what one release consists of.

use std::fmt;
use std::str::FromStr;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::terms::{Commit, MediaType, SourceUrl, TargetName, TermError, Timestamp};
use crate::digest::Digest;
use crate::name::{self, FileName, InnerPath, NameError};

/// A release. Every list is sorted and without repetition; [`super::Statement::release`] sorts and checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Release {
    /// What is released: nodes compare it with their own (A21).
    pub product: FileName,
    /// The version.
    pub version: Version,
    /// The channel it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<FileName>,
    /// Whether it was made from a state that is no release: a dirty tree or an untagged commit.
    pub snapshot: bool,
    /// The commit it was made from.
    pub commit: Commit,
    /// Where the source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceUrl>,
    /// `SOURCE_DATE_EPOCH`, else the commit's time; never the wall clock.
    pub created: Timestamp,
    /// The services in it, by name.
    pub services: Vec<Service>,
    /// The artifacts, by name: the subjects of the statement in the same order.
    pub artifacts: Vec<Artifact>,
    /// Files that lie beside the manifest and are not subjects: those that are recomputed or verified by themselves.
    pub companions: Vec<FileName>,
}

/// A service, with what is stamped into its binaries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Service {
    /// Its name.
    pub name: FileName,
    /// Its version.
    pub version: Version,
    /// The last commit that affected it.
    pub commit: Commit,
    /// The digest of its own files, when they differ from that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Digest>,
}

/// What an artifact is: a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactKind {
    /// A tar or zip file with binaries in it.
    Archive,
    /// A program; no file of its own, but held by an archive or an image.
    Binary,
    /// The list of a service's images, one for each platform: an OCI image index.
    ImageIndex,
    /// An image for one platform: an OCI image manifest.
    Image,
    /// An archive of the source.
    Source,
    /// A file that something else made: nothing is said of what is in it.
    File,
    /// A list of digests.
    Checksums,
    /// A list of what a binary or an image consists of.
    Sbom,
    /// What is known of vulnerabilities in the binaries.
    Vex,
    /// Release notes.
    Notes,
}

/// One artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Artifact {
    /// Its name, unique in the release.
    pub name: ArtifactName,
    /// What it is.
    pub kind: ArtifactKind,
    /// The service it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<FileName>,
    /// The target it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes, at most 2^53 − 1.
    pub size: u64,
    /// Its media type.
    pub media_type: MediaType,
    /// The binaries that an archive or an image holds, by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Held>,
}

/// A binary in an archive or an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Held {
    /// Where it lies in the archive, or in the root file system of the image.
    pub path: InnerPath,
    /// The digest of its bytes: that of an artifact of kind [`ArtifactKind::Binary`].
    pub digest: Digest,
}

/// The name of an artifact. A file's name cannot hold `:`, so the forms never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ArtifactName {
    /// A file beside the manifest.
    File(FileName),
    /// A program: `binary:<service>/<target>`.
    Binary {
        /// The service.
        service: FileName,
        /// The target.
        target: TargetName,
    },
    /// The index of a service's images: `image:<service>`.
    ImageIndex {
        /// The service.
        service: FileName,
    },
    /// A service's image for one platform: `image:<service>/<target>`.
    Image {
        /// The service.
        service: FileName,
        /// The target.
        target: TargetName,
    },
}

/// Before the service in a binary's name.
const BINARY_PREFIX: &str = "binary:";

/// Before the service in the name of an image or of an index of images.
const IMAGE_PREFIX: &str = "image:";

impl ArtifactName {
    /// The file's name, unless it is that of a binary, an image or an index.
    pub fn file(&self) -> Option<&FileName> {
        match self {
            ArtifactName::File(name) => Some(name),
            ArtifactName::Binary { .. } | ArtifactName::ImageIndex { .. } | ArtifactName::Image { .. } => None,
        }
    }
}

impl fmt::Display for ArtifactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArtifactName::File(name) => name.fmt(f),
            ArtifactName::Binary { service, target } => write!(f, "{BINARY_PREFIX}{service}/{target}"),
            ArtifactName::ImageIndex { service } => write!(f, "{IMAGE_PREFIX}{service}"),
            ArtifactName::Image { service, target } => write!(f, "{IMAGE_PREFIX}{service}/{target}"),
        }
    }
}

/// An artifact's name that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactNameError {
    /// The file's or the service's name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The target of a binary or an image.
    #[error(transparent)]
    Target(#[from] TermError),
    /// A binary's name without a target.
    #[error("a binary's name is binary:<service>/<target>")]
    NoTarget,
}

impl ArtifactNameError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ArtifactNameError::Name(error) => error.code(),
            ArtifactNameError::Target(error) => error.code(),
            ArtifactNameError::NoTarget => "statement.binary-name",
        }
    }
}

impl FromStr for ArtifactName {
    type Err = ArtifactNameError;

    fn from_str(text: &str) -> Result<Self, ArtifactNameError> {
        if let Some(rest) = text.strip_prefix(BINARY_PREFIX) {
            let (service, target) = rest.split_once('/').ok_or(ArtifactNameError::NoTarget)?;
            return Ok(ArtifactName::Binary { service: name::plain_file(service)?, target: target.parse()? });
        }
        let Some(rest) = text.strip_prefix(IMAGE_PREFIX) else {
            return Ok(ArtifactName::File(name::plain_file(text)?));
        };
        match rest.split_once('/') {
            None => Ok(ArtifactName::ImageIndex { service: name::plain_file(rest)? }),
            Some((service, target)) => {
                Ok(ArtifactName::Image { service: name::plain_file(service)?, target: target.parse()? })
            }
        }
    }
}

impl Serialize for ArtifactName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArtifactName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Release {
    /// The artifact of that name.
    pub fn artifact(&self, name: &ArtifactName) -> Option<&Artifact> {
        let name = name.to_string();
        let found = self.artifacts.binary_search_by(|artifact| artifact.name.to_string().cmp(&name));
        found.ok().map(|index| &self.artifacts[index])
    }

    /// The artifacts that are files beside the manifest.
    pub fn files(&self) -> impl Iterator<Item = (&FileName, &Artifact)> {
        self.artifacts.iter().filter_map(|artifact| Some((artifact.name.file()?, artifact)))
    }

    /// The indexes of images, one for each service that has images.
    pub fn image_indexes(&self) -> impl Iterator<Item = (&FileName, &Artifact)> {
        self.artifacts.iter().filter_map(|artifact| match &artifact.name {
            ArtifactName::ImageIndex { service } => Some((service, artifact)),
            _ => None,
        })
    }

    /// A service's images by target.
    pub fn images<'a>(&'a self, of: &'a FileName) -> impl Iterator<Item = (&'a TargetName, &'a Artifact)> {
        self.artifacts.iter().filter_map(move |artifact| match &artifact.name {
            ArtifactName::Image { service, target } if service == of => Some((target, artifact)),
            _ => None,
        })
    }

    /// Brings every list into the order of its names, by their bytes.
    pub(super) fn sort(&mut self) {
        self.services.sort_by(|a, b| a.name.cmp(&b.name));
        self.artifacts.sort_by_cached_key(|artifact| artifact.name.to_string());
        self.companions.sort();
        for artifact in &mut self.artifacts {
            artifact.holds.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }
}
