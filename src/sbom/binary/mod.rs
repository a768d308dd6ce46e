//! What an executable says of itself: Go's build information and function names, cargo-auditable's crates.

mod build_info;
mod container;
mod crates;
mod error;
mod functions;
mod go_string;
mod symbol;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use container::Container;

pub use build_info::{BuildInfo, Module};
pub use error::BinaryError;
pub use symbol::Symbol;

/// An executable, or one of the executables of a fat one.
#[derive(Clone, Debug)]
pub struct Binary<'a> {
    /// The container.
    pub format: Format,
    /// The processor by Go's name (`GOARCH`), or `unknown`.
    pub arch: &'static str,
    /// What the Go linker wrote; `None` when no Go linker made the file.
    pub build_info: Option<BuildInfo>,
    /// The names of the functions in it.
    pub functions: Functions<'a>,
    /// The crates in it, when it was built with `cargo auditable`.
    pub crates: Option<Vec<Crate>>,
    /// Whether UPX packed it, so that nothing else can be seen.
    pub packed: bool,
}

/// Reads what a file holds: one executable, or those of a fat one in its order. Time and memory are bounded by the file's
/// length, and nothing in it makes this panic. Errors: no executable, or one whose parts contradict each other.
pub fn read(bytes: &[u8]) -> Result<Vec<Binary<'_>>, BinaryError> {
    container::containers(bytes)?.iter().map(read_one).collect()
}

fn read_one<'a>(container: &Container<'a>) -> Result<Binary<'a>, BinaryError> {
    let build_info = build_info::build_info(container)?;
    let functions = match build_info {
        Some(_) => functions::functions(container)?,
        None => Functions::Unknown("no Go linker made it"),
    };
    Ok(Binary {
        format: container.format,
        arch: container.arch,
        functions,
        crates: crates::crates(container)?,
        packed: build_info.is_none() && container.is_packed(),
        build_info,
    })
}

/// The form of an executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// System V's, for most Unix systems.
    Elf,
    /// Windows'.
    Pe,
    /// Apple's.
    MachO,
}

/// The names of the functions that are in a Go executable: those that stand alone and those that were only inlined.
/// Taken from the table that the runtime needs, so `-s -w` does not hide them.
#[derive(Clone, Debug)]
pub enum Functions<'a> {
    /// The linker's table of names.
    Known(Names<'a>),
    /// There is no such table, and why.
    Unknown(&'static str),
}

/// A table of names, each ending with a zero byte.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a>(&'a [u8]);

impl<'a> Names<'a> {
    /// Every name as the linker wrote it, for example `net/http.(*Client).Do`; a few may come twice. A name that is not
    /// UTF-8 is passed over: no Go compiler wrote it, and it equals no name that anybody looks for.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let names = self.0.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names.filter_map(|name| std::str::from_utf8(name).ok())
    }
}

/// A Rust package in a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from: `crates.io`, `git`, `local`, `registry`, or another word.
    pub source: String,
    /// Whether it only took part in the build.
    pub build: bool,
    /// Indexes of the crates that it depends on.
    pub dependencies: Vec<usize>,
    /// Whether it is the program itself.
    pub root: bool,
}

/// Settings by name, for example `GOOS`.
pub type Settings = BTreeMap<String, String>;
