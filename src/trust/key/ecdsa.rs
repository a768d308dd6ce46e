//! ECDSA on NIST P-256 with SHA-256, in the forms of OpenSSL.

use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature as Pair, SigningKey, VerifyingKey};
use pkcs8::PrivateKeyInfoRef;
use zeroize::Zeroizing;

use super::{KeyError, Signature, WeakKey};

/// What error messages call it.
pub(super) const NAME: &str = "EC P-256";

/// `SEQUENCE { SEQUENCE { OID id-ecPublicKey, OID prime256v1 }, BIT STRING (65 bytes follow) }` (RFC 5480 §2).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// PKCS#8 version 1 around an `ECPrivateKey` (RFC 5915 §3) up to its 32 bytes.
const PKCS8_PREFIX: [u8; 36] = [
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08,
    0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x04, 0x6D, 0x30, 0x6B, 0x02, 0x01, 0x01, 0x04, 0x20,
];

/// What stands in it before the public point: `[1] { BIT STRING (65 bytes follow) }`.
const PKCS8_MIDDLE: [u8; 5] = [0xA1, 0x44, 0x03, 0x42, 0x00];

/// The bytes of an uncompressed point (SEC 1 §2.3.3).
pub(super) const POINT: usize = 65;

/// Whether an SPKI structure is for this curve, with the point as it stands there.
pub(super) fn point(der: &[u8]) -> Option<&[u8]> {
    der.strip_prefix(&SPKI_PREFIX)
}

/// Imports an uncompressed point. A compressed one is the same key in a second encoding, and with a second fingerprint.
pub(super) fn public(point: &[u8]) -> Result<VerifyingKey, KeyError> {
    match point {
        [0x04, ..] if point.len() == POINT => {
            VerifyingKey::from_sec1_bytes(point).map_err(|_| KeyError::Weak(WeakKey::NoPoint))
        }
        [0x02 | 0x03, ..] if point.len() == 33 => Err(KeyError::Weak(WeakKey::NotCanonical)),
        _ => Err(KeyError::Weak(WeakKey::NoPoint)),
    }
}

/// The uncompressed point.
pub(super) fn encoded(key: &VerifyingKey) -> Vec<u8> {
    key.to_sec1_point(false).as_bytes().to_vec()
}

/// The SPKI structure in DER.
pub(super) fn spki(key: &VerifyingKey) -> Vec<u8> {
    [&SPKI_PREFIX[..], &encoded(key)].concat()
}

/// Reads what stands in a PKCS#8 structure. A public key in it that is not the secret key's is refused.
pub(super) fn secret(info: PrivateKeyInfoRef<'_>) -> Result<SigningKey, KeyError> {
    let key = p256::SecretKey::try_from(info).map_err(|error| KeyError::Damaged(error.to_string()))?;
    Ok(SigningKey::from(key))
}

/// Writes PKCS#8 version 1 with the public key in it, byte for byte as OpenSSL does.
pub(super) fn pkcs8(key: &SigningKey) -> Zeroizing<Vec<u8>> {
    let scalar: Zeroizing<[u8; 32]> = Zeroizing::new(key.to_bytes().into());
    let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + 32 + PKCS8_MIDDLE.len() + POINT));
    der.extend_from_slice(&PKCS8_PREFIX);
    der.extend_from_slice(&scalar[..]);
    der.extend_from_slice(&PKCS8_MIDDLE);
    der.extend_from_slice(&encoded(key.verifying_key()));
    der
}

/// Signs a digest with the nonce of RFC 6979, so that equal messages have equal signatures, and the smaller of the two S.
pub(super) fn sign(key: &SigningKey, digest: &[u8; 32]) -> Result<Signature, KeyError> {
    let pair: Pair = key.sign_prehash(digest).map_err(|error| KeyError::Damaged(error.to_string()))?;
    Ok(Signature(pair.normalize_s().to_der().as_bytes().to_vec()))
}

/// Accepts a signature over a digest, with either of the two S: OpenSSL and Go write both.
pub(super) fn verify(key: &VerifyingKey, digest: &[u8; 32], signature: &Signature) -> Result<(), KeyError> {
    let pair = Pair::from_der(signature.as_bytes()).map_err(|_| KeyError::SignatureMismatch)?;
    // DER has one form; what reads as the same numbers and is written otherwise is none.
    if pair.to_der().as_bytes() != signature.as_bytes() {
        return Err(KeyError::SignatureMismatch);
    }
    key.verify_prehash(digest, &pair).map_err(|_| KeyError::SignatureMismatch)
}

/// The same signature with the smaller S; one that is none stays as it is, and will not verify.
pub(super) fn lower(signature: &Signature) -> Signature {
    match Pair::from_der(signature.as_bytes()) {
        Ok(pair) => Signature(pair.normalize_s().to_der().as_bytes().to_vec()),
        Err(_) => signature.clone(),
    }
}

/// R and S of a signature, each of 32 bytes, big-endian.
pub(super) fn scalars(signature: &Signature) -> Option<([u8; 32], [u8; 32])> {
    let (r, s) = Pair::from_der(signature.as_bytes()).ok()?.split_bytes();
    Some((r.into(), s.into()))
}

/// The signature of two numbers of 32 bytes, big-endian; none where one is zero or not below the order.
pub(super) fn of_scalars(r: [u8; 32], s: [u8; 32]) -> Option<Signature> {
    Some(Signature(Pair::from_scalars(r, s).ok()?.to_der().as_bytes().to_vec()))
}
