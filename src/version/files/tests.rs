use std::collections::BTreeSet;

use proptest::prelude::*;
use semver::Version;

use super::*;
use crate::version::files::go::{Modules, Renewed};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn a_pattern_finds_versions_and_nothing_like_them() {
    let change = |text: &str, around: &str| pattern("f", text, around, &version("2.0.0-rc.1"));
    for (text, around, want) in [
        ("1.2.3\n", "{version}", Some("2.0.0-rc.1\n")),
        ("a 1.2.3, b 0.0.1.", "{version}", Some("a 2.0.0-rc.1, b 2.0.0-rc.1.")),
        ("version: 1.2.3-rc.1+b.5 # was 1.2.2", "version: {version}", Some("version: 2.0.0-rc.1 # was 1.2.2")),
        ("VERSION = \"1.2.3\"", "VERSION = \"{version}\"", Some("VERSION = \"2.0.0-rc.1\"")),
        ("img:v1.2.3-alpine", "img:v{version}-alpine", Some("img:v2.0.0-rc.1-alpine")),
        ("at 10.1.2.3 and v1.2.3 and 1.2", "{version}", None),
        ("version: 1.2.3.4", "version: {version}", None),
        ("", "{version}", None),
        ("é1.2.3é 1.2.3é", "{version}", Some("é2.0.0-rc.1é 2.0.0-rc.1é")),
    ] {
        assert_eq!(change(text, around).ok().as_deref(), want, "{text}");
    }
    assert_eq!(change("x", "{version}").unwrap_err().code(), "version.no-place");
}

const MANIFEST: &str = r#"# the top
[workspace]
members = ["a", 'b'] # both

[workspace.package]
version   =  "0.1.0"   # ours

[workspace.dependencies]
a = { path = "a", version = "=0.1.0" } # exact
serde = "0.1.0"

[package]
name = "top"
version.workspace = true

[dependencies]
b = { version = "0.1", path = "b" }
other = { path = "vendor/other", version = "0.1.0" }
a.workspace = true

[target.'cfg(unix)'.dev-dependencies.renamed]
path = "a"
package = "a"
version = "^0.1.0"
"#;

#[test]
fn a_workspace_of_cargo_keeps_its_form() {
    let names = ["a", "b", "top"].map(str::to_owned).into();
    let change = cargo::Change { from: &version("0.1.0"), to: &version("0.2.0"), names: &names };
    let want = MANIFEST
        .replace("version   =  \"0.1.0\"   # ours", "version   =  \"0.2.0\"   # ours")
        .replace("\"=0.1.0\"", "\"=0.2.0\"")
        .replace("version = \"0.1\",", "version = \"0.2\",")
        .replace("\"^0.1.0\"", "\"^0.2.0\"");
    assert_eq!(cargo::manifest("Cargo.toml", MANIFEST, &change).unwrap(), want);
    let rc = cargo::Change { to: &version("0.2.0-rc.1"), ..change };
    assert!(cargo::manifest("Cargo.toml", MANIFEST, &rc).unwrap().contains("version = \"0.2.0-rc.1\", path = \"b\""));
    let lock = "# made by cargo\nversion = 4\n\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"a\"\n\
                version = \"0.1.0\"\nsource = \"registry\"\n\n[[package]]\nname = \"top\"\nversion = \"0.1.0\"\n\
                dependencies = [\n \"a 0.1.0\",\n \"b\",\n]\n";
    let want = lock
        .replacen("\"0.1.0\"", "\"0.2.0\"", 1)
        .replace("\"top\"\nversion = \"0.1.0\"", "\"top\"\nversion = \"0.2.0\"");
    assert_eq!(cargo::lock("Cargo.lock", lock, &change).unwrap(), want.replace("a 0.1.0", "a 0.2.0"));
    assert_eq!(cargo::manifest("Cargo.toml", "[", &change).unwrap_err().code(), "version.file-form");
}

#[test]
fn packages_of_npm_keep_their_form() {
    let text = "{\r\n\t\"name\" : \"@x/a\",\n  \"version\":\"1.2.3\", \"nested\": {\"version\": \"1.2.3\"},\n  \"dependencies\": \
                {\"@x/b\": \"^1.2.3\", \"left\": \"1.2.3\", \"@x/c\": \"workspace:*\"},\n \"workspaces\":[\"packages/*\"] }";
    let (to, names): (_, BTreeSet<&str>) = (version("1.3.0"), ["@x/a", "@x/b", "@x/c"].into());
    let change = npm::Change { from: "1.2.3", to: &to, names: &names };
    let want = text.replacen("1.2.3", "1.3.0", 1).replace("^1.2.3", "^1.3.0");
    assert_eq!(npm::package("package.json", text, &change).unwrap(), want);
    assert_eq!(npm::read("package.json", text).unwrap().workspaces, ["packages/*"]);
    let lock = r#"{"version": "1.2.3", "packages": {"": {"version": "1.2.3"}, "packages/b": {"version": "1.2.3"},
        "node_modules/left": {"version": "1.2.3"}}, "lockfileVersion": 3}"#;
    let folders = ["packages/b"].into();
    let new = npm::lock("package-lock.json", lock, &folders, &change).unwrap();
    assert_eq!(new.matches("1.3.0").count(), 3, "{new}");
    assert!(new.contains(r#""node_modules/left": {"version": "1.2.3"}"#), "{new}");
    let deep = "[".repeat(200_000);
    for bad in
        ["", "{", "{\"version\": \"1\"} x", "{\"a\": 1, \"a\": 2}", "{\"a\" 1}", "\"a", "{\"a\": 01x}", "[1 2]", &deep]
    {
        assert_eq!(npm::read("package.json", bad).unwrap_err().code(), "version.file-form", "{bad:.20}");
    }
}

#[test]
fn module_paths_have_the_major_version() {
    for (path, major, want) in [
        ("example.com/a", 0, "example.com/a"),
        ("example.com/a", 1, "example.com/a"),
        ("example.com/a", 2, "example.com/a/v2"),
        ("example.com/a/v2", 2, "example.com/a/v2"),
        ("example.com/a/v2", 3, "example.com/a/v3"),
        ("example.com/a/v2", 1, "example.com/a"),
        ("example.com/a/v1", 2, "example.com/a/v1/v2"),
        ("example.com/a/v02", 2, "example.com/a/v02/v2"),
        ("example.com/a.v2", 3, "example.com/a.v2/v3"),
        ("gopkg.in/a.v1", 2, "gopkg.in/a.v2"),
        ("gopkg.in/a.v0", 1, "gopkg.in/a.v1"),
    ] {
        assert_eq!(go::module_path(path, major), want, "{path} {major}");
    }
    assert_eq!(
        (go::tag("", &version("1.0.0")), go::tag("a/b", &version("1.0.0"))),
        ("v1.0.0".into(), "a/b/v1.0.0".into())
    );
}

fn modules(version: Option<&Version>) -> Modules {
    let renewed = |path: &str| Renewed { path: path.into(), version: version.cloned() };
    [
        ("example.com/m".to_owned(), renewed("example.com/m/v2")),
        ("example.com/m/sub".to_owned(), renewed("example.com/m/sub/v2")),
    ]
    .into()
}

#[test]
fn go_files_follow_their_module() {
    let text = "module example.com/m // ours\n\ngo 1.26\n\nrequire (\n\texample.com/m/sub v1.0.0 // sub\n\t\"example.com/mm\" v1.0.0\n)\n\n\
                replace example.com/m/sub => ./sub\n\nexclude example.com/m v1.0.0\n";
    let want = "module example.com/m/v2 // ours\n\ngo 1.26\n\nrequire (\n\texample.com/m/sub/v2 v2.0.0 // sub\n\t\"example.com/mm\" v1.0.0\n)\n\n\
                replace example.com/m/sub/v2 => ./sub\n\nexclude example.com/m v1.0.0\n";
    assert_eq!(go::go_mod("go.mod", text, &modules(Some(&version("2.0.0")))).unwrap(), want);
    let source = "// import \"example.com/m\"\npackage main\n\nimport \"example.com/m\"\nimport (\n\t. `example.com/m/x`\n\
                  \ts \"example.com/m/sub/y\" // \"example.com/m\"\n\t\"example.com/mm\"\n\t\"example.com/m/v2/z\"\n)\n\nvar a = \"example.com/m\"\n";
    let want = "// import \"example.com/m\"\npackage main\n\nimport \"example.com/m/v2\"\nimport (\n\t. `example.com/m/v2/x`\n\
                \ts \"example.com/m/sub/v2/y\" // \"example.com/m\"\n\t\"example.com/mm\"\n\t\"example.com/m/v2/z\"\n)\n\nvar a = \"example.com/m\"\n";
    assert_eq!(go::source(source, &modules(None)), want);
    let lines: Vec<usize> = go::differences(source, want).iter().map(|line| line.number).collect();
    assert_eq!(lines, [4, 6, 7]);
    assert_eq!(go::source("package x; import (", &modules(None)), "package x; import (");
}

#[test]
fn retractions_are_read() {
    let text = "module a\nretract v1.0.1 // bad\nretract (\n\t[v1.1.0, v1.2.0]\n)\n";
    let at = |text_of: &str| go::retracted("go.mod", text, &version(text_of)).unwrap().map(|place| place.line);
    assert_eq!(
        (at("1.0.1"), at("1.1.5"), at("1.2.0"), at("1.2.1"), at("1.0.0")),
        (Some(2), Some(4), Some(4), None, None)
    );
}

proptest! {
    #[test]
    fn an_edit_done_twice_is_done_once(text in "(\\{\"version\": \"1.0.0\"\\}|[\\[\\]{}\",:a0.1 \\n]{0,40}|(1\\.0\\.0|[ a.\\n0-9é])*)") {
        let (to, names) = (version("1.1.0"), BTreeSet::from(["a"]));
        let change = npm::Change { from: "1.0.0", to: &to, names: &names };
        if let Ok(once) = npm::package("f", &text, &change) {
            prop_assert_eq!(npm::package("f", &once, &change).unwrap(), once);
        }
        if let Ok(once) = pattern("f", &text, "{version}", &to) {
            prop_assert_eq!(pattern("f", &once, "{version}", &to).unwrap(), once);
        }
    }
}
