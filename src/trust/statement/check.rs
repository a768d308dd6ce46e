//! The rules that the parts of a release keep among each other.

use std::collections::BTreeSet;

use super::layout::{IMAGE_INDEX, IMAGE_MANIFEST, LAYOUT};
use super::release::{Artifact, ArtifactKind, ArtifactName, Release};
use crate::digest::Digest;
use crate::json::MAX_INTEGER;
use crate::name::FileName;

/// The name of the manifest itself, which is neither an artifact nor a companion.
pub const MANIFEST: &str = "release.json";

/// The most artifacts, services, companions, and binaries in all archives and images.
pub const MAX_ENTRIES: usize = 100_000;

/// A release whose parts contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// More than [`MAX_ENTRIES`].
    #[error("{found} {what}; at most {MAX_ENTRIES} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
    },
    /// No artifact at all.
    #[error("a release without artifacts")]
    Nothing,
    /// A list is not sorted by its names, or a name stands in it twice.
    #[error("{what} are not sorted, or hold {name:?} twice")]
    Order {
        /// Which list.
        what: &'static str,
        /// The second of the two names.
        name: String,
    },
    /// Two files have names that a file system may take for one.
    #[error("two files named {0:?}, when upper and lower case are not told apart")]
    SameFile(String),
    /// A file has the manifest's own name.
    #[error("a file of the release is named {MANIFEST}, as the manifest itself")]
    ManifestName,
    /// An artifact's name, kind, service and target do not fit each other.
    #[error("the name of {0:?} does not fit its kind, service or target")]
    Naming(String),
    /// An artifact names a service that the release does not have.
    #[error("{artifact:?} belongs to the service {service:?}, which the release does not have")]
    NoSuchService {
        /// The artifact.
        artifact: String,
        /// The service.
        service: String,
    },
    /// A size that not every reader keeps exactly.
    #[error("{artifact:?} has {size} bytes; at most 2^53 - 1 are allowed")]
    Size {
        /// The artifact.
        artifact: String,
        /// Its size.
        size: u64,
    },
    /// A file has the name of the folder with the images.
    #[error("a file of the release is named {LAYOUT}, as the folder with the images")]
    LayoutName,
    /// Something that is neither an archive nor an image holds something.
    #[error("{0:?} is neither an archive nor an image and cannot hold binaries")]
    CannotHold(String),
    /// An archive holds bytes that are no binary of the release.
    #[error("{archive:?} holds {digest}, which is no binary of the release")]
    HoldsStranger {
        /// The archive.
        archive: String,
        /// What it holds.
        digest: Digest,
    },
    /// An image holds something else than the binary of its own service for its own target.
    #[error("{image:?} holds {digest}, which is not the binary of its service for its target")]
    HoldsOther {
        /// The image.
        image: String,
        /// What it holds.
        digest: Digest,
    },
    /// An image without a binary.
    #[error("{0:?} holds no binary")]
    HoldsNothing(String),
    /// A binary that nothing holds: nobody could ever see it.
    #[error("no archive and no image holds {0:?}")]
    NotHeld(String),
    /// An image whose service has no index, or an index whose service has no image.
    #[error("the service {0:?} has images without an index, or an index without images")]
    IndexAlone(String),
    /// An image or an index of a media type that is not OCI's.
    #[error("{artifact:?} is of the type {found:?}, not {wanted}")]
    ImageType {
        /// The artifact.
        artifact: String,
        /// Its media type.
        found: String,
        /// The only one that there is.
        wanted: &'static str,
    },
}

impl ReleaseError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ReleaseError::TooMany { .. } => "statement.too-many",
            ReleaseError::Nothing => "statement.nothing",
            ReleaseError::Order { .. } => "statement.order",
            ReleaseError::SameFile(_) => "statement.same-file",
            ReleaseError::ManifestName => "statement.manifest-name",
            ReleaseError::Naming(_) => "statement.naming",
            ReleaseError::NoSuchService { .. } => "statement.no-such-service",
            ReleaseError::Size { .. } => "statement.size",
            ReleaseError::LayoutName => "statement.layout-name",
            ReleaseError::CannotHold(_) => "statement.cannot-hold",
            ReleaseError::HoldsStranger { .. } => "statement.holds-stranger",
            ReleaseError::HoldsOther { .. } => "statement.holds-other",
            ReleaseError::HoldsNothing(_) => "statement.holds-nothing",
            ReleaseError::NotHeld(_) => "statement.not-held",
            ReleaseError::IndexAlone(_) => "statement.index-alone",
            ReleaseError::ImageType { .. } => "statement.image-type",
        }
    }
}

/// Checks every rule.
pub(super) fn release(release: &Release) -> Result<(), ReleaseError> {
    counts(release)?;
    orders(release)?;
    files(release)?;
    let services: BTreeSet<&FileName> = release.services.iter().map(|service| &service.name).collect();
    release.artifacts.iter().try_for_each(|artifact| one(artifact, &services))?;
    binaries(release)?;
    images(release)
}

fn counts(release: &Release) -> Result<(), ReleaseError> {
    let held = release.artifacts.iter().map(|artifact| artifact.holds.len()).sum();
    let counts = [
        ("artifacts", release.artifacts.len()),
        ("services", release.services.len()),
        ("companions", release.companions.len()),
        ("binaries in archives and images", held),
    ];
    if let Some((what, found)) = counts.into_iter().find(|(_, found)| *found > MAX_ENTRIES) {
        return Err(ReleaseError::TooMany { what, found });
    }
    if release.artifacts.is_empty() { Err(ReleaseError::Nothing) } else { Ok(()) }
}

fn orders(release: &Release) -> Result<(), ReleaseError> {
    strictly_rising("services", release.services.iter().map(|service| service.name.to_string()))?;
    strictly_rising("artifacts", release.artifacts.iter().map(|artifact| artifact.name.to_string()))?;
    strictly_rising("companions", release.companions.iter().map(FileName::to_string))?;
    release.artifacts.iter().try_for_each(|artifact| {
        strictly_rising("paths in an archive or an image", artifact.holds.iter().map(|held| held.path.to_string()))
    })
}

fn strictly_rising(what: &'static str, names: impl Iterator<Item = String>) -> Result<(), ReleaseError> {
    let mut last: Option<String> = None;
    for name in names {
        if last.as_ref().is_some_and(|last| *last >= name) {
            return Err(ReleaseError::Order { what, name });
        }
        last = Some(name);
    }
    Ok(())
}

/// Artifacts and companions lie in one folder, on a file system that may ignore case. The images lie in a folder there.
fn files(release: &Release) -> Result<(), ReleaseError> {
    let names = release.files().map(|(name, _)| name).chain(&release.companions);
    let has_images = release.image_indexes().next().is_some();
    let mut seen = BTreeSet::new();
    for name in names {
        if name.folded() == MANIFEST {
            return Err(ReleaseError::ManifestName);
        }
        if has_images && name.folded() == LAYOUT {
            return Err(ReleaseError::LayoutName);
        }
        if !seen.insert(name.folded()) {
            return Err(ReleaseError::SameFile(name.to_string()));
        }
    }
    Ok(())
}

fn one(artifact: &Artifact, services: &BTreeSet<&FileName>) -> Result<(), ReleaseError> {
    let name = || artifact.name.to_string();
    let is_of = |service: &FileName| artifact.service.as_ref() == Some(service);
    let fits = match (&artifact.name, artifact.kind) {
        (ArtifactName::Binary { service, target }, ArtifactKind::Binary)
        | (ArtifactName::Image { service, target }, ArtifactKind::Image) => {
            is_of(service) && artifact.target.as_ref() == Some(target)
        }
        (ArtifactName::ImageIndex { service }, ArtifactKind::ImageIndex) => is_of(service) && artifact.target.is_none(),
        // What it lists is one binary or image of the release: that of its service for its target.
        (ArtifactName::File(_), ArtifactKind::Sbom) => artifact.service.is_some() && artifact.target.is_some(),
        (ArtifactName::File(_), kind) => {
            !matches!(kind, ArtifactKind::Binary | ArtifactKind::Image | ArtifactKind::ImageIndex)
        }
        (ArtifactName::Binary { .. } | ArtifactName::Image { .. } | ArtifactName::ImageIndex { .. }, _) => false,
    };
    if !fits {
        return Err(ReleaseError::Naming(name()));
    }
    if let Some(service) = artifact.service.as_ref().filter(|service| !services.contains(service)) {
        return Err(ReleaseError::NoSuchService { artifact: name(), service: service.to_string() });
    }
    if artifact.size > MAX_INTEGER.unsigned_abs() {
        return Err(ReleaseError::Size { artifact: name(), size: artifact.size });
    }
    if !matches!(artifact.kind, ArtifactKind::Archive | ArtifactKind::Image) && !artifact.holds.is_empty() {
        return Err(ReleaseError::CannotHold(name()));
    }
    let wanted = match artifact.kind {
        ArtifactKind::ImageIndex => IMAGE_INDEX,
        ArtifactKind::Image => IMAGE_MANIFEST,
        _ => return Ok(()),
    };
    if artifact.media_type.as_str() != wanted {
        return Err(ReleaseError::ImageType { artifact: name(), found: artifact.media_type.to_string(), wanted });
    }
    Ok(())
}

/// Every binary is in an archive or an image, and these hold nothing else: what is signed is what people get.
fn binaries(release: &Release) -> Result<(), ReleaseError> {
    let binaries = || release.artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::Binary);
    let known: BTreeSet<Digest> = binaries().map(|binary| binary.digest).collect();
    let mut held = BTreeSet::new();
    for archive in &release.artifacts {
        for binary in &archive.holds {
            if !known.contains(&binary.digest) {
                return Err(ReleaseError::HoldsStranger { archive: archive.name.to_string(), digest: binary.digest });
            }
            held.insert(binary.digest);
        }
    }
    match binaries().find(|binary| !held.contains(&binary.digest)) {
        Some(lonely) => Err(ReleaseError::NotHeld(lonely.name.to_string())),
        None => Ok(()),
    }
}

/// A service has an index and images or neither, and an image holds the binary of its own service for its own target:
/// a binary for another system must not come in it (A21).
fn images(release: &Release) -> Result<(), ReleaseError> {
    let indexed: BTreeSet<&FileName> = release.image_indexes().map(|(service, _)| service).collect();
    let mut imaged = BTreeSet::new();
    for image in &release.artifacts {
        let ArtifactName::Image { service, target } = &image.name else { continue };
        imaged.insert(service);
        let binary = ArtifactName::Binary { service: service.clone(), target: target.clone() };
        let binary = release.artifact(&binary).map(|binary| binary.digest);
        if image.holds.is_empty() {
            return Err(ReleaseError::HoldsNothing(image.name.to_string()));
        }
        if let Some(other) = image.holds.iter().find(|held| Some(held.digest) != binary) {
            return Err(ReleaseError::HoldsOther { image: image.name.to_string(), digest: other.digest });
        }
    }
    match indexed.symmetric_difference(&imaged).next() {
        Some(alone) => Err(ReleaseError::IndexAlone(alone.to_string())),
        None => Ok(()),
    }
}
