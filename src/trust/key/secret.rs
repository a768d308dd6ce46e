//! Secret keys: PKCS#8 version 1 (RFC 5208), plain or encrypted with PBES2 (RFC 8018), as OpenSSL reads and writes it.

use std::fmt;

use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign_byupdate};
use ed25519_dalek::{SignatureError, Signer, SigningKey};
use pkcs8::der::pem::LineEnding;
use pkcs8::der::{Decode, ErrorKind, SecretDocument, Tag};
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::pkcs5::{self, EncryptionScheme};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use sha2::Digest as _;
use zeroize::Zeroizing;

use super::pem::{self, Block, ED25519_OID, algorithm_name};
use super::{Algorithm, KeyError, Passphrase, PublicKey, Signature, cosign, ecdsa, rsa};
use crate::message::{Bytes, Message};
use crate::minisign;

/// PBKDF2-HMAC-SHA256 iterations of keys that are written here: the OWASP recommendation.
pub const PBKDF2_ITERATIONS: u32 = 600_000;

/// `SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING (32 bytes follow) } }`: PKCS#8
/// version 1 (RFC 8410 §7).
const ED25519_PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The most iterations of a key that is read: some seconds.
const MAX_ITERATIONS: u32 = 10_000_000;

/// The most memory that scrypt may take for a key that is read, in bytes (128 · N · r, RFC 7914 §2).
const MAX_SCRYPT_BYTES: u64 = 256 << 20;

/// A secret key: zeroised when dropped; it can sign and be written to a file, and not be printed.
pub struct SecretKey(Inner);

enum Inner {
    Ed25519(SigningKey),
    EcdsaP256(p256::ecdsa::SigningKey),
    Rsa(Box<rsa::Secret>),
}

/// How a key that is written is encrypted. Salt and initialisation vector must be random, and fresh for every key.
#[derive(Debug)]
pub struct Encryption<'a> {
    /// The passphrase.
    pub passphrase: &'a Passphrase,
    /// PBKDF2's salt.
    pub salt: [u8; 16],
    /// The initialisation vector of AES-256-CBC.
    pub iv: [u8; 16],
}

impl SecretKey {
    /// Makes an Ed25519 key from 32 random bytes.
    pub fn generate(entropy: &Zeroizing<[u8; 32]>) -> Self {
        Self(Inner::Ed25519(SigningKey::from_bytes(entropy)))
    }

    /// Makes an ECDSA P-256 key from 32 random bytes; once in 2^32 they are no key, and others are wanted.
    pub fn generate_ecdsa(entropy: &Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let key = p256::ecdsa::SigningKey::from_slice(&entropy[..]).map_err(|_| KeyError::Random)?;
        Ok(Self(Inner::EcdsaP256(key)))
    }

    /// Reads a key in whichever form it is written: PKCS#8 in PEM, a key of cosign, or one of minisign.
    pub fn from_text(text: &str, passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        match text.trim_start() {
            trimmed if minisign::looks_like_a_secret_key(trimmed) => minisign::secret_key(trimmed, passphrase),
            _ => Self::from_pem(text, passphrase),
        }
    }

    /// Reads a PEM file with one PKCS#8 block, version 1 or 2, or one in the box of cosign. A passphrase is ignored when
    /// the key is not encrypted.
    pub fn from_pem(text: &str, passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        match pem::read(text, Block::Secret)? {
            (Block::Encrypted, document) => {
                let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
                let plain = decrypt(&document, passphrase)?;
                // One wrong passphrase in 256 gives valid padding, and then noise.
                from_pkcs8(&plain).map_err(|error| match error {
                    KeyError::Damaged(_) => KeyError::PassphraseWrong,
                    other => other,
                })
            }
            (Block::Boxed, document) => {
                let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
                from_pkcs8(&cosign::open(&document, passphrase)?)
            }
            (_, document) => from_pkcs8(&document),
        }
    }

    /// Writes PKCS#8 version 1: OpenSSL 3.0 refuses version 2.
    pub fn to_pem(&self, encryption: Option<&Encryption<'_>>) -> Result<Zeroizing<String>, KeyError> {
        let plain = self.pkcs8();
        let (label, document) = match encryption {
            None => ("PRIVATE KEY", SecretDocument::try_from(plain.as_slice()).map_err(damaged)?),
            Some(encryption) => ("ENCRYPTED PRIVATE KEY", encrypt(&plain, encryption)?),
        };
        document.to_pem(label, LineEnding::LF).map_err(damaged)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        match &self.0 {
            Inner::Ed25519(key) => PublicKey::of_ed25519(key),
            Inner::EcdsaP256(key) => PublicKey::of_ecdsa(key),
            Inner::Rsa(key) => PublicKey::of_rsa(key),
        }
    }

    /// What the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.public().algorithm()
    }

    /// Signs a message. The same key and the same message give the same bytes, whatever the algorithm.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        match &self.0 {
            Inner::Ed25519(key) => Ok(Signature(key.sign(message).to_bytes().to_vec())),
            Inner::EcdsaP256(key) => ecdsa::sign(key, &sha2::Sha256::digest(message).into()),
            Inner::Rsa(key) => key.sign(message),
        }
    }

    /// The same for a message that may lie elsewhere. Memory grows with it for keys of RSA alone.
    ///
    /// # Errors
    /// `key.message-changed`, and for RSA `key.message-too-long`.
    pub fn sign_message(&self, message: &Message<'_>) -> Result<Signature, KeyError> {
        match (&self.0, message.bytes()) {
            // It was hashed already, wherever it lies.
            (Inner::EcdsaP256(key), _) => ecdsa::sign(key, message.digest().bytes()),
            (_, Bytes::Here(bytes)) => self.sign(bytes),
            (Inner::Ed25519(key), Bytes::There(_)) => sign_twice_read(key, message),
            (Inner::Rsa(key), Bytes::There(_)) => key.sign(&message.whole()?),
        }
    }

    /// The PKCS#8 structure of version 1.
    fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        match &self.0 {
            Inner::Ed25519(key) => {
                // By hand and not by way of the library's own key pair: that is not zeroised, and writes version 2.
                let mut plain = Zeroizing::new(Vec::with_capacity(ED25519_PKCS8_PREFIX.len() + 32));
                plain.extend_from_slice(&ED25519_PKCS8_PREFIX);
                plain.extend_from_slice(key.as_bytes());
                plain
            }
            Inner::EcdsaP256(key) => ecdsa::pkcs8(key),
            Inner::Rsa(key) => Zeroizing::new(key.pkcs8().to_vec()),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public().fingerprint())
    }
}

/// Ed25519 reads its message twice: for the nonce, and for what is multiplied with the key (RFC 8032 §5.1.6). Were the two
/// different, the signature and one of the first message would give the key away. So both times it must be what was
/// measured, to the last byte, or there is no signature.
fn sign_twice_read(key: &SigningKey, message: &Message<'_>) -> Result<Signature, KeyError> {
    let secret = ExpandedSecretKey::from(key.as_bytes());
    let read =
        |hash: &mut sha2::Sha512| message.read(&mut |piece| hash.update(piece)).map_err(|_| SignatureError::new());
    let signature = raw_sign_byupdate(&secret, read, &key.verifying_key()).map_err(|_| KeyError::MessageChanged)?;
    Ok(Signature(signature.to_bytes().to_vec()))
}

fn damaged(error: impl fmt::Display) -> KeyError {
    KeyError::Damaged(error.to_string())
}

fn from_pkcs8(der: &[u8]) -> Result<SecretKey, KeyError> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(damaged)?;
    if info.algorithm.oid == rsa::OID {
        return Ok(SecretKey(Inner::Rsa(Box::new(rsa::Secret::from_pkcs8(der)?))));
    }
    if algorithm_name(&info.algorithm) == ecdsa::NAME {
        return Ok(SecretKey(Inner::EcdsaP256(ecdsa::secret(info)?)));
    }
    if info.algorithm.oid != ED25519_OID {
        return Err(KeyError::OtherAlgorithm(algorithm_name(&info.algorithm)));
    }
    if info.algorithm.parameters.is_some() {
        return Err(damaged("an Ed25519 key has no parameters"));
    }
    // An OCTET STRING within the OCTET STRING (RFC 8410 §7).
    let seed = info.private_key.as_bytes().strip_prefix(&[0x04, 0x20]).and_then(|seed| seed.try_into().ok());
    let key = SigningKey::from_bytes(seed.ok_or_else(|| damaged("an Ed25519 key has 32 bytes"))?);
    // Version 2 carries the public key beside the secret one; one that is not its own was tampered with.
    if info.public_key.is_some_and(|public| public.as_bytes() != Some(key.verifying_key().as_bytes())) {
        return Err(damaged("the public key in it is not the secret key's"));
    }
    Ok(SecretKey(Inner::Ed25519(key)))
}

fn decrypt(der: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|error| match error.kind() {
        ErrorKind::OidUnknown { oid } => KeyError::OtherEncryption(format!("the algorithm {oid}")),
        // An identifier in a place where PKCS#5 has it not: the schemes of PKCS#12 appendix C.
        ErrorKind::Value { tag: Tag::ObjectIdentifier } => KeyError::OtherEncryption("no scheme of PKCS#5".to_owned()),
        _ => damaged(error),
    })?;
    affordable(&info.encryption_algorithm)?;
    let plain = info.encryption_algorithm.decrypt(passphrase.bytes(), info.encrypted_data.as_bytes());
    plain.map(Zeroizing::new).map_err(|error| match error {
        pkcs5::Error::DecryptFailed => KeyError::PassphraseWrong,
        other => KeyError::OtherEncryption(other.to_string()),
    })
}

/// Refuses parameters that would take a hostile amount of time or memory, before they take any.
fn affordable(scheme: &EncryptionScheme) -> Result<(), KeyError> {
    let refuse = |what: &str| Err(KeyError::OtherEncryption(what.to_owned()));
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        return refuse("PBES1");
    };
    match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) if (1..=MAX_ITERATIONS).contains(&pbkdf2.iteration_count) => Ok(()),
        Kdf::Pbkdf2(_) => refuse("the iterations of PBKDF2 are not within 1 to 10,000,000"),
        Kdf::Scrypt(scrypt) => {
            let (n, r) = (scrypt.cost_parameter, u64::from(scrypt.block_size));
            let memory = n.checked_mul(128 * r).filter(|bytes| (1..=MAX_SCRYPT_BYTES).contains(bytes));
            // Time grows with p as memory does with N; OpenSSL writes p = 1.
            if memory.is_some() && n.is_power_of_two() && n >= 2 && (1..=16).contains(&scrypt.parallelization) {
                Ok(())
            } else {
                refuse("the parameters of scrypt ask for more than 256 MiB, or are invalid")
            }
        }
        _ => refuse("an unknown key derivation"),
    }
}

fn encrypt(plain: &[u8], encryption: &Encryption<'_>) -> Result<SecretDocument, KeyError> {
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, &encryption.salt, encryption.iv)
        .map_err(damaged)?;
    let info = PrivateKeyInfoRef::from_der(plain).map_err(damaged)?;
    info.encrypt_with_params(parameters, encryption.passphrase.bytes()).map_err(damaged)
}
