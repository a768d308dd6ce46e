//! One PEM block (RFC 7468), and which algorithm a key inside is for.

use pkcs8::der::SecretDocument;
use pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier};
use zeroize::Zeroizing;

use super::KeyError;

/// `id-Ed25519` (RFC 8410 §3).
pub(super) const ED25519_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The longest key file, in bytes. Room for a comment before an RSA key of 16384 bits.
const MAX_BYTES: usize = 64 * 1024;

const BEGIN: &str = "-----BEGIN ";

/// What the label of a block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// SPKI.
    Public,
    /// PKCS#8.
    Secret,
    /// PKCS#8, encrypted.
    Encrypted,
    /// PKCS#8 in the box of cosign.
    Boxed,
}

/// Reads the only block of a text. Anything but one block, and any label but those of [`Block`], is an error.
pub(super) fn read(text: &str, wanted: Block) -> Result<(Block, Zeroizing<Vec<u8>>), KeyError> {
    if text.len() > MAX_BYTES {
        return Err(KeyError::Damaged(format!("{} bytes are more than any key has", text.len())));
    }
    let begins = text.match_indices(BEGIN).filter(|(at, _)| *at == 0 || text.as_bytes()[at - 1].is_ascii_whitespace());
    let label = match begins.clone().count() {
        0 => return Err(KeyError::NotPem),
        1 => begins.map(|(at, _)| &text[at + BEGIN.len()..]).next().unwrap_or(""),
        several => return Err(KeyError::SeveralBlocks(several)),
    };
    let label = label.lines().next().unwrap_or("").trim_end().trim_end_matches('-');
    let block = classify(label)?;
    match (block, wanted) {
        (Block::Public, Block::Secret) => return Err(KeyError::SecretWanted),
        (Block::Secret | Block::Encrypted | Block::Boxed, Block::Public) => return Err(KeyError::PublicWanted),
        _ => {}
    }
    if block == Block::Boxed {
        // What is inside is JSON and no DER, which a document refuses to be.
        let (_, bytes) = pkcs8::der::pem::decode_vec(text.trim().as_bytes())
            .map_err(|error| KeyError::Damaged(error.to_string()))?;
        return Ok((block, Zeroizing::new(bytes)));
    }
    let (_, document) = SecretDocument::from_pem(text.trim()).map_err(|error| KeyError::Damaged(error.to_string()))?;
    Ok((block, Zeroizing::new(document.as_bytes().to_vec())))
}

fn classify(label: &str) -> Result<Block, KeyError> {
    match label {
        "PUBLIC KEY" => Ok(Block::Public),
        "PRIVATE KEY" => Ok(Block::Secret),
        "ENCRYPTED PRIVATE KEY" => Ok(Block::Encrypted),
        "ENCRYPTED COSIGN PRIVATE KEY" | "ENCRYPTED SIGSTORE PRIVATE KEY" => Ok(Block::Boxed),
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Err(KeyError::OldForm),
        "DSA PRIVATE KEY" => Err(KeyError::OtherAlgorithm("DSA".to_owned())),
        other => Err(KeyError::OtherBlock(other.chars().take(64).collect())),
    }
}

/// Names the algorithm of a key for an error message.
pub(super) fn algorithm_name(algorithm: &AlgorithmIdentifierRef<'_>) -> String {
    let oid = algorithm.oid.to_string();
    let known = match oid.as_str() {
        "1.2.840.113549.1.1.1" => "RSA",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.10045.2.1" => return curve_name(algorithm),
        "1.3.101.110" => "X25519",
        "1.3.101.111" => "X448",
        "1.3.101.113" => "Ed448",
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        _ => return format!("the algorithm {oid}"),
    };
    known.to_owned()
}

fn curve_name(algorithm: &AlgorithmIdentifierRef<'_>) -> String {
    let Ok(curve) = algorithm.parameters_oid() else { return "EC with explicit parameters".to_owned() };
    match curve.to_string().as_str() {
        "1.2.840.10045.3.1.7" => super::ecdsa::NAME.to_owned(),
        "1.3.132.0.34" => "EC P-384".to_owned(),
        "1.3.132.0.35" => "EC P-521".to_owned(),
        "1.3.132.0.10" => "EC secp256k1".to_owned(),
        other => format!("EC {other}"),
    }
}
