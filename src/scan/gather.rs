//! Programs where they lie: files, folders, archives and image layouts. What is packed is taken out into a folder of the
//! run; nothing is executed.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sealift_trust::Digest;

use super::error::ScanError;
use crate::archive::{self, Entry, Format, Limits, ReadSeek};
use crate::error::Failure;
use crate::host::files::{self, What};
use crate::host::tree;
use crate::oci::layer::{self, LayerLimits};
use crate::oci::{Descriptor, Document, EntryKind, Layout, Source};
use crate::sanitize::sanitize_line;
use crate::sbom::executable::{head, is_executable, take_out};

/// How deep indexes may stand in each other.
const MOST_NESTED: usize = 4;

/// A program's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramFile {
    /// As a user finds it: `dist/shop.tar.gz: shop`.
    pub name: String,
    /// Where its bytes are.
    pub path: PathBuf,
    /// Their digest.
    pub digest: Digest,
    /// Whether the user named this very file: then it must be a program.
    pub named: bool,
    /// The version of the release that it is in.
    pub released: Option<String>,
}

/// Looks for programs below some paths; `stage` takes what is unpacked. The same bytes are taken once.
pub struct Gather<'a> {
    stage: &'a Path,
    seen: BTreeSet<Digest>,
    found: Vec<ProgramFile>,
    released: Option<String>,
}

impl<'a> Gather<'a> {
    /// Begins with nothing.
    pub fn new(stage: &'a Path) -> Self {
        Self { stage, seen: BTreeSet::new(), found: Vec::new(), released: None }
    }

    /// The same in a release of a version.
    #[must_use]
    pub fn released(self, version: String) -> Self {
        Self { released: Some(version), ..self }
    }

    /// Takes a program whose place is known.
    pub fn take(&mut self, name: String, path: PathBuf, named: bool) -> Result<(), Failure> {
        let digest = files::measure(&path)?.digest();
        if self.seen.insert(digest) {
            self.found.push(ProgramFile { name, path, digest, named, released: self.released.clone() });
        }
        Ok(())
    }

    /// Looks at a file, an archive, a folder or an image layout, named as the user names it.
    pub fn look(&mut self, path: &Path, name: &str) -> Result<(), Failure> {
        if files::is_folder(path) {
            return self.folder(path, name);
        }
        match format(name) {
            Some(format) => self.archive(format, path, name),
            None => self.take(name.to_owned(), path.to_owned(), true),
        }
    }

    /// What was found, in the order in which it was.
    pub fn found(self) -> Vec<ProgramFile> {
        self.found
    }

    fn folder(&mut self, path: &Path, name: &str) -> Result<(), Failure> {
        let is_layout = |folder: &Path| files::is_file(&folder.join("oci-layout"));
        if is_layout(path) {
            return self.layout(path, name);
        }
        let (mut layouts, mut all) = (Vec::new(), Vec::new());
        let mut enter = |below: &str| {
            let found = is_layout(&path.join(below));
            if found {
                layouts.push(below.to_owned());
            }
            !found
        };
        tree::walk(path, &mut enter, &mut |below| all.push(below.to_owned()))?;
        for below in all {
            let (path, name) = (path.join(&below), format!("{}/{below}", name.trim_end_matches('/')));
            // A symbolic link leads to what is found where it is, or to what was not asked for.
            if !matches!(files::what(&path)?, What::File { .. }) {
                continue;
            }
            if let Some(format) = format(&below) {
                self.archive(format, &path, &name)?;
            } else if is_executable(&head(&mut files::open(&path)?).map_err(files::at("read", &path))?) {
                self.take(name, path, false)?;
            }
        }
        layouts
            .iter()
            .try_for_each(|below| self.layout(&path.join(below), &format!("{}/{below}", name.trim_end_matches('/'))))
    }

    fn archive(&mut self, format: Format, path: &Path, name: &str) -> Result<(), Failure> {
        let open = || -> io::Result<Box<dyn ReadSeek>> { Ok(Box::new(files::open(path).map_err(io::Error::other)?)) };
        let listing = archive::list(format, &open, &Limits::foreign())?;
        let mut unpacked = Vec::new();
        archive::extract(&listing, &open, &mut Programs { stage: self.stage, unpacked: &mut unpacked })?;
        unpacked.into_iter().try_for_each(|(below, path)| self.take(format!("{name}: {below}"), path, false))
    }

    fn layout(&mut self, path: &Path, name: &str) -> Result<(), Failure> {
        let layout = Layout::open(path)?;
        self.images(&layout, layout.index()?.manifests, name)
    }

    /// Looks at the images that some documents of a place lead to, wherever that is.
    pub fn images(&mut self, source: &dyn Source, roots: Vec<Descriptor>, name: &str) -> Result<(), Failure> {
        let mut queue: Vec<(Descriptor, usize)> = roots.into_iter().map(|entry| (entry, 0)).collect();
        let mut layers = BTreeSet::new();
        while let Some((entry, depth)) = queue.pop() {
            if !entry.is_document() {
                continue;
            }
            match Document::parse(&source.document(&entry)?, &entry.media_type)? {
                Document::Index(_) if depth == MOST_NESTED => {
                    return Err(ScanError::Nested { place: name.to_owned(), most: MOST_NESTED }.into());
                }
                Document::Index(index) => queue.extend(index.manifests.into_iter().map(|one| (one, depth + 1))),
                Document::Manifest(manifest) if manifest.is_image() => {
                    for one in &manifest.layers {
                        if layers.insert(one.digest) {
                            self.layer(source, one, name)?;
                        }
                    }
                }
                Document::Manifest(_) => {}
            }
        }
        Ok(())
    }

    fn layer(&mut self, source: &dyn Source, one: &Descriptor, name: &str) -> Result<(), Failure> {
        let mut unpacked = Vec::new();
        layer::visit(source, one, &LayerLimits::usual(), &mut |entry, body| {
            if entry.kind != EntryKind::File {
                return Ok(());
            }
            let torn = |error| layer::unreadable(error, entry.at);
            let start = head(body).map_err(torn)?;
            if is_executable(&start) {
                let path = take_out(self.stage, &start, body).map_err(torn)?;
                unpacked.push((entry.shown(), path));
            }
            Ok(())
        })?;
        unpacked.into_iter().try_for_each(|(below, path)| self.take(format!("{name}: {below}"), path, false))
    }
}

/// Takes the programs out of an archive and passes the rest over.
struct Programs<'a> {
    stage: &'a Path,
    unpacked: &'a mut Vec<(String, PathBuf)>,
}

impl archive::Sink for Programs<'_> {
    fn folder(&mut self, _: &Entry) -> io::Result<()> {
        Ok(())
    }

    fn file(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let start = head(content)?;
        if is_executable(&start) {
            let path = take_out(self.stage, &start, content)?;
            self.unpacked.push((sanitize_line(entry.path.as_str()).into_owned(), path));
            return Ok(());
        }
        io::copy(content, &mut io::sink()).map(drop)
    }

    fn link(&mut self, _: &Entry, _: &str) -> io::Result<()> {
        Ok(())
    }
}

fn format(name: &str) -> Option<Format> {
    let name = name.to_ascii_lowercase();
    if name.ends_with(".tgz") {
        return Some(Format::TarGz);
    }
    Format::ALL.into_iter().find(|format| name.ends_with(&format!(".{}", format.extension())))
}
