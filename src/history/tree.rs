//! The files of a commit, beside the work tree.

use std::path::Path;

use super::{Git, HistoryError};
use crate::host::Host;

/// The commit that a revision names, if it names one.
pub fn commit_of(host: &Host, git: &Git, revision: &str) -> Result<Option<String>, HistoryError> {
    let wanted = format!("{revision}^{{commit}}");
    // Git says by a failure that there is none; why a repository cannot be read is said by those who read more of it.
    let found = git.text(host, ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]);
    Ok(found.ok().map(|text| text.trim().to_owned()).filter(|id| !id.is_empty()))
}

/// Writes the files of a commit below a folder, as a checkout would, with an index of its own: neither the repository nor
/// the work tree is touched. `git` works at the top of the repository.
pub fn extract(host: &Host, git: &Git, commit: &str, folder: &Path, index: &Path) -> Result<(), HistoryError> {
    let prefix = format!("--prefix={}/", folder.display());
    for args in [&["read-tree", commit][..], &["checkout-index", "--all", "--quiet", &prefix]] {
        let command = git.command(args.iter().copied()).envs([("GIT_INDEX_FILE", index.display().to_string())]);
        host.run(&command).map_err(|error| git.explain(error))?;
    }
    Ok(())
}

/// Paths, relative to the top, in which the work tree differs from a commit: of tracked files, deleted ones too.
pub fn changed_since(host: &Host, git: &Git, commit: &str) -> Result<Vec<String>, HistoryError> {
    let args = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--end-of-options", commit, "--"];
    let text = git.text(host, args)?;
    Ok(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}
