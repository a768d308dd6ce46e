//! What the writers promise: the same bytes, honest sizes, nothing half-made.

use std::io::Write;
use std::num::NonZeroUsize;

use proptest::prelude::*;
use sealift_trust::Digest;

use super::*;

/// The members of the golden archives: 3 MiB in three files, of which one needs a pax header and one is empty.
fn golden_members(piece: usize) -> Vec<Member> {
    let data = golden_input(3 << 20);
    vec![
        member("bin/service", Mode::Executable, &data[..2_500_000], piece),
        member("LICENSE", Mode::Plain, &data[2_500_000..], piece),
        member("docs/µ.md", Mode::Plain, b"", piece),
    ]
}

fn digest(format: Format) -> String {
    Digest::of(&written(format, golden_members(usize::MAX)).0).hex()
}

#[test]
fn the_golden_input_is_what_it_was() {
    assert_eq!(Digest::of(&golden_input(3 << 20)).short(), "fffdf7a96197");
}

// When one of these fails, the codec changed: every cached archive and every archive rebuilt from an older release
// gets other bytes. If that is meant, say so in `Codec::describe`.
#[test]
fn golden_tar_gz() {
    assert_eq!(digest(Format::TarGz), "919d08bebea3b5a264262420f33bcc61cc54a39390f07293779cff7157a1a93b");
}

#[test]
fn golden_tar_zst() {
    assert_eq!(digest(Format::TarZst), "b87f0a9a687d4fc964d9d1bb2e52e83ae725d4430296fb2555959ed138c8ca30");
}

#[test]
fn golden_zip() {
    assert_eq!(digest(Format::Zip), "a27506481feef827beb0cf87a5dc14a812743c58acfda72f67d9d5b25d02ec2a");
}

#[test]
fn members_are_sorted_and_measured() {
    for format in Format::ALL {
        let (bytes, written) = written(format, golden_members(1 << 16));
        let names: Vec<_> = written.members.iter().map(|held| held.path.as_str()).collect();
        assert_eq!(names, ["LICENSE", "bin/service", "docs/µ.md"]);
        assert_eq!(written.archive, crate::artifact::Artifact::of(&bytes));
        let listing = listed(format, &bytes, &Limits::release()).unwrap();
        assert_eq!(listing.archive(), written.archive);
        for (entry, held) in listing.entries().iter().zip(&written.members) {
            assert_eq!((&entry.path, entry.artifact()), (&held.path, Some(held.artifact)));
        }
        assert_eq!(listing.entry("bin/service").unwrap().mode, Mode::Executable);
        assert_eq!(listing.entry("LICENSE").unwrap().mode, Mode::Plain);
    }
}

#[test]
fn an_archive_of_nothing_is_one() {
    for format in Format::ALL {
        let (bytes, _) = written(format, Vec::new());
        assert!(listed(format, &bytes, &Limits::release()).unwrap().entries().is_empty());
    }
}

#[test]
fn names_that_meet_are_refused() {
    for format in Format::ALL {
        for (a, b, code) in [
            ("a", "a", "archive.duplicate"),
            ("README", "readme", "archive.duplicate"),
            ("D/a", "d/b", "archive.duplicate"),
            ("a/b", "a", "archive.file-as-folder"),
        ] {
            let mut out = Vec::new();
            let error = write(format.into(), 0, vec![file(a, b""), file(b, b"")], &mut out).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(out.is_empty(), "it is refused before the first byte");
        }
    }
}

#[test]
fn a_member_of_another_size_is_refused() {
    for format in Format::ALL {
        for (size, found) in [(9, "and has 10")].map(|(size, _)| (size, "and has more")).into_iter().chain([
            (11, "and has 10"),
            (5 << 20, "and has 10"),
            (0, "and has more"),
        ]) {
            let mut out = Vec::new();
            let mut wrong = file("x", b"0123456789");
            wrong.content.size = size;
            let error = write(format.into(), 0, vec![file("a", b"a"), wrong], &mut out).unwrap_err();
            assert_eq!(error.code(), "archive.member-size");
            assert!(error.to_string().ends_with(found), "{error}");
            // What is there does not pass for an archive.
            listed(format, &out, &Limits::release()).unwrap_err();
        }
    }
}

#[test]
fn a_member_that_cannot_be_read_is_named() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let of_one = |open: Opener| Member { content: Content::new(1, open), ..file("x", b"") };
    for format in Format::ALL {
        let unopened = of_one(Box::new(|| Err(io::ErrorKind::NotFound.into())));
        let unread = of_one(Box::new(|| Ok(Box::new(Broken))));
        for wrong in [unopened, unread] {
            let mut out = Vec::new();
            let error = write(format.into(), 0, vec![file("a", b"a"), wrong], &mut out).unwrap_err();
            assert_eq!((error.code(), error.kind().exit_code()), ("archive.member", 6));
            assert!(error.to_string().contains("`x`"));
            listed(format, &out, &Limits::release()).unwrap_err();
        }
    }
}

#[test]
fn a_full_disk_is_an_error_of_writing() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in Format::ALL {
        for room in [0, 5, 1000, 200_000] {
            let data = noise(3 << 20);
            let error = write(format.into(), 0, vec![file("x", &data)], &mut Full(room)).unwrap_err();
            let ArchiveError::Write(source) = error else { panic!("{error}") };
            assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{format}");
        }
    }
}

#[test]
fn the_time_is_the_given_one() {
    let at = |format, mtime| {
        let mut out = Vec::new();
        write(Codec::from(format), mtime, vec![file("x", b"x")], &mut out).unwrap();
        out
    };
    for format in Format::ALL {
        assert_eq!(at(format, MTIME), at(format, MTIME));
        assert_ne!(at(format, MTIME), at(format, MTIME + 2));
        assert!(listed(format, &at(format, u64::MAX), &Limits::release()).is_ok());
    }
    assert_eq!(at(Format::Zip, 0), at(Format::Zip, 315_532_800), "before 1980 it is 1980");
    assert_eq!(at(Format::Zip, MTIME), at(Format::Zip, MTIME - 1), "an odd second is rounded down");
}

#[test]
fn every_level_is_its_own_and_comes_back() {
    let data = golden_input(200_000);
    for format in Format::ALL {
        for level in 1..=19 {
            let Ok(codec) = Codec::new(format, level) else { continue };
            let mut out = Vec::new();
            write(codec, 0, vec![file("x", &data)], &mut out).unwrap();
            let listing = listed(format, &out, &Limits::release()).unwrap();
            assert_eq!(listing.entries()[0].artifact(), Some(crate::artifact::Artifact::of(&data)), "{format} {level}");
        }
    }
}

#[test]
fn a_zstandard_frame_says_its_size_and_has_a_checksum() {
    let (bytes, _) = written(Format::TarZst, golden_members(usize::MAX));
    // Frame_Header_Descriptor (RFC 8878 §3.1.1.1.1): content size flag, checksum flag.
    assert!(bytes[4] >> 6 != 0 || bytes[4] & 0b10_0000 != 0);
    assert_eq!(bytes[4] & 0b100, 0b100);
    let size = zstd::zstd_safe::get_frame_content_size(&bytes).ok().flatten().unwrap();
    assert_eq!(zstd::stream::decode_all(&bytes[..]).unwrap().len() as u64, size);
}

/// Names that a project could have, some of which need pax.
fn names() -> impl Strategy<Value = String> {
    let component = "[a-zA-Z0-9._@µ-]{1,40}".prop_filter("no dots alone", |name| name != "." && name != "..");
    proptest::collection::vec(component, 1..6).prop_map(|components| components.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_written_is_what_is_read(
        files in proptest::collection::btree_map(names(), (any::<bool>(), 0usize..60_000), 0..8),
        mtime in any::<u64>(),
        pieces in 1usize..9000,
        threads in 1usize..4,
    ) {
        let members = |piece: usize| files.iter().rev().map(|(name, (run, size))| {
            let mode = if *run { Mode::Executable } else { Mode::Plain };
            member(name, mode, &golden_input(*size), piece)
        }).collect::<Vec<_>>();
        for format in Format::ALL {
            let mut plain = Vec::new();
            let Ok(written) = write(format.into(), mtime, members(usize::MAX), &mut plain) else { continue };
            let mut cut = Vec::new();
            let threads = NonZeroUsize::new(threads).unwrap();
            let again = Recipe::new(format.into(), mtime).threads(threads).write(members(pieces), &mut cut).unwrap();
            prop_assert!(plain == cut, "{} differs by cuts or threads", format);
            prop_assert_eq!(&again, &written);
            let mut sink = Memory::default();
            let listing = take_out(format, &plain, &Limits::release(), &mut sink).unwrap();
            prop_assert_eq!(listing.entries().len(), files.len());
            for (entry, (path, taken)) in listing.entries().iter().zip(&sink.0) {
                let (run, size) = files[path];
                let mode = if run { Mode::Executable } else { Mode::Plain };
                prop_assert_eq!(entry.mode, mode);
                prop_assert!(*taken == Taken::File(mode, golden_input(size)));
            }
        }
    }
}
