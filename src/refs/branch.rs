//! A branch with one commit on top of another one, made of files that lie elsewhere.

use std::path::Path;

use super::{RefsError, Writer};
use crate::host::process::ProcessError;

/// A commit that is to be made, as data.
#[derive(Clone, Copy, Debug)]
pub struct NewBranch<'a> {
    /// The commit that it follows: a full object name.
    pub parent: &'a str,
    /// The branch, without `refs/heads/`.
    pub name: &'a str,
    /// What the commit says.
    pub message: &'a str,
    /// Files and folders of which new files belong to it, from the top; of all others only those that are known already.
    pub grown: &'a [String],
}

impl Writer<'_> {
    /// Whether there is a branch of that name.
    pub fn has_branch(&self, name: &str) -> Result<bool, RefsError> {
        let found = self.text(["for-each-ref", "--format=%(refname)", &format!("refs/heads/{name}")]);
        Ok(!found.map_err(RefsError::Read)?.trim().is_empty())
    }

    /// Makes a commit of the files in a folder and a new branch that leads to it; gives the commit, or nothing where the
    /// files are those of the parent. `index` is the parent's, written when its files were taken out; neither the work tree
    /// nor its index is looked at.
    ///
    /// # Errors
    /// Nobody to commit as, a branch of that name, a commit that cannot be signed. Then no ref has moved.
    pub fn branch_of(&self, folder: &Path, index: &Path, new: &NewBranch<'_>) -> Result<Option<String>, RefsError> {
        self.identity()?;
        let beside = |args: &[&str]| {
            let mut command = self.command(args.iter().copied());
            command.env.insert("GIT_INDEX_FILE".into(), index.display().to_string());
            command.env.insert("GIT_WORK_TREE".into(), folder.display().to_string());
            self.host.run(&command).map(|finished| String::from_utf8_lossy(&finished.stdout).trim().to_owned())
        };
        let made = |source: ProcessError| RefsError::Branch { branch: new.name.to_owned(), source };
        // Tracked files alone: what tests leave behind is no part of an upgrade.
        beside(&["add", "--update", "--", ":/"]).map_err(made)?;
        if !new.grown.is_empty() {
            let grown = new.grown.iter().map(String::as_str);
            let args: Vec<&str> = ["add", "--force", "--"].into_iter().chain(grown).collect();
            beside(&args).map_err(made)?;
        }
        let tree = beside(&["write-tree"]).map_err(made)?;
        let before = self.text(["rev-parse", &format!("{}^{{tree}}", new.parent)]).map_err(RefsError::Read)?;
        if tree == before.trim() {
            return Ok(None);
        }
        // What `git commit` would do (git-config(1), `commit.gpgSign`).
        let signs = self.text(["config", "--type=bool", "commit.gpgSign"]).is_ok_and(|text| text.trim() == "true");
        let sign = signs.then_some("--gpg-sign");
        let args = ["commit-tree", "-p", new.parent, "-F", "-"].into_iter().chain(sign).chain([tree.as_str()]);
        let finished = self.host.run_with_input(&self.command(args), new.message.as_bytes()).map_err(made)?;
        let commit = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        // An empty old value: the branch must not be there.
        let reference = format!("refs/heads/{}", new.name);
        self.text(["update-ref", &reference, &commit, ""]).map_err(made)?;
        Ok(Some(commit))
    }
}
