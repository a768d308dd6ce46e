//! What was fetched of a database in the network, kept in the cache folder in the database's own layout.
//!
//! `index/db.json` is asked for each time and written last: a fetch that was cut off is done again.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use sealift_trust::Digest;

use super::{DB, INDEX_CAP, MODULES, Reach};
use crate::host::http::{Http, HttpError, redacted};
use crate::host::{Host, clock, files, machine, staging};
use crate::scan::error::ScanError;
use crate::scan::osv::RECORD_CAP;

/// Records that are fetched at once.
const AT_ONCE: usize = 8;
/// Holds when the database was last asked.
const ASKED: &str = "asked";

/// A database in the network and what there is of it here.
pub(super) struct Mirror {
    base: String,
    shown: String,
    dir: PathBuf,
    http: Option<Http>,
}

impl Mirror {
    /// Asks for the index where it may, and gives it.
    pub(super) fn open(host: &Host, cache: &Path, place: &str, reach: Reach) -> Result<(Self, Vec<u8>), ScanError> {
        let base = place.trim_end_matches('/').to_owned();
        let dir = cache.join("vulnerabilities").join(&Digest::of(base.as_bytes()).hex()[..32]);
        let http = (reach == Reach::Online).then(|| Http::new(&host.env));
        let mirror = Self { shown: redacted(&base), base, dir, http };
        if mirror.http.is_some() {
            mirror.refresh()?;
        }
        let modules = match (mirror.stored(DB)?, mirror.stored(MODULES)?) {
            (Some(_), Some(modules)) => modules,
            _ => return Err(ScanError::Missing { place: mirror.shown }),
        };
        Ok((mirror, modules))
    }

    /// What is kept of a file of the database.
    pub(super) fn stored(&self, name: &str) -> Result<Option<Vec<u8>>, ScanError> {
        Ok(files::read_if_present(&self.dir.join(name), INDEX_CAP)?)
    }

    /// Seconds since 1970 when the network was last asked.
    pub(super) fn fetched(&self) -> Result<Option<u64>, ScanError> {
        let text = self.stored(ASKED)?.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.and_then(|text| text.trim().parse().ok()))
    }

    /// Fetches the records that are not here yet. Without the network nothing is done: what is missing is found out when
    /// it is read.
    pub(super) fn fetch<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Result<(), ScanError> {
        let Some(http) = &self.http else { return Ok(()) };
        let mut missing = Vec::new();
        for id in ids.collect::<BTreeSet<_>>() {
            let part = format!("ID/{id}.json");
            if files::what(&self.dir.join(&part))? == files::What::Nothing {
                missing.push(part);
            }
        }
        machine::parallel(&missing, AT_ONCE, |part| {
            let bytes = self.get(http, part, RECORD_CAP)?;
            self.keep(part, &bytes)
        })?;
        Ok(())
    }

    fn refresh(&self) -> Result<(), ScanError> {
        let Some(http) = &self.http else { return Ok(()) };
        for folder in ["", "index", "ID"] {
            let folder = self.dir.join(folder);
            files::make_folder(&folder)?;
            staging::sweep(&folder)?;
        }
        let db = self.get(http, DB, RECORD_CAP)?;
        let dated = super::meta(&self.shown, Some(db.clone()))?.is_some();
        // A database that does not tell when it was changed is compared as a whole.
        if !dated || self.stored(DB)?.as_ref() != Some(&db) {
            let modules = self.get(http, MODULES, INDEX_CAP)?;
            if self.stored(MODULES)?.as_ref() != Some(&modules) {
                self.forget_changed(&super::index(&self.shown, &modules)?.1)?;
                self.keep(MODULES, &modules)?;
            }
            self.keep(DB, &db)?;
        }
        self.keep(ASKED, clock::now().to_string().as_bytes())
    }

    /// Removes the records that the new index says were changed, or does not have, or does not date.
    fn forget_changed(&self, changed: &HashMap<String, String>) -> Result<(), ScanError> {
        let folder = self.dir.join("ID");
        for name in files::names(&folder)? {
            let path = folder.join(&name);
            let wanted = name.strip_suffix(".json").and_then(|id| changed.get(id));
            let wanted = wanted.and_then(|text| super::moment(text));
            let bytes = files::read_if_present(&path, RECORD_CAP)?.unwrap_or_default();
            let known = super::Advisory::read(&bytes).ok().and_then(|record| super::moment(&record.modified));
            if wanted.is_none() || wanted != known {
                files::remove(&path)?;
            }
        }
        Ok(())
    }

    fn get(&self, http: &Http, part: &str, cap: u64) -> Result<Vec<u8>, ScanError> {
        http.get(&format!("{}/{part}", self.base), cap).map_err(|source| match source {
            HttpError::NotFound { .. } => ScanError::Incomplete { place: self.shown.clone(), part: part.to_owned() },
            source => ScanError::Network { place: self.shown.clone(), source },
        })
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), ScanError> {
        let path = self.dir.join(name);
        let folder = path.parent().expect("a file lies in a folder");
        files::make_folder(folder)?;
        // A cache need not survive a power cut: what is torn then does not parse, and is refused.
        let mut staged = staging::Staged::create(folder, 0o644)?;
        staged.write_all(bytes).map_err(files::at("write", &path))?;
        staged.measured().commit_volatile(&path)?;
        Ok(())
    }
}
