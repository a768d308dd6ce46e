//! A whole layout, judged: every blob measured, nothing left over.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use sealift_trust::Digest;

use super::layer::{self, LayerLimits};
use super::layout::{INDEX, MARKER, blob_name};
use super::shelf::{Shelf, failed};
use super::{Descriptor, Document, ImageConfig, LayerError, Layout, LayoutError, Manifest, OciError, Source, media};
use crate::error::Failure;

/// How deep indexes may stand in each other.
pub(super) const MAX_NESTING: usize = 4;

/// What a layout was found to hold.
#[derive(Debug, Default)]
pub struct Walked {
    /// The entries of `index.json`.
    pub roots: Vec<Descriptor>,
    /// Everything that is reached from them, each digest once: a document before what it names.
    pub reached: Vec<Descriptor>,
    /// What is wrong, all of it.
    pub faults: Vec<Failure>,
    /// Files that nothing names.
    pub strays: Vec<String>,
}

impl Walked {
    /// Whether nothing is wrong and nothing is left over.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.strays.is_empty()
    }
}

/// How far a layout is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every blob is measured.
    Blobs,
    /// Layers are decompressed too, and compared with their image's configuration.
    Layers(LayerLimits),
}

impl<S: Shelf> Layout<S> {
    /// Goes to every blob that is reached from `index.json`.
    ///
    /// # Errors
    /// Only when the place itself cannot be read; what is wrong with what it holds is in the answer.
    pub fn walk(&self, depth: Depth) -> Result<Walked, Failure> {
        let roots = self.index()?.manifests;
        let mut walk = Walk { layout: self, depth, seen: BTreeMap::new(), walked: Walked::default() };
        for root in &roots {
            walk.reach(root, 0);
        }
        let mut walked = walk.walked;
        let names: BTreeSet<String> = walk.seen.keys().map(|digest| blob_name(*digest)).collect();
        let known = |name: &String| name == INDEX || name == MARKER || names.contains(name);
        walked.strays = self.shelf.names()?.into_iter().filter(|name| !known(name)).collect();
        walked.roots = roots;
        Ok(walked)
    }
}

struct Walk<'a, S> {
    layout: &'a Layout<S>,
    depth: Depth,
    /// As each digest was first described.
    seen: BTreeMap<Digest, (String, u64)>,
    walked: Walked,
}

impl<S: Shelf> Walk<'_, S> {
    fn reach(&mut self, descriptor: &Descriptor, nesting: usize) {
        let told = (descriptor.media_type.clone(), descriptor.size);
        if let Some(before) = self.seen.get(&descriptor.digest) {
            if *before != told {
                let fault = LayoutError::Disagree { place: self.layout.shelf.shown(), digest: descriptor.digest };
                self.walked.faults.push(fault.into());
            }
            return;
        }
        self.seen.insert(descriptor.digest, told);
        self.walked.reached.push(descriptor.clone());
        if let Err(failure) = self.look(descriptor, nesting) {
            self.walked.faults.push(failure);
        }
    }

    fn look(&mut self, descriptor: &Descriptor, nesting: usize) -> Result<(), Failure> {
        if !descriptor.is_document() {
            let mut stream = self.layout.blob(descriptor)?;
            io::copy(&mut stream, &mut io::sink()).map_err(|error| failed(descriptor.to_string(), error))?;
            return Ok(());
        }
        if nesting >= MAX_NESTING {
            return Err(OciError::Nested { digest: descriptor.digest }.into());
        }
        let document = self.layout.parsed(descriptor)?;
        for child in document.children() {
            self.reach(child, nesting + 1);
        }
        match document {
            Document::Manifest(manifest) if media::is_config(&manifest.config.media_type) => {
                self.image(descriptor, &manifest)
            }
            _ => Ok(()),
        }
    }

    /// Compares an image's configuration with its layers and with the platform that an index tells.
    fn image(&mut self, descriptor: &Descriptor, manifest: &Manifest) -> Result<(), Failure> {
        let config = ImageConfig::parse(&self.layout.document(&manifest.config)?)?;
        config.fits(manifest)?;
        if let Some(told) = &descriptor.platform
            && !(config.platform().is(told) || told.os == "unknown")
        {
            let (told, found) = (told.to_string(), config.platform().to_string());
            return Err(LayoutError::Platform { digest: descriptor.digest, told, found }.into());
        }
        let Depth::Layers(limits) = self.depth else { return Ok(()) };
        for (layer, want) in manifest.layers.iter().zip(&config.rootfs.diff_ids) {
            if media::is_layer(&layer.media_type) {
                let found = layer::visit(self.layout, layer, &limits, &mut |_, _| Ok(()))?.unpacked.digest();
                if found != *want {
                    self.walked.faults.push(LayerError::DiffId { want: *want, found }.into());
                }
            }
        }
        Ok(())
    }
}
