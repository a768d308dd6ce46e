use std::collections::BTreeMap;
use std::io::{self, Write};

use proptest::prelude::*;

use super::sample::*;
use crate::artifact::Artifact;
use crate::error::Failure;
use crate::oci::layer::visit;
use crate::oci::*;

const SMALL: LayerLimits = LayerLimits { bytes: 200 << 20, ratio: 100, entries: 1000 };

fn look(blob: Vec<u8>, media_type: &str, limits: &LayerLimits) -> Result<(Layer, Vec<LayerEntry>), Failure> {
    let descriptor = Descriptor::of(media_type, &blob);
    let mut entries = Vec::new();
    let layer = visit(&Blobs(vec![blob]), &descriptor, limits, &mut |entry, _| {
        entries.push(entry.clone());
        Ok(())
    })?;
    Ok((layer, entries))
}

#[test]
fn every_compression_gives_the_same_entries() {
    let tar =
        tar(&[(b'5', "./etc/", "", b""), file("etc/a", b"abc"), (b'2', "b", "etc/a", b""), (b'1', "c", "etc/a", b"")]);
    // eStargz: one gzip member after the other.
    let members = [gzip(&tar[..700]), gzip(&tar[700..])].concat();
    let frames = [zstd::encode_all(&tar[..99], 3).unwrap(), zstd::encode_all(&tar[99..], 3).unwrap()].concat();
    for (blob, media_type) in [
        (tar.clone(), media::OCI_LAYER_TAR),
        (gzip(&tar), media::DOCKER_LAYER_GZIP),
        (members, media::OCI_LAYER_GZIP),
        (frames, media::OCI_LAYER_ZSTD),
    ] {
        let (layer, entries) = look(blob, media_type, &SMALL).unwrap();
        assert_eq!((layer.unpacked, layer.entries), (Artifact::of(&tar), 4));
        let seen: Vec<_> = entries.iter().map(|entry| (entry.path.as_str(), entry.kind, entry.size)).collect();
        use EntryKind::{File, Folder, HardLink, Link};
        assert_eq!(seen, [("etc", Folder, 0), ("etc/a", File, 3), ("b", Link, 0), ("c", HardLink, 0)]);
        assert_eq!(entries[2].link.as_deref(), Some("etc/a"));
    }
}

#[test]
fn old_and_new_long_names_are_read() {
    let long = "folder/".repeat(40) + "file";
    let gnu = tar(&[(b'L', "././@LongLink", "", long.as_bytes()), file("cut", b"x"), file("next", b"")]);
    let pax = tar(&[(b'x', "pax", "", &record("path", &long)), file("cut", b"x"), file("next", b"")]);
    for tar in [gnu, pax] {
        let (_, entries) = look(tar, media::OCI_LAYER_TAR, &SMALL).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), [&long, "next"]);
    }
    // More than eleven octal digits of an owner, as Active Directory has them.
    let mut odd = header(b'0', "a", "", 0);
    odd.set_uid(1 << 40);
    odd.set_cksum();
    let (_, entries) = look(odd.as_bytes().to_vec(), media::OCI_LAYER_TAR, &SMALL).unwrap();
    assert_eq!(entries[0].uid, 1 << 40);
}

fn record(key: &str, value: &str) -> Vec<u8> {
    let length = (1..).find(|length| format!("{length} {key}={value}\n").len() == *length).unwrap();
    format!("{length} {key}={value}\n").into_bytes()
}

/// What a hostile layer holds is seen and goes nowhere: nothing here has a way to write.
#[test]
fn a01_a04_a09_a_hostile_layer_is_only_looked_at() {
    let hostile: &[Entry<'_>] = &[
        file("../../etc/passwd", b"x"),
        file("/etc/shadow", b"x"),
        (b'2', ".", "/", b""),
        file("./etc/passwd", b"x"),
        (b'1', "hard", "/etc/passwd", b""),
        (b'3', "dev/mem", "", b""),
        (b'6', "pipe", "", b""),
        file("twice", b"1"),
        file("twice", b"2"),
        (b'Z', "odd", "", b"content"),
    ];
    let (layer, entries) = look(gzip(&tar(hostile)), media::OCI_LAYER_GZIP, &SMALL).unwrap();
    assert_eq!((layer.entries, entries[0].path.as_str()), (10, "../../etc/passwd"));
    let error = files(&[hostile], &["etc/passwd"]).unwrap_err();
    assert_eq!(error.code, "layer.escapes");
}

#[test]
fn a05_two_sizes_are_refused() {
    for size in ["0", "2", "512"] {
        let two = tar(&[(b'x', "pax", "", &record("size", size)), file("a", b"abc")]);
        assert_eq!(look(two, media::OCI_LAYER_TAR, &SMALL).unwrap_err().code, "layer.tar", "{size}");
    }
}

#[test]
fn a08_a_bomb_ends_early() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(9));
    let mut zst = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    let size = 400 << 20;
    gz.write_all(header(b'0', "zeros", "", size).as_bytes()).unwrap();
    zst.write_all(header(b'0', "zeros", "", size).as_bytes()).unwrap();
    io::copy(&mut zeros(size), &mut gz).unwrap();
    io::copy(&mut zeros(size), &mut zst).unwrap();
    let (gz, zst) = (gz.finish().unwrap(), zst.finish().unwrap());
    for (blob, media_type) in [(gz.clone(), media::OCI_LAYER_GZIP), (zst, media::OCI_LAYER_ZSTD)] {
        assert_eq!(look(blob, media_type, &SMALL).unwrap_err().code, "layer.ratio");
    }
    let wide = LayerLimits { ratio: 10_000, ..SMALL };
    assert_eq!(look(gz.clone(), media::OCI_LAYER_GZIP, &wide).unwrap_err().code, "layer.too-large");
    // What follows the end of the tar counts too.
    let trailing = gzip(&[tar(&[file("a", b"")]), vec![0; 80 << 20]].concat());
    assert_eq!(look(trailing, media::OCI_LAYER_GZIP, &SMALL).unwrap_err().code, "layer.ratio");
    let many: Vec<Entry<'_>> = (0..1001).map(|_| file("a", b"")).collect();
    assert_eq!(look(tar(&many), media::OCI_LAYER_TAR, &SMALL).unwrap_err().code, "layer.too-many-entries");
    let headers: Vec<Entry<'_>> = (0..4000).map(|_| (b'g', "g", "", &b""[..])).collect();
    assert_eq!(look(tar(&headers), media::OCI_LAYER_TAR, &SMALL).unwrap_err().code, "layer.too-many-entries");
    // A name of 300 MiB would have to be held.
    let mut name = header(b'L', "././@LongLink", "", 300 << 20).as_bytes().to_vec();
    name.resize(4096, b'a');
    assert_eq!(look(name, media::OCI_LAYER_TAR, &SMALL).unwrap_err().code, "layer.tar");
}

#[test]
fn broken_layers_are_refused() {
    let good = tar(&[file("a", b"abc")]);
    let mut changed = good.clone();
    changed[0] = b'b';
    let packed = gzip(&good);
    for (blob, media_type, code) in [
        (good[..514].to_vec(), media::OCI_LAYER_TAR, "layer.truncated"),
        (good[..100].to_vec(), media::OCI_LAYER_TAR, "layer.truncated"),
        (changed, media::OCI_LAYER_TAR, "layer.tar"),
        (packed[..packed.len() - 9].to_vec(), media::OCI_LAYER_GZIP, "layer.truncated"),
        (b"no gzip at all".to_vec(), media::OCI_LAYER_GZIP, "layer.stream"),
        (b"no zstd at all".to_vec(), media::OCI_LAYER_ZSTD, "layer.stream"),
        (good.clone(), "application/vnd.in-toto+json", "layer.media-type"),
    ] {
        let error = look(blob, media_type, &SMALL).expect_err(code);
        assert_eq!(error.code, code, "{}", error.message);
    }
}

/// What layers, the lowest first, have at some paths.
fn files(layers: &[&[Entry<'_>]], paths: &[&str]) -> Result<BTreeMap<String, Effective>, Failure> {
    let blobs: Vec<Vec<u8>> = layers.iter().map(|layer| gzip(&tar(layer))).collect();
    let descriptors: Vec<_> = blobs.iter().map(|blob| Descriptor::of(media::OCI_LAYER_GZIP, blob)).collect();
    read_files(&Blobs(blobs), &descriptors, paths, &SMALL)
}

/// The same for one path: its content and where it is.
fn one(layers: &[&[Entry<'_>]], path: &str) -> Result<Option<(String, String)>, Failure> {
    Ok(match files(layers, &[path])?.remove(path).unwrap() {
        Effective::File(file) => Some((file.path, String::from_utf8(file.content).unwrap())),
        Effective::Nothing => None,
        other => Some((format!("{other:?}"), String::new())),
    })
}

#[test]
fn upper_layers_and_whiteouts_hide_lower_ones() {
    let lower: &[Entry<'_>] = &[(b'5', "etc", "", b""), file("etc/passwd", b"lower"), file("etc/group", b"group")];
    let found = |upper: &[Entry<'_>]| one(&[lower, upper], "/etc/passwd").unwrap().map(|(_, content)| content);
    assert_eq!(found(&[]).as_deref(), Some("lower"));
    assert_eq!(found(&[file("./etc/passwd", b"upper")]).as_deref(), Some("upper"));
    assert_eq!(found(&[file("etc/.wh.passwd", b"")]), None);
    assert_eq!(found(&[file(".wh.etc", b"")]), None);
    assert_eq!(found(&[file("etc/.wh..wh..opq", b"")]), None);
    assert_eq!(found(&[file(".wh..wh..opq", b"")]), None);
    assert_eq!(found(&[file("etc", b"a file now")]), None);
    assert_eq!(found(&[file("etc/.wh.group", b"")]).as_deref(), Some("lower"));
    // A whiteout hides what is below its layer, wherever it stands in the layer.
    assert_eq!(found(&[file("etc/passwd", b"new"), file("etc/.wh..wh..opq", b"")]).as_deref(), Some("new"));
    assert_eq!(found(&[file("etc/passwd", b"new"), file("etc/.wh.passwd", b"")]).as_deref(), Some("new"));
    // What aufs notes for itself is no whiteout.
    assert_eq!(found(&[file("etc/.wh..wh.plnk", b"")]).as_deref(), Some("lower"));
    assert_eq!(found(&[(b'5', "etc", "", b"")]).as_deref(), Some("lower"));
    assert_eq!(found(&[file("etc/passwd", b"1"), file("etc/passwd", b"2")]).as_deref(), Some("2"));
}

#[test]
fn links_are_followed_within_the_image() {
    let certs = |link: &'static str| {
        one(
            &[&[file("real/pki/ca.crt", b"CA"), (b'2', "etc/ssl", link, b""), (b'1', "hard", "/real/pki/ca.crt", b"")]],
            "etc/ssl/ca.crt",
        )
    };
    let there = Some(("real/pki/ca.crt".to_owned(), "CA".to_owned()));
    assert_eq!(certs("../real/pki").unwrap(), there);
    assert_eq!(certs("/real/./pki/").unwrap(), there);
    assert_eq!(certs("../../../../real/pki").unwrap(), there);
    assert_eq!(certs("../nowhere").unwrap(), None);
    assert_eq!(certs("ssl").unwrap_err().code, "layer.links");
    let hard: &[Entry<'_>] = &[file("a", b"A"), (b'1', "b", "a", b"")];
    assert_eq!(one(&[hard], "b").unwrap(), Some(("a".into(), "A".into())));
    let below: &[Entry<'_>] = &[file("etc/ssl/ca.crt", b"other")];
    let link: &[Entry<'_>] = &[(b'2', "etc/ssl", "../real", b"")];
    assert_eq!(one(&[link, below], "etc/ssl/ca.crt").unwrap_err().code, "layer.through-link");
    assert_eq!(one(&[below, link], "etc/ssl/ca.crt").unwrap(), None);
}

#[test]
fn only_small_files_are_held() {
    let large = vec![b'a'; (4 << 20) + 1];
    assert_eq!(one(&[&[file("etc/passwd", &large)]], "etc/passwd").unwrap_err().code, "layer.file-too-large");
    assert_eq!(one(&[&[file("etc/other", &large)]], "etc/passwd").unwrap(), None);
    let found =
        files(&[&[(b'5', "tmp", "", b""), file("a/b", b""), (b'6', "p", "", b"")]], &["tmp", "a", "p"]).unwrap();
    assert_eq!(found["tmp"], Effective::Folder);
    assert_eq!(found["p"], Effective::Other);
}

proptest! {
    /// A broken layer ends in an error or an end, never in a panic or without one.
    #[test]
    fn changed_bytes_never_panic(at in 0..3072_usize, byte in any::<u8>(), cut in 0..3072_usize) {
        let long = "n".repeat(200);
        let mut bytes = tar(&[(b'L', "l", "", long.as_bytes()), (b'x', "x", "", &record("path", "p")), file("a", b"abc")]);
        let at = at % bytes.len();
        bytes[at] = byte;
        drop(look(bytes.clone(), media::OCI_LAYER_TAR, &SMALL));
        bytes.truncate(cut);
        drop(look(bytes, media::OCI_LAYER_TAR, &SMALL));
    }
}
