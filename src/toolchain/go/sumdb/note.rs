//! Signed notes (golang.org/x/mod/sumdb/note): a text, and signatures by keys that are known by name.

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use sealift_trust::Digest;

use super::SumDbError;

/// The algorithm byte of Ed25519, the only one that a checksum database uses.
const ED25519: u8 = 1;
/// More signatures than these are not looked at.
const SIGNATURES: usize = 100;

/// A key as it is written in `GOSUMDB`: `name+hash+base64(algorithm ‖ key)`.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The database's name: its host, perhaps with a path.
    pub name: String,
    hash: [u8; 4],
    key: VerifyingKey,
}

impl Verifier {
    /// Reads a key and checks that its hash belongs to it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '+');
        let (name, hash, encoded) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = Base64::decode_vec(encoded).ok()?;
        let (&ED25519, key) = bytes.split_first()? else { return None };
        let expected = key_hash(name, &bytes);
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok().filter(|key| !key.is_weak())?;
        let same = hash.len() == 8 && u32::from_str_radix(hash, 16).ok()? == u32::from_be_bytes(expected);
        (is_name(name) && same).then(|| Self { name: name.to_owned(), hash: expected, key })
    }

    /// Opens a note: its text, when this key signed it. Signatures of others are passed over; one that claims to be of
    /// this key and is not refuses the note.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, SumDbError> {
        let refuse = || SumDbError::Signature { name: self.name.clone() };
        let split = note.rfind("\n\n").ok_or_else(refuse)?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        if note.chars().any(|c| c.is_control() && c != '\n') || !signatures.ends_with('\n') {
            return Err(refuse());
        }
        let mut signed = false;
        for line in signatures.lines().take(SIGNATURES) {
            let (name, encoded) = line.strip_prefix("— ").and_then(|line| line.split_once(' ')).ok_or_else(refuse)?;
            let bytes = Base64::decode_vec(encoded).map_err(|_| refuse())?;
            let Some((hash, signature)) = bytes.split_at_checked(4) else { return Err(refuse()) };
            if name != self.name || hash != self.hash {
                continue;
            }
            let signature = Signature::from_slice(signature).map_err(|_| refuse())?;
            self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| refuse())?;
            signed = true;
        }
        if signed { Ok(text) } else { Err(refuse()) }
    }
}

/// The first four bytes of SHA-256 over the name, a line feed, the algorithm and the key.
pub(super) fn key_hash(name: &str, key: &[u8]) -> [u8; 4] {
    let digest = Digest::of(&[name.as_bytes(), b"\n", key].concat());
    let bytes = digest.bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

/// Whether a name is a host, perhaps with a port and a path, so that it can become a part of an URL.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:/".contains(c);
    name.chars().all(plain)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
