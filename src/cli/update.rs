//! `sealift update`.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use super::World;
use super::project::{Project, Selection};
use crate::config::settings::image::Base;
use crate::console::Product;
use crate::error::Failure;
use crate::image::{self, Moved, Opened};
use crate::lock::{ImagePin, Lock};
use crate::oci::Place;
use crate::sbom::{self, Look, Role, Sbom};
use crate::survey::{toolchain_versions, within};
use crate::toolchain::go::Provision;

#[derive(Args)]
pub struct Update {
    /// Leave the other pins as they are
    #[arg(long, value_name = "WHAT")]
    only: Option<Only>,
}

/// What is pinned.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// Hashes of Go toolchains.
    Go,
    /// Digests of base images.
    Image,
}

impl Update {
    /// Pins what the network could change, and says what moved.
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let project = Project::open(world, &Selection::default(), None)?;
        let records = project.records()?;
        let mut lock = project.lock.clone();
        let mut lines: Vec<String> = Vec::new();
        if self.only != Some(Only::Image) {
            let versions = toolchain_versions(&project.config)?;
            let (host, events) = (project.host, project.events);
            let provision = Provision { host, events, cache: project.store.root(), lock: None };
            lines.extend(provision.update_pins(&versions, &mut lock)?.iter().map(ToString::to_string));
        }
        if self.only != Some(Only::Go) {
            for moved in bases(&project, &mut lock)? {
                lines.push(moved.to_string());
                moved.changes.iter().for_each(|line| project.events.info(line.clone()));
            }
        }
        lock.write(&project.config.root, records.dir())?;
        let note = match lines.is_empty() {
            false => "sealift.lock is written: commit it",
            true if lock.is_empty() => {
                "there is nothing to pin: no exact Go version is asked for, and no base but scratch"
            }
            true => "sealift.lock is up to date",
        };
        Ok(Product::lines(lines).with_note(note))
    }
}

/// Pins the bases that services name, each to what it is now, and forgets the others.
fn bases(project: &Project<'_>, lock: &mut Lock) -> Result<Vec<Moved>, Failure> {
    let config = &project.config;
    let own = config.services.iter().map(|service| &service.settings);
    let alone = config.services.is_empty().then_some(&config.defaults);
    let mut wanted: BTreeMap<&str, Place> = BTreeMap::new();
    for settings in own.chain(alone).filter(|settings| !settings.image.platforms.is_empty()) {
        if let Base::Image { text, place } = &settings.image.base {
            wanted.insert(text, within(&config.root, place));
        }
    }
    let places = project.places();
    let mut moved = Vec::new();
    let gone: Vec<String> = lock.images().filter(|known| !wanted.contains_key(known)).map(str::to_owned).collect();
    for reference in gone {
        let from = lock.image(&reference).map(|pin| pin.digest);
        lock.unpin_image(&reference);
        moved.push(Moved { reference, from, to: None, changes: Vec::new() });
    }
    for (reference, place) in wanted {
        let opened = places.open(&place)?;
        let pin = image::pin(&opened, reference)?;
        let before = lock.image(reference).cloned();
        if before.as_ref() == Some(&pin) {
            continue;
        }
        let mut changes = before.as_ref().map(|before| image::changes(&opened, before, &pin)).unwrap_or_default();
        if let Some(before) = &before {
            changes.extend(packages(project, &opened, before, &pin));
        }
        let (from, to) = (before.map(|pin| pin.digest), Some(pin.digest));
        lock.pin_image(reference, pin);
        moved.push(Moved { reference: reference.to_owned(), from, to, changes });
    }
    Ok(moved)
}

/// Says which packages of a base are others now: of one platform, because those of a release are the same on all. A base
/// that is gone, or whose layers cannot be read, cannot be compared, and that is said.
fn packages(project: &Project<'_>, opened: &Opened<'_>, before: &ImagePin, after: &ImagePin) -> Vec<String> {
    let both = |platform: &&String| before.platforms.contains_key(*platform);
    let usual = |platform: &&String| platform.as_str() == "linux/amd64";
    let common = || after.platforms.keys().filter(both);
    let Some(platform) = common().find(usual).or_else(|| common().next()) else { return Vec::new() };
    if before.platforms[platform] == after.platforms[platform] {
        return Vec::new();
    }
    let list = |pin: &ImagePin| -> Result<Sbom, Failure> {
        let root = opened.pinned(pin.digest)?;
        let (source, stage) = (opened.source(), project.store.stage());
        let look = Look { source, root: &root, name: "base", platform: Some(platform), stage, created: None };
        let mut sbom = sbom::image(&look)?;
        // What is said of the image itself was compared already.
        sbom.parts.retain(|_, part| part.role != Role::Image);
        sbom.root.role = Role::Folder;
        Ok(sbom)
    };
    match (list(before), list(after)) {
        (Ok(old), Ok(new)) => {
            let lines = sbom::difference(&old, &new).lines();
            let nothing = format!("{platform}: the same packages");
            if lines.is_empty() {
                vec![nothing]
            } else {
                lines.iter().map(|line| format!("{platform}: {line}")).collect()
            }
        }
        (Err(failure), _) | (_, Err(failure)) => {
            vec![format!("{platform}: its packages cannot be compared: {}", failure.message)]
        }
    }
}
