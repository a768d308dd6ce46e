//! ZIP (PKWARE APPNOTE 6.3.10), written front to back: sizes and CRC follow each entry's data in a data descriptor.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use zip::DateTime;

use super::deflate::{Stream, Total, on_threads};
use super::{Held, Member, Mode, Pump};
use crate::archive::ArchiveError;

/// From this size on an entry gets zip64 fields; below it is room for data that grow when "compressed".
const LARGE: u64 = 0xf000_0000;

/// "See the zip64 field" (APPNOTE 4.4.1.4).
const SEE_64: u32 = u32::MAX;
/// The versions that read deflate, and zip64 (APPNOTE 4.4.3.2).
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;
/// Made on Unix: the upper half of the external attributes is the mode (APPNOTE 4.4.2.2).
const UNIX: u16 = 3 << 8;
/// Sizes and CRC follow the data (APPNOTE 4.4.4).
const DESCRIPTOR: u16 = 1 << 3;
/// The name is UTF-8.
const UTF8: u16 = 1 << 11;
const DEFLATED: u16 = 8;

/// Writes sorted members and the central directory.
pub(super) fn write(
    level: u8,
    threads: NonZeroUsize,
    mtime: u64,
    members: Vec<Member>,
    out: &mut dyn Write,
) -> Result<Vec<Held>, ArchiveError> {
    write_large_from(LARGE, level, threads, mtime, members, out)
}

fn write_large_from(
    large: u64,
    level: u8,
    threads: NonZeroUsize,
    mtime: u64,
    members: Vec<Member>,
    out: &mut dyn Write,
) -> Result<Vec<Held>, ArchiveError> {
    on_threads(level, threads, |workers| {
        let time = dos_time(mtime);
        let mut pump = Pump::new();
        let (mut held, mut directory, mut offset, mut count) = (Vec::new(), Record::default(), 0, 0);
        for member in members {
            let (mode, name) = (member.mode, member.path.clone());
            let entry = Entry { name: name.as_str(), mode, time, large: member.content.size >= large };
            let local = entry.local()?;
            out.write_all(&local.0).map_err(ArchiveError::Write)?;
            let mut stream = Stream::start(workers, out);
            held.push(pump.pour(member.path, member.content, &mut stream)?);
            let total = stream.finish().map_err(ArchiveError::Write)?;
            let descriptor = entry.descriptor(&total);
            out.write_all(&descriptor.0).map_err(ArchiveError::Write)?;
            entry.central(&mut directory, &total, offset)?;
            offset += local.len() + total.packed + descriptor.len();
            count += 1;
        }
        out.write_all(&directory.0).map_err(ArchiveError::Write)?;
        out.write_all(&end(count, directory.len(), offset).0).map_err(ArchiveError::Write)?;
        Ok(held)
    })
}

/// What is known of an entry before its data.
struct Entry<'a> {
    name: &'a str,
    mode: Mode,
    time: DateTime,
    large: bool,
}

impl Entry<'_> {
    /// The local header (APPNOTE 4.3.7), with sizes and CRC left to the descriptor.
    fn local(&self) -> Result<Record, ArchiveError> {
        let mut record = Record::default();
        record.u32(0x0403_4b50).u16(self.version()).u16(self.flags()).u16(DEFLATED);
        record.u16(self.time.timepart()).u16(self.time.datepart()).u32(0);
        // A large entry announces here that its descriptor has 64-bit sizes (APPNOTE 4.3.9.2).
        let (size, extra) = if self.large { (SEE_64, 20) } else { (0, 0) };
        record.u32(size).u32(size).u16(self.name_length()?).u16(extra).bytes(self.name.as_bytes());
        if self.large {
            record.u16(1).u16(16).u64(0).u64(0);
        }
        Ok(record)
    }

    /// What follows the data (APPNOTE 4.3.9).
    fn descriptor(&self, total: &Total) -> Record {
        let mut record = Record::default();
        record.u32(0x0807_4b50).u32(total.crc);
        if self.large {
            record.u64(total.packed).u64(total.size);
        } else {
            // Both are below 2^32: see LARGE.
            record.u32(total.packed as u32).u32(total.size as u32);
        }
        record
    }

    /// Its header in the central directory (APPNOTE 4.3.12).
    fn central(&self, directory: &mut Record, total: &Total, offset: u64) -> Result<(), ArchiveError> {
        let mut extra = Record::default();
        if self.large {
            extra.u64(total.size).u64(total.packed);
        }
        if offset >= SEE_64.into() {
            extra.u64(offset);
        }
        let version = if extra.0.is_empty() { PLAIN } else { ZIP64 };
        let packed = if self.large { SEE_64 } else { total.packed as u32 };
        let size = if self.large { SEE_64 } else { total.size as u32 };
        directory.u32(0x0201_4b50).u16(UNIX | version).u16(version).u16(self.flags()).u16(DEFLATED);
        directory.u16(self.time.timepart()).u16(self.time.datepart()).u32(total.crc).u32(packed).u32(size);
        let extra_length = if extra.0.is_empty() { 0 } else { 4 + extra.len() as u16 };
        // No comment, the first disk, no internal attributes.
        directory.u16(self.name_length()?).u16(extra_length).u16(0).u16(0).u16(0);
        // A regular file.
        directory.u32((0o100_000 | self.mode.bits()) << 16).u32(u32::try_from(offset).unwrap_or(SEE_64));
        directory.bytes(self.name.as_bytes());
        if !extra.0.is_empty() {
            directory.u16(1).u16(extra.len() as u16).bytes(&extra.0);
        }
        Ok(())
    }

    fn version(&self) -> u16 {
        if self.large { ZIP64 } else { PLAIN }
    }

    fn flags(&self) -> u16 {
        if self.name.is_ascii() { DESCRIPTOR } else { DESCRIPTOR | UTF8 }
    }

    fn name_length(&self) -> Result<u16, ArchiveError> {
        let long = || io::Error::new(io::ErrorKind::InvalidInput, "a name too long for zip");
        u16::try_from(self.name.len()).map_err(|_| ArchiveError::Write(long()))
    }
}

/// The end of the archive (APPNOTE 4.3.14 to 4.3.16).
fn end(entries: u64, size: u64, offset: u64) -> Record {
    let mut record = Record::default();
    if entries >= u16::MAX.into() || size >= SEE_64.into() || offset >= SEE_64.into() {
        record.u32(0x0606_4b50).u64(44).u16(UNIX | ZIP64).u16(ZIP64).u32(0).u32(0);
        record.u64(entries).u64(entries).u64(size).u64(offset);
        record.u32(0x0706_4b50).u32(0).u64(offset + size).u32(1);
    }
    let entries = u16::try_from(entries).unwrap_or(u16::MAX);
    let small = |number| u32::try_from(number).unwrap_or(SEE_64);
    record.u32(0x0605_4b50).u16(0).u16(0).u16(entries).u16(entries).u32(small(size)).u32(small(offset)).u16(0);
    record
}

/// Fields, in little-endian order.
#[derive(Default)]
struct Record(Vec<u8>);

impl Record {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u16(&mut self, field: u16) -> &mut Self {
        self.bytes(&field.to_le_bytes())
    }

    fn u32(&mut self, field: u32) -> &mut Self {
        self.bytes(&field.to_le_bytes())
    }

    fn u64(&mut self, field: u64) -> &mut Self {
        self.bytes(&field.to_le_bytes())
    }

    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

/// The DOS time of a moment, in UTC: years 1980 to 2107, steps of two seconds (APPNOTE 4.4.6). Earlier and later
/// moments become the first and the last one there is.
fn dos_time(unix: u64) -> DateTime {
    let (days, second) = (unix / 86_400, unix % 86_400);
    let (year, month, day) = date(days);
    if year < 1980 {
        return DateTime::default();
    }
    // Each is in its range: a day has 86400 seconds.
    let [hour, minute, second] = [second / 3600, second / 60 % 60, second % 60].map(|n| n as u8);
    DateTime::from_date_and_time(year, month, day, hour, minute, second)
        .or_else(|_| DateTime::from_date_and_time(2107, 12, 31, 23, 59, 58))
        .unwrap_or_default()
}

/// Year, month and day, the days counted from 1970-01-01 (Gregorian). Past 2107 only the year is right enough: too
/// late.
fn date(mut days: u64) -> (u16, u8, u8) {
    let mut year = 1970;
    let leap = |year: u16| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = |year: u16| 365 + u64::from(leap(year));
    while days >= length(year) && year < 2108 {
        days -= length(year);
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    // A day of a month, except past 2107, where it is not used.
    (year, month, u8::try_from(days + 1).unwrap_or(31))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use ::zip::ZipArchive;

    use super::*;
    use crate::archive::tests::{golden_input, listed, member};
    use crate::archive::{Format, Limits};

    /// What another reader finds is what was written, with 32-bit and with 64-bit sizes.
    #[test]
    fn the_zip_crate_reads_it() {
        let data = golden_input(2_500_000);
        for (large, version) in [(LARGE, PLAIN), (0, ZIP64)] {
            let members = vec![
                member("bin/service", Mode::Executable, &data, 70_000),
                member("empty", Mode::Plain, b"", 1),
                member("µ", Mode::Plain, b"content", 7),
            ];
            let mut out = Vec::new();
            let threads = NonZeroUsize::new(2).unwrap();
            write_large_from(large, 5, threads, 1_798_761_599, members, &mut out).unwrap();
            assert_eq!(out[4..6], version.to_le_bytes());
            assert_eq!(listed(Format::Zip, &out, &Limits::release()).unwrap().entries().len(), 3);
            let mut archive = ZipArchive::new(Cursor::new(&out)).unwrap();
            for (name, mode, content) in
                [("bin/service", 0o100_755, &data[..]), ("empty", 0o100_644, b""), ("µ", 0o100_644, b"content")]
            {
                let mut file = archive.by_name(name).unwrap();
                let mut found = Vec::new();
                file.read_to_end(&mut found).unwrap();
                assert!(found == content, "{name}");
                assert_eq!((file.unix_mode(), file.size()), (Some(mode), content.len() as u64));
                assert_eq!(file.last_modified(), Some(dos_time(1_798_761_599)));
            }
        }
    }

    /// More entries than 16 bits can count, and offsets that 32 bits cannot hold.
    #[test]
    fn a_great_directory_is_read() {
        let far = u64::from(SEE_64) + 10;
        let total = Total { crc: 7, size: 9, packed: 8 };
        let (mut directory, mut names) = (Record::default(), Vec::new());
        for i in 0..70_000 {
            names.push(format!("file-{i}"));
            let entry = Entry { name: &names[i], mode: Mode::Plain, time: dos_time(0), large: i.is_multiple_of(2) };
            entry.central(&mut directory, &total, far + i as u64).unwrap();
        }
        // The directory lies far behind a hole.
        let end = end(70_000, directory.len(), far + 100_000);
        let tail = [directory.0, end.0].concat();
        let archive = ZipArchive::new(Holed { before: far + 100_000, tail, at: 0 }).unwrap();
        assert_eq!(archive.len(), 70_000);
        assert_eq!(archive.name_for_index(69_999).unwrap().unwrap(), "file-69999");
    }

    /// Zeros, then bytes.
    struct Holed {
        before: u64,
        tail: Vec<u8>,
        at: u64,
    }

    impl Read for Holed {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = match self.at.checked_sub(self.before) {
                None => {
                    let zeros = (self.before - self.at).min(buffer.len() as u64) as usize;
                    buffer[..zeros].fill(0);
                    zeros
                }
                Some(at) => self.tail.get(at as usize..).unwrap_or_default().read(buffer)?,
            };
            self.at += read as u64;
            Ok(read)
        }
    }

    impl io::Seek for Holed {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            let length = self.before + self.tail.len() as u64;
            let place = match to {
                io::SeekFrom::Start(at) => Some(at),
                io::SeekFrom::End(by) => length.checked_add_signed(by),
                io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
            };
            self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
            Ok(self.at)
        }
    }

    #[test]
    fn dos_times_are_utc_even_and_in_range() {
        for (unix, parts) in [
            (0, (1980, 1, 1, 0, 0, 0)),
            (315_532_799, (1980, 1, 1, 0, 0, 0)),
            (315_532_801, (1980, 1, 1, 0, 0, 0)),
            (951_782_399, (2000, 2, 28, 23, 59, 58)),
            (951_782_400, (2000, 2, 29, 0, 0, 0)),
            (1_798_761_599, (2026, 12, 31, 23, 59, 58)),
            (4_107_542_400, (2100, 3, 1, 0, 0, 0)),
            (4_354_819_199, (2107, 12, 31, 23, 59, 58)),
            (4_354_819_200, (2107, 12, 31, 23, 59, 58)),
            (u64::MAX, (2107, 12, 31, 23, 59, 58)),
        ] {
            let time = dos_time(unix);
            let got = (time.year(), time.month(), time.day(), time.hour(), time.minute(), time.second());
            assert_eq!(got, parts, "{unix}");
        }
    }
}
