//! `sealift release`: the chain of stages, with no logic of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use sealift_trust::statement::{self, Commit};
use sealift_trust::{Algorithm, Digest, FileName, KeyError, PublicKey, SignatureFormat};

use super::World;
use super::project::{Aim, Project, Selection};
use super::source::{Bumped, Trace};
use super::tagging::{self, Goal, Tagging};
use super::{plan, scan, summary, verify};
use crate::attest::keys::{self, Places};
use crate::attest::{
    self, Asked, Clean, Contents, Dist, Making, Process, Reach, Sealed, Signer, Signing, Stored, Subject,
};
use crate::build;
use crate::command::Command;
use crate::config::settings::Signatures;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::{clock, files};
use crate::pipeline::{Made, make};
use crate::plan::{Plan, Service};
use crate::product::{self, Archive, Binary, ImageIndex, SbomFile};
use crate::refs::Prepared;
use crate::store::Records;
use crate::survey::{Images, Survey};

#[derive(Args)]
pub struct Release {
    /// Release this tree as a snapshot, whatever it is tagged
    #[arg(long)]
    snapshot: bool,
    /// Print every step, and do none
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    tagging: Tagging,
    #[command(flatten)]
    sealing: Sealing,
    #[command(flatten)]
    selection: Selection,
}

/// How `dist/` is sealed.
#[derive(Args)]
pub struct Sealing {
    /// Sign with this key (else SEALIFT_KEY, SEALIFT_KEY_PEM, attest.key)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Remove files from dist/ that sealift did not make
    #[arg(long)]
    pub clean: bool,
}

impl Release {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let mut project = Project::open(world, &self.selection, self.sealing.key.as_deref())?;
        let aim = Aim::release(self.snapshot, Images::Wanted);
        if self.dry_run {
            let _source = self.enter(&mut project, Trace::None)?;
            let (survey, plan) = project.plan(aim, &self.selection)?;
            let shown = plan::shown(&plan);
            let prepared = self.prepare(&project, &survey)?;
            return Ok(prepared.map_or(shown.clone(), |prepared| shown.with_table(tagging::table(&prepared))));
        }
        let records = project.records()?;
        // A key that cannot be used is better known before an hour of compiling than after it.
        let signer = signer(&project, self.sealing.key.as_deref())?;
        if self.tagging.by_key() && signer.is_none() {
            return Err(tagging::no_key());
        }
        // So is a database that cannot be used.
        let scanner = scan::open(&project)?;
        let mut source = self.enter(&mut project, Trace::Named)?;
        let (survey, plan) = project.plan_after_hooks(aim, &self.selection)?;
        // A tag that is somebody else's is better known now, too.
        let prepared = self.prepare(&project, &survey)?;
        let notes = project.notes(&survey)?;
        let yard = project.yard(&survey, &plan);
        let judge = scan::judge(&project, scanner.as_ref());
        let mut made = make(&yard, &project.places(), &project.released_layers(), judge)?;
        records.write("build.json", &summary::build_record(&survey, &made.built))?;
        // The gate stands before anything is sealed.
        let found = (std::mem::take(&mut made.scanned), survey.release.commit.time);
        let scanned = scan::gate(&project, &records, scanner.as_ref(), found)?;
        let parts = Parts::of(&made).with_images(indexes(&made), |digest| project.store.path_of(digest));
        let openvex = scanned.as_ref().map(|judged| judged.openvex.clone());
        let parts = Parts { notes, openvex, ..parts };
        let making = making(&project, (&survey, &plan), &self.selection)?;
        let (by, clean) = (signer.as_ref(), clean(self.sealing.clean));
        let seal = Seal { project: &project, records: &records, signer: by, clean };
        let sealed = seal.place(&subject(&plan, making)?, &parts)?;
        build::hooks(&yard, &project.home, "after")?;
        let signed = signer.is_some();
        if let Some(prepared) = &prepared {
            // The tag tells everybody of a release: it moves last, and only for one that a stranger would accept.
            if let Some(signer) = &signer {
                verify::judge(world, &project.dist(), signer.public())?;
            }
            tagging::perform(&project, prepared, signer.as_ref())?;
        } else {
            source.iter_mut().for_each(Bumped::keep);
        }
        let data = serde_json::json!({
            "refs": prepared.as_ref().map(tagging::data),
            "version": plan.release.version.to_string(),
            "manifest": sealed.manifest,
            "signed": signed,
            "dist": project.dist(),
            "binaries": made.built,
            "archives": made.packed.iter().map(|packed| &packed.archive).collect::<Vec<_>>(),
            "images": parts.images,
            "sboms": parts.sboms,
            "scanned": scanned.is_some(),
        });
        let name = if signed { "release.json" } else { "release.unsigned.json" };
        let path = project.dist().join(name).display().to_string();
        let product = Product::lines([path]).with_data(data).with_table(summary::table(&made.packed, &made.built));
        let product = scanned.map_or(product.clone(), |judged| product.with_table(judged.table));
        Ok(if made.images.is_empty() { product } else { product.with_table(summary::images(&made.images)) })
    }
}

impl Release {
    fn prepare(&self, project: &Project<'_>, survey: &Survey) -> Result<Option<Prepared>, Failure> {
        let next = survey.next.as_ref().filter(|_| self.tagging.wanted());
        let prepare = |next| {
            let commit = &survey.release.commit.id;
            let (made, module_tags) = (project.parent.is_some(), &project.module_tags);
            self.tagging.prepare(project, &Goal { commit, made, versions: &[next], module_tags })
        };
        next.map(prepare).transpose()
    }

    /// Makes the commit that is released, where files have to name the version.
    fn enter<'a>(&self, project: &mut Project<'a>, trace: Trace) -> Result<Option<Bumped<'a>>, Failure> {
        project.enter(self.snapshot, &self.selection, (self.tagging.signing(), trace))
    }
}

/// The images of a run, as they are sealed.
fn indexes(made: &Made) -> Vec<ImageIndex> {
    made.images.iter().map(|image| image.index.clone()).collect()
}

/// What a user says about foreign files in `dist/`.
pub fn clean(remove: bool) -> Clean {
    if remove { Clean::Remove } else { Clean::Refuse }
}

/// Who signs: the signer that is configured, else the key, wherever the user says it is. Without either the release will
/// be unsigned, and that is said loudly.
pub fn signer<'a>(project: &Project<'a>, option: Option<&Path>) -> Result<Option<Signer<'a>>, Failure> {
    let settings = &project.config.attest;
    if let Some((program, args)) = settings.signer.as_ref().and_then(|words| words.split_first()) {
        let Some(key) = &settings.key else {
            let hint = Some("[attest]\nkey = \"release.pub\"".to_owned());
            let message = "a signer needs attest.key: the public half of its key, with which its answers are verified";
            return Err(super::usage("signer.no-key", Kind::Config, message.to_owned(), hint));
        };
        let public = crate::verify::read_public(&project.home.join(key))?;
        let env = project.host.env.select(reaches_a_signer);
        let command = Command::new(program, &project.home).args(args.iter().cloned()).envs(env);
        let limit = Duration::from_secs(settings.signer_timeout);
        return Ok(Some(Signer::Process(Process { host: project.host, command, public, limit })));
    }
    // What the command line names is in the configuration too, where it would come after the environment.
    let config = project.config.attest.key.as_deref();
    let places = Places { option: option.and(config), config };
    let loaded = keys::load_secret(project.host, &places)?;
    if loaded.is_none() {
        let text = "no key: the release will be UNSIGNED, and nobody can verify it (sealift key generate makes a key)";
        project.events.warn("attest.unsigned", text);
    }
    let Some(loaded) = loaded else { return Ok(None) };
    fits(&loaded.key.public(), &settings.formats)?;
    Ok(Some(Signer::Key(loaded.key)))
}

/// Better known before an hour of compiling than after it.
fn fits(key: &PublicKey, formats: &[SignatureFormat]) -> Result<(), Failure> {
    if key.algorithm() == Algorithm::Ed25519 || !formats.contains(&SignatureFormat::Minisign) {
        return Ok(());
    }
    let error = KeyError::NotForFormat { format: "minisign", algorithm: key.algorithm().name() };
    Err(super::usage(error.code(), Kind::Config, error.to_string(), error.hint().map(str::to_owned)))
}

/// Variables that programs for keys find their devices and accounts by; the passphrase of a key is not among them.
fn reaches_a_signer(name: &str) -> bool {
    const KNOWN: [&str; 9] =
        ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT", "SSH_AUTH_SOCK"];
    const FAMILIES: [&str; 7] = ["AWS_", "AZURE_", "CLOUDSDK_", "GOOGLE_", "PKCS11_", "SOFTHSM2_", "VAULT_"];
    KNOWN.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Archives and images with where their bytes are, and the binaries in them.
pub struct Parts {
    /// The archives.
    pub archives: Vec<Archive>,
    /// The binaries.
    pub binaries: Vec<Binary>,
    /// Where each archive lies, in their order.
    pub files: Vec<PathBuf>,
    /// The images.
    pub images: Vec<ImageIndex>,
    /// Where each blob of the images lies.
    pub blobs: BTreeMap<Digest, PathBuf>,
    /// What is new.
    pub notes: Option<String>,
    /// What is known of vulnerabilities in it, as OpenVEX.
    pub openvex: Option<Vec<u8>>,
    /// The SBOMs.
    pub sboms: Vec<SbomFile>,
    /// Where each SBOM lies, in their order.
    pub lists: Vec<PathBuf>,
}

impl Parts {
    /// Those of a run.
    pub fn of(made: &Made) -> Self {
        Self {
            archives: made.packed.iter().map(|packed| packed.archive.clone()).collect(),
            binaries: made.built.iter().map(|built| built.binary.clone()).collect(),
            files: made.packed.iter().map(|packed| packed.file.clone()).collect(),
            images: Vec::new(),
            blobs: BTreeMap::new(),
            notes: None,
            openvex: None,
            sboms: made.sboms.iter().map(|listed| listed.file.clone()).collect(),
            lists: made.sboms.iter().map(|listed| listed.path.clone()).collect(),
        }
    }

    /// The same with images; `stored` says where their blobs lie.
    #[must_use]
    pub fn with_images(mut self, images: Vec<ImageIndex>, stored: impl Fn(Digest) -> PathBuf) -> Self {
        let digests = images.iter().flat_map(ImageIndex::blobs).map(|blob| blob.digest());
        self.blobs = digests.map(|digest| (digest, stored(digest))).collect();
        self.images = images;
        self
    }

    /// Where an archive or an SBOM lies.
    fn place_of(&self, name: &FileName) -> PathBuf {
        let archives = self.archives.iter().map(|archive| &archive.name).zip(&self.files);
        let sboms = self.sboms.iter().map(|sbom| &sbom.name).zip(&self.lists);
        let found = archives.chain(sboms).find(|(known, _)| *known == name);
        found.map(|(_, path)| path.clone()).expect("a file of a release is an archive or an SBOM")
    }

    fn contents(&self) -> Contents<'_> {
        let notes = self.notes.as_deref();
        let Self { archives, images, binaries, sboms, .. } = self;
        Contents { archives, images, binaries, sboms, notes, openvex: self.openvex.as_deref() }
    }
}

/// With what a release is sealed, and where.
pub struct Seal<'a> {
    pub project: &'a Project<'a>,
    pub records: &'a Records,
    pub signer: Option<&'a Signer<'a>>,
    pub clean: Clean,
}

impl Seal<'_> {
    /// Decides the manifest and puts everything into `dist/`.
    pub fn place(&self, subject: &Subject, parts: &Parts) -> Result<Sealed, Failure> {
        let Self { project, records, signer, clean } = *self;
        let archive = |archive: &Archive| parts.place_of(&archive.name);
        let settings = &project.config.attest;
        let lies = |name: &FileName| parts.place_of(name);
        let each: Option<&dyn Fn(&FileName) -> PathBuf> = match settings.signatures {
            Signatures::Each => Some(&lies),
            Signatures::Checksums => None,
        };
        let signing = signer.map(|signer| Signing { signer, formats: &settings.formats, each });
        let sealed = attest::seal(subject, &parts.contents(), signing.as_ref())?;
        write_package_record(records, parts)?;
        write_image_record(records, &parts.images)?;
        write_sbom_record(records, &parts.sboms)?;
        let sbom = |sbom: &SbomFile| parts.place_of(&sbom.name);
        let blob = |digest: Digest| parts.blobs.get(&digest).expect("a placement is of a blob").clone();
        let placements = sealed.placements(&parts.contents(), Stored { archive: &archive, sbom: &sbom, blob: &blob });
        let journal = records.path("dist.json");
        let dist = Dist { folder: &project.dist(), journal: &journal, reach: Reach::All, clean };
        let placed = attest::place(project.host, &dist, &placements)?;
        project.events.debug(format!(
            "dist: {} written, {} kept, {} removed",
            placed.written.len(),
            placed.kept.len(),
            placed.removed.len()
        ));
        let record = serde_json::json!({
            "manifest": sealed.manifest,
            "signed": signer.is_some(),
            "key": signer.map(|signer| signer.public().fingerprint()),
            "release": sealed.release,
        });
        records.write("attest.json", &record)?;
        Ok(sealed)
    }
}

/// `.sealift/package.json`, from which `sealift attest` goes on.
pub fn write_package_record(records: &Records, parts: &Parts) -> Result<(), Failure> {
    let bytes = product::record(&parts.binaries, &parts.archives)
        .map_err(|error| super::usage("package.record", crate::error::Kind::Bug, error.to_string(), None))?;
    Ok(records.write_bytes("package.json", &bytes)?)
}

/// `.sealift/image.json`, from which `sealift attest` goes on; without images it says so. The record of the images
/// before stays as `image-before.json`, so that the new ones can be compared with them.
pub fn write_image_record(records: &Records, images: &[ImageIndex]) -> Result<(), Failure> {
    let bytes = product::record_images(images)
        .map_err(|error| super::usage("image.record", Kind::Bug, error.to_string(), None))?;
    let before = files::read_if_present(&records.path("image.json"), product::MAX_RECORD as u64)?;
    let other =
        |before: &Vec<u8>| *before != bytes && product::read_images(before).is_ok_and(|old| !old.indexes.is_empty());
    if let Some(before) = before.filter(other) {
        records.write_bytes("image-before.json", &before)?;
    }
    Ok(records.write_bytes("image.json", &bytes)?)
}

/// `.sealift/sbom.json`, from which `sealift attest` goes on; without SBOMs it says so.
pub fn write_sbom_record(records: &Records, sboms: &[SbomFile]) -> Result<(), Failure> {
    let bytes = product::record_sboms(sboms)
        .map_err(|error| super::usage("sbom.record", Kind::Bug, error.to_string(), None))?;
    Ok(records.write_bytes("sbom.json", &bytes)?)
}

/// What the provenance says: the steps of the plan, and the job as far as its variables agree with the commit.
pub fn making(
    project: &Project<'_>,
    (survey, plan): (&Survey, &Plan),
    selection: &Selection,
) -> Result<Making, Failure> {
    // A job knows the commit that it was started for.
    let checked_out = project.parent.as_ref().unwrap_or(&plan.release.commit.id);
    let job = attest::job(&project.host.env, checked_out).unwrap_or_else(|why| {
        let text = format!("{why}: the provenance will say that this is a local run");
        project.events.warn("attest.other-job", text);
        None
    });
    let Selection { services, targets } = selection.clone();
    let asked = Asked { configuration: project.configuration, services, targets };
    let job = job.map(|job| (job, clock::now()));
    Ok(Making::of((survey, plan), &project.config.root, asked, job)?)
}

/// What the manifest says besides its artifacts.
pub fn subject(plan: &Plan, making: Making) -> Result<Subject, Failure> {
    let commit = |id: &str| {
        id.parse::<Commit>().map_err(|error| super::usage("attest.commit", Kind::Bug, format!("{id}: {error}"), None))
    };
    let service = |service: &Service| -> Result<statement::Service, Failure> {
        let stamp = &service.stamp;
        let (name, version) = (service.name.clone(), stamp.version.clone());
        Ok(statement::Service { name, version, commit: commit(&stamp.commit)?, modified: stamp.modified })
    };
    Ok(Subject {
        product: plan.product.clone(),
        version: plan.release.version.clone(),
        channel: None,
        snapshot: plan.release.snapshot,
        commit: commit(&plan.release.commit.id)?,
        source: plan.release.source.as_deref().and_then(|url| url.parse().ok()),
        created: plan.release.commit.time,
        services: plan.services.iter().map(service).collect::<Result<_, _>>()?,
        making: Some(making),
    })
}
