//! `sealift key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sealift_trust::{Passphrase, PublicKey};

use super::World;
use crate::attest::keys::{self, PASSPHRASE_VARIABLE, Places};
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
    /// Make an Ed25519 key pair: FILE (mode 0600) and FILE.pub; SEALIFT_KEY_PASSWORD encrypts it
    Generate {
        /// Where the secret key goes
        #[arg(default_value = "release.key")]
        file: PathBuf,
    },
    /// Print the public half of a secret key
    Public {
        /// The secret key (else SEALIFT_KEY, SEALIFT_KEY_PEM)
        file: Option<PathBuf>,
    },
    /// Say what a key is: type and fingerprint
    Show {
        /// A secret or a public key
        file: PathBuf,
    },
}

impl Key {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        match self.word {
            Word::Generate { file } => generate(world, &world.path(&file)),
            Word::Public { file } => {
                let file = file.map(|file| world.path(&file));
                Ok(Product::text(public_of(world, file.as_deref())?.to_pem()))
            }
            Word::Show { file } => {
                let path = world.path(&file);
                let secret = files::is_file(&path) && files::read_text(&path, CAP)?.contains("PRIVATE KEY");
                if secret {
                    Ok(shown("secret", &public_of(world, Some(&path))?))
                } else {
                    Ok(shown("public", &read_public(&path)?))
                }
            }
        }
    }
}

fn generate(world: &World<'_>, path: &std::path::Path) -> Result<Product, Failure> {
    let passphrase = world.host.env.var(PASSPHRASE_VARIABLE).map(|text| Passphrase::new(text.as_bytes().to_vec()));
    let passphrase = passphrase.transpose().map_err(|error| unusable(PASSPHRASE_VARIABLE, &error))?;
    let key = keys::generate(path, passphrase.as_ref())?;
    let public = keys::public_path(path);
    let note = format!(
        "secret key {} (keep it out of the repository), public key {} (give it away)",
        path.display(),
        public.display()
    );
    Ok(Product::lines([public.display().to_string()]).with_data(data("public", &key)).with_note(note))
}

fn public_of(world: &World<'_>, file: Option<&std::path::Path>) -> Result<PublicKey, Failure> {
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
    serde_json::json!({ "kind": kind, "algorithm": key.algorithm().name(), "fingerprint": key.fingerprint() })
}

fn shown(kind: &str, key: &PublicKey) -> Product {
    let text = format!("{} {kind} key\nfingerprint {}", key.algorithm().name(), key.fingerprint());
    Product::text(text).with_data(data(kind, key))
}
