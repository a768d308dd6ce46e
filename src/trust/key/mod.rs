//! Keys and signatures. The algorithm is the key's; nothing in a signature or an envelope chooses it.

mod error;
mod pem;
mod public;
mod secret;
#[cfg(test)]
mod tests;

use std::fmt;

use zeroize::Zeroizing;

pub use error::{KeyError, WeakKey};
pub use public::PublicKey;
pub use secret::{Encryption, PBKDF2_ITERATIONS, SecretKey};

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Pure Ed25519 (RFC 8032), not prehashed.
    Ed25519,
}

impl Algorithm {
    /// The name for people and for canonical forms.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Ed25519 => "ed25519",
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

    /// The raw bytes: for Ed25519 the 64 bytes that `openssl pkeyutl -verify -rawin` reads.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
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

    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
