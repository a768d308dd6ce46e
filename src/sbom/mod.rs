//! What is in a program: read from the program itself, and written as CycloneDX or SPDX.
//!
//! [`binary`] reads executables; [`program`] and [`folder`] make a list of what they tell; [`write()`] writes it, and [`sbom`] is
//! the stage of a release.

mod attached;
pub mod binary;
mod cyclonedx;
mod difference;
mod document;
mod error;
pub mod executable;
mod folder;
mod graph;
mod image;
pub mod license;
mod packages;
mod program;
mod purl;
mod reading;
mod spdx;
mod stage;
#[cfg(test)]
mod tests;

use std::path::Path;

use sealift_trust::Digest;
use sealift_trust::statement::Timestamp;
use serde_json::Value;

use crate::artifact::Artifact;
use crate::host::map::{self, Mapped};
use crate::host::regular::{self, Found};
use crate::product::SbomFormat;

pub use difference::{Change, Difference, Item, difference};
pub use document::{Component, Role, Sbom};
pub use error::SbomError;
pub use folder::folder;
pub use graph::Graph;
pub use image::{Look, image};
pub use license::Licenses;
pub use program::{Program, Released, program};
pub use reading::{LIST_CAP, parse};
pub use stage::{Bench, Listed, images, sbom};

/// The document's bytes: the same list gives the same ones.
pub fn write(sbom: &Sbom, format: SbomFormat) -> Vec<u8> {
    match format {
        SbomFormat::CycloneDx => cyclonedx::write(sbom),
        SbomFormat::Spdx => spdx::write(sbom),
    }
}

/// What to do about an executable that does not tell what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silent {
    /// It is an error.
    Refuse,
    /// The SBOM says that it is incomplete.
    Admit,
}

/// Lists what is in one executable. `created` is when, in seconds since 1970; without it the build information's commit
/// time, or else 1970.
///
/// # Errors
/// `sbom.not-a-binary`, `sbom.damaged`, and with [`Silent::Refuse`] `sbom.packed` or `sbom.no-build-info`.
pub fn file(path: &Path, created: Option<u64>, silent: Silent) -> Result<Sbom, SbomError> {
    let shown = path.display().to_string();
    let mapped = open(path)?;
    let binaries = read(&mapped, &shown)?;
    if silent == Silent::Refuse {
        tells(&binaries, &shown)?;
    }
    let name = path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
    let created = created.or_else(|| commit_time(&binaries)).unwrap_or_default();
    let known = Program { name: &name, artifact: Artifact::of(&mapped), released: None, graph: None, licenses: None };
    Ok(program(&binaries, &known, created))
}

/// Maps a file that may be an executable.
pub fn open(path: &Path) -> Result<Mapped, SbomError> {
    match regular::follow(path)? {
        Found::File(found) => Ok(map::map(&found, path)?),
        Found::Nothing => Err(crate::host::files::at("open", path)(std::io::ErrorKind::NotFound.into()).into()),
        Found::Other(what) => Err(SbomError::NotAFile { path: SbomError::shown(&path.display().to_string()), what }),
    }
}

/// Reads the executables in a file; `path` is for what may be said of it.
pub fn read<'a>(bytes: &'a [u8], path: &str) -> Result<Vec<binary::Binary<'a>>, SbomError> {
    binary::read(bytes).map_err(|source| SbomError::Binary { path: SbomError::shown(path), source })
}

/// Refuses executables of which nothing is known.
pub fn tells(binaries: &[binary::Binary<'_>], path: &str) -> Result<(), SbomError> {
    let silent = |binary: &&binary::Binary<'_>| binary.build_info.is_none() && binary.crates.is_none();
    let Some(binary) = binaries.iter().find(silent) else { return Ok(()) };
    let why =
        if binary.packed { "UPX packed it" } else { "it has neither Go's build information nor a list of crates" };
    Err(SbomError::Silent { path: SbomError::shown(path), why, packed: binary.packed })
}

/// The time of the commit that a program was built from (`vcs.time`).
fn commit_time(binaries: &[binary::Binary<'_>]) -> Option<u64> {
    let info = binaries.iter().find_map(|binary| binary.build_info.as_ref())?;
    info.settings.get("vcs.time")?.parse::<Timestamp>().ok().map(|time| time.unix())
}

/// A moment as both formats have it (RFC 3339).
fn moment(seconds: u64) -> String {
    let last = || "9999-12-31T23:59:59Z".to_owned();
    Timestamp::from_unix(seconds).map_or_else(last, |moment| moment.to_string())
}

/// A name for a document that no other document has and that is the same when the document is made again: a UUID of
/// version 8 (RFC 9562) from the digest of all the rest.
fn unique(document: &Value) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Digest::of(document.to_string().as_bytes()).bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn bytes(document: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(document).expect("a document is plain data");
    bytes.push(b'\n');
    bytes
}
