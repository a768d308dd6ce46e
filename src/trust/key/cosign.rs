//! Keys of cosign: PKCS#8 in a box of scrypt and XSalsa20-Poly1305, described in JSON (go-securesystemslib, `encrypted`).

use base64ct::{Base64, Encoding};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{KeyError, Passphrase, stretch};
use crate::json::{self, Limits, Numbers};

/// A box around an RSA key of 4096 bits has some 4 KB.
const LIMITS: Limits = Limits { bytes: 64 << 10, values: 64, numbers: Numbers::IntegersOnly };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    params: Parameters,
    salt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Opens a box; gives the PKCS#8 structure in it.
pub(super) fn open(document: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let damaged = |what: &str| KeyError::Damaged(format!("the box of cosign: {what}"));
    let value = json::parse(document, &LIMITS).map_err(|error| damaged(&error.to_string()))?;
    let sealed: Sealed = json::from_value(value).map_err(|error| damaged(&error.to_string()))?;
    let Sealed { kdf, cipher, ciphertext } = sealed;
    if kdf.name != "scrypt" || cipher.name != "nacl/secretbox" {
        return Err(KeyError::OtherEncryption("a box of cosign that is not scrypt and nacl/secretbox".to_owned()));
    }
    // The three costs that cosign has ever written.
    if !(matches!(kdf.params.n, 0x8000 | 0x1_0000 | 0x2_0000) && kdf.params.r == 8 && kdf.params.p == 1) {
        return Err(KeyError::OtherEncryption("a box of cosign with another cost of scrypt".to_owned()));
    }
    let bytes = |text: &str| Base64::decode_vec(text).map_err(|_| damaged("not base64"));
    let (salt, nonce, mut sealed) = (bytes(&kdf.salt)?, bytes(&cipher.nonce)?, bytes(&ciphertext)?);
    let nonce: [u8; 24] = nonce.try_into().map_err(|_| damaged("the nonce has not 24 bytes"))?;
    let log_n = u8::try_from(kdf.params.n.trailing_zeros()).map_err(|_| damaged("N"))?;
    let key = stretch::<32>(passphrase, &salt, (log_n, kdf.params.r, kdf.params.p))?;
    // The first 32 bytes of the key stream are the authenticator's key, what follows is the message's.
    let mut stream = XSalsa20::new((&*key).into(), (&nonce).into());
    let mut authenticator = Zeroizing::new([0; 32]);
    stream.apply_keystream(&mut authenticator[..]);
    if sealed.len() < 16 {
        return Err(damaged("it is cut off"));
    }
    let mut plain = Zeroizing::new(sealed.split_off(16));
    let tag = Poly1305::new((&*authenticator).into()).compute_unpadded(&plain);
    if !bool::from(tag.as_slice().ct_eq(&sealed)) {
        return Err(KeyError::PassphraseWrong);
    }
    stream.apply_keystream(&mut plain);
    Ok(plain)
}
