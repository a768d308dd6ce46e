//! What can be wrong with a key, a passphrase or a signature.

/// Why a public key is refused although it is a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// Signatures under it hold for almost any message.
    #[error("it has low order")]
    LowOrder,
    /// It has a torsion component, so verifiers disagree about signatures under it (eprint 2020/1244).
    #[error("it has a component of low order")]
    Torsion,
    /// The same point has another encoding, so one key would have two fingerprints.
    #[error("its encoding is not the canonical one")]
    NotCanonical,
    /// The bytes are no point of the curve.
    #[error("it is no point of the curve")]
    NoPoint,
    /// RSA with a modulus that is too short to be safe, or too long to be affordable.
    #[error("its modulus has {0} bits; {min} to {max} are taken", min = super::rsa::MIN_BITS, max = super::rsa::MAX_BITS)]
    Modulus(usize),
    /// RSA with an even modulus, which is no product of two primes.
    #[error("its modulus is even")]
    EvenModulus,
    /// RSA with an exponent that no key has. One of 3 is safe where the padding is compared and not parsed.
    #[error("its public exponent is not an odd number from 3 to 2^33")]
    Exponent,
}

/// A key, passphrase or signature that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM block.
    #[error("no key: neither PEM nor a key of minisign or ssh")]
    NotPem,
    /// More than one PEM block: which one is meant?
    #[error("{0} PEM blocks, where exactly one key is wanted")]
    SeveralBlocks(usize),
    /// A public key where a secret one is wanted.
    #[error("this is a public key; a secret key is wanted")]
    SecretWanted,
    /// A secret key where a public one is wanted.
    #[error("this is a secret key; a public key is wanted")]
    PublicWanted,
    /// A PEM block that is no key, or a key in a form that is not read.
    #[error("a PEM block {0:?} is not a key in PKCS#8 or SPKI form")]
    OtherBlock(String),
    /// A secret key as OpenSSL wrote it before version 1.0 (PKCS#1, SEC 1).
    #[error("a secret key in the old form of its algorithm alone; PKCS#8 is wanted")]
    OldForm,
    /// A key of another algorithm.
    #[error("a key for {0}; Ed25519, ECDSA P-256 or RSA is wanted")]
    OtherAlgorithm(String),
    /// A key of a good algorithm for which a format has no place.
    #[error("{format} signatures are made with Ed25519 keys, and this key is for {algorithm}")]
    NotForFormat {
        /// The format.
        format: &'static str,
        /// The key's algorithm.
        algorithm: &'static str,
    },
    /// The machine gives no random bytes, without which an RSA key does not sign.
    #[error("the machine gives no random bytes")]
    Random,
    /// Encrypted, and there is no passphrase.
    #[error("the secret key is encrypted, and there is no passphrase")]
    PassphraseMissing,
    /// Encrypted with another passphrase.
    #[error("the passphrase is wrong")]
    PassphraseWrong,
    /// Empty, or too long for OpenSSL.
    #[error("a passphrase has 1 to 1023 bytes")]
    PassphraseLength,
    /// Encrypted in a way that is too weak, too costly or unknown.
    #[error("the secret key is encrypted in a way that is not read: {0}")]
    OtherEncryption(String),
    /// A key file whose inside is broken.
    #[error("the key is damaged: {0}")]
    Damaged(String),
    /// A public key that must not be trusted.
    #[error("the public key is refused: {0}")]
    Weak(WeakKey),
    /// A signature of a length that this key's algorithm does not have.
    #[error("a signature of {found} bytes; this key's have another length")]
    SignatureLength {
        /// How many bytes there are.
        found: usize,
    },
    /// What is to be signed cannot be read again, or is no longer the same.
    #[error("what is to be signed cannot be read again as it was measured")]
    MessageChanged,
    /// More than is held in memory, for a key that signs nothing in pieces.
    #[error("an RSA key signs at most {max} bytes at once, and there are {found}", max = crate::message::MAX_WHOLE)]
    MessageTooLong {
        /// How many bytes there are.
        found: u64,
    },
    /// The signature is not this key's over these bytes.
    #[error("the signature does not verify")]
    SignatureMismatch,
}

impl KeyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            KeyError::NotPem => "key.not-pem",
            KeyError::SeveralBlocks(_) => "key.several-blocks",
            KeyError::SecretWanted => "key.secret-wanted",
            KeyError::PublicWanted => "key.public-wanted",
            KeyError::OtherBlock(_) => "key.other-block",
            KeyError::OldForm => "key.old-form",
            KeyError::OtherAlgorithm(_) => "key.other-algorithm",
            KeyError::NotForFormat { .. } => "key.not-for-format",
            KeyError::Random => "key.no-random",
            KeyError::PassphraseMissing => "key.passphrase-missing",
            KeyError::PassphraseWrong => "key.passphrase-wrong",
            KeyError::PassphraseLength => "key.passphrase-length",
            KeyError::OtherEncryption(_) => "key.other-encryption",
            KeyError::Damaged(_) => "key.damaged",
            KeyError::Weak(_) => "key.weak",
            KeyError::SignatureLength { .. } => "key.signature-length",
            KeyError::MessageChanged => "key.message-changed",
            KeyError::MessageTooLong { .. } => "key.message-too-long",
            KeyError::SignatureMismatch => "key.signature-mismatch",
        }
    }

    /// What to do next, where there is something general to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            KeyError::NotPem | KeyError::OtherAlgorithm(_) | KeyError::OtherBlock(_) => {
                Some("openssl genpkey -algorithm ed25519 -out key.pem")
            }
            KeyError::OldForm => Some("openssl pkcs8 -topk8 -nocrypt -in key.pem -out new.pem"),
            KeyError::SeveralBlocks(_) => Some("put each key into a file of its own"),
            KeyError::NotForFormat { .. } => {
                Some("leave the format out of attest.formats, or sign with an Ed25519 key")
            }
            KeyError::MessageTooLong { .. } => Some(
                "attest.signatures = \"checksums\" signs the list of files, or attest.formats = [\"ssh\"], or take a key of Ed25519 or P-256",
            ),
            KeyError::Damaged(_) => Some("take the key from where it was made, or make another"),
            KeyError::SecretWanted => Some("name the secret half: the file without .pub"),
            KeyError::PublicWanted => Some("openssl pkey -in key.pem -pubout -out key.pub"),
            KeyError::OtherEncryption(_) => {
                Some("openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in key.pem -out new.pem")
            }
            _ => None,
        }
    }
}
