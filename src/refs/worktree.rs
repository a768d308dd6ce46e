//! The files of a commit in a folder of their own: a linked work tree (git-worktree(1)), so that filters, partial clones and
//! the repository's own configuration do what they always do. Submodules come along, from where they are checked out.

use std::path::{Path, PathBuf};

use super::{RefsError, Writer};
use crate::history::Git;
use crate::host::Host;
use crate::host::files;

/// What the folder is called: what a killed run left is known by it.
const NAME: &str = "sealift-source";

/// A work tree that goes when this goes.
pub struct Worktree<'a> {
    host: &'a Host,
    /// Each with the top of the repository that it belongs to; those within others come later.
    laid: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Worktree<'a> {
    /// Checks a commit of the repository at `top` out, below `stage`.
    ///
    /// # Errors
    /// `refs.worktree`.
    pub fn lay(host: &'a Host, top: &Path, commit: &str, stage: &Path) -> Result<Self, RefsError> {
        let mut worktree = Self { host, laid: Vec::new() };
        worktree.clear(top)?;
        worktree.add(top, commit, &stage.join(NAME))?;
        Ok(worktree)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.laid.first().map_or(Path::new(""), |(_, folder)| folder)
    }

    fn add(&mut self, top: &Path, commit: &str, folder: &Path) -> Result<(), RefsError> {
        let text = |dir: &Path, args: &[&str]| -> Result<String, RefsError> {
            let git = Git::find(self.host, dir).map_err(|_| RefsError::Answer("git is gone".to_owned()))?;
            Writer::new(self.host, &git).text(args.iter().copied()).map_err(RefsError::Worktree)
        };
        text(top, &["worktree", "add", "--quiet", "--force", "--detach", "--", &folder.display().to_string(), commit])?;
        self.laid.push((top.to_owned(), folder.to_owned()));
        let entries = text(folder, &["ls-files", "--stage", "-z"])?;
        for entry in entries.split('\0').filter(|entry| entry.starts_with("160000 ")) {
            let (Some(id), Some((_, path))) = (entry.split(' ').nth(1), entry.split_once('\t')) else { continue };
            // One that nobody has checked out is missing here as it is missing there.
            if files::what(&top.join(path).join(".git")).is_ok_and(|what| what != files::What::Nothing) {
                self.add(&top.join(path), id, &folder.join(path))?;
            }
        }
        Ok(())
    }

    /// Forgets work trees of runs that were killed: their folders are gone with those runs.
    fn clear(&self, top: &Path) -> Result<(), RefsError> {
        let git = Git::find(self.host, top).map_err(|_| RefsError::Answer("git is gone".to_owned()))?;
        let writer = Writer::new(self.host, &git);
        let listed = writer.text(["worktree", "list", "--porcelain"]).map_err(RefsError::Worktree)?;
        for path in listed.lines().filter_map(|line| line.strip_prefix("worktree ")).map(Path::new) {
            if path.file_name().is_some_and(|name| name == NAME) && !files::is_folder(path) {
                remove(self.host, top, path);
            }
        }
        Ok(())
    }
}

impl Drop for Worktree<'_> {
    fn drop(&mut self) {
        for (top, folder) in self.laid.iter().rev() {
            remove(self.host, top, folder);
        }
    }
}

fn remove(host: &Host, top: &Path, folder: &Path) {
    if let Ok(git) = Git::find(host, top) {
        // What stays is git's note of a folder that is not there, which git itself forgets in time.
        let folder = folder.display().to_string();
        Writer::new(host, &git).text(["worktree", "remove", "--force", "--", &folder]).ok();
    }
}
