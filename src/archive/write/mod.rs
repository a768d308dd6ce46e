//! Reproducible writers: sorted entries, one owner, one time, fixed blocks.

mod deflate;
mod gzip;
mod join;
mod layer;
mod precompressed;
mod tar;
mod zip;
mod zstd;

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;

use sealift_trust::Hasher;

use super::read::census::Census;
use super::{ArchiveError, Codec, Format, MemberPath, Mode};
use crate::artifact::Artifact;

pub use layer::{Attributes, LayerBody, LayerEntry, LayerWritten, write_layer};
pub use precompressed::{Precompressed, precompress};

/// How many bytes every compressor is fed at once. What libdeflate writes depends on how its input is cut, so the cuts
/// are fixed and part of [`Codec::describe`]. Blocks of 256 KiB would make `tar.gz` 0.36 % larger, of 2 MiB
/// 0.04 % smaller.
pub(super) const BLOCK: usize = 1 << 20;

/// Opens a member's content, once, when its turn comes.
pub type Opener = Box<dyn FnOnce() -> io::Result<Box<dyn Read + Send>> + Send>;

/// A file that goes into an archive.
pub struct Member {
    /// Its name there.
    pub path: MemberPath,
    /// Its permissions there.
    pub mode: Mode,
    /// What is in it.
    pub content: Content,
}

/// What is in a file.
pub struct Content {
    /// Its size in bytes; content of another length is refused.
    pub size: u64,
    /// Opens it.
    pub open: Opener,
    /// The same content, compressed before, and what opens that. Where it does not fit it is not used; the bytes of the
    /// archive are the same with it and without.
    pub precompressed: Option<(Precompressed, Opener)>,
}

impl Content {
    /// A content that was not compressed before.
    pub fn new(size: u64, open: Opener) -> Self {
        Self { size, open, precompressed: None }
    }
}

/// A member that was written, as it was measured on its way.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Held {
    /// Its name in the archive.
    #[serde(serialize_with = "as_text")]
    pub path: MemberPath,
    /// Digest and size of its content.
    pub artifact: Artifact,
}

/// A written archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Digest and size of the archive itself.
    pub archive: Artifact,
    /// What it holds, in its order: by the bytes of the names.
    pub members: Vec<Held>,
}

/// All but the members that decides how an archive is made.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    codec: Codec,
    mtime_unix: u64,
    threads: NonZeroUsize,
}

impl Recipe {
    /// A codec and the modification time of every entry, in seconds since 1970. A zip holds it as a DOS time in UTC:
    /// odd seconds are rounded down, and what is outside of 1980 to 2107 becomes the first or last moment of these.
    pub fn new(codec: Codec, mtime_unix: u64) -> Self {
        // More than eight threads would only hold more blocks in memory.
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { codec, mtime_unix, threads: threads.min(NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN)) }
    }

    /// How many threads compress `tar.gz` and `zip`; the bytes are the same for any number. Each needs about 6 MiB.
    /// Zstandard frames are compressed by one thread.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Writes an archive; see [`write()`].
    pub fn write(self, mut members: Vec<Member>, out: &mut dyn Write) -> Result<Written, ArchiveError> {
        members.sort_by(|a, b| a.path.cmp(&b.path));
        let mut census = Census::default();
        members.iter().try_for_each(|member| census.add_file(&member.path))?;
        let mut outlet = Outlet { out, hasher: Hasher::new(), failure: None };
        let written = self.write_sorted(members, &mut outlet);
        let outcome = match outlet.failure.take() {
            Some(failure) => Err(ArchiveError::Write(failure)),
            None => written,
        };
        let members = outcome?;
        outlet.out.flush().map_err(ArchiveError::Write)?;
        Ok(Written { archive: outlet.hasher.into(), members })
    }

    fn write_sorted(self, members: Vec<Member>, out: &mut Outlet<'_>) -> Result<Vec<Held>, ArchiveError> {
        let Self { codec, mtime_unix, threads } = self;
        match codec.format() {
            Format::TarGz | Format::TarZst => {
                let item = |member: Member| Item {
                    path: member.path,
                    attributes: Attributes::root(member.mode.bits()),
                    mtime: mtime_unix,
                    body: Body::File(member.content),
                };
                let items: Vec<Item> = members.into_iter().map(item).collect();
                let size = tar::total(&items);
                compress(codec, threads, size, out, |tar| tar::write(items, tar))
            }
            Format::Zip => zip::write(codec.level(), threads, mtime_unix, members, out),
        }
    }
}

/// An entry of a tar on its way.
struct Item {
    path: MemberPath,
    attributes: Attributes,
    mtime: u64,
    body: Body,
}

/// What an entry is.
enum Body {
    File(Content),
    Folder,
}

/// Compresses a tar of a known size; a zip compresses itself.
fn compress<T>(
    codec: Codec,
    threads: NonZeroUsize,
    size: u64,
    out: &mut dyn Write,
    body: impl FnOnce(&mut dyn Packer) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    match codec.format() {
        Format::TarZst => zstd::compress(codec.level(), size, out, body),
        Format::TarGz | Format::Zip => gzip::compress(codec.level(), threads, out, body),
    }
}

/// Writes an archive with as many threads as the machine has (at most eight).
///
/// Members are sorted by the bytes of their names; folders are not listed; owner and group are 0 without names; every
/// entry has the given time (see [`Recipe::new`]). tar is ustar, with a pax header only where ustar cannot hold a name
/// or number (POSIX.1-2017, pax, "ustar Interchange Format"). Each member's content is read once and never held whole.
///
/// # Errors
/// `archive.duplicate`, `archive.file-as-folder`, `archive.member`, `archive.member-size`, `archive.write`. After an
/// error what was written is no archive; the caller throws it away.
pub fn write(
    codec: Codec,
    mtime_unix: u64,
    members: Vec<Member>,
    out: &mut dyn Write,
) -> Result<Written, ArchiveError> {
    Recipe::new(codec, mtime_unix).write(members, out)
}

fn as_text<S: serde::Serializer>(path: &MemberPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(path.as_str())
}

/// Measures what goes out and keeps the first failure. After it nothing more goes out, because the zip writer would
/// otherwise still try to end the archive when it is dropped.
struct Outlet<'a> {
    out: &'a mut dyn Write,
    hasher: Hasher,
    failure: Option<io::Error>,
}

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.failure.is_some() {
            return Ok(());
        }
        match self.out.write_all(bytes) {
            Ok(()) => self.hasher.update(bytes),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                return Err(kind.into());
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the bytes of a tar or of an entry go, to be compressed. By default it takes nothing but plain bytes.
trait Packer: Write {
    /// Ends a block: here a large content begins or ends.
    fn part(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whether it takes a content in this compressed form.
    fn accepts(&self, _content: &Precompressed) -> bool {
        false
    }

    /// Takes a content that it accepts.
    fn take(&mut self, _content: &Precompressed, _blocks: &mut dyn Read) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Where the plain bytes of a content that was taken go as well, if anybody wants them.
    fn measure(&mut self) -> Option<&mut Hasher> {
        None
    }
}

/// Moves members' contents in full blocks, whatever pieces their readers give.
struct Pump {
    block: Vec<u8>,
}

impl Pump {
    fn new() -> Self {
        Self { block: vec![0; BLOCK] }
    }

    /// Pours a member's content out and measures it. A content of at least a block has blocks of its own: what was
    /// compressed before fits in then, and smaller ones do not pay for that.
    fn pour(&mut self, path: MemberPath, content: Content, into: &mut dyn Packer) -> Result<Held, ArchiveError> {
        let Content { size, open, precompressed } = content;
        if size < BLOCK as u64 {
            return self.plain(path, size, open, &mut |bytes| into.write_all(bytes));
        }
        into.part().map_err(ArchiveError::Write)?;
        let ready = precompressed.filter(|(known, _)| known.artifact.size() == size && into.accepts(known));
        let Some((known, blocks)) = ready else {
            let held = self.plain(path, size, open, &mut |bytes| into.write_all(bytes))?;
            into.part().map_err(ArchiveError::Write)?;
            return Ok(held);
        };
        let entry = || ArchiveError::shown(path.as_str().as_bytes());
        let mut blocks = blocks().map_err(|source| ArchiveError::Member { entry: entry(), source })?;
        into.take(&known, &mut blocks).map_err(ArchiveError::Write)?;
        let Some(hasher) = into.measure() else { return Ok(Held { path, artifact: known.artifact }) };
        let plain = |bytes: &[u8]| {
            hasher.update(bytes);
            Ok(())
        };
        let held = self.plain(path.clone(), size, open, &mut { plain })?;
        if held.artifact != known.artifact {
            let source = io::Error::new(io::ErrorKind::InvalidData, "it is not what was compressed before");
            return Err(ArchiveError::Member { entry: entry(), source });
        }
        Ok(held)
    }

    /// Reads a content block by block and measures it.
    fn plain(
        &mut self,
        path: MemberPath,
        size: u64,
        open: Opener,
        into: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Held, ArchiveError> {
        let unreadable = |source| ArchiveError::Member { entry: ArchiveError::shown(path.as_str().as_bytes()), source };
        let wrong = |found: String| {
            let entry = ArchiveError::shown(path.as_str().as_bytes());
            ArchiveError::MemberSize { entry, told: size, found }
        };
        // One byte more than announced is enough to know that there is more.
        let mut content = open().map_err(unreadable)?.take(size.saturating_add(1));
        let mut hasher = Hasher::new();
        let mut left = size;
        loop {
            let filled = fill(&mut content, &mut self.block).map_err(unreadable)?;
            if filled == 0 {
                break;
            }
            left = left.checked_sub(filled as u64).ok_or_else(|| wrong("more".to_owned()))?;
            hasher.update(&self.block[..filled]);
            into(&self.block[..filled]).map_err(ArchiveError::Write)?;
        }
        if left > 0 {
            return Err(wrong((size - left).to_string()));
        }
        Ok(Held { path, artifact: hasher.into() })
    }
}

/// Reads until the buffer is full or the reader ends.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
