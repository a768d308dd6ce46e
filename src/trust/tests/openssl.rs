//! Keys and signatures against the real `openssl`.
#![allow(clippy::disallowed_methods, reason = "a test runs openssl on files of its own")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use sealift_trust::Digest;
use sealift_trust::key::{Encryption, Passphrase, PublicKey, SecretKey, Signature};
use sealift_trust::message::{Message, Pieces, Unread};
use zeroize::Zeroizing;

const PHRASE: &str = "pass:correct horse";

/// A folder of this test's own, empty.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("openssl-{test}-{}", std::process::id()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old folder goes");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs openssl in a folder; it must succeed.
fn openssl(folder: &Path, args: &str, more: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").current_dir(folder).args(args.split(' ')).args(more).output();
    let output = output.expect("openssl is installed: apt-get install openssl");
    assert!(output.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn passphrase() -> Passphrase {
    Passphrase::new(b"correct horse".to_vec()).expect("a passphrase")
}

fn key() -> SecretKey {
    SecretKey::generate(&Zeroizing::new([42; 32]))
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("what openssl wrote")
}

#[test]
fn openssl_reads_our_plain_keys() {
    let at = folder("plain");
    std::fs::write(at.join("key.pem"), key().to_pem(None).expect("PEM").as_bytes()).expect("written");
    let public = openssl(&at, "pkey -in key.pem -pubout", &[]);
    assert_eq!(String::from_utf8(public).expect("PEM"), key().public().to_pem());
    // Written again by openssl the file is the same: version 1, no attributes.
    assert_eq!(openssl(&at, "pkey -in key.pem", &[]), key().to_pem(None).expect("PEM").as_bytes());
}

#[test]
fn openssl_reads_our_encrypted_keys() {
    let at = folder("encrypted");
    let passphrase = passphrase();
    let sealed = key().to_pem(Some(&Encryption { passphrase: &passphrase, salt: [1; 16], iv: [2; 16] })).expect("PEM");
    std::fs::write(at.join("key.pem"), sealed.as_bytes()).expect("written");
    let public = openssl(&at, "pkey -in key.pem -pubout -passin", &[PHRASE]);
    assert_eq!(String::from_utf8(public).expect("PEM"), key().public().to_pem());
    let shown = String::from_utf8(openssl(&at, "asn1parse -in key.pem", &[])).expect("text");
    for part in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", "INTEGER           :0927C0"] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
}

#[test]
fn we_read_the_keys_of_openssl() {
    let at = folder("theirs");
    openssl(&at, "genpkey -algorithm ed25519 -out key.pem", &[]);
    openssl(&at, "pkey -in key.pem -pubout -out key.pub", &[]);
    let public = PublicKey::from_pem(&text(&at, "key.pub")).expect("a public key of openssl");
    assert_eq!(public.to_pem(), text(&at, "key.pub"));
    let plain = SecretKey::from_pem(&text(&at, "key.pem"), None).expect("a secret key of openssl");
    assert_eq!(plain.public(), public);
    for (name, how) in [
        ("default", "pkey -in key.pem -aes256 -passout"),
        ("aes128", "pkey -in key.pem -aes-128-cbc -passout"),
        ("iterated", "pkcs8 -topk8 -in key.pem -v2 aes-256-cbc -iter 10000 -passout"),
        ("sha512", "pkcs8 -topk8 -in key.pem -v2 aes-256-cbc -v2prf hmacWithSHA512 -passout"),
        ("scrypt", "pkcs8 -topk8 -in key.pem -scrypt -passout"),
    ] {
        openssl(&at, how, &[PHRASE, "-out", name]);
        let read = SecretKey::from_pem(&text(&at, name), Some(&passphrase())).expect(name);
        assert_eq!(read.public(), public, "{name}");
        let wrong = Passphrase::new(b"wrong".to_vec()).expect("a passphrase");
        assert_eq!(SecretKey::from_pem(&text(&at, name), Some(&wrong)).unwrap_err().code(), "key.passphrase-wrong");
        assert_eq!(SecretKey::from_pem(&text(&at, name), None).unwrap_err().code(), "key.passphrase-missing");
    }
}

#[test]
fn encryptions_that_are_too_old_are_named() {
    let at = folder("old");
    openssl(&at, "genpkey -algorithm ed25519 -out key.pem", &[]);
    for (name, how) in [
        ("sha1", "pkcs8 -topk8 -in key.pem -v2 aes-256-cbc -v2prf hmacWithSHA1 -passout"),
        ("3des", "pkcs8 -topk8 -in key.pem -v2 des3 -passout"),
        ("pbes1", "pkcs8 -topk8 -in key.pem -v1 PBE-SHA1-3DES -passout"),
    ] {
        openssl(&at, how, &[PHRASE, "-out", name]);
        let error = SecretKey::from_pem(&text(&at, name), Some(&passphrase())).unwrap_err();
        assert_eq!(error.code(), "key.other-encryption", "{name}: {error}");
    }
}

#[test]
fn keys_of_other_algorithms_are_named() {
    let at = folder("algorithms");
    for (how, name) in [
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384", "EC P-384"),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "EC secp256k1"),
        ("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "RSA-PSS"),
        ("genpkey -algorithm X25519", "X25519"),
        ("genpkey -algorithm ed448", "Ed448"),
    ] {
        openssl(&at, how, &["-out", "key.pem"]);
        openssl(&at, "pkey -in key.pem -pubout -out key.pub", &[]);
        openssl(&at, "pkey -in key.pem -aes256 -passout", &[PHRASE, "-out", "sealed.pem"]);
        let errors = [
            SecretKey::from_pem(&text(&at, "key.pem"), None).unwrap_err(),
            SecretKey::from_pem(&text(&at, "sealed.pem"), Some(&passphrase())).unwrap_err(),
            PublicKey::from_pem(&text(&at, "key.pub")).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), format!("a key for {name}; Ed25519, ECDSA P-256 or RSA is wanted"));
        }
    }
}

#[test]
fn signatures_verify_both_ways() {
    let at = folder("signatures");
    let message = b"sha256sums of a release\n";
    std::fs::write(at.join("message"), message).expect("written");
    std::fs::write(at.join("key.pem"), key().to_pem(None).expect("PEM").as_bytes()).expect("written");
    std::fs::write(at.join("key.pub"), key().public().to_pem()).expect("written");
    std::fs::write(at.join("ours.sig"), key().sign(message).expect("signed").as_bytes()).expect("written");
    openssl(&at, "pkeyutl -verify -pubin -inkey key.pub -rawin -sigfile ours.sig -in message", &[]);
    openssl(&at, "pkeyutl -sign -inkey key.pem -rawin -in message -out theirs.sig", &[]);
    let theirs = std::fs::read(at.join("theirs.sig")).expect("what openssl wrote");
    let signature = Signature::from_bytes(&theirs).expect("64 bytes");
    assert_eq!(key().public().verify(message, &signature), Ok(()));
    assert_eq!(theirs, key().sign(message).expect("signed").as_bytes());
    assert!(key().public().verify(b"another message", &signature).is_err());
}

/// A key of RSA signs nothing in pieces: what comes in pieces is put together first, up to a limit.
#[test]
fn a_message_in_pieces_is_signed_by_rsa_up_to_a_limit() {
    let at = folder("rsa-pieces");
    openssl(&at, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem", &[]);
    let key = SecretKey::from_pem(&text(&at, "key.pem"), None).expect("a key of openssl");
    let lies = |size: u64| Message::measured(Digest::of(b"two pieces"), size, Arc::new(Two));
    let signature = key.sign_message(&lies(10)).expect("signed");
    assert_eq!(Ok(&signature), key.sign(b"two pieces").as_ref());
    assert_eq!(key.public().verify_message(&lies(10), &signature), Ok(()));
    assert_eq!(key.sign_message(&lies(9)).expect_err("longer than measured").code(), "key.message-changed");
    assert_eq!(key.sign_message(&lies(11)).expect_err("shorter than measured").code(), "key.message-changed");
    let error = key.sign_message(&lies((1 << 30) + 1)).expect_err("too long");
    assert_eq!(error.code(), "key.message-too-long");
    assert!(error.hint().is_some_and(|hint| hint.contains("attest.signatures")), "{error}");
}

struct Two;

impl Pieces for Two {
    fn each(&self, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Unread> {
        let pieces = [&b"two "[..], b"pieces"];
        if pieces.into_iter().try_for_each(take).is_break() { Err(Unread) } else { Ok(()) }
    }
}
