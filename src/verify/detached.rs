//! One file and a signature in a file of its own, whoever made them.

use std::io::Read;
use std::path::Path;

use sealift_trust::{Detached, DetachedError, Digest, Hasher, PublicKey};

use super::VerifyError;
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
    /// What a signature of this format does not say, and was not checked.
    pub unchecked: Vec<(&'static str, &'static str)>,
    /// Why it is refused, if it is.
    pub refused: Option<DetachedError>,
}

/// Judges a file by a signature and a key, in memory that does not grow with the file, and says what was not checked.
///
/// # Errors
/// Only when nothing can be judged: a file that is not there or cannot be read, interrupted.
pub fn verify_detached(
    host: &Host,
    file: &Path,
    signature: &Path,
    key: &PublicKey,
    events: &Events,
) -> Result<Signed, VerifyError> {
    let message = open(file)?;
    let signature_file = open(signature)?;
    let mut bytes = Vec::new();
    let cap = Detached::MAX_BYTES as u64;
    signature_file.file.take(cap + 1).read_to_end(&mut bytes).map_err(files::at("read", signature))?;
    let parsed = if bytes.len() as u64 > cap { Err(DetachedError::Unknown) } else { Detached::parse(&bytes, key) };
    let format = parsed.as_ref().ok().map(Detached::format);
    let mut verifier = parsed.as_ref().map_err(Clone::clone).and_then(|parsed| parsed.verifier(key));
    let mut hasher = Hasher::new();
    let interrupted = pieces(&message.file, file, &mut |piece| {
        hasher.update(piece);
        if let Ok(verifier) = &mut verifier {
            verifier.update(piece);
        }
        host.children.stopped()
    })?;
    if interrupted {
        return Err(VerifyError::Interrupted);
    }
    let refused = verifier.and_then(sealift_trust::detached::DetachedVerifier::finish).err();
    let comment = match &parsed {
        Ok(Detached::Minisign(signature)) if refused.is_none() => Some(signature.trusted_comment().to_owned()),
        _ => None,
    };
    let (digest, size) = hasher.finish();
    let signed = Signed { digest, size, format, comment, unchecked: unchecked(parsed.as_ref().ok()), refused };
    tell(&signed, events);
    Ok(signed)
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

/// What no detached signature says, and what some do.
fn unchecked(signature: Option<&Detached>) -> Vec<(&'static str, &'static str)> {
    let mut unchecked = vec![
        ("release", "a signature over one file says nothing of its product, version, channel or of other files"),
        ("signer", "whose the key is, and whether it is still trusted, is not in it"),
        ("time", "no timestamp and no transparency log was asked: when it was signed is unknown"),
    ];
    match signature {
        Some(Detached::Raw(_) | Detached::RawBase64(_)) => {
            unchecked.push(("purpose", "bare bytes do not say what they were signed for"));
        }
        Some(Detached::Minisign(_)) => {
            unchecked.push(("purpose", "the trusted comment is the signer's word; nothing here reads it"));
        }
        Some(Detached::Ssh(_)) | None => {}
    }
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
    for (name, why) in &signed.unchecked {
        send(name, "not run", (*why).to_owned());
    }
}
