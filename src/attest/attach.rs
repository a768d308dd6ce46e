//! What is said of an image, laid beside it: a signature as cosign makes and reads it, the provenance, and what is in it.
//! All are bundles, and referrers of the image (image-spec, `manifest.md`, "Guidelines for Artifact Usage").

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use sealift_trust::bundle::{self, BUNDLE_TYPE};
use sealift_trust::statement::{COSIGN_SIGN_TYPE, PROVENANCE_TYPE, cosign_payload, document_payload};
use sealift_trust::{Digest, Envelope, Message, PayloadType, StatementError};

use super::{AttestError, Purpose, Signer};
use crate::artifact::Artifact;
use crate::error::Failure;
use crate::oci::{Checked, Descriptor, Manifest, Sink, media};
use crate::product::SbomFile;

/// The annotation that says what a bundle holds (sigstore/cosign, `specs/BUNDLE_SPEC.md`).
const CONTENT: &str = "dev.sigstore.bundle.content";

/// The annotation that says what is stated.
const PREDICATE: &str = "dev.sigstore.bundle.predicateType";

/// A signed statement about an image.
#[derive(Clone, Debug)]
pub struct Said {
    predicate_type: &'static str,
    bundle: Vec<u8>,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.predicate_type {
            COSIGN_SIGN_TYPE => "signature",
            PROVENANCE_TYPE => "provenance",
            _ => "SBOM",
        })
    }
}

/// The signature of an image by its digest, and the provenance that is about it, as bundles of the signer's key.
///
/// # Errors
/// The provenance is no envelope.
pub fn said(image: Digest, provenance: &[u8], signer: &Signer<'_>) -> Result<[Said; 2], AttestError> {
    let sign = |message: &[u8]| signer.sign(&Message::of(message), Purpose::Statement);
    let signature = Envelope::sign_with(PayloadType::InToto, cosign_payload(image), sign)?;
    let provenance = Envelope::parse(provenance)?;
    let public = signer.public();
    Ok([(COSIGN_SIGN_TYPE, signature), (PROVENANCE_TYPE, provenance)]
        .map(|(predicate_type, envelope)| Said { predicate_type, bundle: bundle::of_envelope(&envelope, &public) }))
}

/// What is in an image, as a bundle of the signer's key: the SBOM of the binary that it holds.
///
/// # Errors
/// `attest.changed` when it is not the file that was measured.
pub fn listed(
    image: Digest,
    sbom: &SbomFile,
    (path, bytes): (&Path, &[u8]),
    signer: &Signer<'_>,
) -> Result<Said, AttestError> {
    if Artifact::of(bytes) != sbom.artifact {
        return Err(AttestError::Changed { path: path.display().to_string() });
    }
    let predicate_type = sbom.format.predicate_type();
    let payload = document_payload(image, predicate_type, bytes).map_err(StatementError::from)?;
    let sign = |message: &[u8]| signer.sign(&Message::of(message), Purpose::Statement);
    let envelope = Envelope::sign_with(PayloadType::InToto, payload, sign)?;
    Ok(Said { predicate_type, bundle: bundle::of_envelope(&envelope, &signer.public()) })
}

/// A statement of in-toto's form, signed, as a bundle of the signer's key: what `cosign verify-blob-attestation` reads.
///
/// # Errors
/// What the signer says.
pub fn bundle(statement: Vec<u8>, signer: &Signer<'_>) -> Result<Vec<u8>, AttestError> {
    let sign = |message: &[u8]| signer.sign(&Message::of(message), Purpose::Statement);
    let envelope = Envelope::sign_with(PayloadType::InToto, statement, sign)?;
    Ok(bundle::of_envelope(&envelope, &signer.public()))
}

/// Lays a list of parts beside the image that it is about, as it is, and gives where it is.
pub fn attach_list(to: &dyn Sink, image: &Descriptor, media_type: &str, list: &[u8]) -> Result<Descriptor, Failure> {
    lay(to, image, media_type, list, BTreeMap::new())
}

/// Lays a statement beside the image that it is about, and gives where it is. The same statement is the same document.
pub fn attach(to: &dyn Sink, image: &Descriptor, said: &Said) -> Result<Descriptor, Failure> {
    let notes = [(CONTENT, "dsse-envelope"), (PREDICATE, said.predicate_type)];
    let notes = notes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    lay(to, image, BUNDLE_TYPE, &said.bundle, notes)
}

fn lay(
    to: &dyn Sink,
    image: &Descriptor,
    media_type: &str,
    bytes: &[u8],
    notes: BTreeMap<String, String>,
) -> Result<Descriptor, Failure> {
    let (empty, layer) = (Descriptor::of(media::EMPTY, b"{}"), Descriptor::of(media_type, bytes));
    for (blob, bytes) in [(&empty, &b"{}"[..]), (&layer, bytes)] {
        if !to.has(blob)? {
            let open = || Ok(Box::new(Checked::new(bytes, blob)) as Box<dyn Read + Send + '_>);
            to.put_blob(blob, &open)?;
        }
    }
    let mut manifest = Manifest::new(empty, vec![layer]);
    manifest.artifact_type = Some(media_type.to_owned());
    manifest.subject = Some(image.bare());
    manifest.annotations = notes;
    let bytes = manifest.encode();
    let descriptor = Descriptor::of(media::OCI_MANIFEST, &bytes);
    to.put_document(&descriptor, &bytes)?;
    Ok(descriptor)
}
