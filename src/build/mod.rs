//! From a plan to binaries: each step compiled once, or found in the store.

mod check;
mod contributors;
mod error;
mod hook;
mod memory;
mod upx;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sealift_trust::name::FileName;
use serde::Serialize;

use crate::artifact::Artifact;
use crate::command::Command;
use crate::event::{Event, Events};
use crate::host::Host;
use crate::host::files;
use crate::host::machine;
use crate::host::staging::{self, Settled};
use crate::plan::{Build, How, OUTPUT, Plan};
use crate::product::Binary;
use crate::store::{Key, KeyBuilder, Output, Record, Store};
use crate::survey::{Survey, Toolchain};

pub use check::check;
pub use error::BuildError;
pub use hook::hooks;
use memory::Memory;

/// A binary with what is known of its making.
#[derive(Clone, Debug, Serialize)]
pub struct Built {
    /// The binary.
    #[serde(flatten)]
    pub binary: Binary,
    /// Where it lies in the store.
    #[serde(skip)]
    pub file: PathBuf,
    /// Whether it came from the store.
    pub cached: bool,
    /// How long it took, in milliseconds.
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
    /// What it was before upx packed it.
    pub before_upx: Option<Output>,
}

fn milliseconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

/// What the steps of this stage share.
pub struct Yard<'a> {
    /// The outside.
    pub host: &'a Host,
    /// Where to tell.
    pub events: &'a Events,
    /// Where results are kept.
    pub store: &'a Store,
    /// What was found.
    pub survey: &'a Survey,
    /// What is to be done.
    pub plan: &'a Plan,
}

/// Builds every binary of the plan, as many at once as there are cores and memory, and hands each to `done` as soon as
/// it is there. Errors: the first failure in the order of the plan; with `keep-going` the other targets are built
/// first. Nothing half-made is left: a binary enters the store complete or not at all.
pub fn build(yard: &Yard<'_>, done: &(dyn Fn(Built) + Sync)) -> Result<Vec<Built>, BuildError> {
    let memory = Memory::of_machine();
    let results = machine::parallel(&yard.plan.builds, machine::cores(), |step| {
        let result = yard.step(step, &memory);
        match &result {
            Ok(built) => done(built.clone()),
            Err(error) => yard.events.failed(step.step.clone(), error),
        }
        if yard.plan.keep_going { Ok(result) } else { result.map(Ok) }
    })?;
    let (built, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let failed: Vec<BuildError> = failed.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() { Ok(built.into_iter().flatten().collect()) } else { Err(BuildError::together(failed)) }
}

impl Yard<'_> {
    fn step(&self, step: &Build, memory: &Memory) -> Result<Built, BuildError> {
        let began = Instant::now();
        self.events.send(Event::Started { step: step.step.clone() });
        let known = self.known(&step.key)?;
        let cached = known.is_some();
        let mut artifact = match known {
            Some(artifact) => artifact,
            None => self.make(step, memory)?,
        };
        let mut before_upx = None;
        if step.upx {
            before_upx = Some(Output::from(artifact));
            artifact = upx::pack(self, step, artifact)?;
        }
        self.within_budget(step, artifact)?;
        let took = began.elapsed();
        self.events.send(Event::Finished { step: step.step.clone(), cached, took, bytes: artifact.size() });
        let service = self.plan.services.iter().find(|service| service.name == step.service);
        let version = service.expect("a step belongs to a service of its plan").stamp.version.clone();
        let binary = Binary { service: step.service.clone(), version, target: step.target.clone(), artifact };
        Ok(Built { binary, file: self.store.path_of(artifact.digest()), cached, took, before_upx })
    }

    /// The binary of a step that was done before, if its bytes are still what they were.
    fn known(&self, key: &Key) -> Result<Option<Artifact>, BuildError> {
        let Some(record) = self.store.find(key)? else { return Ok(None) };
        let Some(output) = record.outputs.get("binary") else { return Ok(None) };
        let intact = self.store.intact(*output)?;
        if intact.is_none() {
            self.events
                .warn("store.damaged", format!("{}: the stored binary was damaged and is made again", record.step));
        }
        Ok(intact)
    }

    fn make(&self, step: &Build, memory: &Memory) -> Result<Artifact, BuildError> {
        let out = self.store.stage().join(staging::unique("binary"));
        let peaks = match &step.how {
            How::Adopt { path } => {
                staging::copy(path, &out, 0o755)?;
                None
            }
            How::Compile { command, toolchain } => {
                let toolchain = &self.survey.toolchains[*toolchain];
                let weight = self.remembered_peak(step)?;
                let _permit = memory.acquire(weight);
                let command = self.complete(command, toolchain, &out);
                let finished = self.host.run(&command).map_err(|source| BuildError::compile(step, source))?;
                Some((weight, finished.peak))
            }
        };
        let artifact = self.store.keep(Settled::adopt(out)?)?;
        let outputs = [("binary".to_owned(), Output::from(artifact))].into();
        self.store.record(&step.key, &Record { step: step.step.clone(), outputs, value: serde_json::Value::Null })?;
        // About the same is known already: a record is two waits for the disk.
        if let Some((_, peak)) = peaks.filter(|(known, peak)| known.abs_diff(*peak) > known / 8) {
            self.remember_peak(step, peak)?;
        }
        Ok(artifact)
    }

    /// The command as it runs: with its output's path and the environment that does not count. Go's own temporary
    /// files go to the stage, so that nothing of a killed run stays.
    fn complete(&self, command: &Command, toolchain: &Toolchain, out: &Path) -> Command {
        let mut command = command.clone();
        for arg in &mut command.args {
            if arg == OUTPUT {
                *arg = out.display().to_string();
            }
        }
        command.env = toolchain.environment(command.env);
        command.env.insert("GOTMPDIR".into(), self.store.stage().display().to_string());
        command
    }

    fn peak_key(step: &Build) -> Key {
        KeyBuilder::new("peak", 1)
            .with("service", step.service.as_str())
            .with("target", &step.target.to_string())
            .finish()
    }

    /// The largest resident set that this step's last run needed.
    fn remembered_peak(&self, step: &Build) -> Result<u64, BuildError> {
        let record = self.store.find(&Self::peak_key(step))?;
        Ok(record.and_then(|record| record.value.as_u64()).unwrap_or(memory::UNKNOWN))
    }

    fn remember_peak(&self, step: &Build, peak: u64) -> Result<(), BuildError> {
        let record = Record { step: format!("peak of {}", step.step), outputs: Default::default(), value: peak.into() };
        Ok(self.store.record(&Self::peak_key(step), &record)?)
    }

    fn within_budget(&self, step: &Build, artifact: Artifact) -> Result<(), BuildError> {
        let Some(budget) = step.budget.filter(|budget| artifact.size() > *budget) else { return Ok(()) };
        Err(BuildError::Budget {
            service: step.service.to_string(),
            target: step.target.to_string(),
            size: artifact.size(),
            budget,
            contributors: contributors::table(self, step),
        })
    }
}

/// Copies a binary to where a user wants it.
pub fn place(built: &Built, to: &Path) -> Result<(), BuildError> {
    if let Some(dir) = to.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        files::make_folder(dir)?;
    }
    // The same bytes stay where they are: a Makefile compares times.
    if let files::What::File { size, executable: true } = files::what(to)?
        && size == built.binary.artifact.size()
        && files::measure(to)? == built.binary.artifact
    {
        return Ok(());
    }
    let copied = staging::copy(&built.file, to, 0o755)?;
    if copied == built.binary.artifact { Ok(()) } else { Err(BuildError::Changed { path: to.display().to_string() }) }
}

/// The file name of a service's executable on a target.
pub fn executable_name(service: &FileName, target: &crate::target::Target) -> String {
    format!("{service}{}", target.executable_suffix())
}
