//! The licences of Go modules, from where the go command keeps their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sealift_trust::Digest;

use super::super::binary::Module;
use super::{TEXT_CAP, is_license_file, of_files};
use crate::command::Command;
use crate::error::Failure;
use crate::host::Host;
use crate::host::files::{self, FileError};
use crate::store::{KeyBuilder, Store};
use crate::survey::Toolchain;

/// How a licence is found out. A change in what is found in the same files needs a new number.
const VERSION: u32 = 1;

/// Licences by `path@version`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Licenses(BTreeMap<String, String>);

impl Licenses {
    /// That of a module, as an SPDX expression.
    pub(in super::super) fn of(&self, path: &str, version: &str) -> Option<&str> {
        self.0.get(&name(path, version)).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Licenses {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// Where the modules of a toolchain lie, and what was found in them already.
pub struct Library<'a> {
    host: &'a Host,
    store: &'a Store,
    toolchain: &'a Toolchain,
    known: Mutex<BTreeMap<String, Option<String>>>,
}

/// The licences of a program's modules, and whether every module's files were there to be looked at.
pub struct Looked {
    /// What was found.
    pub licenses: Licenses,
    /// Modules whose files are not on this machine and could not be fetched.
    pub missing: Vec<String>,
}

impl<'a> Library<'a> {
    /// That of a toolchain.
    pub fn new(host: &'a Host, store: &'a Store, toolchain: &'a Toolchain) -> Self {
        Self { host, store, toolchain, known: Mutex::default() }
    }

    /// What the answer depends on besides a program's modules: of vendored ones the licence files themselves, of others
    /// nothing, because the program names the hash of every file of them.
    pub fn digest(&self) -> Result<Digest, FileError> {
        let mut key = KeyBuilder::new("licenses", VERSION);
        if self.toolchain.vendored {
            let vendor = self.toolchain.dir.join("vendor");
            let mut paths = Vec::new();
            let is = |path: &str| is_license_file(path.rsplit('/').next().unwrap_or(path));
            crate::host::tree::walk(&vendor, &mut |_| true, &mut |path| {
                if is(path) {
                    paths.push(path.to_owned());
                }
            })?;
            for path in paths {
                key.add(&path, &files::measure(&vendor.join(&path))?.digest().hex());
            }
        }
        Ok(key.finish().digest())
    }

    /// Looks into the files of modules. Those that are not on this machine are fetched, as the go command fetches what it
    /// builds.
    pub fn look(&self, modules: &[Module]) -> Result<Looked, Failure> {
        // Of a folder in a module's place only the builder's own path is known.
        let real = modules.iter().map(Module::effective).filter(|one| one.version.starts_with('v'));
        let wanted: Vec<&Module> = real.collect();
        let mut absent = Vec::new();
        for module in &wanted {
            if self.license(module)?.is_none() {
                absent.push(*module);
            }
        }
        if !absent.is_empty() && !self.toolchain.vendored {
            self.fetch(&absent);
        }
        let (mut licenses, mut missing) = (BTreeMap::new(), Vec::new());
        for module in wanted {
            let name = name(&module.path, &module.version);
            match self.license(module)? {
                Some(license) => licenses.extend(license.map(|license| (name, license))),
                None => missing.push(name),
            }
        }
        Ok(Looked { licenses: Licenses(licenses), missing })
    }

    /// A module's licence; nothing when its files are not here.
    fn license(&self, module: &Module) -> Result<Option<Option<String>>, Failure> {
        let name = name(&module.path, &module.version);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(license) = known().get(&name) {
            return Ok(Some(license.clone()));
        }
        let (sum, vendored) = (module.sum.as_deref().unwrap_or_default(), self.toolchain.vendored);
        let key = KeyBuilder::new("license", VERSION).with("module", &name).with("sum", sum).finish();
        // What stands in `vendor/` is whatever somebody put there.
        let license = match if sum.is_empty() || vendored { None } else { self.store.find(&key)? } {
            Some(record) => serde_json::from_value(record.value).unwrap_or_default(),
            None => {
                let folder = self.folder(module);
                if !files::is_folder(&folder) {
                    return Ok(None);
                }
                let license = of_folder(&folder)?;
                if !sum.is_empty() && !vendored {
                    let value = serde_json::to_value(&license).expect("a licence is plain data");
                    let record =
                        crate::store::Record { step: format!("license of {name}"), outputs: BTreeMap::new(), value };
                    self.store.record(&key, &record)?;
                }
                license
            }
        };
        known().insert(name, license.clone());
        Ok(Some(license))
    }

    fn folder(&self, module: &Module) -> PathBuf {
        if self.toolchain.vendored {
            return self.toolchain.dir.join("vendor").join(&module.path);
        }
        module_cache(self.toolchain).join(format!("{}@{}", escaped(&module.path), escaped(&module.version)))
    }

    /// Whatever goes wrong, the licences of what is missing are not known, and that is said.
    fn fetch(&self, modules: &[&Module]) {
        let names = modules.iter().map(|module| name(&module.path, &module.version));
        let command = Command::new(&self.toolchain.program, &self.toolchain.dir).args(["mod", "download"]).args(names);
        let command = command.envs(self.toolchain.environment(BTreeMap::new()));
        drop(self.host.run(&command));
    }
}

/// The licence that a module's root folder gives.
pub fn of_folder(folder: &Path) -> Result<Option<String>, FileError> {
    let mut texts = Vec::new();
    for name in files::names(folder)?.into_iter().filter(|name| is_license_file(name)) {
        let path = folder.join(&name);
        if let files::What::File { size, .. } = files::what(&path)? {
            // Nobody's licence is that long; what is not looked at is not known.
            let text = if size > TEXT_CAP { Vec::new() } else { files::read(&path, TEXT_CAP)? };
            texts.push((name, String::from_utf8_lossy(&text).into_owned()));
        }
    }
    texts.sort();
    Ok(of_files(&texts))
}

fn name(path: &str, version: &str) -> String {
    format!("{path}@{version}")
}

/// Where the module cache is (`go help environment`, `GOMODCACHE`).
fn module_cache(toolchain: &Toolchain) -> PathBuf {
    let var = |name: &str| toolchain.ambient.get(name).filter(|value| !value.is_empty());
    if let Some(cache) = var("GOMODCACHE") {
        return cache.into();
    }
    let first = var("GOPATH").and_then(|list| std::env::split_paths(list).next());
    let home = || var("HOME").or_else(|| var("USERPROFILE")).map(|home| Path::new(home).join("go"));
    first.or_else(home).unwrap_or_default().join("pkg/mod")
}

/// A path as the module cache has it (golang.org/x/mod/module, `EscapePath`): an upper-case letter is `!` and its lower-case
/// one.
fn escaped(path: &str) -> String {
    path.chars().fold(String::with_capacity(path.len()), |mut escaped, c| {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
        escaped
    })
}
