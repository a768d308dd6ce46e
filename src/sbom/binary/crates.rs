//! The crates in a Rust program that was built with `cargo auditable`: compressed JSON in a section of its own
//! (rust-secure-code/cargo-auditable, `PARSING.md`).

use std::io::Read;

use serde::Deserialize;

use super::container::Container;
use super::{BinaryError, Crate};

const PART: &str = "list of crates";

/// The most that the list may have: what cargo-auditable's own reader takes.
const MOST: u64 = 8 << 20;

#[derive(Deserialize)]
struct Listed {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: String,
    #[serde(default)]
    kind: Role,
    #[serde(default)]
    dependencies: Vec<usize>,
    #[serde(default)]
    root: bool,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Role {
    #[default]
    Runtime,
    Build,
}

/// Reads the crates; `None` when there is no such section.
pub(super) fn crates(container: &Container<'_>) -> Result<Option<Vec<Crate>>, BinaryError> {
    container.section(&[".dep-v0"]).map(parse).transpose()
}

/// Reads the bytes of the section.
pub(super) fn parse(section: &[u8]) -> Result<Vec<Crate>, BinaryError> {
    let mut text = Vec::new();
    flate2::read::ZlibDecoder::new(section).take(MOST + 1).read_to_end(&mut text).map_err(|error| damaged(&error))?;
    if text.len() as u64 > MOST {
        return Err(BinaryError::TooLarge { part: PART, most: MOST });
    }
    let listed: Listed = serde_json::from_slice(&text).map_err(|error| damaged(&error))?;
    let crates: Vec<Crate> = listed.packages.into_iter().map(Crate::from).collect();
    if crates.iter().flat_map(|one| &one.dependencies).any(|index| *index >= crates.len()) {
        return Err(damaged(&"a crate depends on one that is not in it"));
    }
    if crates.iter().filter(|one| one.root).count() > 1 {
        return Err(damaged(&"it is of more than one program"));
    }
    Ok(crates)
}

impl From<Package> for Crate {
    fn from(package: Package) -> Self {
        let build = package.kind == Role::Build;
        let Package { name, version, source, dependencies, root, .. } = package;
        Self { name, version, source, build, dependencies, root }
    }
}

fn damaged(why: &dyn std::fmt::Display) -> BinaryError {
    BinaryError::Content { part: PART, why: why.to_string() }
}
