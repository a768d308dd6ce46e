//! The files of a database that lies in a folder or in a zip.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sealift_trust::{Digest, Hasher};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::archive::ReadSeek;
use crate::host::files::{self, FileError, What};
use crate::host::{clock, stamp, tree};
use crate::scan::error::ScanError;

/// An open file.
type Opened = Box<dyn ReadSeek + Send>;

/// Where the files are.
pub(super) struct Files {
    place: String,
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Folder,
    Zip(Mutex<ZipArchive<BufReader<Opened>>>),
}

impl Files {
    /// Opens a folder, or the directory of a zip.
    pub(super) fn open(place: &str) -> Result<Self, ScanError> {
        let path = PathBuf::from(place);
        let real = match files::real(&path) {
            Err(FileError::System { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(ScanError::Missing { place: place.to_owned() });
            }
            other => other?,
        };
        let kind = match files::what(&real)? {
            What::Folder => Kind::Folder,
            What::File { .. } => {
                let file: Opened = Box::new(files::open(&real)?);
                let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| match error {
                    ZipError::Io(error) => ScanError::File(files::at("read", &real)(error)),
                    error => ScanError::Broken {
                        place: place.to_owned(),
                        part: "the zip's directory".to_owned(),
                        source: error.into(),
                    },
                })?;
                Kind::Zip(Mutex::new(archive))
            }
            _ => {
                let why = "it is neither a folder nor a file".to_owned();
                return Err(ScanError::NotADatabase { place: place.to_owned(), why });
            }
        };
        Ok(Self { place: place.to_owned(), path: real, kind })
    }

    /// A file's bytes, at most some; nothing where there is no such file.
    pub(super) fn read(&self, name: &str, cap: u64) -> Result<Option<Vec<u8>>, ScanError> {
        match &self.kind {
            Kind::Folder => Ok(files::read_if_present(&self.path.join(name), cap)?),
            Kind::Zip(archive) => {
                let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
                let found = match archive.by_name(name) {
                    Err(ZipError::FileNotFound) => return Ok(None),
                    Err(error) => return Err(self.broken(name, error)),
                    Ok(found) => found,
                };
                let mut bytes = Vec::new();
                found.take(cap + 1).read_to_end(&mut bytes).map_err(|error| self.broken(name, error))?;
                if bytes.len() as u64 > cap {
                    return Err(FileError::TooLarge { path: format!("{}: {name}", self.place), cap }.into());
                }
                Ok(Some(bytes))
            }
        }
    }

    /// What changes with any file of it: the digest of a zip, and of a folder that of its files' names and stamps.
    pub(super) fn identity(&self) -> Result<Digest, ScanError> {
        if let Kind::Zip(_) = self.kind {
            return Ok(files::measure(&self.path)?.digest());
        }
        let mut hasher = Hasher::new();
        hasher.update(self.path.to_string_lossy().as_bytes());
        for name in self.records()? {
            let stamp = stamp::stamp(&self.path.join(&name))?;
            hasher.update(format!("\0{name}\0{stamp}").as_bytes());
        }
        Ok(hasher.finish().0)
    }

    /// The names of all files that end with `.json`, sorted.
    pub(super) fn records(&self) -> Result<Vec<String>, ScanError> {
        let mut names = Vec::new();
        let mut keep = |name: &str| names.extend(Some(name.to_owned()).filter(|name| name.ends_with(".json")));
        match &self.kind {
            Kind::Folder => tree::walk(&self.path, &mut |_| true, &mut keep)?,
            Kind::Zip(archive) => {
                let archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
                for name in archive.file_names() {
                    keep(&name.map_err(|error| self.broken("the zip's directory", error))?);
                }
            }
        }
        names.sort();
        Ok(names)
    }

    /// When the zip, or the folder's index, was written, in seconds since 1970.
    pub(super) fn written(&self) -> Result<Option<u64>, ScanError> {
        let index: &Path = &self.path.join(super::DB);
        let path = if files::what(index)? == What::Nothing { &self.path } else { index };
        let (age, _) = files::age_and_size(path)?;
        Ok(u64::try_from(age / 1_000_000_000).ok().and_then(|age| clock::now().checked_sub(age)))
    }

    fn broken(&self, name: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ScanError {
        ScanError::Broken { place: self.place.clone(), part: ScanError::shown(name), source: error.into() }
    }
}
