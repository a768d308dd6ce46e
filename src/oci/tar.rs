//! tar as image tools write it: read with tolerance for old forms, never unpacked.
//!
//! [`crate::archive`] reads what sealift makes and refuses the rest. Layers of others hold hard links, devices, long
//! names of old GNU tar and numbers in binary, and are only looked at here: memory stays bounded whatever they say.

use std::io::{self, Read};

use super::{LayerError, from_stream};
use crate::error::Failure;

const RECORD: usize = 512;

/// The most bytes of a long name or an extended header: what Go's reader takes (`archive/tar`, `maxSpecialFileSize`).
const MOST_SPECIAL: u64 = 1 << 20;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// Another name of a file of the same file system.
    HardLink,
    /// A character or block device.
    Device,
    /// A FIFO.
    Fifo,
    /// A file with holes, which are not stored.
    Sparse,
    /// Anything else.
    Other,
}

/// An entry as its headers describe it.
pub(super) struct Header {
    pub(super) path: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) kind: EntryKind,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// Bytes of content that follow.
    pub(super) size: u64,
    /// Where in the stream these begin.
    pub(super) at: u64,
}

/// A stream that can go forward without giving what it passes.
pub(super) trait Forward: Read {
    /// Passes over bytes; reading finds out when there are fewer.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
}

/// Takes each entry with its content, of which it reads what it wants.
pub(super) type Visit<'a> = dyn FnMut(&Header, &mut dyn Read) -> Result<(), Failure> + 'a;

/// Goes through all entries, up to the first zero block or the end of the stream.
pub(super) fn walk(stream: &mut dyn Forward, most_entries: u64, visit: &mut Visit<'_>) -> Result<(), Failure> {
    let mut tar = Tar { stream, at: 0 };
    let mut special = Special::default();
    // Extended headers are counted too: a stream of these alone would never end.
    for _ in 0..most_entries.saturating_mul(3) {
        let Some(block) = tar.record()? else { return Ok(()) };
        if block == [0; RECORD] {
            return Ok(());
        }
        let header = tar::Header::from_byte_slice(&block);
        let at = tar.at - RECORD as u64;
        let broken = |why| LayerError::Tar { at, why };
        checksum(header).ok_or_else(|| broken("has a wrong checksum"))?;
        let size = header.entry_size().map_err(|_| broken("has a size that is no number"))?;
        match header.as_bytes()[156] {
            b'L' => special.path = Some(until_nul(&tar.special(size)?).to_vec()),
            b'K' => special.link = Some(until_nul(&tar.special(size)?).to_vec()),
            b'x' => {
                let data = tar.special(size)?;
                special.extended(&data).ok_or_else(|| broken("has a broken extended header"))?;
            }
            // Holds for all entries after it, and is ignored as Go does.
            b'g' => drop(tar.special(size)?),
            _ => tar.entry(header, size, std::mem::take(&mut special), visit)?,
        }
    }
    Err(LayerError::TooMany { cap: most_entries }.into())
}

struct Tar<'a> {
    stream: &'a mut dyn Forward,
    at: u64,
}

impl Tar<'_> {
    /// Reads 512 bytes, or nothing at the end of a stream that has no zero blocks.
    fn record(&mut self) -> Result<Option<[u8; RECORD]>, Failure> {
        let mut record = [0; RECORD];
        let mut filled = 0;
        while filled < RECORD {
            match self.stream.read(&mut record[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(LayerError::Truncated { at: self.at }.into()),
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failure(error, self.at)),
            }
        }
        self.at += RECORD as u64;
        Ok(Some(record))
    }

    /// Reads the data of a header that speaks about the next one.
    fn special(&mut self, size: u64) -> Result<Vec<u8>, Failure> {
        let at = self.at;
        if size > MOST_SPECIAL {
            return Err(LayerError::Tar { at, why: "follows a long name or header of more than 1 MiB" }.into());
        }
        let mut data = Vec::new();
        (&mut *self.stream).take(size).read_to_end(&mut data).map_err(|error| failure(error, at))?;
        if data.len() as u64 != size {
            return Err(LayerError::Truncated { at }.into());
        }
        self.at += size;
        self.skip_padding(size)?;
        Ok(data)
    }

    fn entry(
        &mut self,
        header: &tar::Header,
        base: u64,
        special: Special,
        visit: &mut Visit<'_>,
    ) -> Result<(), Failure> {
        let broken = |why| LayerError::Tar { at: self.at - RECORD as u64, why };
        let path = special.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = special.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
        let sparse = special.sparse;
        let kind = match header.as_bytes()[156] {
            // Before POSIX a folder was a file whose name ends so.
            0 | b'0' if path.ends_with(b"/") => EntryKind::Folder,
            0 | b'0' | b'7' if sparse => EntryKind::Sparse,
            0 | b'0' | b'7' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Link,
            b'3' | b'4' => EntryKind::Device,
            b'5' => EntryKind::Folder,
            b'6' => EntryKind::Fifo,
            b'S' => EntryKind::Sparse,
            _ => EntryKind::Other,
        };
        let size = match special.size {
            None => base,
            // Two readers must not see two archives (RUSTSEC-2026-0068): only what the header cannot say is said here.
            Some(size) if size == base || base == 0 && size > 0o777_7777_7777 => size,
            Some(_) => return Err(broken("has two sizes").into()),
        };
        // What has no content has none whatever its size says (Go, `archive/tar`, `isHeaderOnlyType`).
        let size = match kind {
            EntryKind::File | EntryKind::Sparse | EntryKind::Other => size,
            _ => 0,
        };
        // A field that nobody filled is 0, as Go's reader has it (`archive/tar`, `parseOctal`).
        let number = |field: &[u8], found: io::Result<u64>, why| match field.iter().all(|c| matches!(c, 0 | b' ')) {
            true => Ok(0),
            false => found.map_err(|_| broken(why)),
        };
        let old = header.as_old();
        let mode = header.mode().map_err(|_| broken("has a mode that is no number"))?;
        let uid = special.uid.map_or_else(|| number(&old.uid, header.uid(), "has an owner that is no number"), Ok)?;
        let gid = special.gid.map_or_else(|| number(&old.gid, header.gid(), "has a group that is no number"), Ok)?;
        if header.as_bytes()[156] == b'S' {
            self.skip_sparse_map(header.as_bytes()[482])?;
        }
        let header = Header { path, link: link.unwrap_or_default(), kind, mode, uid, gid, size, at: self.at };
        let mut body = Body { stream: &mut *self.stream, left: size };
        visit(&header, &mut body)?;
        let left = body.left;
        self.stream.skip(left).map_err(|error| failure(error, header.at))?;
        self.at = header.at.saturating_add(size);
        self.skip_padding(size)
    }

    /// The further blocks in which old GNU tar says where the holes are.
    fn skip_sparse_map(&mut self, mut more: u8) -> Result<(), Failure> {
        while more != 0 {
            more = self.record()?.ok_or(LayerError::Truncated { at: self.at })?[504];
        }
        Ok(())
    }

    fn skip_padding(&mut self, size: u64) -> Result<(), Failure> {
        let padding = size.wrapping_neg() % RECORD as u64;
        self.stream.skip(padding).map_err(|error| failure(error, self.at))?;
        self.at = self.at.saturating_add(padding);
        Ok(())
    }
}

/// What a stream's error means here.
pub(super) fn failure(error: io::Error, at: u64) -> Failure {
    from_stream(error, |error| match error.kind() {
        io::ErrorKind::UnexpectedEof => LayerError::Truncated { at }.into(),
        _ => LayerError::Stream { at, source: std::sync::Arc::new(error) }.into(),
    })
}

/// An entry's content.
struct Body<'a> {
    stream: &'a mut dyn Forward,
    left: u64,
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        match self.stream.read(&mut buffer[..most])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.left -= n as u64;
                Ok(n)
            }
        }
    }
}

/// What headers before an entry's own say about it.
#[derive(Default)]
struct Special {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    sparse: bool,
}

impl Special {
    /// Takes in `length key=value\n` after each other (POSIX.1-2017, pax, "pax Extended Header").
    fn extended(&mut self, mut data: &[u8]) -> Option<()> {
        while !data.is_empty() {
            let space = data.iter().take(20).position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&data[..space]).ok()?.parse().ok()?;
            let (record, rest) = data.split_at_checked(length)?;
            let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
            let equals = body.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (&body[..equals], &body[equals + 1..]);
            let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
            match key {
                b"path" | b"GNU.sparse.name" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(number()?),
                b"uid" => self.uid = Some(number()?),
                b"gid" => self.gid = Some(number()?),
                _ => {}
            }
            self.sparse |= key.starts_with(b"GNU.sparse.");
            data = rest;
        }
        Some(())
    }
}

/// Whether the checksum holds; its own field counts as spaces.
fn checksum(header: &tar::Header) -> Option<()> {
    let bytes = header.as_bytes().iter().enumerate();
    let sum: u32 = bytes.map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum();
    (header.cksum().ok()? == sum).then_some(())
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}
