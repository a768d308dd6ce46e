//! Modules and workspaces, each with the toolchain that builds it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sealift_trust::{Digest, Hasher};
use serde::Serialize;

use super::{Reader, SurveyError};
use crate::config::Config;
use crate::error::{Failure, Fault};
use crate::host::files::{self, FileError};
use crate::toolchain::go::settings::GoSettings;
use crate::toolchain::go::version::GoVersion;
use crate::toolchain::go::wanted::Wanted;
use crate::toolchain::go::{self, gomod};
use crate::toolchain::sources::Tree;

/// The largest go.mod, go.work or go.sum that is read.
const MOD_CAP: u64 = 16 << 20;

/// A module or workspace with the Go that builds it.
#[derive(Clone, Debug, Serialize)]
pub struct Toolchain {
    /// Where its commands run.
    pub dir: PathBuf,
    /// The go command.
    pub program: PathBuf,
    /// `go1.26.8`.
    pub version: String,
    /// What is known of where it came from.
    pub facts: go::Facts,
    /// Digest of its tools.
    pub identity: Digest,
    /// Variables that count and are the same for every target.
    pub fixed: BTreeMap<String, String>,
    /// Credentials, caches, proxies: handed to children, never printed.
    #[serde(skip)]
    pub ambient: BTreeMap<String, String>,
    /// Digest of go.mod, go.sum, go.work and go.work.sum.
    pub modules: Digest,
    /// Where the module cache is, as far as the environment says.
    pub module_cache: String,
    /// Whether the module carries its dependencies in `vendor/`.
    pub vendored: bool,
    /// Whether this is a workspace (go.work).
    pub workspace: bool,
    /// Folders of its modules.
    pub members: Vec<PathBuf>,
    /// `os/arch` pairs that it can build for.
    pub targets: Vec<String>,
}

impl Toolchain {
    /// How go finds packages of other modules.
    pub fn mod_flag(&self) -> &'static str {
        if self.vendored { "-mod=vendor" } else { "-mod=readonly" }
    }

    /// Why `go mod verify` can say nothing; `renewed` tells that the release made the commit that is built.
    pub fn verify_obstacle(&self, renewed: bool) -> Option<&'static str> {
        if self.vendored {
            Some("the module is vendored, and go build compares vendor/ with go.mod")
        } else if self.workspace && renewed {
            Some("what the modules of the workspace require of each other is published with this release")
        } else {
            None
        }
    }

    /// Whether its `go mod tidy` can show a difference without making it (since Go 1.23).
    pub fn can_diff_tidy(&self) -> bool {
        self.facts.version >= GoVersion::FIRST_WITH_TIDY_DIFF
    }

    /// The whole environment of a child, with more variables on top.
    pub fn environment(&self, more: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut env = self.ambient.clone();
        env.extend(self.fixed.clone());
        env.extend(more);
        env
    }
}

/// The folders whose files may matter: the project, and local replacements and workspace members outside of it.
pub fn find_roots(root: &Path) -> Result<Vec<PathBuf>, SurveyError> {
    let mut roots = vec![root.to_owned()];
    let mut next: Vec<PathBuf> = vec![root.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(dir) = next.pop() {
        if !seen.insert(dir.clone()) {
            continue;
        }
        for name in ["go.mod", "go.work"] {
            let Some(parsed) = parse(root, &dir.join(name))? else { continue };
            for path in parsed.replaced.iter().chain(&parsed.uses) {
                let Ok(target) = files::real(&dir.join(path)) else { continue };
                if !roots.iter().any(|root| target.starts_with(root)) {
                    roots.push(target.clone());
                }
                next.push(target);
            }
        }
    }
    Ok(roots)
}

/// The module path of a project's `go.mod`, if it has one that can be read.
pub fn module_path(root: &Path) -> Option<String> {
    parse(root, &root.join("go.mod")).ok().flatten()?.module
}

fn parse(root: &Path, path: &Path) -> Result<Option<gomod::ModFile>, SurveyError> {
    let Some(bytes) = files::read_if_present(path, MOD_CAP)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| FileError::NotText { path: path.display().to_string() })?;
    gomod::parse(&files::seen_from(root, path), &text).map(Some).map_err(toolchain_failure)
}

pub(super) fn toolchain_failure(fault: impl Fault) -> SurveyError {
    SurveyError::Toolchain(Box::new(Failure::from(fault)))
}

/// The Go versions that a project's modules ask for; a module that takes what is on PATH asks for none.
pub fn toolchain_versions(config: &Config) -> Result<Vec<GoVersion>, SurveyError> {
    let tree = Tree::read(&find_roots(&config.root)?, &super::own_folders(&config.root))?;
    let mut versions = Vec::new();
    for space in spaces(&config.root, &tree)? {
        let wanted = go::wanted::wanted(&config.root, &space.dir, config.defaults.build.go.as_deref());
        let wanted = wanted.map_err(toolchain_failure)?;
        if let Wanted::Exactly { version, .. } = wanted {
            versions.push(version);
        }
    }
    versions.sort();
    versions.dedup();
    Ok(versions)
}

/// A module or workspace before its toolchain is known.
pub(super) struct Space {
    dir: PathBuf,
    workspace: bool,
    members: Vec<PathBuf>,
}

/// The modules and workspaces of a project: a `go.work` at the top with its members, and every other module by itself.
pub(super) fn spaces(root: &Path, tree: &Tree) -> Result<Vec<Space>, SurveyError> {
    let mut spaces = Vec::new();
    let mut taken = BTreeSet::new();
    if let Some(work) = parse(root, &root.join("go.work"))? {
        let members: Result<Vec<PathBuf>, FileError> =
            work.uses.iter().map(|path| files::real(&root.join(path))).collect();
        let members = members?;
        taken.extend(members.iter().cloned());
        spaces.push(Space { dir: root.to_owned(), workspace: true, members });
    }
    for path in tree.named("go.mod") {
        let dir = path.parent().unwrap_or(root).to_owned();
        let Ok(inner) = dir.strip_prefix(root) else { continue };
        if !is_hidden(inner) && !taken.contains(&dir) {
            spaces.push(Space { members: vec![dir.clone()], dir, workspace: false });
        }
    }
    Ok(spaces)
}

/// Whether `./...` passes over a folder: such a folder is no place for a service.
fn is_hidden(inner: &Path) -> bool {
    inner.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part.starts_with(['.', '_']) || matches!(&*part, "testdata" | "vendor" | "node_modules")
    })
}

impl Space {
    /// Whether one of its modules has a folder that looks like a command's, so that its toolchain is needed at all: a
    /// module that only serves as a replacement may ask for a Go that nothing here is built with.
    pub(super) fn may_have_commands(&self, all: &[Self], reader: &Reader<'_>) -> bool {
        reader.tree.commands().any(|dir| {
            let inner = dir.strip_prefix(&reader.config.root).unwrap_or(dir);
            let own = self.depth(dir);
            own.is_some() && !is_hidden(inner) && all.iter().all(|other| other.depth(dir) <= own)
        })
    }

    /// Whether a folder belongs to this module or workspace, and how deep its module lies: the deepest one owns it.
    pub(super) fn depth(&self, dir: &Path) -> Option<usize> {
        self.members.iter().filter(|member| dir.starts_with(member)).map(|member| member.components().count()).max()
    }

    /// Patterns that name all packages.
    pub(super) fn everything(&self) -> Vec<String> {
        let pattern = |member: &PathBuf| match member.strip_prefix(&self.dir) {
            Ok(inner) if inner.as_os_str().is_empty() => "./...".to_owned(),
            Ok(inner) => format!("./{}/...", inner.display()),
            Err(_) => format!("{}/...", member.display()),
        };
        self.members.iter().map(pattern).collect()
    }

    /// Finds or provisions the toolchain.
    pub(super) fn toolchain(&self, reader: &Reader<'_>) -> Result<Toolchain, SurveyError> {
        let vendored = files::is_file(&self.dir.join("vendor/modules.txt"));
        let facts = self.facts(reader)?;
        let settings = GoSettings::read(&reader.host.env, Some(&facts.root))?;
        let mut ambient = facts.environment(&reader.host.env, &settings, reader.store.root());
        let counting = ["GOTOOLCHAIN", "GOENV", "GOFLAGS", "GO111MODULE"];
        let mut fixed = BTreeMap::new();
        for name in counting {
            fixed.extend(ambient.remove_entry(name));
        }
        // A go.work above the project would change the build behind its back.
        let work = if self.workspace { self.dir.join("go.work").display().to_string() } else { "off".into() };
        fixed.insert("GOWORK".into(), work);
        let module_cache = ["GOMODCACHE", "GOPATH", "HOME"].iter().find_map(|name| ambient.get(*name)).cloned();
        Ok(Toolchain {
            dir: self.dir.clone(),
            program: facts.program.clone(),
            version: facts.version.toolchain(),
            identity: facts.identity,
            fixed,
            ambient,
            modules: self.modules()?,
            module_cache: module_cache.unwrap_or_default(),
            vendored,
            workspace: self.workspace,
            members: self.members.clone(),
            targets: facts.targets.clone(),
            facts,
        })
    }

    /// The Go that the module or workspace asks for. One that nobody could vouch for is used, and said so.
    fn facts(&self, reader: &Reader<'_>) -> Result<go::Facts, SurveyError> {
        let configured = reader.config.defaults.build.go.as_deref();
        let wanted = go::wanted::wanted(&reader.config.root, &self.dir, configured).map_err(toolchain_failure)?;
        let (host, events, cache) = (reader.host, reader.events, reader.store.root());
        let provision = go::Provision { host, events, cache, lock: Some(reader.lock) };
        let facts = provision.provision(&wanted).map_err(toolchain_failure)?;
        if let go::Trust::Unverified { why } = &facts.trust {
            let name = facts.version.toolchain();
            let text = format!("{name} is unverified: {why}; `sealift update` pins its hash in sealift.lock");
            reader.events.warn("toolchain.unverified", text);
        }
        Ok(facts)
    }

    fn modules(&self) -> Result<Digest, SurveyError> {
        let mut hasher = Hasher::new();
        let own = ["go.mod", "go.sum", "go.work", "go.work.sum"].map(|name| self.dir.join(name));
        let members = self.members.iter().flat_map(|member| [member.join("go.mod"), member.join("go.sum")]);
        for path in own.into_iter().chain(members) {
            let bytes = files::read_if_present(&path, MOD_CAP)?.unwrap_or_default();
            hasher.update(Digest::of(&bytes).hex().as_bytes());
        }
        Ok(hasher.finish().0)
    }
}
