//! Sealing what is packaged already, and what the provenance says of it.

mod provenance;
mod push;

pub use provenance::verified_by_openssl;

use std::io::Read;

use sealift::artifact::Artifact;
use sealift::attest::{Clean, Dist, Reach, layout, place};
use sealift::host::Host;
use sealift::host::env::Env;
use sealift::oci::{Descriptor, ImageConfig, Index, Manifest, Platform, media};
use sealift::product::{self, Image, ImageIndex};
use sealift_trust::Digest;

use crate::sandbox::Sandbox;

const TARGET: &[&str] = &["--snapshot", "--target", "linux/amd64"];

fn words<'a>(first: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[first], TARGET, more].concat()
}

#[test]
fn package_then_attest_is_release() {
    let sandbox = Sandbox::service();
    let (key, public) = sandbox.key();
    sandbox.ok(&words("release", &["--key", &key])).quietly();
    let reference = sandbox.digests("dist");
    std::fs::remove_dir_all(sandbox.path("dist")).unwrap();
    sandbox.ok(&words("package", &[])).quietly();
    sandbox.ok(&["image", "--target", "linux/amd64"]).quietly();
    sandbox.ok(&words("sbom", &[])).quietly();
    sandbox.ok(&words("attest", &["--key", &key])).quietly();
    assert_eq!(sandbox.digests("dist"), reference);
    sandbox.ok(&["verify", "--key", &public]).quietly();
    let record = sandbox.json(".sealift/attest.json");
    assert_eq!(record["signed"], true);
}

#[test]
fn what_changed_since_it_was_packaged_is_not_sealed() {
    let sandbox = Sandbox::service();
    let (key, _) = sandbox.key();
    sandbox.run(&words("attest", &["--key", &key])).fails(11, "attest.missing", &[]).quietly();
    sandbox.ok(&words("package", &[])).quietly();
    let name = sandbox.digests("dist").into_keys().next().unwrap();
    let path = sandbox.path(&format!("dist/{name}"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    sandbox.run(&words("attest", &["--key", &key])).fails(11, "attest.changed", &[&name]).quietly();
    sandbox.ok(&words("package", &[])).quietly();
    sandbox.write("main.go", &(sandbox.read("main.go") + "\nvar x = 1\n"));
    sandbox.run(&words("attest", &["--key", &key])).fails(11, "attest.other-state", &["sealift package"]).quietly();
}

/// Puts an image into `dist/`: its only layer is the archive that lies there.
fn image(sandbox: &Sandbox) {
    let recorded = product::read(sandbox.read(".sealift/package.json").as_bytes()).unwrap();
    let archive = &recorded.archives[0];
    let layer = std::fs::read(sandbox.path(&format!("dist/{}", archive.name))).unwrap();
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(&layer[..]).read_to_end(&mut tar).unwrap();
    let (service, target) = (archive.services[0].clone(), archive.target.clone().unwrap());
    let platform = Platform::from(&target);
    let mut config = ImageConfig::new(&platform);
    config.rootfs.diff_ids = vec![Digest::of(&tar)];
    let config = config.encode();
    let layers = vec![Descriptor::of(media::OCI_LAYER_GZIP, &layer)];
    let manifest = Manifest::new(Descriptor::of(media::OCI_CONFIG, &config), layers).encode();
    let index = Index::new(vec![Descriptor::of(media::OCI_MANIFEST, &manifest).with_platform(platform)]).encode();
    let stored = |digest: Digest| sandbox.dir.path().join("cache").join(digest.hex());
    for bytes in [&layer, &config, &manifest, &index] {
        std::fs::write(stored(Digest::of(bytes)), bytes).unwrap();
    }
    let image = Image {
        service: service.clone(),
        target,
        artifact: Artifact::of(&manifest),
        media_type: media::OCI_MANIFEST.into(),
        config: Artifact::of(&config),
        layers: vec![Artifact::of(&layer)],
        holds: archive.holds.clone(),
    };
    let artifact = Artifact::of(&index);
    let indexes = [ImageIndex { service, artifact, media_type: media::OCI_INDEX.into(), images: vec![image] }];
    let host = Host::with_env(Env::of(sandbox.project(), Vec::<(String, String)>::new()));
    let (folder, journal) = (sandbox.path("dist"), sandbox.path(".sealift/dist.json"));
    let dist = Dist { folder: &folder, journal: &journal, reach: Reach::Images, clean: Clean::Refuse };
    place(&host, &dist, &layout(&indexes, &stored)).unwrap();
    std::fs::write(sandbox.path(".sealift/image.json"), product::record_images(&indexes).unwrap()).unwrap();
}

#[test]
fn images_are_sealed_with_the_archives() {
    let sandbox = Sandbox::service();
    let (key, public) = sandbox.key();
    sandbox.ok(&words("package", &[])).quietly();
    image(&sandbox);
    sandbox.ok(&words("attest", &["--key", &key])).quietly();
    let run = sandbox.ok(&["verify", "--key", &public]);
    assert!(run.stderr.contains("passed    images-match"), "{}", run.stderr);
    let sealed = sandbox.digests("dist");
    sandbox.ok(&words("attest", &["--key", &key])).quietly();
    assert_eq!(sandbox.digests("dist"), sealed);

    // The images stay where they are when the archives are made again.
    sandbox.ok(&words("package", &[])).quietly();
    assert!(sandbox.path("dist/image/index.json").exists() && !sandbox.path("dist/release.json").exists());
    sandbox.ok(&words("attest", &["--key", &key])).quietly();
    assert_eq!(sandbox.digests("dist"), sealed);

    let blob = sealed.keys().find(|path| path.starts_with("image/blobs/")).unwrap();
    let path = sandbox.path(&format!("dist/{blob}"));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    sandbox.run(&["verify", "--key", &public]).fails(8, "verify.size-mismatch", &[blob]).quietly();
    sandbox.run(&words("attest", &["--key", &key])).fails(11, "attest.changed", &[blob]).quietly();
    std::fs::write(&path, &whole).unwrap();

    // An image of another state of the tree is not sealed with the archives of this one.
    sandbox.write("main.go", &(sandbox.read("main.go") + "\nfunc init() { println(1) }\n"));
    sandbox.ok(&words("package", &[])).quietly();
    sandbox.run(&words("attest", &["--key", &key])).fails(11, "attest.other-state", &["sealift image"]).quietly();
}
