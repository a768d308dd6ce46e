//! The build stage, and the store beneath it.

mod toolchain;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

/// Two services; `a` is made of a shared package, an embedded file, a replaced module and a file for one target, `b` of
/// its own file and the shared package.
fn two_services() -> Sandbox {
    let sandbox = Sandbox::with(&[
        ("sealift.toml", CONFIG),
        ("LICENSE", "do as you like\n"),
        ("README.md", "# two\n"),
        (
            "go.mod",
            &format!(
                "module example.com/m\n\ngo {}\n\nrequire example.com/r v1.0.0\n\nreplace example.com/r => ./r\n",
                crate::sandbox::go_version()
            ),
        ),
        ("r/go.mod", "module example.com/r\n\ngo 1.21\n"),
        ("r/r.go", "package r\n\nconst R = \"r\"\n"),
        ("cmd/a/main.go", MAIN_A),
        ("cmd/a/extra.go", "package main\n\nconst extra = 1\n"),
        ("cmd/a/text/one.txt", "one"),
        ("cmd/a/only_arm64.go", "package main\n\nfunc init() { println(\"arm\") }\n"),
        ("cmd/a/a_test.go", "package main\n"),
        (
            "cmd/b/main.go",
            "package main\n\nimport \"example.com/m/shared\"\n\nvar version = \"dev\"\n\nfunc main() { println(shared.S, version) }\n",
        ),
        ("shared/s.go", "package shared\n\nconst S = \"s\"\n"),
        ("unused/u.go", "package unused\n"),
        ("docs/guide.md", "guide\n"),
    ]);
    sandbox.commit("two services");
    sandbox
}

const CONFIG: &str = "[build]\ntargets = [\"linux/amd64\", \"linux/arm64\"]\n\n[package]\nfiles = [\"LICENSE\", \"README.md\", \"docs/*.md\"]\n";

const MAIN_A: &str = "package main\n\nimport (\n\t\"embed\"\n\n\t\"example.com/m/shared\"\n\t\"example.com/r\"\n)\n\n\
    //go:embed text\nvar text embed.FS\n\nvar version = \"dev\"\n\nfunc main() {\n\tprintln(shared.S, r.R, version)\n\t_ = text\n}\n";

/// The steps that a release really did, as `build a linux/amd64`.
fn redone(sandbox: &Sandbox) -> BTreeSet<String> {
    let run = sandbox.ok(&["release", "--snapshot", "--json"]);
    let mut steps = BTreeSet::new();
    for line in run.stdout.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let step = event["step"].as_str().unwrap_or_default();
        if event["type"] == "finished" && event["cached"] == false && !step.starts_with("check") {
            steps.insert(step.to_owned());
        }
    }
    steps
}

/// Expands `build a` and `package a` to all of a service's steps.
fn steps(short: &[&str]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for text in short {
        for target in ["linux/amd64", "linux/arm64"] {
            match text.split(' ').collect::<Vec<_>>()[..] {
                ["build", service] => all.insert(format!("build {service} {target}")),
                ["package", service] => all.insert(format!("package {service} {target} tar.gz")),
                ["image", service] => all.insert(format!("image {service} {target}")),
                ["sbom", service] => {
                    ["cyclonedx", "spdx"].iter().all(|form| all.insert(format!("sbom {service} {target} {form}")))
                }
                _ => all.insert((*text).to_owned()),
            };
        }
    }
    all
}

const NONE: &[&str] = &[];
const A: &[&str] = &["build a", "package a", "image a", "sbom a"];
const B: &[&str] = &["build b", "package b", "image b", "sbom b"];
const BOTH: &[&str] = &["build a", "package a", "image a", "sbom a", "build b", "package b", "image b", "sbom b"];
const PACKAGES: &[&str] = &["package a", "package b"];
const IMAGES: &[&str] = &["image a", "image b"];

#[test]
fn exactly_the_dependents_are_redone() {
    let mut sandbox = two_services();
    assert_eq!(redone(&sandbox), steps(BOTH), "the first time");
    assert_eq!(redone(&sandbox), steps(NONE), "nothing changed");
    let cases: &[(&str, &str, &[&str])] = &[
        // An input, its new text, and the steps that depend on it.
        ("cmd/a/extra.go", "package main\n\nconst extra = 2\n", A),
        (
            "cmd/b/main.go",
            "package main\n\nimport \"example.com/m/shared\"\n\nfunc main() { println(shared.S, 2) }\n",
            B,
        ),
        ("shared/s.go", "package shared\n\nconst S = \"t\"\n", BOTH),
        ("shared/more.go", "package shared\n\nvar More = 1\n", BOTH),
        ("cmd/a/text/one.txt", "two", A),
        ("cmd/a/text/new.txt", "an embedded folder holds it", A),
        ("r/r.go", "package r\n\nconst R = \"q\"\n", A),
        ("cmd/a/only_arm64.go", "package main\n\nfunc init() { println(\"arm64\") }\n", A),
        ("cmd/a/a_test.go", "package main\n\nimport \"testing\"\n\nfunc TestA(*testing.T) {}\n", NONE),
        ("unused/u.go", "package unused\n\nvar U = 1\n", NONE),
        ("elsewhere.txt", "no input of anything", NONE),
        ("README.md", "# other\n", PACKAGES),
        ("LICENSE", "do not\n", PACKAGES),
        ("docs/guide.md", "other guide\n", PACKAGES),
        ("docs/new.md", "a glob names it\n", PACKAGES),
        ("cmd/a/default.pgo.txt", "no profile", NONE),
    ];
    for (path, text, expected) in cases {
        sandbox.write(path, text);
        sandbox.commit(path);
        assert_eq!(redone(&sandbox), steps(expected), "{path}");
    }
    std::fs::remove_file(sandbox.path("cmd/a/extra.go")).unwrap();
    sandbox.commit("a deleted file");
    assert_eq!(redone(&sandbox), steps(A), "a deleted file");
    let compile: &[&str] = &[
        "build a linux/arm64",
        "build b linux/arm64",
        "package a linux/arm64 tar.gz",
        "package b linux/arm64 tar.gz",
        "image a linux/arm64",
        "image b linux/arm64",
        "sbom a linux/arm64 cyclonedx",
        "sbom a linux/arm64 spdx",
        "sbom b linux/arm64 cyclonedx",
        "sbom b linux/arm64 spdx",
    ];
    let configurations: &[(&str, &[&str])] = &[
        ("tags = [\"x\"]", BOTH),
        ("ldflags = [\"-X=main.version=mine\"]", BOTH),
        ("flags = [\"-gcflags=-l\"]", BOTH),
        ("env = { GODEBUG = \"x=1\" }", BOTH),
        ("strip = false", BOTH),
        ("[build.target.\"linux/arm64\"]\ntags = [\"y\"]", compile),
        ("[package]\nlevel = 9", PACKAGES),
        ("[image]\nlevel = 9", IMAGES),
        ("[image]\nfiles = { \"/etc/guide.md\" = \"docs/guide.md\" }", IMAGES),
        // Documents are made of the same layers.
        ("[image]\ncmd = [\"--serve\"]", NONE),
        // Only the file's name changes.
        ("[package]\nname = \"{service}-{target}\"", NONE),
    ];
    let plain = || sandbox.write("sealift.toml", CONFIG);
    for (settings, expected) in configurations {
        plain();
        assert_eq!(redone(&sandbox), steps(NONE), "back from {settings}");
        sandbox.write("sealift.toml", &configured(settings));
        let packaged = settings.starts_with("ldflags") || settings.starts_with("strip");
        let done = redone(&sandbox);
        // Other flags may give the same bytes: then the archive is what it was.
        let builds =
            |set: &BTreeSet<String>| set.iter().filter(|step| step.starts_with("build")).cloned().collect::<Vec<_>>();
        assert_eq!(builds(&done), builds(&steps(expected)), "{settings}");
        assert!(!packaged || done == steps(expected), "{settings}: {done:?}");
        assert!(done.is_subset(&steps(expected)), "{settings}: {done:?}");
    }
    plain();
    for (name, value) in
        [("GOFLAGS", "-race"), ("GOAMD64", "v3"), ("CGO_CFLAGS", "-O3"), ("ANYTHING", "x"), ("GOARCH", "arm")]
    {
        sandbox.env.insert(name.into(), value.into());
    }
    assert_eq!(redone(&sandbox), steps(NONE), "an environment that does not count");
    sandbox.env.insert("SOURCE_DATE_EPOCH".into(), "1700000000".into());
    assert_eq!(redone(&sandbox), steps(BOTH), "the epoch is stamped");
    sandbox.env.remove("SOURCE_DATE_EPOCH");
    sandbox.write("cmd/b/main.go", "package main\n\nfunc main() { println(3) }\n");
    assert_eq!(redone(&sandbox), steps(B), "an uncommitted change");
    sandbox.commit("committed");
    assert_eq!(redone(&sandbox), steps(B), "another commit and no digest of changes");
}

fn configured(settings: &str) -> String {
    if settings.starts_with("[package]") {
        CONFIG.replace("[package]", settings)
    } else {
        CONFIG.replace("\n[package]", &format!("{settings}\n\n[package]"))
    }
}

fn files_below(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() { files_below(&entry.path(), into) } else { into.push(entry.path()) }
    }
}

#[test]
fn damaged_entries_of_the_store_are_found_and_redone() {
    let sandbox = two_services();
    redone(&sandbox);
    let reference = sandbox.digests("dist");
    let store = sandbox.dir.path().join("cache");
    let mut files = Vec::new();
    files_below(&store.join("blobs"), &mut files);
    files_below(&store.join("steps"), &mut files);
    assert!(files.len() > 8);
    for (index, path) in files.iter().enumerate() {
        let bytes = std::fs::read(path).unwrap();
        let damaged = match index % 4 {
            0 => bytes.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == bytes.len() / 2)).collect(),
            1 => bytes[..bytes.len() / 2].to_vec(),
            2 => Vec::new(),
            _ => [&bytes[..], b"x"].concat(),
        };
        std::fs::write(path, damaged).unwrap();
        std::fs::remove_dir_all(sandbox.path("dist")).unwrap();
        redone(&sandbox);
        assert_eq!(sandbox.digests("dist"), reference, "{}", path.display());
    }
}

#[test]
fn a_makefile_gets_its_binary() {
    let sandbox = Sandbox::service();
    let run = sandbox.ok(&["build", "-o", "bin/app"]);
    assert_eq!(run.stdout.trim(), sandbox.path("bin/app").display().to_string());
    let before = std::fs::metadata(sandbox.path("bin/app")).unwrap().modified().unwrap();
    let output = std::process::Command::new(sandbox.path("bin/app")).arg("-version").output().unwrap();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains(&head[..12]), "{output:?}");
    sandbox.ok(&["build", "-o", "bin/app"]).quietly();
    let after = std::fs::metadata(sandbox.path("bin/app")).unwrap().modified().unwrap();
    assert_eq!(before, after, "an unchanged binary keeps its time, for make");
    assert_eq!(sandbox.json(".sealift/build.json")["binaries"][0]["cached"], true);
}

#[test]
fn several_binaries_go_into_folders() {
    let sandbox = two_services();
    let run = sandbox.ok(&["build", "-o", "out", "--target", "linux/386,linux/arm", "-s", "b"]);
    assert!(run.stdout.lines().any(|line| line.ends_with("out/linux_arm_v7/b")), "{}", run.stdout);
    assert!(sandbox.path("out/linux_386/b").exists() && !sandbox.path("out/linux_amd64").exists());
}

#[test]
fn a_folder_without_git_can_be_built() {
    let sandbox = Sandbox::service();
    std::fs::remove_dir_all(sandbox.path(".git")).unwrap();
    sandbox.ok(&["build", "-o", "app"]).quietly();
    let output = std::process::Command::new(sandbox.path("app")).arg("-version").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("0.0.1-snapshot.d"), "{output:?}");
}

#[test]
fn a_binary_over_its_budget_fails_with_its_largest_packages() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[package.budget]\nbinary = \"1 MB\"\n");
    let run = sandbox.run(&["build", "--target", "linux/amd64"]).fails(
        10,
        "build.budget",
        &["budget of 1.0 MB", "package.budget.binary"],
    );
    for package in ["runtime", "net/http", "crypto/tls"] {
        assert!(run.stderr.contains(package), "{}", run.stderr);
    }
}

#[test]
fn the_store_is_counted_and_pruned() {
    let sandbox = Sandbox::service();
    sandbox.ok(&["build", "--target", "linux/amd64"]).quietly();
    let stats = sandbox.ok(&["cache", "stats"]).stdout;
    assert!(stats.contains("1 blob, "), "{stats}");
    assert!(sandbox.ok(&["cache", "prune", "--keep", "1 MB"]).stdout.starts_with("removed 1 blob ("));
    sandbox.run(&["cache", "prune", "--keep", "much"]).fails(2, "usage.size", &["\"much\""]).quietly();
    sandbox.ok(&["build", "--target", "linux/amd64"]).quietly();
}
