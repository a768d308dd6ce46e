use std::fs;
use std::path::Path;

use super::sample::*;
use crate::error::Failure;
use crate::event::Events;
use crate::oci::*;

const DEEP: Depth = Depth::Layers(LayerLimits { bytes: 1 << 30, ratio: 1000, entries: 1000 });

fn blob(folder: &Path, descriptor: &Descriptor) -> std::path::PathBuf {
    folder.join("blobs/sha256").join(descriptor.digest.hex())
}

/// The codes of what is wrong with a layout, and its strays.
fn faults(layout: &Layout) -> (Vec<&'static str>, Vec<String>) {
    let walked = layout.walk(DEEP).unwrap();
    (walked.faults.iter().map(|fault| fault.code).collect(), walked.strays)
}

#[test]
fn a_layout_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, index) = layout(dir.path());
    let walked = layout.walk(DEEP).unwrap();
    assert!(walked.is_sound(), "{walked:?}");
    // The index, two manifests with configuration and binary each, the base layer once; the signature and its `{}`.
    assert_eq!((walked.roots.len(), walked.reached.len()), (2, 10));
    let again = Layout::open(dir.path()).unwrap();
    assert_eq!(again.find(Some("v1")).unwrap().digest, index.digest);
    assert_eq!(again.find(Some(&format!("@{}", index.digest))).unwrap().digest, index.digest);
    assert_eq!(again.find(None).unwrap().digest, index.digest, "a signature is no image");
    assert_eq!(again.find(Some("v2")).unwrap_err().code, "layout.unknown-name");
    let signatures = again.referrers(index.digest).unwrap();
    assert_eq!(signatures.len(), 1);
    assert_eq!(signatures[0].artifact_type.as_deref(), Some("application/vnd.example.signature"));
}

#[test]
fn names_move_and_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(dir.path()).unwrap();
    let (one, two) = (image(&layout, "linux/amd64", b"1"), image(&layout, "linux/amd64", b"2"));
    layout.name(&one, None).unwrap();
    layout.name(&one, Some("v1")).unwrap();
    layout.name(&one, Some("latest")).unwrap();
    layout.name(&one, None).unwrap();
    layout.name(&two, Some("latest")).unwrap();
    let names: Vec<_> = layout
        .index()
        .unwrap()
        .manifests
        .into_iter()
        .map(|entry| (entry.annotations[REF_NAME].clone(), entry.digest))
        .collect();
    assert_eq!(names, [("v1".to_owned(), one.digest), ("latest".to_owned(), two.digest)]);
    assert_eq!(layout.find(None).unwrap_err().code, "layout.ambiguous");
    // A layout is made once, and not of a folder that is something else.
    assert_eq!(Layout::create(dir.path()).unwrap().index().unwrap().manifests.len(), 2);
    fs::remove_file(dir.path().join("oci-layout")).unwrap();
    assert_eq!(Layout::create(dir.path()).unwrap_err().code, "layout.not-empty");
    assert_eq!(Layout::open(dir.path()).unwrap_err().code, "layout.none");
}

#[test]
fn whatever_is_wrong_with_a_layout_is_found() {
    let broken = |change: &dyn Fn(&Path, &Descriptor)| {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        let manifest = image(&layout, "linux/amd64", b"a");
        layout.name(&manifest, None).unwrap();
        let layer = layout.parsed(&manifest).unwrap().children().nth(2).unwrap().clone();
        change(dir.path(), &layer);
        faults(&layout)
    };
    let fault = |code| (vec![code], Vec::<String>::new());
    assert_eq!(broken(&|_, _| {}), (vec![], vec![]));
    assert_eq!(broken(&|dir, layer| fs::remove_file(blob(dir, layer)).unwrap()).0[0], "layout.missing");
    let flip = |dir: &Path, layer: &Descriptor| {
        let mut bytes = fs::read(blob(dir, layer)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(blob(dir, layer), bytes).unwrap();
    };
    assert_eq!(broken(&flip).0[0], "oci.digest-mismatch");
    assert_eq!(broken(&|dir, layer| fs::write(blob(dir, layer), b"").unwrap()).0[0], "oci.size-mismatch");
    let link = |dir: &Path, layer: &Descriptor| {
        fs::rename(blob(dir, layer), dir.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("../../elsewhere", blob(dir, layer)).unwrap();
    };
    let (codes, strays) = broken(&link);
    assert_eq!((codes[0], strays.as_slice()), ("layout.not-a-file", ["elsewhere".to_owned()].as_slice()));
    let stray = "blobs/sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned();
    assert_eq!(broken(&|dir, _| fs::write(dir.join(&stray), b"").unwrap()), (vec![], vec![stray.clone()]));
    let other = |dir: &Path, _: &Descriptor| {
        fs::create_dir(dir.join("blobs/sha512")).unwrap();
        fs::write(dir.join("blobs/sha512/x"), b"").unwrap();
    };
    assert_eq!(broken(&other), (vec![], vec!["blobs/sha512/x".to_owned()]));
    let platform = |dir: &Path, _: &Descriptor| {
        let text = fs::read_to_string(dir.join("index.json")).unwrap();
        fs::write(dir.join("index.json"), text.replace("amd64", "arm64")).unwrap();
    };
    assert_eq!(broken(&platform), fault("layout.platform"));
}

#[test]
fn a_layer_that_is_not_the_configured_one_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(dir.path()).unwrap();
    let (mut layer, bytes) = new_layer(&tar(&[file("a", b"a")]), "a");
    layer.diff_id = sealift_trust::Digest::of(b"another");
    put(&layout, &layer.descriptor, &bytes);
    let encoded = Image::scratch(&"linux/amd64".parse().unwrap()).append(layer).encode();
    put(&layout, &encoded.config, &encoded.config_bytes);
    layout.put_document(&encoded.manifest, &encoded.manifest_bytes).unwrap();
    layout.name(&encoded.manifest, None).unwrap();
    assert_eq!(faults(&layout), (vec!["layer.diff-id"], vec![]));
    assert!(layout.walk(Depth::Blobs).unwrap().is_sound());
}

#[test]
fn other_layouts_are_refused() {
    let refused = |name: &str, content: &str| {
        let dir = tempfile::tempdir().unwrap();
        layout(dir.path());
        fs::write(dir.path().join(name), content).unwrap();
        Layout::open(dir.path()).unwrap_err().code
    };
    assert_eq!(refused("oci-layout", "{}"), "layout.version");
    assert_eq!(refused("oci-layout", r#"{"imageLayoutVersion":"1.1.0"}"#), "layout.version");
    assert_eq!(refused("oci-layout", r#"{"imageLayoutVersion":"1.0.0","imageLayoutVersion":"1.0.0"}"#), "oci.json");
    assert_eq!(refused("index.json", "{}"), "oci.document");
    assert_eq!(refused("index.json", r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#), "oci.confused");
    let dir = tempfile::tempdir().unwrap();
    layout(dir.path());
    fs::remove_file(dir.path().join("index.json")).unwrap();
    assert_eq!(Layout::open(dir.path()).unwrap_err().code, "layout.no-index");
}

#[test]
fn what_is_put_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(dir.path()).unwrap();
    let want = Descriptor::of(media::OCI_LAYER_TAR, b"abc");
    for wrong in [&b"abd"[..], b"ab", b"abcd"] {
        let error = layout.put_blob(&want, &|| Ok(Box::new(wrong))).unwrap_err();
        assert!(matches!(error.code, "oci.digest-mismatch" | "oci.size-mismatch"), "{}", error.code);
    }
    assert!(!layout.has(&want).unwrap());
    assert_eq!(fs::read_dir(dir.path().join("blobs/sha256")).unwrap().count(), 0, "nothing half-made stays");
}

#[test]
fn a_copy_is_the_same_and_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let (from, index) = layout(&dir.path().join("from"));
    let to = Layout::create(&dir.path().join("to")).unwrap();
    let all = Copy { referrers: Referrers::Follow, ..Copy::default() };
    let copied = copy(&index, &from, &to, &all, &Events::silent()).unwrap();
    assert_eq!((copied.documents, copied.blobs, copied.skipped), (4, 6, 0));
    to.name(&index, Some("v1")).unwrap();
    let walked = to.walk(DEEP).unwrap();
    assert!(walked.is_sound(), "{walked:?}");
    assert_eq!(to.referrers(index.digest).unwrap(), from.referrers(index.digest).unwrap());
    let again = copy(&index, &from, &to, &all, &Events::silent()).unwrap();
    assert_eq!((again.documents, again.blobs, again.bytes), (0, 0, 0));
    let plain = Layout::create(&dir.path().join("plain")).unwrap();
    copy(&index, &from, &plain, &Copy::default(), &Events::silent()).unwrap();
    assert!(plain.referrers(index.digest).unwrap().is_empty());
}

/// A source that lies about what is about what.
struct Lying<'a>(&'a Layout, Descriptor);

impl Source for Lying<'_> {
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Failure> {
        self.0.document(descriptor)
    }
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn std::io::Read + Send + '_>, Failure> {
        self.0.blob(descriptor)
    }
    fn referrers(&self, _: sealift_trust::Digest) -> Result<Vec<Descriptor>, Failure> {
        Ok(vec![self.1.clone()])
    }
}

#[test]
fn a_referrer_that_is_about_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (from, index) = layout(&dir.path().join("from"));
    let other = image(&from, "linux/386", b"386");
    let signature = sign(&from, &other);
    let to = Layout::create(&dir.path().join("to")).unwrap();
    let all = Copy { referrers: Referrers::Follow, ..Copy::default() };
    let error = copy(&index, &Lying(&from, signature), &to, &all, &Events::silent()).unwrap_err();
    assert_eq!(error.code, "oci.referrer");
    assert!(!to.has(&index).unwrap());
}

#[test]
fn indexes_within_indexes_have_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let from = Layout::create(&dir.path().join("from")).unwrap();
    let mut inner = image(&from, "linux/amd64", b"a");
    for _ in 0..6 {
        let bytes = Index::new(vec![inner]).encode();
        inner = Descriptor::of(media::OCI_INDEX, &bytes);
        from.put_document(&inner, &bytes).unwrap();
    }
    from.name(&inner, None).unwrap();
    let to = Layout::create(&dir.path().join("to")).unwrap();
    assert_eq!(copy(&inner, &from, &to, &Copy::default(), &Events::silent()).unwrap_err().code, "oci.nested");
    assert_eq!(faults(&from).0, ["oci.nested"]);
}

#[test]
fn a_base_is_built_upon() {
    let dir = tempfile::tempdir().unwrap();
    let (from, index) = layout(dir.path());
    assert_eq!(Image::read(&from, &index).unwrap_err().code, "layout.no-image");
    let child = from.parsed(&index).unwrap().children().next().unwrap().clone();
    let base = Image::read(&from, &child).unwrap();
    let (layer, _) = new_layer(&tar(&[file("b", b"b")]), "more");
    let image = base.clone().append(layer.clone()).with_annotations([("a".into(), "b".into())]);
    assert_eq!((base.layers().len(), image.layers().len(), image.config().history.len()), (2, 3, 3));
    assert_eq!(image.encode(), image.clone().encode());
    let arm = image.clone().with_platform(&"linux/arm/v6".parse().unwrap());
    assert_eq!(arm.encode().manifest.platform.unwrap().to_string(), "linux/arm/v6");
    // Docker's types become those of the image specification, and foreign addresses stay behind.
    let mut docker = Manifest::new(Descriptor::of(media::DOCKER_CONFIG, b"{}"), vec![layer.descriptor; 2]);
    docker.layers[0].media_type = media::DOCKER_LAYER_GZIP.into();
    docker.layers[0].others.insert("urls".into(), serde_json::json!(["https://elsewhere/"]));
    let read = Image::from_base(&docker, base.config().clone()).unwrap();
    assert_eq!(read.layers()[0], read.layers()[1]);
    docker.layers.pop();
    let error = Image::from_base(&docker, base.config().clone()).unwrap_err();
    assert_eq!(Failure::from(error).code, "layout.layer-count");
}
