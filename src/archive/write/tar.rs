//! tar as POSIX.1-2017 describes it: ustar headers, and a pax header before those that cannot hold their entry.

use tar::{EntryType, Header};

use super::{Body, Content, Held, Item, Packer, Pump};
use crate::archive::ArchiveError;

/// Headers and contents come in blocks of this many bytes.
const RECORD: u64 = 512;
/// What eleven octal digits can say: 8 GiB less one.
const MOST_OCTAL: u64 = 0o777_7777_7777;
/// What seven octal digits can say: owners beyond it go into a pax record.
const MOST_OWNER: u32 = 0o777_7777;

/// Writes sorted entries and the two zero blocks of the end.
pub(super) fn write(items: Vec<Item>, out: &mut dyn Packer) -> Result<Vec<Held>, ArchiveError> {
    let mut pump = Pump::new();
    let mut held = Vec::with_capacity(items.len());
    for item in items {
        let headers = headers(&item);
        out.write_all(&headers).map_err(ArchiveError::Write)?;
        let Item { path, body: Body::File(content), .. } = item else { continue };
        let padding = padding(content.size);
        held.push(pump.pour(path, content, out)?);
        out.write_all(&[0; RECORD as usize][..padding]).map_err(ArchiveError::Write)?;
    }
    out.write_all(&[0; 2 * RECORD as usize]).map_err(ArchiveError::Write)?;
    Ok(held)
}

/// How many bytes [`write`] will write.
pub(super) fn total(items: &[Item]) -> u64 {
    let entry = |item: &Item| {
        let size = item.size();
        (headers(item).len() as u64).saturating_add(size).saturating_add(padding(size) as u64)
    };
    items.iter().map(entry).fold(2 * RECORD, u64::saturating_add)
}

/// How many zeros follow a content.
fn padding(size: u64) -> usize {
    // Less than 512.
    (size.wrapping_neg() % RECORD) as usize
}

impl Item {
    fn size(&self) -> u64 {
        match &self.body {
            Body::File(Content { size, .. }) => *size,
            Body::Folder => 0,
        }
    }
}

/// The header of an entry, with a pax header before it when it needs one.
fn headers(item: &Item) -> Vec<u8> {
    let mut records = Vec::new();
    let (name, entry_type) = match &item.body {
        Body::File(_) => (item.path.as_str().to_owned(), EntryType::Regular),
        Body::Folder => (format!("{}/", item.path.as_str()), EntryType::Directory),
    };
    let (size, split) = (item.size(), split(&name));
    for (key, owner) in [("gid", item.attributes.gid), ("uid", item.attributes.uid)] {
        if owner > MOST_OWNER {
            record(&mut records, key, &owner.to_string());
        }
    }
    if item.mtime > MOST_OCTAL {
        record(&mut records, "mtime", &item.mtime.to_string());
    }
    if split.is_none() {
        record(&mut records, "path", &name);
    }
    if size > MOST_OCTAL {
        record(&mut records, "size", &size.to_string());
    }
    // A number that does not fit is 0 in the header: no number at all rather than a second, different one.
    let fits = |number: u64| if number > MOST_OCTAL { 0 } else { number };
    let owner = |owner: u32| if owner > MOST_OWNER { 0 } else { owner };
    let mtime = fits(item.mtime);
    let mut out = Vec::new();
    if !records.is_empty() {
        let short = short("PaxHeaders/", &name);
        let pax = Fields { split: ("", &short), mode: 0o644, owner: (0, 0), size: records.len() as u64, mtime };
        out.extend_from_slice(header(&pax, EntryType::XHeader).as_bytes());
        out.extend_from_slice(&records);
        out.resize(out.len() + padding(records.len() as u64), 0);
    }
    let stand_in = short("", &name);
    let fields = Fields {
        split: split.unwrap_or(("", &stand_in)),
        mode: item.attributes.mode,
        owner: (owner(item.attributes.uid), owner(item.attributes.gid)),
        size: fits(size),
        mtime,
    };
    out.extend_from_slice(header(&fields, entry_type).as_bytes());
    out
}

/// What a ustar header holds.
struct Fields<'a> {
    /// Prefix and name.
    split: (&'a str, &'a str),
    mode: u32,
    /// User and group.
    owner: (u32, u32),
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
    header.set_mode(fields.mode);
    header.set_uid(fields.owner.0.into());
    header.set_gid(fields.owner.1.into());
    header.set_size(fields.size);
    header.set_mtime(fields.mtime);
    header.set_entry_type(entry_type);
    header.set_cksum();
    header
}

/// Prefix and name of a path that ustar can hold: ASCII, at most 155 and 100 bytes, parted at a `/` that does not end it.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= 100 {
        return Some(("", path));
    }
    path.match_indices('/')
        .map(|(at, _)| (&path[..at], &path[at + 1..]))
        .find(|(prefix, name)| prefix.len() <= 155 && (1..=100).contains(&name.len()))
}

/// A name for a header whose real one is in a pax record: ASCII, one component, at most 100 bytes.
fn short(before: &str, path: &str) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
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
    use crate::archive::{Attributes, MemberPath};

    fn about(path: &MemberPath, size: u64, mtime: u64) -> Vec<u8> {
        let body = Body::File(Content::new(size, Box::new(|| Ok(Box::new(std::io::empty())))));
        headers(&Item { path: path.clone(), attributes: Attributes::root(0o755), mtime, body })
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
