//! Statements: in-toto Statement v1 (in-toto/attestation, `spec/v1/statement.md`) with predicates of our own, a closed
//! set. Statements of other tools are another type.

mod beside;
mod check;
mod foreign;
mod layout;
mod provenance;
mod release;
mod subject;
mod terms;
#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::dsse::{Opened, PayloadType};
use crate::json::{self, JsonError, Limits, Numbers, Value};

pub use beside::{Beside, CHECKSUMS, MAX_MANIFEST, NOTES, PROVENANCE, UNSIGNED, signature_of};
pub use check::{MANIFEST, MAX_ENTRIES, ReleaseError};
pub use foreign::{COSIGN_SIGN_TYPE, Foreign, cosign_payload, document_payload, predicate_type, shown};
pub use layout::{
    IMAGE_INDEX, IMAGE_MANIFEST, IndexEntry, LAYOUT, LAYOUT_BLOBS, LAYOUT_FILE, LAYOUT_INDEX, LAYOUT_TEXT, layout_index,
};
pub use provenance::{
    ArchiveStep, BuildDefinition, BuildStep, BuildType, Builder, BuilderId, Dependency, Environment,
    ExternalParameters, ImageStep, InternalParameters, Metadata, Origin, Provenance, ProvenanceError, ResourceDigest,
    RunDetails,
};
pub use release::{Artifact, ArtifactKind, ArtifactName, ArtifactNameError, Held, Release, Service};
pub use subject::Subject;
pub use terms::{Commit, MediaType, SourceUrl, TargetName, TermError, Timestamp};

/// The `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The predicate type of a release.
pub const RELEASE_TYPE: &str = "urn:sealift:release:1";

/// The predicate type of a provenance.
pub const PROVENANCE_TYPE: &str = "https://slsa.dev/provenance/v1";

/// Room for [`MAX_ENTRIES`] artifacts with their subjects and what they hold, within the largest payload.
const LIMITS: Limits = Limits { bytes: crate::dsse::MAX_PAYLOAD, values: 4_000_000, numbers: Numbers::IntegersOnly };

/// A statement of our own that passed every check of its predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    predicate: Predicate,
}

/// What a statement says: a closed set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// `urn:sealift:release:1`
    Release(Box<Release>),
    /// `https://slsa.dev/provenance/v1`, in the form that sealift writes.
    Provenance(Box<Provenance>),
}

/// A statement that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not strict or not canonical JSON, or not of the shape of its predicate.
    #[error("the statement is not what it should be")]
    Json(#[from] JsonError),
    /// The `_type` is not that of in-toto Statement v1.
    #[error("the statement's type is {0:?}, not {STATEMENT_TYPE}")]
    StatementType(String),
    /// The predicate is outside the closed set.
    #[error("the predicate type {0:?} is none of ours")]
    PredicateType(String),
    /// A subject is not an artifact of the predicate, or is missing, or stands in another place.
    #[error("subject {index} is not the artifact that the predicate has there")]
    Subjects {
        /// The first difference, counted from zero.
        index: usize,
    },
    /// One of our own predicates, but not the one that is wanted here.
    #[error("the predicate type is {found}, not {wanted}")]
    OtherPredicate {
        /// What it is.
        found: &'static str,
        /// What is wanted.
        wanted: &'static str,
    },
    /// The parts of a release contradict each other or break a rule.
    #[error("the release is refused")]
    Release(#[from] ReleaseError),
    /// The parts of a provenance contradict each other.
    #[error("the provenance is refused")]
    Provenance(#[from] ProvenanceError),
}

impl StatementError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            StatementError::Json(_) => "statement.json",
            StatementError::StatementType(_) => "statement.type",
            StatementError::PredicateType(_) => "statement.predicate-type",
            StatementError::OtherPredicate { .. } => "statement.other-predicate",
            StatementError::Subjects { .. } => "statement.subjects",
            StatementError::Release(error) => error.code(),
            StatementError::Provenance(error) => error.code(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<P> {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

impl Statement {
    /// States a release. Its lists are sorted here, and then every rule is checked.
    pub fn release(mut release: Release) -> Result<Self, StatementError> {
        release.sort();
        check::release(&release)?;
        Ok(Self { predicate: Predicate::Release(Box::new(release)) })
    }

    /// States how a release was made; checked, not sorted.
    pub fn provenance(provenance: Provenance) -> Result<Self, StatementError> {
        provenance.check()?;
        Ok(Self { predicate: Predicate::Provenance(Box::new(provenance)) })
    }

    /// Reads the payload of an opened envelope: strict, canonical, of a known predicate, with every rule of it checked.
    pub fn parse(opened: &Opened) -> Result<Self, StatementError> {
        match opened.payload_type() {
            PayloadType::InToto => Self::read(opened.payload()),
        }
    }

    fn read(payload: &[u8]) -> Result<Self, StatementError> {
        let value = json::parse_canonical(payload, &LIMITS)?;
        // The types come first, before anything else is looked at (A26).
        let text = |name: &str| match &value {
            Value::Object(members) => {
                members.get(name).and_then(Value::as_str).unwrap_or("").chars().take(200).collect()
            }
            _ => String::new(),
        };
        let (statement_type, predicate_type) = (text("_type"), text("predicateType"));
        if statement_type != STATEMENT_TYPE {
            return Err(StatementError::StatementType(statement_type));
        }
        let statement = match predicate_type.as_str() {
            RELEASE_TYPE => Self::read_release(json::from_value(value)?)?,
            PROVENANCE_TYPE => Self::read_provenance(json::from_value(value)?)?,
            _ => return Err(StatementError::PredicateType(predicate_type)),
        };
        // A derived reader takes an array for a struct and null for a missing member; the writer does not.
        if statement.to_payload()? != payload {
            return Err(JsonError::Shape("written again it gives other bytes".to_owned()).into());
        }
        Ok(statement)
    }

    fn read_release(wire: Wire<Release>) -> Result<Self, StatementError> {
        let release = wire.predicate;
        let subjects = release.artifacts.iter().map(Subject::of);
        if let Some(index) = subjects.zip(&wire.subject).position(|(want, found)| want != *found) {
            return Err(StatementError::Subjects { index });
        }
        if wire.subject.len() != release.artifacts.len() {
            return Err(StatementError::Subjects { index: wire.subject.len().min(release.artifacts.len()) });
        }
        check::release(&release)?;
        Ok(Self { predicate: Predicate::Release(Box::new(release)) })
    }

    fn read_provenance(wire: Wire<Provenance>) -> Result<Self, StatementError> {
        Self::provenance(Provenance { subjects: wire.subject, ..wire.predicate })
    }

    /// What the statement says.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// The release that the statement is of.
    ///
    /// # Errors
    /// `statement.other-predicate`: what was signed for another purpose is no manifest (A26).
    pub fn into_release(self) -> Result<Release, StatementError> {
        match self.predicate {
            Predicate::Release(release) => Ok(*release),
            other @ Predicate::Provenance(_) => Err(other.is_not(RELEASE_TYPE)),
        }
    }

    /// The provenance that the statement is.
    ///
    /// # Errors
    /// `statement.other-predicate`.
    pub fn into_provenance(self) -> Result<Provenance, StatementError> {
        match self.predicate {
            Predicate::Provenance(provenance) => Ok(*provenance),
            other @ Predicate::Release(_) => Err(other.is_not(PROVENANCE_TYPE)),
        }
    }

    /// The canonical bytes: the payload of an envelope, or the whole of an unsigned statement.
    pub fn to_payload(&self) -> Result<Vec<u8>, StatementError> {
        match &self.predicate {
            Predicate::Release(release) => self.written(release.artifacts.iter().map(Subject::of).collect(), release),
            Predicate::Provenance(provenance) => self.written(provenance.subjects.clone(), provenance),
        }
    }

    fn written(&self, subject: Vec<Subject>, predicate: &impl Serialize) -> Result<Vec<u8>, StatementError> {
        let predicate_type = self.predicate.name().to_owned();
        let wire = Wire { statement_type: STATEMENT_TYPE.to_owned(), subject, predicate_type, predicate };
        Ok(json::canonical(&json::to_value(&wire)?))
    }

    /// The digest of the canonical bytes: what an approval or a channel record names.
    pub fn digest(&self) -> Result<Digest, StatementError> {
        Ok(Digest::of(&self.to_payload()?))
    }
}

impl Predicate {
    /// The predicate type.
    pub fn name(&self) -> &'static str {
        match self {
            Predicate::Release(_) => RELEASE_TYPE,
            Predicate::Provenance(_) => PROVENANCE_TYPE,
        }
    }

    fn is_not(&self, wanted: &'static str) -> StatementError {
        StatementError::OtherPredicate { found: self.name(), wanted }
    }
}
