//! Why a bundle of an identity is refused.

use sealift_trust::{JsonError, StatementError};

/// A bundle of an identity that is refused, by the step that refuses it. Texts of the crate that verifies are its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeylessError {
    /// This build cannot verify it.
    #[error("not run: this sealift was built without the feature `sigstore`, and verifies no certificate")]
    NotBuilt,
    /// A step did not run, so that nothing counts.
    #[error("not run: {0}")]
    NotRun(&'static str),
    /// Not strict JSON.
    #[error("the bundle is not what it should be")]
    Json(#[from] JsonError),
    /// The trusted root is none.
    #[error("the trusted root cannot be used: {0}")]
    TrustedRoot(String),
    /// The bundle has another form.
    #[error("the bundle cannot be used: {0}")]
    Form(String),
    /// The bundle is of a kind, or by an algorithm, that nobody verifies here.
    #[error("the bundle cannot be verified: {0}")]
    Unsupported(String),
    /// The certificate is by no authority of the trusted root, or was not valid when the signature was made.
    #[error("the certificate: {0}")]
    Certificate(String),
    /// The certificate was shown to no log of certificates.
    #[error("the certificate's entry in a log: {0}")]
    CertificateLog(String),
    /// Somebody else signed.
    #[error("the certificate is of {found}, not of {wanted}")]
    Identity {
        /// Who signed.
        found: String,
        /// Who was to sign.
        wanted: String,
    },
    /// Somebody else says who signed.
    #[error("{found} says so, not {wanted}")]
    Issuer {
        /// Who says so.
        found: String,
        /// Who was to say so.
        wanted: String,
    },
    /// The signature was shown to no transparency log, or the entry there is of something else.
    #[error("the signature's entry in a log: {0}")]
    Log(String),
    /// Nobody says when the signature was made.
    #[error("the moment of signing: {0}")]
    Timestamp(String),
    /// The signature is not the certificate's key's.
    #[error("{0}")]
    Signature(String),
    /// It is about something else.
    #[error("{0}")]
    OtherMessage(String),
    /// What was signed is no statement.
    #[error("what was signed is no statement that is read")]
    Statement(#[from] StatementError),
    /// A statement that says something else than what is wanted, or none.
    #[error("what is stated is a {found:?}, and {wanted} is wanted")]
    PredicateType {
        /// What it is.
        found: String,
        /// What is wanted, in words.
        wanted: String,
    },
}

impl KeylessError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBuilt => "keyless.not-built",
            Self::NotRun(_) => "keyless.not-run",
            Self::Json(_) => "keyless.json",
            Self::TrustedRoot(_) => "keyless.trusted-root",
            Self::Form(_) => "keyless.form",
            Self::Unsupported(_) => "keyless.unsupported",
            Self::Certificate(_) => "keyless.certificate",
            Self::CertificateLog(_) => "keyless.sct",
            Self::Identity { .. } => "keyless.identity",
            Self::Issuer { .. } => "keyless.issuer",
            Self::Log(_) => "keyless.log",
            Self::Timestamp(_) => "keyless.timestamp",
            Self::Signature(_) => "keyless.signature",
            Self::OtherMessage(_) => "keyless.other-message",
            Self::Statement(_) => "keyless.statement",
            Self::PredicateType { .. } => "keyless.predicate-type",
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotBuilt => Some("use a released sealift, or build it with: cargo build --features sigstore"),
            Self::TrustedRoot(_) => Some("cosign trusted-root create, or the trusted_root.json of the authority"),
            Self::Identity { .. } | Self::Issuer { .. } => {
                Some("compare --identity and --issuer with what the publisher names")
            }
            _ => None,
        }
    }
}
