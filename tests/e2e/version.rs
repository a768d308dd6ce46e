mod history;

use crate::sandbox::{EPOCH, Sandbox};

#[test]
fn the_tag_at_the_commit_is_the_version() {
    let sandbox = Sandbox::service();
    sandbox.git(&["tag", "v1.2.3"]);
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.2.3\n");
    assert_eq!(sandbox.json(".sealift/version.json")["tag"], "v1.2.3");
    let snapshot = sandbox.ok(&["version", "--snapshot"]).stdout;
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(snapshot.trim(), format!("1.2.4-snapshot.g{}", &head[..12]));
    sandbox.write("main.go", "package main\n");
    sandbox.run(&["version"]).fails(5, "repository.dirty", &["main.go", "--snapshot"]).quietly();
}

#[test]
fn another_prefix_is_configured() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[version]\ntag-prefix = \"release-\"\n");
    sandbox.commit("configure");
    sandbox.git(&["tag", "v9.0.0"]);
    sandbox.git(&["tag", "release-2.0.0-rc.1"]);
    assert_eq!(sandbox.ok(&["version"]).stdout, "2.0.0-rc.1\n");
}

#[test]
fn a_tree_that_sealift_has_worked_in_is_clean() {
    let sandbox = Sandbox::service();
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.ok(&["version"]).quietly();
    std::fs::create_dir(sandbox.path("dist")).unwrap();
    sandbox.write("dist/x", "");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.0.0\n");
}

/// Each fixture is a history with what its branches are expected to release.
#[test]
fn every_history_is_released_as_it_says() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/histories");
    let mut expectations = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        expectations += history::check(&path.file_name().unwrap().to_string_lossy(), &text);
    }
    assert!(expectations >= 60, "only {expectations}");
}

#[test]
fn the_version_is_told_as_data_and_to_the_next_steps_of_a_job() {
    let sandbox = Sandbox::empty();
    let output = sandbox.dir.path().join("output").display().to_string();
    let sandbox = sandbox.env("GITHUB_OUTPUT", &output);
    sandbox.commit("feat: first");
    sandbox.git(&["tag", "v1.0.0"]);
    let id = sandbox.commit("feat(api)!: break\n\nBREAKING CHANGE: callers\nRefs: #7");
    sandbox.commit("docs: \u{1b}[31mred\u{202e} $(touch pwned)\n\n::set-output name=x::y");
    let run = sandbox.ok(&["--json", "version"]);
    let last: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let told = &last["product"];
    assert_eq!(told["version"], "2.0.0");
    assert_eq!((told["previous"].as_str(), told["channel"].as_str()), (Some("1.0.0"), Some("stable")));
    assert_eq!((told["tag"].as_str(), told["tagged"].as_bool()), (Some("v2.0.0"), Some(false)));
    assert_eq!((told["bump"].as_str(), told["branch"].as_str()), (Some("major"), Some("main")));
    let change = &told["changes"][1];
    assert_eq!((change["commit"].as_str(), change["type"].as_str()), (Some(id.as_str()), Some("feat")));
    assert_eq!((change["scope"].as_str(), change["bump"].as_str()), (Some("api"), Some("major")));
    assert_eq!((change["breaking"][0].as_str(), change["time"].as_u64()), (Some("callers"), Some(EPOCH)));
    let run = sandbox.ok(&["version", "--github-output", "--dotenv", "version.env"]);
    assert_eq!(run.stdout, "2.0.0\n");
    assert!(!run.stderr.contains('\u{1b}') && !run.stderr.contains('\u{202e}'), "{}", run.stderr);
    let written = std::fs::read_to_string(&output).unwrap();
    assert!(written.starts_with("release=true\nversion=2.0.0\n") && written.contains("\ntag=v2.0.0\n"), "{written}");
    let dotenv = sandbox.read("version.env");
    assert!(dotenv.contains("SEALIFT_VERSION=2.0.0\n") && dotenv.contains("SEALIFT_PREVIOUS=1.0.0\n"), "{dotenv}");
    std::fs::remove_file(sandbox.path("version.env")).unwrap();
    sandbox.git(&["tag", "v2.0.0"]);
    sandbox.commit("docs: more");
    sandbox.run(&["version", "--github-output"]).fails(4, "version.nothing", &["since v2.0.0"]).quietly();
    assert!(std::fs::read_to_string(&output).unwrap().ends_with("release=false\n"));
}

#[test]
fn messages_are_checked_in_a_range_and_as_a_hook() {
    let sandbox = Sandbox::empty();
    sandbox.commit("first");
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.commit("feat: right");
    let run = sandbox.ok(&["version", "lint"]);
    assert!(run.stderr.contains("1 message is conventional"), "{}", run.stderr);
    sandbox.commit("feta: \u{1b}[2Jnearly");
    let run = sandbox.run(&["version", "lint"]);
    let run = run.fails(11, "version.lint", &["1 of 2 messages", "did you mean feat?"]);
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
    sandbox.ok(&["version", "lint", "HEAD~2..HEAD~1"]).quietly();
    sandbox.run(&["version", "lint", "HEAD"]).fails(11, "version.lint", &["2 of 3"]).quietly();
    for range in ["--output=pwned", "nosuch..ref"] {
        sandbox
            .run(&["version", "lint", range])
            .fails(2, "repository.revision", &[range, "origin/main..HEAD"])
            .quietly();
    }
    assert!(!sandbox.path("pwned").exists());
    // As a hook git runs it with the message's file.
    let program = env!("CARGO_BIN_EXE_sealift");
    sandbox.write(".git/hooks/commit-msg", &format!("#!/bin/sh\nexec {program} --quiet version lint - <\"$1\"\n"));
    let hook = sandbox.path(".git/hooks/commit-msg");
    std::fs::set_permissions(hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.commit("fix: passes");
    let words = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-m", "does not pass"];
    let output =
        std::process::Command::new("git").args(words).current_dir(sandbox.project()).envs(&sandbox.env).output();
    assert!(!output.unwrap().status.success());
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s"]), "fix: passes");
}

#[test]
fn a_ci_job_tells_its_branch_and_its_tag() {
    let sandbox = Sandbox::empty();
    sandbox.commit("feat: a");
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.commit("feat: b");
    sandbox.git(&["checkout", "-q", "--detach"]);
    sandbox.run(&["version"]).fails(5, "version.no-branch", &["SEALIFT_BRANCH"]).quietly();
    let github =
        |sandbox: Sandbox, kind: &str, name: &str| sandbox.env("GITHUB_REF_TYPE", kind).env("GITHUB_REF_NAME", name);
    let sandbox = github(sandbox, "branch", "release/2");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.1.0-rc.1\n");
    sandbox.git(&["tag", "v1.1.0-rc.1"]);
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.1.0-rc.1\n", "a rerun is the same");
    let sandbox = github(sandbox, "branch", "main");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.1.0\n", "promoted without a commit");
    let sandbox = github(sandbox, "tag", "v1.1.0-rc.1");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.1.0-rc.1\n");
    sandbox.commit("feat: c");
    let sandbox = github(sandbox, "branch", "$(touch pwned)\n::stop-commands::x");
    let run = sandbox.run(&["version"]).fails(4, "version.no-channel", &["$(touch pwned)"]);
    assert!(!run.stderr.lines().any(|line| line.starts_with("::stop-commands")), "{}", run.stderr);
    assert!(!sandbox.path("pwned").exists());
    let run = sandbox.env("SEALIFT_BRANCH", "12/merge").run(&["version"]);
    run.fails(4, "version.no-channel", &["12/merge"]).quietly();
}

#[test]
fn tags_and_objects_that_are_broken() {
    let sandbox = Sandbox::empty();
    sandbox.commit("feat: a");
    sandbox.git(&["tag", "v1.0.0"]);
    let blob = sandbox.git(&["hash-object", "-w", "--stdin"]);
    sandbox.git(&["tag", "v3.0.0", &blob]);
    sandbox.git(&["tag", "-a", "-m", "of a tag", "v1.0.1", "v1.0.0"]);
    sandbox.git(&["tag", "-a", "-m", "of that", "v1.0.2", "v1.0.1"]);
    sandbox.write(".git/refs/tags/v9.0.0", "0123456789012345678901234567890123456789\n");
    let bytes: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"v8.0.0-\xff".to_vec());
    std::fs::copy(sandbox.path(".git/refs/tags/v1.0.0"), sandbox.path(".git/refs/tags").join(bytes)).unwrap();
    sandbox.commit("fix: b");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.0.3\n", "a tag of a tag is a tag, and broken ones are none");
    let head = sandbox.git(&["rev-parse", "HEAD~1"]);
    std::fs::remove_file(sandbox.path(&format!(".git/objects/{}/{}", &head[..2], &head[2..]))).unwrap();
    let run = sandbox.run(&["version"]);
    assert!(run.exit == 6 && run.stderr.contains(&head), "{}", run.stderr);
}

#[test]
fn a_message_of_fifty_megabytes_and_one_that_is_not_text() {
    let sandbox = Sandbox::empty();
    sandbox.commit("feat: a");
    sandbox.git(&["tag", "v1.0.0"]);
    let file = sandbox.dir.path().join("message");
    let mut message = b"fix: large\n\n".to_vec();
    message.resize(50 << 20, b'x');
    message.extend_from_slice(b"\n\nBREAKING CHANGE: too far away");
    std::fs::write(&file, &message).unwrap();
    sandbox.git(&["commit", "-q", "--allow-empty", "-F", file.to_str().unwrap()]);
    std::fs::write(&file, b"fix: \xff\xfe latin\n\n\x1b]0;title\x07").unwrap();
    sandbox.git(&[
        "-c",
        "i18n.commitEncoding=x-unknown",
        "commit",
        "-q",
        "--allow-empty",
        "-F",
        file.to_str().unwrap(),
    ]);
    let run = sandbox.ok(&["version"]);
    assert_eq!(run.stdout, "1.0.1\n");
    assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{}", run.stderr);
}

/// Each hint is a command that helps, or a line for the file of a CI service.
#[test]
fn a_shallow_clone_is_told_how_to_fetch_the_rest() {
    let origin = Sandbox::empty();
    origin.commit("feat: a");
    origin.git(&["tag", "v1.0.0"]);
    origin.commit("fix: b");
    origin.commit("docs: c");
    let url = format!("file://{}", origin.project().display());
    for (variables, words) in [
        (&[][..], &["git fetch --unshallow --tags"][..]),
        (&[("GITHUB_ACTIONS", "true")], &["fetch-depth: 0", "actions/checkout"]),
        (&[("GITLAB_CI", "true")], &["GIT_DEPTH: 0", "git fetch --unshallow --tags"]),
    ] {
        let mut sandbox = Sandbox::empty();
        sandbox.git(&["clone", "-q", "--depth=1", "--branch=main", &url, "."]);
        sandbox.env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        sandbox.run(&["version"]).fails(5, "repository.shallow", words).quietly();
        sandbox.run(&["version", "--push"]).fails(5, "repository.shallow", words).quietly();
        sandbox.git(&["fetch", "-q", "--unshallow", "--tags"]);
        assert_eq!(sandbox.ok(&["version"]).stdout, "1.0.1\n");
    }
}

/// Without the files of old commits: nothing is asked of the remote that is not needed.
#[test]
fn a_partial_clone_is_enough() {
    let origin = Sandbox::empty();
    origin.git(&["init", "-q", "-b", "main"]);
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    origin.write("large.bin", &"x".repeat(100_000));
    origin.commit("feat: a");
    origin.git(&["tag", "-a", "-m", "one", "v1.0.0"]);
    origin.write("large.bin", "small");
    origin.commit("fix!: b");
    let sandbox = Sandbox::empty();
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        std::fs::remove_dir_all(sandbox.project()).unwrap();
        std::fs::create_dir(sandbox.project()).unwrap();
        sandbox.git(&["clone", "-q", filter, &format!("file://{}", origin.project().display()), "."]);
        std::fs::rename(origin.project(), origin.dir.path().join("away")).unwrap();
        assert_eq!(sandbox.ok(&["version"]).stdout, "2.0.0\n", "{filter}");
        assert!(sandbox.ok(&["version", "changelog", "--all"]).stdout.contains("[2.0.0]"));
        std::fs::rename(origin.dir.path().join("away"), origin.project()).unwrap();
    }
}

/// A submodule that is elsewhere makes a tree dirty, and one that is where it should be does not; its own tags are its own.
#[test]
fn submodules_are_as_git_sees_them() {
    let other = Sandbox::empty();
    other.commit("feat: of another project");
    other.git(&["tag", "v7.0.0"]);
    let sandbox = Sandbox::empty();
    sandbox.commit("feat: a");
    sandbox.git(&["tag", "v1.0.0"]);
    let url = other.project().display().to_string();
    sandbox.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "lib"]);
    sandbox.commit("fix: with a library");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.0.1\n");
    assert_eq!(sandbox.ok(&["-C", "lib", "version"]).stdout, "7.0.0\n");
    sandbox.git(&["-C", "lib", "commit", "-q", "--allow-empty", "-m", "fix: there"]);
    sandbox.run(&["version"]).fails(5, "repository.dirty", &["lib"]).quietly();
    sandbox.commit("fix: the library's mend");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.0.1\n");
}

#[test]
fn worktrees_and_sha256() {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    sandbox.commit("feat: a");
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.commit("feat: b");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.1.0\n");
    sandbox.git(&["worktree", "add", "-q", "-b", "hotfix/1.0", "../worktree", "v1.0.0"]);
    let worktree = sandbox.dir.path().join("worktree").display().to_string();
    sandbox.git(&["-C", &worktree, "commit", "-q", "--allow-empty", "-m", "fix: c"]);
    assert_eq!(sandbox.ok(&["-C", &worktree, "version"]).stdout, "1.0.1\n");
}
