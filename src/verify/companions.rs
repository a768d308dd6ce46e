//! Files that follow from the manifest: made again here and compared, so that they need no trust of their own.

use std::io::Read;

use sealift_trust::policy::Scope;
use sealift_trust::statement::{CHECKSUMS, CHECKSUMS_SIGNATURE, MAX_MANIFEST, PROVENANCE};
use sealift_trust::{CheckName, Envelope, Signature, Statement};

use super::VerifyError;
use super::finding::{Findings, Flaw};
use super::manifest::Manifest;
use super::scene::Scene;
use crate::host::files;
use crate::host::regular::{self, Found};

/// Judges `checksums.txt`, `checksums.txt.sig`, `provenance.json`, and companions that are none of these.
pub(super) fn judge(scene: &Scene, manifest: &Manifest, findings: &mut Findings) -> Result<(), VerifyError> {
    let checksums = manifest.release.checksums();
    let same = |bytes: &[u8]| if bytes == checksums.as_bytes() { Ok(()) } else { Err(Flaw::Checksums) };
    one(
        scene,
        manifest,
        findings,
        &Companion { name: CHECKSUMS, check: CheckName::Checksums, cap: checksums.len(), judge: &same },
    )?;
    // By the very key that signed the manifest, and over what the list must be, whatever the list is.
    let signed = |bytes: &[u8]| {
        let signature = Signature::from_bytes(bytes).map_err(Flaw::ChecksumsSignature)?;
        manifest.opened.key().verify(checksums.as_bytes(), &signature).map_err(Flaw::ChecksumsSignature)
    };
    one(
        scene,
        manifest,
        findings,
        &Companion {
            name: CHECKSUMS_SIGNATURE,
            check: CheckName::ChecksumsSignature,
            cap: Signature::MAX_BYTES,
            judge: &signed,
        },
    )?;
    let provenance = Companion {
        name: PROVENANCE,
        check: CheckName::Provenance,
        cap: MAX_MANIFEST,
        judge: &|bytes: &[u8]| provenance(manifest, bytes),
    };
    one(scene, manifest, findings, &provenance)?;
    let unknown =
        |name: &&sealift_trust::FileName| !matches!(name.as_str(), CHECKSUMS | CHECKSUMS_SIGNATURE | PROVENANCE);
    for name in manifest.release.companions.iter().filter(unknown) {
        if scene.scope == Scope::Release || scene.file(name.as_str()).is_some() {
            findings.fail(CheckName::Checksums, Flaw::Companion(name.clone()));
        }
    }
    Ok(())
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
