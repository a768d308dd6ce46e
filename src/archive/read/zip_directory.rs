//! The end of a zip: end records and central directory (PKWARE APPNOTE 6.3.10, 4.3.12 to 4.3.16).

use std::io::{Read, SeekFrom};

use super::ReadSeek;
use super::limits::Limits;
use crate::archive::ArchiveError;

/// The most bytes a central directory may have: it is the one part that is held in memory.
const MOST: u64 = 64 << 20;

/// Sizes of the end record, of the zip64 end record without extensions, and of its locator.
const END: u64 = 22;
const END64: u64 = 56;
const LOCATOR: u64 = 20;

/// "See the zip64 field" (APPNOTE 4.4.1.4).
const SEE_64: u32 = u32::MAX;

/// The directory of a zip.
pub(super) struct Directory {
    /// In the order of their data.
    pub(super) entries: Vec<Central>,
    /// Where the directory starts, which is where the last entry must end.
    pub(super) offset: u64,
    /// The bytes from there to the end of the file.
    pub(super) tail: Vec<u8>,
}

/// What the central directory says about an entry.
pub(super) struct Central {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    /// Compressed size.
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) external: u32,
    /// Where the local header is.
    pub(super) offset: u64,
}

impl Central {
    pub(super) fn shown(&self) -> String {
        ArchiveError::shown(&self.name)
    }
}

/// Reads the directory; leaves the source anywhere.
pub(super) fn read(source: &mut dyn ReadSeek, limits: &Limits) -> Result<Directory, ArchiveError> {
    let length = source.seek(SeekFrom::End(0)).map_err(ArchiveError::Read)?;
    let end = end(source, length)?;
    if end.entries > limits.entries {
        return Err(ArchiveError::TooMany { cap: limits.entries });
    }
    if end.size > MOST {
        return Err(ArchiveError::TooLarge { what: "the zip's central directory".to_owned(), cap: MOST });
    }
    // At most MOST and the end records.
    let tail = at(source, end.offset, length - end.offset)?;
    let directory = tail.get(..usize::try_from(end.size).unwrap_or(usize::MAX)).unwrap_or_default();
    let mut fields = Fields(directory);
    let mut entries = Vec::new();
    while !fields.0.is_empty() {
        if entries.len() as u64 == end.entries {
            return Err(wrong("central directory", "has more entries than the end record says"));
        }
        entries.push(central(&mut fields)?);
    }
    if entries.len() as u64 != end.entries {
        return Err(wrong("central directory", "has fewer entries than the end record says"));
    }
    entries.sort_by_key(|entry| entry.offset);
    Ok(Directory { entries, offset: end.offset, tail })
}

/// What the end records say.
struct End {
    entries: u64,
    size: u64,
    offset: u64,
}

fn end(source: &mut dyn ReadSeek, length: u64) -> Result<End, ArchiveError> {
    let part = "end record";
    let start =
        length.checked_sub(END).ok_or_else(|| ArchiveError::Truncated { within: "the zip's end record".into() })?;
    let record = at(source, start, END)?;
    let mut fields = Fields(&record);
    // Found only here: readers that search backwards can be shown another one in a comment or in bytes after it.
    if fields.u32() != Some(0x0605_4b50) {
        return Err(wrong(part, "is not the last thing in the file; a comment or bytes after it are not accepted"));
    }
    let parse = |fields: &mut Fields<'_>| {
        let disks = (fields.u16()?, fields.u16()?);
        let (here, entries) = (fields.u16()?, fields.u16()?);
        Some((disks, here, entries, fields.u32()?, fields.u32()?, fields.u16()?))
    };
    let (disks, here, entries, size, offset, comment) = parse(&mut fields).ok_or_else(|| wrong(part, "is broken"))?;
    if comment != 0 {
        return Err(wrong(part, "has a comment"));
    }
    if disks != (0, 0) || here != entries {
        return Err(wrong(part, "speaks of several disks"));
    }
    let small = End { entries: entries.into(), size: size.into(), offset: offset.into() };
    let (end, upto) = match end64(source, start)? {
        None => (small, start),
        Some((large, upto)) => {
            let same = |small: u64, none: u64, large: u64| small == none || small == large;
            let agree = same(small.entries, u16::MAX.into(), large.entries)
                && same(small.size, SEE_64.into(), large.size)
                && same(small.offset, SEE_64.into(), large.offset);
            if !agree {
                return Err(wrong("zip64 end record", "disagrees with the end record"));
            }
            (large, upto)
        }
    };
    if end.offset.checked_add(end.size) != Some(upto) {
        return Err(wrong("central directory", "does not reach from where it starts to the end record"));
    }
    Ok(end)
}

/// The zip64 end record before the end record, if there is one, and where it starts.
fn end64(source: &mut dyn ReadSeek, end: u64) -> Result<Option<(End, u64)>, ArchiveError> {
    let part = "zip64 end record";
    let Some(start) = end.checked_sub(LOCATOR) else { return Ok(None) };
    let locator = at(source, start, LOCATOR)?;
    let mut fields = Fields(&locator);
    if fields.u32() != Some(0x0706_4b50) {
        return Ok(None);
    }
    let upto = start.checked_sub(END64).ok_or_else(|| wrong(part, "is missing"))?;
    if (fields.u32(), fields.u64(), fields.u32()) != (Some(0), Some(upto), Some(1)) {
        return Err(wrong("zip64 locator", "does not lead to the zip64 end record right before it"));
    }
    let record = at(source, upto, END64)?;
    let mut fields = Fields(&record);
    // The size counts what comes after it: 44 without extensions.
    if (fields.u32(), fields.u64()) != (Some(0x0606_4b50), Some(44)) {
        return Err(wrong(part, "is missing or has extensions"));
    }
    let parse = |fields: &mut Fields<'_>| {
        let _versions = fields.u32()?;
        let disks = (fields.u32()?, fields.u32()?);
        Some((disks, fields.u64()?, End { entries: fields.u64()?, size: fields.u64()?, offset: fields.u64()? }))
    };
    let (disks, here, end) = parse(&mut fields).ok_or_else(|| wrong(part, "is broken"))?;
    if disks != (0, 0) || here != end.entries {
        return Err(wrong(part, "speaks of several disks"));
    }
    Ok(Some((end, upto)))
}

/// One file header (APPNOTE 4.3.12).
fn central(fields: &mut Fields<'_>) -> Result<Central, ArchiveError> {
    let part = "central directory";
    let broken = || wrong(part, "is broken");
    if fields.u32() != Some(0x0201_4b50) {
        return Err(broken());
    }
    let mut parse = || {
        let _versions = fields.u32()?;
        let (flags, method, _time) = (fields.u16()?, fields.u16()?, fields.u32()?);
        let (crc, packed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let (disk, _internal, external, offset) = (fields.u16()?, fields.u16()?, fields.u32()?, fields.u32()?);
        let (name, extra, _comment) = (fields.take(name)?, fields.take(extra)?, fields.take(comment)?);
        Some((flags, method, crc, [size, packed, offset], name, extra, disk, external))
    };
    let (flags, method, crc, numbers, name, extra, disk, external) = parse().ok_or_else(broken)?;
    if disk != 0 {
        return Err(wrong(part, "speaks of several disks"));
    }
    let extra = Extra::parse(extra, name)?;
    let [size, packed, offset] = extra
        .widen(numbers)
        .ok_or_else(|| ArchiveError::ZipDisagrees { entry: ArchiveError::shown(name), field: "zip64 sizes" })?;
    Ok(Central { name: name.to_vec(), flags, method, crc, packed, size, external, offset })
}

/// Extra fields that change what an entry is (APPNOTE 4.5); others say nothing that is read here.
#[derive(Default)]
pub(super) struct Extra<'a> {
    /// The zip64 field's numbers.
    pub(super) zip64: Option<&'a [u8]>,
}

impl<'a> Extra<'a> {
    /// Reads all fields of an entry.
    pub(super) fn parse(bytes: &'a [u8], name: &[u8]) -> Result<Self, ArchiveError> {
        let entry = || ArchiveError::shown(name);
        let mut fields = Fields(bytes);
        let mut extra = Self::default();
        let mut seen = std::collections::HashSet::new();
        while !fields.0.is_empty() {
            let mut field = || {
                let (id, length) = (fields.u16()?, fields.u16()?);
                Some((id, fields.take(length)?))
            };
            let (id, data) = field().ok_or_else(|| wrong(&entry(), "has broken extra fields"))?;
            match id {
                1 | 0x7075 if !seen.insert(id) => return Err(wrong(&entry(), "has an extra field twice")),
                1 => extra.zip64 = Some(data),
                0x7075 => unicode_path(data, name)?,
                // Strong encryption and AES (APPNOTE 4.5.12; WinZip AE).
                0x0017 | 0x9901 => return Err(ArchiveError::Encrypted { entry: entry() }),
                _ => {}
            }
        }
        Ok(extra)
    }

    /// Takes each number that says "see zip64" from the zip64 field, which must have these numbers and no others.
    pub(super) fn widen<const N: usize>(&self, numbers: [u32; N]) -> Option<[u64; N]> {
        let mut fields = Fields(self.zip64.unwrap_or_default());
        let mut wide = [0; N];
        for (wide, number) in wide.iter_mut().zip(numbers) {
            *wide = if number == SEE_64 { fields.u64()? } else { number.into() };
        }
        fields.0.is_empty().then_some(wide)
    }
}

/// The Info-ZIP Unicode path: a second name, which must be the same one (APPNOTE 4.6.9).
fn unicode_path(data: &[u8], name: &[u8]) -> Result<(), ArchiveError> {
    let mut fields = Fields(data);
    let (version, crc) = (fields.take(1), fields.u32());
    if version == Some(&[1]) && crc == Some(crc32fast::hash(name)) && fields.0 == name {
        return Ok(());
    }
    Err(ArchiveError::ZipDisagrees { entry: ArchiveError::shown(name), field: "name (Unicode path)" })
}

/// Little-endian fields, one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, length: u16) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// Reads a range of the file.
fn at(source: &mut dyn ReadSeek, start: u64, length: u64) -> Result<Vec<u8>, ArchiveError> {
    source.seek(SeekFrom::Start(start)).map_err(ArchiveError::Read)?;
    let mut bytes = Vec::new();
    let read = Read::take(&mut *source, length).read_to_end(&mut bytes).map_err(ArchiveError::Read)?;
    if read as u64 == length {
        Ok(bytes)
    } else {
        Err(ArchiveError::Truncated { within: "the zip's directory".into() })
    }
}

pub(super) fn wrong(part: &str, why: &'static str) -> ArchiveError {
    ArchiveError::Zip { part: part.to_owned(), why }
}
