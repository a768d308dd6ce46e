//! Public keys.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use pkcs8::der::Decode;
use pkcs8::der::pem::{LineEnding, encode_string};
use pkcs8::spki::SubjectPublicKeyInfoRef;

use super::pem::{self, Block, ED25519_OID, algorithm_name};
use super::{Algorithm, KeyError, RsaHash, Signature, Verifier, WeakKey, ecdsa, rsa};
use crate::digest::Digest;
use crate::message::Message;
use crate::{minisign, sshsig};

/// `SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING (32 bytes follow) }` (RFC 8410 §4).
const ED25519_SPKI_PREFIX: [u8; 12] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key that passed the checks of import. Two keys are equal when their encodings are.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Inner);

#[derive(Clone, PartialEq, Eq)]
enum Inner {
    Ed25519(VerifyingKey),
    EcdsaP256(p256::ecdsa::VerifyingKey),
    Rsa(rsa::Public),
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

    /// Imports the uncompressed point of an ECDSA P-256 key (SEC 1 §2.3.3).
    pub(crate) fn from_point(point: &[u8]) -> Result<Self, KeyError> {
        ecdsa::public(point).map(|key| Self(Inner::EcdsaP256(key)))
    }

    /// Imports modulus and exponent of an RSA key, big-endian without leading zeros.
    pub(crate) fn from_modulus(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        rsa::Public::new(modulus, exponent).map(|key| Self(Inner::Rsa(key)))
    }

    /// Imports a key in whichever form it is written: SPKI in PEM, a key file of minisign, or a line of ssh.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        match text.trim_start() {
            trimmed if minisign::looks_like_a_public_key(trimmed) => minisign::public_key(trimmed),
            trimmed if sshsig::looks_like_a_public_key(trimmed) => sshsig::public_key(trimmed),
            _ => Self::from_pem(text),
        }
    }

    /// Imports a PEM file with one SPKI block (RFC 8410, RFC 5480, RFC 3279).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (_, document) = pem::read(text, Block::Public)?;
        Self::from_der(&document)
    }

    /// Imports an SPKI structure in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if let Some(raw) = der.strip_prefix(&ED25519_SPKI_PREFIX)
            && let Ok(raw) = <&[u8; 32]>::try_from(raw)
        {
            return Self::from_raw(raw);
        }
        if let Some(point) = ecdsa::point(der) {
            return Self::from_point(point);
        }
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|error| KeyError::Damaged(error.to_string()))?;
        if spki.algorithm.oid == rsa::OID {
            let key = Self(Inner::Rsa(rsa::Public::from_spki(&spki)?));
            // One key has exactly one form: without the NULL, say, it would have a second fingerprint.
            let same = key.to_der() == der;
            return if same { Ok(key) } else { Err(KeyError::Weak(WeakKey::NotCanonical)) };
        }
        // The other two have one form each, those above; what is left is to say what is wrong.
        if algorithm_name(&spki.algorithm) == ecdsa::NAME {
            return Self::from_point(spki.subject_public_key.raw_bytes());
        }
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
            Inner::EcdsaP256(key) => ecdsa::spki(key),
            Inner::Rsa(key) => key.spki(),
        }
    }

    /// The SPKI structure in PEM, as `openssl pkey -pubin` reads it.
    pub fn to_pem(&self) -> String {
        encode_string("PUBLIC KEY", LineEnding::LF, &self.to_der()).expect("a short document under a valid label")
    }

    /// The 32 bytes of an Ed25519 key.
    pub fn raw(&self) -> Option<&[u8; 32]> {
        match &self.0 {
            Inner::Ed25519(key) => Some(key.as_bytes()),
            Inner::EcdsaP256(_) | Inner::Rsa(_) => None,
        }
    }

    /// The uncompressed point of an ECDSA P-256 key.
    pub(crate) fn point(&self) -> Option<Vec<u8>> {
        match &self.0 {
            Inner::EcdsaP256(key) => Some(ecdsa::encoded(key)),
            Inner::Ed25519(_) | Inner::Rsa(_) => None,
        }
    }

    /// Modulus and exponent of an RSA key.
    pub(crate) fn numbers(&self) -> Option<(&[u8], &[u8])> {
        match &self.0 {
            Inner::Rsa(key) => Some((key.modulus(), key.exponent())),
            Inner::Ed25519(_) | Inner::EcdsaP256(_) => None,
        }
    }

    /// What this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Inner::Ed25519(_) => Algorithm::Ed25519,
            Inner::EcdsaP256(_) => Algorithm::EcdsaP256,
            Inner::Rsa(_) => Algorithm::Rsa,
        }
    }

    /// The key's size in bits: 256 for both curves, the modulus's for RSA.
    pub fn bits(&self) -> usize {
        match &self.0 {
            Inner::Ed25519(_) | Inner::EcdsaP256(_) => 256,
            Inner::Rsa(key) => key.bits(),
        }
    }

    /// How many bytes a signature of this key has; ECDSA's vary.
    pub fn signature_length(&self) -> Option<usize> {
        match &self.0 {
            Inner::Ed25519(_) => Some(64),
            Inner::EcdsaP256(_) => None,
            Inner::Rsa(key) => Some(key.modulus().len()),
        }
    }

    /// The digest of the SPKI structure in DER: the identity of a key.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.to_der())
    }

    /// Begins to verify a signature over a message that comes piece by piece.
    pub fn verifier(&self, signature: &Signature) -> Result<Verifier, KeyError> {
        match &self.0 {
            Inner::Ed25519(key) => Verifier::ed25519(key, signature),
            Inner::EcdsaP256(key) => Ok(Verifier::ecdsa(key, signature)),
            Inner::Rsa(key) => Ok(Verifier::rsa(key, signature)),
        }
    }

    /// Accepts exactly this key's signatures over this message.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let mut verifier = self.verifier(signature)?;
        verifier.update(message);
        verifier.finish()
    }

    /// The same for a message that may lie elsewhere.
    ///
    /// # Errors
    /// `key.message-changed` besides.
    pub fn verify_message(&self, message: &Message<'_>, signature: &Signature) -> Result<(), KeyError> {
        let mut verifier = self.verifier(signature)?;
        message.read(&mut |piece| verifier.update(piece))?;
        verifier.finish()
    }

    /// As [`Self::verify`], in the one form that sealift writes: from an ECDSA signature anybody can make a second one
    /// with the larger S, and of a file of ours any changed byte is refused.
    pub fn verify_canonical(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        if self.canonical(signature) != *signature {
            return Err(KeyError::SignatureMismatch);
        }
        self.verify(message, signature)
    }

    /// A signature in the form that sealift writes: that with the smaller S for ECDSA, itself for the others.
    #[must_use]
    pub fn canonical(&self, signature: &Signature) -> Signature {
        match &self.0 {
            Inner::EcdsaP256(_) => ecdsa::lower(signature),
            Inner::Ed25519(_) | Inner::Rsa(_) => signature.clone(),
        }
    }

    /// Verifies an RSA signature over a digest; none for keys of the other algorithms.
    pub(crate) fn verify_rsa(
        &self,
        hash: RsaHash,
        digest: &[u8],
        signature: &Signature,
    ) -> Option<Result<(), KeyError>> {
        match &self.0 {
            Inner::Rsa(key) => Some(key.verify(hash, digest, signature)),
            Inner::Ed25519(_) | Inner::EcdsaP256(_) => None,
        }
    }

    /// The public half of a secret key. Always derived from the seed, never taken from a file: a signature with another
    /// public key gives the secret away (RUSTSEC-2022-0093).
    pub(super) fn of_ed25519(key: &SigningKey) -> Self {
        Self(Inner::Ed25519(key.verifying_key()))
    }

    pub(super) fn of_ecdsa(key: &p256::ecdsa::SigningKey) -> Self {
        Self(Inner::EcdsaP256(*key.verifying_key()))
    }

    pub(super) fn of_rsa(key: &rsa::Secret) -> Self {
        Self(Inner::Rsa(key.public().clone()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}
