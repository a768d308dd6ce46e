//! A release whose files name its version: the commit is made before the build, is what is built, and branch and tag lead to
//! it when everything else is done.

use super::{project, tags_there};
use crate::sandbox::Sandbox;

/// A service that prints what a file of the repository says.
fn service() -> (Sandbox, std::path::PathBuf) {
    let (sandbox, there) = project();
    sandbox.write("version.txt", "0.0.0\n");
    sandbox.write("chart/Chart.yaml", "appVersion: \"0.0.0\" # ours\n");
    sandbox.write(
        "main.go",
        "package main\n\nimport (\n\t_ \"embed\"\n\t\"fmt\"\n)\n\n//go:embed version.txt\nvar text string\n\nvar commit string\n\nfunc main() { fmt.Print(text, commit) }\n",
    );
    sandbox.write(
        "sealift.toml",
        "[version]\nfiles = { \"version.txt\" = \"{version}\", \"chart/Chart.yaml\" = 'appVersion: \"{version}\"' }\n\n[changelog]\ncommit = true\n",
    );
    sandbox.commit("feat: it says its version");
    sandbox.git(&["push", "-q", "origin", "main"]);
    (sandbox, there)
}

/// What the program in the archive for this machine says.
fn says(sandbox: &Sandbox, version: &str) -> String {
    let dir = sandbox.dir.path().join(format!("unpacked-{version}"));
    std::fs::create_dir_all(&dir).unwrap();
    let archive = sandbox.path(&format!("dist/service_{version}_linux_amd64.tar.gz"));
    let run = |program: &std::path::Path, args: &[&std::ffi::OsStr]| {
        let output = std::process::Command::new(program).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    run("tar".as_ref(), &["-C".as_ref(), dir.as_os_str(), "-xf".as_ref(), archive.as_os_str()]);
    run(&dir.join("service"), &[])
}

/// Invariant 5: what is built is the commit to which branch and tag lead in the end, and before the end nothing leads there.
#[test]
fn the_commit_that_names_the_version_is_what_is_built_and_moves_last() {
    let (sandbox, _) = service();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    let refs = || {
        (sandbox.git(&["for-each-ref"]), sandbox.git(&["ls-remote", "origin"]), sandbox.git(&["status", "--porcelain"]))
    };
    let before = refs();
    let run = sandbox.ok(&["version", "--push", "--dry-run"]);
    assert_eq!(run.stdout, "refs/heads/main\nrefs/tags/v0.1.0\n");
    assert!(run.stderr.contains(&format!("from {}", &head[..12])), "{}", run.stderr);
    let (key, public) = sandbox.key();
    let release = ["release", "--target", "linux/amd64", "--key", &key, "--push"];
    let planned = sandbox.ok(&[&release[..], &["--dry-run"]].concat());
    assert_eq!(refs(), before, "a dry run moves nothing");
    assert!(!sandbox.path(".sealift").exists(), "a dry run writes nothing");
    sandbox.ok(&release).quietly();
    let id = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(sandbox.git(&["log", "--format=%P %s", "-1"]), format!("{head} chore(release): 0.1.0"));
    assert!(planned.stdout.contains(&id), "the plan named the commit that was built:\n{}", planned.stdout);
    assert_eq!(sandbox.git(&["rev-parse", "v0.1.0^{commit}"]), id);
    let there = sandbox.git(&["ls-remote", "origin", "refs/heads/main", "refs/tags/v0.1.0^{}"]);
    assert!(there.lines().count() == 2 && there.lines().all(|line| line.starts_with(&id)), "{there}");
    assert_eq!(
        (sandbox.git(&["status", "--porcelain"]), sandbox.git(&["worktree", "list"]).lines().count()),
        (String::new(), 1)
    );
    assert!(!sandbox.git(&["for-each-ref"]).contains("refs/sealift"));
    assert_eq!(says(&sandbox, "0.1.0"), format!("0.1.0\n{id}"));
    assert_eq!(sandbox.read("chart/Chart.yaml"), "appVersion: \"0.1.0\" # ours\n");
    assert!(sandbox.read("CHANGELOG.md").contains("it says its version"));
    assert!(sandbox.read("dist/release.json").len() > 1000);
    sandbox.ok(&["verify", "--key", &public]).quietly();
    // The tag is the given source now: the same release again, and nothing moves.
    let digests = || {
        let mut digests = sandbox.digests("dist");
        // It tells how it was made: once by a commit, once by a tag.
        assert!(digests.remove("provenance.json").is_some());
        digests
    };
    let first = digests();
    sandbox.ok(&release).quietly();
    assert_eq!((digests(), sandbox.git(&["rev-parse", "HEAD"])), (first, id));
    sandbox.commit("docs: more");
    sandbox.run(&["version"]).fails(4, "version.nothing", &["1 commit"]).quietly();
}

#[test]
fn a_release_that_fails_leaves_neither_commit_nor_tag_and_the_next_run_makes_the_same() {
    let (sandbox, there) = service();
    let hook = there.join("hooks/update");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ncase $1 in refs/heads/main) echo main is protected >&2; exit 1;; esac\n")
        .unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let refs = || {
        (sandbox.git(&["for-each-ref"]), sandbox.git(&["ls-remote", "origin"]), sandbox.git(&["status", "--porcelain"]))
    };
    let before = refs();
    let release = ["release", "--target", "linux/amd64", "--push"];
    sandbox.run(&release).fails(6, "refs.refused", &["main is protected"]).quietly();
    sandbox.run(&["version", "--push"]).fails(6, "refs.refused", &["main is protected"]).quietly();
    assert_eq!(refs(), before, "the tag did not go without the branch");
    assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1);
    let first = sandbox.digests("dist");
    std::fs::remove_file(&hook).unwrap();
    // Somebody else is faster.
    let clone = sandbox.dir.path().join("clone");
    sandbox.git(&["clone", "-q", there.to_str().unwrap(), clone.to_str().unwrap()]);
    sandbox.git(&["-C", clone.to_str().unwrap(), "commit", "-q", "--allow-empty", "-m", "fix: meanwhile"]);
    sandbox.git(&["-C", clone.to_str().unwrap(), "push", "-q", "origin", "main"]);
    let before = refs();
    sandbox.run(&["version", "--push"]).fails(12, "refs.moved-on", &["git pull"]).quietly();
    assert_eq!(refs(), before);
    sandbox.git(&["push", "-q", "-f", "origin", "main"]);
    sandbox.ok(&release).quietly();
    assert_eq!(sandbox.digests("dist"), first, "the same commit, the same bytes");
}

#[test]
fn without_a_push_the_commit_waits_under_a_name_of_its_own() {
    let (sandbox, _) = service();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.ok(&["release", "--target", "linux/amd64"]).quietly();
    let id = sandbox.git(&["rev-parse", "refs/sealift/commit/v0.1.0"]);
    assert_eq!((sandbox.git(&["rev-parse", "HEAD"]), sandbox.git(&["tag"])), (head, String::new()));
    assert!(sandbox.read("dist/release.unsigned.json").contains(&id));
    sandbox.ok(&["version", "--tag"]).quietly();
    assert_eq!(sandbox.git(&["rev-parse", "HEAD", "v0.1.0^{commit}"]), format!("{id}\n{id}"));
    assert_eq!(sandbox.read("version.txt"), "0.1.0\n");
    assert!(tags_there(&sandbox).is_empty());
    // A tag whose files say something else is a given source: it is told, and released as it is.
    sandbox.commit("fix: by hand");
    sandbox.git(&["tag", "v0.1.1"]);
    let run = sandbox.ok(&["version", "--push"]);
    assert!(
        run.stderr.contains("version.files-differ") && run.stderr.contains("chart/Chart.yaml, version.txt name"),
        "{}",
        run.stderr
    );
    assert_eq!(tags_there(&sandbox), ["refs/tags/v0.1.1"]);
}

/// A job of a CI system checks the commit out, and no branch.
#[test]
fn a_detached_job_moves_the_branch_that_it_was_started_for() {
    let (sandbox, _) = service();
    sandbox.git(&["checkout", "-q", "--detach"]);
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    let sandbox = sandbox.env("CI_COMMIT_BRANCH", "main");
    sandbox.ok(&["version", "--push"]).quietly();
    let there = sandbox.git(&["ls-remote", "origin", "refs/heads/main", "refs/tags/v0.1.0^{}"]);
    assert!(there.lines().count() == 2 && !there.contains(&head), "{there}");
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head, "what is checked out stays");
}

#[test]
fn modules_of_one_repository_are_released_and_tagged_together() {
    let go = crate::sandbox::go_version();
    let sandbox = Sandbox::with(&[
        ("go.mod", &format!("module example.com/m\n\ngo {go}\n\nrequire example.com/m/lib v0.0.0\n")),
        ("go.work", &format!("go {go}\n\nuse (\n\t.\n\t./lib\n)\n")),
        ("main.go", "package main\n\nimport \"example.com/m/lib\"\n\nfunc main() { println(lib.Name) }\n"),
        ("lib/go.mod", &format!("module example.com/m/lib\n\ngo {go}\n")),
        ("lib/lib.go", "package lib\n\nconst Name = \"lib\"\n"),
    ]);
    let there = sandbox.dir.path().join("there.git");
    sandbox.git(&["init", "-q", "--bare", "-b", "main", there.to_str().unwrap()]);
    sandbox.git(&["remote", "add", "origin", there.to_str().unwrap()]);
    sandbox.git(&["config", "user.name", "Ann"]);
    sandbox.git(&["config", "user.email", "ann@example.com"]);
    sandbox.git(&["push", "-q", "origin", "main"]);
    sandbox.ok(&["release", "--target", "linux/amd64", "--push"]).quietly();
    assert_eq!(tags_there(&sandbox), ["refs/tags/lib/v0.1.0", "refs/tags/v0.1.0"]);
    assert_eq!(sandbox.git(&["rev-parse", "lib/v0.1.0^{commit}"]), sandbox.git(&["rev-parse", "HEAD"]));
    assert!(sandbox.read("go.mod").contains("require example.com/m/lib v0.1.0"));
    // The next major version needs another path: refused, with the lines, until somebody says what to do.
    sandbox.commit("feat!: break it\n\nRelease-As: 2.0.0");
    let before = sandbox.git(&["for-each-ref"]);
    sandbox
        .run(&["release", "--push"])
        .fails(3, "version.module-path", &["lib/go.mod:1: module example.com/m/lib", "--fix"])
        .quietly();
    assert_eq!(sandbox.git(&["for-each-ref"]), before);
    sandbox.write("sealift.toml", "[version]\ngo-major = \"fix\"\n");
    sandbox.commit("chore: fix it");
    sandbox.ok(&["release", "--target", "linux/amd64", "--push"]).quietly();
    assert!(sandbox.read("main.go").contains("\"example.com/m/lib/v2\""));
    assert_eq!(sandbox.git(&["rev-parse", "v2.0.0^{commit}"]), sandbox.git(&["rev-parse", "HEAD"]));
    sandbox.go(&["build", "-o", "/dev/null", "."]);
}

#[test]
fn the_key_of_releases_signs_the_tag() {
    let (sandbox, _) = project();
    sandbox.commit("feat: something");
    sandbox.run(&["version", "--tag", "--sign", "key"]).fails(3, "refs.no-key", &["key generate"]).quietly();
    let (key, public) = sandbox.key();
    let line = sandbox.ok(&["key", "public", &public, "--format", "ssh"]).stdout;
    let signers = sandbox.dir.path().join("signers");
    std::fs::write(&signers, format!("releases namespaces=\"git\" {line}")).unwrap();
    let dry =
        sandbox.ok(&["release", "--push", "--sign", "key", "--key", &key, "--dry-run", "--target", "linux/amd64"]);
    assert!(
        dry.stderr.contains("signed by the key of releases") || dry.stdout.contains("signed by the key of releases"),
        "{}{}",
        dry.stdout,
        dry.stderr
    );
    sandbox.ok(&["release", "--push", "--sign", "key", "--key", &key, "--target", "linux/amd64"]).quietly();
    let signers = format!("gpg.ssh.allowedSignersFile={}", signers.display());
    sandbox.git(&["-c", "gpg.format=ssh", "-c", &signers, "verify-tag", "v0.1.0"]);
}
