//! What other programs make of our archives, and we of theirs. `cargo xtask tools` installs them: one that is missing
//! fails the test.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::sample::*;
use crate::event::Events;
use crate::oci::*;

/// Runs a program that ends well, and gives what it says.
fn run(dir: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(dir).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask tools` installs it"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn crane_takes_our_docker_archive() {
    let dir = tempfile::tempdir().unwrap();
    let (from, index) = layout(&dir.path().join("from"));
    let child = from.parsed(&index).unwrap().children().next().unwrap().clone();
    let writer = ArchiveWriter::create(&dir.path().join("a.tar"), ArchiveForm::Docker).unwrap();
    copy(&child, &from, &writer, &Copy::default(), &Events::silent()).unwrap();
    writer.finish(&[(child.clone(), Some("registry.example/a:1".into()))]).unwrap();
    let listed = run(dir.path(), "tar", &["-tf", "a.tar"]);
    assert!(listed.ends_with("index.json\nmanifest.json\n"), "{listed}");
    let words = run(dir.path(), "crane", &["validate", "--tarball", "a.tar"]);
    assert!(words.contains("PASS"), "{words}");
    let digest = run(dir.path(), "crane", &["digest", "--tarball", "a.tar"]);
    assert!(digest.starts_with("sha256:"), "{digest}");
}

#[test]
fn we_take_the_docker_archive_of_crane() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("layer.tar"), tar(&[file("etc/passwd", b"root:x:0:0::/:\n")])).unwrap();
    let args = ["append", "-f", "layer.tar", "-t", "registry.example/a:1", "-o", "a.tar"];
    run(dir.path(), "crane", &args);
    let archive = DockerArchive::open(&dir.path().join("a.tar")).unwrap();
    let descriptor = archive.find(Some("registry.example/a:1")).unwrap();
    let image = Image::read(&archive, &descriptor).unwrap();
    let found = read_files(&archive, image.layers(), &["/etc/passwd"], &LayerLimits::usual()).unwrap();
    assert!(matches!(&found["/etc/passwd"], Effective::File(file) if file.content.starts_with(b"root:")), "{found:?}");
}

#[test]
fn what_tar_writes_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("root/{}", "long-name".repeat(20));
    fs::create_dir(dir.path().join("root")).unwrap();
    fs::write(dir.path().join(&long), b"abc").unwrap();
    fs::hard_link(dir.path().join(&long), dir.path().join("root/second")).unwrap();
    std::os::unix::fs::symlink("second", dir.path().join("root/third")).unwrap();
    let sparse = fs::File::create(dir.path().join("root/sparse")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    for format in ["gnu", "pax", "posix"] {
        let args = ["--sort=name", "--sparse", "--format", format, "-cf", "a.tar", "-C", "root", "."];
        run(dir.path(), "tar", &args);
        let blob = fs::read(dir.path().join("a.tar")).unwrap();
        assert!(blob.len() < 1 << 20, "the holes are not stored");
        let layer = Descriptor::of(media::OCI_LAYER_TAR, &blob);
        let mut kinds = Vec::new();
        let source = Blobs(vec![blob]);
        layer::visit(&source, &layer, &LayerLimits::usual(), &mut |entry, _| {
            kinds.push((entry.path.clone(), entry.kind));
            Ok(())
        })
        .unwrap();
        let kind = |path: &str| kinds.iter().find(|(found, _)| found == path).unwrap().1;
        assert_eq!(kinds.len(), 5, "{format}: {kinds:?}");
        assert_eq!(kind("sparse"), EntryKind::Sparse, "{format}");
        assert_eq!(kind("third"), EntryKind::Link, "{format}");
        let found = read_files(&source, &[layer], &["third"], &LayerLimits::usual()).unwrap();
        assert!(matches!(&found["third"], Effective::File(file) if file.content == b"abc"), "{format}: {found:?}");
    }
}
