//! What is in an image: the packages of its system, the programs in it with what is linked into them, and what whoever made
//! it said of it. Layers are read where they lie, the topmost first, and never unpacked.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use sealift_trust::{Digest, statement::Timestamp};

use super::document::{Component, Role, Sbom};
use super::error::SbomError;
use super::executable::{head, is_executable, take_out};
use super::packages::{self, DATABASE_CAP, Packages};
use super::program::{self, Program};
use super::{attached, open, read, reading};
use crate::artifact::Artifact;
use crate::error::Failure;
use crate::host::files;
use crate::oci::layer::{self, LayerLimits};
use crate::oci::{self, Descriptor, Document, EntryKind, LayerEntry, LayerError, Source, media};

/// The most images of one index.
const MOST_IMAGES: usize = 64;

/// The most paths of upper layers that are remembered: an image of a full desktop has some 300,000.
const MOST_PATHS: usize = 2_000_000;

/// An image that is to be listed.
pub struct Look<'a> {
    /// Where its documents and layers come from.
    pub source: &'a dyn Source,
    /// Its manifest, or an index of several.
    pub root: &'a Descriptor,
    /// As the user names it.
    pub name: &'a str,
    /// Only the image for this platform (`linux/arm64`).
    pub platform: Option<&'a str>,
    /// Takes what is unpacked.
    pub stage: &'a Path,
    /// When, in seconds since 1970; without it what the image's configuration says, or else 1970.
    pub created: Option<u64>,
}

/// Lists what is in an image, or in those of all platforms of an index.
///
/// # Errors
/// `sbom.no-image` without an image for the platform; a code beginning with `layer.` for a hostile layer; what the source
/// says.
pub fn image(look: &Look<'_>) -> Result<Sbom, Failure> {
    let manifests = manifests(look)?;
    let single = media::is_manifest(&look.root.media_type);
    let mut root = Component::new("image", Role::Image, look.name);
    root.digest = Some(look.root.digest);
    root.version = Some(look.root.digest.to_string());
    let mut sbom = Sbom::of(root, look.created.unwrap_or_default());
    for manifest in &manifests {
        let document = match Document::parse(&look.source.document(manifest)?, &manifest.media_type)? {
            Document::Manifest(document) if document.is_image() => document,
            _ => {
                return Err(
                    SbomError::NoImage { place: SbomError::shown(look.name), why: "it is no image".into() }.into()
                );
            }
        };
        let config = oci::read_config(look.source, &document)?;
        if look.created.is_none() {
            let at = config.created.as_deref().and_then(|text| text.get(..19)).map(|text| format!("{text}Z"));
            let at = at.and_then(|text| text.parse::<Timestamp>().ok()).map(|at| at.unix());
            sbom.created = sbom.created.max(at.unwrap_or_default());
        }
        let platform = config.platform().to_string();
        let holder = (!single).then(|| format!("image:{platform}"));
        match &holder {
            None => drop(sbom.root.properties.insert("sealift:platform".into(), platform.clone())),
            Some(id) => {
                let mut part = Component::new(id, Role::Image, platform.clone());
                part.digest = Some(manifest.digest);
                sbom.parts.insert(id.clone(), part);
                sbom.holds.insert(id.clone());
            }
        }
        let mut content = Content::new(look.stage, holder.map(|_| platform).unwrap_or_default());
        for layer in document.layers.iter().rev().filter(|layer| media::is_layer(&layer.media_type)) {
            content.layer(look.source, layer)?;
        }
        content.attached = attached::lists(look.source, look.root, manifest)?;
        content.fill(&mut sbom);
    }
    Ok(sbom)
}

/// The images that a document leads to.
fn manifests(look: &Look<'_>) -> Result<Vec<Descriptor>, Failure> {
    let refuse = |why: String| -> Failure {
        SbomError::NoImage { place: SbomError::shown(look.name), why: SbomError::shown(&why) }.into()
    };
    if media::is_manifest(&look.root.media_type) {
        return Ok(vec![look.root.clone()]);
    }
    let Document::Index(index) = Document::parse(&look.source.document(look.root)?, &look.root.media_type)? else {
        return Err(refuse("it is no image".into()));
    };
    // What stands beside images in an index (attestations of other tools) has a platform that no machine has.
    let is_image = |entry: &&Descriptor| {
        media::is_manifest(&entry.media_type)
            && entry.artifact_type.is_none()
            && entry.platform.as_ref().is_none_or(|platform| platform.os != "unknown")
    };
    let all: Vec<Descriptor> = index.manifests.iter().filter(is_image).cloned().collect();
    let platform = |entry: &Descriptor| entry.platform.as_ref().map(ToString::to_string).unwrap_or_default();
    let known: Vec<String> = all.iter().map(platform).collect();
    let wanted = |entry: &Descriptor| look.platform.is_none_or(|wanted| platform(entry) == wanted);
    let found: Vec<Descriptor> = all.into_iter().filter(wanted).collect();
    match found.len() {
        0 if known.is_empty() => Err(refuse("the index names no image".into())),
        0 => Err(refuse(format!("it is for {}", known.join(", ")))),
        MOST_IMAGES.. => Err(refuse(format!("the index names more than {MOST_IMAGES} images"))),
        _ => Ok(found),
    }
}

/// What the layers of one image hold.
pub(super) struct Content<'a> {
    stage: &'a Path,
    /// Of several images in one list: which.
    platform: String,
    packages: Packages,
    /// Programs that tell what is in them, by their paths, as lists of their own.
    programs: Vec<(String, Sbom)>,
    /// Executables that tell nothing.
    silent: Vec<String>,
    /// Lists that lie in the image as files, or are attached to it, with where they come from.
    pub(super) attached: Vec<(String, Sbom)>,
    shadow: Shadow,
}

impl<'a> Content<'a> {
    pub(super) fn new(stage: &'a Path, platform: String) -> Self {
        Self {
            stage,
            platform,
            packages: Packages::default(),
            programs: Vec::new(),
            silent: Vec::new(),
            attached: Vec::new(),
            shadow: Shadow::default(),
        }
    }

    /// Takes in a layer that lies below those that were taken in before.
    pub(super) fn layer(&mut self, source: &dyn Source, descriptor: &Descriptor) -> Result<(), Failure> {
        let mut above = std::mem::take(&mut self.shadow);
        let mut own = Shadow::default();
        layer::visit(source, descriptor, &LayerLimits::usual(), &mut |entry, body| {
            own.note(entry)?;
            if entry.kind == EntryKind::File && !above.hides(&entry.path) {
                self.file(entry, body)?;
            }
            Ok(())
        })?;
        above.under(own)?;
        self.shadow = above;
        Ok(())
    }

    /// Takes in a program that lies above every layer, and that is listed already.
    pub(super) fn hold(&mut self, path: &str, list: Sbom) {
        self.shadow.covered.insert(hash(path));
        self.programs.push((path.to_owned(), list));
    }

    fn file(&mut self, entry: &LayerEntry, body: &mut dyn Read) -> Result<(), Failure> {
        let torn = |error| layer::unreadable(error, entry.at);
        if let Some(kind) = packages::Source::of(&entry.path) {
            let bytes = whole(entry, body, DATABASE_CAP)?;
            self.packages.take(kind, &bytes);
            return Ok(());
        }
        if is_list(&entry.path) {
            let bytes = whole(entry, body, reading::LIST_CAP)?;
            // Whoever wrote it into the image: a list that cannot be read says nothing.
            if let Ok(Some(list)) = reading::parse(&bytes, &entry.shown()) {
                self.attached.push((format!("/{}", entry.shown()), list));
            }
            return Ok(());
        }
        let start = head(body).map_err(torn)?;
        if !is_executable(&start) {
            return Ok(());
        }
        let path = take_out(self.stage, &start, body).map_err(torn)?;
        let told = self.program(&path, &entry.shown());
        files::remove(&path)?;
        told
    }

    fn program(&mut self, path: &Path, shown: &str) -> Result<(), Failure> {
        let mapped = open(path)?;
        let known =
            Program { name: shown, artifact: Artifact::of(&mapped), released: None, graph: None, licenses: None };
        match read(&mapped, shown) {
            Ok(binaries) if binaries.iter().any(|one| one.build_info.is_some() || one.crates.is_some()) => {
                self.programs.push((shown.to_owned(), program::program(&binaries, &known, 0)));
            }
            _ => self.silent.push(shown.to_owned()),
        }
        Ok(())
    }

    /// Puts everything into a list.
    pub(super) fn fill(self, sbom: &mut Sbom) {
        let prefix = if self.platform.is_empty() { String::new() } else { format!("{}:", self.platform) };
        let holder = (!self.platform.is_empty()).then(|| format!("image:{}", self.platform));
        let hold = |sbom: &mut Sbom, id: String| match &holder {
            None => drop(sbom.holds.insert(id)),
            Some(holder) => drop(sbom.depends.entry(holder.clone()).or_default().insert(id)),
        };
        for part in self.packages.components() {
            let id = part.id.clone();
            sbom.parts.entry(id.clone()).or_insert(part);
            hold(sbom, id);
        }
        for (path, list) in self.programs {
            let id = format!("file:{prefix}{path}");
            list.within(sbom, &id);
            hold(sbom, id);
        }
        for (from, list) in self.attached {
            for mut part in list.parts.into_values().chain([list.root]) {
                // What was found in the layers is known better than what somebody says of them.
                let known = part.purl.is_none()
                    || sbom.parts.values().any(|other| program::same_purl(other.purl.as_deref(), part.purl.as_deref()));
                if known || matches!(part.role, Role::Image | Role::Folder | Role::File) {
                    continue;
                }
                part.id = format!("told:{}", part.purl.clone().unwrap_or_default());
                part.properties.insert("sealift:told-by".to_owned(), from.clone());
                let id = part.id.clone();
                sbom.parts.entry(id.clone()).or_insert(part);
                hold(sbom, id);
            }
        }
        // What a package put there is known by the package.
        let unknown: Vec<&String> = self.silent.iter().filter(|path| !self.packages.owns(path)).collect();
        if !unknown.is_empty() || self.packages.cut {
            sbom.incomplete = true;
            let shown: Vec<&str> = unknown.iter().take(20).map(|path| path.as_str()).collect();
            let of = holder.as_ref().and_then(|holder| sbom.parts.get_mut(holder)).unwrap_or(&mut sbom.root);
            of.properties.insert("sealift:unknown-executables".to_owned(), unknown.len().to_string());
            of.properties.insert("sealift:unknown-executable-files".to_owned(), shown.join(" "));
        }
    }
}

/// A whole file, up to some size.
fn whole(entry: &LayerEntry, body: &mut dyn Read, cap: u64) -> Result<Vec<u8>, Failure> {
    if entry.size > cap {
        return Err(LayerError::FileTooLarge { path: entry.shown(), cap }.into());
    }
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes).map_err(|error| layer::unreadable(error, entry.at))?;
    Ok(bytes)
}

/// Whether a file is a list where makers of images lay them: apko in `/var/lib/db/sbom`, others in `/usr/share/sbom` or,
/// for each of their packages, beside it.
fn is_list(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let known = path.starts_with("var/lib/db/sbom/") || path.starts_with("usr/share/sbom/");
    let list = name.ends_with(".spdx.json") || name.ends_with(".cdx.json") || name.ends_with(".cyclonedx.json");
    list && known || name.starts_with(".spdx-") && name.ends_with(".spdx")
}

/// What the layers above hide (image-spec, `layer.md`, "Whiteouts"). Paths are kept as hashes: a layer may name millions.
#[derive(Default)]
struct Shadow {
    /// Paths at and below which nothing of a lower layer is seen.
    covered: HashSet<u64>,
    /// Folders below which nothing of a lower layer is seen.
    emptied: HashSet<u64>,
}

impl Shadow {
    fn note(&mut self, entry: &LayerEntry) -> Result<(), Failure> {
        let path = entry.path.as_str();
        if path.split('/').any(|part| part == "..") {
            return Err(LayerError::Escapes { path: entry.shown() }.into());
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let below = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        match name.strip_prefix(".wh.") {
            Some(".wh..opq") => drop(self.emptied.insert(hash(folder))),
            // What aufs notes for itself.
            Some(noted) if noted.starts_with(".wh.") => {}
            Some(gone) => drop(self.covered.insert(hash(&below(gone)))),
            None if entry.kind == EntryKind::Folder => {}
            None => drop(self.covered.insert(hash(path))),
        }
        if self.covered.len() + self.emptied.len() > MOST_PATHS {
            return Err(LayerError::TooMany { cap: MOST_PATHS as u64 }.into());
        }
        Ok(())
    }

    /// Whether a path of a lower layer is hidden.
    fn hides(&self, path: &str) -> bool {
        if self.covered.is_empty() && self.emptied.is_empty() {
            return false;
        }
        let mut folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        self.covered.contains(&hash(path))
            || self.emptied.contains(&hash(""))
            || folders.any(|folder| {
                let folder = hash(folder);
                self.covered.contains(&folder) || self.emptied.contains(&folder)
            })
    }

    fn under(&mut self, lower: Self) -> Result<(), Failure> {
        self.covered.extend(lower.covered);
        self.emptied.extend(lower.emptied);
        match self.covered.len() + self.emptied.len() {
            ..=MOST_PATHS => Ok(()),
            _ => Err(LayerError::TooMany { cap: MOST_PATHS as u64 }.into()),
        }
    }
}

fn hash(path: &str) -> u64 {
    u64::from_le_bytes(*Digest::of(path.as_bytes()).bytes().first_chunk().expect("a digest has 32 bytes"))
}
