//! What is in a program: of a release, of a file, of a folder.

mod binary;
mod difference;
mod image;
mod license;

use serde_json::Value;

use crate::modules::{Proxy, TARGET, go_mod};
use crate::sandbox::{EPOCH, Sandbox};

/// A service with a dependency that needs another one, and one in another's place.
fn dependent(proxy: &Proxy) -> Sandbox {
    let deep = "package deep\n\nfunc Text() string { return \"deep\" }\n";
    proxy.module("example.com/deep", "v1.1.0", &[("deep.go", deep)]);
    let requires = go_mod("example.com/dep", "\nrequire example.com/deep v1.1.0\n");
    let dep = "package dep\n\nimport \"example.com/deep\"\n\nfunc Text() string { return deep.Text() }\n";
    proxy.module("example.com/dep", "v1.0.0", &[("go.mod", &requires), ("dep.go", dep)]);
    let main = "package main\n\nimport (\n\t\"example.com/dep\"\n\t\"example.com/near\"\n)\n\nfunc main() { print(dep.Text(), near.Text) }\n";
    let sandbox = Sandbox::with(&[
        ("cmd/api/main.go", main),
        ("sealift.toml", &format!("[project]\nlicense = \"MIT\"\n{TARGET}")),
        ("near/go.mod", &go_mod("example.com/near", "")),
        ("near/near.go", "package near\n\nconst Text = \"near\"\n"),
    ])
    .with_proxy(proxy);
    sandbox.go(&["mod", "edit", "-require=example.com/dep@v1.0.0", "-replace=example.com/near=./near"]);
    sandbox.go(&["mod", "tidy"]);
    sandbox.commit("dependencies");
    sandbox
}

fn file(sandbox: &Sandbox, ending: &str) -> String {
    let names: Vec<String> = sandbox.digests("dist").into_keys().filter(|name| name.ends_with(ending)).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    format!("dist/{}", names[0])
}

fn part<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|part| part["name"] == name).unwrap_or_else(|| panic!("{name} in {list}"))
}

#[test]
fn a_release_lists_what_is_in_its_binaries() {
    let proxy = Proxy::new();
    let sandbox = dependent(&proxy);
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--snapshot", "--key", &key]).quietly();
    let (cyclone, spdx) =
        (sandbox.json(&file(&sandbox, "amd64.cdx.json")), sandbox.json(&file(&sandbox, "amd64.spdx.json")));
    let record = sandbox.json(".sealift/attest.json");
    let artifact = |kind: &str| {
        let all = record["release"]["artifacts"].as_array().unwrap();
        all.iter().filter(|artifact| artifact["kind"] == kind).cloned().collect::<Vec<_>>()
    };
    // The list is of the very binary that the manifest names.
    let root = &cyclone["metadata"]["component"];
    let digest = format!("sha256:{}", root["hashes"][0]["content"].as_str().unwrap());
    assert_eq!(digest, artifact("binary")[0]["digest"].as_str().unwrap());
    let mut types: Vec<Value> = artifact("sbom").iter().map(|artifact| artifact["mediaType"].clone()).collect();
    // Of the binary and of the image with it.
    types.sort_by_key(ToString::to_string);
    let (cyclonedx, list) = ("application/vnd.cyclonedx+json", "application/spdx+json");
    assert_eq!(types, [list, list, cyclonedx, cyclonedx]);
    assert!(
        artifact("sbom").iter().all(|artifact| artifact["service"] == "api" && artifact["target"] == "linux/amd64")
    );

    assert_eq!(root["licenses"][0]["expression"], "MIT");
    assert!(root["purl"].as_str().unwrap().ends_with("?goarch=amd64&goos=linux#cmd/api"), "{root}");
    assert_eq!(cyclone["metadata"]["timestamp"], "2026-05-28T20:26:40Z");
    assert_eq!(EPOCH, 1_780_000_000, "that moment");
    let (dep, deep) =
        (part(&cyclone["components"], "example.com/dep"), part(&cyclone["components"], "example.com/deep"));
    assert_eq!(deep["purl"], "pkg:golang/example.com/deep@v1.1.0");
    assert!(dep["hashes"][0]["content"].as_str().is_some_and(|hex| hex.len() == 64), "{dep}");
    assert!(part(&cyclone["components"], "example.com/near").get("purl").is_none());
    part(&cyclone["components"], "stdlib");
    let depends = |id: &Value| {
        let all = cyclone["dependencies"].as_array().unwrap();
        all.iter().find(|one| one["ref"] == *id).unwrap_or_else(|| panic!("{id}"))["dependsOn"].clone()
    };
    assert_eq!(depends(&dep["bom-ref"]), serde_json::json!([deep["bom-ref"]]));
    assert!(!depends(&root["bom-ref"]).as_array().unwrap().contains(&deep["bom-ref"]), "only through dep");

    let locator = part(&spdx["packages"], "example.com/dep")["externalRefs"][0]["referenceLocator"].clone();
    assert_eq!(locator, "pkg:golang/example.com/dep@v1.0.0");
    sandbox.ok(&["verify", "--key", &public]).quietly();
    // Whoever changes a list changes the release.
    let path = sandbox.path(&file(&sandbox, "amd64.spdx.json"));
    let changed = std::fs::read_to_string(&path).unwrap().replace("v1.0.0", "v9.9.9");
    std::fs::write(&path, changed).unwrap();
    sandbox.run(&["verify", "--key", &public]).fails(8, "verify.digest-mismatch", &["spdx.json"]).quietly();
}

#[test]
fn lists_are_the_same_everywhere_and_made_once() {
    let proxy = Proxy::new();
    let (first, second) = (dependent(&proxy), dependent(&proxy));
    for sandbox in [&first, &second] {
        sandbox.ok(&["release", "--snapshot"]).quietly();
    }
    assert_eq!(first.digests("dist"), second.digests("dist"));
    let steps = |sandbox: &Sandbox| {
        let run = sandbox.ok(&["--json", "sbom", "--snapshot"]);
        let lines = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let steps = lines.filter(|line| line["step"].as_str().is_some_and(|step| step.starts_with("sbom ")));
        steps.filter_map(|line| line.get("cached").cloned()).collect::<Vec<_>>()
    };
    assert_eq!(steps(&first), [true; 4]);
    // The store is only a cache.
    std::fs::remove_dir_all(second.dir.path().join("cache")).unwrap();
    assert_eq!(steps(&second), [false; 4]);
    for ending in ["amd64.cdx.json", "amd64.spdx.json", ".image.cdx.json", ".image.spdx.json"] {
        assert_eq!(first.read(&file(&first, ending)), second.read(&file(&second, ending)));
    }
}

#[test]
fn sbom_then_attest_is_release() {
    let sandbox = Sandbox::service();
    let (key, public) = sandbox.key();
    let target = ["--snapshot", "--target", "linux/amd64"];
    let words = |first, more: &[&'static str]| [&[first], &target[..], more].concat();
    sandbox.ok(&words("package", &[])).quietly();
    let run = sandbox.ok(&words("sbom", &[]));
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    assert!(file(&sandbox, ".tar.gz").ends_with("linux_amd64.tar.gz"), "the archive stays");
    sandbox.ok(&[&words("attest", &["--key"])[..], &[key.as_str()]].concat()).quietly();
    sandbox.ok(&["verify", "--key", &public]).quietly();
    assert!(sandbox.read("dist/checksums.txt").contains(".cdx.json\n"));
    // Lists of another state are not sealed.
    sandbox.write("main.go", &(sandbox.read("main.go") + "\nvar other = 1\n"));
    sandbox.ok(&words("package", &[])).quietly();
    let run = sandbox.run(&[&words("attest", &["--key"])[..], &[key.as_str()]].concat());
    run.fails(11, "attest.other-state", &["SBOMs"]).hints("sealift sbom").quietly();
}

#[test]
fn a_project_decides_which_lists_it_wants() {
    let sandbox = Sandbox::service();
    for (formats, count) in [("[\"spdx\"]", 2), ("[]", 0)] {
        sandbox.write("sealift.toml", &format!("{TARGET}[sbom]\nformats = {formats}\n"));
        sandbox.ok(&["release", "--snapshot"]).quietly();
        let names: Vec<String> = sandbox.digests("dist").into_keys().collect();
        let lists = |ending: &str| names.iter().filter(|name| name.ends_with(ending)).count();
        assert_eq!((lists(".spdx.json"), lists(".cdx.json")), (count, 0), "{names:?}");
    }
    sandbox.write("sealift.toml", "[sbom]\nformats = [\"spdxx\"]\n");
    sandbox.run(&["release", "--snapshot"]).fails(3, "config.value", &["spdxx"]).hints("\"spdx\"").quietly();
}

#[test]
fn what_tells_nothing_is_refused_or_admitted() {
    let sandbox = Sandbox::with(&[("notes.txt", "words\n")]);
    sandbox.run(&["sbom", "notes.txt"]).fails(11, "sbom.not-a-binary", &["notes.txt"]).quietly();
    sandbox.run(&["sbom", "absent"]).fails(6, "file.missing", &["absent"]).quietly();
    sandbox.run(&["sbom", "."]).fails(11, "sbom.nothing", &[]).quietly();
    sandbox.run(&["sbom", "--format", "spdx"]).fails(2, "usage.arguments", &[]).quietly();
    // Our own program: no Go linker made it, and it is not built with cargo auditable in tests.
    let own = env!("CARGO_BIN_EXE_sealift");
    sandbox.run(&["sbom", own]).fails(11, "sbom.no-build-info", &["sealift"]).hints("--incomplete").quietly();
    let run = sandbox.ok(&["sbom", own, "--incomplete"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
    std::fs::copy(own, sandbox.path("program")).unwrap();
    let mut packed = std::fs::read(own).unwrap();
    // Where UPX writes its own header, behind those of ELF.
    packed[4000..4004].copy_from_slice(b"UPX!");
    std::fs::write(sandbox.path("packed"), packed).unwrap();
    sandbox.run(&["sbom", "packed"]).fails(11, "sbom.packed", &["UPX"]).hints("upx -d").quietly();
}

/// One damaged program, or a class of Java, does not keep the others of a folder from being listed.
#[test]
fn a_folder_is_listed_beside_what_cannot_be_read() {
    let sandbox = Sandbox::service();
    std::fs::create_dir(sandbox.path("folder")).unwrap();
    sandbox.go(&["build", "-o", "folder/app", "."]);
    sandbox.write("folder/readme", "words");
    std::fs::write(sandbox.path("folder/Main.class"), b"\xca\xfe\xba\xbe\0\0\0\x3d and so on").unwrap();
    let list = |more: &[&str]| -> Value {
        serde_json::from_str(&sandbox.ok(&[&["sbom", "folder"], more].concat()).stdout).unwrap()
    };
    assert_eq!(list(&[])["compositions"][0]["aggregate"], "complete");
    let bytes = std::fs::read(sandbox.path("folder/app")).unwrap();
    std::fs::write(sandbox.path("folder/cut"), &bytes[..bytes.len() / 2]).unwrap();
    sandbox.run(&["sbom", "folder"]).fails(11, "sbom.damaged", &["cut"]).quietly();
    let document = list(&["--incomplete"]);
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
    let places = document["components"].as_array().unwrap().iter().map(|one| one["bom-ref"].as_str().unwrap());
    let places: Vec<&str> = places.filter(|place| ["file:app", "file:cut"].contains(place)).collect();
    assert_eq!(places, ["file:app", "file:cut"]);
}

#[test]
fn a_go_program_without_its_build_information_is_refused_or_admitted() {
    let sandbox = Sandbox::service();
    sandbox.go(&["build", "-o", "app", "."]);
    let mut bytes = std::fs::read(sandbox.path("app")).unwrap();
    let magic = b"\xff Go buildinf:";
    let at = bytes.windows(magic.len()).position(|window| window == magic).unwrap();
    bytes[at..at + 64].fill(0);
    std::fs::write(sandbox.path("app"), bytes).unwrap();
    sandbox.run(&["sbom", "app"]).fails(11, "sbom.no-build-info", &["app"]).hints("--incomplete").quietly();
    let document: Value = serde_json::from_str(&sandbox.ok(&["sbom", "app", "--incomplete"]).stdout).unwrap();
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
    let spdx: Value =
        serde_json::from_str(&sandbox.ok(&["sbom", "app", "--incomplete", "--format", "spdx"]).stdout).unwrap();
    assert!(spdx["comment"].as_str().unwrap().contains("incomplete"), "{spdx}");
    sandbox.write("db/index/db.json", "{\"modified\":\"2026-01-01T00:00:00Z\"}");
    sandbox.write("db/index/modules.json", "[]");
    sandbox.run(&["scan", "app", "--database", "db"]).fails(11, "scan.silent", &["build information"]).quietly();
}
