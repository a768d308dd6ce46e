//! What a version changes in the files of a project, judged by the programs whose files they are.

use std::process::Command;

use crate::sandbox::{Sandbox, go_version};

/// A module with a nested one beside it in a workspace; each imports the other's packages.
fn workspace() -> Sandbox {
    let go = go_version();
    Sandbox::with(&[
        ("go.mod", &format!("module example.com/m\n\ngo {go}\n\nrequire example.com/m/lib v1.4.0 // ours\n")),
        ("go.work", &format!("go {go}\n\nuse (\n\t.\n\t./lib\n)\n")),
        (
            "main.go",
            "package main\n\nimport (\n\t\"example.com/m/inner\"\n\t\"example.com/m/lib\" // \"example.com/m/lib\"\n)\n\nfunc main() { inner.Do(lib.Name) }\n",
        ),
        ("inner/do.go", "package inner\n\nfunc Do(name string) { println(name, \"example.com/m/inner\") }\n"),
        ("lib/go.mod", &format!("module example.com/m/lib\n\ngo {go}\n")),
        ("lib/lib.go", "package lib\n\nconst Name = \"lib\"\n"),
    ])
}

fn builds(sandbox: &Sandbox) {
    sandbox.go(&["build", "-o", "/dev/null", "."]);
}

#[test]
fn a_major_version_of_go_is_checked_and_fixed() {
    let sandbox = workspace();
    builds(&sandbox);
    let lines = [
        "go.mod:1: module example.com/m\n",
        "main.go:4: \"example.com/m/inner\"\n",
        "-> \"example.com/m/v2/inner\"",
        "--fix",
    ];
    sandbox.run(&["version", "bump", "2.0.0"]).fails(3, "version.module-path", &lines).quietly();
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    let run = sandbox.ok(&["version", "bump", "2.0.0", "--fix"]);
    assert_eq!(run.stdout, "go.mod\nlib/go.mod\nmain.go\n");
    assert!(sandbox.read("go.mod").contains("require example.com/m/lib/v2 v2.0.0 // ours"));
    builds(&sandbox);
    assert_eq!(sandbox.ok(&["version", "bump", "2.0.0"]).stdout, "");
    sandbox.write("go.mod", &(sandbox.read("go.mod") + "\nretract [v2.0.0, v2.0.3]\n"));
    sandbox.run(&["version", "bump", "2.0.1"]).fails(3, "version.retracted", &["go.mod:7"]).quietly();
}

#[test]
fn modules_of_a_workspace_are_bumped_together() {
    let sandbox = workspace();
    let run = sandbox.ok(&["version", "bump", "1.5.0", "--dry-run", "--json"]);
    let result: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert!(result.to_string().contains("\"moduleTags\":[\"lib/v1.5.0\"]"), "{result}");
    assert!(sandbox.read("go.mod").contains("lib v1.4.0"));
    // A go.work that git ignores is somebody's own.
    sandbox.write(".gitignore", "go.work\n");
    sandbox.git(&["rm", "-q", "--cached", "go.work"]);
    let run = sandbox.ok(&["version", "bump", "1.5.0", "--dry-run", "--json"]);
    assert!(run.stdout.contains("\"moduleTags\":[]"), "{}", run.stdout);
    sandbox.git(&["add", "--force", "go.work"]);
    sandbox.ok(&["version", "bump", "1.5.0"]).quietly();
    assert!(sandbox.read("go.mod").contains("require example.com/m/lib v1.5.0 // ours"));
    builds(&sandbox);
}

#[test]
fn a_cargo_workspace_is_bumped_and_cargo_agrees() {
    let sandbox = Sandbox::with(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"a\", \"b\"] # two\nresolver = \"2\"\n\n[workspace.package]\nversion = \"0.1.0\"   # all\n",
        ),
        (
            "a/Cargo.toml",
            "[package]\nname = \"a\"\nversion.workspace = true\nedition = \"2021\"\n\n[dependencies]\nb = { path = \"../b\", version = \"0.1\" }\n",
        ),
        ("a/src/lib.rs", ""),
        ("b/Cargo.toml", "[package]\nname = \"b\"\nversion = '0.1.0' # own\nedition = \"2021\"\n"),
        ("b/src/lib.rs", ""),
        (".gitignore", "target\n"),
    ]);
    let cargo = |args: &[&str]| {
        let mut command = Command::new("cargo");
        // The cargo of rustup finds its toolchain by the real home.
        for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            if let Ok(value) = std::env::var(name) {
                command.env(name, value);
            }
        }
        let output = command.args(args).current_dir(sandbox.project()).output().unwrap();
        assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    cargo(&["generate-lockfile", "--offline"]);
    sandbox.commit("lock");
    let mut command = sandbox.command(&["version", "bump", "0.2.0"]);
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Ok(value) = std::env::var(name) {
            command.env(name, value);
        }
    }
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        stdout,
        "Cargo.lock\nCargo.toml\na/Cargo.toml\nb/Cargo.toml\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        sandbox.read("Cargo.toml").contains("members = [\"a\", \"b\"] # two")
            && sandbox.read("Cargo.toml").contains("\"0.2.0\"   # all")
    );
    assert!(sandbox.read("b/Cargo.toml").contains("version = \"0.2.0\" # own"));
    // With --locked a lock file that does not fit the manifests is an error.
    let metadata = cargo(&["metadata", "--offline", "--locked", "--format-version=1"]);
    assert_eq!(metadata.matches("\"version\":\"0.2.0\"").count(), 2, "{metadata}");
}

#[test]
fn packages_of_npm_and_other_files_are_bumped() {
    let sandbox = Sandbox::with(&[
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("package.json", "{\n\t\"name\": \"top\",\n\t\"version\": \"1.0.0\",\n\t\"workspaces\": [\"packages/*\"]\n}\n"),
        ("packages/a/package.json", "{ \"name\": \"a\", \"version\": \"1.0.0\" }\n"),
        (
            "packages/b/package.json",
            "{ \"name\": \"b\", \"version\": \"3.0.0\", \"dependencies\": { \"a\": \"^1.0.0\" } }\n",
        ),
        (
            "package-lock.json",
            "{ \"version\": \"1.0.0\", \"packages\": { \"\": { \"version\": \"1.0.0\" }, \"packages/a\": { \"version\": \"1.0.0\" } } }\n",
        ),
        ("chart/Chart.yaml", "apiVersion: v2\nversion: 1.0.0\nappVersion: \"1.0.0\" # ours\n"),
        ("sealift.toml", "[version]\nfiles = { \"chart/Chart.yaml\" = 'appVersion: \"{version}\"' }\n"),
    ]);
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.commit("feat: more");
    let run = sandbox.ok(&["version", "bump"]);
    assert_eq!(run.stdout, "chart/Chart.yaml\npackage-lock.json\npackage.json\npackages/a/package.json\n");
    assert_eq!(sandbox.read("chart/Chart.yaml"), "apiVersion: v2\nversion: 1.0.0\nappVersion: \"1.1.0\" # ours\n");
    assert_eq!(sandbox.json("package.json")["version"], "1.1.0");
    let lock = sandbox.json("package-lock.json");
    assert_eq!((&lock["version"], &lock["packages"]["packages/a"]["version"]), (&"1.1.0".into(), &"1.1.0".into()));
    assert_eq!(sandbox.ok(&["version", "bump", "1.1.0"]).stdout, "");
    sandbox.write("chart/Chart.yaml", "nothing\n");
    sandbox.run(&["version", "bump"]).fails(3, "version.no-place", &["chart/Chart.yaml"]).quietly();
}
