//! Which services are other ones than they were at a commit: what each is made of, compared at both ends.
//!
//! Compared are the inputs of the steps that build a service, so that the answer is that of the step cache: a deleted file,
//! another module version, another setting or toolchain count, and a file that nothing is made of does not.

use std::collections::BTreeMap;
use std::path::Path;

use sealift_trust::name::FileName;
use serde::Serialize;

use super::next::Timeline;
use super::services::{self, Found};
use super::{Reader, SurveyError, Work, extras, own_folders, repository, workspace};
use crate::config::settings::{CompileSettings, Config, ServiceKind};
use crate::error::Failure;
use crate::event::Events;
use crate::history::{self, Git, History};
use crate::host::Host;
use crate::host::files;
use crate::lock::Lock;
use crate::store::Store;
use crate::target::Target;
use crate::toolchain::sources::Tree;
use crate::version::{self, VersionRules};

/// What to compare with.
pub struct Since<'a> {
    /// A revision; none for the last version of each service.
    pub revision: Option<&'a str>,
    /// Reads the configuration of the project in another folder.
    pub configured: &'a dyn Fn(&Path) -> Result<Config, Failure>,
}

/// A service, and whether it is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// Its name.
    pub service: FileName,
    /// The commit that it is compared with.
    pub since: Option<String>,
    /// Why it is another one; none when it is the same.
    pub why: Option<Why>,
}

/// Why a service is another one than it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Why {
    /// It has no version yet.
    Unreleased,
    /// It was not there.
    New,
    /// What it is made of is different.
    Changed {
        /// On these targets.
        targets: Vec<Target>,
    },
    /// A file that was configured to count is different.
    Path {
        /// The first.
        path: String,
    },
    /// What it was made of cannot be found out: the sources of that commit cannot be read.
    Unreadable {
        /// Why.
        message: String,
    },
    /// What it is made of is not in the repository.
    Prebuilt,
}

impl Why {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Unreleased => "it has no version yet".into(),
            Self::New => "it was not there".into(),
            Self::Changed { targets } => match &targets[..] {
                [] => "its targets are others".into(),
                [one] => format!("it is made of other things on {one}"),
                [one, ..] => format!("it is made of other things on {one} and {} more", targets.len() - 1),
            },
            Self::Path { path } => format!("{path} is different"),
            Self::Unreadable { message } => format!("it cannot be compared: {message}"),
            Self::Prebuilt => "it is prebuilt".into(),
        }
    }
}

/// Compares every service of the work tree with a commit.
///
/// # Errors
/// A work tree that cannot be read, a revision that is none. A commit whose sources cannot be read affects everything.
pub fn affected(
    (host, events): (&Host, &Events),
    config: &Config,
    store: &Store,
    (lock, since): (&Lock, &Since<'_>),
) -> Result<Vec<Affected>, SurveyError> {
    let (git, history) = repository(host, config)?;
    let reader = bare_reader((host, events), config, (store, lock))?;
    let found = services::find(&reader, &[])?;
    let line = Timeline::read(host, &git, &history)?;
    let mut ends: BTreeMap<String, Before> = BTreeMap::new();
    let mut all = Vec::new();
    for (service, now) in states(&found) {
        let commit = match since.revision {
            Some(revision) => Some(
                history::commit_of(host, &git, revision)?
                    .ok_or_else(|| SurveyError::NoRevision { revision: revision.chars().take(100).collect() })?,
            ),
            None => {
                let rules = rules_of(config, service.as_str());
                let versions = version::versions(&line.tags, &rules.tag_prefix);
                line.base(&versions, |_| true)?.map(|tagged| tagged.commit.clone())
            }
        };
        let why = match &commit {
            None => Some(Why::Unreleased),
            Some(commit) => {
                if !ends.contains_key(commit) {
                    let folder = store.stage().join(format!("tree-{}", ends.len()));
                    let at = At { host, config, store, lock, history: &history, commit, folder: &folder };
                    ends.insert(commit.clone(), at.before(since)?);
                }
                ends[commit].differs(config, service.as_str(), &now)
            }
        };
        all.push(Affected { service, since: commit, why });
    }
    Ok(all)
}

/// The rules of one service: those of the project with its own prefix.
pub(super) fn rules_of(config: &Config, service: &str) -> VersionRules {
    let own = config.services.iter().find(|known| known.name.as_str() == service);
    let prefix = own.and_then(|own| own.version.tag_prefix.clone());
    VersionRules { tag_prefix: prefix.unwrap_or_else(|| config.version.tag_prefix.clone()), ..config.version.clone() }
}

/// A reader that looks at files alone.
pub(super) fn bare_reader<'a>(
    (host, events): (&'a Host, &'a Events),
    config: &'a Config,
    (store, lock): (&'a Store, &'a Lock),
) -> Result<Reader<'a>, SurveyError> {
    let tree = Tree::read(&workspace::find_roots(&config.root)?, &own_folders(&config.root))?;
    Ok(Reader { host, events, config, store, lock, git: None, history: None, tree })
}

/// What a service is made of on every target: two that are equal give the same binaries.
#[derive(PartialEq, Eq)]
struct State {
    kind: ServiceKind,
    targets: BTreeMap<Target, Made>,
}

#[derive(PartialEq, Eq)]
struct Made {
    compile: CompileSettings,
    toolchain: Vec<(String, String)>,
    key: Vec<(String, String)>,
}

fn states(found: &Found) -> Vec<(FileName, State)> {
    let state = |service: &super::Surveyed| {
        let toolchain = service.toolchain.map_or_else(Vec::new, |index| {
            let toolchain = &found.toolchains[index];
            // Where the go.work lies is no matter of the binary; what is in it is, and the listing knows.
            let fixed = toolchain.fixed.iter().filter(|(name, _)| *name != "GOWORK");
            let fixed = fixed.map(|(name, value)| (name.clone(), value.clone()));
            fixed.chain([("toolchain".to_owned(), toolchain.identity.hex())]).collect()
        });
        let prebuilt = service.targets.iter().any(|target| matches!(target.work, Work::Adopt { .. }));
        let made = |inputs: &super::TargetInputs| Made {
            compile: inputs.compile.clone(),
            toolchain: toolchain.clone(),
            key: inputs.key.clone(),
        };
        let targets = service.targets.iter().map(|inputs| (inputs.target.clone(), made(inputs))).collect();
        State { kind: if prebuilt { ServiceKind::Prebuilt } else { ServiceKind::Go }, targets }
    };
    found.services.iter().map(|service| (service.name.clone(), state(service))).collect()
}

/// What was there at a commit.
struct Before {
    services: Result<BTreeMap<String, Result<State, String>>, String>,
    /// Paths of the project that have changed since.
    changed: Vec<String>,
}

/// A commit, and where its files are put.
struct At<'a> {
    host: &'a Host,
    config: &'a Config,
    store: &'a Store,
    lock: &'a Lock,
    history: &'a History,
    commit: &'a str,
    folder: &'a Path,
}

impl At<'_> {
    fn before(&self, since: &Since<'_>) -> Result<Before, SurveyError> {
        let git = Git::find(self.host, &self.history.top)?;
        // Git names the top as it really is.
        let root = files::real(&self.config.root)?;
        let inner = root.strip_prefix(&self.history.top).unwrap_or(Path::new("")).to_owned();
        let changed = history::changed_since(self.host, &git, self.commit)?;
        let inside = |path: String| Some(Path::new(&path).strip_prefix(&inner).ok()?.to_string_lossy().into_owned());
        let changed = changed.into_iter().filter_map(inside).collect();
        files::make_folder(self.folder)?;
        let index = self.folder.with_extension("index");
        history::extract(self.host, &git, self.commit, self.folder, &index)?;
        let services = self.services(since, &self.folder.join(inner));
        files::remove_folder(self.folder)?;
        Ok(Before { services, changed })
    }

    /// Every service by its name. One that cannot be read does not take the others with it.
    fn services(&self, since: &Since<'_>, root: &Path) -> Result<BTreeMap<String, Result<State, String>>, String> {
        let mut config = (since.configured)(root).map_err(|failure| failure.message)?;
        config.services.retain(|service| service.kind == ServiceKind::Go);
        let events = Events::silent();
        let reader = bare_reader((self.host, &events), &config, (self.store, self.lock)).map_err(said)?;
        let states = |found: &Found| -> BTreeMap<String, Result<State, String>> {
            states(found).into_iter().map(|(name, state)| (name.to_string(), Ok(state))).collect()
        };
        match services::find(&reader, &[]) {
            Ok(found) => Ok(states(&found)),
            Err(error) if config.services.is_empty() => Err(said(error)),
            Err(_) => {
                let mut all = BTreeMap::new();
                for service in &config.services {
                    let name = service.name.to_string();
                    match services::find(&reader, std::slice::from_ref(&name)) {
                        Ok(found) => all.extend(states(&found)),
                        Err(error) => drop(all.insert(name, Err(said(error)))),
                    }
                }
                Ok(all)
            }
        }
    }
}

fn said(error: impl Into<SurveyError>) -> String {
    error.into().to_string()
}

impl Before {
    /// Why a service is not what it was.
    fn differs(&self, config: &Config, name: &str, now: &State) -> Option<Why> {
        let own = config.services.iter().find(|service| service.name.as_str() == name);
        if now.kind == ServiceKind::Prebuilt {
            return Some(Why::Prebuilt);
        }
        let before = match &self.services {
            Ok(services) => match services.get(name) {
                None => return Some(Why::New),
                Some(Err(message)) => return Some(Why::Unreadable { message: message.clone() }),
                Some(Ok(before)) => before,
            },
            Err(message) => return Some(Why::Unreadable { message: message.clone() }),
        };
        if before != now {
            let other = now.targets.iter().filter(|(target, made)| before.targets.get(*target) != Some(*made));
            return Some(Why::Changed { targets: other.map(|(target, _)| target.clone()).collect() });
        }
        let patterns = own.map_or(&[][..], |own| &own.version.paths);
        let path = self.changed.iter().find(|path| patterns.iter().any(|pattern| extras::counts(pattern, path)));
        path.map(|path| Why::Path { path: path.clone() })
    }
}
