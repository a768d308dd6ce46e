//! pax extended headers (POSIX.1-2017, pax, "pax Extended Header"), read by an allow-list.

use crate::archive::ArchiveError;

/// The most bytes an extended header may have.
pub(super) const MOST: u64 = 64 * 1024;

/// Keys that change nothing of what is read here: times, owners, and what tools note for themselves.
const IGNORED: [&str; 13] = [
    "atime",
    "comment",
    "ctime",
    "gid",
    "gname",
    "mtime",
    "uid",
    "uname",
    "LIBARCHIVE.creationtime",
    "SCHILY.dev",
    "SCHILY.ino",
    "SCHILY.nlink",
    "SCHILY.fflags",
];

/// What an extended header says about the entry after it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

/// Reads the header of one entry. `owner` names it in errors.
pub(super) fn parse(data: &[u8], owner: &str) -> Result<Pax, ArchiveError> {
    let refuse = |why: String| ArchiveError::Pax { entry: owner.to_owned(), why };
    let mut pax = Pax::default();
    for (key, value) in records(data).map_err(refuse)? {
        match key {
            "path" => pax.path = Some(text(key, value).map_err(refuse)?),
            "linkpath" => pax.link = Some(text(key, value).map_err(refuse)?),
            "size" => pax.size = Some(decimal(value).ok_or_else(|| refuse("has a size that is no number".to_owned()))?),
            sparse if sparse.starts_with("GNU.sparse.") => {
                return Err(ArchiveError::Sparse { entry: owner.to_owned() });
            }
            ignored if IGNORED.contains(&ignored) => {}
            other => return Err(refuse(format!("has the key {}", ArchiveError::shown(other.as_bytes())))),
        }
    }
    Ok(pax)
}

/// Reads a header that would hold for all entries after it: only a comment is accepted (git notes the commit so).
pub(super) fn parse_global(data: &[u8], owner: &str) -> Result<(), ArchiveError> {
    let refuse = |why: String| ArchiveError::Pax { entry: owner.to_owned(), why };
    match records(data).map_err(refuse)?.into_iter().find(|(key, _)| *key != "comment") {
        Some((key, _)) => Err(refuse(format!("says {} for all entries", ArchiveError::shown(key.as_bytes())))),
        None => Ok(()),
    }
}

/// Splits into keys and values; no key may be there twice.
fn records(mut data: &[u8]) -> Result<Vec<(&str, &[u8])>, String> {
    let mut records: Vec<(&str, &[u8])> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    while !data.is_empty() {
        let (key, value, rest) = record(data).ok_or("has a broken record")?;
        if !seen.insert(key) {
            return Err(format!("says {} twice", ArchiveError::shown(key.as_bytes())));
        }
        records.push((key, value));
        data = rest;
    }
    Ok(records)
}

/// Splits `length key=value\n` off.
fn record(data: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let space = data.iter().take(8).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&data[..space])?).ok()?;
    let (record, rest) = data.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    let key = std::str::from_utf8(&body[..equals]).ok().filter(|key| !key.is_empty())?;
    Some((key, &body[equals + 1..], rest))
}

/// A decimal number with nothing around it and no zeros before it.
fn decimal(text: &[u8]) -> Option<u64> {
    let plain = text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || text.first() != Some(&b'0'));
    std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()
}

/// An empty value would take the header's back; what that means differs between readers.
fn text(key: &str, value: &[u8]) -> Result<Vec<u8>, String> {
    if value.is_empty() { Err(format!("has an empty {key}")) } else { Ok(value.to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn good_records_are_read() {
        let pax = parse(b"11 path=ab\n17 linkpath=a/=b\n9 size=9\n20 mtime=1350244992\n", "`x`").unwrap();
        assert_eq!(pax, Pax { path: Some(b"ab".to_vec()), link: Some(b"a/=b".to_vec()), size: Some(9) });
        assert_eq!(parse(b"", "`x`").unwrap(), Pax::default());
    }

    #[test]
    fn bad_records_are_refused() {
        for data in [
            &b"11 path=ab"[..],
            b"12 path=ab\n",
            b"10 path=ab\n",
            b"011 path=ab\n",
            b"+11 path=ab\n",
            b" path=ab\n",
            b"99999999999999999999 path=ab\n",
            b"0 ",
            b"3 \n",
            b"4 =\n",
            b"8 path\n\n",
            b"8 path=\n",
            b"9 size=x\n",
            b"11 size=-1\n",
            b"11 size=07\n",
            b"29 size=18446744073709551616\n",
            b"11 path=ab\n11 path=ab\n",
            b"9 size=1\n9 size=1\n",
            b"21 hdrcharset=BINARY\n",
            b"38 SCHILY.xattr.security.capability=x\n",
            b"11 \xffath=ab\n",
        ] {
            let error = parse(data, "`x`").expect_err(&String::from_utf8_lossy(data));
            assert_eq!(error.code(), "archive.pax");
        }
        assert_eq!(parse(b"22 GNU.sparse.major=1\n", "`x`").unwrap_err().code(), "archive.sparse");
    }

    #[test]
    fn a_global_header_is_a_comment() {
        parse_global(b"15 comment=abc\n", "`x`").unwrap();
        for data in [&b"9 size=1\n"[..], b"11 path=ab\n", b"19 mtime=123456789\n"] {
            assert_eq!(parse_global(data, "`x`").unwrap_err().code(), "archive.pax");
        }
    }
}
