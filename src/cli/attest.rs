//! `sealift attest`.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use sealift_trust::Digest;

use super::World;
use super::project::{Aim, Project, Selection};
use super::release::{Parts, Seal, Sealing, clean, making, secret, subject};
use crate::attest::{self, Recalled};
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
    /// Seals what `sealift package` and `sealift image` left in `dist/`: every archive and every blob is measured again, an
    /// archive must be one that the plan of this tree names, and an image must hold a binary that is in the archives.
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let project = Project::open(world, &self.selection, self.sealing.key.as_deref())?;
        let records = project.records()?;
        let key = secret(&project, self.sealing.key.as_deref())?;
        let images = attest::recall_images(&project.dist(), &records.path("image.json"))?;
        // What images are made of need not be there for a release without any.
        let wanted = if images.is_empty() { Images::Unwanted } else { Images::Wanted };
        let (survey, plan) = project.plan(Aim::release(self.snapshot, wanted), &self.selection)?;
        let recalled = attest::recall(&project.dist(), &records.path("package.json"))?;
        let planned: Vec<&str> = plan.packages.iter().map(|package| package.name.as_str()).collect();
        let recorded: Vec<&str> = recalled.archives.iter().map(|archive| archive.name.as_str()).collect();
        if planned != recorded {
            return Err(other_state("archives", "sealift package"));
        }
        let held = images.iter().flat_map(|index| &index.images).flat_map(|image| &image.holds);
        let known: BTreeSet<Digest> = recalled.binaries.iter().map(|binary| binary.artifact.digest()).collect();
        if held.into_iter().any(|held| !known.contains(&held.digest)) {
            return Err(other_state("images", "sealift image"));
        }
        let files = recorded.iter().map(|name| project.dist().join(name)).collect();
        let Recalled { archives, binaries } = recalled;
        let parts = Parts { archives, binaries, files, images: Vec::new(), blobs: BTreeMap::new() };
        let parts = parts.with_images(images, |digest| attest::blob_path(&project.dist(), digest));
        let making = making(&project, (&survey, &plan), &self.selection)?;
        let seal = Seal { project: &project, records: &records, key: key.as_ref(), clean: clean(self.sealing.clean) };
        let sealed = seal.place(&subject(&plan, making)?, &parts)?;
        let data = serde_json::json!({ "manifest": sealed.manifest, "signed": key.is_some() });
        let name = if key.is_some() { "release.json" } else { "release.unsigned.json" };
        Ok(Product::lines([project.dist().join(name).display().to_string()]).with_data(data))
    }
}

/// What lies in `dist/` was made of something else than the tree is now.
fn other_state(what: &str, command: &str) -> Failure {
    let message = format!("dist/ holds the {what} of another state of the tree");
    let hint = Some(format!("run {command} with the same options first"));
    super::usage("attest.other-state", Kind::Input, message, hint)
}
