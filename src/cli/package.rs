//! `sealift package`.

use std::collections::BTreeSet;

use clap::Args;

use super::World;
use super::project::{Aim, Project, Selection};
use super::release::{Parts, clean, write_package_record};
use super::source::{Bumped, Trace};
use super::summary;
use crate::attest::{self, Dist, Placement, Reach, Source};
use crate::console::Product;
use crate::error::Failure;
use crate::pipeline::make;
use crate::refs::Signing;
use crate::survey::Images;

#[derive(Args)]
pub struct Package {
    /// Package this tree as a snapshot, whatever it is tagged
    #[arg(long)]
    snapshot: bool,
    /// Remove files from dist/ that sealift did not make
    #[arg(long)]
    clean: bool,
    #[command(flatten)]
    selection: Selection,
}

impl Package {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let mut project = Project::open(world, &self.selection, None)?;
        let records = project.records()?;
        let mut source = project.enter(self.snapshot, &self.selection, (Signing::Configured, Trace::Named))?;
        let aim = Aim::release(self.snapshot, Images::Unwanted);
        let (survey, mut plan) = project.plan_after_hooks(aim, &self.selection)?;
        plan.sboms.clear();
        let made = make(&project.yard(&survey, &plan), &project.places(), &BTreeSet::new(), None)?;
        records.write("build.json", &summary::build_record(&survey, &made.built))?;
        let parts = Parts::of(&made);
        write_package_record(&records, &parts)?;
        let placement = |(archive, file): (&crate::product::Archive, &std::path::PathBuf)| Placement {
            path: archive.name.clone().into(),
            source: Source::File { path: file.clone(), artifact: archive.artifact },
        };
        let placements: Vec<Placement> = parts.archives.iter().zip(&parts.files).map(placement).collect();
        let journal = records.path("dist.json");
        let dist =
            Dist { folder: &project.dist(), journal: &journal, reach: Reach::Archives, clean: clean(self.clean) };
        attest::place(project.host, &dist, &placements)?;
        source.iter_mut().for_each(Bumped::keep);
        let paths =
            parts.archives.iter().map(|archive| project.dist().join(archive.name.as_str()).display().to_string());
        let data = serde_json::json!({ "archives": parts.archives });
        Ok(Product::lines(paths).with_data(data).with_table(summary::table(&made.packed, &made.built)))
    }
}
