//! ZIP, read twice over: the central directory says what is there, and the file, gone through from its first byte to
//! its last, must say the same with nothing between (PKWARE APPNOTE 6.3.10).

use std::io::{self, BufRead, Read, Seek, SeekFrom, Take};

use flate2::{Decompress, FlushDecompress, Status};

use super::limits::Limits;
use super::stream::Source;
use super::zip_directory::{self as directory, Central, Extra, Fields, wrong};
use super::{Head, ReadSeek, Shape, Visitor};
use crate::archive::{ArchiveError, MemberPath};
use crate::artifact::Artifact;

/// Encryption, strong encryption, masked headers (APPNOTE 4.4.4).
const ENCRYPTED: u16 = 1 << 0 | 1 << 6 | 1 << 13;
/// Sizes and CRC follow the data.
const DESCRIPTOR: u16 = 1 << 3;
/// The name is UTF-8.
const UTF8: u16 = 1 << 11;
/// How hard deflate tried, and what is above.
const KNOWN: u16 = 1 << 1 | 1 << 2 | DESCRIPTOR | UTF8;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The longest target of a symbolic link.
const LONGEST_TARGET: u64 = 4095;

/// Goes through all entries, in the order of their data.
pub(super) fn walk(
    mut source: Box<dyn ReadSeek>,
    limits: &Limits,
    visitor: &mut dyn Visitor,
) -> Result<Artifact, ArchiveError> {
    let directory = directory::read(&mut *source, limits)?;
    within_limits(&directory.entries, limits)?;
    source.seek(SeekFrom::Start(0)).map_err(ArchiveError::Read)?;
    let mut zip = Zip { source: Source::new(source), inflate: Decompress::new(false), limits };
    for (i, central) in directory.entries.iter().enumerate() {
        let next = directory.entries.get(i + 1).map_or(directory.offset, |next| next.offset);
        zip.entry(central, next, visitor)?;
    }
    zip.at(directory.offset, "the central directory")?;
    Ok(zip.source.end_with(&directory.tail))
}

/// Checks what the directory announces, before anything is inflated; what comes must then be as announced.
fn within_limits(entries: &[Central], limits: &Limits) -> Result<(), ArchiveError> {
    let (mut total, mut packed) = (0u64, 0u64);
    for entry in entries {
        if entry.size > limits.entry_bytes {
            return Err(ArchiveError::TooLarge { what: entry.shown(), cap: limits.entry_bytes });
        }
        if !limits.ratio_holds(entry.packed, entry.size) {
            return Err(ArchiveError::Ratio { what: entry.shown(), cap: limits.ratio });
        }
        total = total.saturating_add(entry.size);
        packed = packed.saturating_add(entry.packed);
    }
    let what = "the archive".to_owned();
    if total > limits.total_bytes {
        return Err(ArchiveError::TooLarge { what, cap: limits.total_bytes });
    }
    if !limits.ratio_holds(packed, total) {
        return Err(ArchiveError::Ratio { what, cap: limits.ratio });
    }
    Ok(())
}

struct Zip<'a> {
    source: Source,
    inflate: Decompress,
    limits: &'a Limits,
}

impl Zip<'_> {
    /// Checks that the next byte is where something starts: nothing overlaps, nothing lies between.
    fn at(&self, start: u64, what: &str) -> Result<(), ArchiveError> {
        let want = self.source.consumed();
        if start == want { Ok(()) } else { Err(ArchiveError::ZipGap { entry: what.to_owned(), at: start, want }) }
    }

    fn entry(&mut self, central: &Central, next: u64, visitor: &mut dyn Visitor) -> Result<(), ArchiveError> {
        let entry = central.shown();
        self.at(central.offset, &entry)?;
        self.local(central, &entry)?;
        let (path, kind) = Kind::of(central, self.limits)?;
        let mode = central.external >> 16;
        self.inflate.reset(false);
        let mut body = Body::new(central, &entry, &mut self.source, &mut self.inflate);
        if let Kind::Link = kind {
            let shape = Shape::Link(target(&mut body, central)?);
            visitor.entry(Head { path, mode: shape.mode(mode), shape }, &mut io::empty())?;
        } else {
            let shape = if let Kind::Folder = kind { Shape::Folder } else { Shape::File };
            visitor.entry(Head { path, mode: shape.mode(mode), shape }, &mut body)?;
        }
        body.finish()?;
        self.descriptor(central, next, &entry)
    }

    /// Reads the local header (APPNOTE 4.3.7) and compares it with the central one.
    fn local(&mut self, central: &Central, entry: &str) -> Result<(), ArchiveError> {
        let mut header = [0; 30];
        self.exactly(&mut header, entry)?;
        let mut fields = Fields(&header);
        let mut parse = || {
            let (signature, _version) = (fields.u32()?, fields.u16()?);
            let (flags, method, _time) = (fields.u16()?, fields.u16()?, fields.u32()?);
            let (crc, packed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
            Some((signature, flags, method, crc, [size, packed], fields.u16()?, fields.u16()?))
        };
        let (signature, flags, method, crc, sizes, name, extra) =
            parse().ok_or_else(|| ArchiveError::Truncated { within: entry.to_owned() })?;
        let disagree = |field| Err(ArchiveError::ZipDisagrees { entry: entry.to_owned(), field });
        if signature != 0x0403_4b50 {
            return Err(wrong(entry, "has no local header where the directory says"));
        }
        let mut names = vec![0; usize::from(name) + usize::from(extra)];
        self.exactly(&mut names, entry)?;
        let (name, extra) = names.split_at(name.into());
        let extra = Extra::parse(extra, name)?;
        if name != central.name {
            return disagree("name");
        }
        if flags != central.flags {
            return disagree("flags");
        }
        if method != central.method {
            return disagree("method");
        }
        // With a descriptor the header may leave them at 0, and announce its 8-byte sizes by a zip64 field of zeros.
        let later = flags & DESCRIPTOR != 0;
        let announced = later && sizes == [0, 0] && extra.zip64 == Some(&[0; 16]);
        let wide = if announced { Some([0, 0]) } else { extra.widen(sizes) };
        let Some([size, packed]) = wide else { return disagree("zip64 sizes") };
        if crc != central.crc && !(later && crc == 0) {
            return disagree("CRC");
        }
        if size != central.size && !(later && size == 0) {
            return disagree("size");
        }
        if packed != central.packed && !(later && packed == 0) {
            return disagree("compressed size");
        }
        Ok(())
    }

    /// Reads the data descriptor (APPNOTE 4.3.9): with or without a signature, sizes in 4 or 8 bytes. Which, follows
    /// from where the next entry starts.
    fn descriptor(&mut self, central: &Central, next: u64, entry: &str) -> Result<(), ArchiveError> {
        if central.flags & DESCRIPTOR == 0 {
            return Ok(());
        }
        let here = self.source.consumed();
        let mut found = vec![0; usize::try_from(next.saturating_sub(here)).unwrap_or(usize::MAX).min(24)];
        let mut want = Vec::with_capacity(24);
        if matches!(found.len(), 16 | 24) {
            want.extend_from_slice(b"PK\x07\x08");
        }
        want.extend_from_slice(&central.crc.to_le_bytes());
        for size in [central.packed, central.size] {
            // The lower half comes first.
            want.extend_from_slice(&size.to_le_bytes()[..if found.len() >= 20 { 8 } else { 4 }]);
        }
        if !matches!(found.len(), 12 | 16 | 20 | 24) {
            return Err(wrong(entry, "has no data descriptor, and its flags say that it has"));
        }
        self.exactly(&mut found, entry)?;
        if found != want {
            return Err(ArchiveError::ZipDisagrees { entry: entry.to_owned(), field: "data descriptor" });
        }
        Ok(())
    }

    fn exactly(&mut self, buffer: &mut [u8], within: &str) -> Result<(), ArchiveError> {
        self.source.read_exact(buffer).map_err(|error| ArchiveError::from_stream(error, within))
    }
}

enum Kind {
    File,
    Folder,
    Link,
}

impl Kind {
    /// The name and what the attributes say it is.
    fn of(central: &Central, limits: &Limits) -> Result<(MemberPath, Self), ArchiveError> {
        let entry = || central.shown();
        if central.flags & ENCRYPTED != 0 {
            return Err(ArchiveError::Encrypted { entry: entry() });
        }
        if central.flags & !KNOWN != 0 {
            return Err(wrong(&entry(), "has flags that are not known"));
        }
        match central.method {
            DEFLATED => {}
            STORED if central.packed == central.size => {}
            STORED => return Err(ArchiveError::ZipDisagrees { entry: entry(), field: "compressed size" }),
            method => return Err(ArchiveError::Method { entry: entry(), method }),
        }
        let folder = central.name.strip_suffix(b"/");
        let path = MemberPath::from_bytes(folder.unwrap_or(&central.name), limits.path_bytes)?;
        if !path.as_str().is_ascii() && central.flags & UTF8 == 0 {
            return Err(wrong(&entry(), "has a name that is not said to be UTF-8"));
        }
        let mode = central.external >> 16;
        if mode & 0o7000 != 0 {
            return Err(ArchiveError::Privileged { entry: entry(), mode: mode & 0o7777 });
        }
        // The upper half is a Unix mode, whatever system the entry says it was made on: some readers do not ask.
        let kind = match (mode & 0o170_000, folder) {
            (0 | 0o40_000, Some(_)) => Self::Folder,
            (0 | 0o100_000, None) if central.external & 0x10 == 0 => Self::File,
            (0o120_000, None) => Self::Link,
            (0 | 0o100_000 | 0o40_000, _) => {
                return Err(wrong(&entry(), "is a folder by its name or by its attributes, and not by both"));
            }
            (other, _) => {
                return Err(ArchiveError::Special { entry: entry(), what: format!("of Unix type {:o}", other >> 12) });
            }
        };
        if matches!(kind, Self::Folder) && central.size != 0 {
            return Err(wrong(&entry(), "is a folder with content"));
        }
        Ok((path, kind))
    }
}

/// A symbolic link's target is its content.
fn target(body: &mut Body<'_>, central: &Central) -> Result<Box<str>, ArchiveError> {
    let mut bytes = Vec::new();
    let escapes =
        |target: &[u8]| ArchiveError::LinkEscapes { entry: central.shown(), target: ArchiveError::shown(target) };
    if central.size > LONGEST_TARGET {
        return Err(escapes(b"(too long)"));
    }
    body.read_to_end(&mut bytes).map_err(|error| ArchiveError::from_stream(error, "a symbolic link"))?;
    String::from_utf8(bytes).map(Into::into).map_err(|error| escapes(error.as_bytes()))
}

/// An entry's content, which must have the size, compressed size and CRC of the directory.
struct Body<'a> {
    data: Data<'a>,
    left: u64,
    crc: crc32fast::Hasher,
    central: &'a Central,
    entry: &'a str,
}

/// The data of one entry.
enum Data<'a> {
    Stored(Take<&'a mut Source>),
    Deflated(Inflate<'a>),
}

impl<'a> Body<'a> {
    fn new(central: &'a Central, entry: &'a str, source: &'a mut Source, state: &'a mut Decompress) -> Self {
        let packed = source.take(central.packed);
        let data = match central.method {
            DEFLATED => Data::Deflated(Inflate { state, packed, ended: false }),
            _ => Data::Stored(packed),
        };
        Self { data, left: central.size, crc: crc32fast::Hasher::new(), central, entry }
    }

    /// Reads what the visitor left, and checks that the data end where the content does.
    fn finish(mut self) -> Result<(), ArchiveError> {
        let within = |error| ArchiveError::from_stream(error, self.entry);
        io::copy(&mut self, &mut io::sink()).map_err(within)?;
        let disagree = |field| Err(ArchiveError::ZipDisagrees { entry: self.entry.to_owned(), field });
        if self.crc.finalize() != self.central.crc {
            return Err(ArchiveError::Checksum { entry: self.entry.to_owned() });
        }
        let left = match self.data {
            Data::Stored(packed) => packed.limit(),
            Data::Deflated(mut inflate) => {
                if inflate.read(&mut [0]).map_err(within)? != 0 {
                    return disagree("size");
                }
                inflate.packed.limit()
            }
        };
        if left == 0 { Ok(()) } else { disagree("compressed size") }
    }

    fn piece(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.data {
            Data::Stored(packed) => packed.read(buffer),
            Data::Deflated(inflate) => inflate.read(buffer),
        }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let outcome = self.piece(&mut buffer[..most]);
        let n = outcome.map_err(|error| io::Error::other(ArchiveError::from_stream(error, self.entry)))?;
        if n == 0 {
            let entry = self.entry.to_owned();
            return Err(io::Error::other(ArchiveError::ZipDisagrees { entry, field: "size" }));
        }
        self.crc.update(&buffer[..n]);
        self.left -= n as u64;
        Ok(n)
    }
}

/// Inflates until the deflate stream ends by itself (RFC 1951), not just until the data run out.
struct Inflate<'a> {
    state: &'a mut Decompress,
    packed: Take<&'a mut Source>,
    ended: bool,
}

impl Read for Inflate<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = self.packed.fill_buf()?;
            let (last, before) = (input.is_empty(), (self.state.total_in(), self.state.total_out()));
            let status = self
                .state
                .decompress(input, buffer, FlushDecompress::None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let taken = usize::try_from(self.state.total_in() - before.0).map_err(io::Error::other)?;
            let given = usize::try_from(self.state.total_out() - before.1).map_err(io::Error::other)?;
            self.packed.consume(taken);
            self.ended = status == Status::StreamEnd;
            if given > 0 {
                return Ok(given);
            }
            if !self.ended && last {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !self.ended && taken == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(0)
    }
}
