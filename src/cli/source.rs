//! The source of a release: the commit that is checked out, or one that follows it and in which the files name the version.
//! The one is made before anything is planned, kept under a name of its own, and built in a folder of its own; branch and
//! tag lead to it when everything else is done.

use std::path::Path;

use super::project::{Project, Selection};
use crate::error::{Failure, Kind};
use crate::history::Git;
use crate::host::files;
use crate::refs::{Held, NewCommit, Signing, Worktree, Writer};
use crate::survey::{self, Renewal};

/// A commit that was made, and what keeps it.
pub struct Bumped<'a> {
    /// Its full object name.
    pub commit: String,
    held: Option<Held<'a>>,
    worktree: Option<Worktree<'a>>,
}

impl Bumped<'_> {
    /// Keeps the commit under its name, for whoever pushes it later.
    pub fn keep(&mut self) {
        if let Some(held) = &mut self.held {
            held.keep();
        }
    }
}

/// Whether a commit that is made gets a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// It is built, or branch and tag move to it.
    Named,
    /// Nothing leads to it: somebody only wants to know.
    None,
}

/// Makes the commit, where the release changes any file.
pub fn commit<'a>(
    project: &Project<'a>,
    renewal: &Renewal,
    signing: Signing,
    trace: Trace,
) -> Result<Option<Bumped<'a>>, Failure> {
    if renewal.edits.is_empty() {
        return Ok(None);
    }
    let git = Git::find(project.host, &renewal.history.top)?;
    let writer = Writer::new(project.host, &git);
    let message = format!("chore(release): {}", renewal.next.version);
    let folder = inner(project, renewal)?;
    let new = NewCommit {
        parent: &renewal.history.head.id,
        time: renewal.history.head.time,
        message: &message,
        edits: &renewal.edits,
        folder: &folder,
    };
    let commit = writer.commit(&new, signing, &project.store.stage().join("commit.index"))?;
    let held = match trace {
        Trace::Named => Some(Held::take(project.host, &git, &commit, &renewal.next.tag)?),
        Trace::None => None,
    };
    project.events.info(format!(
        "commit {}: {} name{} {}",
        commit.get(..12).unwrap_or(&commit),
        count(renewal.edits.len()),
        if renewal.edits.len() == 1 { "s" } else { "" },
        renewal.next.version
    ));
    Ok(Some(Bumped { commit, held, worktree: None }))
}

fn count(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

/// The project's folder, relative to the top of the repository; `api/` or nothing.
fn inner(project: &Project<'_>, renewal: &Renewal) -> Result<String, Failure> {
    // Git names the top as it really is.
    let root = files::real(&project.home)?;
    let inner = root.strip_prefix(&renewal.history.top).unwrap_or(Path::new("")).to_string_lossy().into_owned();
    Ok(if inner.is_empty() { inner } else { format!("{inner}/") })
}

impl<'a> Project<'a> {
    /// Goes over to the commit in which the files name the version, where they do not name it yet: what is planned and built
    /// from here on is that commit. What is given back keeps its folder and its name. A snapshot, a tagged commit, and a
    /// service with versions of its own are what they are.
    pub fn enter(
        &mut self,
        snapshot: bool,
        selection: &Selection,
        (signing, trace): (Signing, Trace),
    ) -> Result<Option<Bumped<'a>>, Failure> {
        if snapshot || survey::has_own_version(&self.config, &selection.services) {
            return Ok(None);
        }
        if let own @ [first, ..] = &survey::with_own_versions(&self.config, &selection.services)[..] {
            let verb = if own.len() == 1 { "has a version" } else { "have versions" };
            let message = format!(
                "{} {verb} of {} own, and a release has one",
                own.join(", "),
                if own.len() == 1 { "its" } else { "their" }
            );
            let hint = Some(format!("one at a time: -s {first}; the next versions of all: sealift version --each"));
            return Err(super::usage("version.own", Kind::Usage, message, hint));
        }
        let renewal = survey::renewal((self.host, self.events), &self.config)?;
        self.module_tags.clone_from(&renewal.module_tags);
        let Some(mut source) = commit(self, &renewal, signing, trace)? else { return Ok(None) };
        let folder = inner(self, &renewal)?;
        let worktree = Worktree::lay(self.host, &renewal.history.top, &source.commit, self.store.stage())?;
        self.config.root = files::real(&worktree.folder().join(folder))?;
        source.worktree = Some(worktree);
        let Renewal { mut release, next, history, .. } = renewal;
        release.commit.id.clone_from(&source.commit);
        self.parent = Some(history.head.id);
        self.decided = Some((release, next));
        Ok(Some(source))
    }
}
