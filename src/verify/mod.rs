//! The judge: files and a policy in, a verdict out. It reads what is there and knows nothing of how it was made.
//!
//! The order is that of trust: the envelope's bytes, its signature, then the statement out of the verified buffer, and
//! only then the files that it names; an archive or a layer is opened only after its digest is the signed one. A refusal is a
//! [`Judgement`] without a proof; a [`VerifyError`] means that nothing could be judged.

mod archives;
mod attached;
mod authority;
mod checksums;
mod companions;
mod contents;
mod detached;
mod distrust;
mod error;
mod finding;
mod images;
mod keyless;
mod keys;
mod manifest;
mod scene;

use std::path::PathBuf;

use sealift_trust::policy::Scope;
use sealift_trust::verdict::{Check, Reason};
use sealift_trust::{Digest, Policy, Refusal, Release, Verified};

use crate::event::{Event, Events};
use crate::host::Host;
use finding::Findings;
use manifest::Manifest;
use scene::Scene;

pub use attached::{Attached, ImageJudgement, verify_image};
pub use authority::{Authority, Identity};
pub use checksums::{Compared, compare};
pub use detached::{Signed, verify_detached};
pub use distrust::Distrust;
pub use error::VerifyError;
pub use finding::Flaw;
pub use keyless::KeylessError;
pub use keys::read_public;

/// What is verified.
#[derive(Clone, Debug)]
pub enum What {
    /// A whole release: a folder that holds it and nothing else.
    Folder(PathBuf),
    /// Some files of a release.
    Files {
        /// The files.
        files: Vec<PathBuf>,
        /// The manifest; without it `release.json` beside the first file.
        manifest: Option<PathBuf>,
    },
}

/// How a release was judged.
#[derive(Debug)]
#[must_use = "a judgement may be a refusal"]
pub struct Judgement {
    /// Every check in its order and how it ended.
    pub checks: Vec<Check>,
    /// Everything that was found wrong, in the order of the checks.
    pub flaws: Vec<Flaw>,
    /// Why it is refused; empty when it is not.
    pub reasons: Vec<Reason>,
    /// The proof, when nothing is wrong and everything that the policy requires was checked.
    pub verified: Option<Verified<Release>>,
    /// The digest of the manifest (of the statement's canonical bytes), once its signature was verified.
    pub manifest: Option<Digest>,
}

impl Judgement {
    /// The stable code of the first reason to refuse; none when there is a proof.
    pub fn code(&self) -> Option<&'static str> {
        let by_reason = || match self.reasons.first() {
            Some(Reason::Threshold { .. }) => "verify.threshold",
            Some(Reason::Key(_)) => "verify.other-key",
            Some(Reason::NotRun(..)) => "verify.not-run",
            Some(Reason::Failed(..)) | None => "verify.check-failed",
        };
        self.verified.is_none().then(|| self.flaws.first().map_or_else(by_reason, Flaw::code))
    }

    /// What to do about the first flaw, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        self.flaws.first().and_then(Flaw::hint)
    }
}

/// Judges files by a policy, on all cores, in memory that does not grow with their sizes.
///
/// A folder must hold exactly the artifacts, their companions, the layout of the images and `release.json`. Of single files only these are judged,
/// by the policy narrowed to them ([`Policy::for_files`]), whose digest the proof carries.
///
/// # Errors
/// Only when nothing can be judged: no such folder, unreadable files, no files named, interrupted.
pub fn verify(host: &Host, what: &What, policy: &Policy, events: &Events) -> Result<Judgement, VerifyError> {
    let scene = Scene::look(what)?;
    let mut findings = Findings::default();
    let judgement = match manifest::accept(&scene, policy, &mut findings)? {
        Ok(manifest) => {
            contents::judge(host, &scene, &manifest.release, &mut findings)?;
            images::judge(host, &scene, &manifest.release, &mut findings)?;
            companions::judge(&scene, &manifest, &mut findings)?;
            conclude(&scene, policy, manifest, findings)
        }
        Err(manifest) => {
            let (verdict, flaws) = findings.into_parts();
            refused(verdict.refuse(policy), flaws, manifest)
        }
    };
    for check in &judgement.checks {
        let (name, why) = (check.name.to_string(), check.outcome.why().to_owned());
        events.send(Event::Check { name, outcome: check.outcome.word(), why });
    }
    Ok(judgement)
}

fn conclude(scene: &Scene, policy: &Policy, manifest: Manifest, findings: Findings) -> Judgement {
    let narrowed = match scene.scope {
        Scope::Release => None,
        Scope::Files => Some(policy.for_files(&scene.applicable(&manifest.release))),
    };
    let (verdict, flaws) = findings.into_parts();
    let Manifest { opened, release, digest, .. } = manifest;
    match verdict.conclude(narrowed.as_ref().unwrap_or(policy), &opened, release) {
        Ok(verified) => Judgement {
            checks: verified.checks().to_vec(),
            flaws,
            reasons: Vec::new(),
            verified: Some(verified),
            manifest: Some(digest),
        },
        Err(refusal) => refused(refusal, flaws, Some(digest)),
    }
}

fn refused(refusal: Refusal, flaws: Vec<Flaw>, manifest: Option<Digest>) -> Judgement {
    Judgement { checks: refusal.checks, flaws, reasons: refusal.reasons, verified: None, manifest }
}
