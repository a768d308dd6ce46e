//! `sealift attest`.

use clap::Args;

use super::World;
use super::project::{Aim, Project, Selection};
use super::release::{Parts, Sealing, clean, seal_and_place, secret};
use crate::attest;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::survey::Images;

#[derive(Args)]
pub struct Attest {
    /// Seal a snapshot
    #[arg(long)]
    snapshot: bool,
    #[command(flatten)]
    sealing: Sealing,
    #[command(flatten)]
    selection: Selection,
}

impl Attest {
    /// Seals what `sealift package` left in `dist/`: every archive is measured again, and must be one that the plan of
    /// this tree names.
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let project = Project::open(world, &self.selection, self.sealing.key.as_deref())?;
        let records = project.records()?;
        let key = secret(&project, self.sealing.key.as_deref())?;
        let aim = Aim::release(self.snapshot, Images::Unwanted);
        let (_, plan) = project.plan(aim, &self.selection)?;
        let recalled = attest::recall(&project.dist(), &records.path("package.json"))?;
        let planned: Vec<&str> = plan.packages.iter().map(|package| package.name.as_str()).collect();
        let recorded: Vec<&str> = recalled.archives.iter().map(|archive| archive.name.as_str()).collect();
        if planned != recorded {
            let message = "dist/ holds the archives of another state of the tree".to_owned();
            let hint = Some("run sealift package with the same options first".to_owned());
            return Err(super::usage("attest.other-state", Kind::Input, message, hint));
        }
        let files = recorded.iter().map(|name| project.dist().join(name)).collect();
        let parts = Parts { archives: recalled.archives, binaries: recalled.binaries, files };
        let sealed = seal_and_place(&project, &records, &plan, &parts, (key.as_ref(), clean(self.sealing.clean)))?;
        let data = serde_json::json!({ "manifest": sealed.manifest, "signed": key.is_some() });
        let name = if key.is_some() { "release.json" } else { "release.unsigned.json" };
        Ok(Product::lines([project.dist().join(name).display().to_string()]).with_data(data))
    }
}
