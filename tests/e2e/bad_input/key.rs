//! Keys that cannot be used: refused before anything is compiled, and an earlier release stays.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{MAIN, Released};
use crate::sandbox::Run;

struct Keys {
    released: Released,
}

impl Keys {
    fn new() -> Self {
        let keys = Self { released: Released::new() };
        // There is something to do, so that a key that is let through would show.
        keys.released.change("by another key");
        keys
    }

    fn path(&self, name: &str) -> String {
        self.released.sandbox.dir.path().join(name).display().to_string()
    }

    fn openssl(&self, args: &[&str], out: &str) -> String {
        let out = self.path(out);
        let output = Command::new("openssl").args(args).args(["-out", &out]).output().expect("openssl is on PATH");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        set_mode(&out, 0o600);
        out
    }

    fn text(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        set_mode(&self.path(name), 0o600);
        self.path(name)
    }

    #[track_caller]
    fn refused(&self, path: &str, exit: i32, code: &str, hint: &str) {
        self.refused_with(path, None, exit, code, hint);
    }

    #[track_caller]
    fn refused_with(&self, path: &str, passphrase: Option<&str>, exit: i32, code: &str, hint: &str) {
        let mut command = self.released.sandbox.command(&["release", "--snapshot", "--key", path]);
        if let Some(passphrase) = passphrase {
            command.env("SEALIFT_KEY_PASSWORD", passphrase);
        }
        let run = Run::of(&command.output().unwrap()).fails(exit, code, &[path]).hints(hint);
        assert!(!run.stderr.contains("build m linux/amd64"), "nothing is compiled before: {}", run.stderr);
        for secret in passphrase.into_iter().chain(["PRIVATE KEY--"]) {
            assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret), "{}", run.stderr);
        }
        self.released.nothing_is_lost();
    }
}

fn set_mode(path: &str, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn keys_of_another_kind() {
    let keys = Keys::new();
    let curve = keys.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "ec.pem");
    keys.refused(&curve, 11, "key.other-algorithm", "openssl genpkey -algorithm ed25519");
    let exchange = keys.openssl(&["genpkey", "-algorithm", "X25519"], "x.pem");
    keys.refused(&exchange, 11, "key.other-algorithm", "openssl genpkey -algorithm ed25519");
    let small = keys.openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "small.pem");
    keys.refused(&small, 11, "key.damaged", "");
    let old = keys.openssl(&["genrsa", "-traditional"], "old.pem");
    keys.refused(&old, 11, "key.old-form", "openssl pkcs8 -topk8");
    let ed = keys.openssl(&["genpkey", "-algorithm", "ed25519"], "ed.pem");
    let public = keys.openssl(&["pkey", "-in", &ed, "-pubout"], "ed.pub");
    keys.refused(&public, 11, "key.secret-wanted", "");
    let boxed = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
    keys.refused(&keys.text("cosign.key", boxed), 11, "key.passphrase-missing", "SEALIFT_KEY_PASSWORD");
    keys.refused(&keys.text("text.key", MAIN), 11, "key.not-pem", "openssl genpkey -algorithm ed25519");
    keys.refused(&keys.text("empty.key", ""), 11, "key.not-pem", "openssl genpkey -algorithm ed25519");
    let pem = std::fs::read_to_string(&ed).unwrap();
    keys.refused(&keys.text("two.key", &format!("{pem}{pem}")), 11, "key.several-blocks", "");
    keys.refused(&keys.text("cut.key", &pem.replace("MC4C", "MC4")), 11, "key.damaged", "");
    // A key that openssl made is a good one.
    keys.released.sandbox.ok(&["release", "--snapshot", "--key", &ed]).quietly();
    keys.released.sandbox.ok(&["verify", "dist", "--key", &public]).quietly();
}

#[test]
fn key_files_that_cannot_or_must_not_be_read() {
    let keys = Keys::new();
    let key = keys.path("release.key");
    let absent = keys.path("absent.key");
    keys.refused(&absent, 3, "key.absent", &format!("sealift key generate {absent}"));
    keys.refused(&keys.path("home"), 3, "key.not-a-file", "SEALIFT_KEY_PEM");
    for mode in [0o644, 0o640, 0o604, 0o620] {
        set_mode(&key, mode);
        keys.refused(&key, 3, "key.permissions", &format!("chmod 600 {key}"));
    }
    set_mode(&key, 0o600);
    let link = keys.path("link.key");
    std::os::unix::fs::symlink(&key, &link).unwrap();
    set_mode(&key, 0o644);
    // Where it leads is what counts.
    keys.refused(&link, 3, "key.permissions", "chmod 600");
    set_mode(&key, 0o000);
    let run = keys.released.bound_release().fails(6, "file.permission", &[&key]).hints("readable");
    assert!(!run.stderr.contains("build m linux/amd64"), "{}", run.stderr);
    keys.released.nothing_is_lost();
    set_mode(&key, 0o600);
    assert!(Path::new(&key).exists());
    keys.released.recovers();
}

#[test]
fn passphrases() {
    let keys = Keys::new();
    let args = ["genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", "pass:right-one"];
    let locked = keys.openssl(&args, "locked.key");
    keys.refused(&locked, 11, "key.passphrase-missing", "SEALIFT_KEY_PASSWORD");
    keys.refused_with(&locked, Some("wrong-one"), 11, "key.passphrase-wrong", "SEALIFT_KEY_PASSWORD");
    keys.refused_with(&locked, Some("right-one "), 11, "key.passphrase-wrong", "SEALIFT_KEY_PASSWORD");
    let mut command = keys.released.sandbox.command(&["release", "--snapshot", "--key", &locked]);
    let run = Run::of(&command.env("SEALIFT_KEY_PASSWORD", "right-one").output().unwrap());
    assert_eq!(run.exit, 0, "{}", run.stderr);
}

#[test]
fn the_key_on_the_command_line_is_the_one_that_counts() {
    let keys = Keys::new();
    let other = keys.openssl(&["genpkey", "-algorithm", "ed25519"], "other.key");
    let mut command = keys.released.sandbox.command(&["release", "--snapshot", "--key", &keys.path("release.key")]);
    let run = Run::of(&command.env("SEALIFT_KEY", &other).output().unwrap());
    assert_eq!(run.exit, 0, "{}", run.stderr);
    keys.released.sandbox.ok(&["verify", "dist", "--key", &keys.path("release.key.pub")]).quietly();
    // Without it, two variables that both name a key are one too many.
    let mut command = keys.released.sandbox.command(&["release", "--snapshot"]);
    command.env("SEALIFT_KEY", &other).env("SEALIFT_KEY_PEM", std::fs::read_to_string(&other).unwrap());
    let run = Run::of(&command.output().unwrap()).fails(2, "key.two-sources", &[]).hints("unset");
    assert!(!run.stderr.contains("PRIVATE"), "{}", run.stderr);
}
