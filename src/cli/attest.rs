//! `sealift attest`.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use sealift_trust::statement::PROVENANCE;
use sealift_trust::{Digest, SecretKey};

use super::World;
use super::project::{Aim, Project, Selection};
use super::release::{Parts, Seal, Sealing, clean, making, secret, subject};
use crate::attest::{self, Recalled, Sealed};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::image;
use crate::oci::Repository;
use crate::plan;
use crate::product::ImageIndex;
use crate::survey::Images;

#[derive(Args)]
pub struct Attest {
    /// Seal a snapshot
    #[arg(long)]
    snapshot: bool,
    /// Lay signature and provenance beside the images in their repositories
    #[arg(long)]
    push: bool,
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
        if self.push && key.is_none() {
            let hint = Some("sealift attest --push --key release.key".to_owned());
            let message = "nothing can be said of images without a key".to_owned();
            return Err(super::usage("attest.push-unsigned", Kind::Usage, message, hint));
        }
        let images = attest::recall_images(&project.dist(), &records.path("image.json"))?;
        // What images are made of need not be there for a release without any.
        let wanted = if images.is_empty() { Images::Unwanted } else { Images::Wanted };
        let (survey, plan) = project.plan(Aim::release(self.snapshot, wanted), &self.selection)?;
        let notes = project.notes(&survey)?;
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
        let sboms = attest::recall_sboms(&project.dist(), &records.path("sbom.json"))?;
        if sboms.iter().any(|sbom| !known.contains(&sbom.binary)) {
            return Err(other_state("SBOMs", "sealift sbom"));
        }
        let lists = sboms.iter().map(|sbom| project.dist().join(sbom.name.as_str())).collect();
        let files = recorded.iter().map(|name| project.dist().join(name)).collect();
        let Recalled { archives, binaries } = recalled;
        let parts =
            Parts { archives, binaries, files, images: Vec::new(), blobs: BTreeMap::new(), sboms, lists, notes };
        let parts = parts.with_images(images, |digest| attest::blob_path(&project.dist(), digest));
        let making = making(&project, (&survey, &plan), &self.selection)?;
        let seal = Seal { project: &project, records: &records, key: key.as_ref(), clean: clean(self.sealing.clean) };
        let sealed = seal.place(&subject(&plan, making)?, &parts)?;
        if let Some(key) = key.as_ref().filter(|_| self.push) {
            beside(&project, &plan.images, (&parts.images, &sealed), key)?;
        }
        let data = serde_json::json!({ "manifest": sealed.manifest, "signed": key.is_some() });
        let name = if key.is_some() { "release.json" } else { "release.unsigned.json" };
        Ok(Product::lines([project.dist().join(name).display().to_string()]).with_data(data))
    }
}

/// Lays what is said of the images beside them, in the repositories to which they were pushed.
fn beside(
    project: &Project<'_>,
    planned: &[plan::Image],
    (images, sealed): (&[ImageIndex], &Sealed),
    key: &SecretKey,
) -> Result<(), Failure> {
    let provenance = sealed.files.iter().find(|(name, _)| name.as_str() == PROVENANCE);
    let (_, provenance) = provenance.expect("what is sealed with a key has a provenance");
    image::destined(planned)?;
    let places = project.places();
    for index in images {
        let planned = planned.iter().find(|planned| planned.service == index.service);
        let Some(repository) = planned.and_then(|planned| planned.repository.as_ref()) else { continue };
        let remote = places.repository(repository)?;
        let descriptor = remote.describe(index.artifact.digest()).map_err(|failure| unpushed(failure, repository))?;
        for said in attest::said(descriptor.digest, provenance, key)? {
            let laid = attest::attach(&remote, &descriptor, &said)?;
            project.events.info(format!("{}: {said}", repository.pin(laid.digest)));
        }
    }
    Ok(())
}

/// An image that is not there was not pushed yet.
fn unpushed(failure: Failure, repository: &Repository) -> Failure {
    if failure.code != "registry.not-found" {
        return failure;
    }
    Failure { hint: Some(format!("sealift image --push sends it to {repository}")), ..failure }
}

/// What lies in `dist/` was made of something else than the tree is now.
fn other_state(what: &str, command: &str) -> Failure {
    let message = format!("dist/ holds the {what} of another state of the tree");
    let hint = Some(format!("run {command} with the same options first"));
    super::usage("attest.other-state", Kind::Input, message, hint)
}
