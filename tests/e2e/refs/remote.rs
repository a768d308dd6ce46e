//! Remotes as they are: somebody else pushes at the same moment, and who asks is asked for a password.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{project, tags_there};
use crate::modules::origin::{HOST, Origin, PASSWORD, USER};
use crate::sandbox::{Run, Sandbox};

const PUSH: &[&str] = &["version", "--tag", "--push"];

/// Sealift in a clone.
fn run(sandbox: &Sandbox, clone: &Path, words: &[&str]) -> Run {
    Run::of(&sandbox.command(words).current_dir(clone).output().unwrap())
}

/// Two runs for two commits of one branch want the same prerelease: the loser is refused, and a rerun counts on.
#[test]
fn two_runs_for_one_prerelease_and_the_loser_takes_the_next() {
    let (sandbox, there) = project();
    let go = crate::sandbox::go_version();
    sandbox.write("go.mod", &format!("module example.com/service/v3\n\ngo {go}\n"));
    sandbox.commit("feat: something");
    sandbox.git(&["tag", "-am", "2.4.0", "v2.4.0"]);
    sandbox.git(&["checkout", "-q", "-b", "develop"]);
    sandbox.commit("feat!: another way");
    sandbox.git(&["push", "-q", "origin", "main", "develop", "v2.4.0"]);
    let clones: Vec<PathBuf> = ["ann", "ben"].iter().map(|name| sandbox.dir.path().join(name)).collect();
    let git = |clone: &Path, words: &[&str]| sandbox.git(&[&["-C", clone.to_str().unwrap()], words].concat());
    for clone in &clones {
        sandbox.git(&["clone", "-q", "-b", "develop", there.to_str().unwrap(), clone.to_str().unwrap()]);
        git(clone, &["commit", "-q", "--allow-empty", "-m", &format!("fix: of {}", clone.display())]);
    }
    let start = |clone: &PathBuf| {
        let mut command = sandbox.command(PUSH);
        command.current_dir(clone).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = clones.iter().map(start).collect();
    let runs: Vec<Run> = children.into_iter().map(|child| Run::of(&child.wait_with_output().unwrap())).collect();
    let said = || runs.iter().map(|run| run.stderr.as_str()).collect::<Vec<_>>();
    let won = runs.iter().position(|run| run.exit == 0).unwrap_or_else(|| panic!("{:#?}", said()));
    let lost = 1 - won;
    assert_eq!((runs[won].stdout.as_str(), runs[lost].exit), ("3.0.0-dev.1\n", 12), "{:#?}", said());
    assert!(runs[lost].stderr.contains("git fetch --tags"), "{}", runs[lost].stderr);
    let (winner, loser) = (clones[won].as_path(), clones[lost].as_path());
    let commit = git(winner, &["rev-parse", "HEAD"]);
    let leads = |name: &str| git(&there, &["rev-parse", &format!("{name}^{{commit}}")]);
    assert_eq!((leads("v3.0.0-dev.1"), tags_there(&sandbox).len()), (commit, 2));
    assert_eq!(git(loser, &["for-each-ref", "refs/tags", "refs/sealift"]).lines().count(), 1, "v2.4.0 alone");
    // Again without a look at what the winner did: still refused. With it, the next number.
    run(&sandbox, loser, PUSH).fails(12, "refs.tag-taken", &["v3.0.0-dev.1"]).quietly();
    git(winner, &["push", "-q", "origin", "develop"]);
    git(loser, &["fetch", "-q", "--tags", "origin"]);
    assert_eq!(run(&sandbox, loser, &["version"]).stdout, "3.0.0-dev.2\n", "a number is given once");
    git(loser, &["merge", "-q", "-m", "Merge branch 'develop'", "origin/develop"]);
    let again = run(&sandbox, loser, PUSH);
    assert_eq!((again.exit, again.stdout.as_str()), (0, "3.0.0-dev.2\n"), "{}", again.stderr);
    assert_eq!(leads("v3.0.0-dev.2"), git(loser, &["rev-parse", "HEAD"]));
    assert_eq!(tags_there(&sandbox), ["refs/tags/v2.4.0", "refs/tags/v3.0.0-dev.1", "refs/tags/v3.0.0-dev.2"]);
}

/// A service whose files name its version, so that branch and tag move, and a host that lets nobody write without a name.
fn hosted(origin: &Origin) -> (Sandbox, PathBuf) {
    let (mut sandbox, there) = project();
    sandbox.write("version.txt", "0.0.0\n");
    sandbox.write("sealift.toml", "[version]\nfiles = { \"version.txt\" = \"{version}\" }\n");
    sandbox.commit("feat: it says its version");
    sandbox.git(&["push", "-q", "origin", "main"]);
    let bare = origin.repository("team/service.git");
    std::fs::create_dir_all(bare.parent().unwrap()).unwrap();
    std::fs::rename(&there, &bare).unwrap();
    sandbox.git(&["remote", "set-url", "origin", &format!("https://{HOST}/team/service.git")]);
    for (name, value) in [("HTTPS_PROXY", origin.proxy()), ("GIT_SSL_CAINFO", origin.authority())] {
        sandbox.env.insert(name.into(), value);
    }
    (sandbox, bare)
}

/// Has the clone ask a helper, which notes what it is asked.
fn helper(sandbox: &Sandbox, password: &str) {
    let asked = sandbox.dir.path().join("asked").display().to_string();
    let helper = format!("!f() {{ echo \"$1\" >>'{asked}'; echo username={USER}; echo password={password}; }}; f");
    sandbox.git(&["config", "credential.helper", &helper]);
}

/// Everything that a push could move.
fn refs(sandbox: &Sandbox, bare: &Path) -> [String; 4] {
    let there = bare.to_str().unwrap();
    [
        sandbox.git(&["-C", there, "for-each-ref"]),
        sandbox.git(&["for-each-ref"]),
        sandbox.git(&["status", "--porcelain"]),
        sandbox.git(&["rev-parse", "HEAD"]),
    ]
}

#[test]
fn a_push_over_https_has_the_credentials_of_gits_helper() {
    let origin = Origin::start();
    let (sandbox, bare) = hosted(&origin);
    let before = refs(&sandbox, &bare);
    let refused = |sandbox: &Sandbox| {
        let run = sandbox.run(PUSH).fails(7, "refs.unreachable", &["origin", "git's credentials"]);
        assert!(!run.stderr.contains(PASSWORD) && !run.stderr.contains("wrong-word"), "{}", run.stderr);
        assert!(origin.requests().iter().all(|line| line.starts_with("401")));
        assert_eq!(refs(sandbox, &bare), before);
    };
    refused(&sandbox);
    helper(&sandbox, "wrong-word");
    refused(&sandbox);
    helper(&sandbox, PASSWORD);
    let run = sandbox.ok(PUSH);
    assert_eq!(run.stdout, "0.1.0\n");
    let commit = sandbox.git(&["rev-parse", "HEAD"]);
    let leads = |name: &str| sandbox.git(&["-C", bare.to_str().unwrap(), "rev-parse", &format!("{name}^{{commit}}")]);
    assert_eq!((leads("refs/heads/main"), leads("refs/tags/v0.1.0")), (commit.clone(), commit));
    assert_ne!(before[3], sandbox.git(&["rev-parse", "HEAD"]), "the commit that names the version");
    let requests = origin.requests();
    assert!(requests.iter().any(|line| line == "200 POST /team/service.git/git-receive-pack"), "{requests:?}");
    let asked = std::fs::read_to_string(sandbox.dir.path().join("asked")).unwrap();
    assert!(asked.lines().any(|line| line == "get"), "{asked}");
    assert!(![run.stderr, sandbox.read(".sealift/version.json")].iter().any(|text| text.contains(PASSWORD)));
}

/// Whom everybody may read from, not everybody may push to.
#[test]
fn a_push_to_a_public_host_without_credentials_moves_nothing() {
    let origin = Origin::public();
    let (sandbox, bare) = hosted(&origin);
    let before = refs(&sandbox, &bare);
    sandbox.ok(&["version", "--tag", "--push", "--dry-run"]).quietly();
    sandbox.run(PUSH).fails(6, "refs.push", &["could not read Username"]).quietly();
    assert_eq!(refs(&sandbox, &bare), before);
    assert!(origin.requests().iter().any(|line| line.starts_with("401 GET")));
    helper(&sandbox, PASSWORD);
    sandbox.ok(PUSH).quietly();
    assert!(refs(&sandbox, &bare)[0].contains("refs/tags/v0.1.0"));
}
