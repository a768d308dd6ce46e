//! Signature files that sealift writes: one form for each key and format, and any other is refused.

use base64ct::{Base64, Encoding};
use sealift_trust::{Detached, DetachedError, Message, PublicKey, SecretKey, SignatureFormat};
use zeroize::Zeroizing;

const MESSAGE: &[u8] = b"0000  service_1.0.0_linux_amd64.tar.gz\n";
const COMMENT: &str = "file:checksums.txt";
const FORMATS: [SignatureFormat; 3] = [SignatureFormat::Raw, SignatureFormat::Minisign, SignatureFormat::Ssh];

fn secrets() -> [SecretKey; 2] {
    let entropy = Zeroizing::new([3; 32]);
    [SecretKey::generate(&entropy), SecretKey::generate_ecdsa(&entropy).expect("below the order")]
}

fn written(format: SignatureFormat, secret: &SecretKey) -> Result<Vec<u8>, DetachedError> {
    over(MESSAGE, format, secret)
}

fn over(message: &[u8], format: SignatureFormat, secret: &SecretKey) -> Result<Vec<u8>, DetachedError> {
    let sign = |message: &Message<'_>| secret.sign_message(message).map_err(DetachedError::Key);
    Detached::sign_with(format, (&Message::of(message), COMMENT), &secret.public(), sign)
}

/// What reading and verifying it as our own comes to.
fn judged(bytes: &[u8], format: SignatureFormat, comment: &str, key: &PublicKey) -> &'static str {
    let read = Detached::parse_own(bytes, format, comment, key);
    read.and_then(|signature| signature.verify(MESSAGE, key)).map_or_else(|error| error.code(), |()| "accepted")
}

#[test]
fn any_other_byte_in_any_format_is_refused() {
    for secret in secrets() {
        let key = secret.public();
        for format in FORMATS {
            let Ok(bytes) = written(format, &secret) else {
                assert_eq!((format, key.raw()), (SignatureFormat::Minisign, None));
                continue;
            };
            assert_eq!(judged(&bytes, format, COMMENT, &key), "accepted", "{format:?}");
            // The same bytes for the same key and message: also of ECDSA.
            assert_eq!(written(format, &secret).as_ref(), Ok(&bytes));
            for at in 0..bytes.len() {
                for change in [1, 0x20, 0x80] {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    assert_ne!(judged(&changed, format, COMMENT, &key), "accepted", "{format:?} {at} {change}");
                }
                assert_ne!(judged(&bytes[..at], format, COMMENT, &key), "accepted", "{format:?} cut at {at}");
            }
            let longer = [&bytes[..], b"\n"].concat();
            assert_ne!(judged(&longer, format, COMMENT, &key), "accepted", "{format:?}");
        }
    }
}

#[test]
fn another_comment_and_another_key_are_told_apart() {
    let [secret, other] = secrets();
    let key = secret.public();
    let minisign = written(SignatureFormat::Minisign, &secret).expect("an Ed25519 key");
    let comment = judged(&minisign, SignatureFormat::Minisign, "file:other.txt", &key);
    assert_eq!(comment, "signature.trusted-comment");
    let stranger = SecretKey::generate(&Zeroizing::new([4; 32])).public();
    // Everything in it is as sealift writes it, for another key.
    assert_eq!(judged(&minisign, SignatureFormat::Minisign, COMMENT, &stranger), "signature.not-own");
    let ssh = written(SignatureFormat::Ssh, &secret).expect("any key");
    assert_eq!(judged(&ssh, SignatureFormat::Ssh, COMMENT, &stranger), "signature.other-key");
    let raw = written(SignatureFormat::Raw, &secret).expect("any key");
    assert_eq!(judged(&raw, SignatureFormat::Raw, COMMENT, &stranger), "key.signature-mismatch");
    assert_eq!(judged(&raw, SignatureFormat::Minisign, COMMENT, &key), "signature.unknown-format");
    assert_eq!(judged(b"", SignatureFormat::Raw, COMMENT, &key), "key.signature-length");
    let by_p256 = written(SignatureFormat::Minisign, &other).map_err(|error| error.code());
    assert_eq!(by_p256, Err("key.not-for-format"));
}

/// Of the two signatures that everybody can make from one of ECDSA, sealift writes the one with the smaller S.
#[test]
fn the_other_s_is_no_form_of_ours() {
    let [_, secret] = secrets();
    let key = secret.public();
    let raw = written(SignatureFormat::Raw, &secret).expect("any key");
    let other = other_s(&raw);
    let message = Detached::parse(&other, &key).and_then(|signature| signature.verify(MESSAGE, &key));
    assert_eq!(message, Ok(()), "it is as good a signature");
    assert_eq!(judged(&other, SignatureFormat::Raw, COMMENT, &key), "key.signature-mismatch");
}

/// The order of P-256 less S, in the DER of an ECDSA signature.
fn other_s(der: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6,
        0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ];
    let r_end = 4 + usize::from(der[3]);
    let s = &der[r_end + 2..];
    let mut number = [0; 32];
    number[32 - s.len()..].copy_from_slice(s);
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(number[at]) - borrow;
        number[at] = u8::try_from(difference.rem_euclid(256)).expect("a byte");
        borrow = i16::from(difference < 0);
    }
    // The larger one has its highest bit set, and a zero before it.
    let body = [&der[2..r_end], &[0x02, 33, 0][..], &number].concat();
    [&[0x30, u8::try_from(body.len()).expect("short")][..], &body].concat()
}

#[test]
fn formats_have_names_and_endings_of_their_own() {
    let told: Vec<_> = FORMATS.iter().map(|format| (format.name(), format.suffix())).collect();
    assert_eq!(told, [("raw", ".sig"), ("minisign", ".minisig"), ("ssh", ".ssh.sig")]);
    let [secret, _] = secrets();
    let key = secret.public();
    let format = |format| Detached::parse(&written(format, &secret).expect("any"), &key).map(|read| read.format());
    let formats: Vec<_> = FORMATS.into_iter().map(format).collect();
    assert_eq!(formats, [Ok("raw"), Ok("minisign"), Ok("ssh")]);
}

/// A25: a bare signature over the very bytes that an envelope signs would be that envelope's. In the formats that have marks
/// of their own the same bytes are a file like any other.
#[test]
fn a_bare_signature_is_never_one_of_another_purpose() {
    let marked: [&[u8]; 3] = [
        b"DSSEv1 28 application/vnd.in-toto+json 2 {}",
        b"SSHSIG\0\0\0\x07sealift",
        b"\n{\"critical\":{\"type\":\"cosign container image signature\"}}",
    ];
    for secret in secrets() {
        for message in marked {
            for format in [SignatureFormat::Raw, SignatureFormat::Sigstore] {
                let refused = over(message, format, &secret).expect_err("it has the marks of something else");
                assert_eq!(refused.code(), "signature.other-purpose", "{format:?}");
            }
            let ssh = over(message, SignatureFormat::Ssh, &secret).expect("ssh has marks of its own");
            let ssh = Detached::parse(&ssh, &secret.public()).expect("a signature");
            assert_eq!(ssh.verify(message, &secret.public()), Ok(()));
        }
    }
    // A claim that our own reader takes is never signed barely: what it takes is what it wants signed.
    let claim = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"a"}},"image":{{"docker-manifest-digest":"{}"}},"type":"cosign container image signature"}},"optional":null}}"#,
        sealift_trust::Digest::of(b"image")
    );
    let [_, secret] = secrets();
    let raw = secret.sign(claim.as_bytes()).expect("signed by hand");
    let text = Base64::encode_string(raw.as_bytes());
    assert!(sealift_trust::Claim::open(claim.as_bytes(), &text, &secret.public()).is_ok());
    let refused = over(claim.as_bytes(), SignatureFormat::Raw, &secret).expect_err("a claim");
    assert_eq!(refused.code(), "signature.other-purpose");
}
