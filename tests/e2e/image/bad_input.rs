//! What cannot become an image.

use super::UPDATE;
use super::base::{INDEX, MANIFEST, Maker, alpine};
use crate::sandbox::Sandbox;

const ARGS: &[&str] = &["image", "--target", "linux/amd64"];

fn with(image: &str) -> Sandbox {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", &format!("[image]\n{image}\n"));
    sandbox
}

#[test]
fn files_that_are_missing_or_outside() {
    let missing = with("files = { \"/etc/a\" = \"missing.yml\" }");
    missing.run(ARGS).fails(3, "survey.no-file", &["missing.yml", "image.files"]).quietly();
    let outside = with("files = { \"/etc/a\" = \"../a\" }");
    outside.run(ARGS).fails(3, "config.path", &["leads out of the project"]).quietly();
    let linked = with("files = { \"/etc/a\" = \"inside/a\" }");
    std::os::unix::fs::symlink("/etc", linked.path("inside")).unwrap();
    std::fs::write(linked.dir.path().join("a"), "secret").unwrap();
    linked.run(ARGS).fails(3, "survey.no-file", &[]).quietly();
    let passwd = with("files = { \"/etc/a\" = \"inside/passwd\" }");
    std::os::unix::fs::symlink("/etc", passwd.path("inside")).unwrap();
    passwd.run(ARGS).fails(11, "survey.not-regular", &["image.files"]).quietly();
    let twice = with("files = { \"/usr/bin/service\" = \"go.mod\" }");
    twice.run(ARGS).fails(3, "plan.image-path", &["/usr/bin/service"]).quietly();
}

#[test]
fn entrypoints_that_cannot_run() {
    let plain = with("entrypoint = [\"/run.sh\"]\nfiles = { \"/run.sh\" = \"go.mod\" }");
    plain.run(ARGS).fails(3, "plan.not-executable", &["/run.sh", "chmod +x"]).quietly();
    let none = with("entrypoint = [\"/bin/sh\"]");
    none.run(ARGS).fails(3, "plan.no-entrypoint", &["/bin/sh"]).quietly();
}

#[test]
fn authorities_that_are_none() {
    let sandbox = with("ca-certificates = [\"go.mod\"]");
    sandbox.run(ARGS).fails(11, "survey.certificate", &["go.mod", "no certificate"]).quietly();
    sandbox.write("sealift.toml", "[image]\nca-certificates = [\"none.pem\"]\n");
    sandbox.run(ARGS).fails(3, "survey.no-file", &["image.ca-certificates"]).quietly();
}

#[test]
fn bases_that_are_not_pinned_or_not_there() {
    let sandbox = with("base = \"oci:bases/x\"");
    sandbox.run(ARGS).fails(3, "survey.base-unpinned", &["oci:bases/x", "sealift update"]).quietly();
    // What needs no image does not need its base.
    sandbox.ok(&["build", "--target", "linux/amd64"]).quietly();
    sandbox.run(UPDATE).fails(11, "layout.none", &[]).quietly();
}

#[test]
fn bases_that_are_not_what_they_should_be() {
    let make = |finish: &dyn Fn(&Maker<'_>) -> serde_json::Value| {
        let sandbox = with("base = \"oci:bases/x\"");
        let dir = sandbox.path("bases/x");
        let maker = Maker::new(&dir);
        let root = finish(&maker);
        maker.finish(&[(&root, None)]);
        sandbox
    };
    let arm = make(&|maker| {
        let one = maker.manifest(&alpine("1"), "arm64", None);
        maker.index(&[one])
    });
    arm.ok(UPDATE).quietly();
    arm.run(ARGS).fails(3, "survey.base-platform", &["linux/amd64", "it has linux/arm64"]).quietly();
    let nested = make(&|maker| {
        let one = maker.manifest(&alpine("1"), "amd64", None);
        let inner = maker.index(&[one]);
        maker.index(&[inner])
    });
    nested.run(UPDATE).fails(11, "image.base", &["index of indexes"]).quietly();
    let old = make(&|maker| {
        let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        maker.document(kind, &serde_json::json!({ "schemaVersion": 1, "mediaType": kind, "fsLayers": [] }))
    });
    let run = old.run(UPDATE);
    assert!(run.exit == 11 && run.stderr.contains("error[oci."), "{}", run.stderr);
    let both = make(&|maker| {
        let body = serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "layers": [] });
        maker.document(INDEX, &body)
    });
    both.run(UPDATE).fails(11, "oci.confused", &[]).quietly();
    let lying = make(&|maker| maker.document(MANIFEST, &serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX })));
    lying.run(UPDATE).fails(11, "oci.media-type", &[]).quietly();
}

#[test]
fn words_that_name_no_image() {
    let sandbox = with("");
    for (from, code) in [("Alpine:1", "oci.reference"), ("a@sha256:x", "oci.digest"), ("./x.tar", "oci.place")] {
        sandbox.run(&["image", "copy", from, "oci:out"]).fails(2, code, &[]).quietly();
    }
    sandbox.run(&["image", "--push"]).fails(3, "image.no-repository", &["repository ="]).quietly();
    assert!(!sandbox.path("dist").exists(), "it is said before anything is made");
    sandbox.run(&["image", "--tag"]).fails(2, "usage.arguments", &["--push"]).quietly();
    sandbox.run(&["image", "explain", "oci:nothing"]).fails(11, "layout.none", &[]).quietly();
    sandbox.write("sealift.toml", "[image]\nrepository = \"Example.com/{service}/Up\"\n");
    sandbox.run(ARGS).fails(3, "config.reference", &[]).quietly();
}

#[test]
fn two_services_in_one_repository() {
    let sandbox = Sandbox::with(&[
        ("sealift.toml", "[image]\nrepository = \"localhost:1/all\"\n"),
        ("cmd/api/main.go", "package main\n\nfunc main() {}\n"),
        ("cmd/worker/main.go", "package main\n\nfunc main() { println(1) }\n"),
    ]);
    sandbox.run(ARGS).fails(3, "plan.same-repository", &["api", "worker", "{service}"]).quietly();
}
