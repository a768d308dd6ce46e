//! Attacks on readers of zip: each row of the attack list by its id.

use super::craft::{ZipEntry, ZipHeader, deflate, end_record, end64, extra, zip, zip_parts};
use super::*;

#[track_caller]
fn zip_refused(entries: &[ZipEntry], code: &str) {
    // The attack comes after an honest entry, of which nothing may come out either.
    let entries = [&[ZipEntry::deflated("honest", b"honest")], entries].concat();
    refused(Format::Zip, &zip(&entries), &Limits::foreign(), code);
}

/// Entries, directory and end record, of which the last two can be changed.
fn parts() -> (Vec<u8>, Vec<u8>) {
    zip_parts(&[ZipEntry::deflated("a", b"aaaa"), ZipEntry::stored("b", b"bbbb")])
}

#[test]
fn a01_zip_names_that_leave() {
    for (name, code) in [
        ("../evil", "archive.path-parent"),
        ("/evil", "archive.path-absolute"),
        ("a\\..\\..\\evil", "archive.path-backslash"),
        ("C:/evil", "archive.path-drive"),
        ("./evil", "archive.path-dot"),
        ("a//evil", "archive.path-empty"),
        ("", "archive.path-empty"),
        ("/", "archive.path-empty"),
        ("a\0b", "archive.path-control"),
    ] {
        zip_refused(&[ZipEntry::deflated(name, b"")], code);
    }
    zip_refused(&[ZipEntry::stored("x", b"").both(|h| h.name = b"a\xff".to_vec())], "archive.path-not-utf8");
    zip_refused(&[ZipEntry::stored("µ", b"").both(|h| h.flags = 0)], "archive.zip");
}

#[test]
fn a06_zip_symlinks() {
    let link = |name: &str, target: &str| ZipEntry::stored(name, target.as_bytes()).mode(0o120_777);
    for target in ["/etc", "..", "a/../../x", "../x", ""] {
        zip_refused(&[link("l", target)], "archive.link-escapes");
    }
    zip_refused(&[ZipEntry::stored("l", b"\xff").mode(0o120_777)], "archive.link-escapes");
    zip_refused(&[link("l", &"x/".repeat(2100))], "archive.link-escapes");
    zip_refused(&[link("l", "honest"), ZipEntry::stored("l/x", b"")], "archive.through-link");
    zip_refused(&[ZipEntry::stored("l/x", b""), link("l", "honest")], "archive.through-link");
    zip_refused(&[link("l", "honest"), ZipEntry::stored("l", b"")], "archive.duplicate");
    refused(Format::Zip, &zip(&[link("l", "x")]), &Limits::go_module(), "archive.link");
    let mut sink = Memory::default();
    let good = zip(&[link("d/l", "../x"), ZipEntry::deflated("x", b"x")]);
    take_out(Format::Zip, &good, &Limits::foreign(), &mut sink).unwrap();
    assert_eq!(sink.0[0], ("d/l".to_owned(), Taken::Link("../x".to_owned())));
}

#[test]
fn a06_zip_types_and_modes() {
    for kind in [0o010_644, 0o020_644, 0o060_644, 0o140_644, 0o150_644] {
        zip_refused(&[ZipEntry::stored("x", b"").mode(kind)], "archive.special");
    }
    for mode in [0o104_755, 0o102_755, 0o101_755, 0o4755] {
        zip_refused(&[ZipEntry::stored("x", b"").mode(mode)], "archive.privileged");
    }
    zip_refused(&[ZipEntry::stored("x", b"").mode(0o040_755)], "archive.zip");
    zip_refused(&[ZipEntry::stored("x/", b"").mode(0o100_644)], "archive.zip");
    zip_refused(&[ZipEntry { external: 0x10, ..ZipEntry::stored("x", b"") }], "archive.zip");
    zip_refused(&[ZipEntry::stored("x/", b"content").mode(0o040_755)], "archive.zip");
    refused(Format::Zip, &zip(&[ZipEntry::stored("x/", b"").mode(0)]), &Limits::release(), "archive.folder");
}

#[test]
fn a07_local_and_central_headers_disagree() {
    let plain = ZipEntry::deflated("x", b"content");
    let described = plain.clone().described();
    let changes: [&dyn Fn(&mut ZipHeader); 5] = [
        &|header| header.name = b"y".to_vec(),
        &|header| header.size += 1,
        &|header| header.flags ^= 1 << 1,
        &|header| header.method ^= 8,
        &|header| header.crc ^= 1,
    ];
    for (i, change) in changes.iter().enumerate() {
        for entry in [&plain, &described] {
            let (mut local, mut central) = (entry.clone(), entry.clone());
            change(&mut local.local);
            change(&mut central.central);
            zip_refused(&[local], "archive.zip-disagrees");
            // With a descriptor the local header has no CRC to disagree with; the content has one.
            let silent = i == 4 && entry.local.crc == 0;
            zip_refused(&[central], if silent { "archive.checksum" } else { "archive.zip-disagrees" });
        }
    }
    let mut packed = ZipEntry::deflated("x", b"content");
    packed.local.packed += 1;
    zip_refused(&[packed], "archive.zip-disagrees");
}

#[test]
fn a07_sizes_that_the_data_do_not_have() {
    let entry = || ZipEntry::deflated("x", b"content");
    zip_refused(&[entry().both(|h| h.size += 1)], "archive.zip-disagrees");
    zip_refused(&[entry().both(|h| h.size -= 1)], "archive.checksum");
    zip_refused(&[entry().both(|h| (h.size, h.crc) = (6, crc32fast::hash(b"conten")))], "archive.zip-disagrees");
    zip_refused(&[entry().both(|h| h.crc ^= 1)], "archive.checksum");
    zip_refused(&[ZipEntry::stored("x", b"content").both(|h| h.crc ^= 1)], "archive.checksum");
    zip_refused(&[ZipEntry::stored("x", b"content").both(|h| h.size = 6)], "archive.zip-disagrees");
    // Bytes after the end of the deflate stream, within the compressed size.
    let mut padded = entry().both(|h| h.packed += 4);
    padded.data.extend_from_slice(b"PK\x03\x04");
    zip_refused(&[padded], "archive.zip-disagrees");
    // A stream that never says that it ends.
    let mut endless = entry();
    endless.data = b"\x00\x07\x00\xf8\xffcontent".to_vec();
    endless = endless.both(|h| h.packed = 12);
    zip_refused(&[endless], "archive.truncated");
    let mut garbage = entry();
    garbage.data = vec![0xff; garbage.data.len()];
    zip_refused(&[garbage], "archive.corrupt");
}

#[test]
fn a07_descriptors() {
    let described = || ZipEntry::deflated("x", b"content").described();
    let with = |after: Vec<u8>| ZipEntry { after, ..described() };
    let numbers = described().after[4..].to_vec();
    let (crc, sizes) = numbers.split_at(4);
    let wide: Vec<u8> = sizes.chunks(4).flat_map(|size| [size, &[0; 4]].concat()).collect();
    let signature = b"PK\x07\x08".to_vec();
    for after in [numbers.clone(), [crc, &wide].concat(), [&signature, crc, &wide].concat(), described().after] {
        listed(Format::Zip, &zip(&[with(after), ZipEntry::stored("y", b"")]), &Limits::release()).unwrap();
    }
    for at in 0..16 {
        let mut after = described().after;
        after[at] ^= 1;
        zip_refused(&[with(after)], "archive.zip-disagrees");
    }
    zip_refused(&[with(Vec::new())], "archive.zip");
    zip_refused(&[with(vec![0; 13])], "archive.zip");
    zip_refused(&[with([&described().after[..], &[0; 30]].concat())], "archive.zip-disagrees");
}

#[test]
fn a07_overlap_and_gaps() {
    // The quoted bomb: two entries of the directory share one local header.
    let one = ZipEntry::deflated("a", b"content");
    zip_refused(&[ZipEntry { after: vec![0], ..one.clone() }], "archive.zip-gap");
    zip_refused(&[ZipEntry { after: vec![0], ..one.clone() }, ZipEntry::stored("b", b"")], "archive.zip-gap");
    let shared = ZipEntry { offset: Some(0), ..ZipEntry::deflated("honest", b"honest") };
    zip_refused(&[shared], "archive.zip-gap");
    let inside = ZipEntry { offset: Some(10), ..one.clone() };
    zip_refused(&[inside], "archive.zip-gap");
    let beyond = ZipEntry { offset: Some(1_000_000), ..one.clone() };
    zip_refused(&[beyond], "archive.zip-gap");
    let (body, directory) = parts();
    let end = |offset: usize| end_record(2, directory.len() as u32, offset as u32, b"");
    let prefix = b"#!/bin/sh\n".to_vec();
    let limits = Limits::release();
    // Bytes before the first entry, with offsets that count them and with offsets that do not.
    let (first, directory_of_it) = zip_parts(&[ZipEntry { offset: Some(prefix.len() as u32), ..one.clone() }]);
    let start = (prefix.len() + first.len()) as u32;
    let end_of_it = end_record(1, directory_of_it.len() as u32, start, b"");
    let shifted = [&prefix[..], &first, &directory_of_it, &end_of_it].concat();
    refused(Format::Zip, &shifted, &limits, "archive.zip-gap");
    let unshifted = [&prefix[..], &body, &directory, &end(body.len())].concat();
    refused(Format::Zip, &unshifted, &limits, "archive.zip");
    let between = [&body[..], &prefix, &directory, &end(body.len() + prefix.len())].concat();
    refused(Format::Zip, &between, &limits, "archive.zip-gap");
    let before_end = [&body[..], &directory, &prefix, &end(body.len())].concat();
    refused(Format::Zip, &before_end, &limits, "archive.zip");
    // An entry that the directory does not list.
    let (whole, _) = zip_parts(&[one, ZipEntry::stored("unlisted", b"x")]);
    let (_, listed_only) = zip_parts(&[ZipEntry::deflated("a", b"content")]);
    let end = end_record(1, listed_only.len() as u32, whole.len() as u32, b"");
    refused(Format::Zip, &[whole, listed_only, end].concat(), &limits, "archive.zip-gap");
}

#[test]
fn a07_the_end_record() {
    let (body, directory) = parts();
    let (size, offset, limits) = (directory.len() as u32, body.len() as u32, Limits::release());
    let whole = |end: Vec<u8>| [&body[..], &directory, &end].concat();
    let good = whole(end_record(2, size, offset, b""));
    assert_eq!(listed(Format::Zip, &good, &limits).unwrap().entries().len(), 2);
    for end in [
        end_record(2, size, offset, b"a comment"),
        end_record(2, size, offset, &end_record(0, 0, 0, b"")),
        end_record(1, size, offset, b""),
        end_record(3, size, offset, b""),
        end_record(2, size - 1, offset, b""),
        end_record(2, size, offset - 1, b""),
        end_record(2, size, u32::MAX, b""),
        end_record(u16::MAX, u32::MAX, u32::MAX, b""),
        [end_record(2, size, offset, b""), b"\n".to_vec()].concat(),
        [end_record(2, size, offset, b""), end_record(0, 0, 0, b"")].concat(),
    ] {
        let error = listed(Format::Zip, &whole(end), &limits).unwrap_err();
        assert!(matches!(error.code(), "archive.zip" | "archive.too-many"), "{error}");
    }
    // A comment that is announced and missing: whoever searches for it reads past the end.
    let mut announced = good.clone();
    announced[good.len() - 2] = 1;
    refused(Format::Zip, &announced, &limits, "archive.zip");
    for length in 0..good.len() {
        let error = listed(Format::Zip, &good[..length], &limits).unwrap_err();
        assert!(matches!(error.code(), "archive.zip" | "archive.truncated"), "{error}");
    }
}

#[test]
fn a07_zip64() {
    let (body, directory) = parts();
    let (size, offset, limits) = (directory.len() as u64, body.len() as u64, Limits::release());
    let at = size + offset;
    let see = || end_record(u16::MAX, u32::MAX, u32::MAX, b"");
    let same = || end_record(2, size as u32, offset as u32, b"");
    let whole = |wide: Vec<u8>, end: Vec<u8>| [&body[..], &directory, &wide, &end].concat();
    for end in [see(), same()] {
        let bytes = whole(end64(2, size, offset, at), end);
        assert_eq!(listed(Format::Zip, &bytes, &limits).unwrap().entries().len(), 2);
    }
    for wide in [
        end64(1, size, offset, at),
        end64(2, size - 1, offset, at),
        end64(2, size, offset, at - 1),
        end64(2, size, offset - 1, at),
        end64(2, u64::MAX, 1, at),
    ] {
        refused(Format::Zip, &whole(wide, see()), &limits, "archive.zip");
    }
    refused(
        Format::Zip,
        &whole(end64(2, size, offset, at), end_record(1, u32::MAX, u32::MAX, b"")),
        &limits,
        "archive.zip",
    );
    // Entries with zip64 fields.
    let number = |numbers: &[u64]| extra(1, &numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>());
    let packed = deflate(b"content").len() as u64;
    let wide = |numbers: &[u64]| {
        let field = number(numbers);
        ZipEntry::deflated("x", b"content").both(|h| {
            (h.size, h.packed) = (u32::MAX, u32::MAX);
            h.extra = field.clone();
        })
    };
    listed(Format::Zip, &zip(&[wide(&[7, packed])]), &limits).unwrap();
    zip_refused(&[wide(&[7])], "archive.zip-disagrees");
    zip_refused(&[wide(&[7, packed, 0])], "archive.zip-disagrees");
    zip_refused(&[wide(&[])], "archive.zip-disagrees");
    let mut other = wide(&[7, packed]);
    other.local.extra = number(&[8, packed]);
    zip_refused(&[other], "archive.zip-disagrees");
    // A number that is said twice.
    let narrow = ZipEntry::deflated("x", b"content").both(|h| h.extra = number(&[7]));
    zip_refused(&[narrow], "archive.zip-disagrees");
}

#[test]
fn a07_names_in_extra_fields() {
    let with = |name: &str, version: u8, of: &str| {
        let crc = crc32fast::hash(of.as_bytes()).to_le_bytes();
        let field = extra(0x7075, &[&[version][..], &crc, name.as_bytes()].concat());
        ZipEntry::stored("x", b"").both(|h| h.extra = field.clone())
    };
    listed(Format::Zip, &zip(&[with("x", 1, "x")]), &Limits::release()).unwrap();
    for entry in [with("../x", 1, "x"), with("x", 2, "x"), with("x", 1, "y"), with("", 1, "x")] {
        zip_refused(&[entry], "archive.zip-disagrees");
    }
    let broken = ZipEntry::stored("x", b"").both(|h| h.extra = vec![1, 0, 200, 0, 0]);
    zip_refused(&[broken], "archive.zip");
    let stamp = ZipEntry::stored("x", b"").both(|h| h.extra = extra(0x5455, &[0; 5]));
    listed(Format::Zip, &zip(&[stamp]), &Limits::release()).unwrap();
}

#[test]
fn a07_encryption_and_methods() {
    for bit in [0, 6, 13] {
        zip_refused(&[ZipEntry::stored("x", b"").both(|h| h.flags |= 1 << bit)], "archive.encrypted");
    }
    zip_refused(&[ZipEntry::stored("x", b"").both(|h| h.extra = extra(0x9901, &[0; 7]))], "archive.encrypted");
    for bit in [4, 5, 7, 8, 9, 10, 12, 14, 15] {
        zip_refused(&[ZipEntry::stored("x", b"").both(|h| h.flags |= 1 << bit)], "archive.zip");
    }
    for method in [1, 9, 12, 14, 93, 95, 99] {
        zip_refused(&[ZipEntry::stored("x", b"").both(|h| h.method = method)], "archive.method");
    }
}

#[test]
fn a08_zip_bombs() {
    let limits = Limits { entries: 2, entry_bytes: 1000, total_bytes: 1500, ..Limits::release() };
    let entry = |name: &str, size: usize| ZipEntry::deflated(name, &noise(size));
    refused(Format::Zip, &zip(&[entry("a", 1001)]), &limits, "archive.too-large");
    refused(Format::Zip, &zip(&[entry("a", 800), entry("b", 800)]), &limits, "archive.too-large");
    refused(Format::Zip, &zip(&[entry("a", 1), entry("b", 1), entry("c", 1)]), &limits, "archive.too-many");
    refused(Format::Zip, &zip(&[ZipEntry::deflated("zeros", &vec![0; 8 << 20])]), &Limits::release(), "archive.ratio");
    let many: Vec<_> = (0..8).map(|i| ZipEntry::deflated(&format!("z{i}"), &vec![0; 2 << 20])).collect();
    refused(Format::Zip, &zip(&many), &Limits::release(), "archive.ratio");
    // More comes out than is announced: it is never written anywhere, and never more than announced is read.
    let liar =
        ZipEntry::deflated("liar", &vec![0; 3 << 20]).both(|h| (h.size, h.crc) = (10, crc32fast::hash(&[0; 10])));
    zip_refused(&[liar], "archive.zip-disagrees");
}

#[test]
fn a09_zip_names_that_meet() {
    let entry = |name: &str| ZipEntry::stored(name, b"");
    zip_refused(&[entry("x"), entry("x")], "archive.duplicate");
    zip_refused(&[entry("x"), entry("X")], "archive.duplicate");
    zip_refused(&[entry("x"), entry("x/y")], "archive.file-as-folder");
    zip_refused(&[entry("x"), entry("x/").mode(0o040_755)], "archive.duplicate");
}
