//! What other programs make of our archives, and we of theirs. tar and gzip are everywhere; the others are asked when
//! they are there.

#![allow(clippy::disallowed_methods, reason = "the programs themselves are asked")]

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// Runs a program; `None` when there is none.
fn run(dir: &Path, program: &str, args: &[&str]) -> Option<String> {
    let output =
        match Command::new(program).args(args).current_dir(dir).env("LC_ALL", "C.UTF-8").env("TZ", "UTC").output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            output => output.unwrap(),
        };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{program} {args:?}: {stderr}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn deep() -> String {
    format!("{}/{}", "long-folder-name".repeat(12), "long-file-name".repeat(9))
}

/// An archive in a folder of its own.
fn archive(format: Format) -> (tempfile::TempDir, String) {
    let members = vec![
        member("bin/service", Mode::Executable, &golden_input(3_000_000), 1000),
        file("README.md", b"# Service\n"),
        file("docs/µ.md", "µ\n".as_bytes()),
        file("empty", b""),
        file(&deep(), b"deep"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let name = format!("a.{format}");
    fs::write(dir.path().join(&name), written(format, members).0).unwrap();
    (dir, name)
}

#[track_caller]
fn assert_extracted(dir: &Path) {
    assert_eq!(fs::read(dir.join("bin/service")).unwrap(), golden_input(3_000_000));
    assert_eq!(fs::read(dir.join("docs/µ.md")).unwrap(), "µ\n".as_bytes());
    assert_eq!(fs::read(dir.join("empty")).unwrap(), b"");
    assert_eq!(fs::read(dir.join(deep())).unwrap(), b"deep");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("bin/service"), mode("README.md")), (0o755, 0o644));
    }
}

#[test]
fn tar_and_gzip_read_tar_gz() {
    let (dir, name) = archive(Format::TarGz);
    run(dir.path(), "gzip", &["-t", &name]).expect("gzip is there");
    let table = run(dir.path(), "tar", &["--utc", "--full-time", "-tvzf", &name]).expect("tar is there");
    let mut lines = table.lines();
    assert_eq!(lines.next().unwrap(), "-rw-r--r-- 0/0              10 2026-11-18 11:06:41 README.md");
    assert_eq!(lines.count(), 4);
    fs::create_dir(dir.path().join("out")).unwrap();
    run(dir.path(), "tar", &["-xpzf", &name, "-C", "out"]).unwrap();
    assert_extracted(&dir.path().join("out"));
}

#[test]
fn zstd_and_tar_read_tar_zst() {
    let (dir, name) = archive(Format::TarZst);
    if run(dir.path(), "zstd", &["-q", "-t", &name]).is_none() {
        return;
    }
    run(dir.path(), "zstd", &["-q", "-d", &name, "-o", "a.tar"]).unwrap();
    fs::create_dir(dir.path().join("out")).unwrap();
    run(dir.path(), "tar", &["-xpf", "a.tar", "-C", "out"]).unwrap();
    assert_extracted(&dir.path().join("out"));
}

#[test]
fn unzip_reads_zip() {
    let (dir, name) = archive(Format::Zip);
    fs::create_dir(dir.path().join("out")).unwrap();
    if run(dir.path(), "unzip", &["-q", &name, "-d", "out"]).is_none() {
        return;
    }
    assert_extracted(&dir.path().join("out"));
    let table = run(dir.path(), "unzip", &["-ZT", "-s", &name]).unwrap();
    assert!(table.contains("20261118.110640 README.md"), "{table}");
}

#[test]
fn python_reads_zip_and_tar() {
    for (format, code) in [
        (Format::Zip, "import zipfile as z; a = z.ZipFile('a.zip'); assert a.testzip() is None; n = a.namelist()"),
        (Format::TarGz, "import tarfile as t; n = t.open('a.tar.gz').getnames()"),
    ] {
        let (dir, _) = archive(format);
        let code = format!("{code}; print(len(n)); assert n == sorted(n)");
        if let Some(answer) = run(dir.path(), "python3", &["-c", &code]) {
            assert_eq!(answer.trim(), "5");
        }
    }
}

#[test]
fn what_tar_makes_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let deep = deep();
    fs::create_dir_all(dir.path().join("in").join(&deep).parent().unwrap()).unwrap();
    fs::write(dir.path().join("in").join(&deep), b"deep").unwrap();
    fs::write(dir.path().join("in/µ"), noise(5000)).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("µ", dir.path().join("in/link")).unwrap();
    run(dir.path(), "tar", &["--format=pax", "-czf", "a.tar.gz", "in"]).expect("tar is there");
    let bytes = fs::read(dir.path().join("a.tar.gz")).unwrap();
    let listing = listed(Format::TarGz, &bytes, &Limits::foreign()).unwrap();
    assert_eq!(listing.entry(&format!("in/{deep}")).unwrap().artifact().unwrap().size(), 4);
    assert_eq!(listing.entry("in/µ").unwrap().artifact().unwrap().size(), 5000);
    #[cfg(unix)]
    assert_eq!(listing.entry("in/link").unwrap().kind, EntryKind::Link("µ".into()));
    refused(Format::TarGz, &bytes, &Limits::release(), "archive.folder");
}
