//! Makes `dist/` hold exactly one release. Killed at any moment, it leaves a folder without a manifest, or with one
//! that is right, and the next run goes on.

mod there;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use sealift_trust::SignatureFormat;
use sealift_trust::name::InnerPath;
use sealift_trust::statement::{CHECKSUMS, LAYOUT, LAYOUT_INDEX, MANIFEST, PROVENANCE, UNSIGNED, signature_of};

use self::there::There;
use super::{AttestError, journal};
use crate::artifact::Artifact;
use crate::host::files::{self, FileError, What};
use crate::host::regular::{self, Found};
use crate::host::staging;
use crate::host::{Host, machine};
use crate::product::SbomFormat;

/// The permission bits of every file in `dist/`.
const MODE: u32 = 0o644;

/// A file that belongs into `dist/`.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Its path there: a name, or one below folders that are made for it.
    pub path: InnerPath,
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
}

/// Where a release goes.
#[derive(Clone, Copy, Debug)]
pub struct Dist<'a> {
    /// The folder itself.
    pub folder: &'a Path,
    /// The list of the files in it that are ours: `.sealift/dist.json`.
    pub journal: &'a Path,
    /// Which of our files are decided.
    pub reach: Reach,
    /// What happens to files that are not ours.
    pub clean: Clean,
}

/// Which of our files in `dist/` a run decides. What follows from the whole release always goes when a part of it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    All,
    /// The archives: images and SBOMs of an earlier run stay.
    Archives,
    /// The images: all but them stays of an earlier run.
    Images,
    /// The SBOMs: all but them stays of an earlier run.
    Sboms,
}

impl Reach {
    /// Whether a file of ours stays although nothing places it.
    fn spares(self, path: &InnerPath) -> bool {
        let is_below = path.as_str().strip_prefix(LAYOUT).is_some_and(|rest| rest.starts_with('/'));
        let is_sbom = SbomFormat::ALL
            .iter()
            .any(|format| path.as_str().strip_suffix(format.extension()).is_some_and(|stem| stem.ends_with('.')));
        match self {
            Reach::All => false,
            Reach::Archives => is_below || is_sbom,
            Reach::Images => !is_below && !follows(path.as_str()),
            Reach::Sboms => !is_sbom && !follows(path.as_str()),
        }
    }
}

/// Whether a file follows from the whole release.
fn follows(name: &str) -> bool {
    let is_signature = || SignatureFormat::ALL.into_iter().any(|format| signature_of(CHECKSUMS, format) == name);
    matches!(name, CHECKSUMS | MANIFEST | PROVENANCE | UNSIGNED) || is_signature()
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
    pub written: Vec<InnerPath>,
    /// Files that were there already, byte for byte, and were not touched.
    pub kept: Vec<InnerPath>,
    /// Paths that were removed.
    pub removed: Vec<String>,
}

/// A file that says that others are there and right: it goes before one of them changes, and comes after all of them.
struct Pointer {
    /// The folder that it speaks of, in which it lies; empty for `dist/` itself.
    folder: &'static str,
    name: &'static str,
}

/// In the order in which they are written; the narrower comes first.
const POINTERS: [Pointer; 3] = [
    Pointer { folder: LAYOUT, name: LAYOUT_INDEX },
    Pointer { folder: "", name: UNSIGNED },
    Pointer { folder: "", name: MANIFEST },
];

impl Pointer {
    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(self.folder).join(self.name)
    }

    fn is(&self, path: &InnerPath) -> bool {
        Path::new(self.folder).join(self.name) == Path::new(path.as_str())
    }

    /// Whether something changes of which it speaks.
    fn falls(&self, changes: &[PathBuf]) -> bool {
        changes.iter().any(|path| path.starts_with(self.folder))
    }
}

/// Makes the folder hold exactly these files. What is already there is measured and left alone; the manifest is removed
/// before anything else changes and written after everything else is in place.
///
/// # Errors
/// `attest.foreign-file` before anything is written, when somebody else's file is there; `attest.changed` when a source
/// is not what it was, after which the folder has no manifest.
pub fn place(host: &Host, dist: &Dist<'_>, placements: &[Placement]) -> Result<Placed, AttestError> {
    let placed = paths(placements)?;
    files::make_real_folder(dist.folder)?;
    let owned = journal::read(dist.journal)?;
    let spared = owned.iter().filter(|path| dist.reach.spares(path));
    let wanted: BTreeSet<InnerPath> = placed.iter().chain(spared).cloned().collect();
    let there = There::look(dist.folder, &owned, &wanted)?;
    judge_foreign(&there, dist)?;
    let intact = machine::parallel(placements, machine::cores(), |placement| {
        // What was not seen in a real folder would be found through a link.
        Ok::<_, AttestError>(
            there.present.contains(&placement.path)
                && is_intact(host, &dist.folder.join(placement.path.as_str()), placement.artifact())?,
        )
    })?;
    let missing = placements.iter().zip(&intact).filter(|(_, intact)| !**intact);
    let missing = missing.map(|(placement, _)| PathBuf::from(placement.path.as_str()));
    let changes: Vec<PathBuf> = missing.chain(there.unwanted().cloned()).collect();
    let fallen: Vec<&Pointer> = POINTERS.iter().filter(|pointer| pointer.falls(&changes)).collect();
    let keeps = |path: &InnerPath, intact: bool| intact && !fallen.iter().any(|pointer| pointer.is(path));
    let (keep, write): (Vec<_>, Vec<_>) =
        placements.iter().zip(intact).partition(|(placement, intact)| keeps(&placement.path, *intact));
    let write: Vec<&Placement> = write.into_iter().map(|(placement, _)| placement).collect();
    if !changes.is_empty() {
        claim(dist.journal, &owned, &wanted)?;
        // The widest first: a folder that refuses it has lost nothing yet.
        fallen.iter().rev().try_for_each(|pointer| retract(dist.folder, pointer))?;
    }
    let removed = clear(dist.folder, &there)?;
    fill(host, dist.folder, &write)?;
    if owned != wanted {
        journal::write(dist.journal, &wanted)?;
    }
    let written = write.iter().map(|placement| placement.path.clone()).collect();
    Ok(Placed { written, kept: keep.iter().map(|(placement, _)| placement.path.clone()).collect(), removed })
}

/// The paths, each once, also where case is ignored, and none that is a folder of another.
fn paths(placements: &[Placement]) -> Result<BTreeSet<InnerPath>, AttestError> {
    let (mut files, mut folders) = (BTreeSet::new(), BTreeSet::new());
    for placement in placements {
        let folded = placement.path.folded();
        folders.extend(there::folders(&folded).map(str::to_owned));
        if !files.insert(folded) {
            return Err(AttestError::SameName(placement.path.to_string()));
        }
    }
    match files.intersection(&folders).next() {
        Some(both) => Err(AttestError::SameName(both.clone())),
        None => Ok(placements.iter().map(|placement| placement.path.clone()).collect()),
    }
}

fn judge_foreign(there: &There, dist: &Dist<'_>) -> Result<(), AttestError> {
    let folder = || dist.folder.display().to_string();
    if there.foreign.is_empty() {
        return Ok(());
    }
    match dist.clean {
        Clean::Refuse => {
            let names = there.foreign.iter().map(|path| path.to_string_lossy().into_owned()).collect();
            Err(AttestError::ForeignFile { folder: folder(), names })
        }
        // `--clean` with the wrong folder must not cost anybody's work.
        Clean::Remove if there.foreign.iter().any(|path| path.ends_with(".git")) => {
            Err(AttestError::Repository { folder: folder() })
        }
        Clean::Remove => Ok(()),
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
fn claim(journal: &Path, owned: &BTreeSet<InnerPath>, wanted: &BTreeSet<InnerPath>) -> Result<(), AttestError> {
    let all: BTreeSet<InnerPath> = owned.union(wanted).cloned().collect();
    if all == *owned { Ok(()) } else { journal::write(journal, &all) }
}

/// Removes a pointer, durably, before what it says no longer holds.
fn retract(folder: &Path, pointer: &Pointer) -> Result<(), FileError> {
    let parent = folder.join(pointer.folder);
    // A link in the place of the folder leads to what is not ours.
    if files::what(&parent)? != What::Folder {
        return Ok(());
    }
    take_away(&pointer.path(folder))?;
    files::sync_folder(&parent)
}

/// Removes all that is not wanted, what is in a folder before the folder, and gives the paths.
fn clear(folder: &Path, there: &There) -> Result<Vec<String>, FileError> {
    let (mut removed, mut touched) = (Vec::new(), BTreeSet::new());
    for path in there.doomed() {
        if there.is_emptied(path) {
            files::remove_empty_folder(&folder.join(path))?;
        } else {
            take_away(&folder.join(path))?;
        }
        removed.push(path.to_string_lossy().into_owned());
        touched.extend(path.parent().map(|parent| folder.join(parent)));
    }
    for parent in touched {
        // One that went as a whole needs nothing more: its own parent is here too.
        if files::what(&parent)? == What::Folder {
            files::sync_folder(&parent)?;
        }
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

/// Puts the files into place: copies on all cores, then what was decided here, the pointers last.
fn fill(host: &Host, folder: &Path, write: &[&Placement]) -> Result<(), AttestError> {
    make_folders(folder, write)?;
    let put = |placement: &Placement| -> Result<(), AttestError> {
        go_on(host)?;
        let to = folder.join(placement.path.as_str());
        match &placement.source {
            Source::Bytes(bytes) => drop(staging::write(&to, bytes, MODE)?),
            Source::File { path, artifact } => {
                let settled = staging::copy_settled(path, &to, MODE)?;
                if settled.artifact() != *artifact {
                    return Err(AttestError::Changed { path: path.display().to_string() });
                }
                settled.commit(&to)?;
            }
        }
        Ok(())
    };
    let rank = |placement: &Placement| POINTERS.iter().position(|pointer| pointer.is(&placement.path));
    let is_copy = |placement: &&Placement| matches!(placement.source, Source::File { .. }) && rank(placement).is_none();
    let (copies, mut rest): (Vec<&Placement>, Vec<&Placement>) = write.iter().copied().partition(is_copy);
    machine::parallel(&copies, machine::cores(), |placement| put(placement))?;
    rest.sort_by_key(|placement| rank(placement));
    rest.into_iter().try_for_each(put)
}

/// Makes the folders that files are to lie in, durably and each before those in it.
fn make_folders(folder: &Path, write: &[&Placement]) -> Result<(), FileError> {
    let folders: BTreeSet<&str> = write.iter().flat_map(|placement| there::folders(placement.path.as_str())).collect();
    for path in folders {
        let path = folder.join(path);
        let is_new = files::what(&path)? == What::Nothing;
        files::make_real_folder(&path)?;
        if is_new {
            files::sync_folder(path.parent().unwrap_or(folder))?;
        }
    }
    Ok(())
}

fn go_on(host: &Host) -> Result<(), AttestError> {
    if host.children.stopped() { Err(AttestError::Interrupted) } else { Ok(()) }
}
