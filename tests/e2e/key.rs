//! Keys, and openssl's opinion of them.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::sandbox::Sandbox;

mod import;
mod signer;

pub fn openssl(sandbox: &Sandbox, args: &[&str]) -> String {
    let output = Command::new("openssl").args(args).current_dir(sandbox.project()).output().unwrap();
    assert!(output.status.success(), "openssl {args:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_key_is_private_and_openssl_reads_it() {
    let sandbox = Sandbox::empty();
    sandbox.ok(&["key", "generate", "a.key"]).quietly();
    let mode = std::fs::metadata(sandbox.path("a.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(openssl(&sandbox, &["pkey", "-in", "a.key", "-pubout"]), sandbox.read("a.key.pub"));
    assert_eq!(sandbox.ok(&["key", "public", "a.key"]).stdout, sandbox.read("a.key.pub"));
    let shown = sandbox.ok(&["key", "show", "a.key"]).stdout;
    assert_eq!(shown.replace("secret", "public"), sandbox.ok(&["key", "show", "a.key.pub"]).stdout);
    let before = sandbox.read("a.key");
    sandbox.run(&["key", "generate", "a.key"]).fails(12, "key.exists", &["a.key"]).quietly();
    assert_eq!(sandbox.read("a.key"), before);
}

#[test]
fn a_passphrase_encrypts_it_as_openssl_does() {
    let sandbox = Sandbox::empty().env("SEALIFT_KEY_PASSWORD", "correct horse");
    sandbox.ok(&["key", "generate", "a.key"]).quietly();
    assert!(sandbox.read("a.key").contains("ENCRYPTED PRIVATE KEY"));
    let public = openssl(&sandbox, &["pkey", "-in", "a.key", "-passin", "pass:correct horse", "-pubout"]);
    assert_eq!(public, sandbox.read("a.key.pub"));
    let wrong = sandbox.env("SEALIFT_KEY_PASSWORD", "battery staple");
    let run = wrong.run(&["key", "public", "a.key"]);
    assert!(run.exit != 0 && run.stderr.contains("passphrase"), "{}", run.stderr);
    assert!(!run.stderr.contains("battery") && !run.stderr.contains("horse"));
}

#[test]
fn a_key_comes_from_where_the_user_says() {
    let sandbox = Sandbox::service();
    let (key, public) = sandbox.key();
    let release = ["release", "--snapshot", "--target", "linux/amd64"];
    let signed = |sandbox: &Sandbox| sandbox.ok(&["verify", "--key", &public]).quietly();
    let sandbox = sandbox.env("SEALIFT_KEY", &key);
    sandbox.ok(&release).quietly();
    signed(&sandbox);
    let pem = std::fs::read_to_string(&key).unwrap();
    let mut sandbox = sandbox.env("SEALIFT_KEY_PEM", &pem);
    sandbox.run(&release).fails(2, "key.two-sources", &[]).quietly();
    sandbox.env.remove("SEALIFT_KEY");
    std::fs::remove_dir_all(sandbox.path("dist")).unwrap();
    let run = sandbox.ok(&["release", "--snapshot", "--target", "linux/amd64", "-v", "--json"]);
    signed(&sandbox);
    let secret = pem.lines().nth(1).unwrap();
    assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret));
}
