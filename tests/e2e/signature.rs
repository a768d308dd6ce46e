//! One file and one signature: the sizes, the spellings and the files that fool such tools.

use std::process::Command;

use crate::sandbox::Sandbox;

fn openssl(sandbox: &Sandbox, args: &[&str]) {
    let output = Command::new("openssl").args(args).current_dir(sandbox.project()).output().unwrap();
    assert!(output.status.success(), "openssl {args:?}: {output:?}");
}

/// A P-256 key of openssl: `key` and `key.pub`.
fn keyed() -> Sandbox {
    let sandbox = Sandbox::empty();
    openssl(&sandbox, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key"]);
    openssl(&sandbox, &["pkey", "-in", "key", "-pubout", "-out", "key.pub"]);
    sandbox
}

fn verify<'a>(file: &'a str, signature: &'a str) -> [&'a str; 6] {
    ["verify", file, "--signature", signature, "--key", "key.pub"]
}

/// A32: around the sizes at which 31 and 32 bits end, and a signature over what is left of the size in 32 bits.
#[test]
fn sizes_beyond_32_bits_are_counted_whole() {
    let sandbox = keyed();
    let file = std::fs::File::create(sandbox.path("large")).unwrap();
    for size in [(1_u64 << 31) - 1, (1 << 31) + 1, (1 << 32) - 1, (1 << 32) + 1] {
        // Sparse: it has no blocks, and reads as zeros.
        file.set_len(size).unwrap();
        openssl(&sandbox, &["dgst", "-sha256", "-sign", "key", "-out", "sig", "large"]);
        let run = sandbox.ok(&[&verify("large", "sig")[..], &["--json"]].concat());
        assert!(run.stdout.contains(&format!("\"size\":{size}")), "{size}: {}", run.stdout);
    }
    std::fs::write(sandbox.path("prefix"), [0]).unwrap();
    openssl(&sandbox, &["dgst", "-sha256", "-sign", "key", "-out", "sig", "prefix"]);
    sandbox.run(&verify("large", "sig")).fails(8, "key.signature-mismatch", &["large"]).quietly();
}

/// A32 through the whole of a release: sizes that 31 or 32 bits do not hold, signed, listed and verified.
#[test]
fn a_release_of_large_files_is_whole() {
    let sandbox = Sandbox::empty();
    sandbox.write("README.md", "x");
    sandbox.commit("first");
    let (key, public) = sandbox.key();
    std::fs::create_dir(sandbox.path("out")).unwrap();
    let sizes = [("a.bin", 3_u64 << 30), ("b.bin", (1 << 31) + 1), ("c.bin", (1 << 32) + 1)];
    for (name, size) in sizes {
        std::fs::File::create(sandbox.path("out").join(name)).unwrap().set_len(size).unwrap();
    }
    sandbox.ok(&["attest", "out", "--release", "1.0.0", "--product", "large", "--key", &key]).quietly();
    let run = sandbox.ok(&["verify", "out", "--key", &public, "--json"]);
    assert!(run.stdout.contains("\"verified\":true"), "{}", run.stdout);
    // What is left of each size in 31 bits: nothing of it is what was signed, and the list says so too.
    for (name, size) in sizes {
        let file = std::fs::OpenOptions::new().write(true).open(sandbox.path("out").join(name)).unwrap();
        file.set_len(size & u64::from(u32::MAX) & !(1 << 31)).unwrap();
    }
    sandbox.run(&["verify", "out", "--key", &public]).fails(8, "verify.size-mismatch", &["c.bin"]).quietly();
    sandbox.run(&["verify", "out", "--checksums-only"]).fails(8, "verify.digest-mismatch", &["b.bin"]).quietly();
}

/// One letter as one character, or as two; and in the other case.
#[test]
fn a_name_in_another_spelling_is_another_file() {
    let sandbox = Sandbox::empty();
    sandbox.write("README.md", "x");
    sandbox.commit("first");
    let (key, public) = sandbox.key();
    let spellings = [("gr\u{fc}n.txt", "gru\u{308}n.txt"), ("gru\u{308}n.txt", "gr\u{fc}n.txt"), ("a.txt", "A.txt")];
    for (at, (signed, other)) in spellings.into_iter().enumerate() {
        let out = format!("out{at}");
        sandbox.write(&format!("{out}/{signed}"), "green");
        sandbox.ok(&["attest", &out, "--release", "1.0.0", "--product", "app", "--key", &key]).quietly();
        sandbox.ok(&["verify", &out, "--key", &public]).quietly();
        sandbox.ok(&["verify", &out, "--checksums-only"]).quietly();
        let (from, to) = (sandbox.path(&out).join(signed), sandbox.path(&out).join(other));
        std::fs::rename(&from, &to).unwrap();
        sandbox.run(&["verify", &out, "--key", &public]).fails(8, "verify.missing-file", &[]).quietly();
        sandbox.run(&["verify", &out, "--checksums-only"]).fails(8, "verify.missing-file", &[]).quietly();
        let file = format!("{out}/{other}");
        sandbox.run(&["verify", &file, "--key", &public]).fails(8, "verify.extra-file", &[]).quietly();
        // Both beside each other: the one that was signed, and the one that a reader sees.
        std::fs::copy(&to, &from).unwrap();
        sandbox.run(&["verify", &out, "--key", &public]).fails(8, "verify.extra-file", &[]).quietly();
    }
}

#[test]
fn an_empty_file_is_a_file_and_an_empty_signature_is_none() {
    let sandbox = keyed();
    sandbox.write("empty", "");
    openssl(&sandbox, &["dgst", "-sha256", "-sign", "key", "-out", "sig", "empty"]);
    sandbox.ok(&verify("empty", "sig")).quietly();
    sandbox.run(&verify("empty", "empty")).fails(8, "signature.empty", &[]).quietly();
    sandbox.run(&verify("sig", "sig")).fails(8, "key.signature-mismatch", &[]).quietly();
}

#[test]
fn what_cannot_be_judged_is_said() {
    let sandbox = keyed();
    sandbox.write("file", "x");
    openssl(&sandbox, &["dgst", "-sha256", "-sign", "key", "-out", "sig", "file"]);
    std::fs::create_dir(sandbox.path("folder")).unwrap();
    sandbox.run(&verify("nowhere", "sig")).fails(2, "verify.absent", &["nowhere"]).quietly();
    sandbox.run(&verify("file", "nowhere")).fails(2, "verify.absent", &["nowhere"]).quietly();
    sandbox.run(&verify("folder", "sig")).fails(2, "verify.no-file", &["folder"]).quietly();
    sandbox.run(&verify("file", "folder")).fails(2, "verify.no-file", &["folder"]).quietly();
    // Endless, and longer than any signature.
    sandbox.run(&verify("file", "/dev/zero")).fails(2, "verify.no-file", &[]).quietly();
    sandbox.write("long", &"x".repeat(100_000));
    sandbox.run(&verify("file", "long")).fails(8, "signature.unknown-format", &[]).quietly();
    sandbox.write("bundle.json", "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\"}");
    let run = sandbox.run(&verify("file", "bundle.json"));
    assert_eq!(run.exit, 8, "{}", run.stderr);
    let pem = sandbox.read("key.pub");
    sandbox.write("key.pub", &format!("{pem}{pem}"));
    sandbox.run(&verify("file", "sig")).fails(11, "key.several-blocks", &[]).quietly();
    sandbox.write("key.pub", &sandbox.read("key"));
    sandbox.run(&verify("file", "sig")).fails(11, "key.public-wanted", &[]).quietly();
    // A key of another kind than the file says.
    sandbox.write("key.pub", &pem.replace("PUBLIC KEY", "RSA PUBLIC KEY"));
    sandbox.run(&verify("file", "sig")).fails(11, "key.other-block", &[]).quietly();
}

#[test]
fn a_name_in_a_signature_cannot_write_to_a_terminal() {
    let sandbox = keyed();
    let name = "a\u{1b}[31mred\u{202e}";
    sandbox.write(name, "x");
    sandbox.write("sig", "untrusted comment: \u{1b}[31m\nx\ntrusted comment: \u{1b}]0;x\u{7}\nx\n");
    let run = sandbox.run(&verify(name, "sig"));
    assert_eq!(run.exit, 8, "{}", run.stderr);
    assert!(!run.stderr.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{:?}", run.stderr);
}

/// Bundles that sealift wrote, and what becomes of them when one thing is changed; `tests/peers` has those of cosign.
#[test]
fn bundles_are_read_and_named_and_a_statement_is_no_signature() {
    use sealift_trust::bundle::{SignedMessage, of_envelope};
    use sealift_trust::statement::{cosign_payload, document_payload};
    use sealift_trust::{Digest, Envelope, PayloadType, SecretKey};
    let sandbox = keyed();
    sandbox.write("file", "content");
    sandbox.write("other", "other");
    let key = SecretKey::from_text(&sandbox.read("key"), None).unwrap();
    let digest = Digest::of(b"content");
    let signed = SignedMessage { digest, signature: key.sign(b"content").unwrap() };
    let put = |name: &str, bytes: &[u8]| std::fs::write(sandbox.path(name), bytes).unwrap();
    put("bundle", &signed.to_bytes(&key.public()));
    let run = sandbox.ok(&verify("file", "bundle"));
    assert!(run.stderr.contains("format: sigstore bundle with a signature"), "{}", run.stderr);
    assert!(run.stderr.contains("not run   time"), "{}", run.stderr);
    sandbox.run(&verify("other", "bundle")).fails(8, "bundle.other-message", &[]).quietly();
    // The digest beside the signature is not signed: it is compared, and decides nothing alone.
    let wrong = SignedMessage { digest: Digest::of(b"other"), signature: signed.signature.clone() };
    put("wrong", &wrong.to_bytes(&key.public()));
    sandbox.run(&verify("file", "wrong")).fails(8, "bundle.other-message", &[]).quietly();
    sandbox.run(&verify("other", "wrong")).fails(8, "key.signature-mismatch", &[]).quietly();
    let enveloped =
        |payload: Vec<u8>| of_envelope(&Envelope::sign(PayloadType::InToto, payload, &key).unwrap(), &key.public());
    put("stated", &enveloped(document_payload(digest, "https://spdx.dev/Document", b"{}").unwrap()));
    let typed = |file: &'static str, signature: &'static str, kind: &'static str| {
        sandbox.run(&[&verify(file, signature)[..], &["--type", kind]].concat())
    };
    sandbox.run(&verify("file", "stated")).fails(8, "signature.predicate-type", &["--type https://spdx.dev"]).quietly();
    assert_eq!(typed("file", "stated", "spdx").exit, 0);
    typed("file", "stated", "slsaprovenance1").fails(8, "signature.predicate-type", &[]).quietly();
    typed("other", "stated", "spdx").fails(8, "signature.other-subject", &[]).quietly();
    typed("file", "bundle", "spdx").fails(8, "signature.no-statement", &[]).quietly();
    put("signing", &enveloped(cosign_payload(digest)));
    sandbox.ok(&verify("file", "signing")).quietly();
    // A statement longer than any bare signature is read all the same.
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(200_000));
    put("long", &enveloped(document_payload(digest, "https://spdx.dev/Document", long.as_bytes()).unwrap()));
    assert_eq!(typed("file", "long", "spdx").exit, 0);
    sandbox
        .run(&["verify", "file", "other", "--signature", "bundle", "--key", "key.pub"])
        .fails(2, "usage.verify-signature", &[])
        .quietly();
}

/// Files of a release are known by the bytes of their names.
#[test]
fn a_file_under_another_spelling_is_not_the_signed_one() {
    let sandbox = Sandbox::empty();
    sandbox.write("README.md", "x");
    sandbox.commit("first");
    let (key, public) = sandbox.key();
    // The same letter as one character, and as two.
    let (one, two) = ("out/\u{e4}.txt", "out/a\u{308}.txt");
    sandbox.write(one, "content");
    sandbox.write(
        "sealift.toml",
        "[attest]\nformats = [\"raw\", \"minisign\", \"sigstore\", \"ssh\"]\nsignatures = \"each\"\n",
    );
    sandbox.ok(&["attest", "out", "--release", "1.0.0", "--product", "app", "--key", &key]).quietly();
    assert_eq!(sandbox.digests("out").len(), 1 + 2 * 4 + 2);
    sandbox.ok(&["verify", "out", "--key", &public]).quietly();
    sandbox.ok(&["verify", one, "--key", &public]).quietly();
    std::fs::copy(sandbox.path(one), sandbox.path(two)).unwrap();
    sandbox.run(&["verify", two, "--key", &public]).fails(8, "verify.extra-file", &[]).quietly();
    std::fs::remove_file(sandbox.path(one)).unwrap();
    assert_eq!(sandbox.run(&["verify", "out", "--key", &public]).exit, 8);
}

#[test]
fn a_list_that_nobody_signed_is_integrity_only() {
    let sandbox = Sandbox::empty();
    sandbox.write("dist/a.txt", "");
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    sandbox.write("dist/checksums.txt", &format!("{empty}  a.txt\n"));
    let run = sandbox.ok(&["verify", "--checksums-only"]);
    assert!(run.stderr.contains("integrity only, origin unknown"), "{}", run.stderr);
    assert_eq!(run.stdout, format!("{empty}  a.txt\n"));
    sandbox.ok(&["verify", "--checksums-only", "dist/a.txt"]).quietly();
    sandbox.write("dist/a.txt", "x");
    sandbox.run(&["verify", "--checksums-only"]).fails(8, "verify.digest-mismatch", &["a.txt"]).quietly();
    std::fs::remove_file(sandbox.path("dist/a.txt")).unwrap();
    sandbox.run(&["verify", "--checksums-only"]).fails(8, "verify.missing-file", &["a.txt"]).quietly();
    for weak in ["d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"] {
        sandbox.write("dist/checksums.txt", &format!("{weak}  a.txt\n"));
        sandbox.run(&["verify", "--checksums-only", "dist"]).fails(8, "checksums.weak", &[]).quietly();
    }
    sandbox.run(&["verify", "dist"]).fails(2, "usage.arguments", &["--key"]).quietly();
}

#[test]
fn what_something_else_built_is_signed_where_it_lies() {
    let sandbox = Sandbox::empty();
    sandbox.write("README.md", "x");
    sandbox.commit("first");
    let (key, public) = sandbox.key();
    sandbox.write("out/app_linux_amd64", "program");
    sandbox.write("out/app.zip", "not even an archive");
    let attest = ["attest", "out", "--release", "1.2.0", "--product", "app", "--key", &key];
    let run = sandbox.ok(&attest);
    assert!(run.stdout.trim().ends_with("out/release.json"), "{}", run.stdout);
    sandbox.ok(&["verify", "out", "--key", &public]).quietly();
    sandbox.ok(&["verify", "out/app.zip", "--key", &public]).quietly();
    // The same again: the same bytes. Another version: what is in the way is our own.
    let before = sandbox.digests("out");
    sandbox.ok(&attest).quietly();
    assert_eq!(sandbox.digests("out"), before);
    sandbox.write("out/more.txt", "more");
    sandbox.run(&["verify", "out", "--key", &public]).fails(8, "verify.extra-file", &["more.txt"]).quietly();
    sandbox.ok(&attest).quietly();
    sandbox.ok(&["verify", "out", "--key", &public]).quietly();
    // Under another key it is somebody else's release.
    sandbox.ok(&["key", "generate", "other.key"]).quietly();
    let other = ["attest", "out", "--release", "1.2.0", "--key", "other.key"];
    sandbox.run(&other).fails(12, "attest.taken", &[]).quietly();
    // A release is flat, and an empty file is no artifact.
    sandbox.write("out/folder/x", "x");
    sandbox.run(&attest).fails(11, "attest.missing", &["out/folder"]).quietly();
    std::fs::remove_dir_all(sandbox.path("out/folder")).unwrap();
    sandbox.write("out/empty", "");
    sandbox.run(&attest).fails(11, "attest.size", &["empty has 0 bytes"]).quietly();
    std::fs::remove_file(sandbox.path("out/empty")).unwrap();
    sandbox.ok(&attest).quietly();
    sandbox.run(&["attest", "out", "--release", "1.2.0"]).fails(2, "attest.no-key", &[]).quietly();
}

/// A key for every algorithm, `each` file signed in the given formats.
fn each(kind: &[&str], formats: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("README.md", "x");
    sandbox.commit("first");
    openssl(&sandbox, &[&["genpkey", "-out", "made.pem"], kind].concat());
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(sandbox.path("made.pem"), private).unwrap();
    sandbox.ok(&["key", "import", "made.pem", "key"]).quietly();
    sandbox.write("sealift.toml", &format!("[attest]\nsignatures = \"each\"\nformats = [{formats}]\n"));
    std::fs::create_dir(sandbox.path("out")).unwrap();
    sandbox
}

const ED25519: &[&str] = &["-algorithm", "ed25519"];
const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const ATTEST: [&str; 8] = ["attest", "out", "--release", "1.0.0", "--product", "app", "--key", "key"];

/// A25: who may put a file into a release has the key sign his file, and not whatever his file looks like.
#[test]
fn a25_a_file_that_reads_as_something_else_is_not_signed_barely() {
    use sealift_trust::dsse::pae;
    let claim = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"a"}},"image":{{"docker-manifest-digest":"sha256:{}"}},"type":"cosign container image signature"}},"optional":null}}"#,
        "0".repeat(64)
    );
    let marked = [
        (pae("application/vnd.in-toto+json", br#"{"_type":"https://in-toto.io/Statement/v1"}"#), "DSSE"),
        (b"SSHSIG\0\0\0\x07sealift\0\0\0\0".to_vec(), "ssh"),
        (claim.clone().into_bytes(), "image"),
        (format!("\n\t {claim}").into_bytes(), "image"),
        ([&[0xA5; 64][..], b"a trusted comment"].concat(), "minisign"),
    ];
    for (formats, signs) in [("\"raw\"", false), ("\"sigstore\"", false), ("\"minisign\", \"ssh\"", true)] {
        let sandbox = each(ED25519, formats);
        for (bytes, what) in &marked {
            std::fs::write(sandbox.path("out/app.bin"), bytes).unwrap();
            let run = sandbox.run(&ATTEST);
            if signs {
                assert_eq!(run.exit, 0, "{what}: {}", run.stderr);
                sandbox.ok(&["verify", "out", "--key", "key.pub"]).quietly();
                continue;
            }
            run.fails(11, "signature.other-purpose", &["app.bin", what, "attest.formats"]).quietly();
            assert_eq!(sandbox.digests("out").into_keys().collect::<Vec<_>>(), ["app.bin"], "{what}");
        }
    }
    // The list and the manifest are over such a file like over any other.
    let sandbox = each(ED25519, "\"raw\"");
    sandbox.write("sealift.toml", "");
    std::fs::write(sandbox.path("out/app.bin"), &marked[0].0).unwrap();
    sandbox.ok(&ATTEST).quietly();
    sandbox.ok(&["verify", "out", "--key", "key.pub"]).quietly();
}

/// A32: beyond what is held in memory, with every algorithm that hashes as it reads, and by a signer of another process.
#[test]
fn a_file_of_gigabytes_has_a_signature_of_its_own() {
    let large = |sandbox: &Sandbox, size: u64| {
        std::fs::File::create(sandbox.path("out/large.bin")).unwrap().set_len(size).unwrap();
    };
    let verify = ["verify", "out/large.bin", "--signature", "out/large.bin.sig", "--key", "key.pub"];
    let sandbox = each(ED25519, "\"raw\"");
    large(&sandbox, 3 << 30);
    sandbox.ok(&ATTEST).quietly();
    sandbox.ok(&verify).quietly();
    large(&sandbox, 3 << 20);
    sandbox.run(&verify).fails(8, "key.signature-mismatch", &[]).quietly();
    let sandbox = each(P256, "\"raw\", \"ssh\"");
    large(&sandbox, (1 << 30) + 1);
    sandbox.ok(&ATTEST).quietly();
    sandbox.ok(&verify).quietly();
    openssl(&sandbox, &["dgst", "-sha256", "-verify", "key.pub", "-signature", "out/large.bin.sig", "out/large.bin"]);
    // The same key in the hands of openssl.
    let signer = "[attest]\nkey = \"key.pub\"\nsignatures = \"each\"\n\
        signer = [\"sh\", \"-c\", \"tail -n +2 | openssl dgst -sha256 -sign key\"]\n";
    sandbox.write("sealift.toml", signer);
    std::fs::remove_file(sandbox.path("out/large.bin.sig")).unwrap();
    sandbox.ok(&ATTEST[..6]).quietly();
    sandbox.ok(&verify).quietly();
    // A key of RSA takes a message whole: what is too long for that is said, and what to do.
    let sandbox = each(RSA, "\"raw\"");
    large(&sandbox, (1 << 30) + 1);
    sandbox.run(&ATTEST).fails(11, "key.message-too-long", &["large.bin", "attest.signatures"]).quietly();
    large(&sandbox, 1 << 20);
    sandbox.ok(&ATTEST).quietly();
    openssl(&sandbox, &["dgst", "-sha256", "-verify", "key.pub", "-signature", "out/large.bin.sig", "out/large.bin"]);
}
