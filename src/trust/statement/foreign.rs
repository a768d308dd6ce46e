//! Statements of other programs: which files they are about, and no more. Nothing of ours rests on them alone.

use super::{JsonError, STATEMENT_TYPE, StatementError};
use crate::bundle::ForeignOpened;
use crate::digest::Digest;
use crate::dsse::{MAX_PAYLOAD, PayloadType};
use crate::json::{self, Limits, Numbers, Object, Value};

/// The `_type` of in-toto's statements before version 1, which others still write.
const FORMER_TYPE: &str = "https://in-toto.io/Statement/v0.1";

/// What cosign says of an image that it signs.
pub const COSIGN_SIGN_TYPE: &str = "https://sigstore.dev/cosign/sign/v1";

/// What cosign signs for an image: a statement that says no more than which image it is (sigstore/cosign,
/// `specs/BUNDLE_SPEC.md`). The canonical bytes, to be signed as an in-toto statement.
pub fn cosign_payload(image: Digest) -> Vec<u8> {
    payload(image, COSIGN_SIGN_TYPE, Value::Object(Object::new()))
}

/// A statement about an image of which the predicate is somebody's document, for programs that look for such documents
/// beside images. The canonical bytes, to be signed as an in-toto statement.
pub fn document_payload(image: Digest, predicate_type: &str, document: &[u8]) -> Result<Vec<u8>, JsonError> {
    Ok(payload(image, predicate_type, json::parse(document, &LIMITS)?))
}

fn payload(image: Digest, predicate_type: &str, predicate: Value) -> Vec<u8> {
    let text = |text: &str| Value::String(text.to_owned());
    let object = |members: Vec<(&str, Value)>| {
        Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
    };
    let subject = object(vec![("digest", object(vec![("sha256", text(&image.hex()))]))]);
    json::canonical(&object(vec![
        ("_type", text(STATEMENT_TYPE)),
        ("predicate", predicate),
        ("predicateType", text(predicate_type)),
        ("subject", Value::Array(vec![subject])),
    ]))
}

/// The short names that cosign has for predicate types, and the types.
const SHORT: [(&str, &str); 8] = [
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("link", "https://in-toto.io/Link/v1"),
    ("openvex", "https://openvex.dev/ns"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", super::PROVENANCE_TYPE),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
];

/// The predicate type of a name of cosign's, or the text itself, where it is none.
pub fn predicate_type(text: &str) -> &str {
    SHORT.iter().find(|(short, _)| *short == text).map_or(text, |(_, whole)| whole)
}

const LIMITS: Limits = Limits { bytes: MAX_PAYLOAD, values: 4_000_000, numbers: Numbers::Any };

/// A statement of another program: it makes no [`crate::Verified`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    predicate_type: String,
    subjects: Vec<Digest>,
}

impl Foreign {
    /// Reads the payload of an opened envelope: strict JSON, one of in-toto's types, and the SHA-256 digests of the subjects.
    pub fn parse(opened: &ForeignOpened) -> Result<Self, StatementError> {
        Self::vouched(opened.payload_type(), opened.payload())
    }

    /// The same of the very bytes over which somebody else verified a signature, who knows other keys than this crate.
    pub fn vouched(payload_type: &str, payload: &[u8]) -> Result<Self, StatementError> {
        if payload_type != PayloadType::InToto.as_str() {
            return Err(StatementError::StatementType(shown(payload_type)));
        }
        let shape = |what: &str| StatementError::Json(JsonError::Shape(what.to_owned()));
        let Value::Object(mut members) = json::parse(payload, &LIMITS)? else {
            return Err(shape("a statement is an object"));
        };
        let statement_type = text(&members, "_type");
        if statement_type != STATEMENT_TYPE && statement_type != FORMER_TYPE {
            return Err(StatementError::StatementType(shown(statement_type)));
        }
        let predicate_type = text(&members, "predicateType");
        if predicate_type.is_empty() {
            return Err(StatementError::PredicateType(String::new()));
        }
        let predicate_type = predicate_type.to_owned();
        let Some(Value::Array(subjects)) = members.remove("subject") else {
            return Err(shape("`subject` is not an array"));
        };
        let digest = |subject: &Value| {
            let Value::Object(subject) = subject else { return Err(shape("a subject is not an object")) };
            let Some(Value::Object(digests)) = subject.get("digest") else {
                return Err(shape("the `digest` of a subject is not an object"));
            };
            match digests.get("sha256") {
                // A subject by other algorithms is about nothing that is measured here.
                None => Ok(None),
                Some(Value::String(hex)) => Digest::from_hex(hex).map(Some).map_err(|error| shape(&error.to_string())),
                Some(_) => Err(shape("a digest is not a string")),
            }
        };
        let subjects = subjects.iter().map(digest).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { predicate_type, subjects: subjects.into_iter().flatten().collect() })
    }

    /// What kind of statement it is, in the words of whoever made it.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// Whether one of its subjects has that digest.
    pub fn is_about(&self, digest: Digest) -> bool {
        self.subjects.contains(&digest)
    }
}

/// A member whole, empty when it is no string: what is compared is never cut.
fn text<'a>(members: &'a Object, name: &str) -> &'a str {
    members.get(name).and_then(Value::as_str).unwrap_or("")
}

/// As much of a text of others as a message shows: 200 characters.
pub fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}
