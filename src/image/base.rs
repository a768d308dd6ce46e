//! What an image stands on: its documents, its layers in the store, and what of its files has to be merged.

use std::collections::{BTreeMap, BTreeSet};

use sealift_trust::Digest;
use serde::{Deserialize, Serialize};

use super::stored::{self, Stored};
use super::{Bench, ImageError};
use crate::artifact::Artifact;
use crate::host::machine;
use crate::oci::{self, Descriptor, Document, Effective, LayerLimits, Source, media};
use crate::plan::Image;
use crate::plan::image::{BUNDLE, FOLDERS, GROUP, PASSWD, ZONEINFO};
use crate::store::{Key, KeyBuilder, Output, Record};
use crate::survey::{Base as Planned, PinnedBase};
use crate::target::Target;

/// A base image for one platform, with its layers in the store.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// What is built upon; none for scratch.
    pub image: Option<oci::Image>,
    /// Its layers, measured, the lowest first.
    pub layers: Vec<Artifact>,
    /// What is in it.
    pub facts: Facts,
}

/// What a base has at the paths that matter.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The base, for messages.
    pub base: String,
    /// Paths where something is that is no file to be merged.
    pub there: BTreeSet<String>,
    /// Files that are merged.
    pub found: BTreeMap<String, Found>,
}

/// What stands where a file is merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Found {
    /// A file: where it really lies, and its text.
    Text(String, String),
    /// Something that cannot be merged.
    Other,
}

impl Facts {
    /// Whether something is at a path.
    pub fn has(&self, path: &str) -> bool {
        self.there.contains(path) || self.found.contains_key(path)
    }
}

/// What a base is made of, as a record of the store.
#[derive(Serialize, Deserialize)]
struct Parts {
    manifest: Descriptor,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// Gives the base of an image for a target: from the store, else from where it lies.
pub(super) fn load(bench: &Bench<'_>, image: &Image, target: &Target) -> Result<Base, ImageError> {
    let (Planned::Pinned(base), Some(digest)) = (&image.base, image.base_of(target)) else {
        return Ok(Base { image: None, layers: Vec::new(), facts: Facts::default() });
    };
    let key = KeyBuilder::new("image-base", 1).with("manifest", &digest.to_string()).finish();
    let (parts, layers) = match known(bench, &key)? {
        Some(found) => found,
        None => pull(bench, base, digest, &key)?,
    };
    let stored = Stored::new(bench.store);
    let read = oci::Image::read(&stored, &parts.manifest)?;
    let facts = facts(bench, image, base, digest, read.layers())?;
    Ok(Base { image: Some(read), layers, facts })
}

/// What the store has of a base, if it has all of it.
fn known(bench: &Bench<'_>, key: &Key) -> Result<Option<(Parts, Vec<Artifact>)>, ImageError> {
    let Some(record) = bench.store.find(key)? else { return Ok(None) };
    let Ok(parts) = serde_json::from_value::<Parts>(record.value) else { return Ok(None) };
    let intact =
        |descriptor: &Descriptor| bench.store.intact(Output { digest: descriptor.digest, size: descriptor.size });
    let (manifest, config) = (intact(&parts.manifest)?, intact(&parts.config)?);
    let layers = parts.layers.iter().map(intact).collect::<Result<Option<Vec<_>>, _>>()?;
    Ok(manifest.and(config).and(layers).map(|layers| (parts, layers)))
}

/// Takes a base into the store, each blob by its digest.
fn pull(bench: &Bench<'_>, base: &PinnedBase, digest: Digest, key: &Key) -> Result<(Parts, Vec<Artifact>), ImageError> {
    bench.events.debug(format!("base {}: {digest} is not in the store yet", base.reference));
    let opened = bench.places.open(&base.place)?;
    // The place is asked anyway. What it answers changes nothing here, and somebody may want to know.
    if let Ok(now) = opened.named()
        && now.digest != base.digest
    {
        bench.places.warn_moved(&base.reference, base.digest, now.digest);
    }
    let manifest = manifest_of(opened.source(), &opened.pinned(base.digest)?, digest, &base.reference)?;
    let bytes = opened.source().document(&manifest)?;
    let Document::Manifest(document) = Document::parse(&bytes, &manifest.media_type)? else {
        return Err(not_pinned(&base.reference, "an index where its platform's manifest should be"));
    };
    stored::put(bench.store, &bytes)?;
    let config = document.config.bare();
    let wanted: Vec<Descriptor> = std::iter::once(&config).chain(&document.layers).map(Descriptor::bare).collect();
    let mut pulled = machine::parallel(&wanted, 4, |blob| stored::take(bench.store, opened.source(), blob))?;
    let layers = pulled.split_off(1);
    let parts = Parts { manifest: manifest.bare(), config, layers: wanted[1..].to_vec() };
    let outputs = std::iter::once((&parts.manifest, "manifest".to_owned()))
        .chain(wanted.iter().map(|blob| (blob, blob.digest.to_string())))
        .map(|(blob, name)| (name, Output { digest: blob.digest, size: blob.size }))
        .collect();
    let value = serde_json::to_value(&parts).expect("descriptors are plain data");
    bench.store.record(key, &Record { step: format!("base {}", base.reference), outputs, value })?;
    Ok((parts, layers))
}

/// The descriptor of a platform's manifest, found through what was pinned.
fn manifest_of(
    source: &dyn Source,
    pinned: &Descriptor,
    digest: Digest,
    reference: &str,
) -> Result<Descriptor, ImageError> {
    if pinned.digest == digest {
        return Ok(pinned.clone());
    }
    let bytes = source.document(pinned)?;
    match Document::parse(&bytes, &pinned.media_type)? {
        Document::Index(index) => {
            let found = index.manifests.into_iter().find(|entry| entry.digest == digest);
            let found = found.filter(|entry| media::is_manifest(&entry.media_type));
            found.ok_or_else(|| not_pinned(reference, "an index without the manifest that sealift.lock names"))
        }
        Document::Manifest(_) => Err(not_pinned(reference, "one manifest, and sealift.lock names another")),
    }
}

fn not_pinned(reference: &str, why: &str) -> ImageError {
    ImageError::Base { base: reference.to_owned(), why: why.to_owned() }
}

/// What a base has at the paths that matter for an image; found out once.
fn facts(
    bench: &Bench<'_>,
    image: &Image,
    base: &PinnedBase,
    digest: Digest,
    layers: &[Descriptor],
) -> Result<Facts, ImageError> {
    let mut paths: BTreeSet<&str> = FOLDERS.iter().map(|(path, _)| *path).collect();
    paths.extend([BUNDLE, PASSWD, GROUP, ZONEINFO, "usr/share"]);
    for file in &image.files {
        paths.extend(file.path.match_indices('/').map(|(at, _)| &file.path[..at]));
    }
    let paths: Vec<&str> = paths.into_iter().collect();
    let key = KeyBuilder::new("image-facts", 1).with("manifest", &digest.to_string());
    let key = paths.iter().fold(key, |key, path| key.with("path", path)).finish();
    bench.store.memo(&key, &format!("files of {}", base.reference), || {
        let effective = oci::read_files(&Stored::new(bench.store), layers, &paths, &LayerLimits::usual())?;
        let mut facts = Facts { base: base.reference.clone(), ..Facts::default() };
        for (path, found) in effective {
            let merged = [BUNDLE, PASSWD, GROUP].contains(&path.as_str());
            match found {
                Effective::Nothing => {}
                Effective::File(file) if merged => {
                    let text = String::from_utf8(file.content)
                        .map_err(|_| ImageError::BaseText { base: base.reference.clone(), path: path.clone() })?;
                    facts.found.insert(path, Found::Text(file.path, text));
                }
                _ if merged => drop(facts.found.insert(path, Found::Other)),
                _ => drop(facts.there.insert(path)),
            }
        }
        Ok(facts)
    })
}
