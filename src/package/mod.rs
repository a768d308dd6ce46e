//! From binaries to archives: each made once, or found in the store, while other targets still compile.

mod error;
mod programs;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use sealift_trust::Digest;
use sealift_trust::name::FileName;

use crate::archive::{self, Content, MemberPath, Mode};
use crate::artifact::Artifact;
use crate::event::{Event, Events};
use crate::host::Host;
use crate::host::machine;
use crate::host::staging::Staged;
use crate::plan::{Member, Package, Plan};
use crate::product::{Archive, ArchiveKind, Binary, Held};
use crate::store::{Key, Output, Record, Store};
use crate::target::Target;

pub use error::PackageError;
pub use programs::Programs;

/// Archives in work at once are few: each holds a few megabytes of blocks.
const WORKERS: usize = 4;

/// An archive with what is known of its making.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The archive.
    pub archive: Archive,
    /// Where it lies in the store.
    pub file: PathBuf,
    /// Whether it came from the store.
    pub cached: bool,
    /// How long it took.
    pub took: Duration,
    /// The most bytes it may have.
    pub budget: Option<u64>,
}

/// What this stage works with.
pub struct Bench<'a> {
    /// The outside.
    pub host: &'a Host,
    /// Where to tell.
    pub events: &'a Events,
    /// Where results are kept.
    pub store: &'a Store,
    /// What is to be done.
    pub plan: &'a Plan,
    /// What is compressed for archives and images together.
    pub programs: &'a Programs<'a>,
}

/// Makes every archive of the plan as soon as its binaries arrive, and gives them in the order of the plan. When the
/// stream of binaries ends early (a build failed), the archives that lack theirs are left out.
pub fn package(bench: &Bench<'_>, binaries: &Receiver<Binary>) -> Result<Vec<Packed>, PackageError> {
    let work = |index: &usize, ready: Ready| {
        let step = &bench.plan.packages[*index];
        bench.step(step, &ready).inspect_err(|error| bench.events.failed(step.step.clone(), error))
    };
    let feed = |give: &Sender<(usize, Ready)>| hand_out(bench.plan, binaries, give);
    machine::as_they_come(machine::cores().min(WORKERS), feed, work).into_iter().collect()
}

/// The binaries of one archive, by service.
type Ready = BTreeMap<FileName, Binary>;

/// Gives out each archive when the last of its binaries has come.
fn hand_out(plan: &Plan, binaries: &Receiver<Binary>, give: &Sender<(usize, Ready)>) {
    let mut waiting: Vec<(usize, Vec<FileName>, Ready)> = Vec::new();
    for (index, step) in plan.packages.iter().enumerate() {
        let services = step.services();
        if services.is_empty() {
            give.send((index, Ready::new())).expect("workers wait until the sender is gone");
        } else {
            waiting.push((index, services, Ready::new()));
        }
    }
    for binary in binaries {
        for (index, services, ready) in &mut waiting {
            if plan.packages[*index].target.as_ref() == Some(&binary.target) && services.contains(&binary.service) {
                ready.insert(binary.service.clone(), binary.clone());
                if ready.len() == services.len() {
                    give.send((*index, ready.clone())).expect("workers wait until the sender is gone");
                }
            }
        }
    }
}

impl Bench<'_> {
    fn step(&self, step: &Package, ready: &Ready) -> Result<Packed, PackageError> {
        let began = Instant::now();
        self.events.send(Event::Started { step: step.step.clone() });
        let digest = |service: &FileName, _: &Target| ready.get(service).map(|binary| binary.artifact.digest());
        let key = step.key(&digest).expect("an archive is handed out with its binaries");
        let known = self.known(&key)?;
        let cached = known.is_some();
        let artifact = match known {
            Some(artifact) => artifact,
            None => self.make(step, ready, &key)?,
        };
        if let Some(budget) = step.budget.filter(|budget| artifact.size() > *budget) {
            let name = step.name.to_string();
            return Err(PackageError::Budget {
                name,
                size: artifact.size(),
                budget,
                contributors: contributors(step, ready),
            });
        }
        let took = began.elapsed();
        self.events.send(Event::Finished { step: step.step.clone(), cached, took, bytes: artifact.size() });
        let archive = Archive {
            name: step.name.clone(),
            kind: if step.target.is_some() { ArchiveKind::Binaries } else { ArchiveKind::Source },
            services: step.services(),
            target: step.target.clone(),
            artifact,
            media_type: step.codec.format().media_type().to_owned(),
            holds: held(step, ready),
        };
        Ok(Packed { archive, file: self.store.path_of(artifact.digest()), cached, took, budget: step.budget })
    }

    fn known(&self, key: &Key) -> Result<Option<Artifact>, PackageError> {
        let Some(record) = self.store.find(key)? else { return Ok(None) };
        let Some(output) = record.outputs.get("archive") else { return Ok(None) };
        let intact = self.store.intact(*output)?;
        if intact.is_none() {
            self.events
                .warn("store.damaged", format!("{}: the stored archive was damaged and is made again", record.step));
        }
        Ok(intact)
    }

    fn make(&self, step: &Package, ready: &Ready, key: &Key) -> Result<Artifact, PackageError> {
        if self.host.children.stopped() {
            return Err(PackageError::Interrupted);
        }
        let mut members = Vec::new();
        let mut expected: BTreeMap<String, Digest> = BTreeMap::new();
        for member in &step.members {
            let (path, content, digest, mode) = match member {
                Member::Binary { path, service } => {
                    let binary = &ready[service];
                    let content = self.programs.content::<PackageError>(binary, step.codec)?;
                    (path, content, binary.artifact.digest(), Mode::Executable)
                }
                Member::File(extra) => {
                    let mode = if extra.executable { Mode::Executable } else { Mode::Plain };
                    let content = Content::new(extra.artifact.size(), programs::opener(extra.file.clone()));
                    (&extra.path, content, extra.artifact.digest(), mode)
                }
            };
            expected.insert(path.clone(), digest);
            members.push(archive::Member { path: MemberPath::new(path)?, mode, content });
        }
        let mut staged = Staged::create(self.store.stage(), 0o644)?;
        let written = archive::Recipe::new(step.codec, step.mtime).threads(threads()).write(members, &mut staged)?;
        for held in &written.members {
            if expected.get(held.path.as_str()) != Some(&held.artifact.digest()) {
                return Err(PackageError::Changed { path: held.path.as_str().to_owned() });
            }
        }
        let artifact = self.store.keep(staged.measured())?;
        let outputs = [("archive".to_owned(), Output::from(artifact))].into();
        self.store.record(key, &Record { step: step.step.clone(), outputs, value: serde_json::Value::Null })?;
        Ok(artifact)
    }
}

/// Two threads for each archive: the last one of a release is not left to one core.
fn threads() -> std::num::NonZeroUsize {
    std::num::NonZeroUsize::new(machine::cores().min(2)).unwrap_or(std::num::NonZeroUsize::MIN)
}

fn held(step: &Package, ready: &Ready) -> Vec<Held> {
    let binary = |member: &Member| match member {
        Member::Binary { path, service } => {
            let artifact = ready[service].artifact;
            Some(Held {
                path: path.clone(),
                service: service.clone(),
                digest: artifact.digest(),
                size: artifact.size(),
            })
        }
        Member::File(_) => None,
    };
    step.members.iter().filter_map(binary).collect()
}

fn contributors(step: &Package, ready: &Ready) -> String {
    use crate::table::{Column, Table, bytes};
    let mut rows: Vec<(String, u64)> = step
        .members
        .iter()
        .map(|member| match member {
            Member::Binary { path, service } => (path.clone(), ready[service].artifact.size()),
            Member::File(extra) => (extra.path.clone(), extra.artifact.size()),
        })
        .collect();
    rows.sort_by_key(|(path, size)| (std::cmp::Reverse(*size), path.clone()));
    let mut table = Table::new([Column::text("file"), Column::number("uncompressed")]);
    for (path, size) in rows.into_iter().take(12) {
        table.push([path, bytes(size)]);
    }
    table.to_string()
}
