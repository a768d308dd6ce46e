//! Signatures and keys of minisign: <https://jedisct1.github.io/minisign/#signature-format>. Written prehashed (BLAKE2b);
//! the older form, over the message itself, is read. The trusted comment is signed, and checked.

use base64ct::{Base64, Encoding};
use blake2::{Blake2b512, Digest as _};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::detached::DetachedError;
use crate::key::{Algorithm, KeyError, Passphrase, PublicKey, SecretKey, Signature, Verifier, stretch};
use crate::message::Message;

const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";

/// Before a key, and before a signature over the message itself.
const PLAIN: &[u8; 2] = b"Ed";

/// Before a signature over the message's BLAKE2b-512.
const PREHASHED: &[u8; 2] = b"ED";

/// How messages call the format.
const NAME: &str = "minisign";

/// The longest comment, in bytes: what minisign itself reads.
const MAX_COMMENT: usize = 8192;

/// The most bytes that a signature of minisign is over: those of a signature and a comment.
pub(crate) const MAX_SIGNED_PART: usize = 64 + MAX_COMMENT;

/// What a signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The message's BLAKE2b-512: what is written.
    Prehashed,
    /// The message itself, as minisign wrote it before version 0.10.
    Legacy,
}

/// A signature of minisign with its comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minisig {
    mode: Mode,
    key_id: [u8; 8],
    signature: Signature,
    trusted_comment: String,
    global: Signature,
}

/// Whether bytes are such as minisign signs, of the whole message or of its comment: a digest of 64 bytes, or a signature of
/// as many with a comment behind it. Text is neither: digests and signatures that are plain text do not happen.
pub(crate) fn is_signed_part(bytes: &[u8]) -> bool {
    let Some((digest, comment)) = bytes.split_first_chunk::<64>() else { return false };
    let is_comment = |text: &str| comment.len() <= MAX_COMMENT && !text.chars().any(|c| c.is_control() && c != '\t');
    !digest.is_ascii() && std::str::from_utf8(comment).is_ok_and(is_comment)
}

/// The name that minisign finds a key by; it decides nothing. Ours is the beginning of the fingerprint.
pub fn key_id(key: &PublicKey) -> [u8; 8] {
    let mut id = [0; 8];
    id.copy_from_slice(&key.fingerprint().bytes()[..8]);
    id
}

/// Whether a text is a public key of minisign: its file, or the line in it that is the key.
pub fn looks_like_a_public_key(text: &str) -> bool {
    text.starts_with("untrusted comment: minisign public key") || (text.starts_with("RW") && text.trim().len() == 56)
}

/// Whether a text is a secret key of minisign.
pub fn looks_like_a_secret_key(text: &str) -> bool {
    text.starts_with(UNTRUSTED) && text.lines().nth(1).is_some_and(|line| line.starts_with("RW") && line.len() > 200)
}

/// Reads a public key: its file with a comment, or the line alone. The checks of import are made.
pub fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    let damaged = |what: &str| KeyError::Damaged(format!("a minisign key that {what}"));
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let line = match lines[..] {
        [line] => line,
        [comment, line] if comment.starts_with(UNTRUSTED) => line,
        _ => return Err(damaged("has not the lines of one")),
    };
    let bytes = Base64::decode_vec(line).map_err(|_| damaged("is not base64"))?;
    let Some((algorithm, rest)) = bytes.split_first_chunk::<2>() else { return Err(damaged("is cut off")) };
    let Some((_, key)) = rest.split_first_chunk::<8>() else { return Err(damaged("is cut off")) };
    if algorithm != PLAIN {
        return Err(damaged("is for another algorithm"));
    }
    PublicKey::from_raw(key.try_into().map_err(|_| damaged("has not 32 bytes"))?)
}

/// Writes a public key as minisign reads it with `-p`.
pub fn public_text(key: &PublicKey) -> Result<String, KeyError> {
    let raw = ed25519(key)?;
    let id = key_id(key);
    let line = Base64::encode_string(&[&PLAIN[..], &id, raw].concat());
    // It shows the identifier as a number, whose first byte is the least.
    Ok(format!("{UNTRUSTED}minisign public key {:016X}\n{line}\n", u64::from_le_bytes(id)))
}

fn ed25519(key: &PublicKey) -> Result<&[u8; 32], KeyError> {
    key.raw().ok_or(KeyError::NotForFormat { format: NAME, algorithm: key.algorithm().name() })
}

/// Reads a secret key, encrypted or not. Its checksum and its own public key must agree with it.
pub fn secret_key(text: &str, passphrase: Option<&Passphrase>) -> Result<SecretKey, KeyError> {
    let damaged = |what: &str| KeyError::Damaged(format!("a minisign key that {what}"));
    let [comment, line] = text.trim_end().lines().collect::<Vec<_>>()[..] else {
        return Err(damaged("has not the two lines of one"));
    };
    if !comment.starts_with(UNTRUSTED) {
        return Err(damaged("has no comment"));
    }
    let bytes = Zeroizing::new(Base64::decode_vec(line).map_err(|_| damaged("is not base64"))?);
    // Algorithm, key derivation, checksum; salt, two limits; then identifier, seed, public key and checksum.
    if bytes.len() != 6 + 32 + 16 + 104 || !bytes.starts_with(PLAIN) || &bytes[4..6] != b"B2" {
        return Err(damaged("is not of the form that minisign writes"));
    }
    let number = |at: usize| bytes[at..at + 8].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let mut sealed = Zeroizing::new([0; 104]);
    sealed.copy_from_slice(&bytes[54..]);
    let encrypted = match &bytes[2..4] {
        b"Sc" => {
            let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
            let cost = cost(number(38), number(46));
            let stream = stretch::<104>(passphrase, &bytes[6..38], cost)?;
            sealed.iter_mut().zip(stream.iter()).for_each(|(byte, mask)| *byte ^= mask);
            true
        }
        [0, 0] => false,
        _ => return Err(KeyError::OtherEncryption("a minisign key with another key derivation".to_owned())),
    };
    let sum = blake2::Blake2b::<blake2::digest::consts::U32>::new()
        .chain_update(PLAIN)
        .chain_update(&sealed[..72])
        .finalize();
    // Where nothing is encrypted minisign writes no checksum; that the halves of the key fit is checked below.
    if encrypted && !bool::from(sum.as_slice().ct_eq(&sealed[72..])) {
        return Err(KeyError::PassphraseWrong);
    }
    let mut seed = Zeroizing::new([0; 32]);
    seed.copy_from_slice(&sealed[8..40]);
    let key = SecretKey::generate(&seed);
    // Never signed with as it stands there: RUSTSEC-2022-0093.
    if key.public().raw().is_none_or(|own| own[..] != sealed[40..72]) {
        return Err(damaged("holds the public key of another"));
    }
    Ok(key)
}

/// Scrypt's parameters as libsodium takes them from two limits (`pickparams` in `pwhash_scryptsalsa208sha256.c`).
fn cost(operations: u64, memory: u64) -> (u8, u32, u32) {
    let operations = operations.max(32768);
    let by_time = operations < memory / 32;
    let most = if by_time { operations / 32 } else { memory / 1024 };
    let log_n = (1..63_u8).find(|log_n| 1_u64 << log_n > most / 2).unwrap_or(63);
    let p = if by_time { 1 } else { ((operations / 4) >> log_n).min(0x3FFF_FFFF) / 8 };
    (log_n, 8, u32::try_from(p).unwrap_or(u32::MAX))
}

impl Minisig {
    /// Reads a signature file: four lines, and nothing else.
    pub fn parse(text: &str) -> Result<Self, DetachedError> {
        let shape = |what| DetachedError::Minisign(what);
        let text = text.strip_suffix('\n').ok_or(shape("it does not end with a line end"))?;
        let [untrusted, signature, trusted, global] = text.split('\n').collect::<Vec<_>>()[..] else {
            return Err(shape("it has not exactly four lines"));
        };
        if !untrusted.starts_with(UNTRUSTED) {
            return Err(shape("its first line is no comment"));
        }
        let comment = trusted.strip_prefix(TRUSTED).ok_or(shape("its third line is no trusted comment"))?;
        if untrusted.len().max(comment.len()) > MAX_COMMENT || comment.chars().any(|c| c.is_control() && c != '\t') {
            return Err(shape("a comment in it is too long, or holds control characters"));
        }
        let decode = |line: &str| Base64::decode_vec(line).map_err(|_| shape("a line of it is not base64"));
        let (signature, global) = (decode(signature)?, decode(global)?);
        let (Some((mode, rest)), 64) = (signature.split_first_chunk::<2>(), global.len()) else {
            return Err(shape("a signature in it has another length"));
        };
        let (Some((id, signature)), 72) = (rest.split_first_chunk::<8>(), rest.len()) else {
            return Err(shape("a signature in it has another length"));
        };
        let mode = match mode {
            PREHASHED => Mode::Prehashed,
            PLAIN => Mode::Legacy,
            _ => return Err(shape("it is for another algorithm")),
        };
        Ok(Self {
            mode,
            key_id: *id,
            signature: Signature::from_bytes(signature)?,
            trusted_comment: comment.to_owned(),
            global: Signature::from_bytes(&global)?,
        })
    }

    /// Signs a message prehashed, wherever the key is. `sign` is asked twice: for the message, and for the comment.
    pub fn sign_with<E: From<DetachedError>>(
        message: &Message<'_>,
        trusted_comment: &str,
        key: &PublicKey,
        mut sign: impl FnMut(&[u8]) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        ed25519(key).map_err(DetachedError::Key)?;
        let mut hash = Blake2b512::new();
        message.read(&mut |piece| hash.update(piece)).map_err(DetachedError::Key)?;
        let signature = sign(&hash.finalize())?;
        let global = sign(&[signature.as_bytes(), trusted_comment.as_bytes()].concat())?;
        let trusted_comment = trusted_comment.to_owned();
        Ok(Self { mode: Mode::Prehashed, key_id: key_id(key), signature, trusted_comment, global })
    }

    /// The signature file.
    pub fn to_text(&self) -> String {
        let mode = if self.mode == Mode::Prehashed { PREHASHED } else { PLAIN };
        let signature = Base64::encode_string(&[&mode[..], &self.key_id, self.signature.as_bytes()].concat());
        let global = Base64::encode_string(self.global.as_bytes());
        format!("{UNTRUSTED}signature from sealift\n{signature}\n{TRUSTED}{}\n{global}\n", self.trusted_comment)
    }

    /// What the signer says of the file; true only once the signature is verified.
    pub fn trusted_comment(&self) -> &str {
        &self.trusted_comment
    }

    /// What the signature is over.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether everything in it that is not signed is as it is written here.
    pub(crate) fn is_own(&self, key: &PublicKey) -> bool {
        self.mode == Mode::Prehashed && self.key_id == key_id(key)
    }

    /// Begins to verify.
    pub(crate) fn verifier(&self, key: &PublicKey) -> Result<MinisigVerifier, DetachedError> {
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(KeyError::NotForFormat { format: NAME, algorithm: key.algorithm().name() }.into());
        }
        let comment = [self.signature.as_bytes(), self.trusted_comment.as_bytes()].concat();
        let comment = (comment, self.global.clone());
        let state = match self.mode {
            Mode::Prehashed => State::Prehashed { hash: Box::default(), signature: self.signature.clone() },
            Mode::Legacy => State::Legacy(key.verifier(&self.signature)?),
        };
        Ok(MinisigVerifier { key: key.clone(), comment, state })
    }
}

/// A signature of minisign on its way to a verdict.
pub(crate) struct MinisigVerifier {
    key: PublicKey,
    comment: (Vec<u8>, Signature),
    state: State,
}

enum State {
    Prehashed { hash: Box<Blake2b512>, signature: Signature },
    Legacy(Verifier),
}

impl MinisigVerifier {
    pub(crate) fn update(&mut self, piece: &[u8]) {
        match &mut self.state {
            State::Prehashed { hash, .. } => hash.update(piece),
            State::Legacy(verifier) => verifier.update(piece),
        }
    }

    pub(crate) fn finish(self) -> Result<(), DetachedError> {
        match self.state {
            State::Prehashed { hash, signature } => self.key.verify(&hash.finalize(), &signature)?,
            State::Legacy(verifier) => verifier.finish()?,
        }
        let (comment, global) = self.comment;
        self.key.verify(&comment, &global).map_err(|_| DetachedError::TrustedComment)
    }
}
