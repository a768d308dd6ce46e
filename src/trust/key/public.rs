//! Public keys.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use pkcs8::der::Decode;
use pkcs8::der::pem::{LineEnding, encode_string};
use pkcs8::spki::SubjectPublicKeyInfoRef;

use super::pem::{self, Block, ED25519_OID, algorithm_name};
use super::{Algorithm, KeyError, Signature, WeakKey};
use crate::digest::Digest;

/// `SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING (32 bytes follow) }` (RFC 8410 §4).
const ED25519_SPKI_PREFIX: [u8; 12] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key that passed the checks of import. Two keys are equal when their encodings are.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Inner);

#[derive(Clone, PartialEq, Eq)]
enum Inner {
    Ed25519(VerifyingKey),
}

impl PublicKey {
    /// Imports the 32 bytes of an Ed25519 key; refuses [`WeakKey`]s.
    pub fn from_raw(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Weak(WeakKey::NoPoint))?;
        let point = key.to_edwards();
        // Before the order: a small-order point in a second encoding is both, and the encoding is the wider fault.
        if point.compress().as_bytes() != bytes {
            return Err(KeyError::Weak(WeakKey::NotCanonical));
        }
        if point.is_small_order() {
            return Err(KeyError::Weak(WeakKey::LowOrder));
        }
        if !point.is_torsion_free() {
            return Err(KeyError::Weak(WeakKey::Torsion));
        }
        Ok(Self(Inner::Ed25519(key)))
    }

    /// Imports a PEM file with one SPKI block (RFC 8410 for Ed25519: OID 1.3.101.112 without parameters).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (_, document) = pem::read(text, Block::Public)?;
        Self::from_der(document.as_bytes())
    }

    /// Imports an SPKI structure in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if let Some(raw) = der.strip_prefix(&ED25519_SPKI_PREFIX)
            && let Ok(raw) = <&[u8; 32]>::try_from(raw)
        {
            return Self::from_raw(raw);
        }
        // One key has exactly one DER form, the one above; what is left is to say what is wrong.
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|error| KeyError::Damaged(error.to_string()))?;
        if spki.algorithm.oid != ED25519_OID {
            return Err(KeyError::OtherAlgorithm(algorithm_name(&spki.algorithm)));
        }
        let what = if spki.algorithm.parameters.is_some() { "has parameters" } else { "has not 32 bytes" };
        Err(KeyError::Damaged(format!("an Ed25519 key that {what}")))
    }

    /// The SPKI structure in DER.
    pub fn to_der(&self) -> Vec<u8> {
        match &self.0 {
            Inner::Ed25519(key) => [&ED25519_SPKI_PREFIX[..], key.as_bytes()].concat(),
        }
    }

    /// The SPKI structure in PEM, as `openssl pkey -pubin` reads it.
    pub fn to_pem(&self) -> String {
        encode_string("PUBLIC KEY", LineEnding::LF, &self.to_der()).expect("a short document under a valid label")
    }

    /// The key's raw bytes: 32 for Ed25519.
    pub fn raw(&self) -> &[u8] {
        match &self.0 {
            Inner::Ed25519(key) => key.as_bytes(),
        }
    }

    /// What this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Inner::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The digest of the SPKI structure in DER: the identity of a key.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.to_der())
    }

    /// Accepts exactly this key's signatures over this message. For Ed25519 strictly: 64 bytes, S reduced, R canonical
    /// and not of small order (RFC 8032 §5.1.7; eprint 2020/1244).
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        match &self.0 {
            Inner::Ed25519(key) => {
                let bytes = signature.as_bytes();
                let bytes = bytes.try_into().map_err(|_| KeyError::SignatureLength { found: bytes.len() })?;
                let signature = ed25519_dalek::Signature::from_bytes(bytes);
                key.verify_strict(message, &signature).map_err(|_| KeyError::SignatureMismatch)
            }
        }
    }

    /// The public half of a secret key. Always derived from the seed, never taken from a file: a signature with another
    /// public key gives the secret away (RUSTSEC-2022-0093).
    pub(super) fn of(key: &SigningKey) -> Self {
        Self(Inner::Ed25519(key.verifying_key()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}
