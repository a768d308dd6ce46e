//! tar, read by the letter (POSIX.1-2017, pax, "ustar Interchange Format"): one reading of each archive, or none.

use std::io::{self, Read};

use super::limits::Limits;
use super::pax::{self, Pax};
use super::{Head, Shape, Visitor};
use crate::archive::{ArchiveError, MemberPath, PathFault};

const RECORD: usize = 512;

/// Goes through all entries and the end.
pub(super) fn walk(stream: &mut dyn Read, limits: &Limits, visitor: &mut dyn Visitor) -> Result<(), ArchiveError> {
    let mut tar = Tar { stream, at: 0, limits };
    let mut pending: Option<Pax> = None;
    loop {
        let at = tar.at;
        let block = tar.record("the tar headers")?;
        if block == [0; RECORD] {
            return if pending.is_some() { Err(dangling(at)) } else { tar.end() };
        }
        let header = Header::parse(&block, at)?;
        match header.kind {
            b'x' | b'g' if pending.is_some() => return Err(dangling(at)),
            b'x' => pending = Some(tar.extended(&header, pax::parse)?),
            b'g' => tar.extended(&header, pax::parse_global)?,
            _ => tar.entry(&header, &pending.take().unwrap_or_default(), visitor)?,
        }
    }
}

fn dangling(at: u64) -> ArchiveError {
    ArchiveError::Pax { entry: format!("the entry at byte {at}"), why: "is not followed by an entry".to_owned() }
}

/// The decompressed stream and where in it we are.
struct Tar<'a> {
    stream: &'a mut dyn Read,
    at: u64,
    limits: &'a Limits,
}

impl Tar<'_> {
    /// Reads 512 bytes.
    fn record(&mut self, within: &str) -> Result<[u8; RECORD], ArchiveError> {
        let mut record = [0; RECORD];
        self.exactly(&mut record, within)?;
        Ok(record)
    }

    fn exactly(&mut self, buffer: &mut [u8], within: &str) -> Result<(), ArchiveError> {
        self.stream.read_exact(buffer).map_err(|error| ArchiveError::from_stream(error, within))?;
        self.at += buffer.len() as u64;
        Ok(())
    }

    /// The second zero block, and zeros to the end of the stream: tools fill up to 20 blocks.
    fn end(&mut self) -> Result<(), ArchiveError> {
        let what = "the tar archive";
        if self.record("the end of the tar archive")? != [0; RECORD] {
            return Err(ArchiveError::Trailing { what });
        }
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer).map_err(|error| ArchiveError::from_stream(error, what))? {
                0 => return Ok(()),
                n if buffer[..n].iter().all(|byte| *byte == 0) => {}
                _ => return Err(ArchiveError::Trailing { what }),
            }
        }
    }

    /// Reads an extended header's data.
    fn extended<T>(
        &mut self,
        header: &Header,
        parse: impl FnOnce(&[u8], &str) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        let entry = header.shown();
        // A reader that does not know extended headers takes this for a file of that name.
        stays_below(&header.path)?;
        if header.size > pax::MOST {
            return Err(ArchiveError::Pax { entry, why: format!("is larger than {} bytes", pax::MOST) });
        }
        let mut data = vec![0; usize::try_from(header.size).unwrap_or(0)];
        self.exactly(&mut data, &entry)?;
        self.padding(header.size, &entry)?;
        parse(&data, &entry)
    }

    fn entry(&mut self, header: &Header, pax: &Pax, visitor: &mut dyn Visitor) -> Result<(), ArchiveError> {
        let (head, size) = resolve(header, pax, self.limits)?;
        let entry = ArchiveError::shown(head.path.as_str().as_bytes());
        if size > self.limits.entry_bytes {
            return Err(ArchiveError::TooLarge { what: entry, cap: self.limits.entry_bytes });
        }
        let mut body = Body { stream: self.stream, left: size, entry: &entry };
        visitor.entry(head, &mut body)?;
        io::copy(&mut body, &mut io::sink()).map_err(|error| ArchiveError::from_stream(error, &entry))?;
        self.at += size;
        self.padding(size, &entry)
    }

    /// The zeros up to the next multiple of 512.
    fn padding(&mut self, size: u64, entry: &str) -> Result<(), ArchiveError> {
        let mut record = [0; RECORD];
        // Less than 512.
        let padding = &mut record[..(size.wrapping_neg() % RECORD as u64) as usize];
        self.exactly(padding, entry)?;
        if padding.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(ArchiveError::Header { entry: entry.to_owned(), why: "is followed by padding that is not zero" })
    }
}

/// An entry's content.
struct Body<'a> {
    stream: &'a mut dyn Read,
    left: u64,
    entry: &'a str,
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let n = self
            .stream
            .read(&mut buffer[..most])
            .map_err(|error| io::Error::other(ArchiveError::from_stream(error, self.entry)))?;
        if n == 0 {
            return Err(io::Error::other(ArchiveError::Truncated { within: self.entry.to_owned() }));
        }
        self.left -= n as u64;
        Ok(n)
    }
}

/// A header whose checksum holds.
struct Header {
    /// Prefix and name.
    path: Vec<u8>,
    link: Vec<u8>,
    mode: u32,
    size: u64,
    kind: u8,
}

impl Header {
    fn parse(block: &[u8; RECORD], at: u64) -> Result<Self, ArchiveError> {
        let place = || format!("the entry at byte {at}");
        let refuse = |why| ArchiveError::Header { entry: place(), why };
        // The checksum's own field counts as spaces.
        let sum: u64 =
            block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u64::from(*b) }).sum();
        if octal(&block[148..156]) != Some(sum) {
            return Err(ArchiveError::Checksum { entry: format!("the tar header at byte {at}") });
        }
        let mut path = until_nul(&block[..100]).to_vec();
        match &block[257..265] {
            b"ustar\x0000" => {
                let prefix = until_nul(&block[345..500]);
                if !prefix.is_empty() {
                    path = [prefix, &path].join(&b'/');
                }
            }
            // GNU tar of before pax: what POSIX has as the prefix are other things there.
            b"ustar  \0" => {}
            _ => return Err(refuse("is of no known tar (ustar, pax or GNU)")),
        }
        let mode = octal(&block[100..108]).and_then(|mode| u32::try_from(mode).ok());
        Ok(Self {
            path,
            link: until_nul(&block[157..257]).to_vec(),
            mode: mode.ok_or_else(|| refuse("has a mode that is no octal number"))?,
            size: octal(&block[124..136]).ok_or_else(|| refuse("has a size that is no octal number"))?,
            kind: block[156],
        })
    }

    fn shown(&self) -> String {
        ArchiveError::shown(&self.path)
    }

    /// What the type means (POSIX.1-2017; GNU tar manual, "Basic Tar Format").
    fn refusal(&self) -> Option<ArchiveError> {
        let entry = self.shown();
        let what = match self.kind {
            b'0' | 0 | b'2' | b'5' => return None,
            b'1' => return Some(ArchiveError::HardLink { entry }),
            b'S' => return Some(ArchiveError::Sparse { entry }),
            b'3' => "a character device".to_owned(),
            b'4' => "a block device".to_owned(),
            b'6' => "a FIFO".to_owned(),
            b'L' | b'K' => "a long name of old GNU tar (make the archive with `tar --format=pax`)".to_owned(),
            other => format!("of type `{}`", char::from(other).escape_default()),
        };
        Some(ArchiveError::Special { entry, what })
    }
}

/// The entry and its content's size, as header and extended header say together.
fn resolve(header: &Header, pax: &Pax, limits: &Limits) -> Result<(Head, u64), ArchiveError> {
    if let Some(refusal) = header.refusal() {
        return Err(refusal);
    }
    if pax.path.is_some() {
        // A reader that does not know extended headers takes this name.
        stays_below(&header.path)?;
    }
    let name = pax.path.as_deref().unwrap_or(&header.path);
    let entry = || ArchiveError::shown(name);
    let size = size(header, pax.size)?;
    let folder = header.kind == b'5';
    let plain = if folder { name.strip_suffix(b"/").unwrap_or(name) } else { name };
    let path = MemberPath::from_bytes(plain, limits.path_bytes)?;
    let shape = match header.kind {
        b'5' => Shape::Folder,
        b'2' => {
            let target = pax.link.as_deref().unwrap_or(&header.link);
            let text = std::str::from_utf8(target)
                .map_err(|_| ArchiveError::LinkEscapes { entry: entry(), target: ArchiveError::shown(target) })?;
            Shape::Link(text.into())
        }
        _ => Shape::File,
    };
    if size > 0 && !matches!(shape, Shape::File) {
        return Err(ArchiveError::Header { entry: entry(), why: "gives content to what has none" });
    }
    if header.mode & 0o7000 != 0 {
        return Err(ArchiveError::Privileged { entry: entry(), mode: header.mode });
    }
    // Some tools put the type of the file into its mode too.
    let typed = match shape {
        Shape::File => 0o100_000,
        Shape::Folder => 0o40_000,
        Shape::Link(_) => 0o120_000,
    };
    if header.mode >> 12 != 0 && header.mode & !0o7777 != typed {
        return Err(ArchiveError::Header { entry: entry(), why: "has a mode of another type of file" });
    }
    let mode = shape.mode(header.mode);
    Ok((Head { path, mode, shape }, size))
}

/// The size, which two readers must not see as two. An extended header may only say what the header says too, or
/// what the header cannot say and leaves at 0: more than eleven octal digits.
fn size(header: &Header, pax: Option<u64>) -> Result<u64, ArchiveError> {
    match pax {
        None => Ok(header.size),
        Some(pax) if pax == header.size || header.size == 0 && pax > 0o777_7777_7777 => Ok(pax),
        Some(pax) => Err(ArchiveError::SizesDisagree { entry: header.shown(), base: header.size, pax }),
    }
}

/// Refuses a name by which a reader could leave the folder; for names that an extended header replaces, which may be
/// cut within a character.
fn stays_below(name: &[u8]) -> Result<(), ArchiveError> {
    let refuse = |why| Err(ArchiveError::Path { entry: ArchiveError::shown(name), why });
    if name.first() == Some(&b'/') {
        return refuse(PathFault::Absolute);
    }
    if name.split(|byte| matches!(byte, b'/' | b'\\')).any(|component| component == b"..") {
        return refuse(PathFault::Parent);
    }
    Ok(())
}

/// Octal digits, spaces before them, then NULs and spaces. GNU's binary numbers are refused: they are for sizes that a
/// pax header says in plain digits.
fn octal(field: &[u8]) -> Option<u64> {
    let field = field.trim_ascii_start();
    let digits = field.iter().position(|byte| !(b'0'..=b'7').contains(byte)).unwrap_or(field.len());
    let (digits, rest) = field.split_at(digits);
    if digits.is_empty() || digits.len() > 12 || !rest.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return None;
    }
    Some(digits.iter().fold(0, |number, digit| number << 3 | u64::from(digit - b'0')))
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}
