//! The manifest: read with a cap, opened by a trusted key, and only then understood.

use std::io::Read;

use sealift_trust::statement::MAX_MANIFEST;
use sealift_trust::{CheckName, Digest, Envelope, Opened, Policy, PublicKey, Release, Statement};

use super::VerifyError;
use super::finding::{Findings, Flaw};
use super::scene::{Scene, Signed};
use crate::host::files;
use crate::host::regular::{self, Found};
use crate::sanitize::sanitize_line;

/// A manifest that a trusted key signed.
pub(super) struct Manifest {
    /// The proof of the signature.
    pub(super) opened: Opened,
    /// What it says.
    pub(super) release: Release,
    /// The digest of the statement's canonical bytes.
    pub(super) digest: Digest,
    /// The digest of the file.
    pub(super) file: Digest,
}

/// What was read, or the digest of a statement that was signed and is refused all the same.
type Accepted = Result<Manifest, Option<Digest>>;

/// Envelope, signature, statement and policy, in this order; each only when the one before passed.
pub(super) fn accept(scene: &Scene, policy: &Policy, findings: &mut Findings) -> Result<Accepted, VerifyError> {
    if scene.signed == Signed::No {
        findings.fail(CheckName::Envelope, Flaw::Unsigned);
    }
    match read(scene)? {
        Ok(bytes) => Ok(open(&bytes, policy, findings)),
        // That there is nothing but an unsigned statement is said already.
        Err(Flaw::NoManifest(_)) if scene.signed == Signed::No => Ok(Err(None)),
        Err(flaw) => {
            findings.fail(CheckName::Envelope, flaw);
            Ok(Err(None))
        }
    }
}

fn read(scene: &Scene) -> Result<Result<Vec<u8>, Flaw>, VerifyError> {
    let path = &scene.manifest;
    let name = || sanitize_line(&path.file_name().unwrap_or_default().to_string_lossy()).into_owned();
    let found = match regular::open(path)? {
        Found::File(found) => found,
        Found::Nothing => return Ok(Err(Flaw::NoManifest(name()))),
        Found::Other(what) => return Ok(Err(Flaw::NotAFile { name: name(), what })),
    };
    let cap = MAX_MANIFEST as u64;
    let mut bytes = Vec::new();
    found.file.take(cap + 1).read_to_end(&mut bytes).map_err(files::at("read", path))?;
    let size = found.size.max(bytes.len() as u64);
    Ok(if bytes.len() as u64 > cap { Err(Flaw::TooLarge(size)) } else { Ok(bytes) })
}

fn open(bytes: &[u8], policy: &Policy, findings: &mut Findings) -> Accepted {
    let envelope = match Envelope::parse(bytes) {
        Ok(envelope) => envelope,
        Err(error) => {
            findings.fail(CheckName::Envelope, Flaw::Envelope(error));
            return Err(None);
        }
    };
    findings.settle(CheckName::Envelope, Vec::new());
    let keys: Vec<PublicKey> = policy.keys().cloned().collect();
    let opened = match envelope.verify(&keys) {
        Ok(opened) => opened,
        Err(error) => {
            findings.fail(CheckName::Signature, Flaw::Signature(error));
            return Err(None);
        }
    };
    findings.settle(CheckName::Signature, Vec::new());
    understand(opened, Digest::of(bytes), policy, findings)
}

fn understand(opened: Opened, file: Digest, policy: &Policy, findings: &mut Findings) -> Accepted {
    let digest = Digest::of(opened.payload());
    let release = match Statement::parse(&opened).and_then(Statement::into_release) {
        Ok(release) => release,
        Err(error) => {
            findings.fail(CheckName::Statement, Flaw::Statement(error));
            return Err(Some(digest));
        }
    };
    findings.settle(CheckName::Statement, Vec::new());
    findings.settle(CheckName::Policy, policy.admits(&release).err().map(Flaw::Policy).into_iter().collect());
    Ok(Manifest { opened, release, digest, file })
}
