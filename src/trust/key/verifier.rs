//! Verification of messages that come piece by piece, in memory that does not grow with them.

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{StreamVerifier, VerifyingKey};
use sha2::Digest as _;

use super::{KeyError, Signature, ecdsa, rsa};

/// One signature on its way to a verdict: the message goes to [`Verifier::update`], and [`Verifier::finish`] judges.
#[must_use = "nothing is verified before `finish` says so"]
pub struct Verifier(State);

enum State {
    Ed25519(Box<StreamVerifier>),
    EcdsaP256 { key: p256::ecdsa::VerifyingKey, signature: Signature, hash: sha2::Sha256 },
    Rsa { key: rsa::Public, signature: Signature, hash: sha2::Sha256 },
}

impl Verifier {
    /// For Ed25519 strictly: 64 bytes, S reduced, R canonical and not of small order (RFC 8032 §5.1.7; eprint 2020/1244).
    pub(super) fn ed25519(key: &VerifyingKey, signature: &Signature) -> Result<Self, KeyError> {
        let bytes = signature.as_bytes();
        let bytes: &[u8; 64] = bytes.try_into().map_err(|_| KeyError::SignatureLength { found: bytes.len() })?;
        let signature = ed25519_dalek::Signature::from_bytes(bytes);
        // That R is canonical follows from the comparison at the end, which is of encodings.
        let r = CompressedEdwardsY(*signature.r_bytes()).decompress();
        if r.is_none_or(|r| r.is_small_order()) {
            return Err(KeyError::SignatureMismatch);
        }
        let stream = key.verify_stream(&signature).map_err(|_| KeyError::SignatureMismatch)?;
        Ok(Self(State::Ed25519(Box::new(stream))))
    }

    pub(super) fn ecdsa(key: &p256::ecdsa::VerifyingKey, signature: &Signature) -> Self {
        Self(State::EcdsaP256 { key: *key, signature: signature.clone(), hash: sha2::Sha256::new() })
    }

    pub(super) fn rsa(key: &rsa::Public, signature: &Signature) -> Self {
        Self(State::Rsa { key: key.clone(), signature: signature.clone(), hash: sha2::Sha256::new() })
    }

    /// Takes the next piece of the message.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            State::Ed25519(stream) => stream.update(piece),
            State::EcdsaP256 { hash, .. } | State::Rsa { hash, .. } => hash.update(piece),
        }
    }

    /// Says whether the signature is the key's over the whole message.
    pub fn finish(self) -> Result<(), KeyError> {
        match self.0 {
            State::Ed25519(stream) => stream.finalize_and_verify().map_err(|_| KeyError::SignatureMismatch),
            State::EcdsaP256 { key, signature, hash } => ecdsa::verify(&key, &hash.finalize().into(), &signature),
            State::Rsa { key, signature, hash } => key.verify(rsa::Hash::Sha256, &hash.finalize(), &signature),
        }
    }
}
