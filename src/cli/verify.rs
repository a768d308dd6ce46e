//! `sealift verify`.

use std::path::{Path, PathBuf};

use clap::Args;
use sealift_trust::{Policy, PublicKey};

use super::World;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::files;
use crate::store::Records;
use crate::verify::{self, Judgement, What};

#[derive(Args)]
pub struct Verify {
    /// A release folder, or files of one [default: dist]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The public key that must have signed
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The manifest of single files [default: release.json beside the first]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

impl Verify {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let dir = world.dir();
        let key = verify::read_public(&dir.join(&self.key))?;
        let policy = Policy::implicit(key);
        let what = self.what(&dir)?;
        let judgement = verify::verify(world.host, &what, &policy, world.events)?;
        let data = verdict(&judgement, &policy);
        // Only in a project is there a place for a record; a release is judged anywhere.
        if files::what(&dir.join(".sealift"))? == files::What::Folder {
            Records::note(&dir, "verify.json", &data)?;
        }
        match &judgement.verified {
            Some(verified) => {
                let release = verified.value();
                let note = format!("{} {} is what its signer released", release.product, release.version);
                let digest = judgement.manifest.map(|digest| digest.to_string());
                Ok(Product::lines(digest).with_data(data).with_note(note))
            }
            None => Err(refusal(&judgement)),
        }
    }

    fn what(&self, dir: &std::path::Path) -> Result<What, Failure> {
        let paths: Vec<PathBuf> = self.paths.iter().map(|path| dir.join(path)).collect();
        let folders = paths.iter().filter(|path| files::is_folder(path)).count();
        match (paths.as_slice(), folders) {
            ([], _) => Ok(What::Folder(dir.join("dist"))),
            ([folder], 1) if self.manifest.is_none() => Ok(What::Folder(folder.clone())),
            (_, 0) => Ok(What::Files { files: paths, manifest: self.manifest.as_ref().map(|path| dir.join(path)) }),
            _ => {
                let hint = Some("sealift verify DIR --key K, or sealift verify FILE… --key K".to_owned());
                let message = "one folder, or some files: not both".to_owned();
                Err(super::usage("usage.verify", Kind::Usage, message, hint))
            }
        }
    }
}

/// Judges a release that was just made, as anybody will who has the public key.
pub fn judge(world: &World<'_>, dist: &Path, key: PublicKey) -> Result<(), Failure> {
    let judgement = verify::verify(world.host, &What::Folder(dist.to_owned()), &Policy::implicit(key), world.events)?;
    if judgement.verified.is_some() { Ok(()) } else { Err(refusal(&judgement)) }
}

fn verdict(judgement: &Judgement, policy: &Policy) -> serde_json::Value {
    let check = |check: &sealift_trust::verdict::Check| serde_json::json!({ "check": check.name.to_string(), "outcome": check.outcome.word(), "why": check.outcome.why() });
    serde_json::json!({
        "verified": judgement.verified.is_some(),
        "code": judgement.code(),
        "manifest": judgement.manifest,
        "policy": policy.digest(),
        "checks": judgement.checks.iter().map(check).collect::<Vec<_>>(),
        "flaws": judgement.flaws.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "release": judgement.verified.as_ref().map(|verified| verified.value()),
    })
}

fn refusal(judgement: &Judgement) -> Failure {
    let first =
        judgement.flaws.first().map(ToString::to_string).or_else(|| judgement.reasons.first().map(ToString::to_string));
    let message = format!("refused: {}", first.unwrap_or_else(|| "not everything was checked".into()));
    let rest: Vec<String> = judgement.flaws.iter().skip(1).map(ToString::to_string).collect();
    let mut failure =
        super::usage(judgement.code().unwrap_or("verify.refused"), Kind::Trust, message, judgement.hint());
    failure.detail = Some(rest.join("\n")).filter(|rest| !rest.is_empty());
    failure
}
