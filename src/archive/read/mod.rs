//! Safe readers: a whole archive is read and checked before anyone may take something out of it.

pub(super) mod census;
pub(super) mod limits;
pub(super) mod listing;
mod pax;
mod stream;
mod tar;
mod zip;
mod zip_directory;

use std::io::{self, Read, Seek};

use sealift_trust::Hasher;

use self::census::Census;
use self::limits::{Folders, Limits, Links};
use self::listing::{Entry, EntryKind, Listing};
use super::{ArchiveError, Format, MemberPath, Mode};
use crate::artifact::Artifact;

/// What an archive is read from.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// Opens the archive, at its start; called once for each pass.
pub type Open<'a> = dyn Fn() -> io::Result<Box<dyn ReadSeek>> + 'a;

/// What takes the entries of an archive that was checked.
///
/// An error ends the extraction. An extraction that ended with an error may have given entries before it, the last one
/// perhaps with wrong content: what was made of them is thrown away.
pub trait Sink {
    /// Takes a folder.
    fn folder(&mut self, entry: &Entry) -> io::Result<()>;
    /// Takes a file's content, to its end.
    fn file(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()>;
    /// Takes a symbolic link. No entry is below it.
    fn link(&mut self, entry: &Entry, target: &str) -> io::Result<()>;
}

/// Reads a whole archive, checks all that can be wrong with it and measures every entry. Memory does not grow with
/// the contents, only with the number and length of the names.
///
/// Refused are: names that are not plainly relative, links that may lead outside or are passed through, hard links,
/// devices, setuid, duplicates (also when only letter case differs), sparse files, two statements of one size, broken
/// checksums, anything before, between or after the entries, zip headers that disagree, encryption, and whatever
/// exceeds the limits.
///
/// # Errors
/// `archive.read` when the file cannot be read, else a code of what is wrong with it.
pub fn list(format: Format, open: &Open<'_>, limits: &Limits) -> Result<Listing, ArchiveError> {
    let mut taker = Taker { limits, census: Census::default(), entries: Vec::new(), buffer: vec![0; PIECE] };
    let archive = walk(format, open, limits, &mut taker)?;
    Ok(Listing { format, limits: *limits, entries: taker.entries, archive })
}

/// Reads a listed archive again and gives each entry to a sink.
///
/// # Errors
/// `archive.changed` when it is no longer what was listed; `archive.extract` when the sink fails; else as [`list`].
pub fn extract(listing: &Listing, open: &Open<'_>, sink: &mut dyn Sink) -> Result<(), ArchiveError> {
    let mut giver = Giver { expected: listing.entries.iter(), sink, buffer: vec![0; PIECE] };
    let archive = walk(listing.format, open, &listing.limits, &mut giver)?;
    if let Some(missing) = giver.expected.next() {
        return Err(changed(&missing.path));
    }
    if archive != listing.archive {
        return Err(ArchiveError::Changed { entry: "the file".to_owned() });
    }
    Ok(())
}

/// How much of a content is in memory at once.
const PIECE: usize = 128 * 1024;

/// An entry before its content is measured.
struct Head {
    path: MemberPath,
    mode: Mode,
    shape: Shape,
}

enum Shape {
    File,
    Folder,
    Link(Box<str>),
}

impl Shape {
    /// The permissions of what an archive gives these bits: only a file's say something.
    fn mode(&self, bits: u32) -> Mode {
        match self {
            Shape::File => Mode::of_bits(bits),
            Shape::Folder => Mode::Executable,
            Shape::Link(_) => Mode::Plain,
        }
    }
}

/// Sees each entry while an archive is gone through. All errors of `body` hold an [`ArchiveError`].
trait Visitor {
    fn entry(&mut self, head: Head, body: &mut dyn Read) -> Result<(), ArchiveError>;
}

/// Goes through an archive, to its very end, and measures it.
fn walk(format: Format, open: &Open<'_>, limits: &Limits, visitor: &mut dyn Visitor) -> Result<Artifact, ArchiveError> {
    let source = open().map_err(ArchiveError::Read)?;
    match format {
        Format::TarGz => stream::gzip(source, limits, |tar| tar::walk(tar, limits, visitor)),
        Format::TarZst => stream::zstd(source, limits, |tar| tar::walk(tar, limits, visitor)),
        Format::Zip => zip::walk(source, limits, visitor),
    }
}

/// Measures entries for a listing.
struct Taker<'a> {
    limits: &'a Limits,
    census: Census,
    entries: Vec<Entry>,
    buffer: Vec<u8>,
}

impl Visitor for Taker<'_> {
    fn entry(&mut self, head: Head, body: &mut dyn Read) -> Result<(), ArchiveError> {
        let Head { path, mode, shape } = head;
        if self.entries.len() as u64 >= self.limits.entries {
            return Err(ArchiveError::TooMany { cap: self.limits.entries });
        }
        path.check_for(self.limits.names)?;
        let entry = || ArchiveError::shown(path.as_str().as_bytes());
        let kind = match shape {
            Shape::Folder if self.limits.folders == Folders::Refuse => {
                return Err(ArchiveError::Folder { entry: entry() });
            }
            Shape::Link(_) if self.limits.links == Links::Refuse => return Err(ArchiveError::Link { entry: entry() }),
            Shape::Folder => EntryKind::Folder,
            Shape::Link(target) => EntryKind::Link(target),
            Shape::File => {
                let mut hasher = Hasher::new();
                drain(body, &mut self.buffer, &mut hasher)?;
                EntryKind::File(hasher.into())
            }
        };
        self.census.add(&path, &kind)?;
        self.entries.push(Entry { path, kind, mode });
        Ok(())
    }
}

/// Gives entries to a sink, as long as they are the listed ones.
struct Giver<'a> {
    expected: std::slice::Iter<'a, Entry>,
    sink: &'a mut dyn Sink,
    buffer: Vec<u8>,
}

impl Visitor for Giver<'_> {
    fn entry(&mut self, head: Head, body: &mut dyn Read) -> Result<(), ArchiveError> {
        let entry = self.expected.next().ok_or_else(|| changed(&head.path))?;
        if entry.path != head.path || entry.mode != head.mode {
            return Err(changed(&head.path));
        }
        let outcome = match (&entry.kind, &head.shape) {
            (EntryKind::Folder, Shape::Folder) => self.sink.folder(entry),
            (EntryKind::Link(listed), Shape::Link(target)) if listed == target => self.sink.link(entry, target),
            (EntryKind::File(artifact), Shape::File) => {
                let mut content = Measured { body, hasher: Hasher::new() };
                let outcome = self.sink.file(entry, &mut content);
                let Measured { body, mut hasher } = content;
                if outcome.is_ok() {
                    drain(body, &mut self.buffer, &mut hasher)?;
                    if Artifact::from(hasher) != *artifact {
                        return Err(changed(&entry.path));
                    }
                }
                outcome
            }
            _ => return Err(changed(&head.path)),
        };
        outcome.map_err(|error| match error.downcast::<ArchiveError>() {
            Ok(own) => own,
            Err(source) => ArchiveError::Sink { entry: ArchiveError::shown(entry.path.as_str().as_bytes()), source },
        })
    }
}

/// A content that is measured while a sink reads it.
struct Measured<'a> {
    body: &'a mut dyn Read,
    hasher: Hasher,
}

impl Read for Measured<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.body.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

/// Reads to the end.
fn drain(body: &mut dyn Read, buffer: &mut [u8], hasher: &mut Hasher) -> Result<(), ArchiveError> {
    loop {
        match body.read(buffer).map_err(|error| ArchiveError::from_stream(error, "an entry"))? {
            0 => return Ok(()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

fn changed(path: &MemberPath) -> ArchiveError {
    ArchiveError::Changed { entry: ArchiveError::shown(path.as_str().as_bytes()) }
}
