//! Signatures of `ssh-keygen -Y` and public keys as ssh writes them (OpenSSH, `PROTOCOL.sshsig`; RFC 4251, 4253, 5656,
//! 8332, 8709). The namespace is [`NAMESPACE`]: a signature for another purpose does not serve.

use base64ct::{Base64, Encoding};
use sha2::Digest as _;

use crate::detached::DetachedError;
use crate::key::{Algorithm, KeyError, PublicKey, RsaHash, Signature};
use crate::message::Message;

/// What signatures are for: `ssh-keygen -Y sign -n sealift`.
pub const NAMESPACE: &str = "sealift";

/// What git has tags and commits signed for (gitformat-signature(5), ssh). It is never read here: a tag is a pointer, and
/// proves no release.
const NAMESPACE_OF_GIT: &str = "git";

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----";
/// What is signed, and the signature itself, begin so.
pub(crate) const MAGIC: &[u8] = b"SSHSIG";

/// The longest line of the armour, as `ssh-keygen` writes it.
const LINE: usize = 70;

/// The longest armour that is read, in bytes: room for a key and a signature of RSA with 8192 bits.
const MAX_ARMOUR: usize = 16 << 10;

const ED25519: &str = "ssh-ed25519";
const P256: &str = "ecdsa-sha2-nistp256";
const CURVE: &str = "nistp256";
const RSA: &str = "ssh-rsa";
const RSA_SHA256: &str = "rsa-sha2-256";
const RSA_SHA512: &str = "rsa-sha2-512";

/// What the message is hashed with. Both are as good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "sha256",
            Hash::Sha512 => "sha512",
        }
    }
}

/// A signature of `ssh-keygen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSignature {
    /// The signer's key as it stands there: compared, never trusted.
    key: Vec<u8>,
    hash: Hash,
    /// Its name and its bytes.
    signature: (String, Vec<u8>),
}

/// Whether a text is a public key as ssh writes it: `ssh-ed25519 AAAA… comment`.
pub fn looks_like_a_public_key(text: &str) -> bool {
    [ED25519, P256, RSA].iter().any(|name| text.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
}

/// Reads a public key of one line. The checks of import are made.
pub fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    let damaged = |what: &str| KeyError::Damaged(format!("a key of ssh that {what}"));
    let line = text.trim_end();
    if line.contains('\n') {
        return Err(KeyError::SeveralBlocks(line.lines().count()));
    }
    let mut words = line.split(' ');
    let (Some(name), Some(blob)) = (words.next(), words.next()) else { return Err(damaged("is cut off")) };
    let blob = Base64::decode_vec(blob).map_err(|_| damaged("is not base64"))?;
    let key = parse_key(&blob).ok_or_else(|| damaged("is not of its own form"))??;
    // What is written before the key says the same as the key, or the file is not what its writer meant.
    if key_blob(&key) != blob || key_name(&key) != name {
        return Err(damaged("says of itself what it is not"));
    }
    Ok(key)
}

/// Writes a public key as one line, which `ssh-keygen` and `allowed_signers` take.
pub fn public_text(key: &PublicKey) -> String {
    format!("{} {}\n", key_name(key), Base64::encode_string(&key_blob(key)))
}

fn key_name(key: &PublicKey) -> &'static str {
    match key.algorithm() {
        Algorithm::Ed25519 => ED25519,
        Algorithm::EcdsaP256 => P256,
        Algorithm::Rsa => RSA,
    }
}

/// A key in its wire form (RFC 8709 §4, RFC 5656 §3.1, RFC 4253 §6.6).
fn key_blob(key: &PublicKey) -> Vec<u8> {
    let mut blob = Vec::new();
    string(&mut blob, key_name(key).as_bytes());
    if let Some(raw) = key.raw() {
        string(&mut blob, raw);
    } else if let Some(point) = key.point() {
        string(&mut blob, CURVE.as_bytes());
        string(&mut blob, &point);
    } else if let Some((modulus, exponent)) = key.numbers() {
        integer(&mut blob, exponent);
        integer(&mut blob, modulus);
    }
    blob
}

fn parse_key(blob: &[u8]) -> Option<Result<PublicKey, KeyError>> {
    let mut reader = Reader(blob);
    let name = reader.text()?;
    let key = match name {
        ED25519 => PublicKey::from_raw(reader.string()?.try_into().ok()?),
        P256 => {
            reader.text().filter(|curve| *curve == CURVE)?;
            PublicKey::from_point(reader.string()?)
        }
        RSA => {
            let (exponent, modulus) = (reader.integer()?, reader.integer()?);
            PublicKey::from_modulus(modulus, exponent)
        }
        _ => return None,
    };
    reader.end().map(|()| key)
}

impl SshSignature {
    /// Reads an armoured signature, and nothing before or after it.
    pub fn parse(text: &str) -> Result<Self, DetachedError> {
        let shape = |what| DetachedError::Ssh(what);
        if text.len() > MAX_ARMOUR {
            return Err(shape("it is too long"));
        }
        let inner = text.strip_prefix(BEGIN).ok_or(shape("it does not begin with its armour"))?;
        let inner = inner.strip_suffix('\n').unwrap_or(inner);
        let inner = inner.strip_suffix(END).ok_or(shape("it does not end with its armour"))?;
        let blob = Base64::decode_vec(&inner.split('\n').collect::<String>()).map_err(|_| shape("it is not base64"))?;
        Self::read(&blob).ok_or(shape("a part of it is missing, or there is one too many"))?
    }

    fn read(blob: &[u8]) -> Option<Result<Self, DetachedError>> {
        let mut reader = Reader(blob.strip_prefix(MAGIC)?);
        if reader.number()? != 1 {
            return Some(Err(DetachedError::Ssh("it is of another version")));
        }
        let key = reader.string()?.to_vec();
        let namespace = reader.text()?;
        if namespace != NAMESPACE {
            return Some(Err(DetachedError::Namespace(namespace.chars().take(80).collect())));
        }
        // Reserved, and empty: what it might come to mean is not known here.
        if !reader.string()?.is_empty() {
            return Some(Err(DetachedError::Ssh("it has something in a place that is reserved")));
        }
        let hash = match reader.text()? {
            "sha256" => Hash::Sha256,
            "sha512" => Hash::Sha512,
            _ => return Some(Err(DetachedError::Ssh("its hash is neither SHA-256 nor SHA-512"))),
        };
        let mut inner = Reader(reader.string()?);
        let signature = (inner.text()?.to_owned(), inner.string()?.to_vec());
        inner.end()?;
        reader.end()?;
        Some(Ok(Self { key, hash, signature }))
    }

    /// Signs a message, wherever the key is.
    pub fn sign_with<E: From<DetachedError>>(
        message: &Message<'_>,
        key: &PublicKey,
        sign: impl FnOnce(&[u8]) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        Self::sign_for(NAMESPACE, message, key, sign)
    }

    /// Signs for a purpose.
    fn sign_for<E: From<DetachedError>>(
        namespace: &str,
        message: &Message<'_>,
        key: &PublicKey,
        sign: impl FnOnce(&[u8]) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        let hash = Hash::Sha512;
        let mut hasher = sha2::Sha512::new();
        message.read(&mut |piece| hasher.update(piece)).map_err(DetachedError::Key)?;
        let signature = sign(&statement(namespace, hash, &hasher.finalize()))?;
        let signature = match key.algorithm() {
            Algorithm::Ed25519 => (ED25519, signature.as_bytes().to_vec()),
            Algorithm::Rsa => (RSA_SHA256, signature.as_bytes().to_vec()),
            Algorithm::EcdsaP256 => {
                let none = DetachedError::Key(KeyError::SignatureMismatch);
                let (r, s) = signature.to_scalars().ok_or(none)?;
                let mut blob = Vec::new();
                integer(&mut blob, trimmed(&r));
                integer(&mut blob, trimmed(&s));
                (P256, blob)
            }
        };
        Ok(Self { key: key_blob(key), hash, signature: (signature.0.to_owned(), signature.1) })
    }

    /// The armoured signature, as `ssh-keygen` writes it.
    pub fn to_text(&self) -> String {
        self.armour(NAMESPACE)
    }

    fn armour(&self, namespace: &str) -> String {
        let mut blob = [MAGIC, &1_u32.to_be_bytes()].concat();
        string(&mut blob, &self.key);
        string(&mut blob, namespace.as_bytes());
        string(&mut blob, b"");
        string(&mut blob, self.hash.name().as_bytes());
        let mut inner = Vec::new();
        string(&mut inner, self.signature.0.as_bytes());
        string(&mut inner, &self.signature.1);
        string(&mut blob, &inner);
        let text = Base64::encode_string(&blob);
        let lines = text.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
        format!("{BEGIN}{}{END}\n", lines.collect::<String>())
    }

    /// Whether it has the form that is written here, of those that say the same.
    pub(crate) fn is_own(&self, key: &PublicKey) -> bool {
        let (name, bytes) = (self.signature.0.as_str(), &self.signature.1);
        let signature = match key.algorithm() {
            Algorithm::Ed25519 => return self.hash == Hash::Sha512,
            Algorithm::Rsa => return self.hash == Hash::Sha512 && name == RSA_SHA256,
            Algorithm::EcdsaP256 => parse_scalars(bytes),
        };
        self.hash == Hash::Sha512 && signature.is_some_and(|signature| key.canonical(&signature) == signature)
    }

    /// Begins to verify. The key in the signature must be the one that is trusted.
    pub(crate) fn verifier(&self, key: &PublicKey) -> Result<SshVerifier, DetachedError> {
        if self.key != key_blob(key) {
            return Err(DetachedError::OtherKey);
        }
        let hash = match self.hash {
            Hash::Sha256 => State::Sha256(sha2::Sha256::new()),
            Hash::Sha512 => State::Sha512(sha2::Sha512::new()),
        };
        Ok(SshVerifier { key: key.clone(), hash, signature: self.signature.clone() })
    }
}

/// The signature of an object of git, which `git verify-tag` takes where `gpg.format` is `ssh`: armoured, with the line end
/// that git's objects have.
pub fn sign_for_git<E: From<DetachedError>>(
    object: &[u8],
    key: &PublicKey,
    sign: impl FnOnce(&[u8]) -> Result<Signature, E>,
) -> Result<String, E> {
    Ok(SshSignature::sign_for(NAMESPACE_OF_GIT, &Message::of(object), key, sign)?.armour(NAMESPACE_OF_GIT))
}

/// What is signed: the purpose, and the digest of the message.
fn statement(namespace: &str, hash: Hash, digest: &[u8]) -> Vec<u8> {
    let mut blob = MAGIC.to_vec();
    string(&mut blob, namespace.as_bytes());
    string(&mut blob, b"");
    string(&mut blob, hash.name().as_bytes());
    string(&mut blob, digest);
    blob
}

/// A signature of ssh on its way to a verdict.
pub(crate) struct SshVerifier {
    key: PublicKey,
    hash: State,
    signature: (String, Vec<u8>),
}

enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl SshVerifier {
    pub(crate) fn update(&mut self, piece: &[u8]) {
        match &mut self.hash {
            State::Sha256(hash) => hash.update(piece),
            State::Sha512(hash) => hash.update(piece),
        }
    }

    pub(crate) fn finish(self) -> Result<(), DetachedError> {
        let message = match self.hash {
            State::Sha256(hash) => statement(NAMESPACE, Hash::Sha256, &hash.finalize()),
            State::Sha512(hash) => statement(NAMESPACE, Hash::Sha512, &hash.finalize()),
        };
        let (name, bytes) = (self.signature.0.as_str(), &self.signature.1);
        let mismatch = || DetachedError::Key(KeyError::SignatureMismatch);
        // The name of the signature's algorithm must be one of this key's, which is known before.
        match (self.key.algorithm(), name) {
            (Algorithm::Ed25519, ED25519) => self.key.verify(&message, &Signature::from_bytes(bytes)?)?,
            (Algorithm::EcdsaP256, P256) => {
                self.key.verify(&message, &parse_scalars(bytes).ok_or_else(mismatch)?)?;
            }
            (Algorithm::Rsa, RSA_SHA256 | RSA_SHA512) => {
                let signature = Signature::from_bytes(bytes)?;
                let verdict = if name == RSA_SHA256 {
                    self.key.verify_rsa(RsaHash::Sha256, &sha2::Sha256::digest(&message), &signature)
                } else {
                    self.key.verify_rsa(RsaHash::Sha512, &sha2::Sha512::digest(&message), &signature)
                };
                verdict.ok_or_else(mismatch)??;
            }
            _ => return Err(DetachedError::Ssh("its algorithm is not its key's")),
        }
        Ok(())
    }
}

/// A signature of ECDSA as ssh writes it: two numbers (RFC 5656 §3.1.2).
fn parse_scalars(bytes: &[u8]) -> Option<Signature> {
    let mut reader = Reader(bytes);
    let (r, s) = (widened(reader.integer()?)?, widened(reader.integer()?)?);
    reader.end()?;
    Signature::from_scalars(r, s)
}

/// Writes `string` (RFC 4251 §5).
fn string(blob: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("parts of a signature are short");
    blob.extend_from_slice(&length.to_be_bytes());
    blob.extend_from_slice(bytes);
}

/// Writes `mpint` (RFC 4251 §5) of a positive number without leading zeros.
fn integer(blob: &mut Vec<u8>, number: &[u8]) {
    let sign = if number.first().is_some_and(|first| *first >= 0x80) { &[0][..] } else { &[] };
    string(blob, &[sign, number].concat());
}

fn trimmed(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

/// A number in 32 bytes; none where it has more.
fn widened(number: &[u8]) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    out[32_usize.checked_sub(number.len())?..].copy_from_slice(number);
    Some(out)
}

/// Reads the wire form of RFC 4251 §5.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// A positive number in its only form, without the zero that keeps it positive.
    fn integer(&mut self) -> Option<&'a [u8]> {
        match self.string()? {
            [] => None,
            [0, rest @ ..] => rest.first().is_some_and(|first| *first >= 0x80).then_some(rest),
            number => (number[0] < 0x80).then_some(number),
        }
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
