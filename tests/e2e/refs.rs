//! Tags and pushes, with a real git and a bare remote.

mod bump;
mod remote;

use std::path::PathBuf;

use crate::sandbox::{Run, Sandbox};

/// A service with a remote, and somebody who releases it.
fn project() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::service();
    let there = sandbox.dir.path().join("there.git");
    sandbox.git(&["init", "-q", "--bare", "-b", "main", there.to_str().unwrap()]);
    sandbox.git(&["remote", "add", "origin", there.to_str().unwrap()]);
    for (key, value) in [("user.name", "Ann"), ("user.email", "ann@example.com")] {
        sandbox.git(&["config", "--global", key, value]);
    }
    sandbox.git(&["push", "-q", "origin", "main"]);
    (sandbox, there)
}

fn tags_there(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.git(&["ls-remote", "--tags", "origin"]);
    text.lines().map(|line| line.split('\t').nth(1).unwrap().to_owned()).filter(|name| !name.ends_with("^{}")).collect()
}

#[test]
fn the_commits_give_the_tag_and_it_is_pushed_last() {
    let (sandbox, _) = project();
    sandbox.commit("feat: something");
    let run = sandbox.ok(&["version", "--push", "--dry-run"]);
    assert_eq!(run.stdout, "refs/tags/v0.1.0\n");
    assert!(run.stderr.contains("origin") && run.stderr.contains("new, annotated"), "{}", run.stderr);
    assert!(tags_there(&sandbox).is_empty() && sandbox.git(&["tag"]).is_empty());
    assert!(!sandbox.path(".sealift").exists(), "a dry run writes nothing");
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--target", "linux/amd64", "--key", &key, "--push"]).quietly();
    assert_eq!(tags_there(&sandbox), ["refs/tags/v0.1.0"]);
    assert_eq!(sandbox.git(&["cat-file", "-t", "v0.1.0"]), "tag");
    assert!(sandbox.git(&["tag", "-ln9", "v0.1.0"]).contains("- something"));
    sandbox.ok(&["verify", "--key", &public]).quietly();
    // Again: the tag is the given source now, and nothing moves.
    let object = sandbox.git(&["rev-parse", "v0.1.0"]);
    sandbox.ok(&["release", "--target", "linux/amd64", "--key", &key, "--push"]).quietly();
    assert_eq!(sandbox.git(&["rev-parse", "v0.1.0"]), object);
}

#[test]
fn a_release_that_fails_has_no_tag() {
    let (sandbox, _) = project();
    sandbox.write("main.go", "package main\n\nfunc main() { undefined() }\n");
    sandbox.commit("feat: does not compile");
    let run = sandbox.run(&["release", "--target", "linux/amd64", "--push"]);
    assert_ne!(run.exit, 0);
    assert!(tags_there(&sandbox).is_empty() && sandbox.git(&["tag"]).is_empty());
}

#[test]
fn a_tag_that_started_the_run_is_not_touched() {
    let (sandbox, _) = project();
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.git(&["push", "-q", "origin", "v1.0.0"]);
    let run = sandbox.ok(&["version", "--push"]);
    assert_eq!(run.stdout, "1.0.0\n");
    assert_eq!(sandbox.git(&["cat-file", "-t", "v1.0.0"]), "commit", "still the light tag that somebody pushed");
    // One that somebody else moved is another one.
    sandbox.git(&["push", "-q", "-f", "origin", "HEAD~0:refs/heads/other"]);
    sandbox.commit("fix: x");
    sandbox.git(&["push", "-q", "-f", "origin", "HEAD:refs/tags/v1.0.0"]);
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    sandbox.run(&["version", "--push"]).fails(12, "refs.tag-taken", &["v1.0.0", "never moved"]).quietly();
}

#[test]
fn what_git_refuses_is_told_in_its_words() {
    let (mut sandbox, there) = project();
    let hook = there.join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nprintf 'only on \\033[31mmondays\\n' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let run = sandbox.run(&["version", "--push"]).fails(6, "refs.refused", &["only on", "mondays"]);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
    assert!(sandbox.git(&["tag"]).is_empty());
    sandbox.git(&["config", "--global", "--unset", "user.email"]);
    sandbox.run(&["version", "--tag"]).fails(5, "refs.identity", &["git config user.name"]).quietly();
    sandbox.env.insert("GIT_COMMITTER_EMAIL".into(), "ci@example.com".into());
    sandbox.ok(&["version", "--tag"]).quietly();
    assert_eq!(sandbox.git(&["tag"]), "v0.1.0");
}

/// Sixteen releases of one version, three times; a hundred times in `cargo xtask campaign race`.
#[test]
fn a41_of_sixteen_releases_of_one_version_one_wins() {
    let (sandbox, there) = project();
    for round in 0..3 {
        sandbox.commit(&format!("fix: {round}"));
        sandbox.git(&["push", "-q", "origin", "main"]);
        let clones: Vec<PathBuf> = (0..16).map(|n| sandbox.dir.path().join(format!("clone-{round}-{n}"))).collect();
        for clone in &clones {
            sandbox.git(&["clone", "-q", there.to_str().unwrap(), clone.to_str().unwrap()]);
        }
        let children: Vec<_> = clones
            .iter()
            .map(|clone| {
                let mut command = sandbox.command(&["version", "--push"]);
                command.current_dir(clone).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        let runs: Vec<Run> = children.into_iter().map(|child| Run::of(&child.wait_with_output().unwrap())).collect();
        let (winners, losers): (Vec<usize>, Vec<usize>) = (0..16).partition(|n| runs[*n].exit == 0);
        let said: Vec<&str> = runs.iter().map(|run| run.stderr.as_str()).collect();
        assert_eq!(winners.len(), 1, "{said:#?}");
        for loser in losers {
            assert_eq!(runs[loser].exit, 12, "{}", runs[loser].stderr);
            assert_eq!(
                sandbox
                    .git(&["-C", clones[loser].to_str().unwrap(), "for-each-ref", "refs/tags", "refs/sealift"])
                    .lines()
                    .count(),
                round
            );
        }
        let winner = clones[winners[0]].to_str().unwrap();
        let tag = format!("v0.1.{round}");
        let here = sandbox.git(&["-C", winner, "rev-parse", &tag]);
        assert_eq!(here, sandbox.git(&["-C", there.to_str().unwrap(), "rev-parse", &tag]));
        assert_eq!(tags_there(&sandbox).len(), round + 1);
    }
}
