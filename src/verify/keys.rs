//! Public keys in files.

use std::io::Read;
use std::path::Path;

use sealift_trust::PublicKey;

use super::VerifyError;
use crate::host::files::{self, FileError};
use crate::host::regular::{self, Found};

/// The longest key file, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// Reads a public key: one SPKI block in PEM, a key file of minisign, or one line of ssh.
pub fn read_public(path: &Path) -> Result<PublicKey, VerifyError> {
    let shown = || path.display().to_string();
    let Found::File(found) = regular::follow(path)? else { return Err(VerifyError::NoKey { path: shown() }) };
    let mut bytes = Vec::new();
    found.file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(files::at("read", path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { path: shown(), cap: MAX_BYTES }.into());
    }
    let text = String::from_utf8(bytes).map_err(|_| FileError::NotText { path: shown() })?;
    PublicKey::from_text(&text).map_err(|source| VerifyError::Key { path: shown(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;
    use crate::host::staging;

    #[test]
    fn one_public_key_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k.pub");
        let secret = sealift_trust::SecretKey::generate(&zeroize::Zeroizing::new([1; 32]));
        let code = |bytes: &[u8]| {
            staging::write(&path, bytes, 0o644).unwrap();
            read_public(&path).map_err(|error| error.code()).map(|key| key.fingerprint())
        };
        let pem = secret.public().to_pem();
        assert_eq!(code(pem.as_bytes()), Ok(secret.public().fingerprint()));
        assert_eq!(code(pem.repeat(2).as_bytes()), Err("key.several-blocks"));
        assert_eq!(code(secret.to_pem(None).unwrap().as_bytes()), Err("key.public-wanted"));
        assert_eq!(code(b""), Err("key.not-pem"));
        assert_eq!(code(&[0xff]), Err("file.not-text"));
        assert_eq!(code(&vec![b' '; 70_000]), Err("file.too-large"));
        assert_eq!(read_public(dir.path()).unwrap_err().code(), "verify.no-key");
    }
}
