//! A signature in a file of its own, in any of the formats that are read. What a file looks like chooses how it is read;
//! what is then accepted is the key's alone to say.

use base64ct::{Base64, Encoding};

use crate::key::{Algorithm, KeyError, PublicKey, Signature, Verifier};
use crate::minisign::{Minisig, MinisigVerifier, Mode};
use crate::sshsig::{SshSignature, SshVerifier};

/// A format in which releases are signed for people without sealift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureFormat {
    /// The bare bytes, for `openssl`.
    Raw,
    /// For `minisign`; with Ed25519 keys alone.
    Minisign,
    /// For `ssh-keygen -Y verify`.
    Ssh,
}

impl SignatureFormat {
    /// Every format.
    pub const ALL: [SignatureFormat; 3] = [SignatureFormat::Raw, SignatureFormat::Minisign, SignatureFormat::Ssh];

    /// The name in configurations and messages.
    pub fn name(self) -> &'static str {
        match self {
            SignatureFormat::Raw => "raw",
            SignatureFormat::Minisign => "minisign",
            SignatureFormat::Ssh => "ssh",
        }
    }

    /// What a signature's file has behind the name of the signed one.
    pub fn suffix(self) -> &'static str {
        match self {
            SignatureFormat::Raw => ".sig",
            SignatureFormat::Minisign => ".minisig",
            SignatureFormat::Ssh => ".ssh.sig",
        }
    }
}

/// A signature that nobody has verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detached {
    /// The bare bytes, as `openssl` writes them.
    Raw(Signature),
    /// The same in base64, as `cosign sign-blob --output-signature` writes them.
    RawBase64(Signature),
    /// A file of `minisign`.
    Minisign(Minisig),
    /// A file of `ssh-keygen -Y`.
    Ssh(SshSignature),
}

/// A detached signature that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetachedError {
    /// No byte.
    #[error("the signature file is empty")]
    Empty,
    /// None of the formats.
    #[error("this is no signature in a format that is read: raw, minisign, ssh")]
    Unknown,
    /// Something of minisign that is not of its form.
    #[error("this is no signature of minisign: {0}")]
    Minisign(&'static str),
    /// The message is as signed, the comment is not.
    #[error("the trusted comment is not what was signed")]
    TrustedComment,
    /// Something of ssh that is not of its form.
    #[error("this is no signature of ssh: {0}")]
    Ssh(&'static str),
    /// A signature that was made for something else.
    #[error("the signature is for the namespace {0:?}; {want:?} is wanted", want = crate::sshsig::NAMESPACE)]
    Namespace(String),
    /// A good form of a format, and not the one in which sealift writes it.
    #[error("it is not written as sealift writes it")]
    NotOwn,
    /// The signature names another key.
    #[error("the signature is by another key")]
    OtherKey,
    /// The key says no.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl DetachedError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            DetachedError::Empty => "signature.empty",
            DetachedError::Unknown => "signature.unknown-format",
            DetachedError::Minisign(_) => "signature.minisign",
            DetachedError::TrustedComment => "signature.trusted-comment",
            DetachedError::Ssh(_) => "signature.ssh",
            DetachedError::Namespace(_) => "signature.namespace",
            DetachedError::NotOwn => "signature.not-own",
            DetachedError::OtherKey => "signature.other-key",
            DetachedError::Key(error) => error.code(),
        }
    }
}

impl Detached {
    /// The longest signature file that is read, in bytes.
    pub const MAX_BYTES: usize = 64 << 10;

    /// Reads a signature file. The key says only how long raw bytes of its own are.
    pub fn parse(bytes: &[u8], key: &PublicKey) -> Result<Self, DetachedError> {
        if bytes.is_empty() {
            return Err(DetachedError::Empty);
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            if text.starts_with("untrusted comment:") {
                return Minisig::parse(text).map(Self::Minisign);
            }
            if text.starts_with("-----BEGIN SSH SIGNATURE-----") {
                return SshSignature::parse(text).map(Self::Ssh);
            }
            if let Some(signature) = in_base64(text, key) {
                return Ok(Self::RawBase64(signature));
            }
            if text.starts_with(['{', '-']) && key.signature_length() != Some(bytes.len()) {
                return Err(DetachedError::Unknown);
            }
        }
        Signature::from_bytes(bytes).map(Self::Raw).map_err(DetachedError::Key)
    }

    /// Has a message signed in a format, wherever the key is, and gives the bytes of the signature's file. `comment` is
    /// what minisign's trusted comment says.
    pub fn sign_with<E: From<DetachedError>>(
        format: SignatureFormat,
        (message, comment): (&[u8], &str),
        key: &PublicKey,
        mut sign: impl FnMut(&[u8]) -> Result<Signature, E>,
    ) -> Result<Vec<u8>, E> {
        Ok(match format {
            SignatureFormat::Raw => sign(message)?.as_bytes().to_vec(),
            SignatureFormat::Minisign => Minisig::sign_with(message, comment, key, sign)?.to_text().into_bytes(),
            SignatureFormat::Ssh => SshSignature::sign_with(message, key, sign)?.to_text().into_bytes(),
        })
    }

    /// Reads a signature that sealift wrote in this format: the one form that it has, so that any changed byte is refused,
    /// also where what was changed is not signed.
    pub fn parse_own(
        bytes: &[u8],
        format: SignatureFormat,
        comment: &str,
        key: &PublicKey,
    ) -> Result<Self, DetachedError> {
        let text = || std::str::from_utf8(bytes).map_err(|_| DetachedError::Unknown);
        let own = match format {
            SignatureFormat::Raw => {
                let signature = Signature::from_bytes(bytes)?;
                let same = key.canonical(&signature) == signature;
                same.then_some(Self::Raw(signature)).ok_or(KeyError::SignatureMismatch)?
            }
            SignatureFormat::Minisign => {
                let signature = Minisig::parse(text()?)?;
                if signature.trusted_comment() != comment {
                    return Err(DetachedError::TrustedComment);
                }
                let same = signature.to_text().as_bytes() == bytes && signature.is_own(key);
                same.then_some(Self::Minisign(signature)).ok_or(DetachedError::NotOwn)?
            }
            SignatureFormat::Ssh => {
                let signature = SshSignature::parse(text()?)?;
                let same = signature.to_text().as_bytes() == bytes && signature.is_own(key);
                same.then_some(Self::Ssh(signature)).ok_or(DetachedError::NotOwn)?
            }
        };
        Ok(own)
    }

    /// What the format is called.
    pub fn format(&self) -> &'static str {
        match self {
            Detached::Raw(_) => "raw",
            Detached::RawBase64(_) => "raw in base64",
            Detached::Minisign(signature) if signature.mode() == Mode::Legacy => "minisign (legacy)",
            Detached::Minisign(_) => "minisign",
            Detached::Ssh(_) => "ssh",
        }
    }

    /// Begins to verify over a message that comes piece by piece.
    pub fn verifier(&self, key: &PublicKey) -> Result<DetachedVerifier, DetachedError> {
        Ok(DetachedVerifier(match self {
            Detached::Raw(signature) | Detached::RawBase64(signature) => State::Raw(key.verifier(signature)?),
            Detached::Minisign(signature) => State::Minisign(signature.verifier(key)?),
            Detached::Ssh(signature) => State::Ssh(signature.verifier(key)?),
        }))
    }

    /// Accepts exactly this key's signature over this message.
    pub fn verify(&self, message: &[u8], key: &PublicKey) -> Result<(), DetachedError> {
        let mut verifier = self.verifier(key)?;
        verifier.update(message);
        verifier.finish()
    }
}

/// A signature on its way to a verdict.
#[must_use = "nothing is verified before `finish` says so"]
pub struct DetachedVerifier(State);

enum State {
    Raw(Verifier),
    Minisign(MinisigVerifier),
    Ssh(SshVerifier),
}

impl DetachedVerifier {
    /// Takes the next piece of the message.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            State::Raw(verifier) => verifier.update(piece),
            State::Minisign(verifier) => verifier.update(piece),
            State::Ssh(verifier) => verifier.update(piece),
        }
    }

    /// Says whether the signature is the key's over the whole message, and everything else that it carries is signed.
    pub fn finish(self) -> Result<(), DetachedError> {
        match self.0 {
            State::Raw(verifier) => verifier.finish().map_err(DetachedError::Key),
            State::Minisign(verifier) => verifier.finish(),
            State::Ssh(verifier) => verifier.finish(),
        }
    }
}

/// A raw signature in base64, on one line. A raw one is never taken for it: of a length of its own it is raw, and the DER
/// of ECDSA begins with bytes that base64 has not.
fn in_base64(text: &str, key: &PublicKey) -> Option<Signature> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let bytes = Base64::decode_vec(line).ok()?;
    let right = match key.algorithm() {
        Algorithm::EcdsaP256 => bytes.first() == Some(&0x30),
        Algorithm::Ed25519 | Algorithm::Rsa => {
            key.signature_length() == Some(bytes.len()) && key.signature_length() != Some(text.len())
        }
    };
    right.then(|| Signature::from_bytes(&bytes).ok()).flatten()
}
