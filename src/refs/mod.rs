//! Tags and branches, moved in one place: what a release moves comes as data, and the `git` program moves it, so that
//! credential helpers, hooks and the user's own signing set-up work.
//!
//! A new tag waits under `refs/sealift/tag/` until the remote has taken it: a push that is refused, or a run that is
//! killed, leaves no tag behind, and a run that is started again knows the tag that it made before.

mod branch;
mod commit;
mod error;
mod remote;
mod tag;
mod worktree;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::command::Command;
use crate::error::Failure;
use crate::history::{self, Git};
use crate::host::Host;

pub use branch::NewBranch;
pub use commit::{Held, NewCommit};
pub use error::RefsError;
pub use worktree::Worktree;

/// What a release moves, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moves {
    /// The commit that every tag leads to: a full object name.
    pub commit: String,
    /// The branch that is to lead to that commit too, where the release made it (without `refs/heads/`).
    pub branch: Option<String>,
    /// The tags.
    pub tags: Vec<Tag>,
}

/// A tag that a release makes, or that it was started by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// What it says: the first line, an empty line, and the notes.
    pub message: String,
}

/// Who signs a new tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signing {
    /// As git's configuration says (`tag.gpgSign`).
    Configured,
    /// Git must sign, with the key that its configuration names.
    Required,
    /// The key that signs releases, in the form of ssh.
    Key,
    /// Nobody.
    Off,
}

/// Where refs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// This repository alone.
    Here,
    /// The remote that git pushes a branch to (or `origin`), and this repository.
    Remote {
        /// The branch that is checked out, if one is.
        branch: Option<&'a str>,
    },
}

/// What will happen, ref by ref: complete before anything moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prepared {
    /// The commit.
    pub commit: String,
    /// The remote, when something is pushed.
    pub remote: Option<String>,
    /// The branch that moves.
    pub branch: Option<BranchMove>,
    /// The tags.
    pub tags: Vec<TagMove>,
    /// Who signs new tags.
    pub signing: Signing,
}

/// A branch of the remote that moves forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BranchMove {
    /// Its name, without `refs/heads/`.
    pub name: String,
    /// Where it leads now; nowhere when it is new.
    pub before: Option<String>,
}

/// A tag and where it is already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagMove {
    /// The tag.
    #[serde(flatten)]
    pub tag: Tag,
    /// Where it is.
    pub state: TagState,
}

/// Where a tag is already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagState {
    /// Nowhere: it is made.
    New,
    /// In this repository, as this object: it is pushed as it is.
    Here(String),
    /// Wherever it should be, as this object: nothing is done.
    There(String),
}

/// Prefix of the refs under which a tag waits for the remote.
const WAITING: &str = "refs/sealift/tag/";

/// The git program that writes: what it reaches through the environment is more than a reader needs.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    host: &'a Host,
    git: &'a Git,
    signer: Option<Sign<'a>>,
}

/// Signs what is to be the beginning of a tag; gives the armoured signature.
pub type Sign<'a> = &'a dyn Fn(&[u8]) -> Result<String, Failure>;

impl<'a> Writer<'a> {
    /// Writes through this git.
    pub fn new(host: &'a Host, git: &'a Git) -> Self {
        Self { host, git, signer: None }
    }

    /// The same with somebody who signs tags where [`Signing::Key`] is asked for.
    #[must_use]
    pub fn with_signer(self, signer: Option<Sign<'a>>) -> Self {
        Self { signer, ..self }
    }

    /// Finds out where every ref is, here and at the remote, and decides what has to be done. Nothing is written.
    ///
    /// # Errors
    /// A tag that leads elsewhere, a branch that is not where the release began, a remote that does not answer, nobody
    /// to sign as.
    pub fn prepare(&self, moves: &Moves, reach: Reach<'_>, signing: Signing) -> Result<Prepared, RefsError> {
        let remote = match reach {
            Reach::Here => None,
            Reach::Remote { branch } => Some(self.remote(branch)?),
        };
        let known = self.tags_here(&moves.tags)?;
        let there = match &remote {
            Some(remote) => self.refs_there(remote, moves)?,
            None => BTreeMap::new(),
        };
        let mut tags = Vec::new();
        for tag in &moves.tags {
            let state =
                known.state(tag, &moves.commit, remote.as_ref().map(|remote| (remote.name.as_str(), &there)))?;
            tags.push(TagMove { tag: tag.clone(), state });
        }
        let branch = match (&moves.branch, &remote) {
            (Some(name), Some(remote)) => Some(self.branch_move(name, &moves.commit, remote, &there)?),
            (Some(name), None) => Some(self.branch_here(name, &moves.commit)?),
            (None, _) => None,
        };
        if tags.iter().any(|tag| tag.state == TagState::New) {
            self.identity()?;
        }
        let remote = remote.map(|remote| remote.name);
        Ok(Prepared { commit: moves.commit.clone(), remote, branch, tags, signing })
    }

    /// Does what was prepared: makes the new tags, and moves everything at the remote in one push, or nothing.
    ///
    /// # Errors
    /// Somebody else was faster (`refs.tag-taken`, `refs.moved-on`, `refs.race`), the remote or a hook refuses, a tag
    /// cannot be signed. Then no ref has moved, there or here.
    pub fn perform(&self, prepared: &Prepared) -> Result<(), RefsError> {
        let mut pushed = Vec::new();
        for tag in &prepared.tags {
            let object = match &tag.state {
                TagState::New => match self.make_waiting(&tag.tag, prepared) {
                    Ok(object) => object,
                    Err(error) => {
                        self.forget(&pushed);
                        return Err(error);
                    }
                },
                TagState::Here(object) | TagState::There(object) => object.clone(),
            };
            pushed.push(Pushed { name: tag.tag.name.clone(), object, state: tag.state.clone() });
        }
        let Some(name) = &prepared.remote else {
            if let Err(error) = self.follow(prepared) {
                self.forget(&pushed);
                return Err(error);
            }
            return self.settle(&pushed);
        };
        let remote = self.address(name)?;
        if let Err(error) = self.push(&remote, prepared, &pushed) {
            // What is not known to be refused may have arrived: the tag waits for the next run.
            if !matches!(error, RefsError::Unknown { .. }) {
                self.forget(&pushed);
            }
            return Err(error);
        }
        self.settle(&pushed)?;
        self.follow(prepared)
    }

    fn command<S: Into<String>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        // A name made of the machine's is nobody's: who releases says who they are.
        let fixed = ["-c", "user.useConfigOnly=true"].map(str::to_owned);
        let mut command = self
            .git
            .command(fixed.into_iter().chain(args.into_iter().map(Into::into)))
            .envs(self.host.env.select(is_for_writing));
        // Without it, ssh would ask for a passphrase on a terminal that is not its own, and stop.
        command.env.entry("SSH_ASKPASS_REQUIRE".into()).or_insert_with(|| "force".into());
        command
    }

    fn text<S: Into<String>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, crate::host::process::ProcessError> {
        self.host.run(&self.command(args)).map(|finished| String::from_utf8_lossy(&finished.stdout).into_owned())
    }
}

/// A tag that is being pushed.
struct Pushed {
    name: String,
    object: String,
    state: TagState,
}

/// Variables that git, gpg and hooks read when something is signed or pushed, beside those for remotes.
fn is_for_writing(name: &str) -> bool {
    const EXACT: &[&str] = &[
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_AUTHOR_DATE",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_COMMITTER_DATE",
        "EMAIL",
        "GNUPGHOME",
        "GPG_TTY",
        "CI",
    ];
    EXACT.contains(&name) || history::is_for_remotes(name)
}

#[cfg(test)]
mod tests;
