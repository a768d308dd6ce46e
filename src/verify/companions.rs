//! Files that follow from the manifest: made again here and compared, so that they need no trust of their own.

use std::io::Read;

use sealift_trust::policy::Scope;
use sealift_trust::statement::{ArtifactKind, Beside, CHECKSUMS, MAX_MANIFEST, PROVENANCE};
use sealift_trust::{CheckName, Detached, DetachedError, Envelope, FileName, KeyError, SignatureFormat, Statement};

use super::VerifyError;
use super::contents::IN_PART;
use super::finding::{Findings, Flaw};
use super::manifest::Manifest;
use super::scene::Scene;
use crate::host::files;
use crate::host::regular::{self, Found};

/// Judges `checksums.txt`, `provenance.json`, every signature that the manifest promises, and companions that are none
/// of these.
pub(super) fn judge(scene: &Scene, manifest: &Manifest, findings: &mut Findings) -> Result<(), VerifyError> {
    let checksums = manifest.release.checksums();
    let same = |bytes: &[u8]| if bytes == checksums.as_bytes() { Ok(()) } else { Err(Flaw::Checksums) };
    one(
        scene,
        manifest,
        findings,
        &Companion { name: CHECKSUMS, check: CheckName::Checksums, cap: checksums.len(), judge: &same },
    )?;
    let provenance = Companion {
        name: PROVENANCE,
        check: CheckName::Provenance,
        cap: MAX_MANIFEST,
        judge: &|bytes: &[u8]| provenance(manifest, bytes),
    };
    let is_promised = manifest.release.companions.iter().any(|name| name.as_str() == PROVENANCE);
    // Of files that something else built the signer says nothing more: there is no provenance, and none is promised.
    let is_foreign = manifest.release.artifacts.iter().all(|artifact| artifact.kind == ArtifactKind::File);
    if is_foreign && !is_promised && scene.scope == Scope::Release {
        findings.settle(CheckName::Provenance, Vec::new());
    } else {
        one(scene, manifest, findings, &provenance)?;
    }
    let (mut lists, mut artifacts) = (Signatures::default(), Signatures::default());
    // Of some files only these are judged.
    let is_judged = |name: &&FileName| scene.scope == Scope::Release || scene.file(name.as_str()).is_some();
    for name in manifest.release.companions.iter().filter(is_judged) {
        match manifest.release.beside(name) {
            Some(Beside::Checksums | Beside::Provenance) => {}
            Some(Beside::ChecksumsSignature(format)) => {
                // Over what the list must be, whatever the list is.
                let message = Message::Bytes(checksums.as_bytes());
                lists.note(signed(scene, manifest, (name, CHECKSUMS, format), &message)?);
            }
            Some(Beside::ArtifactSignature(of, format)) => {
                let message = Message::File(scene.file(of.as_str()));
                artifacts.note(signed(scene, manifest, (name, of.as_str(), format), &message)?);
            }
            None if scene.scope == Scope::Release || scene.file(name.as_str()).is_some() => {
                findings.fail(CheckName::Checksums, Flaw::Companion(name.clone()));
            }
            None => {}
        }
    }
    let none = match scene.scope {
        Scope::Release => "the manifest promises no signature of checksums.txt",
        Scope::Files => IN_PART,
    };
    lists.settle(findings, CheckName::ChecksumsSignature, Flaw::ChecksumsSignature, Some(none));
    // A release whose archives have no signatures of their own promises none.
    let none = (scene.scope == Scope::Files).then_some(IN_PART);
    artifacts.settle(findings, CheckName::ArtifactSignatures, Flaw::ArtifactSignature, none);
    Ok(())
}

/// What a signature is over.
enum Message<'a> {
    /// Bytes that follow from the manifest.
    Bytes(&'a [u8]),
    /// A file, if it is among those that are judged.
    File(Option<&'a std::path::Path>),
}

/// How one signature was found.
enum Signed {
    Good,
    Bad(FileName, DetachedError),
    Flawed(Flaw),
    NotRun(String),
}

/// The signatures that one check is about.
#[derive(Default)]
struct Signatures {
    good: usize,
    bad: Vec<(FileName, DetachedError)>,
    flaws: Vec<Flaw>,
    not_run: Vec<String>,
}

impl Signatures {
    fn note(&mut self, signed: Signed) {
        match signed {
            Signed::Good => self.good += 1,
            Signed::Bad(name, error) => self.bad.push((name, error)),
            Signed::Flawed(flaw) => self.flaws.push(flaw),
            Signed::NotRun(why) => self.not_run.push(why),
        }
    }

    /// `none` says why nothing was checked where nothing is promised; without it that is a pass.
    fn settle(
        self,
        findings: &mut Findings,
        check: CheckName,
        flaw: impl Fn(FileName, DetachedError) -> Flaw,
        none: Option<&str>,
    ) {
        let bad = self.bad.into_iter().map(|(name, error)| flaw(name, error));
        let flaws: Vec<Flaw> = self.flaws.into_iter().chain(bad).collect();
        match (self.not_run.first(), none) {
            _ if !flaws.is_empty() => findings.settle(check, flaws),
            (Some(why), _) => findings.not_run(check, why),
            (None, Some(why)) if self.good == 0 => findings.not_run(check, why),
            (None, _) => findings.settle(check, flaws),
        }
    }
}

/// Judges one signature: written as sealift writes it, by the very key that signed the manifest, over the message.
fn signed(
    scene: &Scene,
    manifest: &Manifest,
    (name, of, format): (&FileName, &str, SignatureFormat),
    message: &Message<'_>,
) -> Result<Signed, VerifyError> {
    let Some(path) = scene.file(name.as_str()) else { return Ok(Signed::NotRun(format!("{name} is missing"))) };
    let found = match regular::open(path)? {
        Found::File(found) => found,
        Found::Nothing => return Ok(Signed::Flawed(Flaw::Missing(name.to_string()))),
        Found::Other(what) => return Ok(Signed::Flawed(Flaw::NotAFile { name: name.to_string(), what })),
    };
    let mut bytes = Vec::new();
    found.file.take(Detached::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(files::at("read", path))?;
    let (key, comment) = (manifest.opened.key(), manifest.release.trusted_comment(of));
    if bytes.len() > Detached::MAX_BYTES {
        return Ok(Signed::Bad(name.clone(), KeyError::SignatureLength { found: bytes.len() }.into()));
    }
    let verdict = Detached::parse_own(&bytes, format, &comment, key);
    let verdict = match (verdict, message) {
        (Err(error), _) => Err(error),
        (Ok(signature), Message::Bytes(bytes)) => signature.verify(bytes, key),
        (Ok(_), Message::File(None)) => return Ok(Signed::NotRun(format!("{of} is not there"))),
        (Ok(signature), Message::File(Some(path))) => match regular::open(path)? {
            Found::File(found) => super::detached::stream(&found, path, &signature, key)?,
            _ => return Ok(Signed::NotRun(format!("{of} is not there"))),
        },
    };
    Ok(verdict.map_or_else(|error| Signed::Bad(name.clone(), error), |()| Signed::Good))
}

/// Signed by the key of the manifest, well-formed, and of this release: only then is what it says worth reading.
fn provenance(manifest: &Manifest, bytes: &[u8]) -> Result<(), Flaw> {
    let key = manifest.opened.key().clone();
    let opened = Envelope::parse(bytes).and_then(|envelope| envelope.verify(&[key]));
    let statement = Statement::parse(&opened.map_err(Flaw::ProvenanceEnvelope)?);
    let provenance = statement.and_then(Statement::into_provenance).map_err(Flaw::Provenance)?;
    provenance.is_of(&manifest.release, manifest.file).map_err(|error| Flaw::Provenance(error.into()))
}

/// How one companion is judged.
struct Companion<'a> {
    name: &'static str,
    check: CheckName,
    /// More bytes than these cannot be right.
    cap: usize,
    judge: &'a dyn Fn(&[u8]) -> Result<(), Flaw>,
}

fn one(
    scene: &Scene,
    manifest: &Manifest,
    findings: &mut Findings,
    companion: &Companion<'_>,
) -> Result<(), VerifyError> {
    let Companion { name, check, cap, judge } = *companion;
    let is_promised = manifest.release.companions.iter().any(|promised| promised.as_str() == name);
    let path = match (scene.file(name), scene.scope) {
        // One that the manifest does not promise is a stranger, and judged as such.
        _ if !is_promised => {
            findings.not_run(check, &format!("the manifest promises no {name}"));
            return Ok(());
        }
        (Some(path), _) => path,
        // That it is not there is said where the presence of all files is judged.
        (None, Scope::Release) => {
            findings.not_run(check, &format!("{name} is missing"));
            return Ok(());
        }
        (None, Scope::Files) => {
            findings.not_run(check, &format!("{name} is not named"));
            return Ok(());
        }
    };
    let found = match regular::open(path)? {
        Found::File(found) => found,
        Found::Nothing => {
            findings.fail(check, Flaw::Missing(name.to_owned()));
            return Ok(());
        }
        Found::Other(what) => {
            findings.fail(check, Flaw::NotAFile { name: name.to_owned(), what });
            return Ok(());
        }
    };
    let mut bytes = Vec::new();
    found.file.take(cap as u64 + 1).read_to_end(&mut bytes).map_err(files::at("read", path))?;
    findings.settle(check, judge(&bytes).err().into_iter().collect());
    Ok(())
}
