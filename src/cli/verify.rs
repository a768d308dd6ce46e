//! `sealift verify`.

use std::path::{Path, PathBuf};

use clap::Args;
use sealift_trust::statement::CHECKSUMS;
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
    /// The public key that must have signed: PEM, or of minisign or ssh
    #[arg(long, value_name = "FILE", required_unless_present = "checksums_only")]
    key: Option<PathBuf>,
    /// A signature over one file, whoever made it: raw, of minisign or of ssh-keygen
    #[arg(long, value_name = "FILE", conflicts_with_all = ["manifest", "checksums_only"])]
    signature: Option<PathBuf>,
    /// Compare with a list of SHA-256 digests that nobody signed: integrity only, origin unknown
    #[arg(long, conflicts_with_all = ["key", "manifest"])]
    checksums_only: bool,
    /// The list for --checksums-only [default: checksums.txt beside the files]
    #[arg(long, value_name = "FILE", requires = "checksums_only")]
    list: Option<PathBuf>,
    /// The manifest of single files [default: release.json beside the first]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

impl Verify {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let dir = world.dir();
        let Some(key) = &self.key else { return self.compare(&dir) };
        let key = verify::read_public(&dir.join(key))?;
        if let Some(signature) = &self.signature {
            return self.signed(world, &dir.join(signature), &key);
        }
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

    /// One file and a signature in a file of its own.
    fn signed(&self, world: &World<'_>, signature: &Path, key: &PublicKey) -> Result<Product, Failure> {
        let [file] = &self.paths[..] else {
            let hint = Some("sealift verify FILE --signature FILE.sig --key K".to_owned());
            return Err(super::usage(
                "usage.verify-signature",
                Kind::Usage,
                "one file, and one signature".into(),
                hint,
            ));
        };
        let file = world.dir().join(file);
        let signed = verify::verify_detached(world.host, &file, signature, key, world.events)?;
        let fingerprint = key.fingerprint();
        let data = serde_json::json!({
            "verified": signed.refused.is_none(),
            "code": signed.refused.as_ref().map(sealift_trust::DetachedError::code),
            "digest": signed.digest,
            "size": signed.size,
            "format": signed.format,
            "algorithm": key.algorithm().name(),
            "key": fingerprint,
            "comment": signed.comment,
            "notChecked": signed.unchecked.iter().map(|(name, why)| serde_json::json!({ "check": name, "why": why })).collect::<Vec<_>>(),
        });
        let shown = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(why) = signed.refused {
            let hint =
                Some("compare the key with the one that the publisher names, and fetch the file again".to_owned());
            return Err(super::usage(why.code(), Kind::Trust, format!("refused: {shown}: {why}"), hint));
        }
        let mut note = format!(
            "{shown} is what the key {fingerprint} signed ({}, {})",
            signed.format.unwrap_or_default(),
            key.algorithm().name()
        );
        if let Some(comment) = &signed.comment {
            note += &format!("; its signer says: {comment}");
        }
        Ok(Product::lines([signed.digest.to_string()]).with_data(data).with_note(note))
    }

    /// Files against a list that nobody signed.
    fn compare(&self, dir: &Path) -> Result<Product, Failure> {
        let paths: Vec<PathBuf> = self.paths.iter().map(|path| dir.join(path)).collect();
        let (list, named) = match &paths[..] {
            [] => (dir.join("dist").join(CHECKSUMS), Vec::new()),
            [folder] if files::is_folder(folder) => (folder.join(CHECKSUMS), Vec::new()),
            [first, ..] => (first.with_file_name(CHECKSUMS), paths.clone()),
        };
        let list = self.list.as_ref().map_or(list, |list| dir.join(list));
        let compared = verify::compare(&list, &named)?;
        let data = serde_json::json!({
            "verified": false,
            "integrity": compared.flaws.is_empty(),
            "files": compared.files.iter().map(|(name, digest)| serde_json::json!({ "name": name, "digest": digest })).collect::<Vec<_>>(),
            "flaws": compared.flaws.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        let count = compared.files.len();
        if let Some(first) = compared.flaws.first() {
            let rest: Vec<String> = compared.flaws.iter().skip(1).map(ToString::to_string).collect();
            let mut failure = super::usage(first.code(), Kind::Trust, format!("refused: {first}"), first.hint());
            failure.detail = Some(rest.join("\n")).filter(|rest| !rest.is_empty());
            return Err(failure);
        }
        let note = format!(
            "integrity only, origin unknown: {count} {} as the list says, and nobody signed the list",
            if count == 1 { "file is" } else { "files are" }
        );
        let lines = compared.files.iter().map(|(name, digest)| format!("{}  {name}", digest.hex()));
        Ok(Product::lines(lines).with_data(data).with_note(note))
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
