//! `sealift attest`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use sealift_trust::statement::{Commit, MANIFEST, PROVENANCE};
use sealift_trust::{Digest, FileName};
use semver::Version;

use super::World;
use super::project::{Aim, Project, Selection};
use super::release::{Parts, Seal, Sealing, clean, making, signer, subject};
use super::scan;
use super::source::{Bumped, Trace};
use crate::attest::{self, Contents, Elsewhere, Recalled, Sealed, Signer, Signing, Subject};
use crate::config::settings::Signatures;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::history::{self, Git};
use crate::host::files;
use crate::oci::Repository;
use crate::survey::{self, Images};
use crate::{image, plan, refs};

#[derive(Args)]
pub struct Attest {
    /// A folder of files that something else built, to be signed where they lie [default: dist/ of this project]
    #[arg(value_name = "DIR", requires = "release", conflicts_with_all = ["snapshot", "push", "services", "targets", "clean"])]
    folder: Option<PathBuf>,
    /// The version that the files in DIR are
    #[arg(long, value_name = "VERSION", requires = "folder")]
    release: Option<Version>,
    /// What the files in DIR are a release of [default: the project's name]
    #[arg(long, value_name = "NAME", requires = "folder")]
    product: Option<FileName>,
    /// The commit that they were built from [default: the one that is checked out]
    #[arg(long, value_name = "ID", requires = "folder")]
    commit: Option<Commit>,
    /// Seal a snapshot
    #[arg(long)]
    snapshot: bool,
    /// Lay signature, provenance and SBOMs beside the images in their repositories
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
        let mut project = Project::open(world, &self.selection, self.sealing.key.as_deref())?;
        if let (Some(folder), Some(version)) = (&self.folder, &self.release) {
            return self.elsewhere(&project, &world.path(folder), version);
        }
        let records = project.records()?;
        let signer = signer(&project, self.sealing.key.as_deref())?;
        if self.push && signer.is_none() {
            let hint = Some("sealift attest --push --key release.key".to_owned());
            let message = "nothing can be said of images without a key".to_owned();
            return Err(super::usage("attest.push-unsigned", Kind::Usage, message, hint));
        }
        let images = attest::recall_images(&project.dist(), &records.path("image.json"))?;
        // What images are made of need not be there for a release without any.
        let wanted = if images.is_empty() { Images::Unwanted } else { Images::Wanted };
        let mut source = project.enter(self.snapshot, &self.selection, (refs::Signing::Configured, Trace::Named))?;
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
        let made = images.iter().flat_map(|index| &index.images).map(|image| image.artifact.digest());
        let listed: BTreeSet<Digest> = known.iter().copied().chain(made).collect();
        if sboms.iter().any(|sbom| !listed.contains(&sbom.subject)) {
            return Err(other_state("SBOMs", "sealift sbom"));
        }
        let lists = sboms.iter().map(|sbom| project.dist().join(sbom.name.as_str())).collect();
        let files: Vec<PathBuf> = recorded.iter().map(|name| project.dist().join(name)).collect();
        // The gate stands before anything is sealed, whoever ran the stages one by one.
        let lying = files.iter().map(PathBuf::as_path).zip(recorded.iter().copied());
        let scanned = scan::recalled(&project, &records, lying, (&plan.release.version, survey.release.commit.time))?;
        let Recalled { archives, binaries } = recalled;
        let parts = Parts {
            archives,
            binaries,
            files,
            images: Vec::new(),
            blobs: BTreeMap::new(),
            sboms,
            lists,
            notes,
            openvex: scanned.map(|judged| judged.openvex),
        };
        let parts = parts.with_images(images, |digest| attest::blob_path(&project.dist(), digest));
        let making = making(&project, (&survey, &plan), &self.selection)?;
        let (signer, clean) = (signer.as_ref(), clean(self.sealing.clean));
        let seal = Seal { project: &project, records: &records, signer, clean };
        let sealed = seal.place(&subject(&plan, making)?, &parts)?;
        if let Some(signer) = signer.filter(|_| self.push) {
            beside(&project, &plan.images, (&parts, &sealed), signer)?;
        }
        source.iter_mut().for_each(Bumped::keep);
        let data = serde_json::json!({ "manifest": sealed.manifest, "signed": signer.is_some() });
        let name = if signer.is_some() { "release.json" } else { "release.unsigned.json" };
        Ok(Product::lines([project.dist().join(name).display().to_string()]).with_data(data))
    }

    /// Signs what something else built, in its own folder.
    fn elsewhere(&self, project: &Project<'_>, folder: &Path, version: &Version) -> Result<Product, Failure> {
        let Some(signer) = signer(project, self.sealing.key.as_deref())? else {
            let hint = Some("sealift key generate ../release.key, and --key ../release.key".to_owned());
            let message = "what something else built is signed or nothing: there is no key".to_owned();
            return Err(super::usage("attest.no-key", Kind::Usage, message, hint));
        };
        let (commit, created) = self.built_from(project)?;
        let subject = Subject {
            product: self.product.clone().unwrap_or_else(|| project.config.project.name.clone()),
            version: version.clone(),
            channel: None,
            snapshot: false,
            commit,
            source: project.config.project.source.as_deref().and_then(|url| url.parse().ok()),
            created,
            services: Vec::new(),
            // How it was made, somebody else knows.
            making: None,
        };
        let elsewhere = Elsewhere::gather(folder, &signer.public())?;
        let settings = &project.config.attest;
        let lies = |name: &FileName| folder.join(name.as_str());
        let each: Option<&dyn Fn(&FileName) -> PathBuf> = match settings.signatures {
            Signatures::Each => Some(&lies),
            Signatures::Checksums => None,
        };
        let contents =
            Contents { archives: &elsewhere.files, images: &[], binaries: &[], sboms: &[], notes: None, openvex: None };
        let sealed =
            attest::seal(&subject, &contents, Some(&Signing { signer: &signer, formats: &settings.formats, each }))?;
        elsewhere.put(folder, &sealed)?;
        let data = serde_json::json!({ "manifest": sealed.manifest, "signed": true, "release": sealed.release });
        let note = format!(
            "{} files of {} {version}, as they lie there: who built them, and of what, is your word",
            elsewhere.files.len(),
            subject.product
        );
        Ok(Product::lines([folder.join(MANIFEST).display().to_string()]).with_data(data).with_note(note))
    }

    /// The commit of what something else built, and the time of the release. The repository is asked for what is not said.
    fn built_from(&self, project: &Project<'_>) -> Result<(Commit, u64), Failure> {
        let epoch = survey::epoch(project.host)?;
        if let (Some(commit), Some(epoch)) = (&self.commit, epoch) {
            return Ok((commit.clone(), epoch));
        }
        let git = Git::find(project.host, &project.config.root)?;
        let head = history::read(project.host, &git, &[])?.head;
        let checked_out = || {
            head.id.parse::<Commit>().map_err(|error| super::usage("attest.commit", Kind::Bug, error.to_string(), None))
        };
        Ok((self.commit.clone().map_or_else(checked_out, Ok)?, epoch.unwrap_or(head.time)))
    }
}

/// Lays what is said of the images beside them, in the repositories to which they were pushed.
fn beside(
    project: &Project<'_>,
    planned: &[plan::Image],
    (parts, sealed): (&Parts, &Sealed),
    signer: &Signer<'_>,
) -> Result<(), Failure> {
    let provenance = sealed.files.iter().find(|(name, _)| name.as_str() == PROVENANCE);
    let (_, provenance) = provenance.expect("what is sealed with a key has a provenance");
    image::destined(planned)?;
    let places = project.places();
    for index in &parts.images {
        let planned = planned.iter().find(|planned| planned.service == index.service);
        let Some(repository) = planned.and_then(|planned| planned.repository.as_ref()) else { continue };
        let remote = places.repository(repository)?;
        let descriptor = remote.describe(index.artifact.digest()).map_err(|failure| unpushed(failure, repository))?;
        for said in attest::said(descriptor.digest, provenance, signer)? {
            let laid = attest::attach(&remote, &descriptor, &said)?;
            project.events.info(format!("{}: {said}", repository.pin(laid.digest)));
        }
        for image in &index.images {
            let digest = image.artifact.digest();
            for (sbom, path) in parts.sboms.iter().zip(&parts.lists) {
                let is_held = image.holds.iter().any(|held| held.digest == sbom.subject);
                if sbom.subject != digest && !is_held {
                    continue;
                }
                let bytes = files::read(path, sbom.artifact.size())?;
                let described = remote.describe(digest)?;
                // As it is for whoever wants the list, and signed for whoever wants to believe it.
                if sbom.subject == digest {
                    let laid = attest::attach_list(&remote, &described, sbom.format.media_type(), &bytes)?;
                    project.events.info(format!("{}: {}", repository.pin(laid.digest), sbom.name));
                }
                let said = attest::listed(described.digest, sbom, (path, &bytes), signer)?;
                let laid = attest::attach(&remote, &described, &said)?;
                project.events.info(format!("{}: {said} ({})", repository.pin(laid.digest), image.target));
            }
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
