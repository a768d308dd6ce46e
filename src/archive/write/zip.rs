//! ZIP (PKWARE APPNOTE 6.3.10), written front to back: sizes and CRC follow each entry's data in a data descriptor.

use std::cell::Cell;
use std::io::{self, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use super::{Content, Held, Member, Pump};
use crate::archive::ArchiveError;

/// From this size on an entry gets zip64 fields; below it is room for data that grow when "compressed".
const LARGE: u64 = 0xf000_0000;

/// Writes sorted members and the central directory.
pub(super) fn write(
    level: u8,
    mtime: u64,
    members: Vec<Member>,
    out: &mut dyn Write,
) -> Result<Vec<Held>, ArchiveError> {
    let shut = Cell::new(false);
    let mut zip = ZipWriter::new_stream(Valve { out, shut: &shut });
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(i64::from(level)))
        .last_modified_time(dos_time(mtime))
        // Else it would depend on the system this runs on.
        .system(System::Unix);
    let mut pump = Pump::new();
    let held = members.into_iter().try_fold(Vec::new(), |mut held, member| {
        let options = options.unix_permissions(member.mode.bits()).large_file(member.size >= LARGE);
        zip.start_file(member.path.as_str(), options).map_err(failed)?;
        held.push(pump.pour(member.path, Content { size: member.size, open: member.open }, &mut zip)?);
        Ok(held)
    });
    match held {
        Ok(held) => zip.finish().map(|_| held).map_err(failed),
        Err(error) => {
            shut.set(true);
            Err(error)
        }
    }
}

fn failed(error: ZipError) -> ArchiveError {
    ArchiveError::Write(match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    })
}

/// Swallows what comes after it is shut: the zip writer ends the archive when it is dropped, and a broken archive must
/// not get an end that makes it look whole.
struct Valve<'a> {
    out: &'a mut dyn Write,
    shut: &'a Cell<bool>,
}

impl Write for Valve<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.shut.get() { Ok(bytes.len()) } else { self.out.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
    use super::*;

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
