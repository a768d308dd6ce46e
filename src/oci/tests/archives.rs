use std::fs;
use std::path::{Path, PathBuf};

use sealift_trust::Digest;

use super::sample::*;
use crate::error::Failure;
use crate::event::Events;
use crate::oci::*;

fn write(from: &Layout, root: &Descriptor, to: &Path, form: ArchiveForm, name: &str) -> Result<(), Failure> {
    let writer = ArchiveWriter::create(to, form)?;
    let all = Copy { referrers: Referrers::Follow, ..Copy::default() };
    copy(root, from, &writer, &all, &Events::silent())?;
    writer.finish(&[(root.clone(), Some(name.to_owned()))]).map(drop)
}

#[test]
fn an_oci_archive_goes_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let (from, index) = layout(&dir.path().join("from"));
    let (one, two) = (dir.path().join("1.tar"), dir.path().join("2.tar"));
    write(&from, &index, &one, ArchiveForm::Oci, "v1").unwrap();
    write(&from, &index, &two, ArchiveForm::Oci, "v1").unwrap();
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap(), "same images, same bytes");
    let archive = OciArchive::open_archive(&one).unwrap();
    assert_eq!(archive.find(Some("v1")).unwrap().digest, index.digest);
    assert!(archive.walk(Depth::Layers(LayerLimits::usual())).unwrap().is_sound());
    assert_eq!(archive.referrers(index.digest).unwrap().len(), 1);
    let back = Layout::create(&dir.path().join("back")).unwrap();
    copy(&index, &archive, &back, &Copy::default(), &Events::silent()).unwrap();
    back.name(&index, Some("v1")).unwrap();
    assert!(back.walk(Depth::Blobs).unwrap().is_sound());
    assert_eq!(names(dir.path()), ["1.tar", "2.tar", "back", "from"], "nothing half-made stays");
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_docker_archive_keeps_its_digests() {
    let dir = tempfile::tempdir().unwrap();
    let (from, index) = layout(&dir.path().join("from"));
    let path = dir.path().join("a.tar");
    let error = write(&from, &index, &path, ArchiveForm::Docker, "a:1").unwrap_err();
    assert_eq!((error.code, path.exists()), ("layout.no-image", false));
    let child = from.parsed(&index).unwrap().children().next().unwrap().clone();
    write(&from, &child, &path, ArchiveForm::Docker, "docker.io/library/a:1").unwrap();
    let archive = DockerArchive::open(&path).unwrap();
    for name in [None, Some("a:1"), Some("docker.io/library/a:1"), Some(format!("@{}", child.digest).as_str())] {
        assert_eq!(archive.find(name).unwrap().digest, child.digest, "{name:?}");
    }
    assert_eq!(Image::read(&archive, &child).unwrap(), Image::read(&from, &child).unwrap());
    assert_eq!(OciArchive::open_archive(&path).unwrap().find(None).unwrap().digest, child.digest);
    // Without the layout, as every `docker load` reads it.
    let read = fs::read(&path).unwrap();
    let mut entries = ::tar::Archive::new(read.as_slice());
    let manifest =
        entries.entries().unwrap().map(Result::unwrap).find(|entry| entry.path_bytes().as_ref() == b"manifest.json");
    let saved: serde_json::Value = serde_json::from_reader(manifest.unwrap()).unwrap();
    assert_eq!(saved[0]["RepoTags"], serde_json::json!(["docker.io/library/a:1"]));
    assert_eq!(saved[0]["Layers"].as_array().unwrap().len(), 2);
}

/// Entries of a tar: type, name, link, content.
type Entries = Vec<(u8, String, String, Vec<u8>)>;

/// What `docker save` wrote before version 25: one folder for each layer, a layer that is there twice as a link.
fn legacy(dir: &Path, change: &dyn Fn(&mut Entries)) -> PathBuf {
    let (one, two) = (tar(&[file("a", b"a")]), tar(&[file("b", b"b")]));
    let config = serde_json::to_vec(&serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": null,
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&one), Digest::of(&two), Digest::of(&one)] },
    }))
    .unwrap();
    let name = format!("{}.json", Digest::of(&config).hex());
    let saved = serde_json::json!([{ "Config": name, "RepoTags": ["a:1"], "Layers": ["1/layer.tar", "2/layer.tar", "3/layer.tar"] }]);
    let entry =
        |kind: u8, name: &str, link: &str, bytes: &[u8]| (kind, name.to_owned(), link.to_owned(), bytes.to_vec());
    let mut entries = vec![
        entry(b'5', "1/", "", b""),
        entry(b'0', "1/layer.tar", "", &one),
        entry(b'0', "1/VERSION", "", b"1.0"),
        entry(b'0', "2/layer.tar", "", &two),
        entry(b'2', "3/layer.tar", "../1/layer.tar", b""),
        entry(b'0', &name, "", &config),
        entry(b'0', "manifest.json", "", &serde_json::to_vec(&saved).unwrap()),
    ];
    change(&mut entries);
    let entries: Vec<Entry<'_>> = entries
        .iter()
        .map(|(kind, name, link, bytes)| (*kind, name.as_str(), link.as_str(), bytes.as_slice()))
        .collect();
    let path = dir.join("legacy.tar");
    fs::write(&path, tar(&entries)).unwrap();
    path
}

#[test]
fn what_old_docker_saved_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let archive = DockerArchive::open(&legacy(dir.path(), &|_| {})).unwrap();
    let descriptor = archive.find(Some("a:1")).unwrap();
    assert_eq!(archive.find(Some("docker.io/library/a:1")).unwrap(), descriptor);
    let image = Image::read(&archive, &descriptor).unwrap();
    assert_eq!((image.layers().len(), &image.layers()[0]), (3, &image.layers()[2]));
    let to = Layout::create(&dir.path().join("to")).unwrap();
    copy(&descriptor, &archive, &to, &Copy::default(), &Events::silent()).unwrap();
    to.name(&descriptor, None).unwrap();
    assert!(to.walk(Depth::Layers(LayerLimits::usual())).unwrap().is_sound());
}

#[test]
fn hostile_archives_are_refused() {
    let refused = |change: &dyn Fn(&mut Entries)| {
        let dir = tempfile::tempdir().unwrap();
        let path = legacy(dir.path(), change);
        let code = DockerArchive::open(&path).map(|_| "read").unwrap_or_else(|failure| failure.code);
        assert_eq!(names(dir.path()), ["legacy.tar"]);
        code
    };
    let add = |kind: u8, name: &'static str, link: &'static str| {
        refused(&move |entries| entries.push((kind, name.into(), link.into(), Vec::new())))
    };
    assert_eq!(add(b'0', "more", ""), "read");
    // A01 to A03, A09.
    assert_eq!(add(b'0', "../more", ""), "layout.member");
    assert_eq!(add(b'0', "/etc/more", ""), "layout.member");
    assert_eq!(add(b'0', "a/..\\b", ""), "layout.member");
    assert_eq!(add(b'2', "more", "/etc/passwd"), "layout.member");
    assert_eq!(add(b'2', "more", "../../etc/passwd"), "layout.member");
    assert_eq!(add(b'1', "more", "manifest.json"), "layout.member");
    assert_eq!(add(b'3', "more", ""), "layout.member");
    assert_eq!(add(b'6', "more", ""), "layout.member");
    assert_eq!(add(b'0', "./manifest.json", ""), "layout.member");
    // A05.
    let two_sizes = |entries: &mut Entries| {
        entries.insert(0, (b'x', "pax".into(), String::new(), b"9 size=1\n".to_vec()));
        entries.insert(1, (b'0', "more".into(), String::new(), b"ab".to_vec()));
    };
    assert_eq!(refused(&two_sizes), "layer.tar");
    // A layer that is not the configured one, one that is not there, one that is a link to itself.
    assert_eq!(refused(&|entries| entries[3].3[600] ^= 1), "oci.digest-mismatch");
    assert_eq!(refused(&|entries| drop(entries.remove(3))), "layout.no-archive");
    assert_eq!(refused(&|entries| entries[4].2 = "layer.tar".into()), "layout.member");
    assert_eq!(refused(&|entries| entries[6].3 = b"[]".to_vec()), "layout.no-archive");
    assert_eq!(refused(&|entries| drop(entries.remove(6))), "layout.no-archive");
    assert_eq!(refused(&|entries| entries[6].3 = vec![b' '; 5 << 20]), "oci.too-large");
}

#[test]
fn a_compressed_archive_says_how_to_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.tar.gz");
    fs::write(&path, gzip(&tar(&[]))).unwrap();
    let failure = OciArchive::open_archive(&path).unwrap_err();
    assert_eq!(failure.code, "layout.compressed");
    assert!(failure.hint.unwrap().starts_with("gunzip "));
    assert_eq!(DockerArchive::open(dir.path()).unwrap_err().code, "layout.not-a-file");
    assert_eq!(DockerArchive::open(&dir.path().join("none")).unwrap_err().code, "file.missing");
    fs::write(&path, &tar(&[file("a", b"abc")])[..513]).unwrap();
    assert_eq!(OciArchive::open_archive(&path).unwrap_err().code, "layer.truncated");
}
