//! What the readers promise: honest archives of others are read, changes are seen, memory is bounded.

use std::io::Seek;

use proptest::prelude::*;

use super::craft::{TarEntry, ZipEntry, tar_gz, zip};
use super::*;

fn open(bytes: &[u8]) -> io::Result<Box<dyn ReadSeek>> {
    Ok(Box::new(Cursor::new(bytes.to_vec())))
}

#[test]
fn a_change_between_the_two_passes_is_refused() {
    let make = |format, content: &[u8]| written(format, vec![file("a", b"same"), file("b", content)]).0;
    for format in Format::ALL {
        let (checked, swapped) = (make(format, b"good"), make(format, b"evil"));
        let listing = listed(format, &checked, &Limits::release()).unwrap();
        let mut sink = Memory::default();
        let error = extract(&listing, &|| open(&swapped), &mut sink).unwrap_err();
        assert_eq!(error.code(), "archive.changed");
        for other in [vec![file("a", b"same")], vec![file("a", b"same"), file("b", b"good"), file("c", b"")]] {
            let other = written(format, other).0;
            let error = extract(&listing, &|| open(&other), &mut Memory::default()).unwrap_err();
            assert_eq!(error.code(), "archive.changed");
        }
        let renamed = written(format, vec![file("a", b"same"), file("x", b"good")]).0;
        assert_eq!(
            extract(&listing, &|| open(&renamed), &mut Memory::default()).unwrap_err().code(),
            "archive.changed"
        );
        let executable = vec![file("a", b"same"), member("b", Mode::Executable, b"good", 9)];
        let executable = written(format, executable).0;
        assert_eq!(
            extract(&listing, &|| open(&executable), &mut Memory::default()).unwrap_err().code(),
            "archive.changed"
        );
    }
    // After a changed entry no other one is given.
    for format in Format::ALL {
        let checked = written(format, vec![file("a", b"good"), file("b", b"later")]).0;
        let swapped = written(format, vec![file("a", b"evil"), file("b", b"later")]).0;
        let listing = listed(format, &checked, &Limits::release()).unwrap();
        let mut sink = Memory::default();
        extract(&listing, &|| open(&swapped), &mut sink).unwrap_err();
        assert_eq!(sink.0.len(), 1, "{format}");
    }
    // The same entries in other bytes are another archive too.
    let tar = [TarEntry::file("a", b"a")];
    let listing = listed(Format::TarGz, &tar_gz(&tar), &Limits::release()).unwrap();
    let mut padded = craft::tar(&tar);
    padded.resize(10_240, 0);
    let error = extract(&listing, &|| open(&craft::gz(&padded)), &mut Memory::default()).unwrap_err();
    assert_eq!(error.code(), "archive.changed");
}

#[test]
fn a_sink_may_read_less_and_may_fail() {
    struct Lazy;
    impl Sink for Lazy {
        fn folder(&mut self, _: &Entry) -> io::Result<()> {
            Ok(())
        }
        fn file(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
            content.read_exact(&mut [0; 2])?;
            if entry.path.as_str() == "full" { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
        fn link(&mut self, _: &Entry, _: &str) -> io::Result<()> {
            Ok(())
        }
    }
    for format in Format::ALL {
        let (bytes, _) = written(format, vec![file("a", &noise(300_000)), file("b", b"bb")]);
        let listing = listed(format, &bytes, &Limits::release()).unwrap();
        extract(&listing, &|| open(&bytes), &mut Lazy).unwrap();
        let (bytes, _) = written(format, vec![file("full", b"12345")]);
        let listing = listed(format, &bytes, &Limits::release()).unwrap();
        let error = extract(&listing, &|| open(&bytes), &mut Lazy).unwrap_err();
        assert_eq!((error.code(), error.kind().exit_code()), ("archive.extract", 6));
    }
}

#[test]
fn a_disk_that_fails_is_no_broken_archive() {
    struct Broken(Cursor<Vec<u8>>, u64);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.position() >= self.1 {
                return Err(io::ErrorKind::HostUnreachable.into());
            }
            let most = buffer.len().min((self.1 - self.0.position()) as usize);
            self.0.read(&mut buffer[..most])
        }
    }
    impl Seek for Broken {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    for format in Format::ALL {
        let (bytes, _) = written(format, vec![file("a", &noise(100_000))]);
        for good in [0, 5, 20, 50_000] {
            let broken = || Ok(Box::new(Broken(Cursor::new(bytes.clone()), good)) as Box<dyn ReadSeek>);
            let error = list(format, &broken, &Limits::release()).unwrap_err();
            assert_eq!((error.code(), error.kind().exit_code()), ("archive.read", 6), "{format} {good}: {error}");
        }
        let error = list(format, &|| Err(io::ErrorKind::NotFound.into()), &Limits::release()).unwrap_err();
        assert_eq!(error.code(), "archive.read");
    }
}

#[test]
fn readers_may_give_single_bytes() {
    struct Slow(Cursor<Vec<u8>>);
    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }
    impl Seek for Slow {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    for format in Format::ALL {
        let (bytes, written) = written(format, vec![file("a", &golden_input(30_000)), file("µ", b"b")]);
        let slow = || Ok(Box::new(Slow(Cursor::new(bytes.clone()))) as Box<dyn ReadSeek>);
        let listing = list(format, &slow, &Limits::release()).unwrap();
        assert_eq!(listing.archive(), written.archive);
    }
}

#[test]
fn honest_archives_of_others_are_read() {
    let mut sink = Memory::default();
    let tar = tar_gz(&[
        TarEntry { kind: b'g', ..TarEntry::pax(&[("comment", "0123456789abcdef")]) },
        TarEntry { mode: 0o755, ..TarEntry::of_kind(b'5', "d/") },
        TarEntry { prefix: b"d".to_vec(), mode: 0o100_775, ..TarEntry::file("run", b"#!") },
        TarEntry::pax(&[("path", "d/ü"), ("mtime", "1.5"), ("uname", "me")]),
        TarEntry { kind: 0, ..TarEntry::file("d/_", b"u") },
        TarEntry { magic: *b"ustar  \0", ..TarEntry::file("gnu", b"g") },
        TarEntry::link(b'2', "d/l", "../gnu"),
    ]);
    take_out(Format::TarGz, &tar, &Limits::foreign(), &mut sink).unwrap();
    let expected = |name: &str, taken| (name.to_owned(), taken);
    assert_eq!(
        sink.0,
        [
            expected("d", Taken::Folder),
            expected("d/run", Taken::File(Mode::Executable, b"#!".to_vec())),
            expected("d/ü", Taken::File(Mode::Plain, b"u".to_vec())),
            expected("gnu", Taken::File(Mode::Plain, b"g".to_vec())),
            expected("d/l", Taken::Link("../gnu".to_owned())),
        ]
    );
    let mut sink = Memory::default();
    let zip = zip(&[
        ZipEntry::stored("golang.org/toolchain@v0.0.1/", b"").mode(0),
        ZipEntry::deflated("golang.org/toolchain@v0.0.1/go.mod", b"module").mode(0).described(),
        ZipEntry::stored("golang.org/toolchain@v0.0.1/bin/go", b"\x7fELF").mode(0o100_755),
    ]);
    take_out(Format::Zip, &zip, &Limits::go_module(), &mut sink).unwrap();
    assert_eq!(sink.0[2].1, Taken::File(Mode::Executable, b"\x7fELF".to_vec()));
}

#[test]
fn zip64_entries_of_the_writer_are_read() {
    use std::io::Write;
    let mut writer = ::zip::ZipWriter::new_stream(Vec::new());
    let options = ::zip::write::SimpleFileOptions::default().large_file(true);
    writer.start_file("large", options).unwrap();
    writer.write_all(b"not so large").unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let listing = listed(Format::Zip, &bytes, &Limits::release()).unwrap();
    assert_eq!(listing.entries()[0].artifact().unwrap().size(), 12);
}

#[test]
fn a_wrong_format_is_refused() {
    for made in Format::ALL {
        let (bytes, _) = written(made, vec![file("a", b"a")]);
        for read in Format::ALL.into_iter().filter(|read| *read != made) {
            let error = listed(read, &bytes, &Limits::release()).unwrap_err();
            assert_eq!(error.kind().exit_code(), 11, "{made} as {read}: {error}");
        }
        for garbage in [&b""[..], b"PK", &[0; 4096], &noise(4096)] {
            assert_eq!(listed(made, garbage, &Limits::release()).unwrap_err().kind().exit_code(), 11);
        }
    }
}

/// Every single flipped bit is refused, or shows nothing else: gzip's time and system, and zip's, say nothing here.
#[test]
fn a_flipped_bit_shows_nothing_else() {
    let members =
        || vec![file("LICENSE", b"do what you want"), member("bin/µ", Mode::Executable, &golden_input(900), 99)];
    for format in Format::ALL {
        let (bytes, _) = written(format, members());
        let honest = listed(format, &bytes, &Limits::release()).unwrap();
        let mut refusals = 0;
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match listed(format, &flipped, &Limits::release()) {
                Ok(listing) if format == Format::Zip => {
                    // The permissions are in the central directory, which has no checksum.
                    let contents = |listing: &Listing| {
                        listing.entries().iter().map(|e| (e.path.clone(), e.kind.clone())).collect::<Vec<_>>()
                    };
                    assert_eq!(contents(&listing), contents(&honest), "bit {bit}");
                    assert_ne!(listing.archive(), honest.archive());
                }
                Ok(listing) => assert_eq!(listing.entries(), honest.entries(), "{format} bit {bit}"),
                Err(error) => {
                    refusals += 1;
                    assert_eq!(error.kind().exit_code(), 11, "{error}");
                }
            }
        }
        assert!(refusals > bytes.len() * 5, "{format}: {refusals} of {}", bytes.len() * 8);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn garbage_never_panics(start in 0usize..3000, bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
        for format in Format::ALL {
            let (mut archive, _) = written(format, vec![file("a", &golden_input(1500)), file("b/c", b"c")]);
            let start = start % archive.len();
            let end = (start + bytes.len()).min(archive.len());
            archive[start..end].copy_from_slice(&bytes[..end - start]);
            let _ = listed(format, &archive, &Limits::foreign());
            if let Format::TarGz = format {
                // Past the checksums: the tar itself is damaged.
                let mut tar = craft::tar(&[TarEntry::file("a", b"a"), TarEntry::pax(&[("path", "b")]), TarEntry::file("b", b"")]);
                let start = start % tar.len();
                let end = (start + bytes.len()).min(tar.len());
                tar[start..end].copy_from_slice(&bytes[..end - start]);
                let _ = listed(format, &craft::gz(&tar), &Limits::foreign());
            }
        }
    }
}
