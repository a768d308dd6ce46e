use serde_json::Value;

use super::binary::{Binary, BuildInfo, Crate, Functions, Module};
use super::*;

fn module(path: &str, version: &str) -> Module {
    let sum = Some("h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned());
    Module { path: path.into(), version: version.into(), sum, replace: None }
}

/// A program with a plain module, one in another's place, one in a folder's, and one that only the second requires.
fn binary() -> Binary<'static> {
    let mut replaced = module("example.com/old", "v1.0.0");
    replaced.replace = Some(Box::new(module("example.com/New", "v2.0.0+incompatible")));
    let mut local = module("example.com/local", "v0.0.0");
    local.replace = Some(Box::new(Module { path: "../local".into(), version: "(devel)".into(), ..Module::default() }));
    let settings = [
        ("GOOS", "linux"),
        ("GOARCH", "amd64"),
        ("-ldflags", "-X main.token=secret"),
        ("vcs.time", "2026-01-31T12:00:00Z"),
    ];
    let info = BuildInfo {
        go_version: "go1.26.8 X:nogreenteagc".into(),
        path: "example.com/m/cmd/api".into(),
        main: Some(Module { path: "example.com/m".into(), version: "(devel)".into(), ..Module::default() }),
        modules: vec![module("example.com/a", "v0.1.0"), replaced, local, module("example.com/deep", "v0.3.0")],
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    let functions = Functions::Unknown("made by hand");
    Binary {
        format: binary::Format::Elf,
        arch: "amd64",
        build_info: Some(info),
        functions,
        crates: None,
        packed: false,
    }
}

fn sbom(graph: Option<&Graph>) -> Sbom {
    let released = Some(Released { version: "1.2.3", commit: "c0ffee", license: Some("MIT") });
    program(
        &[binary()],
        &Program { name: "api", artifact: Artifact::of(b"api"), released, graph, licenses: None },
        1_780_000_000,
    )
}

fn written(format: SbomFormat, sbom: &Sbom) -> Value {
    serde_json::from_slice(&write(sbom, format)).unwrap()
}

fn find<'a>(document: &'a Value, list: &str, name: &str) -> &'a Value {
    document[list].as_array().unwrap().iter().find(|part| part["name"] == name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn cyclonedx_tells_what_is_known_and_no_more() {
    let document = written(SbomFormat::CycloneDx, &sbom(None));
    let root = &document["metadata"]["component"];
    assert_eq!(root["purl"], "pkg:golang/example.com/m@v1.2.3?goarch=amd64&goos=linux#cmd/api");
    assert_eq!((&root["version"], &root["hashes"][0]["content"]), (&"1.2.3".into(), &Digest::of(b"api").hex().into()));
    assert_eq!(document["metadata"]["timestamp"], "2026-05-28T20:26:40Z");
    let new = find(&document, "components", "example.com/New");
    assert_eq!(new["purl"], "pkg:golang/example.com/new@v2.0.0%2Bincompatible");
    assert_eq!(new["hashes"][0]["content"], Digest::of(b"").hex());
    assert_eq!(find(&document, "components", "stdlib")["purl"], "pkg:golang/stdlib@1.26.8");
    assert_eq!(find(&document, "components", "toolchain")["scope"], "excluded");
    // A folder's content is whatever it was on the machine that built it: it has no identity.
    let local = find(&document, "components", "example.com/local");
    assert!(local.get("purl").is_none() && local.get("hashes").is_none(), "{local}");
    assert!(!document.to_string().contains("secret"), "linker flags hold what was stamped");
}

#[test]
fn dependencies_are_those_of_the_graph() {
    let text = "example.com/m example.com/a@v0.0.1\nexample.com/m example.com/old@v1.0.0\nexample.com/m go@1.26\n\
                example.com/a@v0.1.0 example.com/deep@v0.2.0\nexample.com/a@v0.1.0 example.com/absent@v9.0.0\n\
                example.com/deep@v0.3.0 example.com/a@v0.1.0\nexample.com/a@v0.0.1 example.com/old@v1.0.0\n";
    let document = written(SbomFormat::CycloneDx, &sbom(Some(&Graph::parse(text))));
    let depends = |id: &str| {
        let found = document["dependencies"].as_array().unwrap().iter().find(|one| one["ref"] == id);
        found.map(|one| one["dependsOn"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect::<Vec<_>>())
    };
    let (new, local) = ("example.com/New@v2.0.0+incompatible", "example.com/local=>../local");
    assert_eq!(depends("program").unwrap(), [new, "example.com/a@v0.1.0", local, "stdlib@go1.26.8"]);
    assert_eq!(depends("example.com/a@v0.1.0").unwrap(), ["example.com/deep@v0.3.0"]);
    assert_eq!(depends(new), None, "what the graph does not tell is unknown, and not nothing");
}

#[test]
fn every_reference_leads_somewhere_in_both_forms() {
    let crates = ["app", "serde", "serde", "cc"].into_iter().enumerate().map(|(index, name)| Crate {
        name: name.into(),
        version: "1.0.0".into(),
        source: if index == 2 { "git" } else { "crates.io" }.into(),
        build: name == "cc",
        // Whoever made it drew a circle.
        dependencies: vec![(index + 1) % 4],
        root: name == "app",
    });
    let rust = Binary { build_info: None, crates: Some(crates.collect()), ..binary() };
    let known = Program { name: "app", artifact: Artifact::of(b"app"), released: None, graph: None, licenses: None };
    for sbom in [sbom(None), program(&[rust], &known, 0)] {
        let document = written(SbomFormat::CycloneDx, &sbom);
        let parts = document["components"].as_array().unwrap();
        let refs: Vec<&Value> =
            parts.iter().chain([&document["metadata"]["component"]]).map(|part| &part["bom-ref"]).collect();
        for edge in document["dependencies"].as_array().unwrap() {
            assert!(refs.contains(&&edge["ref"]));
            assert!(edge["dependsOn"].as_array().unwrap().iter().all(|to| refs.contains(&to)), "{edge}");
        }
        let document = written(SbomFormat::Spdx, &sbom);
        let mut ids: Vec<&Value> =
            document["packages"].as_array().unwrap().iter().map(|part| &part["SPDXID"]).collect();
        assert_eq!(ids.len(), sbom.parts.len() + 1);
        ids.push(&document["SPDXID"]);
        for relation in document["relationships"].as_array().unwrap() {
            assert!(
                ids.contains(&&relation["spdxElementId"]) && ids.contains(&&relation["relatedSpdxElement"]),
                "{relation}"
            );
        }
        let plain = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        assert!(ids.iter().all(|id| plain(id.as_str().unwrap())), "{ids:?}");
    }
}

#[test]
fn the_same_list_gives_the_same_bytes_and_another_one_another_name() {
    for format in SbomFormat::ALL {
        let bytes = write(&sbom(None), format);
        assert_eq!(bytes, write(&sbom(None), format));
        let name = |sbom: &Sbom| {
            let document = written(format, sbom);
            document.get("serialNumber").unwrap_or(&document["documentNamespace"]).as_str().unwrap().to_owned()
        };
        let mut other = sbom(None);
        other.created += 1;
        assert_ne!(name(&sbom(None)), name(&other));
        assert_eq!(name(&other).len(), "urn:uuid:00000000-0000-8000-8000-000000000000".len());
    }
}
