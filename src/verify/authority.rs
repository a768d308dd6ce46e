//! Whose word counts for a file or an image of strangers: a key's, or that of an identity to which an authority gave a
//! certificate for some minutes.

use std::path::Path;

use sealift_trust::PublicKey;
use sealift_trust::json::{self, Limits, Numbers};

use super::{KeylessError, VerifyError};
use crate::host::files;

/// The longest trusted root, in bytes.
const MAX_ROOT: u64 = 4 << 20;

/// A trusted root is some hundred values.
const LIMITS: Limits = Limits { bytes: MAX_ROOT as usize, values: 100_000, numbers: Numbers::Any };

/// Whose word counts.
#[derive(Debug)]
pub enum Authority {
    /// A key's.
    Key(PublicKey),
    /// That of an identity.
    Identity(Identity),
}

/// An identity, who vouches for it, and by which authorities and logs that can be known.
#[derive(Debug)]
pub struct Identity {
    /// The trusted root in JSON (sigstore/protobuf-specs, `sigstore_trustroot.proto`).
    pub(super) root: String,
    /// The address of a mailbox, or of a workflow, as the certificate has it.
    pub name: String,
    /// Who told the certificate's issuer so: the address of an OpenID provider.
    pub issuer: String,
}

impl Authority {
    /// What it is called in messages.
    pub fn shown(&self) -> String {
        match self {
            Self::Key(key) => format!("the key {}", key.fingerprint()),
            Self::Identity(identity) => format!("{} (by {})", identity.name, identity.issuer),
        }
    }

    /// The key, if it is one.
    pub fn key(&self) -> Option<&PublicKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Identity(_) => None,
        }
    }
}

impl Identity {
    /// Takes a trusted root from a file; nothing is asked of anybody.
    ///
    /// # Errors
    /// `keyless.trusted-root` when it is not strict JSON; that it is a trusted root is found out when it is used.
    pub fn read(root: &Path, name: &str, issuer: &str) -> Result<Self, VerifyError> {
        let text = files::read_text(root, MAX_ROOT)?;
        // Whoever reads it afterwards takes the last of two equal names.
        json::parse(text.as_bytes(), &LIMITS).map_err(|error| KeylessError::TrustedRoot(error.to_string()))?;
        Ok(Self { root: text, name: name.to_owned(), issuer: issuer.to_owned() })
    }
}
