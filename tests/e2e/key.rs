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

/// The two commands as the documentation has them, with keys that sealift wrote: `private.key` and `public.key`.
#[test]
fn openssl_signs_with_our_keys_and_verifies_word_for_word() {
    let (none, phrase) = (Sandbox::empty, || Sandbox::empty().env("SEALIFT_KEY_PASSWORD", "correct horse"));
    for (sandbox, is_rsa) in [(none(), false), (phrase(), false), (none(), true), (phrase(), true)] {
        if is_rsa {
            openssl(
                &sandbox,
                &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "made.pem"],
            );
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(sandbox.path("made.pem"), private).unwrap();
            sandbox.ok(&["key", "import", "made.pem", "private.key"]).quietly();
        } else {
            sandbox.ok(&["key", "generate", "--type", "ecdsa-p256", "private.key"]).quietly();
        }
        std::fs::rename(sandbox.path("private.key.pub"), sandbox.path("public.key")).unwrap();
        let is_encrypted = sandbox.env.contains_key("SEALIFT_KEY_PASSWORD");
        assert_eq!(sandbox.read("private.key").contains("ENCRYPTED"), is_encrypted);
        sandbox.write("app.bin", "a program\n");
        let passphrase: &[&str] = if is_encrypted { &["-passin", "pass:correct horse"] } else { &[] };
        let sign = ["dgst", "-sha256", "-sign", "private.key", "-out", "app.bin.sig", "app.bin"];
        openssl(&sandbox, &[&sign[..1], passphrase, &sign[1..]].concat());
        let verify = ["dgst", "-sha256", "-verify", "public.key", "-signature", "app.bin.sig", "app.bin"];
        assert!(openssl(&sandbox, &verify).contains("Verified OK"));
        sandbox.ok(&["verify", "app.bin", "--signature", "app.bin.sig", "--key", "public.key"]).quietly();
        // And what sealift signs with the same key.
        std::fs::create_dir(sandbox.path("out")).unwrap();
        std::fs::rename(sandbox.path("app.bin"), sandbox.path("out/app.bin")).unwrap();
        sandbox.write("sealift.toml", "[attest]\nsignatures = \"each\"\n");
        sandbox.commit("first");
        sandbox.ok(&["attest", "out", "--release", "1.0.0", "--product", "app", "--key", "private.key"]).quietly();
        for name in ["app.bin", "checksums.txt"] {
            let (signature, file) = (format!("out/{name}.sig"), format!("out/{name}"));
            openssl(&sandbox, &["dgst", "-sha256", "-verify", "public.key", "-signature", &signature, &file]);
        }
        sandbox.write("other.bin", "another program\n");
        let (other, signature) = ("other.bin", "app.bin.sig");
        let refused = Command::new("openssl")
            .args(["dgst", "-sha256", "-verify", "public.key", "-signature", signature, other])
            .current_dir(sandbox.project())
            .output()
            .unwrap();
        assert!(!refused.status.success(), "{refused:?}");
    }
}
