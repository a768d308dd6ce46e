//! A folder seen as a list of files.

use std::fs;
use std::path::Path;

use super::files::{FileError, at};

/// Calls `visit` for every regular file and symbolic link below a folder, in a fixed order, with its path relative to
/// the folder, separated by `/`. Folders for which `enter` says no are skipped. Names that are not UTF-8 are passed in
/// their lossy form: they can be named in a digest, and no Go or Cargo input is spelled so.
pub fn walk(root: &Path, enter: &mut dyn FnMut(&str) -> bool, visit: &mut dyn FnMut(&str)) -> Result<(), FileError> {
    descend(root, "", enter, visit)
}

fn descend(
    dir: &Path,
    prefix: &str,
    enter: &mut dyn FnMut(&str) -> bool,
    visit: &mut dyn FnMut(&str),
) -> Result<(), FileError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir).map_err(at("list", dir))? {
        let entry = entry.map_err(at("list", dir))?;
        let kind = entry.file_type().map_err(at("look at", dir))?;
        entries.push((entry.file_name(), kind.is_dir()));
    }
    entries.sort();
    for (name, folder) in entries {
        let path = format!("{prefix}{}", name.to_string_lossy());
        if !folder {
            visit(&path);
        } else if enter(&path) {
            descend(&dir.join(&name), &format!("{path}/"), enter, visit)?;
        }
    }
    Ok(())
}
