//! A signature in a file of its own, in any of the formats that are read. What a file looks like chooses how it is read;
//! what is then accepted is the key's alone to say.

use base64ct::{Base64, Encoding};

use crate::bundle::{Bundle, BundleError, MAX_BUNDLE, SignedMessage};
use crate::digest::{Digest, Hasher};
use crate::domain;
use crate::key::{Algorithm, KeyError, PublicKey, Signature, Verifier};
use crate::message::Message;
use crate::minisign::{Minisig, MinisigVerifier, Mode};
use crate::sshsig::{SshSignature, SshVerifier};
use crate::statement::{COSIGN_SIGN_TYPE, Foreign, StatementError, shown};

/// A format in which releases are signed for people without sealift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureFormat {
    /// The bare bytes, for `openssl`.
    Raw,
    /// For `minisign`; with Ed25519 keys alone.
    Minisign,
    /// For `cosign verify-blob --new-bundle-format`, and whoever else reads bundles.
    Sigstore,
    /// For `ssh-keygen -Y verify`.
    Ssh,
}

impl SignatureFormat {
    /// Every format.
    pub const ALL: [SignatureFormat; 4] =
        [SignatureFormat::Raw, SignatureFormat::Minisign, SignatureFormat::Sigstore, SignatureFormat::Ssh];

    /// The name in configurations and messages.
    pub fn name(self) -> &'static str {
        match self {
            SignatureFormat::Raw => "raw",
            SignatureFormat::Minisign => "minisign",
            SignatureFormat::Sigstore => "sigstore",
            SignatureFormat::Ssh => "ssh",
        }
    }

    /// What a signature's file has behind the name of the signed one.
    pub fn suffix(self) -> &'static str {
        match self {
            SignatureFormat::Raw => ".sig",
            SignatureFormat::Minisign => ".minisig",
            SignatureFormat::Sigstore => ".sigstore.json",
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
    /// A bundle of sigstore, made with a key.
    Bundle(Box<Bundle>),
    /// A file of `ssh-keygen -Y`.
    Ssh(SshSignature),
}

/// What a signature must say of a file to be accepted. Whoever states something of a file does not vouch for it: a list of
/// its holes is a statement too (A26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// That the key signed the file, and no more.
    Signature,
    /// That the key stated something of this predicate type.
    Statement(&'a str),
}

/// A detached signature that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetachedError {
    /// No byte.
    #[error("the signature file is empty")]
    Empty,
    /// None of the formats.
    #[error("this is no signature in a format that is read: raw, minisign, sigstore, ssh")]
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
    /// A bundle that is refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// What a bundle holds and the key signed is no statement.
    #[error("what was signed is no statement that is read")]
    Statement(#[from] StatementError),
    /// A statement that says something else than what is wanted.
    #[error("the statement is a {found:?}, and {wanted} is wanted")]
    PredicateType {
        /// Its predicate type.
        found: String,
        /// What is wanted, in words.
        wanted: String,
    },
    /// A statement is wanted, and there is a bare signature.
    #[error("a signature states nothing of the file, and a statement is wanted")]
    NoStatement,
    /// Somebody reads the file as something else that keys sign.
    #[error("the file begins as {0} does, and a bare signature over it would be one of that")]
    OtherPurpose(&'static str),
    /// A statement about other files.
    #[error("the statement is about other files, not about {0}")]
    OtherSubject(Digest),
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
            DetachedError::Bundle(error) => error.code(),
            DetachedError::Statement(error) => error.code(),
            DetachedError::PredicateType { .. } => "signature.predicate-type",
            DetachedError::NoStatement => "signature.no-statement",
            DetachedError::OtherPurpose(_) => "signature.other-purpose",
            DetachedError::OtherSubject(_) => "signature.other-subject",
            DetachedError::Key(error) => error.code(),
        }
    }
}

impl Detached {
    /// The longest signature file that is read, in bytes; a bundle may hold a whole statement ([`Detached::cap`]).
    pub const MAX_BYTES: usize = 64 << 10;

    /// How many bytes of a file may be read that begins so.
    pub fn cap(head: &[u8]) -> usize {
        if head.trim_ascii_start().starts_with(b"{") { MAX_BUNDLE } else { Self::MAX_BYTES }
    }

    /// Reads a signature file. The key says only how long raw bytes of its own are.
    pub fn parse(bytes: &[u8], key: &PublicKey) -> Result<Self, DetachedError> {
        if bytes.is_empty() {
            return Err(DetachedError::Empty);
        }
        if Bundle::is_meant(bytes) {
            return Ok(Self::Bundle(Box::new(Bundle::parse(bytes)?)));
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
    ///
    /// # Errors
    /// `signature.other-purpose` where the signature would be a bare one, over what has marks of something else.
    pub fn sign_with<E: From<DetachedError>>(
        format: SignatureFormat,
        (message, comment): (&Message<'_>, &str),
        key: &PublicKey,
        mut sign: impl FnMut(&Message<'_>) -> Result<Signature, E>,
    ) -> Result<Vec<u8>, E> {
        if matches!(format, SignatureFormat::Raw | SignatureFormat::Sigstore) {
            domain::is_plain(message, key)?;
        }
        let short =
            |bytes: &[u8], sign: &mut dyn FnMut(&Message<'_>) -> Result<Signature, E>| sign(&Message::of(bytes));
        Ok(match format {
            SignatureFormat::Raw => sign(message)?.as_bytes().to_vec(),
            SignatureFormat::Minisign => {
                Minisig::sign_with(message, comment, key, |bytes| short(bytes, &mut sign))?.to_text().into_bytes()
            }
            SignatureFormat::Sigstore => {
                SignedMessage { digest: message.digest(), signature: sign(message)? }.to_bytes(key)
            }
            SignatureFormat::Ssh => {
                SshSignature::sign_with(message, key, |bytes| short(bytes, &mut sign))?.to_text().into_bytes()
            }
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
            SignatureFormat::Sigstore => {
                let bundle = Bundle::parse(bytes)?;
                let signed = bundle.message()?;
                let same = signed.to_bytes(key) == bytes && key.canonical(&signed.signature) == signed.signature;
                same.then(|| Self::Bundle(Box::new(bundle))).ok_or(DetachedError::NotOwn)?
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
            Detached::Bundle(bundle) if bundle.message().is_ok() => "sigstore bundle with a signature",
            Detached::Bundle(_) => "sigstore bundle with a statement",
            Detached::Ssh(_) => "ssh",
        }
    }

    /// Begins to verify over a message that comes piece by piece, which must be signed, whatever else is said of it.
    pub fn verifier(&self, key: &PublicKey) -> Result<DetachedVerifier, DetachedError> {
        self.verifier_of(key, Meaning::Signature)
    }

    /// The same for what a signature must mean.
    pub fn verifier_of(&self, key: &PublicKey, meaning: Meaning<'_>) -> Result<DetachedVerifier, DetachedError> {
        if let Detached::Bundle(bundle) = self
            && bundle.message().is_err()
        {
            let statement = stated(bundle, key, meaning)?;
            return Ok(DetachedVerifier(State::Statement { statement, hasher: Hasher::new() }));
        }
        if matches!(meaning, Meaning::Statement(_)) {
            return Err(DetachedError::NoStatement);
        }
        Ok(DetachedVerifier(match self {
            Detached::Raw(signature) | Detached::RawBase64(signature) => State::Raw(key.verifier(signature)?),
            Detached::Minisign(signature) => State::Minisign(signature.verifier(key)?),
            Detached::Bundle(bundle) => {
                let message = bundle.message()?.clone();
                State::Message { verifier: key.verifier(&message.signature)?, message, hasher: Hasher::new() }
            }
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
    /// The digest is not signed, and is compared all the same: other programs decide by it.
    Message {
        message: SignedMessage,
        verifier: Verifier,
        hasher: Hasher,
    },
    /// Signed already; whether it is about the message is what is left.
    Statement {
        statement: Foreign,
        hasher: Hasher,
    },
    Ssh(SshVerifier),
}

impl DetachedVerifier {
    /// Takes the next piece of the message.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            State::Raw(verifier) => verifier.update(piece),
            State::Minisign(verifier) => verifier.update(piece),
            State::Message { verifier, hasher, .. } => {
                verifier.update(piece);
                hasher.update(piece);
            }
            State::Statement { hasher, .. } => hasher.update(piece),
            State::Ssh(verifier) => verifier.update(piece),
        }
    }

    /// Says whether the signature is the key's over the whole message, and everything else that it carries is signed.
    pub fn finish(self) -> Result<(), DetachedError> {
        match self.0 {
            State::Raw(verifier) => verifier.finish().map_err(DetachedError::Key),
            State::Minisign(verifier) => verifier.finish(),
            State::Message { message, verifier, hasher } => {
                message.is_of(hasher.finish().0)?;
                verifier.finish().map_err(DetachedError::Key)
            }
            State::Statement { statement, hasher } => {
                let (digest, _) = hasher.finish();
                if statement.is_about(digest) { Ok(()) } else { Err(DetachedError::OtherSubject(digest)) }
            }
            State::Ssh(verifier) => verifier.finish(),
        }
    }
}

/// What a bundle states: signed by the key, then read, and then of the wanted type before anything else of it is used.
fn stated(bundle: &Bundle, key: &PublicKey, meaning: Meaning<'_>) -> Result<Foreign, DetachedError> {
    let opened = bundle.clone().into_envelope()?.verify(std::slice::from_ref(key))?;
    let statement = Foreign::parse(&opened)?;
    let (wanted, words) = match meaning {
        Meaning::Signature => (COSIGN_SIGN_TYPE, "a signature".to_owned()),
        Meaning::Statement(wanted) => (wanted, format!("{:?}", shown(wanted))),
    };
    if statement.predicate_type() == wanted {
        return Ok(statement);
    }
    Err(DetachedError::PredicateType { found: shown(statement.predicate_type()), wanted: words })
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
