//! `sealift.toml`: as it is written (with the place of every value), and as it is resolved (with every default in its
//! place). [`load`] finds and reads the file, [`File::resolve`] puts the layers over each other.

mod error;
mod flags;
pub mod keys;
mod layers;
mod linker_flags;
mod locate;
mod notes;
mod origins;
mod reader;
mod reference;
mod resolve;
mod schema;
pub mod settings;
mod size;
pub mod template;
mod values;
mod variables;
mod written;

use std::path::{Path, PathBuf};

use sealift_trust::Digest;

use crate::host::Host;
use crate::target::Pattern;

pub use error::{ConfigError, Problem, Problems};
pub use linker_flags::join_linker_flags;
pub use locate::FILE_NAME;
pub use origins::{Origin, Origins, Row};
pub use reference::reference;
pub use schema::schema;
pub use settings::Config;
pub use size::{parse as parse_size, print as print_size};
pub use template::Template;

/// A configuration file that was found and read, or that none is needed.
pub struct File {
    root: PathBuf,
    /// As the user names it; empty without a file.
    name: String,
    text: String,
    contents: written::Contents,
}

/// What the project says of itself where the file is silent.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// The last element of the remote or of the module path.
    pub name: String,
    /// Where the name was found: `go.mod`, `git remote`, `folder`.
    pub name_from: &'static str,
    /// The address of the sources, without credentials.
    pub source: Option<String>,
    /// Where the address was found.
    pub source_from: &'static str,
}

/// What the command line says in place of the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--target`: these targets for every service.
    pub targets: Option<Vec<Pattern>>,
    /// `--service`: only these of the configured services; empty for all. Where services are to be found and not
    /// configured, who finds them chooses.
    pub services: Vec<String>,
    /// `--key`, as an absolute path.
    pub key: Option<PathBuf>,
}

/// A resolved configuration and where its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The origins of its values.
    pub origins: Origins,
    /// The digest of the file, if there is one.
    pub file: Option<Digest>,
}

/// Finds and reads the configuration file: the one that is named (relative to `dir`), else `sealift.toml` in `dir` or in
/// its parents up to the repository's top. Without one the result is an empty file. Errors: every problem in the file,
/// with its place; a named file that is missing.
pub fn load(host: &Host, dir: &Path, explicit: Option<&Path>) -> Result<File, ConfigError> {
    let found = locate::find(host, dir, explicit)?;
    let contents = written::read(&found.name, &found.text).map_err(ConfigError::Invalid)?;
    Ok(File { root: found.root, name: found.name, text: found.text, contents })
}

impl File {
    /// The project's folder: where the file is, else the repository's top, else where the search began.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file as the user names it, if there is one.
    pub fn name(&self) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| !name.is_empty())
    }

    /// Puts built-in values, file, services, environment and command line over each other. Errors: a name or a folder
    /// that cannot be decided, a service that is not there, values that contradict each other.
    pub fn resolve(
        &self,
        host: &Host,
        fallback: &dyn Fn() -> Fallback,
        overrides: &Overrides,
    ) -> Result<Loaded, ConfigError> {
        let resolver = resolve::Resolver::new(&self.contents, &self.name, &self.text);
        let (config, origins) = resolver.resolve(host, &self.root, fallback, overrides)?;
        Ok(Loaded { config, origins, file: self.name().map(|_| Digest::of(self.text.as_bytes())) })
    }
}

#[cfg(test)]
mod tests;
