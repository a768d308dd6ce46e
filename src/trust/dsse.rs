//! Signed envelopes: the DSSE protocol, version 1 (secure-systems-lab/dsse, `protocol.md` and `envelope.md`), in the
//! one form that our own files have: canonical JSON, exactly one signature, no key id.

use base64ct::{Base64, Encoding};

use crate::json::{self, JsonError, Limits, Numbers, Object, Value};
use crate::key::{KeyError, PublicKey, SecretKey, Signature};

/// What is signed begins so (`protocol.md`, PAE).
pub(crate) const BEGIN: &[u8] = b"DSSEv1 ";

/// The largest payload, in bytes.
pub const MAX_PAYLOAD: usize = 64 << 20;

/// Base64 makes four bytes of three. An envelope has six values; some more let the error say what is too much.
const LIMITS: Limits = Limits { bytes: MAX_PAYLOAD / 3 * 4 + 4096, values: 64, numbers: Numbers::IntegersOnly };

/// What a payload is: a closed set, so that a signature made for one purpose never serves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadType {
    /// An in-toto statement.
    InToto,
}

impl PayloadType {
    /// The media type.
    pub fn as_str(self) -> &'static str {
        match self {
            PayloadType::InToto => "application/vnd.in-toto+json",
        }
    }

    fn from_media_type(text: &str) -> Option<Self> {
        [PayloadType::InToto].into_iter().find(|known| known.as_str() == text)
    }
}

/// An envelope that nobody has verified yet; the payload can be reached through [`Envelope::verify`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: PayloadType,
    payload: Vec<u8>,
    signature: Signature,
}

/// The payload that a signature was verified over, and the key. Only [`Envelope::verify`] makes one.
#[derive(Debug)]
pub struct Opened {
    payload_type: PayloadType,
    payload: Vec<u8>,
    key: PublicKey,
}

/// An envelope that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DsseError {
    /// Not strict or not canonical JSON.
    #[error("the envelope is not canonical JSON")]
    Json(#[from] JsonError),
    /// A member is missing, too much, or of another kind.
    #[error("the envelope is not of the wanted form: {0}")]
    Shape(&'static str),
    /// The payload type is outside the closed set.
    #[error("the payload type {0:?} is unknown")]
    PayloadType(String),
    /// No signature, or more than one.
    #[error("{0} signatures; exactly one is wanted")]
    Signatures(usize),
    /// Payload or signature is not standard base64 with padding.
    #[error("{0} is not standard base64 with padding")]
    Base64(&'static str),
    /// More than [`MAX_PAYLOAD`] bytes.
    #[error("a payload of {0} bytes; at most {MAX_PAYLOAD} are allowed")]
    TooLong(usize),
    /// The signature is empty or too long for any key.
    #[error("the signature cannot be one")]
    Signature(#[source] KeyError),
    /// The key does not sign.
    #[error("the payload cannot be signed")]
    Sign(#[source] KeyError),
    /// There is no key to verify with.
    #[error("there is no key to verify with")]
    NoKeys,
    /// No key of those given made this signature over this payload.
    #[error("the signature is by none of the {0} trusted keys, or the payload was changed")]
    NotSigned(usize),
}

impl DsseError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            DsseError::Json(_) => "envelope.json",
            DsseError::Shape(_) => "envelope.shape",
            DsseError::PayloadType(_) => "envelope.payload-type",
            DsseError::Signatures(_) => "envelope.signatures",
            DsseError::Base64(_) => "envelope.base64",
            DsseError::TooLong(_) => "envelope.too-long",
            DsseError::Signature(_) => "envelope.signature",
            DsseError::Sign(error) => error.code(),
            DsseError::NoKeys => "envelope.no-keys",
            DsseError::NotSigned(_) => "envelope.not-signed",
        }
    }
}

impl Envelope {
    /// Reads an envelope; refuses every byte sequence but the one that [`Envelope::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, DsseError> {
        Self::parse_within(bytes, MAX_PAYLOAD)
    }

    fn parse_within(bytes: &[u8], max_payload: usize) -> Result<Self, DsseError> {
        let mut members = object(json::parse_canonical(bytes, &LIMITS)?, "an envelope is an object")?;
        let payload = string(&mut members, "payload", "`payload` is not a string")?;
        let payload_type = string(&mut members, "payloadType", "`payloadType` is not a string")?;
        let Some(Value::Array(mut signatures)) = members.remove("signatures") else {
            return Err(DsseError::Shape("`signatures` is not an array"));
        };
        empty(&members, "an envelope has no members but payload, payloadType and signatures")?;
        let payload_type = PayloadType::from_media_type(&payload_type)
            .ok_or_else(|| DsseError::PayloadType(payload_type.chars().take(80).collect()))?;
        let count = signatures.len();
        let (Some(signature), 1) = (signatures.pop(), count) else {
            return Err(DsseError::Signatures(count));
        };
        let mut signature = object(signature, "a signature is an object")?;
        let sig = string(&mut signature, "sig", "`sig` is not a string")?;
        empty(&signature, "a signature has no members but sig")?;
        let sig = Base64::decode_vec(&sig).map_err(|_| DsseError::Base64("the signature"))?;
        let signature = Signature::from_bytes(&sig).map_err(DsseError::Signature)?;
        let payload = Base64::decode_vec(&payload).map_err(|_| DsseError::Base64("the payload"))?;
        if payload.len() > max_payload {
            return Err(DsseError::TooLong(payload.len()));
        }
        let envelope = Self { payload_type, payload, signature };
        // Holds by the checks above; stands here because the refusal of every changed byte rests on it.
        if envelope.to_bytes() != bytes {
            return Err(DsseError::Shape("written again it gives other bytes"));
        }
        Ok(envelope)
    }

    /// Signs a payload of at most [`MAX_PAYLOAD`] bytes.
    pub fn sign(payload_type: PayloadType, payload: Vec<u8>, key: &SecretKey) -> Result<Self, DsseError> {
        Self::sign_with(payload_type, payload, |message| key.sign(message).map_err(DsseError::Sign))
    }

    /// Has a payload of at most [`MAX_PAYLOAD`] bytes signed, wherever the key is: `sign` is given the encoding that is
    /// to be signed, and gives the signature in its canonical form ([`PublicKey::canonical`]).
    pub fn sign_with<E: From<DsseError>>(
        payload_type: PayloadType,
        payload: Vec<u8>,
        sign: impl FnOnce(&[u8]) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        if payload.len() > MAX_PAYLOAD {
            return Err(DsseError::TooLong(payload.len()).into());
        }
        let signature = sign(&pae(payload_type.as_str(), &payload))?;
        Ok(Self { payload_type, payload, signature })
    }

    /// The envelope as it lies in a file: canonical JSON, no line end.
    pub fn to_bytes(&self) -> Vec<u8> {
        json::canonical(&self.to_value())
    }

    /// The envelope as a part of another document.
    pub(crate) fn to_value(&self) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        let signature = Object::from([("sig".to_owned(), text(&Base64::encode_string(self.signature.as_bytes())))]);
        let members = Object::from([
            ("payload".to_owned(), text(&Base64::encode_string(&self.payload))),
            ("payloadType".to_owned(), text(self.payload_type.as_str())),
            ("signatures".to_owned(), Value::Array(vec![Value::Object(signature)])),
        ]);
        Value::Object(members)
    }

    /// Tries each key; the first one that made the signature opens the envelope.
    pub fn verify(self, keys: &[PublicKey]) -> Result<Opened, DsseError> {
        if keys.is_empty() {
            return Err(DsseError::NoKeys);
        }
        let message = pae(self.payload_type.as_str(), &self.payload);
        let key = keys.iter().find(|key| key.verify_canonical(&message, &self.signature).is_ok());
        let key = key.ok_or(DsseError::NotSigned(keys.len()))?.clone();
        Ok(Opened { payload_type: self.payload_type, payload: self.payload, key })
    }
}

impl Opened {
    /// What the payload is.
    pub fn payload_type(&self) -> PayloadType {
        self.payload_type
    }

    /// The very bytes that the signature was verified over.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The key that made the signature.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// The pre-authentication encoding (`protocol.md`): `DSSEv1 LEN(type) type LEN(body) body`, with one space between,
/// lengths as decimal digits. It is what is signed, so that type and body cannot run into each other.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn object(value: Value, what: &'static str) -> Result<Object, DsseError> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(DsseError::Shape(what)),
    }
}

fn string(members: &mut Object, name: &str, what: &'static str) -> Result<String, DsseError> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(DsseError::Shape(what)),
    }
}

fn empty(members: &Object, what: &'static str) -> Result<(), DsseError> {
    if members.is_empty() { Ok(()) } else { Err(DsseError::Shape(what)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;

    fn key(seed: u8) -> SecretKey {
        SecretKey::generate(&Zeroizing::new([seed; 32]))
    }

    fn sealed(payload: &[u8]) -> Envelope {
        Envelope::sign(PayloadType::InToto, payload.to_vec(), &key(1)).expect("short")
    }

    fn code(text: &str) -> &'static str {
        Envelope::parse(text.as_bytes()).expect_err(text).code()
    }

    fn opens(bytes: &[u8]) -> bool {
        Envelope::parse(bytes).and_then(|envelope| envelope.verify(&[key(1).public()])).is_ok()
    }

    /// The example in `protocol.md`.
    #[test]
    fn the_encoding_is_that_of_the_protocol() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("é", b""), "DSSEv1 2 é 0 ".as_bytes());
    }

    #[test]
    fn an_envelope_opens_for_its_key_alone() {
        let bytes = sealed(b"payload").to_bytes();
        assert!(bytes.starts_with(
            br#"{"payload":"cGF5bG9hZA==","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":""#
        ));
        let envelope = Envelope::parse(&bytes).expect("our own");
        let opened = envelope.clone().verify(&[key(2).public(), key(1).public()]).expect("signed");
        assert_eq!((opened.payload(), opened.key()), (&b"payload"[..], &key(1).public()));
        assert_eq!(envelope.clone().verify(&[key(2).public()]).unwrap_err().code(), "envelope.not-signed");
        assert_eq!(envelope.verify(&[]).unwrap_err().code(), "envelope.no-keys");
    }

    /// A25: the signature is over the type too, and over neither the bare payload nor its digest.
    #[test]
    fn a_signature_over_something_else_does_not_serve() {
        for message in
            [b"payload".to_vec(), pae("text/plain", b"payload"), pae(PayloadType::InToto.as_str(), b"payloaD")]
        {
            let envelope = Envelope { signature: key(1).sign(&message).expect("signed"), ..sealed(b"payload") };
            assert!(!opens(&envelope.to_bytes()));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let good = String::from_utf8(sealed(b"payload").to_bytes()).expect("JSON");
        let sig = &good[good.find("{\"sig").expect("there")..good.len() - 2];
        assert_eq!(code(&good.replace("vnd.in-toto", "vnd.other")), "envelope.payload-type");
        assert_eq!(code(&good.replace(sig, "")), "envelope.signatures");
        assert_eq!(code(&good.replace(sig, &format!("{sig},{sig}"))), "envelope.signatures");
        assert_eq!(code(&good.replace(sig, &vec![sig; 100].join(","))), "envelope.json");
        assert_eq!(code(&good.replace(r#"[{"#, r#"[{"keyid":1,"#).replace(sig, "{}")), "envelope.shape");
        assert_eq!(
            code(r#"{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[{},{}]}"#),
            "envelope.signatures"
        );
        assert_eq!(
            code(r#"{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"a"}]}"#),
            "envelope.shape"
        );
        assert_eq!(
            code(r#"{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":""}]}"#),
            "envelope.signature"
        );
        assert_eq!(code(&good.replace("cGF5bG9hZA==", "cGF5bG9hZA")), "envelope.base64");
        assert_eq!(code(&good.replace("cGF5bG9hZA==", "cGF5bG9hZB==")), "envelope.base64");
        assert_eq!(code(&good.replace("cGF5bG9hZA==", "cGF5bG9h ZA=")), "envelope.base64");
        assert_eq!(code(&good.replace("cGF5bG9hZA==", "____")), "envelope.base64");
        assert_eq!(code(&format!("{good}\n")), "envelope.json");
        assert_eq!(code(&good.replace(":", ": ")), "envelope.json");
        assert_eq!(code(&good.replacen("\"payload\":\"cGF5bG9hZA==\",", "", 1)), "envelope.shape");
        assert_eq!(code("[]"), "envelope.shape");
        // Canonical and otherwise right, with one member more.
        let more = |from: &str, to: &str| Envelope::parse(good.replacen(from, to, 1).as_bytes()).unwrap_err();
        let key_id = more(r#"[{"sig""#, r#"[{"keyid":"a","sig""#);
        assert_eq!(key_id, DsseError::Shape("a signature has no members but sig"));
        let member = more("{", r#"{"a":"","#);
        assert_eq!(member, DsseError::Shape("an envelope has no members but payload, payloadType and signatures"));
        assert_eq!(code(r#"{"a":1,"payload":"","payloadType":"x","signatures":[]}"#), "envelope.shape");
    }

    #[test]
    fn a_payload_too_long_is_refused_before_and_after() {
        let long = Envelope::sign(PayloadType::InToto, vec![b'x'; MAX_PAYLOAD + 1], &key(1));
        assert_eq!(long.unwrap_err().code(), "envelope.too-long");
        let bytes = sealed(b"payload").to_bytes();
        assert!(Envelope::parse_within(&bytes, 7).is_ok());
        assert_eq!(Envelope::parse_within(&bytes, 6), Err(DsseError::TooLong(7)));
        assert_eq!(Envelope::parse(&vec![b' '; LIMITS.bytes + 1]).unwrap_err().code(), "envelope.json");
    }

    /// Invariant 7, exhaustively for one envelope: every byte flipped in every bit, removed, doubled.
    #[test]
    fn every_single_change_of_an_envelope_is_refused() {
        let good = sealed(br#"{"a":1}"#).to_bytes();
        assert!(opens(&good));
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                assert!(!opens(&bytes), "byte {at} bit {bit}");
            }
            let mut shorter = good.clone();
            shorter.remove(at);
            assert!(!opens(&shorter), "without byte {at}");
            let mut longer = good.clone();
            longer.insert(at, good[at]);
            assert!(!opens(&longer), "byte {at} twice");
            assert!(!opens(&good[..at]), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_signed_opens_and_what_is_changed_does_not(
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            insert in any::<bool>(),
        ) {
            let good = sealed(&payload).to_bytes();
            let opened = Envelope::parse(&good).and_then(|envelope| envelope.verify(&[key(1).public()])).expect("signed");
            prop_assert_eq!(opened.payload(), &payload[..]);
            let mut changed = good.clone();
            if insert {
                changed.insert(at.index(good.len() + 1), byte);
            } else {
                changed[at.index(good.len())] = byte;
            }
            prop_assert!(changed == good || !opens(&changed));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Envelope::parse(&bytes).is_err());
        }
    }
}
