//! The files themselves: there, the right ones, and no others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use sealift_trust::policy::Scope;
use sealift_trust::statement::{Artifact as Entry, ArtifactKind, LAYOUT};
use sealift_trust::{CheckName, Digest, FileName, Release};

use super::VerifyError;
use super::archives::{self, Known};
use super::finding::{Findings, Flaw};
use super::scene::{Given, Scene};
use crate::artifact::Artifact;
use crate::host::regular::{self, Found, Regular};
use crate::host::{Host, files, machine};

/// What a file must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

impl From<&Entry> for Wanted {
    fn from(entry: &Entry) -> Self {
        Self { digest: entry.digest, size: entry.size }
    }
}

pub(super) const IN_PART: &str = "only the named files were looked at";

/// Judges the files: presence, digests, strangers, and what archives hold.
pub(super) fn judge(host: &Host, scene: &Scene, release: &Release, findings: &mut Findings) -> Result<(), VerifyError> {
    let entries: BTreeMap<&FileName, &Entry> = release.files().collect();
    let known = Known::of(release);
    let mut work: Vec<(&Given, &Entry)> =
        scene.given.iter().filter_map(|given| Some((given, *entries.get(given.name.as_ref()?)?))).collect();
    // The longest first, so that no core is left with it at the end.
    work.sort_by_key(|(_, entry)| Reverse(entry.size));
    let mut seen = machine::parallel(&work, machine::cores(), |(given, entry)| examine(host, given, entry, &known))?;
    seen.sort_by(|a, b| a.name.cmp(&b.name));
    let missing = match scene.scope {
        Scope::Release => missing(scene, release),
        Scope::Files => Vec::new(),
    };
    record(scene, release, findings, Seen { files: seen, missing, strangers: strangers(scene, release, &entries) });
    Ok(())
}

/// All that was seen.
struct Seen {
    files: Vec<Examined>,
    missing: Vec<Flaw>,
    strangers: Vec<Flaw>,
}

/// A file that was looked at.
struct Examined {
    name: FileName,
    /// Something else is there, or nothing.
    absent: Option<Flaw>,
    /// It has another size or digest.
    differs: Option<Flaw>,
    /// What is wrong in the archive, when it was opened.
    inside: Option<Vec<Flaw>>,
}

fn examine(host: &Host, given: &Given, entry: &Entry, known: &Known<'_>) -> Result<Examined, VerifyError> {
    if host.children.stopped() {
        return Err(VerifyError::Interrupted);
    }
    let name = entry.name.file().expect("only files are looked at").clone();
    let mut examined = Examined { name: name.clone(), absent: None, differs: None, inside: None };
    let found = match regular::open(&given.path)? {
        Found::File(found) => found,
        Found::Nothing => {
            examined.absent = Some(Flaw::Missing(given.shown.clone()));
            return Ok(examined);
        }
        Found::Other(what) => {
            examined.absent = Some(Flaw::NotAFile { name: given.shown.clone(), what });
            return Ok(examined);
        }
    };
    examined.differs = differs(&found, name.as_str(), entry.into()).map_err(files::at("read", &given.path))?;
    // No decoder sees bytes that nobody signed.
    if examined.differs.is_none() && entry.kind == ArtifactKind::Archive {
        examined.inside = Some(archives::judge(&found, &name, entry, known));
    }
    Ok(examined)
}

/// Size before digest: an endless file costs nothing, and one that grows is cut.
pub(super) fn differs(found: &Regular, name: &str, wanted: Wanted) -> std::io::Result<Option<Flaw>> {
    let flaw = |size| Flaw::Size { name: name.to_owned(), wanted: wanted.size, found: size };
    if found.size != wanted.size {
        return Ok(Some(flaw(found.size)));
    }
    let measured = Artifact::measure((&found.file).take(wanted.size.saturating_add(1)))?;
    if measured.size() != wanted.size {
        return Ok(Some(flaw(measured.size())));
    }
    let differs = measured.digest() != wanted.digest;
    Ok(differs.then(|| Flaw::Digest { name: name.to_owned(), wanted: wanted.digest, found: measured.digest() }))
}

/// Companions too: the manifest names them.
fn missing(scene: &Scene, release: &Release) -> Vec<Flaw> {
    let there: BTreeSet<&FileName> = scene.given.iter().filter_map(|given| given.name.as_ref()).collect();
    let wanted = release.files().map(|(name, _)| name).chain(&release.companions);
    wanted.filter(|name| !there.contains(name)).map(|name| Flaw::Missing(name.to_string())).collect()
}

fn strangers(scene: &Scene, release: &Release, entries: &BTreeMap<&FileName, &Entry>) -> Vec<Flaw> {
    // What lies in the folder of the images is judged with them.
    let has_images = release.image_indexes().next().is_some();
    let known = |name: &FileName| {
        entries.contains_key(name) || release.companions.contains(name) || (has_images && name.as_str() == LAYOUT)
    };
    let strangers = scene.given.iter().filter(|given| !given.name.as_ref().is_some_and(known));
    strangers.map(|given| Flaw::Extra(given.shown.clone())).collect()
}

fn record(scene: &Scene, release: &Release, findings: &mut Findings, seen: Seen) {
    let Seen { files, mut missing, strangers } = seen;
    let archives = release.files().filter(|(_, entry)| entry.kind == ArtifactKind::Archive);
    let mut unopened: BTreeSet<&FileName> = archives.map(|(name, _)| name).collect();
    let (looked_at, mut differing, mut inside, mut opened) = (files.len(), Vec::new(), Vec::new(), 0_usize);
    for file in &files {
        missing.extend(file.absent.clone());
        differing.extend(file.differs.clone());
        if let Some(flaws) = &file.inside {
            unopened.remove(&file.name);
            opened += 1;
            inside.extend(flaws.iter().cloned());
        }
    }
    let refused = files.iter().any(|file| file.inside.is_none() && unopened.contains(&file.name));
    match scene.scope {
        Scope::Release => {
            findings.settle(CheckName::ArtifactsPresent, missing);
            findings.settle(CheckName::NothingExtra, strangers);
        }
        Scope::Files => {
            findings.settle_in_part(CheckName::ArtifactsPresent, missing, IN_PART);
            findings.settle_in_part(CheckName::NothingExtra, strangers, IN_PART);
        }
    }
    let is_nothing_named = scene.scope == Scope::Release && release.files().next().is_none();
    if looked_at == 0 && !is_nothing_named {
        findings.not_run(CheckName::ArtifactsMatch, "there is no file to compare");
    } else {
        findings.settle(CheckName::ArtifactsMatch, differing);
    }
    match scene.scope {
        _ if refused => findings.settle_in_part(CheckName::BinariesMatch, inside, "an archive is not the signed one"),
        Scope::Release if !unopened.is_empty() => {
            findings.settle_in_part(CheckName::BinariesMatch, inside, "an archive is missing");
        }
        Scope::Files if opened == 0 => findings.not_run(CheckName::BinariesMatch, "no archive is named"),
        Scope::Release | Scope::Files => findings.settle(CheckName::BinariesMatch, inside),
    }
}
