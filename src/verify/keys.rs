//! Public keys in files.

use std::io::Read;
use std::path::Path;

use sealift_trust::PublicKey;

use super::VerifyError;
use crate::host::files::{self, FileError};
use crate::host::regular::{self, Found};

/// The longest key file, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// Reads a public key: one SPKI block in PEM.
pub fn read_public(path: &Path) -> Result<PublicKey, VerifyError> {
    let shown = || path.display().to_string();
    let Found::File(found) = regular::follow(path)? else { return Err(VerifyError::NoKey { path: shown() }) };
    let mut bytes = Vec::new();
    found.file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(files::at("read", path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { path: shown(), cap: MAX_BYTES }.into());
    }
    let text = String::from_utf8(bytes).map_err(|_| FileError::NotText { path: shown() })?;
    PublicKey::from_pem(&text).map_err(|source| VerifyError::Key { path: shown(), source })
}
