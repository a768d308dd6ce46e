//! `sealift version`.

use clap::Args;

use super::World;
use super::project::{Project, Selection};
use crate::console::Product;
use crate::error::Failure;
use crate::store::Records;
use crate::survey;
use crate::version::Mode;

#[derive(Args)]
pub struct Version {
    /// The version of a snapshot of this tree, whatever it is tagged
    #[arg(long)]
    snapshot: bool,
}

impl Version {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let project = Project::open(world, &Selection::default(), None)?;
        let mode = if self.snapshot { Mode::Snapshot } else { Mode::Release };
        let (release, _next) = survey::release(project.host, &project.config, mode)?;
        Records::note(&project.config.root, "version.json", &release)?;
        let data = serde_json::to_value(&release).expect("a release is plain data");
        Ok(Product::lines([release.version.to_string()]).with_data(data))
    }
}
