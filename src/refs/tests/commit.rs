//! The commit in which files name the version, and tags that the key of releases signs.

use sealift_trust::sshsig;
use sealift_trust::{DetachedError, SecretKey};

use super::*;
use crate::refs::{Held, NewCommit, Worktree};
use crate::version::Edit;

impl Clone {
    fn edits(&self) -> Vec<Edit> {
        let edit = |path: &str, before: Option<&str>, after: &str| {
            Edit::of(path.parse().unwrap(), before, after.to_owned(), "version 1.0.0").unwrap()
        };
        vec![edit("run.sh", Some("v0\n"), "v1\n"), edit("deep/a [x].txt", None, "")]
    }

    fn bumped(&self, signing: Signing) -> Result<String, RefsError> {
        let head = self.run(&["rev-parse", "HEAD"]);
        let edits = self.edits();
        let new = NewCommit {
            parent: &head,
            time: 1_780_000_000,
            message: "chore(release): 1.0.0",
            edits: &edits,
            folder: "",
        };
        Writer::new(&self.host, &self.git).commit(&new, signing, &self.dir.path().join("index"))
    }
}

fn with_a_script() -> Clone {
    let clone = Clone::new();
    let script = clone.dir.path().join("here/run.sh");
    std::fs::write(&script, "v0\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    clone.run(&["add", "-A"]);
    clone.commit("script");
    clone
}

#[test]
fn a_commit_is_made_beside_tree_and_index_and_is_the_same_every_time() {
    let clone = with_a_script();
    let before = (clone.run(&["status", "--porcelain=v2", "--branch"]), clone.run(&["for-each-ref"]));
    let id = clone.bumped(Signing::Configured).unwrap();
    assert_eq!((clone.run(&["status", "--porcelain=v2", "--branch"]), clone.run(&["for-each-ref"])), before);
    assert_eq!(clone.bumped(Signing::Configured).unwrap(), id, "the same edits on the same commit");
    let listed = clone.run(&["ls-tree", "-r", "--format=%(objectmode) %(path)", &id]);
    assert_eq!(listed, "100644 deep/a [x].txt\n100755 run.sh", "modes stay");
    assert_eq!(clone.run(&["show", &format!("{id}:run.sh")]), "v1");
    assert_eq!(
        clone.run(&["log", "-1", "--format=%P %s %an %at", &id]),
        format!("{} chore(release): 1.0.0 Ann 1780000000", clone.run(&["rev-parse", "HEAD"]))
    );
    let name = "refs/sealift/commit/v1.0.0";
    let mut held = Held::take(&clone.host, &clone.git, &id, "v1.0.0").unwrap();
    assert_eq!(clone.run(&["rev-parse", name]), id);
    held.keep();
    drop(held);
    assert_eq!(clone.run(&["rev-parse", name]), id, "kept for whoever pushes it");
    drop(Held::take(&clone.host, &clone.git, &id, "v1.0.0").unwrap());
    assert_eq!(clone.run(&["for-each-ref"]), before.1);
}

#[test]
fn a_branch_that_is_checked_out_follows_and_one_that_cannot_leaves_no_tag() {
    let clone = with_a_script();
    let id = clone.bumped(Signing::Configured).unwrap();
    let moves = Moves { commit: id.clone(), branch: Some("main".into()), ..clone.moves(&["v1.0.0", "lib/v1.0.0"]) };
    let writer = Writer::new(&clone.host, &clone.git);
    let prepared = writer.prepare(&moves, Reach::Here, Signing::Configured).unwrap();
    // Somebody edits the file meanwhile: git does not overwrite it.
    let script = clone.dir.path().join("here/run.sh");
    std::fs::write(&script, "mine\n").unwrap();
    let error = writer.perform(&prepared).unwrap_err();
    assert_eq!((error.code(), clone.refs().0.as_str()), ("refs.follow", ""), "{error:?}");
    std::fs::write(&script, "v0\n").unwrap();
    writer.perform(&prepared).unwrap();
    assert_eq!(
        clone.run(&["rev-parse", "main", "v1.0.0^{commit}", "lib/v1.0.0^{commit}"]),
        format!("{id}\n{id}\n{id}")
    );
    assert_eq!(
        (std::fs::read_to_string(&script).unwrap().as_str(), clone.run(&["status", "--porcelain"]).as_str()),
        ("v1\n", "")
    );
    // A branch that has gone elsewhere is not moved.
    clone.run(&["checkout", "-q", "--detach", &clone.head]);
    let other = clone.run(&["commit-tree", "-p", &clone.head, "-m", "x", "HEAD^{tree}"]);
    let moves = Moves { commit: other, branch: Some("main".into()), ..clone.moves(&["v2.0.0"]) };
    let error = writer.prepare(&moves, Reach::Here, Signing::Configured).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("refs.moved-on", Kind::Conflict));
}

#[test]
fn a_commit_is_signed_where_git_is_told_to() {
    let clone = with_a_script();
    let key = clone.dir.path().join("key");
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.expect("ssh-keygen belongs to the tests").success());
    for (name, value) in [("gpg.format", "ssh"), ("commit.gpgSign", "true"), ("user.signingKey", key.to_str().unwrap())]
    {
        clone.run(&["config", name, value]);
    }
    let header = |id: &str| clone.run(&["cat-file", "commit", id]).contains("gpgsig");
    assert!(header(&clone.bumped(Signing::Configured).unwrap()));
    assert!(!header(&clone.bumped(Signing::Off).unwrap()));
    clone.run(&["config", "user.signingKey", "/no/such/key"]);
    assert_eq!(clone.bumped(Signing::Configured).unwrap_err().code(), "refs.signing");
}

#[test]
fn a_worktree_has_the_commit_with_its_submodules_and_leaves_no_trace() {
    let clone = with_a_script();
    let other = clone.dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let inner = Git::find(&clone.host, &other).unwrap();
    let run = |args: &[&str]| inner.text(&clone.host, args.iter().copied()).unwrap();
    run(&["init", "-q", "-b", "main"]);
    std::fs::write(other.join("lib.txt"), "lib").unwrap();
    run(&["add", "-A"]);
    run(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "lib"]);
    clone.run(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        other.to_str().unwrap(),
        "vendor/lib",
    ]);
    clone.commit("submodule");
    let id = clone.bumped(Signing::Configured).unwrap();
    let before = clone.run(&["worktree", "list"]);
    let stage = clone.dir.path().join("stage");
    std::fs::create_dir(&stage).unwrap();
    let top = clone.dir.path().join("here");
    let worktree = Worktree::lay(&clone.host, &top, &id, &stage).unwrap();
    let folder = worktree.folder().to_owned();
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!((read("run.sh").as_str(), read("vendor/lib/lib.txt").as_str()), ("v1\n", "lib"));
    let history = crate::history::read(&clone.host, &Git::find(&clone.host, &folder).unwrap(), &[]).unwrap();
    assert_eq!((history.head.id, history.changes), (id.clone(), Vec::<String>::new()));
    drop(worktree);
    assert!(!folder.exists());
    assert_eq!(clone.run(&["worktree", "list"]), before);
    // A run that was killed: its folder has gone with its stage.
    std::mem::forget(Worktree::lay(&clone.host, &top, &id, &stage).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    drop(Worktree::lay(&clone.host, &top, &id, &stage).unwrap());
    assert_eq!(clone.run(&["worktree", "list"]), before);
}

/// Tags by keys of every kind, in repositories of both kinds: git itself is the judge.
#[test]
fn a_tag_by_the_key_of_releases_is_one_that_git_verifies() {
    let secrets = [SecretKey::generate(&[7; 32].into()), SecretKey::generate_ecdsa(&[7; 32].into()).unwrap(), rsa()];
    for (secret, form) in secrets.iter().zip(["sha1", "sha256", "sha1"]) {
        let clone = Clone::of(form);
        let signers = clone.dir.path().join("signers");
        std::fs::write(&signers, format!("releases namespaces=\"git\" {}", sshsig::public_text(&secret.public())))
            .unwrap();
        clone.run(&["config", "gpg.format", "ssh"]);
        clone.run(&["config", "gpg.ssh.allowedSignersFile", signers.to_str().unwrap()]);
        let sign = |text: &[u8]| -> Result<String, Failure> {
            let sign = |bytes: &[u8]| Ok::<_, DetachedError>(secret.sign(bytes)?);
            Ok(sshsig::sign_for_git(text, &secret.public(), sign).expect("a key in memory signs"))
        };
        let writer = Writer::new(&clone.host, &clone.git).with_signer(Some(&sign));
        let moves = clone.moves(&["v1.0.0", "api/v1.0.0"]);
        let prepared = writer.prepare(&moves, Reach::Remote { branch: Some("main") }, Signing::Key).unwrap();
        writer.perform(&prepared).unwrap();
        for tag in ["v1.0.0", "api/v1.0.0"] {
            clone.run(&["verify-tag", tag]);
            assert_eq!(clone.there(&["rev-parse", &format!("{tag}^{{commit}}")]), clone.head);
        }
        // Another tag with this signature, and this tag with another key.
        let text = clone.run(&["cat-file", "tag", "v1.0.0"]) + "\n";
        let input = |text: &str| {
            let made = clone.host.run_with_input(&clone.git.command(["mktag"]), text.as_bytes()).unwrap();
            String::from_utf8(made.stdout).unwrap().trim().to_owned()
        };
        let refused = |name: &str| clone.git.text(&clone.host, ["verify-tag", name]).is_err();
        assert!(refused(&input(&text.replace("all of it", "all of me"))));
        assert!(!refused(&input(&text)));
        let other = SecretKey::generate(&[8; 32].into()).public();
        std::fs::write(&signers, format!("releases {}", sshsig::public_text(&other))).unwrap();
        assert!(refused("v1.0.0"));
        // What is no name is no line of the object.
        let evil = clone.moves(&["v2\nobject 0"]);
        let prepared = writer.prepare(&evil, Reach::Here, Signing::Key).unwrap();
        assert_eq!(writer.perform(&prepared).unwrap_err().code(), "refs.tag");
    }
}

fn rsa() -> SecretKey {
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"])
        .output()
        .expect("openssl belongs to the tests");
    SecretKey::from_pem(&String::from_utf8(made.stdout).unwrap(), None).unwrap()
}

/// The agent of gpg, which outlives the programs that start it.
struct Agent(PathBuf);

impl Agent {
    fn run(&self, program: &str, args: &[&str]) {
        let output = std::process::Command::new(program).args(args).env("GNUPGHOME", &self.0).output();
        let output = output.unwrap_or_else(|error| panic!("{program} belongs to the tests: {error}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.run("gpgconf", &["--kill", "all"]);
    }
}

#[test]
fn gpg_signs_where_git_is_told_to() {
    let clone = Clone::new();
    let agent = Agent(clone.dir.path().join("gnupg"));
    std::fs::create_dir(&agent.0).unwrap();
    std::fs::set_permissions(&agent.0, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let words = [
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-generate-key",
        "Ann <ann@example.com>",
        "ed25519",
        "sign",
        "never",
    ];
    agent.run("gpg", &words);
    clone.run(&["config", "user.signingKey", "ann@example.com"]);
    clone.release_signed(&clone.moves(&["v1.0.0"]), Signing::Required).unwrap();
    clone.run(&["config", "tag.gpgSign", "true"]);
    clone.release(&clone.moves(&["v1.0.1"])).unwrap();
    for tag in ["v1.0.0", "v1.0.1"] {
        assert!(clone.there(&["cat-file", "-p", tag]).contains("BEGIN PGP SIGNATURE"), "{tag}");
        Writer::new(&clone.host, &clone.git).text(["verify-tag", tag]).unwrap();
    }
}
