//! Which files in `dist/` are ours: what is not in this list was put there by somebody else.

use std::collections::BTreeSet;
use std::path::Path;

use sealift_trust::JsonError;
use sealift_trust::json::{Limits, Numbers, canonical, from_value, parse_canonical, to_value};
use sealift_trust::name::InnerPath;
use serde::{Deserialize, Serialize};

use super::AttestError;
use crate::host::files;
use crate::host::staging;

const SCHEMA: &str = "urn:sealift:dist:1";

/// The longest list, in bytes: far more than a release has files.
const MAX_BYTES: usize = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Journal {
    schema: String,
    names: BTreeSet<InnerPath>,
}

/// Reads the list; without a file nothing is ours.
pub(super) fn read(path: &Path) -> Result<BTreeSet<InnerPath>, AttestError> {
    let Some(bytes) = files::read_if_present(path, MAX_BYTES as u64)? else { return Ok(BTreeSet::new()) };
    parse(&bytes).map_err(|source| AttestError::Journal { path: path.display().to_string(), source })
}

fn parse(bytes: &[u8]) -> Result<BTreeSet<InnerPath>, JsonError> {
    let limits = Limits { bytes: MAX_BYTES, values: 1_000_000, numbers: Numbers::IntegersOnly };
    let journal: Journal = from_value(parse_canonical(bytes, &limits)?)?;
    if journal.schema != SCHEMA {
        return Err(JsonError::Shape(format!("the schema is not {SCHEMA}")));
    }
    Ok(journal.names)
}

/// Writes the list, so that a reader sees the old or the new one.
pub(super) fn write(path: &Path, names: &BTreeSet<InnerPath>) -> Result<(), AttestError> {
    let damaged = |source| AttestError::Journal { path: path.display().to_string(), source };
    let value = to_value(&Journal { schema: SCHEMA.to_owned(), names: names.clone() }).map_err(damaged)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::make_folder(folder)?;
    }
    staging::write(path, &canonical(&value), 0o644)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_back_and_a_damaged_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below/dist.json");
        assert!(read(&path).unwrap().is_empty());
        let names = BTreeSet::from(["b/c".parse().unwrap(), "a".parse().unwrap()]);
        write(&path, &names).unwrap();
        assert_eq!(read(&path).unwrap(), names);
        for damaged in ["", "{}", r#"{"names":["../x"],"schema":"urn:sealift:dist:1"}"#, r#"{"names":[],"schema":"x"}"#]
        {
            staging::write(&path, damaged.as_bytes(), 0o644).unwrap();
            assert!(matches!(read(&path), Err(AttestError::Journal { .. })), "{damaged}");
        }
    }
}
