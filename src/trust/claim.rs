//! The older form in which cosign signs an image (sigstore/cosign, `specs/SIGNATURE_SPEC.md`; containers-signature(5)): a
//! small document that names the image by its digest, and beside it the raw signature over the document's bytes. Read, and
//! never written.

use base64ct::{Base64, Encoding};

use crate::digest::Digest;
use crate::json::{self, JsonError, Limits, Numbers, Object, Value};
use crate::key::{KeyError, PublicKey, Signature};

/// The type of such a document, as a registry has it.
pub const CLAIM_MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The name of the annotation that holds the signature in base64.
pub const CLAIM_SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// What the document says that it is.
const CLAIM_TYPE: &str = "cosign container image signature";

/// The longest such document, in bytes.
pub const MAX_CLAIM: usize = 64 << 10;

const LIMITS: Limits = Limits { bytes: MAX_CLAIM, values: 1000, numbers: Numbers::Any };

/// What a key said of an image. Only [`Claim::open`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    image: Digest,
    reference: String,
}

/// A claim that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// There is no signature beside it, or it is not standard base64 with padding.
    #[error("the signature beside the claim is none")]
    Signature,
    /// The key did not sign it.
    #[error("the claim is signed by another key, or was changed")]
    NotSigned(#[source] KeyError),
    /// Not strict JSON.
    #[error("the claim is not what it should be")]
    Json(#[from] JsonError),
    /// A member is missing, too much, or of another kind.
    #[error("the claim is not of the wanted form: {0}")]
    Shape(&'static str),
    /// It was signed for another purpose.
    #[error("what was signed is a {0:?} and not a {CLAIM_TYPE:?}")]
    Type(String),
    /// It is of another image.
    #[error("the claim is of {wanted}, the image is {found}")]
    OtherImage {
        /// What it names.
        wanted: Digest,
        /// What was given.
        found: Digest,
    },
}

impl ClaimError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ClaimError::Signature => "claim.signature",
            ClaimError::NotSigned(_) => "claim.not-signed",
            ClaimError::Json(_) => "claim.json",
            ClaimError::Shape(_) => "claim.shape",
            ClaimError::Type(_) => "claim.type",
            ClaimError::OtherImage { .. } => "claim.other-image",
        }
    }
}

impl Claim {
    /// Verifies the signature, and then reads the very bytes that were signed; `signature` is in base64.
    pub fn open(claim: &[u8], signature: &str, key: &PublicKey) -> Result<Self, ClaimError> {
        let signature = Base64::decode_vec(signature).map_err(|_| ClaimError::Signature)?;
        let signature = Signature::from_bytes(&signature).map_err(|_| ClaimError::Signature)?;
        key.verify(claim, &signature).map_err(ClaimError::NotSigned)?;
        Self::read(claim)
    }

    fn read(claim: &[u8]) -> Result<Self, ClaimError> {
        let mut claim = object(Some(json::parse(claim, &LIMITS)?), "a claim is an object")?;
        let mut critical = object(claim.remove("critical"), "`critical` is not an object")?;
        // First the type, before anything else is looked at (A25).
        let kind = text(&mut critical, "type", "`type` is not a string")?;
        if kind != CLAIM_TYPE {
            return Err(ClaimError::Type(kind.chars().take(80).collect()));
        }
        let mut image = object(critical.remove("image"), "`image` is not an object")?;
        let digest = text(&mut image, "docker-manifest-digest", "`docker-manifest-digest` is not a string")?;
        let digest = digest.parse().map_err(|_| ClaimError::Shape("`docker-manifest-digest` is not a digest"))?;
        let mut identity = object(critical.remove("identity"), "`identity` is not an object")?;
        let reference = text(&mut identity, "docker-reference", "`docker-reference` is not a string")?;
        // What is critical and not understood is not accepted; `optional` says nothing that counts.
        if !critical.is_empty() || !image.is_empty() || !identity.is_empty() {
            return Err(ClaimError::Shape("something critical is not known"));
        }
        claim.remove("optional");
        if !claim.is_empty() {
            return Err(ClaimError::Shape("a claim has a member that is not known"));
        }
        Ok(Self { image: digest, reference })
    }

    /// Whether it is of this image.
    ///
    /// # Errors
    /// `claim.other-image`.
    pub fn is_of(&self, found: Digest) -> Result<(), ClaimError> {
        let wanted = self.image;
        if wanted == found { Ok(()) } else { Err(ClaimError::OtherImage { wanted, found }) }
    }

    /// How the signer called the image: a word of the signer's, without meaning here.
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

fn object(value: Option<Value>, what: &'static str) -> Result<Object, ClaimError> {
    match value {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(ClaimError::Shape(what)),
    }
}

fn text(members: &mut Object, name: &str, what: &'static str) -> Result<String, ClaimError> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(ClaimError::Shape(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;
    use zeroize::Zeroizing;

    fn key(seed: u8) -> SecretKey {
        SecretKey::generate(&Zeroizing::new([seed; 32]))
    }

    fn claim(of: Digest) -> String {
        format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"localhost/a"}},"image":{{"docker-manifest-digest":"{of}"}},"type":"{CLAIM_TYPE}"}},"optional":null}}"#
        )
    }

    /// Signs a text and judges it for an image.
    fn code(text: &str, image: Digest) -> &'static str {
        let signature = Base64::encode_string(key(1).sign(text.as_bytes()).expect("signed").as_bytes());
        let judged = Claim::open(text.as_bytes(), &signature, &key(1).public()).and_then(|claim| claim.is_of(image));
        judged.map_or_else(|error| error.code(), |()| "accepted")
    }

    #[test]
    fn a_claim_is_of_its_image_and_its_purpose_alone() {
        let (image, other) = (Digest::of(b"image"), Digest::of(b"other"));
        let good = claim(image);
        assert_eq!(code(&good, image), "accepted");
        assert_eq!(code(&good, other), "claim.other-image");
        assert_eq!(code(&good.replace(CLAIM_TYPE, "atomic container signature"), image), "claim.type");
        assert_eq!(code(&good.replace("null", r#"{"a":1.5}"#), image), "accepted");
        for (from, to, want) in [
            (r#""type""#, r#""more":1,"type""#, "claim.shape"),
            (r#""docker-manifest-digest""#, r#""size":1,"docker-manifest-digest""#, "claim.shape"),
            (r#""optional":null"#, r#""optional":null,"more":1"#, "claim.shape"),
            (r#"{"critical""#, r#"{"critical":{},"critical""#, "claim.json"),
            ("sha256:", "sha512:", "claim.shape"),
            ("null}", "null}}", "claim.json"),
        ] {
            assert_eq!(code(&good.replacen(from, to, 1), image), want, "{from} -> {to}");
        }
    }

    #[test]
    fn nothing_is_read_that_the_key_did_not_sign() {
        let good = claim(Digest::of(b"image"));
        let signature = Base64::encode_string(key(1).sign(good.as_bytes()).expect("signed").as_bytes());
        let code = |text: &str, signature: &str, key: &SecretKey| {
            Claim::open(text.as_bytes(), signature, &key.public()).expect_err("refused").code()
        };
        assert_eq!(code(&good, &signature, &key(2)), "claim.not-signed");
        assert_eq!(code(&good.replace("local", "Local"), &signature, &key(1)), "claim.not-signed");
        assert_eq!(code("{", &signature, &key(1)), "claim.not-signed");
        assert_eq!(code(&good, "", &key(1)), "claim.signature");
        assert_eq!(code(&good, &format!("{signature}\n"), &key(1)), "claim.signature");
        assert_eq!(code(&good, signature.trim_end_matches('='), &key(1)), "claim.signature");
    }
}
