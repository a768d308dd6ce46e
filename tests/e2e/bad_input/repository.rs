//! Repositories and modules that cannot be released.

use super::{CONFIG, MAIN, Released, nothing_half_made, project};
use crate::sandbox::Sandbox;

/// Expects a refusal before anything was made.
#[track_caller]
fn refused(sandbox: &Sandbox, args: &[&str], exit: i32, code: &str, words: &[&str], hint: &str) {
    sandbox.run(args).fails(exit, code, words).hints(hint).quietly();
    assert!(!sandbox.path("dist").exists());
    nothing_half_made(sandbox);
}

const SNAPSHOT: &[&str] = &["release", "--snapshot"];

#[test]
fn no_module() {
    let sandbox = Sandbox::empty();
    sandbox.write("main.go", MAIN);
    sandbox.commit("no go.mod");
    refused(&sandbox, SNAPSHOT, 3, "survey.no-module", &["no go.mod in", "project"], "go mod init");
}

#[test]
fn no_main_package() {
    let sandbox = Sandbox::with(&[("p.go", "package p\n"), ("sealift.toml", CONFIG)]);
    refused(&sandbox, SNAPSHOT, 3, "survey.no-main", &["no main package in"], "package main");
    sandbox.write("sealift.toml", "[[service]]\nname = \"api\"\npath = \".\"\n");
    refused(&sandbox, SNAPSHOT, 3, "survey.not-main", &["service api: . is not a main package"], "package main");
    sandbox.write("sealift.toml", "[[service]]\nname = \"api\"\npath = \"cmd/api\"\n");
    let run = sandbox.run(SNAPSHOT);
    assert!(run.exit == 3 || run.exit == 6, "{}", run.stderr);
    assert!(run.stderr.contains("cmd/api"), "{}", run.stderr);
}

#[test]
fn no_repository() {
    let sandbox = project();
    std::fs::remove_dir_all(sandbox.path(".git")).unwrap();
    // Git looks for a repository above; the sandbox lies in none.
    refused(&sandbox, SNAPSHOT, 5, "repository.none", &["is not in a git repository"], "git init");
}

#[test]
fn no_git_program() {
    let mut sandbox = project();
    let tools = sandbox.tools(&["go"]);
    sandbox.env.insert("PATH".into(), tools.display().to_string());
    refused(&sandbox, SNAPSHOT, 6, "repository.no-git", &["git is not on PATH"], "install git");
}

#[test]
fn no_commit_yet() {
    let sandbox = Sandbox::empty();
    sandbox.write("go.mod", &format!("module example.com/m\n\ngo {}\n", crate::sandbox::go_version()));
    sandbox.write("main.go", MAIN);
    sandbox.git(&["init", "-q"]);
    refused(&sandbox, SNAPSHOT, 5, "repository.no-commit", &["no commit yet"], "git add -A && git commit");
}

#[test]
fn a_shallow_clone() {
    let sandbox = project();
    sandbox.write("README.md", "second\n");
    sandbox.commit("second");
    let origin = sandbox.dir.path().join("origin");
    std::fs::rename(sandbox.project(), &origin).unwrap();
    std::fs::create_dir(sandbox.project()).unwrap();
    sandbox.git(&["clone", "-q", "--depth=1", &format!("file://{}", origin.display()), "."]);
    refused(&sandbox, SNAPSHOT, 5, "repository.shallow", &["shallow clone"], "git fetch --unshallow --tags");
    // The hint is what helps.
    sandbox.git(&["fetch", "-q", "--unshallow", "--tags"]);
    sandbox.ok(SNAPSHOT).quietly();
}

#[test]
fn a_dirty_tree_or_no_branch_is_no_release() {
    let sandbox = project();
    sandbox.git(&["checkout", "-q", "--detach"]);
    refused(&sandbox, &["release"], 5, "version.no-branch", &["no branch"], "SEALIFT_BRANCH=main");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.write("main.go", &MAIN.replace("well", "changed"));
    sandbox.write("new\nline.txt", "");
    let hint = "commit them, or pass --snapshot";
    refused(&sandbox, &["release"], 5, "repository.dirty", &["2 files differ from HEAD", "main.go"], hint);
    sandbox.ok(SNAPSHOT).quietly();
    let released = Released::of(sandbox);
    released.sandbox.run(&["release"]).fails(5, "repository.dirty", &[]).quietly();
    released.nothing_is_lost();
}
