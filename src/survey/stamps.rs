//! Which commit last affected each service.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sealift_trust::{Digest, Hasher};

use super::services::Found;
use super::{Reader, SurveyError, Toolchain};
use crate::history::{self, Commit, Concern, Git, History, Touch};
use crate::store::KeyBuilder;
use crate::toolchain::go::gomod;
use crate::toolchain::sources::Inputs;
use crate::version::{self, Release};

/// Endings of files that a Go package may be made of: a deleted one affected the package in whose folder it lay.
const KINDS: &[&str] = &[
    "go", "c", "cc", "cpp", "cxx", "m", "h", "hh", "hpp", "hxx", "f", "F", "for", "f90", "s", "S", "sx", "swig",
    "swigcxx", "syso",
];

/// Stamps every service.
pub(super) fn stamp(reader: &Reader<'_>, release: &Release, found: &mut Found) -> Result<(), SurveyError> {
    let prefix = &reader.config.version.tag_prefix;
    for index in 0..found.services.len() {
        let toolchain = found.services[index].toolchain.map(|index| &found.toolchains[index]);
        let inputs = &found.unions[index];
        let (Some(git), Some(history)) = (&reader.git, &reader.history) else {
            let digest = own_digest(reader, inputs)?;
            found.services[index].stamp = version::stamp(release, prefix, &release.commit, &[], Some(digest));
            continue;
        };
        let affects = Affects::new(history, inputs, toolchain);
        let mut last = last_commit(reader, git, history, &affects)?;
        let modified = history.changes.iter().any(|path| affects.touch(reader, path) != Touch::No);
        let digest = if modified { Some(own_digest(reader, inputs)?) } else { None };
        let reachable = history::reachable_tags(reader.host, git, &last.id)?;
        last.time = super::epoch(reader.host)?.unwrap_or(last.time);
        found.services[index].stamp = version::stamp(release, prefix, &last, &reachable, digest);
    }
    Ok(())
}

/// The digest of a service's own files.
fn own_digest(reader: &Reader<'_>, inputs: &Inputs) -> Result<Digest, SurveyError> {
    let mut hasher = Hasher::new();
    for (label, digest) in inputs.digests(&reader.tree)? {
        hasher.update(format!("{} {label}\n", digest.hex()).as_bytes());
    }
    Ok(hasher.finish().0)
}

fn last_commit(reader: &Reader<'_>, git: &Git, history: &History, affects: &Affects) -> Result<Commit, SurveyError> {
    let mut key = KeyBuilder::new("last-affecting", 2).with("head", &history.head.id);
    for path in &affects.files {
        key.add("file", path);
    }
    for path in &affects.manifests {
        key.add("manifest", path);
    }
    for module in &affects.modules {
        key.add("module", module);
    }
    for (folder, embeds) in &affects.folders {
        key.add(folder, if *embeds { "embeds" } else { "" });
    }
    let found: (String, u64) = reader.store.memo(&key.finish(), "last affecting commit", || {
        let touch = |path: &str| affects.touch(reader, path);
        let concern = Concern { touch: &touch, differs: &|before, after| affects.differs(before, after) };
        let found = history::last_affecting(reader.host, git, &concern)?;
        // Files that no commit knows yet are what the commit that is checked out will be said to hold.
        let commit = found.unwrap_or_else(|| history.head.clone());
        Ok::<_, SurveyError>((commit.id, commit.time))
    })?;
    Ok(Commit { id: found.0, time: found.1 })
}

/// Which paths of the repository a service is made of.
pub(super) struct Affects {
    top: PathBuf,
    files: BTreeSet<String>,
    /// Each `go.mod` and `go.work` that chooses modules for it.
    manifests: BTreeSet<String>,
    /// The modules that it is made of, but for those of the work tree.
    modules: BTreeSet<String>,
    folders: Vec<(String, bool)>,
}

impl Affects {
    pub(super) fn new(history: &History, inputs: &Inputs, toolchain: Option<&Toolchain>) -> Self {
        let relative =
            |path: &Path| path.strip_prefix(&history.top).ok().map(|path| path.to_string_lossy().into_owned());
        // What chooses modules and language versions: of the service's own module, of those in its workspace, and of those
        // that stand in the place of others.
        let modules = toolchain.into_iter().flat_map(|toolchain| {
            let work = toolchain.workspace.then(|| toolchain.dir.join("go.work"));
            toolchain.members.iter().map(|member| member.join("go.mod")).chain(work)
        });
        let modules = modules.chain(inputs.manifests.iter().cloned());
        let manifests = modules.filter_map(|path| relative(&path)).collect();
        let files = inputs.files.values().filter_map(|path| relative(path)).collect();
        let folders = inputs.folders.iter().filter_map(|(dir, embeds)| Some((relative(dir)?, *embeds))).collect();
        let modules = inputs.modules.iter().map(|module| module.path.clone()).collect();
        Self { top: history.top.clone(), files, manifests, modules, folders }
    }

    /// Whether a path, relative to the top, is or was a part of the service.
    pub(super) fn touch(&self, reader: &Reader<'_>, path: &str) -> Touch {
        if self.files.contains(path) {
            return Touch::Yes;
        }
        if self.manifests.contains(path) {
            return Touch::Look;
        }
        if reader.tree.has(&self.top.join(path)) {
            return Touch::No;
        }
        // The file is gone: it counts where it could have been a part of the package.
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let source =
            name.rsplit_once('.').is_some_and(|(_, ending)| KINDS.contains(&ending)) && !name.ends_with("_test.go");
        let source = source || name == "default.pgo";
        let was_part = self.folders.iter().any(|(known, embeds)| {
            let below = known.is_empty() || path.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with('/'));
            (known == folder && source) || (*embeds && below)
        });
        if was_part { Touch::Yes } else { Touch::No }
    }

    /// Whether two states of a manifest choose other modules for the service, or anything but modules otherwise.
    pub(super) fn differs(&self, before: &str, after: &str) -> bool {
        gomod::moved_modules(before, after).is_none_or(|moved| !moved.is_disjoint(&self.modules))
    }
}
