//! Images by digest, folders of artifacts, yesterday's release.

use serde_json::{Value, json};

use super::project;
use crate::registry::program::in_memory;
use crate::sandbox::Sandbox;

fn programs(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let run = sandbox.ok(&[&["scan", "--json", "--fail", "none", "--database", "db"], arguments].concat());
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    last["product"]["programs"].as_array().unwrap().clone()
}

/// A project whose release is made of one binary, without a gate.
fn released(more: &str) -> Sandbox {
    let sandbox = project();
    let settings = format!("[build]\ntargets = [\"linux/amd64\"]\nmod-tidy = false\nmod-verify = false\n{more}");
    sandbox.write("sealift.toml", &settings);
    sandbox.commit("configured");
    sandbox
}

#[test]
fn an_image_by_its_digest_in_a_registry_a_layout_or_an_archive() {
    let registry = in_memory();
    let sandbox = released(&format!("[image]\nrepository = \"{}/acme/{{service}}\"\n", registry.address));
    let reference = sandbox.ok(&["image", "--push"]).stdout.trim().to_owned();
    assert!(reference.contains("@sha256:"), "{reference}");
    sandbox.ok(&["image", "copy", &reference, "oci-archive:image.tar"]).quietly();
    let ids = |of: &str| {
        let all = programs(&sandbox, &[of]);
        assert_eq!(all.len(), 1, "{all:?}");
        let findings = all[0]["findings"].as_array().unwrap();
        findings.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let wanted = ["GO-2030-0001", "GO-2030-0002", "GO-2030-0005", "GO-2030-0006"];
    for of in [reference.as_str(), "oci:dist/image", "dist/image", "oci-archive:image.tar"] {
        assert_eq!(ids(of), wanted, "{of}");
    }
    let (repository, _) = reference.split_once('@').unwrap();
    let absent = format!("{repository}@sha256:{}", "0".repeat(64));
    sandbox.run(&["scan", "--database", "db", &absent]).fails(7, "registry.not-found", &[]).quietly();
}

#[test]
fn yesterdays_release_is_verified_first_and_scanned_without_a_build() {
    let sandbox = released("");
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--snapshot", "--key", &key]).quietly();
    let before = sandbox.digests("dist");
    // Nothing is built: there is no go and no source any more.
    for name in ["main.go", "go.mod", "vendor/modules.txt"] {
        std::fs::remove_file(sandbox.path(name)).unwrap();
    }
    let tools = sandbox.tools(&["git"]);
    let sandbox = sandbox.env("PATH", tools.to_str().unwrap());
    let scan = ["--release", "dist", "--key", public.as_str()];
    let all = programs(&sandbox, &scan);
    assert_eq!(all[0]["findings"].as_array().unwrap().len(), 4, "{all:?}");
    sandbox.run(&["scan", "--release", "dist", "--database", "db"]).fails(2, "usage.arguments", &["--key"]).quietly();
    assert_eq!(sandbox.digests("dist"), before);
    // One byte of one list.
    let list = before.keys().find(|name| name.ends_with(".spdx.json")).unwrap();
    let text = sandbox.read(&format!("dist/{list}"));
    sandbox.write(&format!("dist/{list}"), &text.replacen('{', "{ ", 1));
    let run = sandbox.run(&[&["scan", "--database", "db"], &scan[..]].concat());
    run.fails(8, "verify.size-mismatch", &[list]).quietly();
}

#[test]
fn a_release_that_was_scanned_tells_what_is_known() {
    let sandbox = released("[scan]\ndatabase = [\"db\"]\n");
    let (key, public) = sandbox.key();
    let run = sandbox.ok(&["release", "--snapshot", "--key", &key, "--json"]);
    // Each binary is scanned as a step of its own, while the rest goes on.
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended =
        |step: &str| lines.iter().position(|line| line["step"].as_str().is_some_and(|one| one.starts_with(step)));
    assert!(ended("scan ").is_some(), "{}", run.stdout);
    sandbox.ok(&["verify", "--key", &public]).quietly();
    let artifacts = sandbox.json(".sealift/attest.json")["release"]["artifacts"].clone();
    let vex = artifacts.as_array().unwrap().iter().find(|artifact| artifact["kind"] == "vex").unwrap().clone();
    let document = sandbox.json(&format!("dist/{}", vex["name"].as_str().unwrap()));
    let states: Vec<&Value> = document["statements"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(states, [&json!("affected"), &json!("not_affected"), &json!("affected"), &json!("affected")]);
    // It speaks of this version of the product, and of no other one.
    let version = sandbox.json(".sealift/attest.json")["release"]["version"].as_str().unwrap().to_owned();
    let product = format!("pkg:golang/example.com/m@v{version}");
    assert_eq!(document["statements"][0]["products"][0]["@id"], product.as_str());
    let manifest = || sandbox.json(".sealift/attest.json")["manifest"].clone();
    let first = manifest();
    sandbox.ok(&["release", "--snapshot", "--key", &key]).quietly();
    assert_eq!(manifest(), first, "the same sources and the same database make the same release");
    // Whoever changes what is known of it changes the release.
    let path = format!("dist/{}", vex["name"].as_str().unwrap());
    sandbox.write(&path, &sandbox.read(&path).replace("\"affected\"", "\"fixed\""));
    assert_eq!(sandbox.run(&["verify", "--key", &public]).exit, 8);
}
