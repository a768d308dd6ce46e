//! The folder of the images: what may lie there, and what does.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use sealift_trust::Digest;
use sealift_trust::statement::{LAYOUT, LAYOUT_BLOBS, LAYOUT_FILE, LAYOUT_INDEX};

use crate::host::files::{self, What};
use crate::host::regular::{self, Found, Regular};
use crate::oci::MAX_DOCUMENT;
use crate::sanitize::sanitize_line;
use crate::verify::VerifyError;
use crate::verify::contents::{self, Wanted};
use crate::verify::finding::Flaw;

/// An OCI image layout, listed.
pub(super) struct Layout {
    /// Where it is.
    pub(super) folder: PathBuf,
    /// The blobs that are there, by their names.
    pub(super) blobs: BTreeSet<Digest>,
    /// What is there and has no place in a layout.
    pub(super) strays: Vec<Flaw>,
}

/// Something wrong with a file.
pub(super) enum Wrong {
    /// It is not there, or no file.
    Absent(Flaw),
    /// It is another one.
    Differs(Flaw),
}

impl Layout {
    /// Lists the folder and those in it; follows no link. The inner result is what stands in the place of a folder.
    pub(super) fn look(folder: &Path) -> Result<Result<Self, Flaw>, VerifyError> {
        let mut layout = Self { folder: folder.to_owned(), blobs: BTreeSet::new(), strays: Vec::new() };
        let (outer, inner) = LAYOUT_BLOBS.split_once('/').expect("blobs of one algorithm");
        let levels: [(&str, &[&str]); 2] = [("", &[LAYOUT_FILE, LAYOUT_INDEX, outer]), (outer, &[inner])];
        for (level, known) in levels {
            if let Some(flaw) = layout.no_folder(level)? {
                return Ok(Err(flaw));
            }
            for name in regular::names(&layout.at(level))? {
                if !known.iter().any(|known| name == *known) {
                    layout.strays.push(stray(level, &name.to_string_lossy()));
                }
            }
        }
        if let Some(flaw) = layout.no_folder(LAYOUT_BLOBS)? {
            return Ok(Err(flaw));
        }
        for name in regular::names(&folder.join(LAYOUT_BLOBS))? {
            match name.to_str().and_then(|name| Digest::from_hex(name).ok()) {
                Some(digest) => drop(layout.blobs.insert(digest)),
                None => layout.strays.push(stray(LAYOUT_BLOBS, &name.to_string_lossy())),
            }
        }
        Ok(Ok(layout))
    }

    /// A folder of the layout. Nothing is joined to its own path: with a `/` at the end a link would be followed.
    fn at(&self, level: &str) -> PathBuf {
        if level.is_empty() { self.folder.clone() } else { self.folder.join(level) }
    }

    fn no_folder(&self, level: &str) -> Result<Option<Flaw>, VerifyError> {
        let what = match files::what(&self.at(level))? {
            What::Folder => return Ok(None),
            What::Nothing => return Ok(Some(Flaw::Missing(inside(level)))),
            What::File { .. } => "a file",
            What::Link => "a symbolic link",
            What::Other => "a device, a socket or a pipe",
        };
        Ok(Some(Flaw::NotAFolder { name: inside(level), what }))
    }

    /// Where a blob lies.
    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(LAYOUT_BLOBS).join(digest.hex())
    }

    /// Compares a file of the layout with what it must be.
    pub(super) fn compare(&self, name: &str, wanted: &[u8]) -> Result<Option<Wrong>, VerifyError> {
        let path = self.folder.join(name);
        let found = match open(&path, &inside(name))? {
            Ok(found) => found,
            Err(flaw) => return Ok(Some(Wrong::Absent(flaw))),
        };
        let mut bytes = Vec::new();
        found.file.take(wanted.len() as u64 + 1).read_to_end(&mut bytes).map_err(files::at("read", &path))?;
        Ok((bytes != wanted).then(|| Wrong::Differs(Flaw::Layout(inside(name)))))
    }

    /// Measures a blob.
    pub(super) fn measure(&self, wanted: Wanted) -> Result<Option<Wrong>, VerifyError> {
        let path = self.path(wanted.digest);
        let name = shown(wanted.digest);
        let found = match open(&path, &name)? {
            Ok(found) => found,
            Err(flaw) => return Ok(Some(Wrong::Absent(flaw))),
        };
        Ok(contents::differs(&found, &name, wanted).map_err(files::at("read", &path))?.map(Wrong::Differs))
    }

    /// Reads a document, whose bytes are the wanted ones.
    pub(super) fn read(&self, wanted: Wanted) -> Result<Result<Vec<u8>, Wrong>, VerifyError> {
        let path = self.path(wanted.digest);
        let name = shown(wanted.digest);
        if wanted.size > MAX_DOCUMENT {
            let why = format!("is a document of {} bytes; at most {MAX_DOCUMENT} are read", wanted.size);
            return Ok(Err(Wrong::Differs(Flaw::Image { name, why })));
        }
        let found = match open(&path, &name)? {
            Ok(found) => found,
            Err(flaw) => return Ok(Err(Wrong::Absent(flaw))),
        };
        let mut bytes = Vec::new();
        found.file.take(wanted.size + 1).read_to_end(&mut bytes).map_err(files::at("read", &path))?;
        let size = found.size.max(bytes.len() as u64);
        let digest = Digest::of(&bytes);
        let flaw = if size != wanted.size || bytes.len() as u64 != wanted.size {
            Flaw::Size { name, wanted: wanted.size, found: size }
        } else if digest != wanted.digest {
            Flaw::Digest { name, wanted: wanted.digest, found: digest }
        } else {
            return Ok(Ok(bytes));
        };
        Ok(Err(Wrong::Differs(flaw)))
    }
}

fn open(path: &Path, name: &str) -> Result<Result<Regular, Flaw>, VerifyError> {
    Ok(match regular::open(path)? {
        Found::File(found) => Ok(found),
        Found::Nothing => Err(Flaw::Missing(name.to_owned())),
        Found::Other(what) => Err(Flaw::NotAFile { name: name.to_owned(), what }),
    })
}

/// The name of a blob as people see it.
pub(super) fn shown(digest: Digest) -> String {
    format!("{LAYOUT}/{LAYOUT_BLOBS}/{}", digest.hex())
}

fn inside(path: &str) -> String {
    if path.is_empty() { LAYOUT.to_owned() } else { format!("{LAYOUT}/{path}") }
}

fn stray(level: &str, name: &str) -> Flaw {
    Flaw::Extra(format!("{}/{}", inside(level), sanitize_line(name)))
}
