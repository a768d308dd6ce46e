//! What is in an image: of others, of a release, beside it in a registry.

use serde_json::{Value, json};

use crate::image::base::{Entry, Layer, Maker, layer};
use crate::registry::program::{crane, in_memory};
use crate::sandbox::Sandbox;

const APK: &str = "P:busybox\nV:1.36.1-r29\nA:x86_64\nL:GPL-2.0-only\no:busybox\nF:bin\nR:busybox\n\n\
                   P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\n\n";
const RELEASE: &str = "ID=alpine\nVERSION_ID=3.20.3\n";

/// An alpine in small with a Go program, of which the upper layer takes something away.
fn layers(program: &[u8], silent: &[u8]) -> Vec<Layer> {
    let lower = layer(&[
        ("lib/apk/db/installed", Entry::File("P:old\nV:0.1\nA:x86_64\n\n")),
        ("etc/os-release", Entry::File(RELEASE)),
        ("bin/busybox", Entry::Bytes(silent)),
        ("usr/local/bin/hidden", Entry::Bytes(program)),
        ("opt/gone/tool", Entry::Bytes(program)),
    ]);
    let upper = layer(&[
        ("lib/apk/db/installed", Entry::File(APK)),
        ("usr/local/bin/.wh.hidden", Entry::File("")),
        ("opt/gone/.wh..wh..opq", Entry::File("")),
        ("app/api", Entry::Bytes(program)),
    ]);
    vec![lower, upper]
}

/// An executable that says nothing of itself: no Go linker made it.
fn silent() -> Vec<u8> {
    std::fs::read("/bin/true").unwrap()
}

fn go_program(sandbox: &Sandbox) -> Vec<u8> {
    sandbox.go(&["build", "-o", "app", "."]);
    std::fs::read(sandbox.path("app")).unwrap()
}

fn layout(sandbox: &Sandbox, layers: &[Layer]) {
    let folder = sandbox.path("layout");
    let maker = Maker::new(&folder);
    let manifest = maker.manifest(layers, "amd64", None);
    maker.finish(&[(&manifest, Some("one"))]);
}

fn names(document: &Value) -> Vec<(&str, &str)> {
    let all = document["components"].as_array().unwrap();
    all.iter().map(|part| (part["name"].as_str().unwrap(), part["version"].as_str().unwrap_or("-"))).collect()
}

fn list(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    serde_json::from_str(&sandbox.ok(&[&["sbom"], arguments].concat()).stdout).unwrap()
}

#[test]
fn packages_and_programs_as_a_container_sees_them() {
    let sandbox = Sandbox::service();
    let program = go_program(&sandbox);
    layout(&sandbox, &layers(&program, &silent()));
    let document = list(&sandbox, &["oci:layout:one"]);
    let names = names(&document);
    for part in [("busybox", "1.36.1-r29"), ("musl", "1.2.5-r0"), ("alpine", "3.20.3")] {
        assert!(names.contains(&part), "{part:?} in {names:?}");
    }
    assert!(!names.iter().any(|(name, _)| *name == "old"), "the upper layer's database replaces the lower one's");
    let programs: Vec<&Value> = document["components"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["bom-ref"].as_str().unwrap().starts_with("file:"))
        .collect();
    assert_eq!(programs.len(), 1, "whiteouts hide the others: {programs:?}");
    assert_eq!(programs[0]["bom-ref"], "file:app/api");
    assert_eq!(programs[0]["name"], "example.com/service");
    let musl = document["components"].as_array().unwrap().iter().find(|part| part["name"] == "musl").unwrap();
    assert_eq!(musl["purl"], "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.3");
    assert_eq!(musl["licenses"][0]["expression"], "MIT");
    assert_eq!(document["metadata"]["component"]["type"], "container");
    // A package put busybox there, so that nothing is unknown.
    assert_eq!(document["compositions"][0]["aggregate"], "complete");
    assert_eq!(list(&sandbox, &["oci:layout:one", "--format", "spdx"])["spdxVersion"], "SPDX-2.3");
    // The same file under a path that no package has.
    let mut all = layers(&program, &silent());
    all.push(layer(&[("usr/bin/strange", Entry::Bytes(&silent()))]));
    layout(&sandbox, &all);
    let document = list(&sandbox, &["oci:layout:one"]);
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
    let unknown = document["metadata"]["component"]["properties"].as_array().unwrap();
    assert!(unknown.contains(&json!({ "name": "sealift:unknown-executable-files", "value": "usr/bin/strange" })));
}

#[test]
fn hostile_layers_are_refused() {
    let sandbox = Sandbox::service();
    for (entries, code) in [
        (layer(&[("lib/apk/db/installed", Entry::TwoSizes(APK))]), "layer.tar"),
        (layer(&[("../../etc/passwd", Entry::File("x"))]), "layer.escapes"),
        (layer(&[("lib/apk/db/installed", Entry::Bytes(&vec![b'\n'; (32 << 20) + 1]))]), "layer.file-too-large"),
        (layer(&[("bomb", Entry::Bytes(&vec![0; 120 << 20]))]), "layer.ratio"),
    ] {
        layout(&sandbox, &[entries]);
        let run = sandbox.run(&["sbom", "oci:layout:one"]);
        assert_eq!(run.exit, 11, "{}", run.stderr);
        run.fails(11, code, &[]).quietly();
    }
    sandbox.run(&["sbom", "oci:layout:two"]).fails(2, "layout.unknown-name", &["two"]).quietly();
}

#[test]
fn what_hangs_on_an_image_is_told_with_its_origin() {
    let sandbox = Sandbox::service();
    let folder = sandbox.path("layout");
    let maker = Maker::new(&folder);
    let amd64 = maker.manifest(&[layer(&[("etc/os-release", Entry::File(RELEASE))])], "amd64", None);
    let arm64 = maker.manifest(&[layer(&[("lib/apk/db/installed", Entry::File(APK))])], "arm64", Some("v8"));
    let index = maker.index(&[amd64.clone(), arm64]);
    let package = |name: &str, purl: &str| {
        json!({ "SPDXID": format!("SPDXRef-{name}"), "name": name, "versionInfo": "1.0",
            "licenseDeclared": "Apache-2.0",
            "externalRefs": [{ "referenceType": "purl", "referenceLocator": purl }] })
    };
    let told =
        json!({ "spdxVersion": "SPDX-2.3", "name": "base", "packages": [package("told", "pkg:deb/debian/told@1.0")] });
    let statement = json!({ "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
        "predicate": { "spdxVersion": "SPDX-2.3", "name": "b", "packages": [package("stated", "pkg:deb/debian/stated@1.0")] } });
    let empty = maker.put("application/vnd.oci.empty.v1+json", b"{}");
    let refer = |media_type: &str, list: &Value| {
        let mut subject = amd64.clone();
        subject.as_object_mut().unwrap().remove("platform");
        let layer = maker.put(media_type, list.to_string().as_bytes());
        let manifest = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": media_type, "config": empty, "layers": [layer], "subject": subject });
        let mut descriptor = maker.document("application/vnd.oci.image.manifest.v1+json", &manifest);
        descriptor["artifactType"] = media_type.into();
        descriptor
    };
    let (first, second) = (refer("application/spdx+json", &told), refer("application/vnd.in-toto+json", &statement));
    maker.finish(&[(&index, Some("one")), (&first, None), (&second, None)]);
    let document = list(&sandbox, &["oci:layout:one", "--platform", "linux/amd64"]);
    let part =
        |name: &str| document["components"].as_array().unwrap().iter().find(|part| part["name"] == name).cloned();
    for (name, from) in [("told", &first), ("stated", &second)] {
        let part = part(name).unwrap_or_else(|| panic!("{name} in {document}"));
        assert_eq!(part["licenses"][0]["expression"], "Apache-2.0");
        assert!(
            part["properties"]
                .as_array()
                .unwrap()
                .contains(&json!({ "name": "sealift:told-by", "value": from["digest"] }))
        );
    }
    assert!(part("busybox").is_none(), "that is the other platform's");
    // All platforms in one list, each with its own parts.
    let document = list(&sandbox, &["oci:layout:one"]);
    let depends = |platform: &str| {
        let all = document["dependencies"].as_array().unwrap();
        let own = all.iter().find(|one| one["ref"] == format!("image:{platform}")).unwrap();
        own["dependsOn"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(depends("linux/arm64/v8").iter().any(|id| id.contains("busybox")), "{document}");
    assert!(!depends("linux/amd64").iter().any(|id| id.contains("busybox")));
    let run = sandbox.run(&["sbom", "oci:layout:one", "--platform", "linux/s390x"]);
    run.fails(11, "sbom.no-image", &["linux/amd64"]).quietly();
}

#[test]
fn a_release_lists_its_images_and_lays_the_lists_beside_them() {
    let registry = in_memory();
    let sandbox = Sandbox::service();
    let config = format!(
        "[build]\ntargets = [\"linux/amd64\"]\n[image]\nrepository = \"{}/acme/{{service}}\"\n",
        registry.address
    );
    sandbox.write("sealift.toml", &config);
    sandbox.commit("configured");
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--snapshot", "--key", &key]).quietly();
    sandbox.ok(&["verify", "--key", &public]).quietly();
    let path = super::file(&sandbox, ".image.cdx.json");
    let document = sandbox.json(&path);
    let record = sandbox.json(".sealift/attest.json");
    let artifacts = record["release"]["artifacts"].as_array().unwrap();
    let image = artifacts.iter().find(|artifact| artifact["kind"] == "image").unwrap();
    let root = &document["metadata"]["component"];
    assert_eq!(format!("sha256:{}", root["hashes"][0]["content"].as_str().unwrap()), image["digest"].as_str().unwrap());
    // The program in it is the one of the release, with its version.
    let parts = document["components"].as_array().unwrap();
    let program = parts.iter().find(|part| part["name"] == "example.com/service").unwrap();
    let held = image["holds"][0]["digest"].as_str().unwrap();
    assert_eq!(format!("sha256:{}", program["hashes"][0]["content"].as_str().unwrap()), held);
    // What anybody reads out of the image itself is the same.
    let read = list(&sandbox, &["oci:dist/image"]);
    let stdlib = |document: &Value| names(document).into_iter().any(|(name, _)| name == "stdlib");
    assert!(stdlib(&document) && stdlib(&read));

    sandbox.ok(&["image", "--push"]).quietly();
    sandbox.ok(&["package", "--snapshot"]).quietly();
    sandbox.ok(&["sbom", "--snapshot"]).quietly();
    assert!(sandbox.path(&path).is_file(), "images in dist/ keep their lists");
    sandbox.ok(&["attest", "--snapshot", "--key", &key, "--push"]).quietly();
    let image = sandbox.json(".sealift/attest.json")["release"]["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|artifact| artifact["kind"] == "image")
        .unwrap()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let repository = format!("{}/acme/service", registry.address);
    let crane = |args: &[&str]| crane(args, sandbox.dir.path());
    let listed: Value =
        serde_json::from_str(&crane(&["manifest", &format!("{repository}:{}", image.replace(':', "-"))])).unwrap();
    let of =
        |kind: &str| listed["manifests"].as_array().unwrap().iter().filter(|one| one["artifactType"] == kind).count();
    assert_eq!((of("application/vnd.cyclonedx+json"), of("application/spdx+json")), (1, 1), "{listed}");
    // Read back from the registry by digest.
    let told = list(&sandbox, &[&format!("{repository}@{image}")]);
    assert!(stdlib(&told), "{told}");
}
