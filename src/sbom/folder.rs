//! What is in the programs of a folder.

use std::path::{Path, PathBuf};

use super::binary::BinaryError;
use super::document::{Component, Role, Sbom};
use super::program::{Program, program};
use super::{SbomError, Silent, open, read, tells};
use crate::artifact::Artifact;
use crate::host::files::{self, What};
use crate::host::regular;

/// The most files and folders that are looked at, and how deep.
const MOST: usize = 100_000;
const DEEP: usize = 64;

/// Lists what is in the executables below a folder, by their paths; links are not followed, and files that are no
/// executables are passed over. `created` is when, in seconds since 1970.
///
/// # Errors
/// `sbom.nothing` without an executable; with [`Silent::Refuse`] `sbom.damaged`, `sbom.packed` or `sbom.no-build-info`.
pub fn folder(folder: &Path, created: u64, silent: Silent) -> Result<Sbom, SbomError> {
    let shown = SbomError::shown(&folder.display().to_string());
    let mut paths = Vec::new();
    walk(folder, 0, &mut paths)?;
    let name = files::real(folder)?.file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy().into_owned());
    let mut sbom = Sbom::of(Component::new("folder", Role::Folder, name), created);
    for path in paths {
        let mapped = open(&path)?;
        let text = path.display().to_string();
        let binaries = match read(&mapped, &text) {
            Err(SbomError::Binary { source: BinaryError::NotABinary, .. }) => continue,
            // A damaged one does not keep the others from being listed, where the list may say that it is incomplete.
            Err(SbomError::Binary { .. }) if silent == Silent::Admit => Vec::new(),
            binaries => binaries?,
        };
        if silent == Silent::Refuse {
            tells(&binaries, &text)?;
        }
        let within = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        let artifact = Artifact::of(&mapped);
        let known = Program { name: &within, artifact, released: None, graph: None, licenses: None };
        let id = format!("file:{within}");
        program(&binaries, &known, created).within(&mut sbom, &id);
        sbom.holds.insert(id);
    }
    if sbom.holds.is_empty() {
        return Err(SbomError::Nothing { path: shown });
    }
    Ok(sbom)
}

fn walk(dir: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Result<(), SbomError> {
    if depth > DEEP || into.len() > MOST {
        let path = SbomError::shown(&dir.display().to_string());
        return Err(SbomError::NotAFile { path, what: "too deep, or behind too many files" });
    }
    for name in regular::names(dir)? {
        let path = dir.join(name);
        match files::what(&path)? {
            What::Folder => walk(&path, depth + 1, into)?,
            What::File { size, .. } if size > 0 => into.push(path),
            _ => {}
        }
    }
    Ok(())
}
