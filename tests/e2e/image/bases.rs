//! Images on other images.

use serde_json::Value;

use super::UPDATE;
use super::base::{self, Entry, Maker, alpine_layout, distroless, layer};
use super::{digest_of, document, entries, index, layers, manifest};
use crate::sandbox::Sandbox;

const ARGS: &[&str] = &["image", "--target", "linux/amd64,linux/arm64"];

fn on(base: &str) -> Sandbox {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", &format!("[image]\nbase = \"{base}\"\n"));
    sandbox
}

#[test]
fn a_base_is_merged_and_never_replaced() {
    let sandbox = on("oci:bases/alpine:3.22");
    let bases = sandbox.path("bases/alpine");
    alpine_layout(&bases, "3.22.1");
    let updated = sandbox.ok(UPDATE);
    assert!(updated.stdout.contains("oci:bases/alpine:3.22 sha256:"), "{}", updated.stdout);
    let lock = sandbox.read("sealift.lock");
    for platform in ["linux/amd64", "linux/arm64/v8", "linux/arm/v7", "linux/386"] {
        assert!(lock.contains(&format!("\"{platform}\" = \"sha256:")), "{lock}");
    }
    let first = digest_of(&sandbox.ok(ARGS).stdout);
    let layout = sandbox.path("dist/image");
    let own = manifest(&layout, "linux/arm64");
    let below = document(&bases, &base_entry(&bases)["manifests"][1]);
    assert_eq!(layers(&own)[0]["digest"], layers(&below)[0]["digest"], "the base's layer is untouched");
    assert_eq!(layers(&own).len(), 3);
    let root = entries(&layout, &layers(&own)[1]);
    let paths: Vec<&str> = root.keys().map(String::as_str).collect();
    assert_eq!(paths, ["etc/group", "etc/passwd", "home/", "home/nonroot/"]);
    let text = |path: &str| String::from_utf8(root[path].content.clone()).unwrap();
    let nonroot = "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";
    let theirs = "root:x:0:0:root:/root:/bin/ash\nnobody:x:65534:65534::/:/sbin/nologin\n";
    assert_eq!(text("etc/passwd"), format!("{theirs}{nonroot}"));
    assert_eq!(text("etc/group"), "root:x:0:root\nnobody:x:65534:\nnonroot:x:65532:\n");
    let config = document(&layout, &own["config"]);
    let env = serde_json::json!(["PATH=/base/bin", "BASE=1", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"]);
    assert_eq!((&config["config"]["Env"], config["config"].get("Cmd")), (&env, None));
    assert_eq!(config["config"]["Labels"]["base.label"], "kept");
    assert_eq!(config["config"]["Healthcheck"]["Test"][0], "NONE", "what is not known is kept");
    assert_eq!(config["history"].as_array().unwrap().len(), 3);
    assert!(lock.contains(own["annotations"]["org.opencontainers.image.base.digest"].as_str().unwrap()));
    // Everything is in the store now: the base itself is not asked again.
    std::fs::remove_dir_all(&bases).unwrap();
    assert_eq!(digest_of(&sandbox.ok(ARGS).stdout), first);
}

fn base_entry(layout: &std::path::Path) -> Value {
    let all: Value = serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
    document(layout, &all["manifests"][0])
}

#[test]
fn authorities_of_ones_own_are_added() {
    let sandbox = on("oci:bases/alpine:3.22");
    alpine_layout(&sandbox.path("bases/alpine"), "3.22.1");
    sandbox.write("sealift.toml", &format!("{}ca-certificates = [\"ca.pem\"]\n", sandbox.read("sealift.toml")));
    let openssl = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ed25519",
            "-nodes",
            "-keyout",
            "/dev/null",
            "-subj",
            "/CN=own",
            "-days",
            "9",
        ])
        .args(["-out", sandbox.path("ca.pem").to_str().unwrap()])
        .output()
        .unwrap();
    assert!(openssl.status.success(), "{openssl:?}");
    sandbox.ok(UPDATE).quietly();
    sandbox.ok(ARGS).quietly();
    let layout = sandbox.path("dist/image");
    let root = entries(&layout, &layers(&manifest(&layout, "linux/amd64"))[1]);
    let bundle = String::from_utf8(root["etc/ssl/certs/ca-certificates.crt"].content.clone()).unwrap();
    assert!(bundle.starts_with("# the base's own\n-----BEGIN CERTIFICATE-----\n"), "{bundle}");
    assert_eq!(bundle.matches("BEGIN").count(), 1);
}

#[test]
fn a_user_that_the_base_has_is_not_added() {
    let sandbox = on("oci:bases/distroless");
    let dir = sandbox.path("bases/distroless");
    let maker = Maker::new(&dir);
    let one = maker.manifest(&distroless(), "amd64", None);
    maker.finish(&[(&one, None)]);
    sandbox.ok(UPDATE).quietly();
    sandbox.ok(&["image", "--target", "linux/amd64"]).quietly();
    let layout = sandbox.path("dist/image");
    let own = manifest(&layout, "linux/amd64");
    let root = entries(&layout, &layers(&own)[2]);
    assert!(!root.contains_key("etc/passwd") && !root.contains_key("home/nonroot/"), "{:?}", root.keys());
    // The upper layer took the list of groups away.
    assert_eq!(root["etc/group"].content, b"root:x:0:\nnonroot:x:65532:\n");
    assert!(root.contains_key("etc/ssl/certs/ca-certificates.crt") && root.contains_key("tmp/"));
}

#[test]
fn a_docker_archive_is_a_base() {
    let sandbox = on("docker-archive:bases/alpine.tar");
    alpine_layout(&sandbox.path("bases/alpine"), "3.22.1");
    sandbox.ok(&["image", "copy", "oci:bases/alpine:3.22", "docker-archive:bases/alpine.tar:alpine:3.22"]).quietly();
    sandbox.ok(UPDATE).quietly();
    sandbox.ok(&["image", "--host"]).quietly();
    let layout = sandbox.path("dist/image");
    let entry = index(&layout)["manifests"][0].clone();
    let below =
        layers(&document(&sandbox.path("bases/alpine"), &base_entry(&sandbox.path("bases/alpine"))["manifests"][0]))[0]
            .clone();
    assert_eq!(layers(&document(&layout, &entry))[0]["digest"], below["digest"]);
}

/// A16: a tag that leads elsewhere than it did.
#[test]
fn a16_a_base_that_moves_is_followed_by_update_alone() {
    let sandbox = on("oci:bases/alpine:3.22");
    let bases = sandbox.path("bases/alpine");
    alpine_layout(&bases, "3.22.1");
    sandbox.ok(UPDATE).quietly();
    let lock = sandbox.read("sealift.lock");
    // Nothing of the base is in the store yet: the place is asked, and says that it leads elsewhere.
    let maker = Maker::new(&bases).configured_anew();
    let old = std::fs::read(bases.join("index.json")).unwrap();
    let old: Value = serde_json::from_slice(&old).unwrap();
    let mut layers = base::alpine("3.22.2");
    layers.push(layer(&[("etc/motd", Entry::File("new"))]));
    let manifests =
        [("amd64", None), ("arm64", Some("v8"))].map(|(arch, variant)| maker.manifest(&layers, arch, variant));
    let new = maker.index(&manifests);
    let mut kept = old["manifests"][0].clone();
    kept.as_object_mut().unwrap().remove("annotations");
    maker.finish(&[(&new, Some("3.22")), (&kept, None)]);
    let run = sandbox.ok(ARGS);
    assert!(run.stderr.contains("image.base-moved") || run.stderr.contains("leads to"), "{}", run.stderr);
    assert_eq!(sandbox.read("sealift.lock"), lock, "only update writes it");
    let first = digest_of(&run.stdout);
    let updated = sandbox.ok(UPDATE);
    for words in [
        "linux/386 is gone",
        "linux/amd64: 2 layers added",
        "1 removed, 0 shared; configuration: workdir; labels: base.label",
    ] {
        assert!(updated.stderr.contains(words), "wanted {words:?} in {}", updated.stderr);
    }
    assert!(updated.stdout.contains(" -> sha256:"), "{}", updated.stdout);
    assert_ne!(digest_of(&sandbox.ok(ARGS).stdout), first);
    sandbox.write("sealift.toml", "");
    assert!(sandbox.ok(UPDATE).stdout.contains("no longer pinned"));
}

/// Attacks A01 to A09 in a base's layer: refused before anything is written, or carried as the bytes that they are.
#[test]
fn hostile_layers_are_refused_or_carried_untouched() {
    let long = "x".repeat(1024);
    let attacks: [(&str, Vec<(&str, Entry<'_>)>); 8] = [
        ("A01 parent", vec![("../../escaped", Entry::File("x"))]),
        ("A01 absolute", vec![("/tmp/escaped-by-sealift", Entry::File("x"))]),
        ("A02 through a link", vec![("etc", Entry::Link("/tmp")), ("etc/escaped-by-sealift", Entry::File("x"))]),
        ("A03 hard link", vec![("etc/passwd", Entry::HardLink("/etc/shadow"))]),
        ("A04 link named .", vec![(".", Entry::Link("/")), ("tmp/escaped-by-sealift", Entry::File("x"))]),
        ("A05 two sizes", vec![("a", Entry::TwoSizes(&long)), ("b", Entry::File("y"))]),
        ("A09 device", vec![("dev/sda", Entry::Device)]),
        ("A09 duplicate", vec![("a", Entry::File("1")), ("a", Entry::File("2"))]),
    ];
    for (name, entries) in attacks {
        let sandbox = on("oci:bases/hostile");
        let dir = sandbox.path("bases/hostile");
        let maker = Maker::new(&dir);
        let hostile = layer(&entries);
        let digest = sealift_trust::Digest::of(&hostile.blob).to_string();
        let one = maker.manifest(&[hostile], "amd64", None);
        maker.finish(&[(&one, None)]);
        sandbox.ok(UPDATE).quietly();
        let run = sandbox.run(&["image", "--target", "linux/amd64"]);
        if run.exit == 0 {
            let layout = sandbox.path("dist/image");
            assert_eq!(layers(&manifest(&layout, "linux/amd64"))[0]["digest"], digest, "{name}");
        } else {
            assert_eq!(run.exit, 11, "{name}: {}", run.stderr);
            assert!(
                run.stderr.contains("error[layer.") || run.stderr.contains("error[image."),
                "{name}: {}",
                run.stderr
            );
            assert!(!sandbox.path("dist").exists(), "{name}");
        }
        for escaped in ["/tmp/escaped-by-sealift", "/escaped"] {
            assert!(!std::path::Path::new(escaped).exists(), "{name}");
        }
        sandbox.ok(&["image", "explain", "oci:bases/hostile"]).quietly();
    }
}

#[test]
fn a_decompression_bomb_is_named_and_not_unpacked() {
    let sandbox = on("oci:bases/bomb");
    let dir = sandbox.path("bases/bomb");
    let maker = Maker::new(&dir);
    // Two gigabytes of zeros in two megabytes: as members, so that it is made at once.
    let member = base::gzip(&vec![0; 64 << 20]);
    let bomb = base::Layer { blob: member.repeat(32), diff_id: sealift_trust::Digest::of(b"never read") };
    let one = maker.manifest(&[bomb], "amd64", None);
    maker.finish(&[(&one, None)]);
    let explained = sandbox.ok(&["image", "explain", "oci:bases/bomb"]);
    assert!(explained.stdout.contains("layer.ratio"), "{}", explained.stdout);
    sandbox.ok(UPDATE).quietly();
    let run = sandbox.run(&["image", "--target", "linux/amd64"]);
    assert_eq!(run.exit, 11, "{}", run.stderr);
}

#[test]
fn an_update_says_which_packages_of_a_base_changed() {
    let sandbox = on("oci:bases/alpine:3.22");
    let bases = sandbox.path("bases/alpine");
    let lay = |packages: &str| {
        std::fs::remove_dir_all(&bases).ok();
        let maker = Maker::new(&bases);
        let files = [
            ("etc/os-release", Entry::File("ID=alpine\nVERSION_ID=3.22.1\n")),
            ("etc/passwd", Entry::File("root:x:0:0::/:/bin/ash\n")),
            ("etc/group", Entry::File("root:x:0:\n")),
            ("lib/apk/db/installed", Entry::File(packages)),
        ];
        let manifest = maker.manifest(&[layer(&files)], "amd64", None);
        let index = maker.index(std::slice::from_ref(&manifest));
        (maker, index)
    };
    let (maker, old) = lay("P:musl\nV:1.2.4\nA:x86_64\n\nP:ssl\nV:3.0.1\nA:x86_64\n\n");
    maker.finish(&[(&old, Some("3.22"))]);
    sandbox.ok(UPDATE).quietly();
    // The new one beside the old one, as a registry has it.
    let kept = sandbox.path("kept");
    crate::sandbox::copy(&bases, &kept);
    let (maker, new) = lay("P:musl\nV:1.2.5\nA:x86_64\n\nP:zlib\nV:1.3\nA:x86_64\n\n");
    maker.finish(&[(&new, Some("3.22")), (&old, Some("old"))]);
    crate::sandbox::copy(&kept.join("blobs"), &bases.join("blobs"));
    let run = sandbox.ok(UPDATE);
    for line in ["musl 1.2.4 -> 1.2.5", "zlib 1.3 is new", "ssl 3.0.1 is gone"] {
        assert!(run.stderr.contains(line), "{line}: {}", run.stderr);
    }
}
