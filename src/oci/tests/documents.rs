use std::io::Read;

use proptest::prelude::*;
use sealift_trust::Digest;
use serde_json::json;

use crate::artifact::Artifact;
use crate::error::{Failure, Fault};
use crate::oci::{
    Checked, Descriptor, Document, ImageConfig, Index, MAX_DOCUMENT, Manifest, OciError, Platform, from_stream, media,
};

fn parse(value: &serde_json::Value, media_type: &str) -> Result<Document, OciError> {
    Document::parse(&serde_json::to_vec(value).unwrap(), media_type)
}

fn entry(media_type: &str) -> serde_json::Value {
    json!({ "mediaType": media_type, "digest": Digest::of(b"{}").to_string(), "size": 2 })
}

fn manifest() -> serde_json::Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": entry(media::OCI_CONFIG),
        "layers": [entry(media::OCI_LAYER_GZIP)],
    })
}

fn index() -> serde_json::Value {
    json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [entry(media::OCI_MANIFEST)] })
}

/// The document with one member set.
fn with(mut document: serde_json::Value, path: &str, value: serde_json::Value) -> serde_json::Value {
    let (parent, name) = path.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    document
}

#[test]
fn good_documents_are_read() {
    let Document::Manifest(read) = parse(&manifest(), media::OCI_MANIFEST).unwrap() else { panic!() };
    assert_eq!((read.layers.len(), read.config.size), (1, 2));
    let Document::Index(read) = parse(&index(), media::OCI_INDEX).unwrap() else { panic!() };
    assert_eq!(read.manifests[0].digest, Digest::of(b"{}"));
    // The image specification lets documents of its own leave their type out, and Go writes null for what is empty.
    let mut quiet = manifest();
    quiet.as_object_mut().unwrap().remove("mediaType");
    quiet = with(with(quiet, "/layers", json!(null)), "/annotations", json!(null));
    assert!(parse(&quiet, media::OCI_MANIFEST).unwrap().children().count() == 1);
}

#[test]
fn unknown_members_survive() {
    let odd = with(
        with(with(manifest(), "/x-vendor", json!({"a": [1, null]})), "/config/urls", json!(["https://elsewhere/"])),
        "/layers",
        json!([with(entry(media::OCI_LAYER_GZIP), "/data", json!("e30="))]),
    );
    let Document::Manifest(read) = parse(&odd, media::OCI_MANIFEST).unwrap() else { panic!() };
    let written: serde_json::Value = serde_json::from_slice(&read.encode()).unwrap();
    assert_eq!(written, odd);
    let config = json!({
        "architecture": "amd64", "os": "linux", "moby.buildkit": "x", "history": null,
        "config": { "Healthcheck": { "Interval": 30_000_000_000_u64 }, "Env": null, "Volumes": null,
                    "ExposedPorts": { "80/tcp": {} } },
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(b"").to_string()] },
    });
    let read = ImageConfig::parse(&serde_json::to_vec(&config).unwrap()).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&read.encode()).unwrap();
    assert_eq!(
        written["config"],
        json!({ "Healthcheck": config["config"]["Healthcheck"], "ExposedPorts": { "80/tcp": {} } })
    );
    assert_eq!((&written["moby.buildkit"], &written["rootfs"]), (&config["moby.buildkit"], &config["rootfs"]));
}

#[test]
fn a10_a_document_has_one_reading() {
    for (what, document, told) in [
        ("oci.confused", with(manifest(), "/manifests", json!([])), media::OCI_MANIFEST),
        ("oci.confused", with(index(), "/layers", json!([])), media::OCI_INDEX),
        ("oci.confused", with(index(), "/config", entry(media::OCI_CONFIG)), media::OCI_INDEX),
        ("oci.confused", with(index(), "/fsLayers", json!([])), media::OCI_INDEX),
        ("oci.confused", with(manifest(), "/Manifests", json!([])), media::OCI_MANIFEST),
        ("oci.confused", with(manifest(), "/layerſ", json!([])), media::OCI_MANIFEST),
        ("oci.confused", with(manifest(), "/config/Digest", json!("x")), media::OCI_MANIFEST),
        ("oci.media-type", manifest(), media::OCI_INDEX),
        ("oci.media-type", index(), media::OCI_MANIFEST),
        ("oci.media-type", manifest(), media::DOCKER_MANIFEST),
        ("oci.media-type", with(manifest(), "/mediaType", json!(null)), media::OCI_MANIFEST),
        ("oci.schema1", manifest(), media::DOCKER_SCHEMA1[1]),
        ("oci.schema1", with(manifest(), "/schemaVersion", json!(1)), media::OCI_MANIFEST),
        ("oci.unknown-type", manifest(), "text/html"),
        ("oci.unknown-type", manifest(), media::OCI_CONFIG),
        ("oci.document", with(manifest(), "/schemaVersion", json!(3)), media::OCI_MANIFEST),
        ("oci.document", with(manifest(), "/schemaVersion", json!("2")), media::OCI_MANIFEST),
        ("oci.document", with(manifest(), "/config/size", json!(-1)), media::OCI_MANIFEST),
        ("oci.document", with(manifest(), "/config/size", json!(1_u64 << 53)), media::OCI_MANIFEST),
        ("oci.document", with(manifest(), "/config/size", json!(1.5)), media::OCI_MANIFEST),
        ("oci.document", with(manifest(), "/config/mediaType", json!("a\r\nb: c")), media::OCI_MANIFEST),
        ("oci.document", with(manifest(), "/config", json!([])), media::OCI_MANIFEST),
        ("oci.document", json!([]), media::OCI_MANIFEST),
        ("oci.document", json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX }), media::OCI_INDEX),
    ] {
        let error = parse(&document, told).expect_err(&document.to_string());
        assert_eq!(error.code(), what, "{document}");
    }
    let mut docker = with(manifest(), "/mediaType", json!(media::DOCKER_MANIFEST));
    parse(&docker, media::DOCKER_MANIFEST).unwrap();
    docker.as_object_mut().unwrap().remove("mediaType");
    assert_eq!(parse(&docker, media::DOCKER_MANIFEST).unwrap_err().code(), "oci.media-type");
}

#[test]
fn a11_a_digest_is_never_a_path() {
    for digest in ["sha256:../../../etc/passwd", "../x", "", "sha512:00", "sha256:ABC", "sha256"] {
        for path in ["/config/digest", "/layers/0/digest"] {
            let error = parse(&with(manifest(), path, json!(digest)), media::OCI_MANIFEST).expect_err(digest);
            assert_eq!(error.code(), "oci.digest", "{digest}");
        }
    }
}

#[test]
fn a31_only_strict_json_is_read() {
    let good = String::from_utf8(serde_json::to_vec(&manifest()).unwrap()).unwrap();
    let deep = format!("{{\"a\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for bad in [
        good.replacen("\"layers\"", "\"layers\":[],\"layers\"", 1),
        good.replacen("\"layers\"", "\"layers\":[],\"l\\u0061yers\"", 1),
        format!("{good}{{}}"),
        good[..good.len() - 1].to_owned(),
        format!("\u{feff}{good}"),
        deep,
    ] {
        let error = Document::parse(bad.as_bytes(), media::OCI_MANIFEST).expect_err(&bad[..40]);
        assert_eq!(error.code(), "oci.json", "{}", &bad[..40]);
    }
    let long = vec![b' '; usize::try_from(MAX_DOCUMENT).unwrap() + 1];
    assert_eq!(Document::parse(&long, media::OCI_MANIFEST).unwrap_err().code(), "oci.too-large");
}

#[test]
fn a_base_cannot_smuggle_a_second_entrypoint() {
    let config = json!({ "architecture": "amd64", "os": "linux", "config": { "entrypoint": ["/evil"] },
                         "rootfs": { "type": "layers", "diff_ids": [] } });
    assert_eq!(ImageConfig::parse(&serde_json::to_vec(&config).unwrap()).unwrap_err().code(), "oci.confused");
}

#[test]
fn equal_values_have_equal_bytes() {
    let layer = Descriptor::of(media::OCI_LAYER_GZIP, b"x");
    let manifest = Manifest::new(Descriptor::of(media::OCI_CONFIG, b"{}"), vec![layer]);
    let bytes = manifest.encode();
    assert!(bytes.starts_with(b"{\"config\":{\"digest\":"), "{}", String::from_utf8_lossy(&bytes));
    assert_eq!(Document::parse(&bytes, media::OCI_MANIFEST).unwrap(), Document::Manifest(manifest));
    let entry = Descriptor::of(media::OCI_MANIFEST, &bytes).with_platform(Platform::new("linux", "arm", Some("v7")));
    let index = Index::new(vec![entry]);
    assert_eq!(Document::parse(&index.encode(), media::OCI_INDEX).unwrap(), Document::Index(index));
}

/// Reads a stream that was told to hold `told`.
fn check(found: &[u8], told: Artifact) -> Result<Vec<u8>, Failure> {
    let want = Descriptor::new(media::OCI_LAYER_TAR, told);
    let mut bytes = Vec::new();
    let mut checked = Checked::new(found, &want);
    let outcome = checked.read_to_end(&mut bytes);
    assert_eq!(outcome.is_err(), checked.read(&mut [0]).is_err(), "an error does not become an end");
    outcome.map(|_| bytes).map_err(|error| from_stream(error, |error| panic!("{error}")))
}

#[test]
fn a13_only_the_bytes_that_were_asked_for_pass() {
    assert_eq!(check(b"abc", Artifact::of(b"abc")).unwrap(), b"abc");
    assert_eq!(check(b"", Artifact::of(b"")).unwrap(), b"");
    assert_eq!(check(b"abd", Artifact::of(b"abc")).unwrap_err().code, "oci.digest-mismatch");
    assert_eq!(check(b"ab", Artifact::of(b"abc")).unwrap_err().code, "oci.size-mismatch");
    assert_eq!(check(b"abcd", Artifact::of(b"abc")).unwrap_err().code, "oci.endless");
    assert_eq!(check(b"a", Artifact::of(b"")).unwrap_err().code, "oci.endless");
    let want = Descriptor::new(media::OCI_LAYER_TAR, Artifact::of(b"abc"));
    let mut endless = Checked::new(std::io::repeat(b'a'), &want);
    assert!(endless.read_to_end(&mut Vec::new()).is_err());
}

proptest! {
    #[test]
    fn any_changed_byte_is_refused_before_the_last_one(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= change;
        let want = Descriptor::of(media::OCI_LAYER_TAR, &bytes);
        // A reader that takes exactly as much as was told, and never asks for the end.
        let mut taken = vec![0; bytes.len()];
        prop_assert!(Checked::new(changed.as_slice(), &want).read_exact(&mut taken).is_err());
        Checked::new(bytes.as_slice(), &want).read_exact(&mut taken).unwrap();
        prop_assert_eq!(taken, bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(Document::parse(&bytes, media::OCI_MANIFEST));
        drop(ImageConfig::parse(&bytes));
    }
}
