//! Key files and detached signatures: PEM and PKCS#8, minisign, ssh.

use std::process::{Command, Stdio};

use base64ct::{Base64, Encoding};
use pkcs8::der::SecretDocument;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use sealift_trust::minisign::{self, Minisig};
use sealift_trust::sshsig::{self, SshSignature};
use sealift_trust::{Detached, DetachedError, Message, Passphrase, PublicKey, SecretKey, SignatureFormat};
use zeroize::Zeroizing;

use crate::of_vectors;

pub const WORDS: &[&[u8]] = &[
    b"-----BEGIN PUBLIC KEY-----\n",
    b"-----END PUBLIC KEY-----\n",
    b"-----BEGIN PRIVATE KEY-----\n",
    b"-----END PRIVATE KEY-----\n",
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
    b"-----END ENCRYPTED PRIVATE KEY-----\n",
    b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
    b"-----BEGIN SSH SIGNATURE-----\n",
    b"-----END SSH SIGNATURE-----\n",
    b"MCowBQYDK2VwAyEA",
    b"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
    b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
    b"untrusted comment: ",
    b"trusted comment: ",
    b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
    b"ecdsa-sha2-nistp256 ",
    b"ssh-rsa ",
    b"U1NIU0lH",
];

/// What the signatures of the seeds are over.
const MESSAGE: &[u8] = b"sealed and shipped\n";

fn passphrase() -> Passphrase {
    Passphrase::new(b"correct horse".to_vec()).expect("not empty")
}

fn secrets() -> [SecretKey; 2] {
    let entropy = Zeroizing::new([1; 32]);
    [SecretKey::generate(&entropy), SecretKey::generate_ecdsa(&entropy).expect("below the order")]
}

/// Key files, public and secret: what is accepted is the same key when it is written and read again.
pub fn key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = PublicKey::from_text(text) {
        assert_eq!(PublicKey::from_pem(&key.to_pem()).as_ref(), Ok(&key));
        assert_eq!(sshsig::public_key(&sshsig::public_text(&key)).as_ref(), Ok(&key));
        if let Ok(text) = minisign::public_text(&key) {
            assert_eq!(PublicKey::from_text(&text).as_ref(), Ok(&key));
        }
    }
    if let Ok(secret) = SecretKey::from_text(text, cheap(text).then(passphrase).as_ref()) {
        let again = SecretKey::from_pem(&secret.to_pem(None).expect("a key"), None).expect("our own");
        assert_eq!(again.public(), secret.public());
        let signature = secret.sign(MESSAGE).expect("a signature");
        assert!(secret.public().verify(MESSAGE, &signature).is_ok());
    }
}

/// Whether the passphrase is to be tried. What a key file may ask of a passphrase is bounded, by seconds and by a GiB
/// (minisign's own default): a fuzzer would do nothing else, so that here only cheap ones are opened.
fn cheap(text: &str) -> bool {
    if text.trim_start().starts_with("untrusted") {
        let line = text.trim().lines().nth(1).unwrap_or_default();
        let bytes = Base64::decode_vec(line).unwrap_or_default();
        return bytes.get(2..4) != Some(b"Sc");
    }
    if text.contains("SIGSTORE") || text.contains("COSIGN") {
        return text.len().is_multiple_of(16);
    }
    let Ok((_, document)) = SecretDocument::from_pem(text.trim()) else { return true };
    let Ok(info) = document.decode_msg::<EncryptedPrivateKeyInfoRef<'_>>() else { return true };
    match &info.encryption_algorithm {
        EncryptionScheme::Pbes2(Parameters { kdf: Kdf::Pbkdf2(pbkdf2), .. }) => pbkdf2.iteration_count <= 1000,
        EncryptionScheme::Pbes2(Parameters { kdf: Kdf::Scrypt(scrypt), .. }) => {
            // What asks for too much is refused before it takes anything, and that is tried.
            scrypt.cost_parameter <= 1024 || scrypt.cost_parameter > 1 << 40
        }
        _ => true,
    }
}

#[cfg(test)]
pub fn is_key(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).expect("text");
    PublicKey::from_text(text).is_ok() || SecretKey::from_text(text, Some(&passphrase())).is_ok()
}

/// Keys in every form that is read, and those of the vectors.
pub fn key_files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for secret in secrets() {
        let pem = secret.to_pem(None).expect("a key");
        files.push(encrypted(&pem).into_bytes());
        files.push(pem.as_bytes().to_vec());
        files.push(secret.public().to_pem().into_bytes());
        files.push(sshsig::public_text(&secret.public()).into_bytes());
    }
    let ed25519 = &secrets()[0];
    files.push(minisign::public_text(&ed25519.public()).expect("an Ed25519 key").into_bytes());
    files.push(unencrypted_minisign(ed25519).into_bytes());
    files.push(rsa());
    [files, of_vectors("key", "key")].concat()
}

/// A key that openssl makes: as small as RSA keys may be, so that the fuzzer is not busy with it alone.
fn rsa() -> Vec<u8> {
    let made = Command::new("openssl").args(["genrsa", "2048"]).stderr(Stdio::null()).output();
    made.expect("openssl is on PATH: cargo xtask tools").stdout
}

/// With few iterations, so that a fuzzer gets past them.
fn encrypted(pem: &str) -> String {
    let (_, document) = SecretDocument::from_pem(pem).expect("our own");
    let info: PrivateKeyInfoRef<'_> = document.decode_msg().expect("our own");
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(10, &[7; 16], [9; 16]).expect("parameters");
    let document = info.encrypt_with_params(parameters, b"correct horse").expect("encrypted");
    document.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::der::pem::LineEnding::LF).expect("PEM").to_string()
}

/// What `minisign -G -W` writes: nothing is encrypted, and there is no checksum.
fn unencrypted_minisign(secret: &SecretKey) -> String {
    let (seed, public) = ([1; 32], secret.public());
    let bytes =
        [&b"Ed\0\0B2"[..], &[0; 48], &minisign::key_id(&public), &seed, public.raw().expect("Ed25519"), &[0; 32]];
    format!("untrusted comment: minisign secret key\n{}\n", Base64::encode_string(&bytes.concat()))
}

/// Signatures of minisign: each is written as it was read, and is nobody's over another message.
pub fn minisign(bytes: &[u8]) {
    detached(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(signature) = Minisig::parse(text) {
        assert_eq!(Minisig::parse(&signature.to_text()).as_ref(), Ok(&signature));
    }
    drop(minisign::public_key(text));
    if cheap(text) {
        drop(minisign::secret_key(text, Some(&passphrase())));
    }
}

/// Signatures of ssh: the same laws.
pub fn ssh(bytes: &[u8]) {
    detached(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(signature) = SshSignature::parse(text) {
        assert_eq!(SshSignature::parse(&signature.to_text()).as_ref(), Ok(&signature));
    }
    drop(sshsig::public_key(text));
}

/// Signature files of any format, as `sealift verify --signature` reads them.
fn detached(bytes: &[u8]) {
    for secret in secrets() {
        let key = secret.public();
        let Ok(signature) = Detached::parse(bytes, &key) else { continue };
        assert!(signature.verify(b"another", &key).is_err(), "nobody has signed that");
        drop(signature.verify(MESSAGE, &key));
    }
}

#[cfg(test)]
pub fn is_signature(bytes: &[u8]) -> bool {
    secrets().iter().any(|secret| {
        let key = secret.public();
        Detached::parse(bytes, &key).and_then(|signature| signature.verify(MESSAGE, &key)).is_ok()
    })
}

/// Our own signatures in a format, by every key that it is for, and raw ones.
fn own(format: SignatureFormat) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for secret in secrets() {
        for format in [format, SignatureFormat::Raw] {
            let sign = |message: &Message<'_>| secret.sign_message(message).map_err(DetachedError::Key);
            files.extend(Detached::sign_with(format, (&Message::of(MESSAGE), "file:m"), &secret.public(), sign));
        }
    }
    files
}

pub fn minisigns() -> Vec<Vec<u8>> {
    let vectors = of_vectors("signature", "signature");
    let of_minisign = vectors.into_iter().filter(|text| text.starts_with(b"untrusted"));
    [own(SignatureFormat::Minisign), of_minisign.collect()].concat()
}

pub fn sshs() -> Vec<Vec<u8>> {
    let vectors = of_vectors("signature", "signature");
    let of_ssh = vectors.into_iter().filter(|text| text.starts_with(b"-----BEGIN SSH"));
    [own(SignatureFormat::Ssh), of_ssh.collect()].concat()
}
