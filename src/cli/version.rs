//! `sealift version`.

use clap::Args;

use super::World;
use super::project::{Project, Selection};
use super::tagging::{self, Tagging};
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
    #[command(flatten)]
    tagging: Tagging,
    /// With --tag or --push: show the refs that would move, and move none
    #[arg(long)]
    dry_run: bool,
}

impl Version {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let project = Project::open(world, &Selection::default(), None)?;
        let mode = if self.snapshot { Mode::Snapshot } else { Mode::Release };
        let (release, next) = survey::release(project.host, &project.config, mode)?;
        if let (Some(next), true) = (&next, self.tagging.wanted()) {
            let prepared = self.tagging.prepare(&project, &release.commit.id, &[next])?;
            if self.dry_run {
                return Ok(tagging::shown(&prepared));
            }
            let _records = project.records()?;
            tagging::perform(&project, &prepared)?;
        }
        Records::note(&project.config.root, "version.json", &release)?;
        let data = serde_json::to_value(&release).expect("a release is plain data");
        Ok(Product::lines([release.version.to_string()]).with_data(data))
    }
}
