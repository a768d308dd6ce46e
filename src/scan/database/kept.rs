//! What was found out about a zip of loose records, kept in the cache folder under the zip's digest: the records are gone
//! through once, and not in every scan.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::Files;
use super::{Ecosystem, INDEX_CAP, Index};
use crate::host::{files, staging};
use crate::scan::error::ScanError;

/// The form of what is kept. A change in what is found in the same records needs a new number.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    newest: Option<u64>,
    packages: Vec<(Ecosystem, String, Vec<String>)>,
}

/// The index of loose records and when the newest of them was changed.
pub(super) fn loose(cache: &Path, place: &str, from: &Files) -> Result<(Index, Option<u64>), ScanError> {
    // A folder changes while it stays the same folder.
    let Some(digest) = from.digest()? else { return super::loose(place, from) };
    let folder = cache.join("vulnerabilities");
    let path = folder.join(format!("loose-{}.json", &digest.hex()[..32]));
    if let Some(kept) = read(&path)? {
        let packages = kept.packages.into_iter().map(|(ecosystem, name, records)| ((ecosystem, name), records));
        return Ok((packages.collect(), kept.newest));
    }
    let (index, newest) = super::loose(place, from)?;
    let mut packages: Vec<(Ecosystem, String, Vec<String>)> =
        index.iter().map(|((ecosystem, name), records)| (*ecosystem, name.clone(), records.clone())).collect();
    packages.sort();
    let bytes = serde_json::to_vec(&Kept { version: VERSION, newest, packages }).expect("an index is plain data");
    files::make_folder(&folder)?;
    // A cache need not survive a power cut: what is torn then does not parse, and is made again.
    let mut staged = staging::Staged::create(&folder, 0o644)?;
    staged.write_all(&bytes).map_err(files::at("write", &path))?;
    staged.measured().commit_volatile(&path)?;
    Ok((index, newest))
}

fn read(path: &Path) -> Result<Option<Kept>, ScanError> {
    let bytes = files::read_if_present(path, INDEX_CAP)?;
    let kept: Option<Kept> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(kept.filter(|kept| kept.version == VERSION))
}
