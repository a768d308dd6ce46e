//! What a release changed.

use serde_json::{Value, json};

use super::{dependent, file};
use crate::modules::{Proxy, go_mod};
use crate::sandbox::Sandbox;

fn difference(sandbox: &Sandbox, before: &str, after: &str) -> Value {
    let run = sandbox.ok(&["--json", "sbom", "diff", before, after]);
    serde_json::from_str::<Value>(run.stdout.lines().last().unwrap()).unwrap()["product"].clone()
}

fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array().unwrap().iter().find(|one| one["name"] == name)
}

#[test]
fn added_removed_and_changed_whatever_the_form() {
    let proxy = Proxy::new();
    let sandbox = dependent(&proxy);
    sandbox.ok(&["release", "--snapshot"]).quietly();
    std::fs::rename(sandbox.path("dist"), sandbox.path("before")).unwrap();
    std::fs::remove_dir_all(sandbox.path(".sealift")).unwrap();
    // A newer dependency that needs another module now, under a licence that says so.
    let requires = go_mod("example.com/dep", "\nrequire example.com/other v0.2.0\n");
    let dep = "package dep\n\nimport \"example.com/other\"\n\nfunc Text() string { return other.Text() }\n";
    proxy.module(
        "example.com/other",
        "v0.2.0",
        &[("other.go", "package other\n\nfunc Text() string { return \"o\" }\n")],
    );
    proxy.module(
        "example.com/dep",
        "v1.1.0",
        &[("go.mod", &requires), ("dep.go", dep), ("LICENSE", super::license::MIT)],
    );
    sandbox.go(&["mod", "edit", "-require=example.com/dep@v1.1.0"]);
    sandbox.go(&["mod", "tidy"]);
    sandbox.commit("newer");
    sandbox.ok(&["release", "--snapshot"]).quietly();
    let (old, new) = (file(&sandbox, "amd64.cdx.json"), file(&sandbox, "amd64.spdx.json"));
    let before = old.replacen("dist", "before", 1);
    let before = if sandbox.path(&before).is_file() {
        before
    } else {
        let names = sandbox.digests("before").into_keys().find(|name| name.ends_with("amd64.cdx.json"));
        format!("before/{}", names.unwrap())
    };
    // CycloneDX against SPDX, and one release against the other.
    for (from, to) in [(before.as_str(), new.as_str()), ("before", "dist")] {
        let found = difference(&sandbox, from, to);
        let dep = named(&found["changed"], "example.com/dep").unwrap_or_else(|| panic!("{found}"));
        assert_eq!(
            (&dep["before"], &dep["after"], &dep["kind"]),
            (&json!("v1.0.0"), &json!("v1.1.0"), &json!("library"))
        );
        assert!(named(&found["added"], "example.com/other").is_some(), "{found}");
        assert!(named(&found["removed"], "example.com/deep").is_some(), "{found}");
        let license = named(&found["licenses"], "example.com/dep").unwrap_or_else(|| panic!("{found}"));
        assert_eq!((&license["before"], &license["after"]), (&json!("not known"), &json!("MIT")));
        assert!(named(&found["changed"], "stdlib").is_none(), "the toolchain is the same");
    }
    let table = sandbox.ok(&["sbom", "diff", "before", "dist"]).stdout;
    assert!(table.contains("example.com/dep") && table.contains("v1.1.0"), "{table}");
    let same = sandbox.ok(&["sbom", "diff", &new, &old]);
    assert!(
        same.stdout.is_empty() && same.stderr.contains("no component is different"),
        "{}{}",
        same.stdout,
        same.stderr
    );
}

#[test]
fn another_toolchain_and_lists_that_are_none() {
    let sandbox = Sandbox::service();
    let list = |name: &str, version: &str, digest: &str| {
        let hash = json!([{ "alg": "SHA-256", "content": digest.repeat(64) }]);
        let part = |name: &str, version: &str, hash: Value| {
            json!({ "type": "library", "bom-ref": name, "name": name, "version": version,
                "purl": format!("pkg:golang/{name}@{version}"), "hashes": hash })
        };
        let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6",
            "components": [part("stdlib", version, json!([])), part("example.com/a", "v1.0.0", hash)] });
        sandbox.write(name, &document.to_string());
    };
    list("a.json", "go1.26.7", "a");
    list("b.json", "go1.26.8", "b");
    let found = difference(&sandbox, "a.json", "b.json");
    assert_eq!(named(&found["changed"], "stdlib").unwrap()["after"], "go1.26.8");
    // The same version with other bytes: somebody moved a tag.
    let moved = named(&found["changed"], "example.com/a").unwrap();
    assert!(moved["before"].as_str().unwrap().starts_with("v1.0.0 aaaa"), "{moved}");
    sandbox.write("c.json", "{\"bomFormat\":\"CycloneDX\",\"components\":[{}]}");
    sandbox.run(&["sbom", "diff", "a.json", "c.json"]).fails(11, "sbom.list", &["c.json"]).quietly();
    sandbox.write("d.json", "{\"spdxVersion\":\"SPDX-3.0\"}");
    sandbox.run(&["sbom", "diff", "d.json", "a.json"]).fails(11, "sbom.list", &["SPDX-3.0"]).quietly();
    sandbox.write("e.json", "{}");
    sandbox.run(&["sbom", "diff", "a.json", "e.json"]).fails(11, "sbom.not-a-binary", &["e.json"]).quietly();
}
