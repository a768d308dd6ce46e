//! tar as POSIX.1-2017 describes it: ustar headers, and a pax header before those that cannot hold their entry.

use std::io::Write;

use tar::{EntryType, Header};

use super::{Held, Member, Pump};
use crate::archive::{ArchiveError, MemberPath, Mode};

/// Headers and contents come in blocks of this many bytes.
const RECORD: u64 = 512;
/// What eleven octal digits can say: 8 GiB less one.
const MOST_OCTAL: u64 = 0o777_7777_7777;

/// Writes sorted members and the two zero blocks of the end.
pub(super) fn write(mtime: u64, members: Vec<Member>, out: &mut dyn Write) -> Result<Vec<Held>, ArchiveError> {
    let mut pump = Pump::new();
    let mut held = Vec::with_capacity(members.len());
    for member in members {
        let headers = headers(&About::of(&member, mtime));
        out.write_all(&headers).map_err(ArchiveError::Write)?;
        let padding = padding(member.size);
        held.push(pump.pour(member, out)?);
        out.write_all(&[0; RECORD as usize][..padding]).map_err(ArchiveError::Write)?;
    }
    out.write_all(&[0; 2 * RECORD as usize]).map_err(ArchiveError::Write)?;
    Ok(held)
}

/// How many bytes [`write`] will write.
pub(super) fn total(mtime: u64, members: &[Member]) -> u64 {
    let entry = |member: &Member| {
        let headers = headers(&About::of(member, mtime)).len() as u64;
        headers.saturating_add(member.size).saturating_add(padding(member.size) as u64)
    };
    members.iter().map(entry).fold(2 * RECORD, u64::saturating_add)
}

/// How many zeros follow a content.
fn padding(size: u64) -> usize {
    // Less than 512.
    (size.wrapping_neg() % RECORD) as usize
}

/// What a header says.
struct About<'a> {
    path: &'a MemberPath,
    mode: Mode,
    size: u64,
    mtime: u64,
}

impl<'a> About<'a> {
    fn of(member: &'a Member, mtime: u64) -> Self {
        Self { path: &member.path, mode: member.mode, size: member.size, mtime }
    }
}

/// The header of an entry, with a pax header before it when it needs one.
fn headers(about: &About<'_>) -> Vec<u8> {
    let mut records = Vec::new();
    let name = about.path.as_str();
    let split = split(name);
    if about.mtime > MOST_OCTAL {
        record(&mut records, "mtime", &about.mtime.to_string());
    }
    if split.is_none() {
        record(&mut records, "path", name);
    }
    if about.size > MOST_OCTAL {
        record(&mut records, "size", &about.size.to_string());
    }
    // A number that does not fit is 0 in the header: no number at all rather than a second, different one.
    let fits = |number: u64| if number > MOST_OCTAL { 0 } else { number };
    let mtime = fits(about.mtime);
    let mut out = Vec::new();
    if !records.is_empty() {
        let pax =
            Fields { split: ("", &short("PaxHeaders/", name)), mode: Mode::Plain, size: records.len() as u64, mtime };
        out.extend_from_slice(header(&pax, EntryType::XHeader).as_bytes());
        out.extend_from_slice(&records);
        out.resize(out.len() + padding(records.len() as u64), 0);
    }
    let stand_in = short("", name);
    let fields = Fields { split: split.unwrap_or(("", &stand_in)), mode: about.mode, size: fits(about.size), mtime };
    out.extend_from_slice(header(&fields, EntryType::Regular).as_bytes());
    out
}

/// What a ustar header holds.
struct Fields<'a> {
    /// Prefix and name.
    split: (&'a str, &'a str),
    mode: Mode,
    size: u64,
    mtime: u64,
}

fn header(fields: &Fields<'_>, entry_type: EntryType) -> Header {
    let mut header = Header::new_ustar();
    let (prefix, name) = fields.split;
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.name[..name.len()].copy_from_slice(name.as_bytes());
        ustar.prefix[..prefix.len()].copy_from_slice(prefix.as_bytes());
    }
    header.set_mode(fields.mode.bits());
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(fields.size);
    header.set_mtime(fields.mtime);
    header.set_entry_type(entry_type);
    header.set_cksum();
    header
}

/// Prefix and name of a path that ustar can hold: ASCII, at most 155 and 100 bytes, parted at a `/`.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= 100 {
        return Some(("", path));
    }
    path.match_indices('/')
        .map(|(at, _)| (&path[..at], &path[at + 1..]))
        .find(|(prefix, name)| prefix.len() <= 155 && name.len() <= 100)
}

/// A name for a header whose real one is in a pax record: ASCII, one component, at most 100 bytes.
fn short(before: &str, path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or(path);
    let ascii = last.chars().map(|c| if c.is_ascii() { c } else { '_' });
    before.chars().chain(ascii).take(100).collect()
}

/// Adds `length key=value\n`, where the length counts itself (POSIX.1-2017, pax, "pax Extended Header").
fn record(records: &mut Vec<u8>, key: &str, value: &str) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() > length {
        length += 1;
    }
    records.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(path: &MemberPath, size: u64, mtime: u64) -> Vec<u8> {
        headers(&About { path, mode: Mode::Executable, size, mtime })
    }

    #[test]
    fn record_lengths_count_themselves() {
        for value in ["", "a", &"x".repeat(83), &"x".repeat(84), &"x".repeat(85), &"x".repeat(990), &"x".repeat(1000)] {
            let mut out = Vec::new();
            record(&mut out, "path", value);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.split(' ').next().unwrap().parse::<usize>().unwrap(), text.len());
            assert!(text.ends_with(&format!(" path={value}\n")));
        }
    }

    #[test]
    fn pax_only_where_ustar_cannot() {
        let path = |text: &str| MemberPath::new(text).unwrap();
        let deep = format!("{}/{}", "d".repeat(150), "f".repeat(99));
        for fits in [path("a"), path(&"n".repeat(100)), path(&deep)] {
            assert_eq!(about(&fits, MOST_OCTAL, MOST_OCTAL).len(), 512, "{fits}");
        }
        let wide = path(&format!("{}/{}", "d".repeat(150), "f".repeat(101)));
        for (pax, size, mtime) in
            [(&path("µ"), 0, 0), (&wide, 0, 0), (&path("a"), MOST_OCTAL + 1, 0), (&path("a"), 0, MOST_OCTAL + 1)]
        {
            let bytes = about(pax, size, mtime);
            assert_eq!((bytes.len(), bytes[156], bytes[1024 + 156]), (1536, b'x', b'0'), "{pax}");
        }
    }

    #[test]
    fn a_size_beyond_octal_is_said_once() {
        let bytes = about(&MemberPath::new("big").unwrap(), 9 << 30, 0);
        assert_eq!(&bytes[512..532], b"19 size=9663676416\n\0");
        assert_eq!(&bytes[1024 + 124..1024 + 136], b"00000000000\0");
    }
}
