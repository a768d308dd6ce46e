//! Indexes, manifests and configurations: read from the signed bytes, and compared with what the manifest says of them.

use std::collections::BTreeSet;

use sealift_trust::statement::{Artifact as Entry, IMAGE_INDEX, IMAGE_MANIFEST, TargetName};
use sealift_trust::{Digest, Release};

use super::layout::Layout;
use super::{Seen, go_on};
use crate::error::Fault;
use crate::host::Host;
use crate::oci::{Descriptor, Document, ImageConfig, Index, Manifest, OciError, Platform, media};
use crate::sanitize::sanitize_line;
use crate::target::Target;
use crate::verify::VerifyError;
use crate::verify::contents::Wanted;
use crate::verify::finding::Flaw;

/// All that the documents name.
#[derive(Default)]
pub(super) struct Walked<'a> {
    /// Every blob that is named, documents among them.
    pub(super) reached: BTreeSet<Wanted>,
    /// The documents, which were measured when they were read.
    pub(super) read: BTreeSet<Wanted>,
    /// The images whose documents are as they should be.
    pub(super) images: Vec<WalkedImage<'a>>,
    /// Whether every document could be followed.
    pub(super) is_complete: bool,
}

/// An image, with what its documents say.
pub(super) struct WalkedImage<'a> {
    /// What the manifest says.
    pub(super) entry: &'a Entry,
    /// Its layers, the lowest first.
    pub(super) layers: Vec<Descriptor>,
    /// The digests of their uncompressed tars, as many.
    pub(super) diff_ids: Vec<Digest>,
}

impl From<&Descriptor> for Wanted {
    fn from(descriptor: &Descriptor) -> Self {
        Self { digest: descriptor.digest, size: descriptor.size }
    }
}

/// Follows every index and every image of the release.
pub(super) fn walk<'a>(
    host: &Host,
    layout: &Layout,
    release: &'a Release,
    seen: &mut Seen,
) -> Result<Walked<'a>, VerifyError> {
    let mut walk = Walk { layout, seen, walked: Walked { is_complete: true, ..Walked::default() } };
    for (service, entry) in release.image_indexes() {
        go_on(host)?;
        let images: Vec<(&TargetName, &Entry)> = release.images(service).collect();
        if let Some(Document::Index(index)) = walk.document(entry, IMAGE_INDEX)? {
            walk.seen.differing.extend(judge_index(&index, &images).map(|why| wrong(entry, why)));
        }
        for (target, entry) in images {
            walk.image(target, entry)?;
        }
    }
    Ok(walk.walked)
}

struct Walk<'a, 'b> {
    layout: &'b Layout,
    seen: &'b mut Seen,
    walked: Walked<'a>,
}

impl<'a> Walk<'a, '_> {
    fn image(&mut self, target: &TargetName, entry: &'a Entry) -> Result<(), VerifyError> {
        let Some(Document::Manifest(manifest)) = self.document(entry, IMAGE_MANIFEST)? else { return Ok(()) };
        let children = std::iter::once(&manifest.config).chain(&manifest.layers);
        self.walked.reached.extend(children.map(Wanted::from));
        if let Some(why) = judge_manifest(&manifest) {
            self.seen.differing.push(wrong(entry, why));
            return Ok(());
        }
        let Some(bytes) = self.bytes((&manifest.config).into())? else { return Ok(()) };
        match ImageConfig::parse(&bytes) {
            Err(error) => self.refuse(entry, &error),
            Ok(config) => match judge_config(&config, target, manifest.layers.len()) {
                Some(why) => self.seen.differing.push(wrong(entry, why)),
                None => self.walked.images.push(WalkedImage {
                    entry,
                    layers: manifest.layers,
                    diff_ids: config.rootfs.diff_ids,
                }),
            },
        }
        Ok(())
    }

    /// Reads a document that the manifest names.
    fn document(&mut self, entry: &Entry, media_type: &str) -> Result<Option<Document>, VerifyError> {
        let wanted = Wanted::from(entry);
        self.walked.reached.insert(wanted);
        let document = self.bytes(wanted)?.map(|bytes| Document::parse(&bytes, media_type)).transpose();
        let document = document.unwrap_or_else(|error| {
            self.refuse(entry, &error);
            None
        });
        self.walked.is_complete &= document.is_some();
        Ok(document)
    }

    fn bytes(&mut self, wanted: Wanted) -> Result<Option<Vec<u8>>, VerifyError> {
        let is_first = self.walked.read.insert(wanted);
        match self.layout.read(wanted)? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(wrong) => {
                // Two images may share a configuration: what is wrong with it is said once.
                self.seen.note_blob(wanted, is_first.then_some(wrong));
                Ok(None)
            }
        }
    }

    fn refuse(&mut self, entry: &Entry, error: &OciError) {
        let why = sanitize_line(&error.to_string()).into_owned();
        self.seen.differing.push(Flaw::Document { name: entry.name.to_string(), code: error.code(), why });
    }
}

fn wrong(entry: &Entry, why: String) -> Flaw {
    Flaw::Image { name: entry.name.to_string(), why }
}

/// An index names exactly the images of the manifest, each for its own target.
fn judge_index<'a>(index: &'a Index, images: &'a [(&TargetName, &Entry)]) -> impl Iterator<Item = String> {
    let fits = |found: &Descriptor, target: &TargetName, entry: &Entry| {
        found.media_type == IMAGE_MANIFEST
            && Wanted::from(found) == Wanted::from(entry)
            && found.platform.as_ref().is_some_and(|found| platform(target).is_some_and(|wanted| found.is(&wanted)))
    };
    let unsaid = index
        .manifests
        .iter()
        .filter(move |found| !images.iter().any(|(target, entry)| fits(found, target, entry)))
        .map(|found| format!("names {}, which the manifest does not say of it", found.digest));
    let unnamed = images.iter().filter_map(move |(target, entry)| {
        match index.manifests.iter().filter(|found| fits(found, target, entry)).count() {
            0 => Some(format!("does not name {} for {target}", entry.digest)),
            1 => None,
            _ => Some(format!("names {} more than once", entry.digest)),
        }
    });
    let about = index.subject.iter().map(|_| "is about another document, and no list of images".to_owned());
    unsaid.chain(unnamed).chain(about)
}

/// A manifest is that of an image in the form of the image specification.
fn judge_manifest(manifest: &Manifest) -> Option<String> {
    if !manifest.is_image() || manifest.config.media_type != media::OCI_CONFIG {
        return Some("is no image that can be run".to_owned());
    }
    let is_layer = |layer: &&Descriptor| media::is_layer(&layer.media_type) && !media::is_docker(&layer.media_type);
    let other = manifest.layers.iter().find(|layer| !is_layer(layer))?;
    Some(format!("has a layer of the type {}", sanitize_line(&other.media_type)))
}

/// A configuration is for the target, and has a line for each layer.
fn judge_config(config: &ImageConfig, target: &TargetName, layers: usize) -> Option<String> {
    let found = config.platform();
    if !platform(target).is_some_and(|wanted| found.is(&wanted)) {
        return Some(format!("is configured for {}, not {target}", sanitize_line(&found.to_string())));
    }
    let ids = config.rootfs.diff_ids.len();
    (ids != layers).then(|| format!("has {layers} layers, and {ids} in its configuration"))
}

fn platform(target: &TargetName) -> Option<Platform> {
    target.as_str().parse::<Target>().ok().as_ref().map(Platform::from)
}
