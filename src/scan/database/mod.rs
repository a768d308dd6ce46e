//! Databases of vulnerabilities: in the layout of the Go vulnerability database, where an index says which records
//! concern a module, or as loose OSV records, as RustSec exports them.

mod files;
mod mirror;

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::ScanError;
use super::osv::{Advisory, RECORD_CAP, moment};
use crate::host::Host;
use crate::store::{KeyBuilder, Store};
use files::Files;
use mirror::Mirror;

/// The most bytes that an index may have.
const INDEX_CAP: u64 = 64 << 20;
/// The most records that a database without an index may have.
const MOST_RECORDS: usize = 500_000;

/// Seconds by which two clocks may differ.
const SKEW: u64 = 86_400;

const DB: &str = "index/db.json";
const MODULES: &str = "index/modules.json";

/// Where packages come from, in the words of OSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ecosystem {
    /// Go modules, the standard library among them.
    Go,
    /// Rust crates.
    #[serde(rename = "crates.io")]
    Crates,
}

impl Ecosystem {
    /// OSV's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Go => "Go",
            Self::Crates => "crates.io",
        }
    }
}

/// Whether the network may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It may.
    Online,
    /// Only what was fetched before is used.
    Offline,
}

/// A database that can be asked.
pub struct Database {
    place: String,
    source: Source,
    index: Index,
    state: State,
}

/// What is known of a database, for people and records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// As the user names it.
    pub place: String,
    /// Packages of which it knows something.
    pub packages: usize,
    /// Seconds since 1970 of its last change, where it says so, else of the file's.
    pub modified: Option<u64>,
    /// Whether [`State::modified`] is only the time of the file.
    pub dated_by_file: bool,
    /// Seconds since 1970 when it was last fetched or found unchanged, for one from the network.
    pub fetched: Option<u64>,
}

impl State {
    /// How old what it says is, in seconds: since it was changed, or since the network was asked, whichever is longer ago. A
    /// place that never changes is old however often it is asked. Nothing without a date, and with one that is to come.
    pub fn age(&self, now: u64) -> Option<u64> {
        let dates = [self.modified, self.fetched].into_iter().flatten();
        let is_to_come = dates.clone().any(|date| date > now.saturating_add(SKEW));
        dates.min().filter(|_| !is_to_come).map(|oldest| now.saturating_sub(oldest))
    }
}

enum Source {
    Files(Files),
    Mirror(Mirror),
}

/// Which records concern a package: identifiers, or names of files.
type Index = HashMap<(Ecosystem, String), Vec<String>>;

/// `index/modules.json`, as far as it is needed.
#[derive(Deserialize)]
struct ModuleEntry {
    path: String,
    #[serde(default)]
    vulns: Vec<VulnEntry>,
}

#[derive(Deserialize)]
struct VulnEntry {
    id: String,
    #[serde(default)]
    modified: String,
}

/// `index/db.json`.
#[derive(Deserialize)]
struct Meta {
    modified: String,
}

/// What of a record an index needs.
#[derive(Deserialize)]
struct Sketch {
    #[serde(default)]
    modified: String,
    #[serde(default)]
    affected: Vec<SketchAffected>,
}

#[derive(Deserialize)]
struct SketchAffected {
    package: super::osv::Package,
}

impl Database {
    /// Opens a folder, a zip, or an address that begins with `http://` or `https://`; what comes from the network is kept
    /// below the cache folder, and so is the index that loose records need. Only the index is read, the records when they
    /// are asked for.
    pub fn open(host: &Host, cache: &Path, place: &str, reach: Reach) -> Result<Self, ScanError> {
        if is_address(place) {
            let (mirror, modules) = Mirror::open(host, cache, place, reach)?;
            let modified = meta(place, mirror.stored(DB)?)?;
            let index = index(place, &modules)?.0;
            let state = state(place, &index, modified, false, mirror.fetched()?);
            return Ok(Self { place: place.to_owned(), source: Source::Mirror(mirror), index, state });
        }
        let files = Files::open(place)?;
        let (index, modified) = match files.read(MODULES, INDEX_CAP)? {
            Some(bytes) => (index(place, &bytes)?.0, meta(place, files.read(DB, RECORD_CAP)?)?),
            None if files.read(DB, RECORD_CAP)?.is_some() => {
                return Err(ScanError::Incomplete { place: place.to_owned(), part: MODULES.to_owned() });
            }
            None => remembered(cache, place, &files)?,
        };
        let dated_by_file = modified.is_none();
        let modified = match modified {
            Some(at) => Some(at),
            None => files.written()?,
        };
        let state = state(place, &index, modified, dated_by_file, None);
        Ok(Self { place: place.to_owned(), source: Source::Files(files), index, state })
    }

    /// What is known of it.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Every record that concerns some packages: each with the packages' places in the list. Withdrawn ones are among
    /// them.
    pub fn advisories(&self, packages: &[(Ecosystem, &str)]) -> Result<Vec<(usize, Advisory)>, ScanError> {
        let mut wanted = Vec::new();
        for (at, (ecosystem, name)) in packages.iter().enumerate() {
            let Some(names) = self.index.get(&(*ecosystem, (*name).to_owned())) else { continue };
            wanted.extend(names.iter().map(|name| (at, name)));
        }
        if let Source::Mirror(mirror) = &self.source {
            mirror.fetch(wanted.iter().map(|(_, id)| id.as_str()))?;
        }
        wanted.into_iter().map(|(at, name)| Ok((at, self.record(name)?))).collect()
    }

    fn record(&self, name: &str) -> Result<Advisory, ScanError> {
        let indexed = !name.ends_with(".json");
        let part = if indexed { format!("ID/{name}.json") } else { name.to_owned() };
        let bytes = match &self.source {
            Source::Files(files) => files.read(&part, RECORD_CAP)?,
            Source::Mirror(mirror) => mirror.stored(&part)?,
        };
        let bytes =
            bytes.ok_or_else(|| ScanError::Incomplete { place: self.place.clone(), part: ScanError::shown(&part) })?;
        let advisory = read(&self.place, &part, &bytes)?;
        if indexed && advisory.id != name {
            let source = format!("it says that it is {}", ScanError::shown(&advisory.id)).into();
            return Err(ScanError::Broken { place: self.place.clone(), part: ScanError::shown(&part), source });
        }
        Ok(advisory)
    }
}

/// Whether a database is named by an address, and not by a path.
pub fn is_address(place: &str) -> bool {
    place.starts_with("https://") || place.starts_with("http://")
}

fn state(place: &str, index: &Index, modified: Option<u64>, dated_by_file: bool, fetched: Option<u64>) -> State {
    State { place: place.to_owned(), packages: index.len(), modified, dated_by_file, fetched }
}

fn read(place: &str, part: &str, bytes: &[u8]) -> Result<Advisory, ScanError> {
    Advisory::read(bytes).map_err(|source| ScanError::Record {
        place: place.to_owned(),
        part: ScanError::shown(part),
        source,
    })
}

fn broken(place: &str, part: &str) -> impl FnOnce(serde_json::Error) -> ScanError {
    let (place, part) = (place.to_owned(), ScanError::shown(part));
    move |error| ScanError::Broken { place, part, source: error.into() }
}

/// Reads `index/modules.json`; also gives when each record was changed, as written.
fn index(place: &str, bytes: &[u8]) -> Result<(Index, HashMap<String, String>), ScanError> {
    let modules: Vec<ModuleEntry> = serde_json::from_slice(bytes).map_err(broken(place, MODULES))?;
    let (mut index, mut changed) = (Index::with_capacity(modules.len()), HashMap::new());
    for module in modules {
        let mut ids = Vec::with_capacity(module.vulns.len());
        for vuln in module.vulns {
            // It becomes part of a path and of an address.
            if !is_plain(&vuln.id) {
                let source = format!("{} is no identifier", ScanError::shown(&vuln.id)).into();
                return Err(ScanError::Broken { place: place.to_owned(), part: MODULES.to_owned(), source });
            }
            changed.insert(vuln.id.clone(), vuln.modified);
            ids.push(vuln.id);
        }
        ids.sort();
        ids.dedup();
        index.insert((Ecosystem::Go, module.path), ids);
    }
    Ok((index, changed))
}

/// Letters, digits and `-`, as in `GO-2024-2687`.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// When a database says that it was changed; nothing where it says the zero time.
fn meta(place: &str, bytes: Option<Vec<u8>>) -> Result<Option<u64>, ScanError> {
    let bytes = bytes.ok_or_else(|| ScanError::Incomplete { place: place.to_owned(), part: DB.to_owned() })?;
    let meta: Meta = serde_json::from_slice(&bytes).map_err(broken(place, DB))?;
    Ok(moment(&meta.modified))
}

/// An index of loose records as it is kept.
#[derive(Serialize, Deserialize)]
struct Loose {
    packages: Vec<(Ecosystem, String, Vec<String>)>,
    newest: Option<u64>,
}

/// The index of loose records, made once for each state of the files: every record is read for it.
fn remembered(cache: &Path, place: &str, files: &Files) -> Result<(Index, Option<u64>), ScanError> {
    let key = KeyBuilder::new("vulnerability-index", 1).with("files", &files.identity()?.hex());
    let make = || {
        let (index, newest) = loose(place, files)?;
        let mut packages: Vec<_> = index.into_iter().map(|((ecosystem, name), ids)| (ecosystem, name, ids)).collect();
        packages.sort();
        Ok::<_, ScanError>(Loose { packages, newest })
    };
    let Loose { packages, newest } = Store::open(cache)?.memo(&key.finish(), "index of vulnerabilities", make)?;
    Ok((packages.into_iter().map(|(ecosystem, name, ids)| ((ecosystem, name), ids)).collect(), newest))
}

/// Makes an index of loose records; the newest of them dates them all.
fn loose(place: &str, files: &Files) -> Result<(Index, Option<u64>), ScanError> {
    let names = files.records()?;
    if names.is_empty() || names.len() > MOST_RECORDS {
        let why = if names.is_empty() { "it has no record".into() } else { format!("it has {} records", names.len()) };
        return Err(ScanError::NotADatabase { place: place.to_owned(), why });
    }
    let (mut index, mut newest) = (Index::new(), None);
    for name in names {
        let bytes = files.read(&name, RECORD_CAP)?.unwrap_or_default();
        let sketch: Sketch = serde_json::from_slice(&bytes).map_err(broken(place, &name))?;
        newest = newest.max(moment(&sketch.modified));
        for affected in sketch.affected {
            let ecosystem = match affected.package.ecosystem.as_str() {
                "Go" => Ecosystem::Go,
                "crates.io" => Ecosystem::Crates,
                _ => continue,
            };
            let known: &mut Vec<String> = index.entry((ecosystem, affected.package.name)).or_default();
            if known.last() != Some(&name) {
                known.push(name.clone());
            }
        }
    }
    Ok((index, newest))
}

#[cfg(test)]
mod tests;
