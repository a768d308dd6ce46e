//! `sealift key`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use sealift_trust::{Algorithm, PublicKey, SecretKey, minisign, sshsig};
use zeroize::Zeroizing;

use super::World;
use crate::attest::keys::{self, NewKey, PASSPHRASE_VARIABLE, Places};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::files;
use crate::verify::read_public;

/// No key file is larger.
const CAP: u64 = 64 << 10;

#[derive(Args)]
pub struct Key {
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Make a key pair: FILE (mode 0600) and FILE.pub; SEALIFT_KEY_PASSWORD encrypts it
    Generate {
        /// What it signs with; for RSA: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072
        #[arg(long = "type", value_name = "TYPE", default_value = "ed25519")]
        kind: KeyType,
        /// Where the secret key goes
        #[arg(default_value = "release.key")]
        file: PathBuf,
    },
    /// Print the public half of a secret key
    Public {
        /// A secret or a public key (else SEALIFT_KEY, SEALIFT_KEY_PEM)
        file: Option<PathBuf>,
        /// How it is written
        #[arg(long, value_name = "FORM", default_value = "pem")]
        format: Form,
    },
    /// Take over a key of cosign or minisign: writes FILE (PKCS#8) and FILE.pub; SEALIFT_KEY_PASSWORD opens it and encrypts
    Import {
        /// The key as the other program made it
        from: PathBuf,
        /// Where the key goes
        #[arg(default_value = "release.key")]
        file: PathBuf,
    },
    /// Say what a key is: type, fingerprint, and that it passed the checks for weak keys
    Show {
        /// A secret or a public key
        file: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum KeyType {
    Ed25519,
    #[value(name = "ecdsa-p256")]
    EcdsaP256,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// For openssl, cosign and sealift.
    Pem,
    /// For minisign -p; Ed25519 alone.
    Minisign,
    /// For ssh-keygen and allowed_signers.
    Ssh,
}

impl Key {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        match self.word {
            Word::Generate { kind, file } => {
                let made = match kind {
                    KeyType::Ed25519 => keys::make(NewKey::Ed25519)?,
                    KeyType::EcdsaP256 => keys::make(NewKey::EcdsaP256)?,
                };
                write(world, &world.path(&file), &made)
            }
            Word::Import { from, file } => {
                let from = world.path(&from);
                let loaded = keys::load_secret(world.host, &Places { option: Some(&from), config: None })?;
                let loaded = loaded.expect("a key that is named is loaded or refused");
                write(world, &world.path(&file), &loaded.key)
            }
            Word::Public { file, format } => {
                let file = file.map(|file| world.path(&file));
                let key = match &file {
                    Some(path) if !is_secret(path)? => read_public(path)?,
                    _ => public_of(world, file.as_deref())?,
                };
                Ok(Product::text(match format {
                    Form::Pem => key.to_pem(),
                    Form::Ssh => sshsig::public_text(&key),
                    Form::Minisign => minisign::public_text(&key).map_err(|error| unusable("the key", &error))?,
                }))
            }
            Word::Show { file } => {
                let path = world.path(&file);
                if is_secret(&path)? {
                    Ok(shown("secret", &public_of(world, Some(&path))?))
                } else {
                    Ok(shown("public", &read_public(&path)?))
                }
            }
        }
    }
}

/// Whether a file looks as if it held a secret key; what it holds is found out when it is read.
fn is_secret(path: &Path) -> Result<bool, Failure> {
    if !files::is_file(path) {
        return Ok(false);
    }
    let text = Zeroizing::new(files::read_text(path, CAP)?);
    Ok(text.contains("PRIVATE KEY") || minisign::looks_like_a_secret_key(text.trim_start()))
}

/// Writes a pair.
fn write(world: &World<'_>, path: &Path, key: &SecretKey) -> Result<Product, Failure> {
    let passphrase = keys::passphrase(world.host).map_err(|error| unusable(PASSPHRASE_VARIABLE, &error))?;
    let key = keys::write(path, key, passphrase.as_ref())?;
    let public = keys::public_path(path);
    let note = format!(
        "secret key {} (keep it out of the repository), public key {} (give it away)",
        path.display(),
        public.display()
    );
    Ok(Product::lines([public.display().to_string()]).with_data(data("public", &key)).with_note(note))
}

fn public_of(world: &World<'_>, file: Option<&Path>) -> Result<PublicKey, Failure> {
    let loaded = keys::load_secret(world.host, &Places { option: file, config: None })?;
    let Some(loaded) = loaded else {
        let hint = Some("sealift key public FILE".to_owned());
        return Err(super::usage("key.none", Kind::Usage, "no key is named".into(), hint));
    };
    Ok(loaded.key.public())
}

fn unusable(from: &str, error: &sealift_trust::KeyError) -> Failure {
    let message = format!("{from} cannot be used: {error}");
    super::usage(error.code(), Kind::Config, message, error.hint().map(str::to_owned))
}

fn data(kind: &str, key: &PublicKey) -> serde_json::Value {
    serde_json::json!({
        "kind": kind,
        "algorithm": key.algorithm().name(),
        "bits": key.bits(),
        "fingerprint": key.fingerprint(),
        "weakness": null,
    })
}

fn shown(kind: &str, key: &PublicKey) -> Product {
    let checks = match key.algorithm() {
        Algorithm::Ed25519 => "canonical encoding, no low order, no torsion component",
        Algorithm::EcdsaP256 => "a point of the curve, canonical encoding",
        Algorithm::Rsa => "modulus of 2048 to 8192 bits, odd; exponent odd; canonical encoding",
    };
    let text = format!(
        "{} {kind} key, {} bits\nfingerprint {}\nchecked: {checks}",
        key.algorithm().name(),
        key.bits(),
        key.fingerprint()
    );
    Product::text(text).with_data(data(kind, key))
}
