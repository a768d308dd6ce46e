//! The steps, in the words of what they show.

use std::sync::Once;

use sealift_trust::statement::{COSIGN_SIGN_TYPE, Foreign, shown};
use sealift_trust::{Digest, Meaning};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{Bundle, Sha256Hash, SignatureContent, TransparencyLogEntry};
use sigstore_verify::{CertificateError, Error, VerificationPolicy, VerificationResult, Verifier};

use super::super::authority::Identity;
use super::{KeylessError, Vouched, provider};

/// The crate has one provider for the whole process.
static PROVIDER: Once = Once::new();

pub(super) fn run(
    identity: &Identity,
    bundle: &[u8],
    of: Digest,
    meaning: Meaning<'_>,
) -> Result<Vouched, KeylessError> {
    PROVIDER.call_once(provider::install);
    let root = TrustedRoot::from_json(&identity.root).map_err(|error| KeylessError::TrustedRoot(error.to_string()))?;
    let verifier = Verifier::new(&root).map_err(|error| KeylessError::TrustedRoot(error.to_string()))?;
    let text = std::str::from_utf8(bundle).map_err(|error| KeylessError::Form(error.to_string()))?;
    let bundle = Bundle::from_json(text).map_err(|error| KeylessError::Form(error.to_string()))?;
    let policy = VerificationPolicy::new(identity.name.as_str(), identity.issuer.as_str());
    let result = verifier.verify(Sha256Hash::new(*of.bytes()), &bundle, &policy).map_err(refused)?;
    every_entry_is_proven(&bundle)?;
    let steps = done(&result, identity)?;
    // Only now, out of the very bytes that were verified.
    let statement = match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => {
            Some(Foreign::vouched(&envelope.payload_type, envelope.payload.as_bytes())?)
        }
        _ => None,
    };
    means(statement.as_ref(), meaning)?;
    Ok(Vouched { steps, statement })
}

/// A log's promise alone is no entry in it. Of bundles that call themselves v0.1 or nothing at all, which nobody signs, the
/// crate is content with the promise; here that is a step that was not done, whatever the bundle calls itself.
fn every_entry_is_proven(bundle: &Bundle) -> Result<(), KeylessError> {
    let entries = &bundle.verification_material.tlog_entries;
    let is_proven = |entry: &TransparencyLogEntry| {
        entry.inclusion_proof.as_ref().is_some_and(|proof| !proof.checkpoint.envelope().is_empty())
    };
    if !entries.is_empty() && entries.iter().all(is_proven) {
        return Ok(());
    }
    Err(KeylessError::NotRun("an entry in a log has no inclusion proof with a signed checkpoint"))
}

/// That every step was done is not taken from the policy, but from what the verifier says it did.
fn done(result: &VerificationResult, identity: &Identity) -> Result<Vec<(&'static str, String)>, KeylessError> {
    let missing = [
        (result.certificate_verified(), "the certificate was not verified"),
        (result.sct_verified(), "the certificate's entry in a log was not verified"),
        (result.identity_policy_checked(), "the identity was not compared"),
        (result.tlog_verified(), "the signature's entry in a log was not verified"),
        (!result.verified_timestamps().is_empty(), "no moment of signing was verified"),
    ];
    if let Some((_, why)) = missing.into_iter().find(|(is_done, _)| !is_done) {
        return Err(KeylessError::NotRun(why));
    }
    let times: Vec<String> = result.verified_timestamps().iter().map(ToString::to_string).collect();
    let text = |text: &str| text.to_owned();
    Ok(vec![
        ("certificate", text("by an authority of the trusted root, for signing code, valid at the moment of signing")),
        ("certificate log", text("a log of the trusted root promised to list it (SCT)")),
        ("identity", format!("{}, by the word of {}", identity.name, identity.issuer)),
        ("log", text("the signature is in a log of the trusted root: inclusion proof and signed checkpoint")),
        ("time", times.join(", ")),
    ])
}

/// Whoever states something of a file does not vouch for it (A26).
fn means(statement: Option<&Foreign>, meaning: Meaning<'_>) -> Result<(), KeylessError> {
    let found = statement.map_or("signature", Foreign::predicate_type);
    let (is_meant, wanted) = match meaning {
        Meaning::Signature => (statement.is_none() || found == COSIGN_SIGN_TYPE, "a signature".to_owned()),
        Meaning::Statement(wanted) => (statement.is_some() && found == wanted, format!("{:?}", shown(wanted))),
    };
    if is_meant { Ok(()) } else { Err(KeylessError::PredicateType { found: shown(found), wanted }) }
}

fn refused(error: Error) -> KeylessError {
    let text = error.to_string();
    match error {
        Error::IdentityMismatch { expected, actual } => KeylessError::Identity {
            found: actual.map_or_else(|| "nobody".to_owned(), |actual| actual.as_str().to_owned()),
            wanted: expected.to_string(),
        },
        Error::IssuerMismatch { expected, actual } => {
            KeylessError::Issuer { found: actual.unwrap_or_else(|| "nobody".to_owned()), wanted: expected }
        }
        Error::SignatureInvalid(_) => KeylessError::Signature(text),
        Error::ArtifactMismatch(_) => KeylessError::OtherMessage(text),
        Error::Certificate(CertificateError::Sct(_)) => KeylessError::CertificateLog(text),
        Error::Certificate(_) => KeylessError::Certificate(text),
        Error::TransparencyLog(_) => KeylessError::Log(text),
        Error::Timestamp(_) => KeylessError::Timestamp(text),
        Error::InvalidTrustRoot(_) | Error::TrustRoot(_) | Error::TrustedCertificate(_) => {
            KeylessError::TrustedRoot(text)
        }
        Error::UnsupportedBundle(_) | Error::UnsupportedArtifact(_) | Error::Crypto(_) => {
            KeylessError::Unsupported(text)
        }
        _ => KeylessError::Form(text),
    }
}
