//! One file and a signature in a file of its own, whoever made them, in any of the formats that are read.

use std::io::Read;
use std::path::Path;

use sealift_trust::bundle::Unverified;
use sealift_trust::statement::shown;
use sealift_trust::{Bundle, Detached, DetachedError, Digest, Hasher, Meaning, PublicKey};

use super::authority::{Authority, Identity};
use super::{Distrust, VerifyError};
use crate::event::{Event, Events};
use crate::host::Host;
use crate::host::files;
use crate::host::regular::{self, Found, Regular};

/// How many bytes of a file are in memory at a time.
const PIECE: usize = 256 << 10;

/// How a signature over one file was judged.
#[derive(Debug)]
#[must_use = "a judgement may be a refusal"]
pub struct Signed {
    /// The digest of the file, measured over the very bytes that the signature was verified over.
    pub digest: Digest,
    /// The file's size in bytes.
    pub size: u64,
    /// The format that the signature is in, where it is in one.
    pub format: Option<&'static str>,
    /// What the signer says of the file, where the format has a place for it and it is verified.
    pub comment: Option<String>,
    /// What was verified besides the signature, with what was found.
    pub steps: Vec<(&'static str, String)>,
    /// What a signature of this format does not say, and was not checked.
    pub unchecked: Vec<(&'static str, String)>,
    /// Why it is refused, if it is.
    pub refused: Option<Distrust>,
}

/// Judges a file by a signature and whose word counts, in memory that does not grow with the file, and says what was not
/// checked.
///
/// # Errors
/// Only when nothing can be judged: a file that is not there or cannot be read, interrupted.
pub fn verify_detached(
    host: &Host,
    (file, signature): (&Path, &Path),
    authority: &Authority,
    meaning: Meaning<'_>,
    events: &Events,
) -> Result<Signed, VerifyError> {
    let message = open(file)?;
    let bytes = read_signature(signature)?;
    let signed = match authority {
        Authority::Key(key) => by_key(host, (&message, file), bytes.as_deref(), key, meaning)?,
        Authority::Identity(identity) => by_identity(host, (&message, file), bytes.as_deref(), identity, meaning)?,
    };
    tell(&signed, events);
    Ok(signed)
}

/// The bytes of a signature's file; none when there are more than any signature has.
fn read_signature(path: &Path) -> Result<Option<Vec<u8>>, VerifyError> {
    let mut file = open(path)?.file;
    let mut bytes = Vec::new();
    (&mut file).take(Detached::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(files::at("read", path))?;
    let cap = Detached::cap(&bytes);
    let rest = (cap + 1).saturating_sub(bytes.len()) as u64;
    file.take(rest).read_to_end(&mut bytes).map_err(files::at("read", path))?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= cap))
}

fn by_key(
    host: &Host,
    (message, path): (&Regular, &Path),
    signature: Option<&[u8]>,
    key: &PublicKey,
    meaning: Meaning<'_>,
) -> Result<Signed, VerifyError> {
    let parsed = signature.map_or(Err(DetachedError::Unknown), |bytes| Detached::parse(bytes, key));
    let format = parsed.as_ref().ok().map(Detached::format);
    let mut verifier = parsed.as_ref().map_err(Clone::clone).and_then(|parsed| parsed.verifier_of(key, meaning));
    let (digest, size) = measured(host, message, path, &mut |piece| {
        if let Ok(verifier) = &mut verifier {
            verifier.update(piece);
        }
    })?;
    let refused = verifier.and_then(sealift_trust::detached::DetachedVerifier::finish).err();
    let comment = match &parsed {
        Ok(Detached::Minisign(signature)) if refused.is_none() => Some(signature.trusted_comment().to_owned()),
        _ => None,
    };
    let steps = match (meaning, &refused) {
        (Meaning::Statement(kind), None) => vec![("statement", format!("{kind}, about this file"))],
        _ => Vec::new(),
    };
    let (unchecked, refused) = (unchecked(parsed.as_ref().ok()), refused.map(Distrust::from));
    Ok(Signed { digest, size, format, comment, steps, unchecked, refused })
}

fn by_identity(
    host: &Host,
    (message, path): (&Regular, &Path),
    signature: Option<&[u8]>,
    identity: &Identity,
    meaning: Meaning<'_>,
) -> Result<Signed, VerifyError> {
    let (digest, size) = measured(host, message, path, &mut |_| {})?;
    let bundle = signature.filter(|bytes| Bundle::is_meant(bytes));
    let judged = bundle
        .ok_or(Distrust::NoBundle)
        .and_then(|bundle| super::keyless::vouched(identity, bundle, digest, meaning).map_err(Distrust::from));
    let unchecked = vec![
        (RELEASE.0, RELEASE.1.to_owned()),
        ("signer", "whether that identity may release this is yours to know".into()),
    ];
    let mut signed = Signed { digest, size, format: None, comment: None, steps: Vec::new(), unchecked, refused: None };
    signed.format = bundle.map(|_| "sigstore bundle of an identity");
    match judged {
        Ok(vouched) => {
            signed.steps = vouched.steps;
            signed.steps.extend(vouched.statement.map(|said| ("statement", shown(said.predicate_type()))));
        }
        Err(why) => signed.refused = Some(why),
    }
    Ok(signed)
}

/// Digest and size of a file that is read once, piece by piece.
fn measured(
    host: &Host,
    message: &Regular,
    path: &Path,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(Digest, u64), VerifyError> {
    let mut hasher = Hasher::new();
    let interrupted = pieces(&message.file, path, &mut |piece| {
        hasher.update(piece);
        take(piece);
        host.children.stopped()
    })?;
    if interrupted { Err(VerifyError::Interrupted) } else { Ok(hasher.finish()) }
}

/// Verifies a signature over a file that is open.
pub(super) fn stream(
    message: &Regular,
    path: &Path,
    signature: &Detached,
    key: &PublicKey,
) -> Result<Result<(), DetachedError>, VerifyError> {
    let mut verifier = match signature.verifier(key) {
        Ok(verifier) => verifier,
        Err(error) => return Ok(Err(error)),
    };
    pieces(&message.file, path, &mut |piece| {
        verifier.update(piece);
        false
    })?;
    Ok(verifier.finish())
}

/// Gives a file piece by piece, until it ends or who takes them has enough; says whether that was so.
fn pieces(mut file: impl Read, path: &Path, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<bool, VerifyError> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(false),
            Ok(count) if take(&piece[..count]) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(files::at("read", path)(error).into()),
        }
    }
}

fn open(path: &Path) -> Result<Regular, VerifyError> {
    match regular::follow(path)? {
        Found::File(found) => Ok(found),
        Found::Nothing => Err(VerifyError::Absent { path: path.display().to_string() }),
        Found::Other(what) => Err(VerifyError::NotAFile { path: path.display().to_string(), what }),
    }
}

/// What no signature over one file says.
const RELEASE: (&str, &str) =
    ("release", "a signature over one file says nothing of its product, version, channel or of other files");

/// What no detached signature says, and what some do.
fn unchecked(signature: Option<&Detached>) -> Vec<(&'static str, String)> {
    let mut unchecked = vec![RELEASE, ("signer", "whose the key is, and whether it is still trusted, is not in it")];
    let mut time = "no timestamp and no transparency log was asked: when it was signed is unknown".to_owned();
    match signature {
        Some(Detached::Raw(_) | Detached::RawBase64(_)) => {
            unchecked.push(("purpose", "bare bytes do not say what they were signed for"));
        }
        Some(Detached::Minisign(_)) => {
            unchecked.push(("purpose", "the trusted comment is the signer's word; nothing here reads it"));
        }
        Some(Detached::Bundle(bundle)) => {
            let Unverified { log_entries, timestamps } = bundle.unverified();
            if log_entries + timestamps > 0 {
                time = format!(
                    "{log_entries} log entries and {timestamps} timestamps are in the bundle; beside a key none is verified"
                );
            }
            if bundle.message().is_ok() {
                unchecked.push(("purpose", "a signature over a file does not say what it was signed for"));
            } else {
                unchecked.push(("content", "what the statement says besides its type and files is the signer's word"));
            }
        }
        Some(Detached::Ssh(_)) | None => {}
    }
    let mut unchecked: Vec<_> = unchecked.into_iter().map(|(name, why)| (name, why.to_owned())).collect();
    unchecked.push(("time", time));
    unchecked
}

fn tell(signed: &Signed, events: &Events) {
    let send = |name: &str, outcome, why: String| events.send(Event::Check { name: name.into(), outcome, why });
    let refused = signed.refused.as_ref().map(ToString::to_string);
    match (signed.format, refused) {
        (None, why) => send("format", "failed", why.unwrap_or_default()),
        (Some(format), why) => {
            send("format", "passed", format.to_owned());
            send("signature", if why.is_some() { "failed" } else { "passed" }, why.unwrap_or_default());
        }
    }
    for (name, found) in &signed.steps {
        send(name, "passed", found.clone());
    }
    for (name, why) in &signed.unchecked {
        send(name, "not run", why.clone());
    }
}
