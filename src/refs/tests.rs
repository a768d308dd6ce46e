#![allow(clippy::disallowed_methods, reason = "a test makes and looks at the files itself")]

use std::path::{Path, PathBuf};

use super::*;
use crate::error::{Fault, Kind};
use crate::host::env::Env;

/// A clone with one commit, and the bare repository that it pushes to.
struct Clone {
    dir: tempfile::TempDir,
    host: Host,
    git: Git,
    head: String,
}

impl Clone {
    fn new() -> Self {
        Self::of("sha1")
    }

    fn of(form: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (host, git) = open(dir.path(), "here");
        let mut clone = Self { dir, host, git, head: String::new() };
        clone.run(&["init", "-q", "-b", "main", "--object-format", form]);
        for (key, value) in [("user.name", "Ann"), ("user.email", "ann@example.com")] {
            clone.run(&["config", key, value]);
        }
        let remote = clone.remote().display().to_string();
        clone.run(&["init", "-q", "--bare", "-b", "main", "--object-format", form, &remote]);
        clone.run(&["remote", "add", "origin", &remote]);
        clone.head = clone.commit("first");
        clone.run(&["push", "-q", "origin", "main"]);
        clone
    }

    fn remote(&self) -> PathBuf {
        self.dir.path().join("there.git")
    }

    fn run(&self, args: &[&str]) -> String {
        self.git.text(&self.host, args.iter().copied()).unwrap().trim().to_owned()
    }

    fn there(&self, args: &[&str]) -> String {
        let git = Git::find(&self.host, &self.remote()).unwrap();
        git.text(&self.host, args.iter().copied()).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) -> String {
        self.run(&["commit", "-q", "--allow-empty", "-m", message]);
        self.run(&["rev-parse", "HEAD"])
    }

    fn hook(&self, folder: &Path, name: &str, script: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn moves(&self, names: &[&str]) -> Moves {
        let tag = |name: &&str| Tag { name: (*name).to_owned(), message: format!("{name}\n\n# Added\n\n- all of it") };
        Moves { commit: self.run(&["rev-parse", "HEAD"]), branch: None, tags: names.iter().map(tag).collect() }
    }

    fn release(&self, moves: &Moves) -> Result<Prepared, RefsError> {
        self.release_signed(moves, Signing::Configured)
    }

    fn release_signed(&self, moves: &Moves, signing: Signing) -> Result<Prepared, RefsError> {
        let writer = Writer::new(&self.host, &self.git);
        let prepared = writer.prepare(moves, Reach::Remote { branch: Some("main") }, signing)?;
        writer.perform(&prepared)?;
        Ok(prepared)
    }

    /// Every ref but the branches, here and there.
    fn refs(&self) -> (String, String) {
        let list = ["for-each-ref", "--format=%(refname)", "refs/tags", "refs/sealift"];
        (self.run(&list), self.there(&list))
    }

    #[track_caller]
    fn refuses(&self, moves: &Moves, code: &str, kind: Kind) -> RefsError {
        let (before, main) = (self.refs(), self.there(&["rev-parse", "main"]));
        let error = self.release(moves).unwrap_err();
        assert_eq!((error.code(), error.kind()), (code, kind), "{error:?}");
        assert_eq!((self.refs(), self.there(&["rev-parse", "main"])), (before, main), "nothing has moved");
        error
    }
}

fn open(dir: &Path, name: &str) -> (Host, Git) {
    let vars = [
        ("PATH", std::env::var("PATH").unwrap()),
        ("HOME", dir.display().to_string()),
        ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ("GNUPGHOME", dir.join("gnupg").display().to_string()),
    ];
    let host = Host::with_env(Env::of(dir.to_owned(), vars));
    let work = dir.join(name);
    std::fs::create_dir(&work).unwrap();
    let git = Git::find(&host, &work).unwrap();
    (host, git)
}

#[test]
fn an_annotated_tag_is_made_pushed_and_pushed_once() {
    let clone = Clone::new();
    let prepared = clone.release(&clone.moves(&["v1.0.0"])).unwrap();
    assert_eq!(prepared.tags[0].state, TagState::New);
    assert_eq!(clone.refs(), ("refs/tags/v1.0.0".into(), "refs/tags/v1.0.0".into()));
    assert_eq!(clone.there(&["cat-file", "-t", "v1.0.0"]), "tag");
    assert_eq!(clone.there(&["rev-parse", "v1.0.0^{commit}"]), clone.head);
    let says = clone.there(&["for-each-ref", "--format=%(contents)|%(taggername)", "refs/tags/v1.0.0"]);
    let (message, tagger) = says.split_once("\n\nSealift-Run: ").unwrap();
    assert_eq!(message, "v1.0.0\n\n# Added\n\n- all of it");
    assert!(tagger.ends_with("|Ann"), "{tagger}");
    let object = clone.there(&["rev-parse", "v1.0.0"]);
    let again = clone.release(&clone.moves(&["v1.0.0"])).unwrap();
    assert_eq!(again.tags[0].state, TagState::There(object.clone()));
    assert_eq!(clone.there(&["rev-parse", "v1.0.0"]), object);
}

#[test]
fn a_tag_that_is_here_is_the_one_that_is_pushed() {
    let clone = Clone::new();
    clone.run(&["tag", "v1.0.0"]);
    let prepared = clone.release(&clone.moves(&["v1.0.0"])).unwrap();
    assert_eq!(prepared.tags[0].state, TagState::Here(clone.head.clone()));
    assert_eq!(clone.there(&["rev-parse", "v1.0.0"]), clone.head);
}

#[test]
fn a_run_that_was_killed_after_its_push_is_taken_up() {
    let clone = Clone::new();
    clone.release(&clone.moves(&["v1.0.0"])).unwrap();
    // As it is between the push and the last step.
    let object = clone.run(&["rev-parse", "v1.0.0"]);
    clone.run(&["update-ref", "refs/sealift/tag/v1.0.0", &object]);
    clone.run(&["update-ref", "-d", "refs/tags/v1.0.0"]);
    let again = clone.release(&clone.moves(&["v1.0.0"])).unwrap();
    assert_eq!(again.tags[0].state, TagState::There(object.clone()));
    assert_eq!(clone.run(&["rev-parse", "v1.0.0"]), object);
    assert_eq!(clone.refs().0, "refs/tags/v1.0.0");
}

#[test]
fn a_tag_of_somebody_else_is_a_hard_stop() {
    let clone = Clone::new();
    let object = clone.there(&["rev-parse", "main"]);
    clone.there(&["update-ref", "refs/tags/v1.0.0", &object]);
    let error = clone.refuses(&clone.moves(&["v1.0.0"]), "refs.tag-taken", Kind::Conflict);
    assert!(error.hint().unwrap().contains("git fetch origin refs/tags/v1.0.0"), "the same commit: {:?}", error.hint());
    clone.commit("second");
    let error = clone.refuses(&clone.moves(&["v1.0.0"]), "refs.tag-taken", Kind::Conflict);
    assert!(error.hint().unwrap().contains("somebody else's"), "{:?}", error.hint());
    clone.run(&["tag", "v1.0.0", &clone.head]);
    clone.refuses(&clone.moves(&["v1.0.0"]), "refs.leads-elsewhere", Kind::Conflict);
}

#[test]
fn the_remote_is_asked_again_by_the_push_itself() {
    let clone = Clone::new();
    let writer = Writer::new(&clone.host, &clone.git);
    let moves = clone.moves(&["api/v1.0.0", "web/v2.0.0"]);
    let prepared = writer.prepare(&moves, Reach::Remote { branch: None }, Signing::Configured).unwrap();
    // Somebody else is faster by a moment, with one of two tags.
    clone.there(&["update-ref", "refs/tags/web/v2.0.0", &clone.head]);
    let error = writer.perform(&prepared).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("refs.tag-taken", Kind::Conflict), "{error:?}");
    assert_eq!(clone.refs(), (String::new(), "refs/tags/web/v2.0.0".into()));
}

#[test]
fn branch_and_tags_move_together_and_only_forward() {
    let clone = Clone::new();
    let bump = clone.run(&["commit-tree", "-p", "HEAD", "-m", "bump", "HEAD^{tree}"]);
    let moves = Moves { commit: bump.clone(), branch: Some("main".into()), ..clone.moves(&["v1.0.0"]) };
    let before = clone.head.clone();
    let prepared = clone.release(&moves).unwrap();
    assert_eq!(prepared.branch, Some(BranchMove { name: "main".into(), before: Some(before) }));
    assert_eq!(
        (clone.there(&["rev-parse", "main"]), clone.there(&["rev-parse", "v1.0.0^{commit}"])),
        (bump.clone(), bump.clone())
    );
    assert_eq!(clone.run(&["rev-parse", "main"]), bump);

    let stale = clone.run(&["commit-tree", "-p", &clone.head, "-m", "late", "HEAD^{tree}"]);
    let moves = Moves { commit: stale, branch: Some("main".into()), ..clone.moves(&["v1.0.1"]) };
    clone.refuses(&moves, "refs.moved-on", Kind::Conflict);
    // And when it moves on at the last moment.
    let next = clone.run(&["commit-tree", "-p", &bump, "-m", "next", "HEAD^{tree}"]);
    let moves = Moves { commit: next, branch: Some("main".into()), ..clone.moves(&["v1.0.1"]) };
    let writer = Writer::new(&clone.host, &clone.git);
    let prepared = writer.prepare(&moves, Reach::Remote { branch: None }, Signing::Configured).unwrap();
    clone.there(&["update-ref", "refs/heads/main", &clone.head]);
    let error = writer.perform(&prepared).unwrap_err();
    assert_eq!(error.code(), "refs.moved-on", "{error:?}");
    assert_eq!(clone.refs().1, "refs/tags/v1.0.0");
}

#[test]
fn a_remote_that_refuses_leaves_nothing_behind() {
    let clone = Clone::new();
    clone.hook(&clone.remote().join("hooks"), "pre-receive", "echo tags are for the release team >&2; exit 1");
    let error = clone.refuses(&clone.moves(&["v1.0.0", "api/v1.0.0"]), "refs.refused", Kind::Tool);
    assert!(error.detail().unwrap().contains("tags are for the release team"), "{:?}", error.detail());
    std::fs::remove_file(clone.remote().join("hooks/pre-receive")).unwrap();
    // One of two: the other does not move either.
    clone.hook(&clone.remote().join("hooks"), "update", "case $1 in refs/tags/api/*) exit 1;; esac");
    clone.refuses(&clone.moves(&["v1.0.0", "api/v1.0.0"]), "refs.refused", Kind::Tool);
    clone.release(&clone.moves(&["v1.0.0"])).unwrap();
}

#[test]
fn hooks_here_run_and_their_words_are_shown() {
    let clone = Clone::new();
    let hooks = clone.dir.path().join("here/.git/hooks");
    clone.hook(&hooks, "pre-push", "echo not on a friday >&2; exit 1");
    let error = clone.refuses(&clone.moves(&["v1.0.0"]), "refs.push", Kind::Tool);
    assert!(error.detail().unwrap().contains("not on a friday"));
    std::fs::remove_file(hooks.join("pre-push")).unwrap();
    clone.hook(
        &hooks,
        "reference-transaction",
        "case \"$1\" in prepared) grep -q refs/tags/ && { echo frozen >&2; exit 1; };; esac; exit 0",
    );
    let error = clone.refuses(&clone.moves(&["v1.0.0"]), "refs.tag", Kind::Tool);
    assert!(error.detail().unwrap().contains("frozen"), "{:?}", error.detail());
}

/// Whoever looks, or kills the run, while a tag is on its way sees none: commits would count from it.
#[test]
fn a_tag_is_not_there_before_the_remote_has_it() {
    let clone = Clone::new();
    let seen = clone.dir.path().join("seen");
    let look = format!("git tag --list >{}; git for-each-ref refs/sealift >>{0}", seen.display());
    clone.hook(&clone.dir.path().join("here/.git/hooks"), "pre-push", &look);
    clone.release(&clone.moves(&["v1.0.0"])).unwrap();
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.lines().count() == 1 && seen.contains("tag\trefs/sealift/tag/v1.0.0"), "{seen:?}");
    assert_eq!(clone.run(&["tag"]), "v1.0.0");
    assert_eq!(clone.run(&["for-each-ref", "refs/sealift"]), "");
    let text = clone.run(&["cat-file", "tag", "v1.0.0"]);
    assert!(text.contains("\ntag v1.0.0\n") && text.contains("Sealift-Run: "), "{text}");
}

#[test]
fn who_nobody_knows_makes_no_tag() {
    let clone = Clone::new();
    clone.run(&["config", "--unset", "user.email"]);
    let error = clone.refuses(&clone.moves(&["v1.0.0"]), "refs.identity", Kind::Repository);
    assert!(error.hint().unwrap().contains("git config user.name"));
    assert!(!error.detail().unwrap().is_empty());
}

#[test]
fn without_a_key_nothing_is_signed_and_nothing_pushed() {
    let clone = Clone::new();
    for format in ["openpgp", "ssh"] {
        clone.run(&["config", "gpg.format", format]);
        clone.run(&["config", "tag.gpgSign", "true"]);
        clone.run(&["config", "user.signingKey", "/no/such/key"]);
        let error = clone.refuses(&clone.moves(&["v1.0.0"]), "refs.signing", Kind::Tool);
        assert!(error.hint().unwrap().contains("user.signingKey"), "{format}");
        assert!(!error.detail().unwrap().is_empty(), "{format}");
    }
    clone.release_signed(&clone.moves(&["v1.0.0"]), Signing::Off).unwrap();
    assert!(!clone.there(&["cat-file", "-p", "v1.0.0"]).contains("BEGIN"));
}

#[test]
fn a_tag_is_signed_as_git_is_told_to_and_git_verifies_it() {
    let clone = Clone::new();
    let key = clone.dir.path().join("key");
    let keygen = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ann@example.com", "-f"])
        .arg(&key)
        .status()
        .expect("ssh-keygen belongs to the tests");
    assert!(keygen.success());
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let signers = clone.dir.path().join("signers");
    std::fs::write(&signers, format!("ann@example.com {public}")).unwrap();
    clone.run(&["config", "gpg.format", "ssh"]);
    clone.run(&["config", "gpg.ssh.allowedSignersFile", signers.to_str().unwrap()]);
    clone.run(&["config", "user.signingKey", key.to_str().unwrap()]);
    clone.release_signed(&clone.moves(&["v1.0.0"]), Signing::Required).unwrap();
    clone.run(&["config", "tag.gpgSign", "true"]);
    clone.release(&clone.moves(&["v1.0.1"])).unwrap();
    for tag in ["v1.0.0", "v1.0.1"] {
        assert!(clone.there(&["cat-file", "-p", tag]).contains("BEGIN SSH SIGNATURE"), "{tag}");
        clone.run(&["verify-tag", tag]);
    }
}

#[test]
fn a_remote_that_is_not_there_is_named() {
    let clone = Clone::new();
    clone.run(&["config", "remote.pushDefault", "upstream"]);
    let error = clone.refuses(&clone.moves(&["v1.0.0"]), "refs.no-remote", Kind::Repository);
    assert!(error.to_string().contains("upstream"));
    clone.run(&["config", "--unset", "remote.pushDefault"]);
    let away = clone.dir.path().join("away.git");
    std::fs::rename(clone.remote(), &away).unwrap();
    let error = clone.release(&clone.moves(&["v1.0.0"])).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("refs.unreachable", Kind::Network));
    assert_eq!(clone.run(&["tag"]), "");
    std::fs::rename(&away, clone.remote()).unwrap();
    clone.run(&["remote", "set-url", "--add", "--push", "origin", "a"]);
    clone.run(&["remote", "set-url", "--add", "--push", "origin", "b"]);
    clone.refuses(&clone.moves(&["v1.0.0"]), "refs.several-addresses", Kind::Repository);
}

#[test]
fn a_remote_that_goes_away_in_the_middle_gets_the_same_tag_later() {
    let clone = Clone::new();
    let away = clone.dir.path().join("away.git");
    let hook = format!("mv {} {}; exit 1", clone.remote().display(), away.display());
    clone.hook(&clone.dir.path().join("here/.git/hooks"), "pre-push", &hook);
    let error = clone.release(&clone.moves(&["v1.0.0"])).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("refs.unknown", Kind::Network), "{error:?}");
    assert_eq!(clone.run(&["tag"]), "");
    let waiting = clone.run(&["rev-parse", "refs/sealift/tag/v1.0.0"]);
    // It had arrived.
    std::fs::rename(&away, clone.remote()).unwrap();
    std::fs::remove_file(clone.dir.path().join("here/.git/hooks/pre-push")).unwrap();
    clone.run(&["push", "-q", "origin", "refs/sealift/tag/v1.0.0:refs/tags/v1.0.0"]);
    clone.release(&clone.moves(&["v1.0.0"])).unwrap();
    assert_eq!(clone.run(&["rev-parse", "v1.0.0"]), waiting);
}

#[test]
fn names_that_are_commands_are_only_names() {
    let clone = Clone::new();
    for name in ["$(touch${IFS}pwned)", "`touch${IFS}pwned`", "a;touch${IFS}pwned", "-d"] {
        clone.run(&["update-ref", &format!("refs/heads/{name}"), "HEAD"]);
        clone.run(&["symbolic-ref", "HEAD", &format!("refs/heads/{name}")]);
        let writer = Writer::new(&clone.host, &clone.git);
        let bump = clone.run(&["commit-tree", "-p", "HEAD", "-m", name, "HEAD^{tree}"]);
        let tag = format!("{name}/v1.0.0");
        let moves = Moves { commit: bump.clone(), branch: Some(name.into()), ..clone.moves(&[&tag]) };
        let prepared = writer.prepare(&moves, Reach::Remote { branch: Some(name) }, Signing::Configured);
        if name.starts_with('-') {
            assert_eq!(writer.perform(&prepared.unwrap()).unwrap_err().code(), "refs.tag");
            continue;
        }
        writer.perform(&prepared.unwrap()).unwrap();
        assert_eq!(clone.there(&["rev-parse", &format!("refs/heads/{name}")]), bump);
    }
    // A line feed is in no ref's name: git refuses it, and what follows it is no order to `git update-ref`.
    let moves = clone.moves(&["v1\ndelete refs/heads/main"]);
    assert_eq!(clone.release(&moves).unwrap_err().code(), "refs.tag");
    assert_eq!(clone.there(&["rev-parse", "main"]), clone.head);
    for dir in [clone.dir.path().to_owned(), clone.dir.path().join("here"), clone.remote()] {
        assert!(!dir.join("pwned").exists());
    }
}

#[test]
fn a_tag_for_this_repository_alone_needs_no_remote() {
    let clone = Clone::new();
    clone.run(&["remote", "remove", "origin"]);
    let writer = Writer::new(&clone.host, &clone.git);
    let prepared = writer.prepare(&clone.moves(&["v1.0.0"]), Reach::Here, Signing::Configured).unwrap();
    writer.perform(&prepared).unwrap();
    assert_eq!(clone.refs(), ("refs/tags/v1.0.0".into(), String::new()));
    let again = writer.prepare(&clone.moves(&["v1.0.0"]), Reach::Here, Signing::Configured).unwrap();
    assert!(matches!(again.tags[0].state, TagState::There(_)));
}

mod commit;
