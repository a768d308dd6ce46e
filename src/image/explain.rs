//! What an image consists of: each layer, who put it there, what is shared, and the largest files.

use std::collections::{BTreeMap, BTreeSet};

use sealift_trust::Digest;
use serde::Serialize;

use super::ImageError;
use crate::error::Failure;
use crate::oci::{self, Descriptor, Document, EntryKind, LayerLimits, Source, media};
use crate::table::{Column, Table, bytes};

/// How many of the largest files are shown.
const LARGEST: usize = 12;
/// How many layers of one image are looked into.
const MAX_LAYERS: usize = 2048;

/// An image, explained.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Explained {
    /// The images of its platforms.
    pub platforms: Vec<ExplainedPlatform>,
    /// The largest files of all layers.
    pub largest: Vec<LargeFile>,
}

/// The image for one platform.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainedPlatform {
    /// The platform.
    pub platform: String,
    /// Its manifest.
    pub manifest: Digest,
    /// Bytes of layers and configuration.
    pub size: u64,
    /// The layers, the lowest first.
    pub layers: Vec<ExplainedLayer>,
}

/// A layer.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainedLayer {
    /// Its digest.
    pub digest: Digest,
    /// What put it there, as the history says.
    pub what: String,
    /// Its size as it is transferred.
    pub size: u64,
    /// Its size without compression; none for a layer that is not read to its end.
    pub unpacked: Option<u64>,
    /// How many entries it has.
    pub entries: u64,
    /// How many platforms have it.
    pub platforms: usize,
    /// Whether the last release has it.
    pub released: bool,
    /// Why it is not read to its end.
    pub refused: Option<String>,
}

/// A file of a layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LargeFile {
    /// Its size.
    pub size: u64,
    /// Where it lies; as a terminal may have it.
    pub path: String,
    /// Its layer.
    pub layer: Digest,
}

/// Looks into an image. A layer is read once, within limits: one that is a decompression bomb is named, and not
/// unpacked. `released` are the layers of the last release.
pub fn explain(source: &dyn Source, root: &Descriptor, released: &BTreeSet<Digest>) -> Result<Explained, ImageError> {
    let mut explained = Explained::default();
    let mut seen: BTreeMap<Digest, Looked> = BTreeMap::new();
    let mut largest = BTreeSet::new();
    for manifest in manifests(source, root)? {
        let Document::Manifest(document) = Document::parse(&source.document(&manifest)?, &manifest.media_type)? else {
            continue;
        };
        let config = oci::read_config(source, &document)?;
        let mut lines = config.history.iter().filter(|line| !line.empty_layer);
        let mut layers = Vec::new();
        for layer in document.layers.iter().take(MAX_LAYERS) {
            let line = lines.next();
            let what = line.and_then(|line| line.comment.clone().or_else(|| line.created_by.clone()));
            let looked = seen.entry(layer.digest).or_insert_with(|| look(source, layer, &mut largest));
            looked.platforms += 1;
            layers.push(ExplainedLayer {
                digest: layer.digest,
                what: what.unwrap_or_default(),
                size: layer.size,
                unpacked: looked.unpacked,
                entries: looked.entries,
                platforms: 0,
                released: released.contains(&layer.digest),
                refused: looked.refused.clone(),
            });
        }
        let size = layers.iter().map(|layer| layer.size).sum::<u64>() + document.config.size;
        let platform = config.platform().to_string();
        explained.platforms.push(ExplainedPlatform { platform, manifest: manifest.digest, size, layers });
    }
    for layer in explained.platforms.iter_mut().flat_map(|platform| &mut platform.layers) {
        layer.platforms = seen.get(&layer.digest).map_or(0, |looked| looked.platforms);
    }
    explained.largest = largest.into_iter().rev().collect();
    Ok(explained)
}

/// The manifests of images that a document leads to.
fn manifests(source: &dyn Source, root: &Descriptor) -> Result<Vec<Descriptor>, ImageError> {
    if media::is_manifest(&root.media_type) {
        return Ok(vec![root.clone()]);
    }
    let document = Document::parse(&source.document(root)?, &root.media_type)?;
    // What stands beside images in an index (attestations of other tools) has a platform that no machine has.
    let is_image = |entry: &&Descriptor| {
        media::is_manifest(&entry.media_type)
            && entry.artifact_type.is_none()
            && entry.platform.as_ref().is_none_or(|platform| platform.os != "unknown")
    };
    Ok(document.children().filter(is_image).cloned().collect())
}

/// What was seen of a layer.
struct Looked {
    unpacked: Option<u64>,
    entries: u64,
    refused: Option<String>,
    platforms: usize,
}

fn look(source: &dyn Source, layer: &Descriptor, largest: &mut BTreeSet<LargeFile>) -> Looked {
    let mut entries = 0;
    let walked = oci::layer::visit(source, layer, &LayerLimits::usual(), &mut |entry, _| {
        entries += 1;
        if entry.kind == EntryKind::File && entry.size > 0 {
            largest.insert(LargeFile { size: entry.size, path: entry.shown(), layer: layer.digest });
            if largest.len() > LARGEST {
                largest.pop_first();
            }
        }
        Ok(())
    });
    let refused = walked.as_ref().err().map(|failure: &Failure| format!("{} ({})", failure.message, failure.code));
    Looked { unpacked: walked.ok().map(|layer| layer.unpacked.size()), entries, refused, platforms: 0 }
}

impl Explained {
    /// The layers, platform by platform.
    pub fn table(&self) -> Table {
        let mut table = Table::new([
            Column::text("platform"),
            Column::text("layer"),
            Column::text("what"),
            Column::number("size"),
            Column::number("unpacked"),
            Column::number("entries"),
            Column::text("shared"),
        ]);
        for platform in &self.platforms {
            for layer in &platform.layers {
                let shared = match (layer.platforms > 1, layer.released) {
                    (true, true) => "platforms, last release",
                    (true, false) => "platforms",
                    (false, true) => "last release",
                    (false, false) => "",
                };
                table.push([
                    platform.platform.clone(),
                    layer.digest.short(),
                    layer.refused.clone().unwrap_or_else(|| layer.what.clone()),
                    bytes(layer.size),
                    layer.unpacked.map_or_else(|| "-".to_owned(), bytes),
                    layer.entries.to_string(),
                    shared.to_owned(),
                ]);
            }
            let whole = [platform.platform.clone(), String::new(), "all".to_owned(), bytes(platform.size)];
            let rest = [String::new(), String::new(), platform.manifest.short()];
            table.push(whole.into_iter().chain(rest));
        }
        table
    }

    /// The largest files.
    pub fn files(&self) -> Table {
        let mut table = Table::new([Column::text("largest files"), Column::number("size"), Column::text("layer")]);
        for file in &self.largest {
            table.push([format!("/{}", file.path), bytes(file.size), file.layer.short()]);
        }
        table
    }
}
