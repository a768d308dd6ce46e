//! Keys that other programs made.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::key::openssl;
use crate::sandbox::Sandbox;

/// Runs minisign with a passphrase on its standard input.
fn minisign(sandbox: &Sandbox, args: &[&str], passphrase: &str) {
    let mut child = Command::new("minisign")
        .args(args)
        .current_dir(sandbox.project())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("minisign is installed: cargo xtask tools");
    writeln!(child.stdin.take().unwrap(), "{passphrase}\n{passphrase}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "minisign {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn keys_of_minisign_are_taken_over() {
    let sandbox = Sandbox::empty();
    minisign(&sandbox, &["-G", "-p", "m.pub", "-s", "m.key"], "right-one");
    let private = |name: &str| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(sandbox.path(name), mode).unwrap();
    };
    private("m.key");
    sandbox.run(&["key", "show", "m.key"]).fails(11, "key.passphrase-missing", &[]).quietly();
    let mut sandbox = sandbox.env("SEALIFT_KEY_PASSWORD", "wrong-one");
    sandbox.run(&["key", "import", "m.key", "k"]).fails(11, "key.passphrase-wrong", &[]).quietly();
    sandbox.env.insert("SEALIFT_KEY_PASSWORD".into(), "right-one".into());
    sandbox.ok(&["key", "import", "m.key", "k"]).quietly();
    assert!(sandbox.read("k").contains("ENCRYPTED PRIVATE KEY"));
    let public = openssl(&sandbox, &["pkey", "-in", "k", "-passin", "pass:right-one", "-pubout"]);
    assert_eq!(public, sandbox.read("k.pub"));
    // The same key in minisign's own words, but for its name.
    assert_eq!(sandbox.ok(&["key", "public", "m.pub"]).stdout, public);
    let shown = |file: &str| sandbox.ok(&["key", "show", file]).stdout;
    assert_eq!(shown("m.pub"), shown("k.pub"));
    minisign(&sandbox, &["-G", "-W", "-p", "plain.mpub", "-s", "plain.key"], "");
    sandbox.env.remove("SEALIFT_KEY_PASSWORD");
    let (path, private) = (sandbox.path("plain.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600));
    std::fs::set_permissions(path, private).unwrap();
    sandbox.ok(&["key", "import", "plain.key", "p"]).quietly();
    assert_eq!(sandbox.ok(&["key", "public", "plain.mpub"]).stdout, sandbox.read("p.pub"));
}

/// Made with go-securesystemslib, which cosign itself uses; the passphrase is "sealed".
#[test]
fn keys_of_cosign_are_taken_over() {
    let sandbox = Sandbox::empty().env("SEALIFT_KEY_PASSWORD", "sealed");
    sandbox.write("cosign.key", include_str!("cosign.key"));
    sandbox.write("cosign.pub", include_str!("cosign.pub"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(sandbox.path("cosign.key"), mode).unwrap();
    sandbox.ok(&["key", "import", "cosign.key", "k"]).quietly();
    assert_eq!(sandbox.read("k.pub"), sandbox.read("cosign.pub"));
    let wrong = sandbox.env("SEALIFT_KEY_PASSWORD", "other");
    wrong.run(&["key", "show", "cosign.key"]).fails(11, "key.passphrase-wrong", &[]).quietly();
    wrong.write("costly.key", &{
        use base64ct::{Base64, Encoding};
        let inner = r#"{"kdf":{"name":"scrypt","params":{"N":1073741824,"r":8,"p":1},"salt":"AA=="},"cipher":{"name":"nacl/secretbox","nonce":"AAAA"},"ciphertext":"AAAA"}"#;
        format!(
            "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n{}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
            Base64::encode_string(inner.as_bytes()).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\n")
        )
    });
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(wrong.path("costly.key"), mode).unwrap();
    wrong.run(&["key", "show", "costly.key"]).fails(11, "key.other-encryption", &[]).quietly();
}
