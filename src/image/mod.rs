//! From binaries to images: each layer made once, or found in the store, while other targets still compile.
//!
//! Layers stand in the order of how seldom they change: those of the base, untouched; the files that every image needs;
//! the configured ones; the program. A new release moves only the last one.

mod base;
mod config;
mod error;
mod explain;
mod load;
mod pin;
mod place;
mod push;
mod resolve;
mod root;
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sealift_trust::Digest;

use crate::archive::{self, Attributes, Content, LayerBody, LayerEntry, MemberPath};
use crate::artifact::Artifact;
use crate::config::settings::image::Compression;
use crate::event::{Event, Events};
use crate::host::Host;
use crate::host::files;
use crate::host::machine;
use crate::host::staging::Staged;
use crate::oci::{Descriptor, Index, NewLayer, media};
use crate::package::Programs;
use crate::plan::{self, Plan, PlatformImage};
use crate::product::{self, Binary, Held, ImageIndex};
use crate::store::{Key, Output, Record, Store};

use base::{Base, Facts};
pub use error::ImageError;
pub use explain::{Explained, explain};
pub use load::load;
pub use pin::{Moved, changes, pin};
pub use place::{Opened, Places};
pub use push::{MovedTag, destined, move_tags, push};
pub use resolve::resolve;
pub use stored::Stored;

/// Images in work at once are few: each compresses on two threads.
const WORKERS: usize = 4;

/// What this stage works with.
pub struct Bench<'a> {
    /// The outside.
    pub host: &'a Host,
    /// Where to tell.
    pub events: &'a Events,
    /// Where results are kept.
    pub store: &'a Store,
    /// What is to be done.
    pub plan: &'a Plan,
    /// Where bases lie.
    pub places: &'a Places<'a>,
    /// What is compressed for archives and images together.
    pub programs: &'a Programs<'a>,
    /// The layers of the last release's images.
    pub released: &'a BTreeSet<Digest>,
}

/// The image of a service, with what is known of its making.
#[derive(Clone, Debug)]
pub struct Made {
    /// As it is sealed.
    pub index: ImageIndex,
    /// Describes the index.
    pub descriptor: Descriptor,
    /// The images of its platforms, in the order of the index.
    pub platforms: Vec<MadePlatform>,
}

/// The image for one platform, with what is known of its making.
#[derive(Clone, Debug)]
pub struct MadePlatform {
    /// As it is sealed.
    pub image: product::Image,
    /// Describes the manifest, with the platform.
    pub descriptor: Descriptor,
    /// Bytes of its layers and configuration.
    pub size: u64,
    /// The most bytes it may have.
    pub budget: Option<u64>,
    /// Whether all of its layers came from the store.
    pub cached: bool,
    /// How long it took.
    pub took: Duration,
}

/// A layer in the store.
#[derive(Clone, Copy, Debug)]
struct Layer {
    blob: Artifact,
    diff_id: Digest,
    cached: bool,
}

/// What gives the entries of a layer, if it has to be made.
type Entries<'a> = dyn Fn() -> Result<Vec<LayerEntry>, ImageError> + 'a;

/// Layers that several platforms share are made once: who comes second waits for the first.
type Shared = Mutex<BTreeMap<Key, Arc<Mutex<Option<Option<Layer>>>>>>;

/// Makes every image of the plan as soon as its binary arrives, and gives them in the order of the plan. When the stream
/// of binaries ends early (a build failed), an image that lacks one is left out.
pub fn image(bench: &Bench<'_>, binaries: &Receiver<Binary>) -> Result<Vec<Made>, ImageError> {
    let shared = Shared::default();
    let work = |&(image, platform): &Place, binary: Binary| {
        let planned = &bench.plan.images[image];
        let step = &planned.platforms[platform];
        let made = bench.step(planned, step, &binary, &shared);
        (image, made.inspect_err(|error| bench.events.failed(step.step.clone(), error)))
    };
    let feed = |give: &Sender<(Place, Binary)>| hand_out(bench.plan, binaries, give);
    let mut platforms: BTreeMap<usize, Vec<MadePlatform>> = BTreeMap::new();
    for (image, result) in machine::as_they_come(machine::cores().min(WORKERS), feed, work) {
        platforms.entry(image).or_default().push(result?);
    }
    let complete = platforms.into_iter().filter(|(at, made)| made.len() == bench.plan.images[*at].platforms.len());
    complete.map(|(at, platforms)| bench.index(&bench.plan.images[at], platforms)).collect()
}

/// Which image of the plan, and which of its platforms.
type Place = (usize, usize);

/// Gives out each platform's image when its binary has come.
fn hand_out(plan: &Plan, binaries: &Receiver<Binary>, give: &Sender<(Place, Binary)>) {
    for binary in binaries {
        for (at, image) in plan.images.iter().enumerate().filter(|(_, image)| image.service == binary.service) {
            if let Some(platform) = image.platforms.iter().position(|platform| platform.target == binary.target) {
                give.send(((at, platform), binary.clone())).expect("workers wait until the sender is gone");
            }
        }
    }
}

impl Bench<'_> {
    fn step(
        &self,
        image: &plan::Image,
        step: &PlatformImage,
        binary: &Binary,
        shared: &Shared,
    ) -> Result<MadePlatform, ImageError> {
        let began = Instant::now();
        self.go_on()?;
        self.events.send(Event::Started { step: step.step.clone() });
        let base = base::load(self, image, &step.target)?;
        let manifest = image.base_of(&step.target);
        let wanted: [(&str, Key, &Entries<'_>); 3] = [
            ("root files", image.root_key(manifest, root::data()), &|| root::entries(&image.root, &base.facts)),
            ("configured files", image.files_key(manifest), &|| configured(image, &base.facts)),
            ("program", image.program_key(manifest, binary.artifact.digest()), &|| self.program(image, binary)),
        ];
        let mut layers = Vec::new();
        for (what, key, entries) in &wanted {
            let step = format!("layer {} {what}", step.step);
            if let Some(layer) = self.layer_once(image, shared, (&step, key), *entries)? {
                layers.push((*what, layer));
            }
        }
        let made = self.finish(image, step, binary, &base, &layers)?;
        if let Some(budget) = image.budget.filter(|budget| made.size > *budget) {
            let explained = explain(&Stored::new(self.store), &made.descriptor, self.released)?;
            let explained = format!("{}\n{}", explained.table(), explained.files());
            return Err(ImageError::Budget { image: step.step.clone(), size: made.size, budget, explained });
        }
        let (took, cached) = (began.elapsed(), layers.iter().all(|(_, layer)| layer.cached));
        self.events.send(Event::Finished { step: step.step.clone(), cached, took, bytes: made.size });
        Ok(MadePlatform { cached, took, ..made })
    }

    fn go_on(&self) -> Result<(), ImageError> {
        if self.host.children.stopped() { Err(ImageError::Interrupted) } else { Ok(()) }
    }

    /// Writes the documents of a platform's image.
    fn finish(
        &self,
        image: &plan::Image,
        step: &PlatformImage,
        binary: &Binary,
        base: &Base,
        layers: &[(&str, Layer)],
    ) -> Result<MadePlatform, ImageError> {
        let media_type = match image.codec.format() == Compression::Zstd.format() {
            true => media::OCI_LAYER_ZSTD,
            false => media::OCI_LAYER_GZIP,
        };
        let new = |(what, layer): &(&str, Layer)| NewLayer {
            descriptor: Descriptor::new(media_type, layer.blob),
            diff_id: layer.diff_id,
            history: config::history(image, what),
        };
        let whole = config::image(image, &step.platform, base, layers.iter().map(new));
        let encoded = whole.encode();
        let config = stored::put(self.store, &encoded.config_bytes)?;
        let manifest = stored::put(self.store, &encoded.manifest_bytes)?;
        let blobs: Vec<Artifact> =
            base.layers.iter().copied().chain(layers.iter().map(|(_, layer)| layer.blob)).collect();
        let size = blobs.iter().map(|blob| blob.size()).sum::<u64>() + config.size();
        let held = Held {
            path: image.program.clone(),
            service: image.service.clone(),
            digest: binary.artifact.digest(),
            size: binary.artifact.size(),
        };
        let made = product::Image {
            service: image.service.clone(),
            target: step.target.clone(),
            artifact: manifest,
            media_type: media::OCI_MANIFEST.to_owned(),
            config,
            layers: blobs,
            holds: vec![held],
        };
        let descriptor = encoded.manifest.with_platform(step.platform.clone());
        let (cached, took) = (false, Duration::ZERO);
        Ok(MadePlatform { image: made, descriptor, size, budget: image.budget, cached, took })
    }

    /// Writes the index over a service's images.
    fn index(&self, image: &plan::Image, platforms: Vec<MadePlatform>) -> Result<Made, ImageError> {
        let mut index = Index::new(platforms.iter().map(|made| made.descriptor.clone()).collect());
        index.annotations.clone_from(&image.annotations);
        let bytes = index.encode();
        let artifact = stored::put(self.store, &bytes)?;
        let index = ImageIndex {
            service: image.service.clone(),
            artifact,
            media_type: media::OCI_INDEX.to_owned(),
            images: platforms.iter().map(|made| made.image.clone()).collect(),
        };
        Ok(Made { index, descriptor: Descriptor::new(media::OCI_INDEX, artifact), platforms })
    }

    /// A layer that is made once in a run; nothing when it would be empty.
    fn layer_once(
        &self,
        image: &plan::Image,
        shared: &Shared,
        (step, key): (&str, &Key),
        entries: &Entries<'_>,
    ) -> Result<Option<Layer>, ImageError> {
        let cell = shared.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        let mut made = cell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layer) = *made {
            return Ok(layer);
        }
        let layer = match self.known(key)? {
            Some(layer) => Some(layer),
            None => self.make(image, step, key, entries()?)?,
        };
        *made = Some(layer);
        Ok(layer)
    }

    fn known(&self, key: &Key) -> Result<Option<Layer>, ImageError> {
        let Some(record) = self.store.find(key)? else { return Ok(None) };
        let (Some(output), Ok(diff_id)) = (record.outputs.get("layer"), serde_json::from_value(record.value)) else {
            return Ok(None);
        };
        let intact = self.store.intact(*output)?;
        if intact.is_none() {
            self.events
                .warn("store.damaged", format!("{}: the stored layer was damaged and is made again", record.step));
        }
        Ok(intact.map(|blob| Layer { blob, diff_id, cached: true }))
    }

    fn make(
        &self,
        image: &plan::Image,
        step: &str,
        key: &Key,
        entries: Vec<LayerEntry>,
    ) -> Result<Option<Layer>, ImageError> {
        if entries.is_empty() {
            return Ok(None);
        }
        self.go_on()?;
        let mut staged = Staged::create(self.store.stage(), 0o644)?;
        let written = archive::write_layer(image.codec, threads(), entries, &mut staged)?;
        for file in &written.files {
            let path = file.path.as_str();
            let wanted = image.files.iter().find(|extra| extra.path == path).map(|extra| extra.artifact);
            if wanted.is_some_and(|wanted| wanted != file.artifact) {
                return Err(ImageError::Changed { path: path.to_owned() });
            }
        }
        let blob = self.store.keep(staged.measured())?;
        let diff_id = written.tar.digest();
        let value = serde_json::to_value(diff_id).expect("a digest is plain data");
        let outputs = [("layer".to_owned(), Output::from(blob))].into();
        self.store.record(key, &Record { step: step.to_owned(), outputs, value })?;
        Ok(Some(Layer { blob, diff_id, cached: false }))
    }

    /// The layer with the program.
    fn program(&self, image: &plan::Image, binary: &Binary) -> Result<Vec<LayerEntry>, ImageError> {
        let content = self.programs.content::<ImageError>(binary, image.codec)?;
        Ok(vec![LayerEntry {
            path: MemberPath::new(&image.program)?,
            attributes: Attributes::root(0o755),
            mtime_unix: image.mtime,
            body: LayerBody::File(content),
        }])
    }
}

/// The layer with the configured files, and the folders for them.
fn configured(image: &plan::Image, base: &Facts) -> Result<Vec<LayerEntry>, ImageError> {
    let mut entries = Vec::new();
    let mut folders = BTreeSet::new();
    for extra in &image.files {
        folders.extend(extra.path.match_indices('/').map(|(at, _)| &extra.path[..at]));
        let file = extra.file.clone();
        let open: archive::Opener = Box::new(move || Ok(Box::new(files::open(&file).map_err(std::io::Error::other)?)));
        entries.push(LayerEntry {
            path: MemberPath::new(&extra.path)?,
            attributes: Attributes::root(if extra.executable { 0o755 } else { 0o644 }),
            mtime_unix: 0,
            body: LayerBody::File(Content::new(extra.artifact.size(), open)),
        });
    }
    let known = |path: &&str| base.has(path) || plan::image::FOLDERS.iter().any(|(folder, _)| folder == path);
    for path in folders.into_iter().filter(|path| !known(path)) {
        entries.push(root::folder(path, Attributes::root(0o755))?);
    }
    Ok(entries)
}

/// Two threads for each layer: the last one of a release is not left to one core.
fn threads() -> NonZeroUsize {
    NonZeroUsize::new(machine::cores().min(2)).unwrap_or(NonZeroUsize::MIN)
}
