//! A release of files that something else built: what lies in a folder is measured, listed and signed there.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use sealift_trust::statement::{CHECKSUMS, MANIFEST, MAX_MANIFEST, UNSIGNED};
use sealift_trust::{Envelope, FileName, PublicKey, Statement};

use super::{AttestError, Sealed};
use crate::artifact::Artifact;
use crate::host::regular::{self, Found};
use crate::host::{files, machine, staging};
use crate::product::{Archive, ArchiveKind};

/// A folder with files of others, and what an earlier run of ours put beside them.
#[derive(Debug)]
pub struct Elsewhere {
    /// The files, measured.
    pub files: Vec<Archive>,
    /// The names that an earlier run wrote, and that this one may replace.
    ours: BTreeSet<String>,
}

impl Elsewhere {
    /// Measures every file of a folder, on all cores. Without folders in it: a release is flat. Only what a manifest there
    /// names, that this very key signed, counts as our own.
    pub fn gather(folder: &Path, key: &PublicKey) -> Result<Self, AttestError> {
        let ours = earlier(folder, key)?;
        let mut names: Vec<FileName> = Vec::new();
        for name in regular::names(folder)? {
            let name = name.to_string_lossy().into_owned();
            if ours.contains(&name) {
                continue;
            }
            // Another key's release: it would become an artifact of this one.
            if [CHECKSUMS, MANIFEST, UNSIGNED].contains(&name.as_str()) {
                return Err(AttestError::Taken { path: folder.join(name).display().to_string() });
            }
            names.push(name.parse()?);
        }
        let measured = machine::parallel(&names, machine::cores(), |name| {
            let path = folder.join(name.as_str());
            let Found::File(found) = regular::open(&path)? else {
                return Err(AttestError::Missing { path: path.display().to_string() });
            };
            Artifact::measure(&found.file).map_err(|error| files::at("read", &path)(error).into())
        })?;
        let file = |(name, artifact): (FileName, Artifact)| Archive {
            name,
            kind: ArchiveKind::File,
            services: Vec::new(),
            target: None,
            artifact,
            media_type: "application/octet-stream".to_owned(),
            holds: Vec::new(),
        };
        Ok(Self { files: names.into_iter().zip(measured).map(file).collect(), ours })
    }

    /// Writes what was decided beside the files, the manifest last; what an earlier run wrote and this one does not goes.
    ///
    /// # Errors
    /// `attest.taken` before anything is written, when a name is that of somebody else's file.
    pub fn put(&self, folder: &Path, sealed: &Sealed) -> Result<(), AttestError> {
        for name in
            [CHECKSUMS, MANIFEST, UNSIGNED].into_iter().chain(sealed.files.iter().map(|(name, _)| name.as_str()))
        {
            let path = folder.join(name);
            if !self.ours.contains(name) && files::what(&path)? != files::What::Nothing {
                return Err(AttestError::Taken { path: path.display().to_string() });
            }
        }
        // Without its manifest an earlier release is none, and the new one is none before it has its own.
        if self.ours.contains(MANIFEST) {
            files::remove(&folder.join(MANIFEST))?;
        }
        let decided: BTreeSet<&str> = sealed.files.iter().map(|(name, _)| name.as_str()).collect();
        for name in self.ours.iter().filter(|name| *name != MANIFEST && !decided.contains(name.as_str())) {
            let path = folder.join(name);
            if files::what(&path)? != files::What::Nothing {
                files::remove(&path)?;
            }
        }
        for (name, bytes) in &sealed.files {
            staging::write(&folder.join(name.as_str()), bytes, 0o644)?;
        }
        Ok(())
    }
}

/// What a manifest in the folder says is beside it, if this key signed it.
fn earlier(folder: &Path, key: &PublicKey) -> Result<BTreeSet<String>, AttestError> {
    let path = folder.join(MANIFEST);
    let Found::File(found) = regular::open(&path)? else { return Ok(BTreeSet::new()) };
    let mut bytes = Vec::new();
    found.file.take(MAX_MANIFEST as u64 + 1).read_to_end(&mut bytes).map_err(files::at("read", &path))?;
    let opened = Envelope::parse(&bytes).and_then(|envelope| envelope.verify(std::slice::from_ref(key)));
    let statement = opened.ok().and_then(|opened| Statement::parse(&opened).ok());
    let Some(release) = statement.and_then(|statement| statement.into_release().ok()) else {
        return Ok(BTreeSet::new());
    };
    Ok(release.companions.iter().map(ToString::to_string).chain([MANIFEST.to_owned()]).collect())
}
