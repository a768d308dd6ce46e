//! `sealift verify`.

mod attached;
mod detached;

use std::path::{Path, PathBuf};

use clap::Args;
use sealift_trust::statement::{CHECKSUMS, predicate_type};
use sealift_trust::{Meaning, Policy, PublicKey};
use semver::Version;

use super::World;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::files;
use crate::oci::Place;
use crate::store::Records;
use crate::survey::within;
use crate::verify::{self, Authority, Identity, Judgement, What};

#[derive(Args)]
pub struct Verify {
    /// A release folder, files of one, or an image: host/name@sha256:…, docker://host/name:tag, oci:FOLDER[:NAME] [default: dist]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The public key that must have signed: PEM, or of minisign or ssh
    #[arg(long, value_name = "FILE", required_unless_present_any = ["checksums_only", "trusted_root"])]
    key: Option<PathBuf>,
    /// Instead of a key: the authorities and logs by which an identity can be known, as cosign and others write them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "checksums_only"], requires = "identity", requires = "issuer")]
    trusted_root: Option<PathBuf>,
    /// Who must have signed: a mailbox, or the address of a workflow
    #[arg(long, value_name = "NAME", requires = "trusted_root")]
    identity: Option<String>,
    /// By whose word that is who signed: the address of an OpenID provider
    #[arg(long, value_name = "URL", requires = "trusted_root")]
    issuer: Option<String>,
    /// A signature over one file, whoever made it: raw (also in base64), of minisign, ssh-keygen or sigstore
    #[arg(long, value_name = "FILE", conflicts_with_all = ["manifest", "checksums_only"])]
    signature: Option<PathBuf>,
    /// Not a signature, but a statement of this type about the file or image: a predicate type, or a name of cosign's for one
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "checksums_only")]
    statement: Option<String>,
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
        let Some(authority) = self.authority(&dir)? else { return self.compare(&dir) };
        if let Some(place) = self.image(&dir)? {
            return attached::image(world, &place, &authority, self.meaning());
        }
        if let Some(signature) = &self.signature {
            let [file] = &self.paths[..] else {
                let hint = Some("sealift verify FILE --signature FILE.sig --key K".to_owned());
                let message = "one file, and one signature".to_owned();
                return Err(super::usage("usage.verify-signature", Kind::Usage, message, hint));
            };
            return detached::file(world, (file, signature), &authority, self.meaning());
        }
        let Authority::Key(key) = authority else {
            let hint = Some("--key release.pub".to_owned());
            let message = "a release is verified by a key; an identity signs one file (--signature) or an image";
            return Err(super::usage("usage.verify-identity", Kind::Usage, message.to_owned(), hint));
        };
        if self.statement.is_some() {
            let hint = Some("sealift verify FILE --signature FILE.sigstore.json --type TYPE --key K".to_owned());
            let message = "--type is of a statement about one file (--signature) or an image".to_owned();
            return Err(super::usage("usage.verify-type", Kind::Usage, message, hint));
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

    /// Whose word counts; nobody's where only a list is compared.
    fn authority(&self, dir: &Path) -> Result<Option<Authority>, Failure> {
        Ok(match (&self.key, &self.trusted_root, &self.identity, &self.issuer) {
            (Some(key), ..) => Some(Authority::Key(verify::read_public(&dir.join(key))?)),
            (None, Some(root), Some(name), Some(issuer)) => {
                Some(Authority::Identity(Identity::read(&dir.join(root), name, issuer)?))
            }
            _ => None,
        })
    }

    /// What is to be known: that it is signed, or what is stated of it.
    fn meaning(&self) -> Meaning<'_> {
        self.statement.as_deref().map_or(Meaning::Signature, |text| Meaning::Statement(predicate_type(text)))
    }

    /// The image, if one is named and not a file.
    fn image(&self, dir: &Path) -> Result<Option<Place>, Failure> {
        let [path] = &self.paths[..] else { return Ok(None) };
        let Some(text) = path.to_str().filter(|text| is_image(text)) else { return Ok(None) };
        if self.signature.is_some() || self.manifest.is_some() || files::what(&dir.join(path))? != files::What::Nothing
        {
            return Ok(None);
        }
        Ok(Some(within(dir, &super::image::explain::read(text)?)))
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
            ([], _) => {
                let dist = dir.join("dist");
                if files::what(&dist)? == files::What::Nothing {
                    let hint = Some("sealift release makes one, and sealift verify FOLDER looks elsewhere".to_owned());
                    return Err(super::usage("verify.no-release", Kind::Tool, "there is no dist/ here".into(), hint));
                }
                Ok(What::Folder(dist))
            }
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

/// Whether a text names an image, and not a file: it says where, or by which digest.
fn is_image(text: &str) -> bool {
    ["oci:", "oci-archive:", "docker-archive:", "docker://"].iter().any(|kind| text.starts_with(kind))
        || text.contains("@sha256:")
}

/// Judges a release as anybody will who has the public key; gives its version.
pub fn judge(world: &World<'_>, dist: &Path, key: PublicKey) -> Result<Version, Failure> {
    let judgement = verify::verify(world.host, &What::Folder(dist.to_owned()), &Policy::implicit(key), world.events)?;
    match &judgement.verified {
        Some(verified) => Ok(verified.value().version.clone()),
        None => Err(refusal(&judgement)),
    }
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
