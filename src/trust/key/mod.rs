//! Keys and signatures. The algorithm is the key's; nothing in a signature or an envelope chooses it.

mod cosign;
mod ecdsa;
mod error;
mod pem;
mod public;
mod rsa;
mod secret;
mod stretch;
#[cfg(test)]
mod tests;
mod verifier;

use std::fmt;

use zeroize::Zeroizing;

pub use error::{KeyError, WeakKey};
pub use public::PublicKey;
pub(crate) use rsa::Hash as RsaHash;
pub use rsa::MIN_BITS as RSA_MIN_BITS;
pub use secret::{Encryption, PBKDF2_ITERATIONS, SecretKey};
pub(crate) use stretch::stretch;
pub use verifier::Verifier;

/// What a key signs with. The key alone decides it (A28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Pure Ed25519 (RFC 8032), not prehashed: 64 bytes.
    Ed25519,
    /// ECDSA on NIST P-256 with SHA-256 (FIPS 186-5): `ECDSA-Sig-Value` in DER (RFC 3279 §2.2.3).
    EcdsaP256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2): as many bytes as the modulus.
    Rsa,
}

impl Algorithm {
    /// The name for people and for canonical forms.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Ed25519 => "ed25519",
            Algorithm::EcdsaP256 => "ecdsa-p256-sha256",
            Algorithm::Rsa => "rsa-pkcs1-sha256",
        }
    }
}

/// The bytes of a signature, as they were found: only a key says what they mean.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// The longest signature taken at all: RSA with 8192 bits.
    pub const MAX_BYTES: usize = 1024;

    /// Takes 1 to [`Self::MAX_BYTES`] bytes; they are not judged before a key does.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() || bytes.len() > Self::MAX_BYTES {
            return Err(KeyError::SignatureLength { found: bytes.len() });
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The bytes as `openssl` reads them: `pkeyutl -verify -rawin` for Ed25519, `dgst -sha256 -verify` for the others.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// R and S of an ECDSA P-256 signature, each of 32 bytes, big-endian.
    pub(crate) fn to_scalars(&self) -> Option<([u8; 32], [u8; 32])> {
        ecdsa::scalars(self)
    }

    /// The ECDSA P-256 signature of these two; none where one is zero or not below the order.
    pub(crate) fn from_scalars(r: [u8; 32], s: [u8; 32]) -> Option<Self> {
        ecdsa::of_scalars(r, s)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} bytes)", self.0.len())
    }
}

/// A passphrase: zeroised when dropped, and without a way to print it.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// The longest passphrase, in bytes: what OpenSSL reads.
    pub const MAX_BYTES: usize = 1023;

    /// Takes 1 to [`Self::MAX_BYTES`] bytes as they are; a line end that a file ended with is the caller's to remove.
    pub fn new(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Result<Self, KeyError> {
        let bytes = bytes.into();
        if bytes.is_empty() || bytes.len() > Self::MAX_BYTES {
            return Err(KeyError::PassphraseLength);
        }
        Ok(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
