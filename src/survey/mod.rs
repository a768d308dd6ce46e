//! Everything that readers find out before the plan: repository, toolchains, services, and what each is made of.
//!
//! Only readers run here (git, `go list`); nothing is written but the store's memos.

mod affected;
mod bump;
mod certificates;
mod chronicle;
mod error;
mod extras;
mod images;
mod next;
mod parts;
mod renewal;
mod services;
mod stamps;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sealift_trust::Digest;
use sealift_trust::name::FileName;
use sealift_trust::statement::Timestamp;
use serde::Serialize;

use crate::artifact::Artifact;
use crate::config::settings::{CompileSettings, Config, Settings};
use crate::event::Events;
use crate::history::{self, Git, History, HistoryError, Logged, Tag};
use crate::host::Host;
use crate::lock::Lock;
use crate::store::Store;
use crate::target::Target;
use crate::toolchain::sources::{OtherModule, Tree};
use crate::version::{self, Mode, Next, Release, Stamp};

use services::Found;

pub use affected::{Affected, Since, Why, affected};
pub use bump::{Bump, Paths, bump};
pub use certificates::Certificate;
pub use chronicle::{Chronicle, House, Reach, chronicle, edition, part_chronicle};
pub use error::SurveyError;
pub use images::{Base, ImageInputs, PinnedBase, within};
pub use next::Timeline;
pub use parts::{Part, has_own_version, parts, tag_prefix, with_own_versions};
pub use renewal::{Renewal, renewal};
pub use workspace::{Toolchain, module_path, toolchain_versions};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// How the version is found.
    pub mode: Mode,
    /// Whether a repository must be there.
    pub repository: Repository,
    /// Names of the wanted services; empty for all.
    pub services: Vec<String>,
    /// Whether images are made.
    pub images: Images,
    /// Which release this is, where that is decided already: of the commit that is checked out where the survey is made.
    pub decided: Option<(Release, Next)>,
}

/// Whether images are made: what they are made of need not be there when they are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    /// They are.
    Wanted,
    /// Binaries and archives are enough.
    Unwanted,
}

/// Whether a repository must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repository {
    /// A release is of a commit.
    Required,
    /// A binary for this machine can be built from any folder.
    Optional,
}

/// What was found.
pub struct Survey {
    /// Which release this is.
    pub release: Release,
    /// What is new in it, where it is no snapshot.
    pub next: Option<Next>,
    /// One toolchain for each module or workspace.
    pub toolchains: Vec<Toolchain>,
    /// The services.
    pub services: Vec<Surveyed>,
    /// The files of the source archive, when one is wanted.
    pub source: Option<Vec<Extra>>,
    /// The digest of all that `go mod tidy` depends on.
    pub tidiness: Digest,
    /// Whether the release made the commit that is built: what its modules require of each other is published with it.
    pub renewed: bool,
    /// Every stable version that the repository has a tag for, when images are wanted.
    pub released: Vec<semver::Version>,
}

/// A service and what it is made of.
pub struct Surveyed {
    /// Its name.
    pub name: FileName,
    /// Its settings.
    pub settings: Settings,
    /// Its import path; for a prebuilt one, its template.
    pub import_path: String,
    /// How it is named to the go command, relative to the toolchain's folder.
    pub package: String,
    /// Which of the survey's toolchains builds it; none for a prebuilt one.
    pub toolchain: Option<usize>,
    /// What is stamped into it.
    pub stamp: Stamp,
    /// Its targets.
    pub targets: Vec<TargetInputs>,
    /// The modules of others that it needs on any of them.
    pub modules: BTreeSet<OtherModule>,
    /// Files that go into its archives.
    pub extras: Vec<Extra>,
    /// What its image is made of, when one is wanted.
    pub image: Option<ImageInputs>,
}

/// What a service is made of on one target.
pub struct TargetInputs {
    /// The target.
    pub target: Target,
    /// How it is compiled.
    pub compile: CompileSettings,
    /// What has to be done.
    pub work: Work,
    /// The inputs of the step's key: names and values.
    pub key: Vec<(String, String)>,
}

/// What has to be done for a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Compile it.
    Compile,
    /// Take a file that is there.
    Adopt {
        /// The file.
        path: PathBuf,
        /// Its digest.
        digest: Digest,
    },
}

/// A file of the project that goes into archives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extra {
    /// Its path in the archive.
    pub path: String,
    /// The file.
    #[serde(skip)]
    pub file: PathBuf,
    /// Digest and size.
    pub artifact: Artifact,
    /// Whether it may be executed.
    pub executable: bool,
}

impl TargetInputs {
    /// The variables that choose the target, and the configured ones.
    pub fn env(&self) -> BTreeMap<String, String> {
        target_env(&self.target, &self.compile)
    }
}

fn target_env(target: &Target, compile: &CompileSettings) -> BTreeMap<String, String> {
    let mut env = compile.env.clone();
    env.insert("CGO_ENABLED".into(), u8::from(compile.cgo).to_string());
    env.extend(target.go_env().into_iter().map(|(name, value)| (name.to_owned(), value)));
    env
}

/// The hands of a survey: what its parts share for reading.
struct Reader<'a> {
    host: &'a Host,
    events: &'a Events,
    config: &'a Config,
    store: &'a Store,
    lock: &'a Lock,
    git: Option<Git>,
    history: Option<History>,
    tree: Tree,
}

/// Finds out everything. `lock` pins toolchains.
pub fn survey(
    world: (&Host, &Events),
    config: &Config,
    store: &Store,
    (lock, request): (&Lock, &Request),
) -> Result<Survey, SurveyError> {
    let (host, events) = world;
    let own = parts::alone(config, &request.services);
    let config = own.as_ref().unwrap_or(config);
    let (git, history) = match repository(host, config) {
        Ok((git, history)) => (Some(git), Some(history)),
        Err(error) if request.repository == Repository::Optional && tolerable(&error) => (None, None),
        Err(error) => return Err(error.into()),
    };
    let roots = workspace::find_roots(&config.root)?;
    let tree = Tree::read(&roots, &own_folders(&config.root))?;
    let reader = Reader { host, events, config, store, lock, git, history, tree };
    // What a service of its own releases depends on what it is made of; what the project does, on nothing of that.
    let early = match &request.decided {
        Some((release, next)) => Some((release.clone(), Some(next.clone()))),
        None if own.is_none() => Some(reader.release(request.mode)?),
        None => None,
    };
    let mut found = services::find(&reader, &request.services)?;
    let (release, next) = match early {
        Some(early) => early,
        None => reader.release_of_part(request.mode, &found)?,
    };
    let tidiness = reader.tree.tidiness();
    stamps::stamp(&reader, &release, &mut found)?;
    let source = if config.defaults.package.source { Some(extras::sources(&reader, &release)?) } else { None };
    let mut released = Vec::new();
    if request.images == Images::Wanted {
        released = reader.released()?;
        for service in &mut found.services {
            let targets: Vec<Target> = service.targets.iter().map(|inputs| inputs.target.clone()).collect();
            service.image = images::inputs(&reader, service.name.as_str(), &service.settings, &targets)?;
        }
    }
    let (toolchains, services, renewed) = (found.toolchains, found.services, request.decided.is_some());
    Ok(Survey { release, next, toolchains, services, source, tidiness, renewed, released })
}

/// The folders that sealift itself writes: no part of the sources.
const OWN: &[&str] = &["dist", ".sealift"];

fn own_folders(root: &std::path::Path) -> Vec<PathBuf> {
    OWN.iter().map(|name| root.join(name)).collect()
}

/// Finds the version alone, without looking at services; with it, where it is no snapshot, what is new in it.
pub fn release(host: &Host, config: &Config, mode: Mode) -> Result<(Release, Option<Next>), SurveyError> {
    if mode != Mode::Release {
        let (git, history) = repository(host, config)?;
        return release_of(host, config, (&git, &history), mode);
    }
    let (git, history, tags) = tagged_repository(host, config)?;
    next_release(host, config, &history, &Timeline::of(host, &git, &history, tags))
}

/// The commits since the last version.
pub fn unreleased(host: &Host, config: &Config) -> Result<Vec<Logged>, SurveyError> {
    let (git, history) = repository(host, config)?;
    let line = Timeline::read(host, &git, &history)?;
    let versions = version::versions(&line.tags, &config.version.tag_prefix);
    let base = line.base(&versions, |_| true)?;
    line.since(base)
}

fn release_of(
    host: &Host,
    config: &Config,
    (git, history): (&Git, &History),
    mode: Mode,
) -> Result<(Release, Option<Next>), SurveyError> {
    if mode == Mode::Release {
        version::clean(history)?;
        return next_release(host, config, history, &Timeline::read(host, git, history)?);
    }
    Ok((dated(host, config, found_or_snapshot(host, config, (git, history), mode)?)?, None))
}

fn next_release(
    host: &Host,
    config: &Config,
    history: &History,
    line: &Timeline<'_>,
) -> Result<(Release, Option<Next>), SurveyError> {
    version::clean(history)?;
    let (next, given) = line.next(&config.version)?;
    let release = Release::of(history, next.version.clone(), given.then(|| next.tag.clone()));
    Ok((dated(host, config, release)?, Some(next)))
}

/// At `SOURCE_DATE_EPOCH`, if that is set, and from the source that the configuration names.
fn dated(host: &Host, config: &Config, mut release: Release) -> Result<Release, SurveyError> {
    release.commit.time = epoch(host)?.unwrap_or(release.commit.time);
    release.source.clone_from(&config.project.source);
    Ok(release)
}

fn found_or_snapshot(
    host: &Host,
    config: &Config,
    (git, history): (&Git, &History),
    mode: Mode,
) -> Result<Release, SurveyError> {
    let rules = &config.version;
    if mode == Mode::Any && version::clean(history).is_ok() {
        let line = Timeline::read(host, git, history)?;
        let versions = version::versions(&line.tags, &rules.tag_prefix);
        if let Ok(Some(tagged)) = line.given(rules, &versions) {
            return Ok(Release::of(history, tagged.version.clone(), Some(tagged.tag.clone())));
        }
    }
    let reachable = history::reachable_tags(host, git, &history.head.id)?;
    Ok(Release::snapshot(history, &reachable, &rules.tag_prefix))
}

/// `SOURCE_DATE_EPOCH` (reproducible-builds.org): takes the place of every commit time.
pub fn epoch(host: &Host) -> Result<Option<u64>, SurveyError> {
    let Some(text) = host.env.var("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let seconds = text.parse().ok().filter(|seconds| Timestamp::from_unix(*seconds).is_some());
    seconds.map(Some).ok_or_else(|| SurveyError::Epoch { text: text.chars().take(40).collect() })
}

fn repository(host: &Host, config: &Config) -> Result<(Git, History), HistoryError> {
    let git = Git::find(host, &config.root)?;
    let history = history::read(host, &git, OWN)?;
    Ok((git, history))
}

/// The same with its tags. Git is asked for both at once: each answer takes about as long.
fn tagged_repository(host: &Host, config: &Config) -> Result<(Git, History, Vec<Tag>), HistoryError> {
    let git = Git::find(host, &config.root)?;
    let (history, tags) = std::thread::scope(|scope| {
        let tags = scope.spawn(|| history::tags(host, &git));
        (history::read(host, &git, OWN), tags.join().expect("who reads tags does not panic"))
    });
    Ok((git, history?, tags?))
}

fn tolerable(error: &HistoryError) -> bool {
    matches!(
        error,
        HistoryError::NoGit | HistoryError::NoRepository { .. } | HistoryError::NoCommit | HistoryError::Shallow
    )
}

impl Reader<'_> {
    /// Every stable version that the repository has a tag for.
    fn released(&self) -> Result<Vec<semver::Version>, SurveyError> {
        let Some(git) = &self.git else { return Ok(Vec::new()) };
        let prefix = &self.config.version.tag_prefix;
        let versions =
            history::all_tags(self.host, git)?.into_iter().filter_map(|tag| version::parse_tag(&tag, prefix));
        Ok(versions.filter(|version| version.pre.is_empty()).collect())
    }

    fn release(&self, mode: Mode) -> Result<(Release, Option<Next>), SurveyError> {
        if let (Some(git), Some(history)) = (&self.git, &self.history) {
            let (release, next) = release_of(self.host, self.config, (git, history), mode)?;
            self.warn(next.as_ref());
            return Ok((release, next));
        }
        let commit = history::Commit { id: String::new(), time: epoch(self.host)?.unwrap_or(0) };
        let version = version::snapshot(&[], &self.config.version.tag_prefix, "", None);
        Ok((Release { version, tag: None, commit, snapshot: true, dirty: true, source: None }, None))
    }

    /// The same for the one service that was found.
    fn release_of_part(&self, mode: Mode, found: &Found) -> Result<(Release, Option<Next>), SurveyError> {
        let (Some(git), Some(history), Mode::Release) = (&self.git, &self.history, mode) else {
            return self.release(mode);
        };
        version::clean(history)?;
        let line = Timeline::read(self.host, git, history)?;
        let (release, next) = parts::part(self, history, &line, (found, 0))?;
        self.warn(Some(&next));
        Ok((release, Some(next)))
    }

    fn warn(&self, next: Option<&Next>) {
        if let Some(text) = next.and_then(|next| next.warning.clone()) {
            self.events.warn("version.tag-too-small", text);
        }
    }
}
