//! Attacks on readers of tar: each row of the attack list by its id.

use super::craft::{TarEntry, gz, tar, tar_gz};
use super::*;

#[track_caller]
fn tar_refused(entries: &[TarEntry], code: &str) {
    // The attack comes after an honest entry, of which nothing may come out either.
    let entries = [&[TarEntry::file("honest", b"honest")], entries].concat();
    refused(Format::TarGz, &tar_gz(&entries), &Limits::foreign(), code);
}

#[test]
fn a01_names_that_leave() {
    for (name, code) in [
        ("../evil", "archive.path-parent"),
        ("a/../../evil", "archive.path-parent"),
        ("/etc/cron.d/evil", "archive.path-absolute"),
        ("a\\..\\evil", "archive.path-backslash"),
        ("C:/evil", "archive.path-drive"),
        ("./a", "archive.path-dot"),
        ("a//b", "archive.path-empty"),
        ("", "archive.path-empty"),
        ("a\u{1b}[31m", "archive.path-control"),
        ("a\nb", "archive.path-control"),
    ] {
        tar_refused(&[TarEntry::file(name, b"x")], code);
        // An empty path is another fault: it takes the header's back.
        if !name.is_empty() {
            tar_refused(&[TarEntry::pax(&[("path", name)]), TarEntry::file("x", b"x")], code);
        }
    }
    tar_refused(&[TarEntry { name: b"a\xff".to_vec(), ..TarEntry::file("", b"") }], "archive.path-not-utf8");
    tar_refused(&[TarEntry { prefix: b"..".to_vec(), ..TarEntry::file("x", b"") }], "archive.path-parent");
    tar_refused(&[TarEntry { prefix: b"/".to_vec(), ..TarEntry::file("x", b"") }], "archive.path-absolute");
}

#[test]
fn a01_a_name_behind_an_extended_header() {
    for (name, code) in [("../evil", "archive.path-parent"), ("/evil", "archive.path-absolute")] {
        tar_refused(&[TarEntry::pax(&[("path", "good")]), TarEntry::file(name, b"x")], code);
        let header = TarEntry { name: name.into(), ..TarEntry::pax(&[("path", "good")]) };
        tar_refused(&[header, TarEntry::file("x", b"x")], code);
    }
}

#[test]
fn a02_links_that_leave_or_are_passed_through() {
    let link = |name: &str, target: &str| TarEntry::link(b'2', name, target);
    for target in ["/etc", "..", "a/../../x", "a/../b", "", ".", "a\\b"] {
        tar_refused(&[link("l", target)], "archive.link-escapes");
    }
    tar_refused(&[link("l", "honest"), TarEntry::file("l/x", b"")], "archive.through-link");
    tar_refused(&[TarEntry::file("l/x", b""), link("l", "honest")], "archive.through-link");
    tar_refused(&[link("l", "honest"), TarEntry::file("L/x", b"")], "archive.through-link");
    tar_refused(&[link("l", "honest"), TarEntry::file("l", b"written through")], "archive.duplicate");
    tar_refused(&[link(".", "x"), TarEntry::file("y", b"")], "archive.path-dot");
    tar_refused(&[TarEntry::pax(&[("linkpath", "../x")]), link("l", "honest")], "archive.link-escapes");
    let non_utf8 = TarEntry { link: b"\xff".to_vec(), ..link("l", "") };
    tar_refused(&[non_utf8], "archive.link-escapes");
}

#[test]
fn a02_links_are_refused_where_nobody_wants_them() {
    let bytes = tar_gz(&[TarEntry::link(b'2', "l", "honest"), TarEntry::file("honest", b"")]);
    refused(Format::TarGz, &bytes, &Limits::release(), "archive.link");
    let mut sink = Memory::default();
    take_out(Format::TarGz, &bytes, &Limits::foreign(), &mut sink).unwrap();
    assert_eq!(sink.0[0], ("l".to_owned(), Taken::Link("honest".to_owned())));
}

#[test]
fn a03_hard_links() {
    tar_refused(&[TarEntry::link(b'1', "l", "honest")], "archive.hard-link");
    tar_refused(&[TarEntry::link(b'1', "l", "/etc/shadow")], "archive.hard-link");
}

#[test]
fn a04_a_mode_for_what_a_link_leads_to() {
    let link = TarEntry::link(b'2', "l", "../outside");
    let folder = TarEntry { mode: 0o777, ..TarEntry::of_kind(b'5', "l/") };
    tar_refused(&[link, folder.clone()], "archive.link-escapes");
    tar_refused(&[TarEntry::link(b'2', "l", "honest"), folder.clone()], "archive.duplicate");
    tar_refused(&[folder, TarEntry::link(b'2', "l", "honest")], "archive.duplicate");
}

#[test]
fn a05_pax_size_disagreement() {
    let hidden = tar(&[TarEntry::file("hidden", b"evil")]);
    let size = hidden.len().to_string();
    // A reader that knows pax skips what another one takes for entries.
    let outer = TarEntry { size: Some(0), data: hidden.clone(), ..TarEntry::file("outer", b"") };
    tar_refused(&[TarEntry::pax(&[("size", &size)]), outer.clone()], "archive.sizes-disagree");
    tar_refused(&[TarEntry::pax(&[("size", "0")]), TarEntry::file("outer", &hidden)], "archive.sizes-disagree");
    tar_refused(&[TarEntry::pax(&[("size", &size), ("size", "0")]), outer], "archive.pax");
}

#[test]
fn a05_a_size_that_only_pax_can_say() {
    let huge = TarEntry { size: Some(0), ..TarEntry::file("huge", b"") };
    // Past this check the limits are next.
    tar_refused(&[TarEntry::pax(&[("size", "8589934592")]), huge.clone()], "archive.too-large");
    tar_refused(&[TarEntry::pax(&[("size", "8589934591")]), huge.clone()], "archive.sizes-disagree");
    tar_refused(&[TarEntry::pax(&[("size", "18446744073709551616")]), huge], "archive.pax");
    let mut sink = Memory::default();
    let same = tar_gz(&[TarEntry::pax(&[("size", "3")]), TarEntry::file("same", b"abc")]);
    take_out(Format::TarGz, &same, &Limits::release(), &mut sink).unwrap();
    assert_eq!(sink.0[0].1, Taken::File(Mode::Plain, b"abc".to_vec()));
}

#[test]
fn a05_extended_headers_with_two_readings() {
    let file = TarEntry::file("x", b"x");
    let pax = |records| TarEntry::pax(records);
    tar_refused(&[pax(&[("path", "a")]), pax(&[("path", "b")]), file.clone()], "archive.pax");
    tar_refused(&[pax(&[("path", "a"), ("path", "b")]), file.clone()], "archive.pax");
    tar_refused(&[pax(&[("path", "")]), file.clone()], "archive.pax");
    tar_refused(&[pax(&[("path", "a")])], "archive.pax");
    tar_refused(&[pax(&[("GNU.sparse.realsize", "99")]), file.clone()], "archive.sparse");
    tar_refused(&[TarEntry::of_kind(b'S', "x")], "archive.sparse");
    tar_refused(&[pax(&[("SCHILY.xattr.security.capability", "x")]), file.clone()], "archive.pax");
    tar_refused(&[pax(&[("path", "a\0b")]), file.clone()], "archive.path-control");
    for records in [&[("size", "1")][..], &[("path", "y")], &[("linkpath", "y")], &[("comment", "c"), ("path", "y")]] {
        tar_refused(&[TarEntry { kind: b'g', ..pax(records) }, file.clone()], "archive.pax");
    }
    tar_refused(
        &[pax(&[("path", "a")]), TarEntry { kind: b'g', ..pax(&[("comment", "c")]) }, file.clone()],
        "archive.pax",
    );
    let long = "x".repeat(70_000);
    tar_refused(&[pax(&[("comment", &long)]), file], "archive.pax");
}

#[test]
fn a05_headers_with_two_readings() {
    let at = 1024; // the header after the honest entry
    let broken = |change: &dyn Fn(&mut [u8])| {
        let mut bytes = tar(&[TarEntry::file("honest", b"honest"), TarEntry::file("x", b"x")]);
        change(&mut bytes[at..]);
        gz(&bytes)
    };
    let sum = |header: &mut [u8]| {
        header[148..156].fill(b' ');
        let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    };
    let limits = Limits::release();
    refused(Format::TarGz, &broken(&|header| header[0] = b'y'), &limits, "archive.checksum");
    for (field, text) in
        [(124, &b"\x80\0\0\0\0\0\0\0\0\0\0\x01"[..]), (124, b"-0000000001\0"), (124, b"0000000000x1"), (100, b"9")]
    {
        let bytes = broken(&|header| {
            header[field..field + text.len()].copy_from_slice(text);
            sum(header);
        });
        refused(Format::TarGz, &bytes, &limits, "archive.header");
    }
    let no_magic = TarEntry { magic: [0; 8], ..TarEntry::file("x", b"") };
    tar_refused(&[no_magic], "archive.header");
    tar_refused(&[TarEntry { data: b"x".to_vec(), ..TarEntry::of_kind(b'5', "x/") }], "archive.header");
    tar_refused(&[TarEntry { data: b"x".to_vec(), ..TarEntry::link(b'2', "x", "y") }], "archive.header");
    tar_refused(&[TarEntry { mode: 0o120_644, ..TarEntry::file("x", b"") }], "archive.header");
    refused(Format::TarGz, &broken(&|header| header[512 + 1] = 1), &limits, "archive.header");
}

#[test]
fn a08_bombs() {
    let small = Limits { entry_bytes: 1000, total_bytes: 100_000, entries: 3, ..Limits::release() };
    let many: Vec<_> = (0..4).map(|i| TarEntry::file(&format!("f{i}"), b"")).collect();
    refused(Format::TarGz, &tar_gz(&many), &small, "archive.too-many");
    refused(Format::TarGz, &tar_gz(&[TarEntry::file("big", &[1; 1001])]), &small, "archive.too-large");
    let several: Vec<_> = (0..3).map(|i| TarEntry::file(&format!("f{i}"), &[1; 999])).collect();
    let total = Limits { total_bytes: 4000, ..small };
    refused(Format::TarGz, &tar_gz(&several), &total, "archive.too-large");
    // Padding after the end counts too.
    refused(Format::TarGz, &gz(&vec![0; 200_000]), &small, "archive.too-large");
    let zeros = tar_gz(&[TarEntry::file("zeros", &vec![0; 8 << 20])]);
    refused(Format::TarGz, &zeros, &Limits::release(), "archive.ratio");
    listed(Format::TarGz, &zeros, &Limits { ratio: 1100, ..Limits::release() }).unwrap();
    let headers: Vec<_> = (0..9000).map(|_| TarEntry { kind: b'g', ..TarEntry::pax(&[("comment", "c")]) }).collect();
    refused(Format::TarGz, &tar_gz(&headers), &Limits { ratio: 50, ..Limits::release() }, "archive.ratio");
}

#[test]
fn a08_a_zstandard_window() {
    let data = tar(&[TarEntry::file("x", &noise(1 << 20))]);
    let frame = |log: u32| {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(log).unwrap();
        io::copy(&mut &data[..], &mut encoder).unwrap();
        encoder.finish().unwrap()
    };
    listed(Format::TarZst, &frame(20), &Limits::release()).unwrap();
    refused(Format::TarZst, &frame(24), &Limits::release(), "archive.window");
    let single = zstd::bulk::compress(&data, 1).unwrap();
    refused(Format::TarZst, &single, &Limits { window_log: 10, ..Limits::release() }, "archive.window");
    let zeros = zstd::bulk::compress(&tar(&[TarEntry::file("x", &vec![0; 8 << 20])]), 1).unwrap();
    refused(Format::TarZst, &zeros, &Limits { window_log: 27, ..Limits::release() }, "archive.ratio");
}

#[test]
fn a09_what_is_no_file() {
    for kind in [b'3', b'4', b'6', b'7', b'L', b'K', b'V', b'M', b'N', b'D', b'Z', 0xff] {
        tar_refused(&[TarEntry::of_kind(kind, "x")], "archive.special");
    }
    for mode in [0o4755, 0o2755, 0o1755, 0o7777] {
        tar_refused(&[TarEntry { mode, ..TarEntry::file("x", b"") }], "archive.privileged");
        tar_refused(&[TarEntry { mode, ..TarEntry::of_kind(b'5', "x") }], "archive.privileged");
    }
}

#[test]
fn a09_names_that_meet() {
    let file = |name: &str| TarEntry::file(name, b"");
    tar_refused(&[file("x"), file("x")], "archive.duplicate");
    tar_refused(&[file("x"), file("X")], "archive.duplicate");
    tar_refused(&[file("straße"), file("STRASSE")], "archive.duplicate");
    tar_refused(&[file("x"), TarEntry::of_kind(b'5', "x/")], "archive.duplicate");
    tar_refused(&[file("x"), file("x/y")], "archive.file-as-folder");
    tar_refused(&[file("x/y"), file("X")], "archive.file-as-folder");
    tar_refused(&[file("D/x"), file("d/y")], "archive.duplicate");
    let folder = tar_gz(&[TarEntry::of_kind(b'5', "d/")]);
    refused(Format::TarGz, &folder, &Limits::release(), "archive.folder");
    let windows = Limits { names: Names::Windows, ..Limits::release() };
    refused(Format::TarGz, &tar_gz(&[file("a/nul.txt")]), &windows, "archive.path-reserved");
}

#[test]
fn a09_what_comes_after_the_end() {
    let limits = Limits::release();
    let good = tar(&[TarEntry::file("x", b"x")]);
    let after = [&good[..], &TarEntry::file("y", b"y").bytes()].concat();
    refused(Format::TarGz, &gz(&after), &limits, "archive.trailing");
    let one_block = [&good[..good.len() - 512], &TarEntry::file("y", b"y").bytes()].concat();
    refused(Format::TarGz, &gz(&one_block), &limits, "archive.trailing");
    refused(Format::TarGz, &[gz(&good), vec![0]].concat(), &limits, "archive.trailing");
    refused(Format::TarGz, &[gz(&good), gz(&good)].concat(), &limits, "archive.trailing");
    refused(Format::TarGz, &[gz(&good[..1024]), gz(&good[1024..])].concat(), &limits, "archive.truncated");
    let frame = zstd::bulk::compress(&good, 1).unwrap();
    listed(Format::TarZst, &frame, &limits).unwrap();
    refused(Format::TarZst, &[&frame[..], &frame].concat(), &limits, "archive.trailing");
    refused(Format::TarZst, &[&frame[..], b"\x50\x2a\x4d\x18\0\0\0\0"].concat(), &limits, "archive.trailing");
    refused(Format::TarZst, &[b"\x50\x2a\x4d\x18\0\0\0\0", &frame[..]].concat(), &limits, "archive.corrupt");
}

#[test]
fn every_cut_is_refused() {
    let plain = tar(&[TarEntry::file("x", b"xyz"), TarEntry::pax(&[("path", "y")]), TarEntry::file("y", &noise(700))]);
    for length in 0..plain.len() {
        refused(Format::TarGz, &gz(&plain[..length]), &Limits::release(), "archive.truncated");
    }
    let gzipped = gz(&plain);
    for length in 0..gzipped.len() {
        refused(Format::TarGz, &gzipped[..length], &Limits::release(), "archive.truncated");
    }
    let frame = zstd::bulk::compress(&plain, 1).unwrap();
    for length in 0..frame.len() {
        let error = listed(Format::TarZst, &frame[..length], &Limits::release()).unwrap_err();
        assert!(matches!(error.code(), "archive.truncated" | "archive.corrupt"), "{length}: {error}");
    }
}
