//! The stage of a release: an SBOM of each binary as soon as it is there, and one of each image when it is made.

mod image;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use sealift_trust::{Digest, FileName};

pub use image::images;

use super::license::{Library, Licenses};
use super::{Graph, Program, Released, Sbom, SbomError, open, program, read, write};
use crate::artifact::Artifact;
use crate::build::{Built, executable_name};
use crate::command::Command;
use crate::error::Failure;
use crate::event::{Event, Events};
use crate::host::staging::Staged;
use crate::host::{Host, files, machine};
use crate::plan::{self, Plan};
use crate::product::{SbomFile, SbomOf};
use crate::store::{Key, KeyBuilder, Output, Record, Store};
use crate::survey::{Survey, Toolchain};
use crate::toolchain::go::gomod;

/// How the step is done. A change in what it writes of the same inputs needs a new number.
const VERSION: u32 = 2;

/// The longest `go.mod` that is read, in bytes.
const GO_MOD_CAP: u64 = 4 << 20;

/// SBOMs in work at once: each takes milliseconds, and compilers want the cores.
const WORKERS: usize = 2;

/// An SBOM with what is known of its making.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The SBOM.
    pub file: SbomFile,
    /// Where it lies in the store.
    pub path: PathBuf,
    /// Whether it came from the store.
    pub cached: bool,
    /// How long it took.
    pub took: Duration,
}

/// What this stage works with.
pub struct Bench<'a> {
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

/// Makes every SBOM of the plan as soon as its binary arrives, and gives them in the order of the plan. When the stream
/// of binaries ends early (a build failed), the SBOMs of the others are left out.
pub fn sbom(bench: &Bench<'_>, binaries: &Receiver<Built>) -> Result<Vec<Listed>, Failure> {
    let sources = bench.sources()?;
    let work = |_: &usize, (steps, built): (Vec<&plan::Sbom>, Built)| bench.of_binary(&steps, &built, &sources);
    let feed = |give: &Sender<(usize, (Vec<_>, Built))>| {
        for built in binaries {
            let mine = |(_, step): &(usize, &plan::Sbom)| {
                step.of == SbomOf::Binary && step.service == built.binary.service && step.target == built.binary.target
            };
            let steps: Vec<_> = bench.plan.sboms.iter().enumerate().filter(mine).collect();
            if let Some((first, _)) = steps.first() {
                let job = (*first, (steps.iter().map(|(_, step)| *step).collect(), built));
                give.send(job).expect("workers wait until the sender is gone");
            }
        }
    };
    let listed: Result<Vec<Vec<Listed>>, Failure> =
        machine::as_they_come(machine::cores().min(WORKERS), feed, work).into_iter().collect();
    Ok(listed?.into_iter().flatten().collect())
}

/// What the source at hand tells about the modules of a toolchain.
struct Source<'a> {
    graph: Option<Graph>,
    library: Library<'a>,
    /// What an SBOM depends on besides the binary.
    digest: Digest,
}

/// By the place of the toolchain in the survey.
type Sources<'a> = BTreeMap<usize, Source<'a>>;

/// A list, and whether all that could be known was there to be looked at.
struct Made {
    list: Sbom,
    whole: bool,
}

impl<'a> Bench<'a> {
    /// Which module requires which and where their licences are, for each toolchain that builds something.
    fn sources(&self) -> Result<Sources<'a>, Failure> {
        let wanted: std::collections::BTreeSet<usize> =
            self.plan.sboms.iter().filter_map(|step| step.toolchain).collect();
        let source = |index: usize| {
            let toolchain = &self.survey.toolchains[index];
            let (graph, library) = (self.graph(toolchain), Library::new(self.host, self.store, toolchain));
            let text = serde_json::to_vec(&graph).expect("a graph is plain data");
            let digest = KeyBuilder::new("source-of-sbom", VERSION)
                .with("graph", &Digest::of(&text).hex())
                .with("licenses", &library.digest()?.hex());
            let digest = digest.finish().digest();
            Ok((index, Source { graph, library, digest }))
        };
        wanted.into_iter().map(source).collect()
    }

    /// What `go mod graph` says. A vendored module carries the packages that it needs and not the requirements among
    /// their modules, so that there the answer would depend on what else the machine has.
    fn graph(&self, toolchain: &Toolchain) -> Option<Graph> {
        if toolchain.vendored {
            return None;
        }
        let modules = toolchain.modules.hex();
        let mut key = KeyBuilder::new("mod-graph", 2).with("modules", &modules);
        key.add("toolchain", &toolchain.identity.hex());
        if has_folders(toolchain) {
            // What such a module requires stands in files that are not in the digest of modules.
            key.add("tree", &self.survey.tidiness.hex());
        }
        let read = || {
            let command = Command::new(&toolchain.program, &toolchain.dir).args(["mod", "graph"]);
            let command = command.envs(toolchain.environment(BTreeMap::new()));
            let finished = self.host.run(&command).map_err(Failure::from)?;
            let mut graph = Graph::parse(&String::from_utf8_lossy(&finished.stdout));
            for member in &toolchain.members {
                let path = member.join("go.mod");
                let text = files::read_text(&path, GO_MOD_CAP)?;
                if let Some(main) = gomod::parse("go.mod", &text).ok().and_then(|file| file.module) {
                    graph = graph.without_indirect(&main, &text);
                }
            }
            Ok::<_, Failure>(graph)
        };
        let graph = self.store.memo(&key.finish(), "go mod graph", read);
        let why = |failure: &Failure| format!("SBOMs tell no dependencies among modules: {}", failure.message);
        graph.inspect_err(|failure| self.events.warn("sbom.no-graph", why(failure))).ok()
    }

    /// The SBOMs of one binary, in the order of the plan.
    fn of_binary(&self, steps: &[&plan::Sbom], built: &Built, sources: &Sources<'_>) -> Result<Vec<Listed>, Failure> {
        let mut made = None;
        let mut one = |step: &&plan::Sbom| {
            let source = step.toolchain.and_then(|index| sources.get(&index));
            let key = self.key(step, built, source.map(|source| source.digest)).finish();
            let about = (SbomOf::Binary, built.binary.artifact.digest());
            self.step(step, &key, about, &mut made, &|| self.list(step, built, source))
        };
        steps.iter().map(&mut one).collect()
    }

    /// Takes an SBOM out of the store, or makes it; the list is made once for all forms.
    fn step(
        &self,
        step: &plan::Sbom,
        key: &Key,
        (of, subject): (SbomOf, Digest),
        made: &mut Option<Made>,
        list: &dyn Fn() -> Result<Made, Failure>,
    ) -> Result<Listed, Failure> {
        let began = Instant::now();
        let failed = |failure: Failure| {
            let stopped = failure.kind == crate::error::Kind::Interrupted;
            let step = step.step.clone();
            self.events.send(if stopped { Event::Stopped { step } } else { Event::Failed { step } });
            failure
        };
        if self.host.children.stopped() {
            return Err(failed(SbomError::Interrupted.into()));
        }
        self.events.send(Event::Started { step: step.step.clone() });
        let known = self.known(key).map_err(|error| failed(error.into()))?;
        let cached = known.is_some();
        let artifact = match known {
            Some(artifact) => artifact,
            None => {
                let made = match made {
                    Some(made) => made,
                    None => made.insert(list().map_err(failed)?),
                };
                // What could not be looked at today may be there tomorrow.
                let key = made.whole.then_some(key);
                self.keep(step, key, &write(&made.list, step.format)).map_err(|error| failed(error.into()))?
            }
        };
        let took = began.elapsed();
        self.events.send(Event::Finished { step: step.step.clone(), cached, took, bytes: artifact.size() });
        let (name, format) = (step.name.clone(), step.format);
        let (service, target) = (step.service.clone(), step.target.clone());
        let file = SbomFile { name, format, of, service, target, subject, artifact };
        Ok(Listed { file, path: self.store.path_of(artifact.digest()), cached, took })
    }

    fn key(&self, step: &plan::Sbom, built: &Built, source: Option<Digest>) -> KeyBuilder {
        let mut key = KeyBuilder::new("sbom", VERSION).with("sealift", env!("CARGO_PKG_VERSION"));
        key.add("format", step.format.word());
        key.add("binary", &built.binary.artifact.digest().hex());
        key.add("before-upx", &built.before_upx.map(|output| output.digest.hex()).unwrap_or_default());
        key.add("source", &source.map(|digest| digest.hex()).unwrap_or_default());
        key.add("name", &executable_name(&step.service, &step.target));
        key.add("version", &built.binary.version.to_string());
        key.add("commit", self.commit(&step.service));
        key.add("created", &step.created.to_string());
        key.add("license", step.license.as_deref().unwrap_or_default());
        key
    }

    fn commit(&self, service: &FileName) -> &str {
        let found = self.plan.services.iter().find(|known| known.name == *service);
        &found.expect("a step belongs to a service of its plan").stamp.commit
    }

    fn known(&self, key: &Key) -> Result<Option<Artifact>, SbomError> {
        let Some(record) = self.store.find(key)? else { return Ok(None) };
        let Some(output) = record.outputs.get("sbom") else { return Ok(None) };
        let intact = self.store.intact(*output)?;
        if intact.is_none() {
            self.events
                .warn("store.damaged", format!("{}: the stored SBOM was damaged and is made again", record.step));
        }
        Ok(intact)
    }

    /// Reads the binary: of one that upx packed what it was before.
    fn list(&self, step: &plan::Sbom, built: &Built, source: Option<&Source<'_>>) -> Result<Made, Failure> {
        let path = built.before_upx.map_or_else(|| built.file.clone(), |output| self.store.path_of(output.digest));
        let shown = format!("{} for {}", step.service, step.target);
        let mapped = open(&path)?;
        let binaries = match read(&mapped, &shown) {
            // What a service of prebuilt files or a target such as js/wasm gives: released, and said to be unknown.
            Err(SbomError::Binary { source: super::binary::BinaryError::NotABinary, .. }) => Vec::new(),
            binaries => binaries?,
        };
        let (mut licenses, mut whole) = (Licenses::default(), true);
        for info in binaries.iter().filter_map(|binary| binary.build_info.as_ref()) {
            let Some(source) = source else { continue };
            let looked = source.library.look(&info.modules)?;
            licenses = looked.licenses;
            if let Some(first) = looked.missing.first() {
                whole = false;
                if step.of == SbomOf::Image {
                    continue;
                }
                let (first, count) = (crate::sanitize::sanitize_line(first), looked.missing.len());
                let text = format!("the SBOM of {shown} tells no licence of {count} modules, {first} among them");
                self.events.warn("sbom.no-license", text + ": their files are not here and could not be fetched");
            }
        }
        let name = executable_name(&step.service, &step.target);
        let version = built.binary.version.to_string();
        let commit = self.commit(&step.service);
        let released = Released { version: &version, commit, license: step.license.as_deref() };
        let (artifact, released) = (built.binary.artifact, Some(released));
        let graph = source.and_then(|source| source.graph.as_ref());
        let known = Program { name: &name, artifact, released, graph, licenses: Some(&licenses) };
        let list = program(&binaries, &known, step.created);
        if list.incomplete && step.of == SbomOf::Binary {
            let why = "it has neither Go's build information nor a list of crates";
            self.events.warn("sbom.incomplete", format!("the SBOM of {shown} is incomplete: {why}"));
        }
        Ok(Made { list, whole })
    }

    fn keep(&self, step: &plan::Sbom, key: Option<&Key>, bytes: &[u8]) -> Result<Artifact, SbomError> {
        use std::io::Write;
        let mut staged = Staged::create(self.store.stage(), 0o644)?;
        staged.write_all(bytes).map_err(files::at("write", self.store.stage()))?;
        let artifact = self.store.keep(staged.measured())?;
        if let Some(key) = key {
            let outputs = [("sbom".to_owned(), Output::from(artifact))].into();
            self.store.record(key, &Record { step: step.step.clone(), outputs, value: serde_json::Value::Null })?;
        }
        Ok(artifact)
    }
}

/// Whether modules of the project may lie in folders: a workspace's, or one that stands in another's place.
fn has_folders(toolchain: &Toolchain) -> bool {
    let text = files::read_text(&toolchain.dir.join("go.mod"), 16 << 20).unwrap_or_default();
    toolchain.workspace || text.contains("=> .") || text.contains("=> /")
}
