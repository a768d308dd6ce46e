use super::*;
use crate::digest::Digest;
use crate::message::Message;
use crate::message::tests::{changing, told};

const PLAIN_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn raw(text: &str) -> [u8; 32] {
    hex(text).try_into().expect("32 bytes")
}

fn secret(seed: [u8; 32]) -> SecretKey {
    SecretKey::generate(&Zeroizing::new(seed))
}

fn phrase(text: &str) -> Passphrase {
    Passphrase::new(text.as_bytes().to_vec()).expect("a passphrase")
}

/// RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature.
const RFC_8032: [[&str; 4]; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];

#[test]
fn the_vectors_of_rfc_8032_hold_both_ways() {
    for [seed, public, message, signature] in RFC_8032 {
        let (key, message) = (secret(raw(seed)), hex(message));
        assert_eq!(key.public().raw(), Some(&raw(public)));
        assert_eq!(key.sign(&message).expect("signed").as_bytes(), hex(signature));
        let public = PublicKey::from_raw(&raw(public)).expect("a good key");
        let signature = Signature::from_bytes(&hex(signature)).expect("64 bytes");
        assert_eq!(public.verify(&message, &signature), Ok(()));
        assert_eq!(public.verify(b"other", &signature), Err(KeyError::SignatureMismatch));
    }
}

#[test]
fn every_changed_bit_of_a_signature_is_refused() {
    let key = secret([7; 32]);
    let signature = key.sign(b"message").expect("signed");
    for bit in 0..512 {
        let mut bytes = signature.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = Signature::from_bytes(&bytes).expect("64 bytes");
        assert_eq!(key.public().verify(b"message", &changed), Err(KeyError::SignatureMismatch), "bit {bit}");
    }
}

#[test]
fn a_signature_of_another_length_is_refused() {
    let key = secret([7; 32]);
    let bytes = key.sign(b"message").expect("signed").as_bytes().to_vec();
    for other in [&bytes[..63], &[&bytes[..], b"\0"].concat()] {
        let error = key.public().verify(b"message", &Signature::from_bytes(other).expect("some bytes"));
        assert_eq!(error, Err(KeyError::SignatureLength { found: other.len() }));
    }
    assert!(Signature::from_bytes(&[]).is_err() && Signature::from_bytes(&[0; 1025]).is_err());
}

/// A29: S + L verifies with a lax verifier and is a second signature over the same message.
#[test]
fn a_malleable_s_is_refused() {
    let order = raw("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let key = secret([7; 32]);
    let mut bytes = key.sign(b"message").expect("signed").as_bytes().to_vec();
    let mut carry = 0;
    for (byte, add) in bytes[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let changed = Signature::from_bytes(&bytes).expect("64 bytes");
    assert_eq!(key.public().verify(b"message", &changed), Err(KeyError::SignatureMismatch));
}

/// A29: R of small order satisfies the equation of a lax verifier for S = k·a, without the nonce ever having been secret.
#[test]
fn an_r_of_small_order_is_refused() {
    use curve25519_dalek::Scalar;
    use ed25519_dalek::Verifier;
    use sha2::Digest as _;
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let neutral = raw(LOW_ORDER[0]);
    let hash = sha2::Sha512::new().chain_update(neutral).chain_update(key.verifying_key()).chain_update(b"message");
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let bytes = [neutral, (k * key.to_scalar()).to_bytes()].concat();
    let lax = ed25519_dalek::Signature::from_slice(&bytes).expect("64 bytes");
    assert!(key.verifying_key().verify(b"message", &lax).is_ok(), "the attack works on a lax verifier");
    let signature = Signature::from_bytes(&bytes).expect("64 bytes");
    assert_eq!(secret([7; 32]).public().verify(b"message", &signature), Err(KeyError::SignatureMismatch));
}

const LOW_ORDER: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// A29: the eight points of small order.
#[test]
fn keys_of_low_order_are_refused() {
    for point in LOW_ORDER {
        assert_eq!(PublicKey::from_raw(&raw(point)), Err(KeyError::Weak(WeakKey::LowOrder)), "{point}");
    }
}

/// A29: a good key plus a point of small order.
#[test]
fn keys_with_a_torsion_component_are_refused() {
    let point = |bytes: &[u8; 32]| ed25519_dalek::VerifyingKey::from_bytes(bytes).expect("a point").to_edwards();
    let good = point(&raw(RFC_8032[0][1]));
    // The first point of small order is the neutral element: it adds nothing.
    for torsion in &LOW_ORDER[1..] {
        let mixed = (good + point(&raw(torsion))).compress().to_bytes();
        assert_eq!(PublicKey::from_raw(&mixed), Err(KeyError::Weak(WeakKey::Torsion)), "{torsion}");
    }
}

/// A29: y ≥ p, and a sign bit where x is zero.
#[test]
fn keys_in_a_second_encoding_are_refused() {
    let mut refused = 0;
    for low in 0xED..=0xFF_u8 {
        for high in [0x7F, 0xFF] {
            let mut bytes = [0xFF; 32];
            (bytes[0], bytes[31]) = (low, high);
            match PublicKey::from_raw(&bytes) {
                Err(KeyError::Weak(WeakKey::NotCanonical)) => refused += 1,
                Err(KeyError::Weak(WeakKey::NoPoint)) => {}
                other => panic!("{low:x}: {other:?}"),
            }
        }
    }
    assert!(refused > 4, "{refused}");
    let signed_zero =
        ["0100000000000000000000000000000000000000000000000000000000000080", &format!("ec{}", "f".repeat(62))];
    for point in signed_zero {
        assert!(PublicKey::from_raw(&raw(point)).is_err(), "{point}");
    }
}

#[test]
fn a_public_key_survives_pem() {
    let key = PublicKey::from_pem(PLAIN_PUBLIC).expect("the first key of RFC 8032");
    assert_eq!(key, secret(raw(RFC_8032[0][0])).public());
    assert_eq!(key.to_pem(), PLAIN_PUBLIC);
    assert_eq!(PublicKey::from_der(&key.to_der()), Ok(key.clone()));
    assert_eq!(
        PublicKey::from_pem(&format!("a comment\r\n{}\n\n", PLAIN_PUBLIC.replace('\n', "\r\n"))),
        Ok(key.clone())
    );
    assert_eq!(key.fingerprint(), Digest::of(&key.to_der()));
}

#[test]
fn a_secret_key_survives_pem_plain_and_encrypted() {
    let key = secret([9; 32]);
    let plain = key.to_pem(None).expect("PEM");
    // PKCS#8 version 1: 48 bytes of DER, and INTEGER 0.
    assert_eq!(plain.lines().nth(1).map(str::len), Some(64));
    assert_eq!(SecretKey::from_pem(&plain, None).expect("readable").public(), key.public());
    let right = phrase("correct horse");
    let encryption = Encryption { passphrase: &right, salt: [1; 16], iv: [2; 16] };
    let sealed = key.to_pem(Some(&encryption)).expect("PEM");
    assert_eq!(SecretKey::from_pem(&sealed, Some(&right)).expect("readable").public(), key.public());
    assert_eq!(SecretKey::from_pem(&sealed, None).unwrap_err(), KeyError::PassphraseMissing);
    assert_eq!(SecretKey::from_pem(&sealed, Some(&phrase("wrong"))).unwrap_err(), KeyError::PassphraseWrong);
}

/// A28, for secret keys: NULL parameters, and a seed of 31 bytes.
#[test]
fn a_secret_key_with_parameters_or_another_length_is_refused() {
    let code = |head: &str, seed: &[u8]| {
        let der = [&hex(head)[..], seed].concat();
        let pem = pkcs8::der::pem::encode_string("PRIVATE KEY", pkcs8::LineEnding::LF, &der).expect("PEM");
        SecretKey::from_pem(&pem, None).map_or_else(|error| error.code(), |_| "accepted")
    };
    assert_eq!(code("302e020100300506032b657004220420", &[9; 32]), "accepted");
    assert_eq!(code("3030020100300706032b6570050004220420", &[9; 32]), "key.damaged");
    assert_eq!(code("302d020100300506032b65700421041f", &[9; 31]), "key.damaged");
}

/// One wrong passphrase in 256 decrypts to noise with valid padding; the user's mistake is the same.
#[test]
fn every_wrong_passphrase_is_called_wrong() {
    use pkcs8::der::Decode;
    let plain = secret([9; 32]).to_pem(None).expect("PEM");
    let der = pkcs8::der::SecretDocument::from_pem(&plain).expect("DER").1;
    let parameters = pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(1, &[1; 16], [2; 16]);
    let info = pkcs8::PrivateKeyInfoRef::from_der(der.as_bytes()).expect("PKCS#8");
    let sealed = info.encrypt_with_params(parameters.expect("parameters"), "right").expect("encrypted");
    let sealed = sealed.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF).expect("PEM");
    assert!(SecretKey::from_pem(&sealed, Some(&phrase("right"))).is_ok());
    for attempt in 0..2000 {
        let error = SecretKey::from_pem(&sealed, Some(&phrase(&format!("wrong {attempt}")))).unwrap_err();
        assert_eq!(error, KeyError::PassphraseWrong, "attempt {attempt}");
    }
}

#[test]
fn a_damaged_key_is_never_read_as_another() {
    let key = secret([9; 32]);
    let der = pkcs8::der::SecretDocument::from_pem(&key.to_pem(None).expect("PEM")).expect("DER").1;
    let header = der.as_bytes().len() - 32;
    for at in 0..header {
        for bit in 0..8 {
            let mut bytes = der.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let changed = pkcs8::der::pem::encode_string("PRIVATE KEY", pkcs8::LineEnding::LF, &bytes).expect("PEM");
            if let Ok(read) = SecretKey::from_pem(&changed, None) {
                panic!("byte {at} bit {bit} gave {read:?}");
            }
        }
    }
}

#[test]
fn a_second_version_with_a_foreign_public_key_is_refused() {
    // RFC 8410 §10.3 has the form: INTEGER 1, and the public key under the context tag 1.
    let pem = |public: PublicKey| {
        let head = hex("3051020101300506032b657004220420");
        let der = [&head[..], &[9; 32], &hex("812100"), public.raw().expect("Ed25519")].concat();
        pkcs8::der::pem::encode_string("PRIVATE KEY", pkcs8::LineEnding::LF, &der).expect("PEM")
    };
    assert!(SecretKey::from_pem(&pem(secret([9; 32]).public()), None).is_ok());
    let error = SecretKey::from_pem(&pem(secret([8; 32]).public()), None).unwrap_err();
    assert_eq!(error.code(), "key.damaged");
}

#[test]
fn each_mistake_with_a_file_has_its_own_error() {
    let key = secret([9; 32]);
    let plain = key.to_pem(None).expect("PEM");
    let as_secret = |text: &str| SecretKey::from_pem(text, None).unwrap_err();
    let as_public = |text: &str| PublicKey::from_pem(text).unwrap_err();
    assert_eq!(as_secret(""), KeyError::NotPem);
    assert_eq!(as_secret("RWQ...minisign"), KeyError::NotPem);
    assert_eq!(as_secret(&[plain.as_str(), plain.as_str()].concat()), KeyError::SeveralBlocks(2));
    assert_eq!(as_secret(PLAIN_PUBLIC), KeyError::SecretWanted);
    assert_eq!(as_public(&plain), KeyError::PublicWanted);
    assert_eq!(as_public(&plain.replace("PRIVATE", "ENCRYPTED PRIVATE")), KeyError::PublicWanted);
    assert_eq!(as_secret("-----BEGIN CERTIFICATE-----\n").code(), "key.other-block");
    assert_eq!(as_secret("-----BEGIN RSA PRIVATE KEY-----\n"), KeyError::OldForm);
    assert_eq!(as_secret("-----BEGIN EC PRIVATE KEY-----\n"), KeyError::OldForm);
    assert_eq!(as_secret(&plain[..plain.len() - 30]).code(), "key.damaged");
    assert_eq!(as_secret(&plain.replace("MC4", "M*4")).code(), "key.damaged");
    assert_eq!(as_secret(&"x".repeat(70_000)).code(), "key.damaged");
    assert_eq!(as_public(&PLAIN_PUBLIC.replace("VwAy", "VuAy")), KeyError::OtherAlgorithm("X25519".into()));
    assert_eq!(as_public(&format!("{PLAIN_PUBLIC}trailing")).code(), "key.damaged");
}

/// A28: an algorithm identifier with parameters, and a key of 33 bytes.
#[test]
fn an_spki_with_parameters_or_another_length_is_refused() {
    let raw_key = hex(RFC_8032[0][1]);
    let with_null = [&hex("302c300706032b65700500032100")[..], &raw_key].concat();
    assert_eq!(PublicKey::from_der(&with_null).unwrap_err().code(), "key.damaged");
    let longer = [&hex("302b300506032b6570032200")[..], &raw_key, b"\0"].concat();
    assert_eq!(PublicKey::from_der(&longer).unwrap_err().code(), "key.damaged");
    let trailing = [&hex("302a300506032b6570032100")[..], &raw_key, b"\0"].concat();
    assert_eq!(PublicKey::from_der(&trailing).unwrap_err().code(), "key.damaged");
}

/// A hostile key file must not cost hours or gigabytes before it is refused.
#[test]
fn parameters_that_cost_too_much_are_refused_at_once() {
    use pkcs8::der::{Encode, asn1::OctetStringRef};
    use pkcs8::pkcs5::pbes2::{AES_256_CBC_OID, EncryptionScheme, Kdf, Parameters, Pbkdf2Params, ScryptParams};
    assert_eq!(AES_256_CBC_OID.to_string(), "2.16.840.1.101.3.4.1.42");
    let salt = [0_u8; 16].as_slice().try_into().expect("a salt");
    let pbkdf2 = |iterations| {
        let mut parameters = Pbkdf2Params::hmac_sha256(1, &[0; 16]).expect("parameters");
        parameters.iteration_count = iterations;
        Kdf::from(parameters)
    };
    let scrypt = |cost_parameter, block_size, parallelization| {
        Kdf::from(ScryptParams { salt, cost_parameter, block_size, parallelization, key_length: None })
    };
    let hostile = [
        pbkdf2(0),
        pbkdf2(u32::MAX),
        scrypt(1 << 30, 8, 1),
        scrypt(1 << 14, u16::MAX, 1),
        scrypt(1 << 14, 8, u16::MAX),
        scrypt(0, 8, 1),
        scrypt(1, 8, 1),
        scrypt(16385, 8, 1),
        scrypt(1 << 14, 0, 1),
        scrypt(u64::MAX, 8, 1),
    ];
    for kdf in hostile {
        let encryption_algorithm = Parameters { kdf, encryption: EncryptionScheme::Aes256Cbc { iv: [0; 16] } }.into();
        let encrypted_data = OctetStringRef::new(&[0; 48]).expect("data");
        let der = pkcs8::EncryptedPrivateKeyInfoRef { encryption_algorithm, encrypted_data }.to_der().expect("DER");
        let pem = pkcs8::der::pem::encode_string("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF, &der).expect("PEM");
        assert_eq!(SecretKey::from_pem(&pem, Some(&phrase("x"))).unwrap_err().code(), "key.other-encryption");
    }
}

#[test]
fn secrets_cannot_be_seen_in_debug_output() {
    let key = secret([9; 32]);
    assert_eq!(format!("{key:?}"), format!("SecretKey({})", key.public().fingerprint()));
    assert_eq!(format!("{:?}", phrase("hunter2")), "Passphrase(..)");
    let passphrase = phrase("hunter2");
    let encryption = Encryption { passphrase: &passphrase, salt: [0; 16], iv: [0; 16] };
    assert!(!format!("{encryption:?}").contains("hunter2"));
    assert!(Passphrase::new(Vec::new()).is_err() && Passphrase::new(vec![b'x'; 1024]).is_err());
}

/// Whether it is at hand or comes in pieces, a message has one signature.
#[test]
fn a_message_in_pieces_has_the_signature_of_the_whole() {
    let text = b"a message that comes in some pieces of seven bytes";
    let entropy = Zeroizing::new([7; 32]);
    for key in [secret([7; 32]), SecretKey::generate_ecdsa(&entropy).expect("a key")] {
        let signature = key.sign(text).expect("signed");
        for message in [Message::of(text), told(text)] {
            assert_eq!(key.sign_message(&message).as_ref(), Ok(&signature));
            assert_eq!(key.public().verify_message(&message, &signature), Ok(()));
        }
        assert_eq!(key.public().verify_message(&told(b"another"), &signature), Err(KeyError::SignatureMismatch));
        assert_eq!(
            key.public().verify_message(&changing(text, b"another", 0), &signature),
            Err(KeyError::MessageChanged)
        );
    }
}

/// Two messages under one nonce give the key away: the second time must be as the first, and both as measured.
#[test]
fn what_changes_while_it_is_signed_gets_no_signature() {
    let text = b"measured, and then somebody writes";
    for changes_at in [0, 1] {
        let message = changing(text, b"measured, and then somebody wrote!", changes_at);
        assert_eq!(secret([7; 32]).sign_message(&message), Err(KeyError::MessageChanged), "{changes_at}");
    }
    assert!(secret([7; 32]).sign_message(&changing(text, b"", 2)).is_ok());
}
