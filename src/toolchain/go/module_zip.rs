//! The zip of a toolchain module: what is in it, its hash, and its files on disk.

use std::io::{self, Read};
use std::path::Path;

use super::dirhash;
use super::fault::GoError;
use super::release::Release;
use crate::archive::{self, ArchiveError, Entry, Format, Limits, Listing, ReadSeek, Sink};
use crate::host::files;
use crate::host::unpack::Unpacked;

/// A zip that was read whole and found sound.
pub struct ModuleZip<'a> {
    path: &'a Path,
    release: &'a Release,
    listing: Listing,
}

impl<'a> ModuleZip<'a> {
    /// Reads a whole zip. Nothing is written; every name must be below the module's prefix (Go modules reference, "Module
    /// zip files").
    pub fn inspect(path: &'a Path, release: &'a Release) -> Result<Self, GoError> {
        let listing = archive::list(Format::Zip, &open(path), &Limits::go_module()).map_err(wrong(release))?;
        let prefix = release.prefix();
        if let Some(stray) = listing.entries().iter().find(|entry| !entry.path.as_str().starts_with(&prefix)) {
            let entry = stray.path.to_string();
            return Err(GoError::Prefix { name: release.name(), entry, prefix });
        }
        Ok(Self { path, release, listing })
    }

    /// The module's `h1:` hash.
    pub fn hash(&self) -> String {
        let files = self.listing.entries().iter();
        dirhash::hash1(files.filter_map(|entry| Some((entry.path.as_str(), entry.artifact()?.digest()))))
    }

    /// Writes the files into a new folder, without the prefix.
    pub fn unpack(&self, to: &Path, stopped: &dyn Fn() -> bool) -> Result<(), GoError> {
        let mut out = Out { folder: Unpacked::create(to)?, skip: self.release.prefix().len(), stopped };
        archive::extract(&self.listing, &open(self.path), &mut out).map_err(wrong(self.release))?;
        Ok(out.folder.settle()?)
    }
}

fn open(path: &Path) -> impl Fn() -> io::Result<Box<dyn ReadSeek>> + '_ {
    || {
        let file = files::open(path).map_err(io::Error::other)?;
        Ok(Box::new(io::BufReader::with_capacity(128 * 1024, file)))
    }
}

fn wrong(release: &Release) -> impl FnOnce(ArchiveError) -> GoError + '_ {
    |source| GoError::Archive { name: release.name(), source: Box::new(source) }
}

struct Out<'a> {
    folder: Unpacked,
    skip: usize,
    stopped: &'a dyn Fn() -> bool,
}

impl Out<'_> {
    fn name<'e>(&self, entry: &'e Entry) -> &'e str {
        entry.path.as_str().get(self.skip..).unwrap_or("")
    }
}

impl Sink for Out<'_> {
    fn folder(&mut self, entry: &Entry) -> io::Result<()> {
        self.folder.folder(self.name(entry))
    }

    fn file(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        if (self.stopped)() {
            return Err(io::Error::other("interrupted"));
        }
        let name = placed(self.name(entry));
        let mut file = self.folder.file(&name, mode(&name))?;
        io::copy(content, &mut file).map(drop)
    }

    fn link(&mut self, _: &Entry, _: &str) -> io::Result<()> {
        // Module zips have no links, and the limits refuse them before this.
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A module's zip cannot hold other modules, so the `go.mod` files of the standard library are in it as `_go.mod`; the go
/// command gives them their names back (`cmd/go/internal/toolchain`).
fn placed(name: &str) -> String {
    match name.strip_suffix("_go.mod") {
        Some(folder) if folder.ends_with('/') => format!("{folder}go.mod"),
        _ => name.to_owned(),
    }
}

/// Module zips carry no modes; the go command makes the same folders executable when it downloads a toolchain
/// (`cmd/go/internal/toolchain`), of `lib` those scripts that serve a program as an interpreter.
fn mode(name: &str) -> u32 {
    let script = name.starts_with("lib/")
        && name.rsplit('/').next().is_some_and(|leaf| leaf.starts_with("go_") && leaf.ends_with("_exec"));
    if name.starts_with("bin/") || name.starts_with("pkg/tool/") || script { 0o755 } else { 0o644 }
}
