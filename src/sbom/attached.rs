//! Lists that hang on an image: as referrers, in the statements that BuildKit lays beside it, in bundles of cosign. Nobody's
//! signature is verified here; each component says where it comes from.

use std::io::Read;

use base64ct::{Base64, Encoding};
use sealift_trust::Digest;
use serde_json::Value;

use super::document::Sbom;
use super::reading::{self, LIST_CAP};
use crate::error::Failure;
use crate::oci::{Descriptor, Document, Source, media};
use crate::product::SbomFormat;

/// The most documents about one image that are looked at.
const MOST: usize = 32;

/// What in-toto calls a statement whose predicate is a list.
const PREDICATES: [&str; 3] =
    ["https://spdx.dev/Document", "https://cyclonedx.org/bom", "https://spdx.dev/Document/v2.3"];

/// How BuildKit marks a manifest that is about another one of the same index (moby/buildkit,
/// `docs/attestations/attestation-storage.md`).
const ABOUT: &str = "vnd.docker.reference.digest";

/// The lists that are about an image, each with the digest of the document that carries it.
pub(super) fn lists(
    source: &dyn Source,
    root: &Descriptor,
    image: &Descriptor,
) -> Result<Vec<(String, Sbom)>, Failure> {
    let mut about = source.referrers(image.digest)?;
    if root.digest != image.digest {
        if let Document::Index(index) = Document::parse(&source.document(root)?, &root.media_type)? {
            let of_image = |entry: &Descriptor| entry.annotations.get(ABOUT) == Some(&image.digest.to_string());
            about.extend(index.manifests.into_iter().filter(of_image));
        }
        about.extend(source.referrers(root.digest)?);
    }
    let mut lists = Vec::new();
    for descriptor in about.iter().filter(|one| media::is_manifest(&one.media_type)).take(MOST) {
        let Document::Manifest(manifest) = Document::parse(&source.document(descriptor)?, &descriptor.media_type)?
        else {
            continue;
        };
        for layer in manifest.layers.iter().filter(|layer| carries(&layer.media_type) && layer.size <= LIST_CAP) {
            let mut bytes = Vec::new();
            let read = source.blob(layer)?.read_to_end(&mut bytes);
            read.map_err(|error| crate::oci::from_stream(error, |source| unreadable(layer.digest, source)))?;
            if let Some(list) = list(&bytes, &image.digest.to_string()) {
                lists.push((format!("{}", descriptor.digest), list));
            }
        }
    }
    Ok(lists)
}

fn unreadable(digest: Digest, source: std::io::Error) -> Failure {
    crate::host::files::FileError::System { op: "read", path: digest.to_string(), source }.into()
}

/// Whether a layer of such a document may hold a list.
fn carries(media_type: &str) -> bool {
    SbomFormat::ALL.iter().any(|format| media_type.starts_with(format.media_type()))
        || media_type == "text/spdx+json"
        || media_type == "application/vnd.in-toto+json"
        || media_type.starts_with("application/vnd.dev.sigstore.bundle")
        || media_type == "application/vnd.dsse.envelope.v1+json"
}

/// The list in a document: itself, the predicate of a statement, the payload of an envelope, what a bundle holds.
fn list(bytes: &[u8], name: &str) -> Option<Sbom> {
    if let Ok(Some(list)) = reading::parse(bytes, name) {
        return Some(list);
    }
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    if let Some(envelope) = value.get_mut("dsseEnvelope") {
        value = envelope.take();
    }
    if let Some(payload) = value.get("payload").and_then(Value::as_str) {
        value = serde_json::from_slice(&Base64::decode_vec(payload).ok()?).ok()?;
    }
    let kind = value.get("predicateType")?.as_str()?;
    if !PREDICATES.contains(&kind) {
        return None;
    }
    let predicate = value.get_mut("predicate")?.take();
    // Syft and older cosign wrap the list once more.
    let list = predicate.get("Data").cloned().unwrap_or(predicate);
    reading::parse(&serde_json::to_vec(&list).ok()?, name).ok().flatten()
}
