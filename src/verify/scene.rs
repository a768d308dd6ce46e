//! What lies there to be judged.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sealift_trust::policy::Scope;
use sealift_trust::statement::{ArtifactKind, ArtifactName, Beside, CHECKSUMS, MANIFEST, UNSIGNED};
use sealift_trust::{CheckName, FileName, Release};

use super::{VerifyError, What};
use crate::host::{files, regular};
use crate::sanitize::sanitize_line;

/// The files that are judged.
pub(super) struct Scene {
    /// A whole release, or some files of one.
    pub(super) scope: Scope,
    /// Where the manifest is.
    pub(super) manifest: PathBuf,
    /// The other files.
    pub(super) given: Vec<Given>,
    /// Whether an unsigned statement lies there.
    pub(super) signed: Signed,
}

/// A file that is judged.
pub(super) struct Given {
    /// Its name, if it is one that a release can have.
    pub(super) name: Option<FileName>,
    /// Its name, safe to show.
    pub(super) shown: String,
    /// Where it is.
    pub(super) path: PathBuf,
}

/// Whether a file says that nobody signed the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    /// No file says otherwise.
    Perhaps,
    /// `release.unsigned.json` is there.
    No,
}

impl Scene {
    /// Lists a folder, or takes the files that are named.
    pub(super) fn look(what: &What) -> Result<Self, VerifyError> {
        match what {
            What::Folder(folder) => {
                let names = regular::names(folder)?;
                let paths = names.iter().map(|name| folder.join(name));
                Ok(Self::of(Scope::Release, folder.join(MANIFEST), paths.collect::<Vec<_>>()))
            }
            What::Files { files, manifest } => {
                let first = files.first().ok_or(VerifyError::NoFiles)?;
                if let Some(path) = files.iter().find(|path| path.file_name().is_none()) {
                    return Err(VerifyError::NoName { path: path.display().to_string() });
                }
                let mut names = BTreeSet::new();
                let paths: BTreeSet<&PathBuf> = files.iter().collect();
                if let Some(path) = paths.into_iter().find(|path| !names.insert(path.file_name())) {
                    return Err(VerifyError::SameName { path: path.display().to_string() });
                }
                let manifest = manifest.clone().unwrap_or_else(|| first.with_file_name(MANIFEST));
                Ok(Self::of(Scope::Files, manifest, files.clone()))
            }
        }
    }

    fn of(scope: Scope, manifest: PathBuf, mut paths: Vec<PathBuf>) -> Self {
        // Also when the same file is named in another way.
        let is_manifest = |path: &PathBuf| {
            let same = || files::real(path).ok() == files::real(&manifest).ok();
            *path == manifest || (path.file_name() == manifest.file_name() && same())
        };
        paths.retain(|path| !is_manifest(path));
        let unsigned = paths.iter().any(|path| path.file_name() == Some(OsStr::new(UNSIGNED)));
        paths.retain(|path| path.file_name() != Some(OsStr::new(UNSIGNED)));
        let signed = if unsigned { Signed::No } else { Signed::Perhaps };
        Self { scope, manifest, given: paths.iter().map(|path| Given::new(path)).collect(), signed }
    }

    /// The file of that name, if it is among those that are judged.
    pub(super) fn file(&self, name: &str) -> Option<&Path> {
        let given = self.given.iter().find(|given| given.name.as_ref().is_some_and(|given| given.as_str() == name));
        given.map(|given| given.path.as_path())
    }

    /// The checks that single files can pass, besides those that always are made.
    pub(super) fn applicable(&self, release: &Release) -> BTreeSet<CheckName> {
        let mut checks = BTreeSet::new();
        for name in self.given.iter().filter_map(|given| given.name.as_ref()) {
            match name.as_str() {
                CHECKSUMS => drop(checks.insert(CheckName::Checksums)),
                _ => {
                    let check = match release.beside(name).filter(|_| release.companions.contains(name)) {
                        Some(Beside::ChecksumsSignature(_)) => CheckName::ChecksumsSignature,
                        Some(Beside::ArtifactSignature(..)) => CheckName::ArtifactSignatures,
                        Some(Beside::Provenance) => CheckName::Provenance,
                        Some(Beside::Checksums) | None => CheckName::ArtifactsMatch,
                    };
                    checks.insert(check);
                }
            }
            let artifact = release.artifact(&ArtifactName::File(name.clone()));
            if artifact.is_some_and(|artifact| artifact.kind == ArtifactKind::Archive) {
                checks.insert(CheckName::BinariesMatch);
            }
        }
        checks
    }
}

impl Given {
    fn new(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default();
        let parsed = name.to_str().and_then(|name| name.parse().ok());
        Self { name: parsed, shown: sanitize_line(&name.to_string_lossy()).into_owned(), path: path.to_owned() }
    }
}
