//! Where the files of a layout lie: in a folder or in a tar.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::layer::plain;
use super::tar::{self, EntryKind, Forward};
use super::{LayoutError, OciError};
use crate::error::Failure;
use crate::host::files::{self, FileError, at};
use crate::host::regular::{self, Found};

/// The most entries of an archive of images.
const MOST_ENTRIES: u64 = 100_000;

/// A file at its start, and its size in bytes.
pub type Opened = (Box<dyn Read + Send>, u64);

/// Files by name, read only.
pub trait Shelf: Sync {
    /// Opens a regular file and says how large it is; nothing when there is none.
    fn open(&self, name: &str) -> Result<Option<Opened>, Failure>;
    /// All files by name, whatever they are.
    fn names(&self) -> Result<Vec<String>, Failure>;
    /// The place as the user names it.
    fn shown(&self) -> String;

    /// Reads a whole file of at most `cap` bytes.
    fn read(&self, name: &str, cap: u64) -> Result<Option<Vec<u8>>, Failure> {
        let Some((stream, size)) = self.open(name)? else { return Ok(None) };
        let what = format!("{name} in {}", self.shown());
        if size > cap {
            return Err(OciError::TooLarge { what, found: size, cap }.into());
        }
        let mut bytes = Vec::new();
        stream.take(cap).read_to_end(&mut bytes).map_err(|error| failed(self.shown(), error))?;
        Ok(Some(bytes))
    }
}

/// A read that the system refused, as a failure about the place.
pub(super) fn failed(place: String, source: io::Error) -> Failure {
    super::from_stream(source, |source| FileError::System { op: "read", path: place, source }.into())
}

/// A folder.
#[derive(Clone, Debug)]
pub struct Folder {
    pub(super) path: PathBuf,
}

impl Shelf for Folder {
    fn open(&self, name: &str) -> Result<Option<Opened>, Failure> {
        match regular::open(&self.path.join(name))? {
            Found::Nothing => Ok(None),
            Found::File(found) => Ok(Some((Box::new(found.file), found.size))),
            Found::Other(what) => {
                Err(LayoutError::NotAFile { place: self.shown(), name: name.to_owned(), what }.into())
            }
        }
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        crate::host::tree::walk(&self.path, &mut |_| true, &mut |name| names.push(name.to_owned()))?;
        Ok(names)
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// An uncompressed tar, of which only the names were read.
#[derive(Debug)]
pub struct Packed {
    path: PathBuf,
    members: BTreeMap<String, Member>,
}

#[derive(Clone, Debug)]
enum Member {
    File {
        at: u64,
        size: u64,
    },
    /// Where it leads, from the root of the archive: old `docker save` has one layer once.
    Link(String),
}

impl Packed {
    /// Reads the names of an archive. Refuses what no tool writes into one: names that leave it, two entries of one name,
    /// hard links, devices, files with holes.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let shown = || path.display().to_string();
        let (mut file, size) = match regular::follow(path)? {
            Found::File(found) => (found.file, found.size),
            Found::Nothing => {
                return Err(at("open", path)(io::ErrorKind::NotFound.into()).into());
            }
            Found::Other(what) => {
                return Err(LayoutError::NotAFile { place: shown(), name: shown(), what }.into());
            }
        };
        let mut magic = [0; 6];
        let n = file.read(&mut magic).map_err(|error| failed(shown(), error))?;
        if let Some(program) = compressor(&magic[..n]) {
            return Err(LayoutError::Compressed { place: shown(), program }.into());
        }
        file.rewind().map_err(|error| failed(shown(), error))?;
        let mut members = BTreeMap::new();
        tar::walk(&mut Seekable { file, at: 0, size }, MOST_ENTRIES, &mut |header, _| {
            let refuse = |why| {
                let name = OciError::shown(&String::from_utf8_lossy(&header.path));
                Failure::from(LayoutError::Member { place: shown(), name, why })
            };
            let name = std::str::from_utf8(&header.path).map_err(|_| refuse("has a name that is not UTF-8"))?;
            if name.starts_with('/') || name.split(['/', '\\']).any(|part| part == "..") {
                return Err(refuse("has a name that leads out of it"));
            }
            let member = match header.kind {
                EntryKind::Folder => return Ok(()),
                EntryKind::File => Member::File { at: header.at, size: header.size },
                EntryKind::Link => {
                    let target = std::str::from_utf8(&header.link).ok();
                    let inside = target.and_then(|target| inside(&plain(name), target));
                    Member::Link(inside.ok_or_else(|| refuse("is a link that leads out of it"))?)
                }
                _ => return Err(refuse("is a hard link, a device, a FIFO or a file with holes")),
            };
            if members.insert(plain(name), member).is_some() {
                return Err(refuse("stands there twice"));
            }
            Ok(())
        })?;
        Ok(Self { path: path.to_owned(), members })
    }
}

impl Shelf for Packed {
    fn open(&self, name: &str) -> Result<Option<Opened>, Failure> {
        let mut name = name;
        // One link may lead to another; that there are few in a row is enough to end.
        for _ in 0..8 {
            match self.members.get(name) {
                None => return Ok(None),
                Some(Member::Link(target)) => name = target,
                Some(Member::File { at, size }) => {
                    let mut file = files::open(&self.path)?;
                    file.seek(SeekFrom::Start(*at)).map_err(|error| failed(self.shown(), error))?;
                    return Ok(Some((Box::new(file.take(*size)), *size)));
                }
            }
        }
        Err(LayoutError::Member { place: self.shown(), name: name.to_owned(), why: "is a link to a link to a link" }
            .into())
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        Ok(self.members.keys().cloned().collect())
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// The program that a file's first bytes speak of.
fn compressor(magic: &[u8]) -> Option<&'static str> {
    match magic {
        [0x1f, 0x8b, ..] => Some("gunzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("unzstd"),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Some("unxz"),
        [b'B', b'Z', b'h', ..] => Some("bunzip2"),
        _ => None,
    }
}

/// Where a link leads, if that is inside.
fn inside(name: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." => {}
            "" => return None,
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A file that is passed over without being read.
struct Seekable<F> {
    file: F,
    at: u64,
    size: u64,
}

impl<F: Read> Read for Seekable<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl<F: Read + Seek> Forward for Seekable<F> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.at = self.at.saturating_add(bytes);
        if self.at > self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.seek(SeekFrom::Start(self.at)).map(drop)
    }
}
