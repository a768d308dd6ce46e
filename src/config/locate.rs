//! Finds `sealift.toml`.

use std::path::{Component, Path, PathBuf};

use super::error::ConfigError;
use crate::host::Host;
use crate::host::files::{self, What};

/// The file's name.
pub const FILE_NAME: &str = "sealift.toml";

/// The most bytes that are read.
const MAX_BYTES: u64 = 1 << 20;

/// A file's text, or an empty one in its place.
pub(super) struct Found {
    /// The project's folder.
    pub root: PathBuf,
    /// As the user names it; empty without a file.
    pub name: String,
    pub text: String,
}

/// Finds the file that is named, or the nearest one up to the repository's top. Without a repository only the folder
/// itself counts: a file that somebody else left in a parent, such as `/tmp`, names commands to run.
pub(super) fn find(host: &Host, dir: &Path, explicit: Option<&Path>) -> Result<Found, ConfigError> {
    let mut dir = host.env.dir().join(dir);
    if dir.components().any(|part| part == Component::ParentDir) {
        dir = files::real(&dir)?;
    }
    if let Some(explicit) = explicit {
        let path = dir.join(explicit);
        let root = path.parent().unwrap_or(&dir).to_owned();
        return read(host, &path, root)?.ok_or(ConfigError::Missing { path: explicit.display().to_string() });
    }
    let top = dir.ancestors().find(|dir| holds(dir, ".git"));
    for folder in dir.ancestors() {
        if let Some(found) = read(host, &folder.join(FILE_NAME), folder.to_owned())? {
            return Ok(found);
        }
        if top.is_none_or(|top| top == folder) {
            break;
        }
    }
    let root = top.unwrap_or(&dir).to_owned();
    Ok(Found { root, name: String::new(), text: String::new() })
}

/// Whether a folder has an entry. In a linked worktree `.git` is a file.
fn holds(dir: &Path, name: &str) -> bool {
    files::what(&dir.join(name)).is_ok_and(|what| !matches!(what, What::Nothing))
}

fn read(host: &Host, path: &Path, root: PathBuf) -> Result<Option<Found>, ConfigError> {
    let name = files::seen_from(host.env.dir(), path);
    // A pipe would be waited for without end.
    if !files::is_file(path) {
        return match files::what(path)? {
            What::Nothing => Ok(None),
            _ => Err(ConfigError::NotAFile { path: name }),
        };
    }
    let text = files::read_text(path, MAX_BYTES)?;
    Ok(Some(Found { root, name, text }))
}
