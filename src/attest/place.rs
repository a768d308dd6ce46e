//! Makes `dist/` hold exactly one release. Killed at any moment, it leaves a folder without a manifest, or with one
//! that is right, and the next run goes on.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use sealift_trust::FileName;
use sealift_trust::statement::{MANIFEST, UNSIGNED};

use super::{AttestError, journal};
use crate::artifact::Artifact;
use crate::host::files::{self, FileError, What};
use crate::host::regular::{self, Found};
use crate::host::staging;
use crate::host::{Host, machine};

/// The permission bits of every file in `dist/`.
const MODE: u32 = 0o644;

/// A file that belongs into `dist/`.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Its name there.
    pub name: FileName,
    /// Where its bytes are.
    pub source: Source,
}

/// Where the bytes of a file come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// From here.
    Bytes(Vec<u8>),
    /// From a file, usually in the store.
    File {
        /// Where it lies.
        path: PathBuf,
        /// What it was when it was made: what is copied is measured and compared.
        artifact: Artifact,
    },
}

impl Placement {
    fn artifact(&self) -> Artifact {
        match &self.source {
            Source::Bytes(bytes) => Artifact::of(bytes),
            Source::File { artifact, .. } => *artifact,
        }
    }

    fn is_manifest(&self) -> bool {
        matches!(self.name.as_str(), MANIFEST | UNSIGNED)
    }
}

/// Where a release goes.
#[derive(Clone, Copy, Debug)]
pub struct Dist<'a> {
    /// The folder itself.
    pub folder: &'a Path,
    /// The list of the files in it that are ours: `.sealift/dist.json`.
    pub journal: &'a Path,
    /// What happens to files that are not ours.
    pub clean: Clean,
}

/// What happens to files that somebody else put into `dist/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clean {
    /// Nothing at all is done.
    Refuse,
    /// They are removed, folders with all they hold.
    Remove,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Files that were written.
    pub written: Vec<FileName>,
    /// Files that were there already, byte for byte, and were not touched.
    pub kept: Vec<FileName>,
    /// Names that were removed.
    pub removed: Vec<String>,
}

/// Makes the folder hold exactly these files. What is already there is measured and left alone; the manifest is removed
/// before anything else changes and written after everything else is in place.
///
/// # Errors
/// `attest.foreign-file` before anything is written, when somebody else's file is there; `attest.changed` when a source
/// is not what it was, after which the folder has no manifest.
pub fn place(host: &Host, dist: &Dist<'_>, placements: &[Placement]) -> Result<Placed, AttestError> {
    let wanted = names(placements)?;
    files::make_real_folder(dist.folder)?;
    let owned = journal::read(dist.journal)?;
    let there = There::look(dist.folder, &owned, &wanted)?;
    there.judge_foreign(dist)?;
    let intact = machine::parallel(placements, machine::cores(), |placement| {
        is_intact(host, &dist.folder.join(placement.name.as_str()), placement.artifact())
    })?;
    // Also where only something else differs the manifest goes first and comes last: what it says does not hold between.
    let complete = intact.iter().all(|intact| *intact) && there.stale.is_empty() && there.foreign.is_empty();
    let keeps = |placement: &Placement, intact: bool| intact && (complete || !placement.is_manifest());
    let (keep, write): (Vec<_>, Vec<_>) =
        placements.iter().zip(intact).partition(|(placement, intact)| keeps(placement, *intact));
    let write: Vec<&Placement> = write.into_iter().map(|(placement, _)| placement).collect();
    if !complete {
        claim(dist.journal, &owned, &wanted)?;
        retract(dist.folder)?;
    }
    let removed = clear(dist.folder, &there)?;
    fill(host, dist.folder, &write)?;
    if owned != wanted {
        journal::write(dist.journal, &wanted)?;
    }
    let written = write.iter().map(|placement| placement.name.clone()).collect();
    Ok(Placed { written, kept: keep.iter().map(|(placement, _)| placement.name.clone()).collect(), removed })
}

/// The names, each once, also where case is ignored.
fn names(placements: &[Placement]) -> Result<BTreeSet<FileName>, AttestError> {
    let mut folded = BTreeSet::new();
    for placement in placements {
        if !folded.insert(placement.name.folded()) {
            return Err(AttestError::SameName(placement.name.to_string()));
        }
    }
    Ok(placements.iter().map(|placement| placement.name.clone()).collect())
}

/// What lies in the folder and is not wanted there.
#[derive(Default)]
struct There {
    /// Ours, from an earlier release.
    stale: Vec<OsString>,
    /// Staged files of runs that were killed.
    leftovers: Vec<OsString>,
    /// Somebody else's.
    foreign: Vec<OsString>,
}

impl There {
    fn look(folder: &Path, owned: &BTreeSet<FileName>, wanted: &BTreeSet<FileName>) -> Result<Self, AttestError> {
        let mut there = Self::default();
        for name in regular::names(folder)? {
            // A folder is never ours, whatever its name: nothing here makes one.
            let is_folder = files::what(&folder.join(&name))? == What::Folder;
            let text = name.to_str().filter(|_| !is_folder).unwrap_or_default();
            match text.parse::<FileName>().ok().filter(|name| owned.contains(name)) {
                Some(ours) if wanted.contains(&ours) => {}
                Some(_) => there.stale.push(name),
                None if staging::is_staged(text) => there.leftovers.push(name),
                None => there.foreign.push(name),
            }
        }
        Ok(there)
    }

    fn judge_foreign(&self, dist: &Dist<'_>) -> Result<(), AttestError> {
        let folder = || dist.folder.display().to_string();
        if self.foreign.is_empty() {
            return Ok(());
        }
        match dist.clean {
            Clean::Refuse => {
                let names = self.foreign.iter().map(|name| name.to_string_lossy().into_owned()).collect();
                Err(AttestError::ForeignFile { folder: folder(), names })
            }
            // `--clean` with the wrong folder must not cost anybody's work.
            Clean::Remove if self.foreign.iter().any(|name| name == ".git") => {
                Err(AttestError::Repository { folder: folder() })
            }
            Clean::Remove => Ok(()),
        }
    }
}

fn is_intact(host: &Host, path: &Path, wanted: Artifact) -> Result<bool, AttestError> {
    go_on(host)?;
    match regular::open(path)? {
        Found::File(found) if found.size == wanted.size() && found.mode.is_none_or(|mode| mode == MODE) => {
            let measured = Artifact::measure(found.file.take(found.size.saturating_add(1)));
            Ok(measured.map_err(files::at("read", path))? == wanted)
        }
        Found::File(_) | Found::Nothing | Found::Other(_) => Ok(false),
    }
}

/// Writes down what will be ours before it is there, so that a killed run's files are known to the next one.
fn claim(journal: &Path, owned: &BTreeSet<FileName>, wanted: &BTreeSet<FileName>) -> Result<(), AttestError> {
    let all: BTreeSet<FileName> = owned.union(wanted).cloned().collect();
    if all == *owned { Ok(()) } else { journal::write(journal, &all) }
}

/// Removes the manifest, durably, before what it says no longer holds.
fn retract(folder: &Path) -> Result<(), FileError> {
    take_away(&folder.join(MANIFEST))?;
    take_away(&folder.join(UNSIGNED))?;
    files::sync_folder(folder)
}

/// Removes all that is not wanted, and gives the names.
fn clear(folder: &Path, there: &There) -> Result<Vec<String>, FileError> {
    let mut removed = Vec::new();
    for name in there.stale.iter().chain(&there.leftovers).chain(&there.foreign) {
        take_away(&folder.join(name))?;
        removed.push(name.to_string_lossy().into_owned());
    }
    if !removed.is_empty() {
        files::sync_folder(folder)?;
    }
    removed.sort();
    Ok(removed)
}

fn take_away(path: &Path) -> Result<(), FileError> {
    match files::what(path)? {
        What::Folder => files::remove_folder(path),
        What::Nothing | What::File { .. } | What::Link | What::Other => files::remove(path),
    }
}

/// Puts the files into place: copies on all cores, then what was decided here, the manifest last.
fn fill(host: &Host, folder: &Path, write: &[&Placement]) -> Result<(), AttestError> {
    machine::parallel(write, machine::cores(), |placement| match &placement.source {
        Source::File { path, artifact } => {
            go_on(host)?;
            let settled = staging::copy_settled(path, &folder.join(placement.name.as_str()), MODE)?;
            if settled.artifact() != *artifact {
                return Err(AttestError::Changed { path: path.display().to_string() });
            }
            settled.commit(&folder.join(placement.name.as_str()))?;
            Ok(())
        }
        Source::Bytes(_) => Ok(()),
    })?;
    let (last, first): (Vec<&Placement>, Vec<&Placement>) =
        write.iter().copied().partition(|placement| placement.is_manifest());
    for placement in first.into_iter().chain(last) {
        if let Source::Bytes(bytes) = &placement.source {
            go_on(host)?;
            staging::write(&folder.join(placement.name.as_str()), bytes, MODE)?;
        }
    }
    Ok(())
}

fn go_on(host: &Host) -> Result<(), AttestError> {
    if host.children.stopped() { Err(AttestError::Interrupted) } else { Ok(()) }
}
