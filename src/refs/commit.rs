//! The commit in which the files of a project name its version: made before anything is built, beside the work tree and
//! the index, and kept under a name of its own until branch and tag lead to it.

use std::path::Path;

use super::{RefsError, Signing, Writer};
use crate::command::Command;
use crate::history::Git;
use crate::host::Host;
use crate::host::process::ProcessError;
use crate::version::Edit;

/// Prefix of the refs under which such a commit waits, by the name of the tag that is to lead to it.
const WAITING: &str = "refs/sealift/commit/";

/// A commit that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewCommit<'a> {
    /// The commit that it follows: a full object name.
    pub parent: &'a str,
    /// When, in seconds since 1970: that of its parent, so that the same edits are the same commit whenever they are made.
    pub time: u64,
    /// What it says.
    pub message: &'a str,
    /// What it changes.
    pub edits: &'a [Edit],
    /// The folder that the edits' paths begin at, relative to the top and with `/` at its end; empty for the top.
    pub folder: &'a str,
}

/// A commit that waits. When this goes the name goes too, unless it is kept; the commit itself stays as long as a branch,
/// a tag or git's own patience has it.
pub struct Held<'a> {
    host: &'a Host,
    git: Git,
    tag: String,
    id: String,
    kept: bool,
}

impl<'a> Held<'a> {
    /// Gives a commit a name of its own, so that nothing sweeps it away while it is built.
    ///
    /// # Errors
    /// `refs.commit`.
    pub fn take(host: &'a Host, git: &Git, commit: &str, tag: &str) -> Result<Self, RefsError> {
        let name = format!("{WAITING}{tag}");
        Writer::new(host, git).text(["update-ref", "--", &name, commit]).map_err(RefsError::Commit)?;
        Ok(Self { host, git: git.clone(), tag: tag.to_owned(), id: commit.to_owned(), kept: false })
    }

    /// Keeps the name.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let name = format!("{WAITING}{}", self.tag);
            // One that stays is invisible, and the next release of this version takes its place.
            Writer::new(self.host, &self.git).text(["update-ref", "-d", "--", &name, &self.id]).ok();
        }
    }
}

impl Writer<'_> {
    /// Makes a commit, with an index of its own; gives its name. `self` works at the top of the repository. Nothing leads to
    /// the commit yet.
    ///
    /// # Errors
    /// `refs.identity`, `refs.signing` where commits are signed and there is no key, `refs.commit`.
    pub fn commit(&self, new: &NewCommit<'_>, signing: Signing, index: &Path) -> Result<String, RefsError> {
        self.identity()?;
        let failed = RefsError::Commit;
        let indexed = |args: &[&str]| {
            let own = [("GIT_INDEX_FILE", index.display().to_string()), ("GIT_LITERAL_PATHSPECS", "1".to_owned())];
            self.command(args.iter().copied()).envs(own)
        };
        self.host.run(&indexed(&["read-tree", new.parent])).map_err(failed)?;
        let paths: Vec<String> = new.edits.iter().map(|edit| format!("{}{}", new.folder, edit.path)).collect();
        let mut list = vec!["ls-files", "--stage", "-z", "--"];
        list.extend(paths.iter().map(String::as_str));
        let known = self.said(&indexed(&list)).map_err(failed)?;
        let mode = |path: &str| {
            let entry = known.split('\0').find(|entry| entry.split_once('\t').is_some_and(|(_, name)| name == path));
            entry.and_then(|entry| entry.split(' ').next()).unwrap_or("100644").to_owned()
        };
        let mut changes = String::new();
        for (edit, path) in new.edits.iter().zip(&paths) {
            // With the path, so that git's filters see what they see when somebody adds the file.
            let hash = self.command(["hash-object", "-w", "--stdin", &format!("--path={path}")]);
            let blob = self.host.run_with_input(&hash, &edit.after).map_err(failed)?;
            let blob = String::from_utf8_lossy(&blob.stdout).trim().to_owned();
            changes += &format!("{} {blob}\t{path}\0", mode(path));
        }
        let update = indexed(&["update-index", "-z", "--index-info"]);
        self.host.run_with_input(&update, changes.as_bytes()).map_err(failed)?;
        let tree = self.said(&indexed(&["write-tree"])).map_err(failed)?;
        self.of_tree(new, &tree, signing)
    }

    fn of_tree(&self, new: &NewCommit<'_>, tree: &str, signing: Signing) -> Result<String, RefsError> {
        let mut args = vec!["commit-tree", tree, "-p", new.parent, "-F", "-"];
        if self.signs_commits(signing) {
            args.push("-S");
        }
        let date = format!("@{} +0000", new.time);
        let dates = [("GIT_AUTHOR_DATE", date.clone()), ("GIT_COMMITTER_DATE", date)];
        let message = format!("{}\n", new.message.trim_end());
        let made = self.host.run_with_input(&self.command(args).envs(dates), message.as_bytes());
        let made = made.map_err(|source| match &source {
            ProcessError::Failed { stderr, .. } if super::tag::is_about_signing(stderr) => {
                RefsError::CommitSigning(source)
            }
            _ => RefsError::Commit(source),
        })?;
        Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned())
    }

    /// Whether git is configured to sign commits.
    fn signs_commits(&self, signing: Signing) -> bool {
        // Git says by a failure that it is not configured.
        let configured = || self.text(["config", "--type=bool", "--get", "commit.gpgSign"]);
        signing != Signing::Off && configured().is_ok_and(|text| text.trim() == "true")
    }

    fn said(&self, command: &Command) -> Result<String, ProcessError> {
        Ok(String::from_utf8_lossy(&self.host.run(command)?.stdout).trim_end_matches('\n').to_owned())
    }
}
