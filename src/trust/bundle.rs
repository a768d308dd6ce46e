//! Sigstore bundles of a key, version 0.3 (sigstore/protobuf-specs, `sigstore_bundle.proto`, in its JSON form): one file with
//! a signature over a message or an envelope. What needs an authority (a certificate, a log, a timestamp) is not verified
//! here: a certificate in a key's place is refused, and what stands beside a key is counted and said.

use base64ct::{Base64, Encoding};

use crate::digest::Digest;
use crate::dsse::{self, Envelope, MAX_PAYLOAD};
use crate::json::{self, JsonError, Limits, Numbers, Object, Value};
use crate::key::{KeyError, PublicKey, Signature};

/// The media type of a bundle, and of an artifact on a registry that is one.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// The same version in its first spelling, which is read too.
const FIRST_SPELLING: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";

/// The longest bundle, in bytes: an envelope with all around it.
pub const MAX_BUNDLE: usize = MAX_PAYLOAD / 3 * 4 + (1 << 20);

/// Log entries and timestamps are some hundred values; whoever writes more means something else.
const LIMITS: Limits = Limits { bytes: MAX_BUNDLE, values: 10_000, numbers: Numbers::Any };

/// A bundle that nobody has verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    content: Content,
    unverified: Unverified,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Message(SignedMessage),
    Envelope(ForeignEnvelope),
}

/// The signature over a message that lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedMessage {
    /// The message's digest, as the bundle says it.
    pub digest: Digest,
    /// The signature over the message itself.
    pub signature: Signature,
}

/// An envelope of another program: its payload can be reached through [`ForeignEnvelope::verify`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignEnvelope {
    payload_type: String,
    payload: Vec<u8>,
    signature: Signature,
}

/// The payload of another program's envelope, of which the signature was verified.
#[derive(Debug)]
pub struct ForeignOpened {
    payload_type: String,
    payload: Vec<u8>,
    key: PublicKey,
}

/// What a bundle holds besides, and nothing here verifies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unverified {
    /// Entries of a transparency log.
    pub log_entries: usize,
    /// Timestamps of an authority.
    pub timestamps: usize,
}

/// A bundle that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not strict JSON.
    #[error("the bundle is not what it should be")]
    Json(#[from] JsonError),
    /// Another version, or something else.
    #[error("the media type {0:?} is not {BUNDLE_TYPE}")]
    MediaType(String),
    /// A member is missing, too much, or of another kind.
    #[error("the bundle is not of the wanted form: {0}")]
    Shape(&'static str),
    /// Made with a certificate in the place of a key.
    #[error(
        "the bundle is of an identity and not of a key: certificate, log and timestamps are not verified by this program"
    )]
    Keyless,
    /// No signature in the envelope, or more than one.
    #[error("{0} signatures; exactly one is wanted")]
    Signatures(usize),
    /// Something is not standard base64 with padding.
    #[error("{0} is not standard base64 with padding")]
    Base64(&'static str),
    /// The signature is empty or too long for any key.
    #[error("the signature cannot be one")]
    Signature(#[source] KeyError),
    /// A digest by another algorithm than SHA-256.
    #[error("the digest is by {0:?}, not SHA2_256")]
    Algorithm(String),
    /// The message has another digest.
    #[error("the bundle is of {wanted}, the message is {found}")]
    OtherMessage {
        /// What the bundle says.
        wanted: Digest,
        /// What was given.
        found: Digest,
    },
    /// A message is wanted, and an envelope is there, or the reverse.
    #[error("the bundle holds {found}, not {wanted}")]
    Content {
        /// What is there.
        found: &'static str,
        /// What is wanted.
        wanted: &'static str,
    },
    /// No key of those given made this signature.
    #[error("the signature is by none of the {0} trusted keys, or what is signed was changed")]
    NotSigned(usize),
}

impl BundleError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            BundleError::Json(_) => "bundle.json",
            BundleError::MediaType(_) => "bundle.media-type",
            BundleError::Shape(_) => "bundle.shape",
            BundleError::Keyless => "bundle.keyless",
            BundleError::Signatures(_) => "bundle.signatures",
            BundleError::Base64(_) => "bundle.base64",
            BundleError::Signature(_) => "bundle.signature",
            BundleError::Algorithm(_) => "bundle.algorithm",
            BundleError::OtherMessage { .. } => "bundle.other-message",
            BundleError::Content { .. } => "bundle.content",
            BundleError::NotSigned(_) => "bundle.not-signed",
        }
    }
}

impl Bundle {
    /// Whether a file is meant to be a bundle: to choose how it is read, never to believe it.
    pub fn is_meant(bytes: &[u8]) -> bool {
        bytes.trim_ascii_start().starts_with(b"{") && bytes.windows(20).any(|part| part == b"vnd.dev.sigstore.bun")
    }

    /// Reads a bundle strictly: no member that is not known here, one signature, one content.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut bundle = object(json::parse(bytes, &LIMITS)?, "a bundle is an object")?;
        let media_type = text(&mut bundle, "mediaType", "`mediaType` is not a string")?;
        if media_type != BUNDLE_TYPE && media_type != FIRST_SPELLING {
            return Err(BundleError::MediaType(media_type.chars().take(120).collect()));
        }
        let material = bundle.remove("verificationMaterial");
        let material = material.ok_or(BundleError::Shape("there is no `verificationMaterial`"))?;
        let unverified = read_material(object(material, "`verificationMaterial` is not an object")?)?;
        let content = match (bundle.remove("messageSignature"), bundle.remove("dsseEnvelope")) {
            (Some(message), None) => Content::Message(read_message(message)?),
            (None, Some(envelope)) => Content::Envelope(read_envelope(envelope)?),
            _ => return Err(BundleError::Shape("one of `messageSignature` and `dsseEnvelope` is wanted")),
        };
        empty(&bundle, "a bundle has a member that is not known")?;
        Ok(Self { content, unverified })
    }

    /// What it holds besides, and nothing here verifies.
    pub fn unverified(&self) -> Unverified {
        self.unverified
    }

    /// The signature over a message.
    ///
    /// # Errors
    /// `bundle.content` when it holds an envelope.
    pub fn message(&self) -> Result<&SignedMessage, BundleError> {
        match &self.content {
            Content::Message(message) => Ok(message),
            Content::Envelope(_) => Err(BundleError::Content { found: "an envelope", wanted: "a message" }),
        }
    }

    /// The envelope.
    ///
    /// # Errors
    /// `bundle.content` when it holds the signature over a message.
    pub fn into_envelope(self) -> Result<ForeignEnvelope, BundleError> {
        match self.content {
            Content::Envelope(envelope) => Ok(envelope),
            Content::Message(_) => Err(BundleError::Content { found: "a message", wanted: "an envelope" }),
        }
    }
}

impl SignedMessage {
    /// Accepts the message that was signed by one of the keys, and no other.
    pub fn verify(&self, message: &[u8], keys: &[PublicKey]) -> Result<(), BundleError> {
        self.is_of(Digest::of(message))?;
        let is_signed = keys.iter().any(|key| key.verify(message, &self.signature).is_ok());
        if is_signed { Ok(()) } else { Err(BundleError::NotSigned(keys.len())) }
    }

    /// Whether a message with that digest is the one that the bundle names.
    pub fn is_of(&self, found: Digest) -> Result<(), BundleError> {
        let wanted = self.digest;
        if found == wanted { Ok(()) } else { Err(BundleError::OtherMessage { wanted, found }) }
    }

    /// The bundle as sealift writes it: canonical JSON, no line end. The hint names the key to who has several, and
    /// decides nothing.
    pub fn to_bytes(&self, key: &PublicKey) -> Vec<u8> {
        let digest = members([
            ("algorithm", string("SHA2_256")),
            ("digest", string(&Base64::encode_string(self.digest.bytes()))),
        ]);
        let message = members([
            ("messageDigest", digest),
            ("signature", string(&Base64::encode_string(self.signature.as_bytes()))),
        ]);
        written("messageSignature", message, key)
    }
}

/// The bundle of an envelope as sealift writes it: canonical JSON, no line end.
pub fn of_envelope(envelope: &Envelope, key: &PublicKey) -> Vec<u8> {
    written("dsseEnvelope", envelope.to_value(), key)
}

impl ForeignEnvelope {
    /// Reads an envelope that lies somewhere by itself, as strictly as one in a bundle.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        read_envelope(json::parse(bytes, &LIMITS)?)
    }

    /// Tries each key; the first one that made the signature opens the envelope.
    pub fn verify(self, keys: &[PublicKey]) -> Result<ForeignOpened, BundleError> {
        let message = dsse::pae(&self.payload_type, &self.payload);
        let key = keys.iter().find(|key| key.verify(&message, &self.signature).is_ok());
        let key = key.ok_or(BundleError::NotSigned(keys.len()))?.clone();
        Ok(ForeignOpened { payload_type: self.payload_type, payload: self.payload, key })
    }
}

impl ForeignOpened {
    /// What the payload is said to be.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
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

fn read_material(mut material: Object) -> Result<Unverified, BundleError> {
    let mut count = |name: &str| match material.remove(name) {
        None => Ok(0),
        Some(Value::Array(items)) => Ok(items.len()),
        Some(_) => Err(BundleError::Shape("a list of log entries or timestamps is not an array")),
    };
    let log_entries = count("tlogEntries")?;
    let timestamps = match material.remove("timestampVerificationData") {
        None => 0,
        Some(data) => {
            let mut data = object(data, "`timestampVerificationData` is not an object")?;
            let stamps = data.remove("rfc3161Timestamps");
            empty(&data, "`timestampVerificationData` has a member that is not known")?;
            match stamps {
                None => 0,
                Some(Value::Array(stamps)) => stamps.len(),
                Some(_) => return Err(BundleError::Shape("`rfc3161Timestamps` is not an array")),
            }
        }
    };
    if material.contains_key("certificate") || material.contains_key("x509CertificateChain") {
        return Err(BundleError::Keyless);
    }
    let key = material.remove("publicKey").ok_or(BundleError::Shape("there is neither a key nor a certificate"))?;
    let mut key = object(key, "`publicKey` is not an object")?;
    // It may help somebody to find the key; it says nothing about which key is trusted (A28).
    if !matches!(key.remove("hint"), None | Some(Value::String(_))) {
        return Err(BundleError::Shape("`hint` is not a string"));
    }
    empty(&key, "`publicKey` has a member that is not known")?;
    empty(&material, "`verificationMaterial` has a member that is not known")?;
    Ok(Unverified { log_entries, timestamps })
}

fn read_message(message: Value) -> Result<SignedMessage, BundleError> {
    let mut message = object(message, "`messageSignature` is not an object")?;
    let digest = message.remove("messageDigest").ok_or(BundleError::Shape("there is no `messageDigest`"))?;
    let mut digest = object(digest, "`messageDigest` is not an object")?;
    let algorithm = text(&mut digest, "algorithm", "`algorithm` is not a string")?;
    if algorithm != "SHA2_256" {
        return Err(BundleError::Algorithm(algorithm.chars().take(40).collect()));
    }
    let bytes = decoded(&text(&mut digest, "digest", "`digest` is not a string")?, "the digest")?;
    empty(&digest, "`messageDigest` has a member that is not known")?;
    let bytes = bytes.try_into().map_err(|_| BundleError::Shape("`digest` has not 32 bytes"))?;
    let signature = signature(&text(&mut message, "signature", "`signature` is not a string")?)?;
    empty(&message, "`messageSignature` has a member that is not known")?;
    Ok(SignedMessage { digest: Digest::from_bytes(bytes), signature })
}

fn read_envelope(envelope: Value) -> Result<ForeignEnvelope, BundleError> {
    let mut envelope = object(envelope, "`dsseEnvelope` is not an object")?;
    let payload = decoded(&text(&mut envelope, "payload", "`payload` is not a string")?, "the payload")?;
    let payload_type = text(&mut envelope, "payloadType", "`payloadType` is not a string")?;
    let Some(Value::Array(mut signatures)) = envelope.remove("signatures") else {
        return Err(BundleError::Shape("`signatures` is not an array"));
    };
    empty(&envelope, "`dsseEnvelope` has a member that is not known")?;
    let count = signatures.len();
    let (Some(only), 1) = (signatures.pop(), count) else { return Err(BundleError::Signatures(count)) };
    let mut only = object(only, "a signature is not an object")?;
    let signature = signature(&text(&mut only, "sig", "`sig` is not a string")?)?;
    if !matches!(only.remove("keyid"), None | Some(Value::String(_))) {
        return Err(BundleError::Shape("`keyid` is not a string"));
    }
    empty(&only, "a signature has a member that is not known")?;
    Ok(ForeignEnvelope { payload_type, payload, signature })
}

fn written(name: &str, content: Value, key: &PublicKey) -> Vec<u8> {
    let hint = members([("hint", string(&Base64::encode_string(key.fingerprint().bytes())))]);
    let material = members([("publicKey", hint)]);
    json::canonical(&members([("mediaType", string(BUNDLE_TYPE)), ("verificationMaterial", material), (name, content)]))
}

fn members<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn object(value: Value, what: &'static str) -> Result<Object, BundleError> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(BundleError::Shape(what)),
    }
}

fn text(members: &mut Object, name: &str, what: &'static str) -> Result<String, BundleError> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(BundleError::Shape(what)),
    }
}

fn empty(members: &Object, what: &'static str) -> Result<(), BundleError> {
    if members.is_empty() { Ok(()) } else { Err(BundleError::Shape(what)) }
}

fn decoded(text: &str, what: &'static str) -> Result<Vec<u8>, BundleError> {
    Base64::decode_vec(text).map_err(|_| BundleError::Base64(what))
}

fn signature(text: &str) -> Result<Signature, BundleError> {
    Signature::from_bytes(&decoded(text, "the signature")?).map_err(BundleError::Signature)
}
