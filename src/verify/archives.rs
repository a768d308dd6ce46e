//! What archives hold: every binary that the manifest says, and none that it does not say.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Seek;

use sealift_trust::statement::{Artifact as Entry, ArtifactKind, Held, TargetName};
use sealift_trust::{Digest, FileName, Release};

use super::finding::Flaw;
use crate::archive::{self, ArchiveError, Format, Limits, Listing, ReadSeek};
use crate::artifact::Artifact;
use crate::error::Fault;
use crate::host::regular::Regular;
use crate::sanitize::sanitize_line;

/// The binaries of a release by digest: their size, and the targets that they are for.
pub(super) struct Known<'a>(BTreeMap<Digest, (u64, BTreeSet<&'a TargetName>)>);

impl<'a> Known<'a> {
    /// The binaries of a release.
    pub(super) fn of(release: &'a Release) -> Self {
        let mut known: BTreeMap<Digest, (u64, BTreeSet<&TargetName>)> = BTreeMap::new();
        for binary in release.artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::Binary) {
            known.entry(binary.digest).or_insert((binary.size, BTreeSet::new())).1.extend(binary.target.as_ref());
        }
        Self(known)
    }

    /// Whether the release has a binary of that digest.
    pub(super) fn has(&self, digest: Digest) -> bool {
        self.0.contains_key(&digest)
    }

    /// The size of the binary of that digest.
    pub(super) fn size(&self, digest: Digest) -> Option<u64> {
        self.0.get(&digest).map(|(size, _)| *size)
    }
}

/// Reads a whole archive with the safe reader, from the file whose digest is the signed one, and compares what it holds.
pub(super) fn judge(found: &Regular, name: &FileName, entry: &Entry, known: &Known<'_>) -> Vec<Flaw> {
    let listing = match list(found, entry) {
        Ok(listing) => listing,
        Err(error) => {
            let why = sanitize_line(&error.to_string()).into_owned();
            return vec![Flaw::Archive { name: name.clone(), code: error.code(), why }];
        }
    };
    if listing.archive().digest() != entry.digest {
        // The file was changed between the two readings.
        return vec![Flaw::Digest { name: name.to_string(), wanted: entry.digest, found: listing.archive().digest() }];
    }
    let flaw =
        |path: &str, what| Flaw::Binary { holder: name.to_string(), path: sanitize_line(path).into_owned(), what };
    let there: BTreeMap<&str, Option<Artifact>> =
        listing.entries().iter().map(|entry| (entry.path.as_str(), entry.artifact())).collect();
    let said: BTreeSet<&str> = entry.holds.iter().map(|held| held.path.as_str()).collect();
    let wrong =
        entry.holds.iter().filter_map(|held| Some((held.path.as_str(), judge_held(held, entry, &there, known)?)));
    let unsaid = there.iter().filter_map(|(path, artifact)| {
        let is_binary = artifact.is_some_and(|artifact| known.has(artifact.digest()));
        (is_binary && !said.contains(path)).then_some((*path, "is a binary of which the manifest does not speak"))
    });
    wrong.chain(unsaid).map(|(path, what)| flaw(path, what)).collect()
}

fn judge_held(
    held: &Held,
    entry: &Entry,
    there: &BTreeMap<&str, Option<Artifact>>,
    known: &Known<'_>,
) -> Option<&'static str> {
    let Some(artifact) = there.get(held.path.as_str()) else { return Some("is missing") };
    let Some(artifact) = artifact else { return Some("is not a regular file") };
    if artifact.digest() != held.digest {
        return Some("is not the binary that the manifest says");
    }
    let Some((size, targets)) = known.0.get(&held.digest) else { return Some("is no binary of this release") };
    if artifact.size() != *size {
        return Some("has not the size that the manifest says");
    }
    // A binary for one system must not come in the archive for another (A21).
    let fits = entry.target.as_ref().is_none_or(|target| targets.contains(target));
    (!fits).then_some("is for another target than the archive")
}

fn list(found: &Regular, entry: &Entry) -> Result<Listing, ArchiveError> {
    let media_type = entry.media_type.as_str();
    let known = Format::ALL.into_iter().find(|format| format.media_type() == media_type);
    // An unknown media type gets the reader's own answer to an unknown format.
    let format = known.map_or_else(|| media_type.parse(), Ok)?;
    let open = || {
        let mut file = found.file.try_clone()?;
        file.rewind()?;
        Ok(Box::new(file) as Box<dyn ReadSeek>)
    };
    archive::list(format, &open, &Limits::release())
}
