//! Secret keys: where they come from, and how a new one is made.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use sealift_trust::{Encryption, KeyError, Passphrase, PublicKey, SecretKey};
use zeroize::Zeroizing;

use crate::error::{Fault, Kind};
use crate::host::Host;
pub use crate::host::env::{KEY_PEM_VARIABLE, PASSPHRASE_VARIABLE};
use crate::host::files::{self, FileError, What};
use crate::host::regular::{self, Found, Regular};
use crate::host::staging;

/// The variable with the path of the secret key.
pub const KEY_VARIABLE: &str = "SEALIFT_KEY";

/// The longest key file, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// Where a key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The command line.
    Option(PathBuf),
    /// [`KEY_VARIABLE`].
    Variable(PathBuf),
    /// [`KEY_PEM_VARIABLE`].
    Text,
    /// `sealift.toml`.
    Config(PathBuf),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(path) | Self::Config(path) => path.display().fmt(f),
            Self::Variable(path) => write!(f, "{} ({KEY_VARIABLE})", path.display()),
            Self::Text => f.write_str(KEY_PEM_VARIABLE),
        }
    }
}

/// A secret key and where it came from.
#[derive(Debug)]
pub struct Loaded {
    /// The key.
    pub key: SecretKey,
    /// Where it came from.
    pub source: KeySource,
}

/// Where the user says a key is, besides the environment.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// On the command line.
    pub option: Option<&'a Path>,
    /// In `sealift.toml`.
    pub config: Option<&'a Path>,
}

/// Something about a key that did not work.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Two variables name a key.
    #[error("{KEY_VARIABLE} and {KEY_PEM_VARIABLE} are both set: which key is meant?")]
    TwoSources,
    /// There is no such file.
    #[error("there is no key at {path}")]
    Absent {
        /// Where.
        path: String,
    },
    /// A folder, a device, …
    #[error("{path} is {what}, not a key file")]
    NotAFile {
        /// Where.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// Others can read the secret.
    #[error("{path} can be read by others (mode {mode:04o})")]
    Permissions {
        /// Where.
        path: String,
        /// The permission bits.
        mode: u32,
    },
    /// What is there is no key that can be used.
    #[error("{from} holds no key that can be used")]
    Key {
        /// The file or variable.
        from: String,
        /// Why.
        source: KeyError,
    },
    /// A new key would replace a file.
    #[error("{path} is there already, and a key is never overwritten")]
    Exists {
        /// Where.
        path: String,
    },
    /// The machine gives no random bytes.
    #[error("the machine gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Fault for KeyFileError {
    fn code(&self) -> &'static str {
        match self {
            Self::TwoSources => "key.two-sources",
            Self::Absent { .. } => "key.absent",
            Self::NotAFile { .. } => "key.not-a-file",
            Self::Permissions { .. } => "key.permissions",
            Self::Key { source, .. } => source.code(),
            Self::Exists { .. } => "key.exists",
            Self::Random(_) => "key.random",
            Self::File(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::TwoSources => Kind::Usage,
            Self::Absent { .. } | Self::NotAFile { .. } | Self::Permissions { .. } => Kind::Config,
            Self::Key { .. } => Kind::Input,
            Self::Exists { .. } => Kind::Conflict,
            Self::Random(_) => Kind::Tool,
            Self::File(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TwoSources => Some(format!("unset {KEY_PEM_VARIABLE}, or name the key with --key")),
            Self::Absent { path } => Some(format!("sealift key generate {path}")),
            Self::NotAFile { .. } => Some(format!("name a file, or put the key's text into {KEY_PEM_VARIABLE}")),
            Self::Permissions { path, .. } => Some(format!("chmod 600 {path}")),
            Self::Key { source: KeyError::PassphraseMissing | KeyError::PassphraseWrong, .. } => {
                Some(format!("put the passphrase into {PASSPHRASE_VARIABLE}"))
            }
            Self::Key { source, .. } => source.hint().map(str::to_owned),
            Self::Exists { .. } => Some("choose another name, or move the old key away".to_owned()),
            Self::File(error) => error.hint(),
            Self::Random(_) => None,
        }
    }
}

/// Finds the secret key: on the command line, else in the environment, else where `sealift.toml` says. The first place
/// that names one counts, and a key there that cannot be used is an error, never a reason to look further.
pub fn load_secret(host: &Host, places: &Places<'_>) -> Result<Option<Loaded>, KeyFileError> {
    let here = |path: &Path| host.env.dir().join(path);
    let read = |path: &Path, source: fn(PathBuf) -> KeySource| {
        let path = here(path);
        read_secret(&path).map(|text| (source(path), text))
    };
    let (source, text) = match (places.option, host.env.var(KEY_VARIABLE), host.env.secret(KEY_PEM_VARIABLE)) {
        (Some(path), _, _) => read(path, KeySource::Option)?,
        (None, Some(_), Some(_)) => return Err(KeyFileError::TwoSources),
        (None, Some(path), None) => read(Path::new(path), KeySource::Variable)?,
        (None, None, Some(text)) => (KeySource::Text, text.clone()),
        (None, None, None) => match places.config {
            Some(path) => read(path, KeySource::Config)?,
            None => return Ok(None),
        },
    };
    let unusable = |error| KeyFileError::Key { from: source.to_string(), source: error };
    let passphrase = passphrase(host).map_err(unusable)?;
    let key = SecretKey::from_text(&text, passphrase.as_ref()).map_err(unusable)?;
    Ok(Some(Loaded { key, source }))
}

/// The passphrase that keys are opened and encrypted with, if the user has given one.
pub fn passphrase(host: &Host) -> Result<Option<Passphrase>, KeyError> {
    let text = host.env.secret(PASSPHRASE_VARIABLE);
    text.map(|text| Passphrase::new(text.as_bytes().to_vec())).transpose()
}

/// What a new key signs with. Keys of RSA are made by others: `openssl genpkey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKey {
    /// The default.
    Ed25519,
    /// What cosign makes, and KMS have.
    EcdsaP256,
}

/// Makes a new key.
pub fn make(kind: NewKey) -> Result<SecretKey, KeyFileError> {
    let mut entropy = Zeroizing::new([0; 32]);
    loop {
        getrandom::fill(&mut entropy[..]).map_err(KeyFileError::Random)?;
        match kind {
            NewKey::Ed25519 => return Ok(SecretKey::generate(&entropy)),
            // Once in 2^32 the bytes are no key of the curve, and others are.
            NewKey::EcdsaP256 => {
                if let Ok(key) = SecretKey::generate_ecdsa(&entropy) {
                    return Ok(key);
                }
            }
        }
    }
}

/// Writes a key: the secret one to `path`, readable by its owner alone and encrypted if there is a passphrase, and the
/// public one beside it with `.pub` appended.
///
/// # Errors
/// `key.exists` when either file is there; nothing is overwritten.
pub fn write(path: &Path, key: &SecretKey, passphrase: Option<&Passphrase>) -> Result<PublicKey, KeyFileError> {
    let public_path = public_path(path);
    for path in [path, &public_path] {
        if files::what(path)? != What::Nothing {
            return Err(KeyFileError::Exists { path: path.display().to_string() });
        }
    }
    let encryption = passphrase.map(encryption).transpose()?;
    let unusable = |source| KeyFileError::Key { from: path.display().to_string(), source };
    let pem = key.to_pem(encryption.as_ref()).map_err(unusable)?;
    staging::write_new_private(path, pem.as_bytes())?;
    if let Err(error) = staging::write(&public_path, key.public().to_pem().as_bytes(), 0o644) {
        // Half a pair would stand in the way of the next attempt.
        files::remove(path)?;
        return Err(error.into());
    }
    Ok(key.public())
}

/// Where the public half of a key lies: the same path with `.pub` appended.
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Salt and initialisation vector, fresh for every key.
fn encryption(passphrase: &Passphrase) -> Result<Encryption<'_>, KeyFileError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut iv)).map_err(KeyFileError::Random)?;
    Ok(Encryption { passphrase, salt, iv })
}

/// Reads a secret key's text; what was opened is what is looked at and read.
fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let shown = || path.display().to_string();
    // Links are followed: orchestrators mount secrets as links to files.
    let Regular { file, mode, .. } = match regular::follow(path)? {
        Found::File(file) => file,
        Found::Nothing => return Err(KeyFileError::Absent { path: shown() }),
        Found::Other(what) => return Err(KeyFileError::NotAFile { path: shown(), what }),
    };
    if let Some(mode) = mode.filter(|mode| mode & 0o077 != 0) {
        return Err(KeyFileError::Permissions { path: shown(), mode });
    }
    // With its whole capacity from the start, so that growing leaves no copy behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10 | 1));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(files::at("read", path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { path: shown(), cap: MAX_BYTES }.into());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| FileError::NotText { path: shown() })?;
    Ok(Zeroizing::new(text.to_owned()))
}
