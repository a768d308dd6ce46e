//! The images of a release as entries of the manifest, and as the files of their layout.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sealift_trust::Digest;
use sealift_trust::name::{self, InnerPath};
use sealift_trust::statement::{
    Artifact as Entry, ArtifactKind, ArtifactName, Held, IndexEntry, LAYOUT, LAYOUT_BLOBS, LAYOUT_FILE, LAYOUT_INDEX,
    LAYOUT_TEXT, TargetName, layout_index,
};

use super::{AttestError, Placement, Source, size};
use crate::artifact::Artifact;
use crate::product::{Image, ImageIndex};

/// The OCI layout of all images, as files of `dist/`: every blob once, then what names them. No images, no layout.
/// `stored` says where the bytes of a blob lie now.
pub fn layout(indexes: &[ImageIndex], stored: &dyn Fn(Digest) -> PathBuf) -> Vec<Placement> {
    if indexes.is_empty() {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let blobs = indexes.iter().flat_map(ImageIndex::blobs).filter(|blob| seen.insert(blob.digest()));
    let blob = |artifact: Artifact| {
        let source = Source::File { path: stored(artifact.digest()), artifact };
        Placement { path: own(&format!("{LAYOUT_BLOBS}/{}", artifact.digest().hex())), source }
    };
    let decided = |name: &str, bytes: Vec<u8>| Placement { path: own(name), source: Source::Bytes(bytes) };
    let mut entries = Vec::new();
    for ImageIndex { service, artifact, .. } in indexes {
        entries.push(IndexEntry { service, digest: artifact.digest(), size: artifact.size() });
    }
    let named = [decided(LAYOUT_FILE, LAYOUT_TEXT.into()), decided(LAYOUT_INDEX, layout_index(&entries))];
    blobs.map(blob).collect::<Vec<_>>().into_iter().chain(named).collect()
}

/// Where a blob of the images lies in a release's folder.
pub fn blob_path(dist: &Path, digest: Digest) -> PathBuf {
    dist.join(LAYOUT).join(LAYOUT_BLOBS).join(digest.hex())
}

/// The index and the images as the manifest names them.
pub(super) fn entries(index: &ImageIndex) -> impl Iterator<Item = Result<Entry, AttestError>> {
    std::iter::once_with(|| index_entry(index)).chain(index.images.iter().map(image_entry))
}

fn index_entry(index: &ImageIndex) -> Result<Entry, AttestError> {
    let name = ArtifactName::ImageIndex { service: index.service.clone() };
    Ok(Entry {
        kind: ArtifactKind::ImageIndex,
        service: Some(index.service.clone()),
        target: None,
        digest: index.artifact.digest(),
        size: size(index.artifact, &name.to_string())?,
        media_type: index.media_type.parse()?,
        holds: Vec::new(),
        name,
    })
}

fn image_entry(image: &Image) -> Result<Entry, AttestError> {
    let target = image.target.to_string().parse::<TargetName>()?;
    let name = ArtifactName::Image { service: image.service.clone(), target: target.clone() };
    let held = |held: &crate::product::Held| Ok(Held { path: name::inner_path(&held.path)?, digest: held.digest });
    Ok(Entry {
        kind: ArtifactKind::Image,
        service: Some(image.service.clone()),
        target: Some(target),
        digest: image.artifact.digest(),
        size: size(image.artifact, &name.to_string())?,
        media_type: image.media_type.parse()?,
        holds: image.holds.iter().map(held).collect::<Result<_, AttestError>>()?,
        name,
    })
}

/// A path of ours in the layout.
fn own(path: &str) -> InnerPath {
    format!("{LAYOUT}/{path}").parse().expect("our own paths are of plain file names")
}
