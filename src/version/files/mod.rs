//! What a version changes in the files of a project: pure functions from text to text, which keep everything else of a
//! text as it is.

pub mod cargo;
pub mod go;
pub mod npm;
mod pattern;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::error::{Fault, Kind, Place};
use crate::toolchain::go::gomod::ModFileError;

pub use pattern::pattern;

/// Why a file cannot be brought to a version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// It is not what its name says.
    #[error("{file}: {why}")]
    Form {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// Nothing in it looks like the pattern.
    #[error("{file} has no place {pattern:?} with a version in it")]
    NoPlace {
        /// The file.
        file: String,
        /// As configured.
        pattern: String,
    },
    /// A `go.mod`.
    #[error(transparent)]
    GoMod(#[from] ModFileError),
    /// The module path does not have the major version.
    #[error("version {version} needs the module path {wanted}: {count} line{} to change", if *.count == 1 { " has" } else { "s have" })]
    ModulePath {
        /// The version.
        version: semver::Version,
        /// The path that it needs.
        wanted: String,
        /// How many lines.
        count: usize,
        /// Which, one each.
        lines: String,
        /// Whether they can be changed with the other files that name the version.
        together: bool,
    },
    /// `go.mod` takes the version back before it is there.
    #[error("go.mod retracts {version}: no go command would choose it")]
    Retracted {
        /// The version.
        version: semver::Version,
        /// Where.
        place: Place,
    },
}

impl Fault for FilesError {
    fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "version.file-form",
            Self::NoPlace { .. } => "version.no-place",
            Self::GoMod(error) => error.code(),
            Self::ModulePath { .. } => "version.module-path",
            Self::Retracted { .. } => "version.retracted",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Config
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Form { .. } => "correct the file; sealift changes nothing that it cannot read".into(),
            Self::NoPlace { .. } => "correct version.files in sealift.toml, or write a version there first".into(),
            Self::GoMod(error) => return error.hint(),
            Self::ModulePath { together: true, .. } => {
                "sealift version bump --fix changes them (https://go.dev/ref/mod#major-version-suffixes)".into()
            }
            Self::ModulePath { .. } => {
                "change it, and the imports of the module (https://go.dev/ref/mod#major-version-suffixes)".into()
            }
            Self::Retracted { .. } => {
                "take the line out of go.mod, or ask for a later version: Release-As: X.Y.Z".into()
            }
        })
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::GoMod(error) => error.place(),
            Self::Retracted { place, .. } => Some(place.clone()),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::ModulePath { lines, .. } => Some(lines.clone()),
            _ => None,
        }
    }
}

/// Puts texts in the place of ranges, which do not overlap.
fn replace(text: &str, mut changes: Vec<(Range<usize>, String)>) -> String {
    changes.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for (range, new) in changes {
        out.push_str(&text[at..range.start]);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}
