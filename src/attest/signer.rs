//! Who signs: a key in memory, or another process that holds one (KMS, HSM, PKCS#11), which needs no code of ours.
//!
//! # The protocol of a signer
//!
//! For each signature the program is started once. On its standard input is one line,
//! `sealift-sign 1 <purpose> <algorithm> <length>`, and then exactly `length` bytes: what is to be signed, not its digest.
//! On its standard output it writes the signature and nothing else, as `openssl` would: 64 bytes for `ed25519`, DER for
//! `ecdsa-p256-sha256`, as many bytes as the modulus for `rsa-pkcs1-sha256`. Its answer is verified with the public key.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use sealift_trust::message::Bytes;
use sealift_trust::{DetachedError, DsseError, KeyError, Message, PublicKey, SecretKey, Signature};

use crate::command::Command;
use crate::error::{Fault, Kind};
use crate::host::Host;
use crate::host::process::{Input, ProcessError};

/// What a signature is for. A signer may refuse a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A statement in its pre-authentication encoding (DSSE): the release manifest.
    Statement,
    /// The list of the files' digests.
    Checksums,
    /// One file of the release.
    Artifact,
    /// A tag of git.
    Tag,
}

impl Purpose {
    /// The word that a signer reads.
    pub fn word(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Checksums => "checksums",
            Self::Artifact => "artifact",
            Self::Tag => "tag",
        }
    }
}

/// Who signs.
pub enum Signer<'a> {
    /// A key in memory.
    Key(SecretKey),
    /// A process that holds one.
    Process(Process<'a>),
}

/// A process that signs.
pub struct Process<'a> {
    /// What runs it.
    pub host: &'a Host,
    /// Program, arguments and environment.
    pub command: Command,
    /// The public half of its key, with which every answer is verified.
    pub public: PublicKey,
    /// How long it has for one signature.
    pub limit: Duration,
}

/// A signature that was not made.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The key does not sign.
    #[error("the key does not sign")]
    Key(#[from] KeyError),
    /// The format does not take it.
    #[error("this cannot be signed in the format that is asked for")]
    Format(#[from] DetachedError),
    /// The envelope does not take it.
    #[error("the manifest cannot be signed")]
    Envelope(#[from] DsseError),
    /// The process failed, or took too long.
    #[error("the signer gave no signature")]
    Process(#[from] ProcessError),
    /// What it answered is not a signature of its key over what it was given.
    #[error("the answer of the signer {program} is no signature by {key} over what it was given to sign")]
    Answer {
        /// The program.
        program: String,
        /// The fingerprint of the key.
        key: sealift_trust::Digest,
    },
}

impl Fault for SignerError {
    fn code(&self) -> &'static str {
        match self {
            Self::Key(error) => error.code(),
            Self::Format(error) => error.code(),
            Self::Envelope(error) => error.code(),
            Self::Process(error) => error.code(),
            Self::Answer { .. } => "signer.answer",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Key(KeyError::Random) => Kind::Tool,
            Self::Key(KeyError::MessageTooLong { .. } | KeyError::MessageChanged) => Kind::Input,
            Self::Format(DetachedError::OtherPurpose(_) | DetachedError::Key(KeyError::MessageChanged)) => Kind::Input,
            Self::Key(_) | Self::Format(_) => Kind::Config,
            Self::Envelope(_) => Kind::Bug,
            Self::Process(error) => error.kind(),
            Self::Answer { .. } => Kind::Trust,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Key(error) | Self::Format(DetachedError::Key(error)) => error.hint().map(str::to_owned),
            Self::Process(ProcessError::Slow { .. }) => Some("attest.signer-timeout gives it more seconds".to_owned()),
            Self::Process(error) => error.hint(),
            Self::Answer { .. } => {
                Some("attest.key must be the public half of the key that the signer holds".to_owned())
            }
            Self::Format(DetachedError::OtherPurpose(_)) => Some(
                "attest.formats without raw and sigstore, or attest.signatures = \"checksums\": the list and the manifest are signed"
                    .to_owned(),
            ),
            Self::Format(_) | Self::Envelope(_) => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Process(error) => error.detail(),
            _ => None,
        }
    }
}

impl Signer<'_> {
    /// The public half of the key.
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Key(key) => key.public(),
            Self::Process(process) => process.public.clone(),
        }
    }

    /// Signs, in the canonical form ([`PublicKey::canonical`]).
    pub fn sign(&self, message: &Message<'_>, purpose: Purpose) -> Result<Signature, SignerError> {
        match self {
            Self::Key(key) => Ok(key.sign_message(message)?),
            Self::Process(process) => process.sign(message, purpose),
        }
    }
}

impl Process<'_> {
    fn sign(&self, message: &Message<'_>, purpose: Purpose) -> Result<Signature, SignerError> {
        let algorithm = self.public.algorithm().name();
        let head = format!("sealift-sign 1 {} {algorithm} {}\n", purpose.word(), message.size());
        let input = match message.bytes() {
            Bytes::Here(bytes) => Input::Bytes([head.as_bytes(), bytes].concat()),
            Bytes::There(pieces) => {
                let pieces = pieces.clone();
                Input::Written(Box::new(move |to| {
                    to.write_all(head.as_bytes())?;
                    let mut written = Ok(());
                    let read = pieces.each(&mut |piece| {
                        written = to.write_all(piece);
                        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                    });
                    written.and(read.map_err(|_| io::ErrorKind::UnexpectedEof.into()))
                }))
            }
        };
        let finished = self.host.run_within(&self.command, input, self.limit)?;
        // Garbage, an answer for another message or by another key, and an honest mistake look alike: none is taken.
        let signature = Signature::from_bytes(&finished.stdout).map(|signature| self.public.canonical(&signature));
        match signature {
            Ok(signature) if self.public.verify_message(message, &signature).is_ok() => Ok(signature),
            _ => Err(SignerError::Answer {
                program: self.command.program.display().to_string(),
                key: self.public.fingerprint(),
            }),
        }
    }
}
