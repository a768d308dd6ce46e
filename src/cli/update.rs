//! `sealift update`.

use clap::Args;

use super::World;
use super::project::{Project, Selection};
use crate::console::Product;
use crate::error::Failure;
use crate::survey::toolchain_versions;
use crate::toolchain::go::Provision;

#[derive(Args)]
pub struct Update {}

impl Update {
    /// Pins what the network could change, and says what moved.
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let mut project = Project::open(world, &Selection::default(), None)?;
        let records = project.records()?;
        let versions = toolchain_versions(&project.config)?;
        let (host, events) = (project.host, project.events);
        let provision = Provision { host, events, cache: project.store.root(), lock: None };
        let changes = provision.update_pins(&versions, &mut project.lock)?;
        project.lock.write(&project.config.root, records.dir())?;
        let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let note = if lines.is_empty() { "sealift.lock is up to date" } else { "sealift.lock is written: commit it" };
        Ok(Product::lines(lines).with_note(note))
    }
}
