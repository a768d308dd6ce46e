//! Signatures of single files, beside each of them.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sealift_trust::message::{Pieces, Unread};
use sealift_trust::statement::{Artifact as Entry, ArtifactKind, NOTES, signature_of};
use sealift_trust::{Detached, FileName, KeyError, Message, Release, SignatureFormat};

use super::{AttestError, Contents, Purpose, Signing};
use crate::error::Fault;
use crate::host::files::{self, FileError};

/// The signatures of every file of a release, in every format. What was decided here is at hand; everything else lies
/// where `stored` says, and is read piece by piece, so that its size does not matter.
pub(super) fn signatures(
    release: &Release,
    contents: &Contents<'_>,
    signing: &Signing<'_>,
    stored: &dyn Fn(&FileName) -> PathBuf,
) -> Result<Vec<(FileName, Vec<u8>)>, AttestError> {
    let mut signatures = Vec::new();
    for (name, entry) in release.files() {
        if let Some(decided) = contents.decided(name, entry) {
            signatures.append(&mut of(name, &Message::of(decided), release, signing)?);
            continue;
        }
        let path = stored(name);
        let file = Arc::new(Reread { path: path.clone(), failed: Mutex::default() });
        let message = Message::measured(entry.digest, entry.size, file.clone());
        match of(name, &message, release, signing) {
            Ok(mut made) => signatures.append(&mut made),
            Err(error) => return Err(file.instead_of(error)),
        }
    }
    Ok(signatures)
}

impl<'a> Contents<'a> {
    /// The bytes of a file that lies nowhere yet.
    fn decided(&self, name: &FileName, entry: &Entry) -> Option<&'a [u8]> {
        let notes = self.notes.filter(|_| name.as_str() == NOTES).map(str::as_bytes);
        notes.or(self.openvex.filter(|_| entry.kind == ArtifactKind::Vex))
    }
}

/// The signatures of one file.
fn of(
    name: &FileName,
    message: &Message<'_>,
    release: &Release,
    signing: &Signing<'_>,
) -> Result<Vec<(FileName, Vec<u8>)>, AttestError> {
    let (comment, key) = (release.trusted_comment(name.as_str()), signing.signer.public());
    let sign = |message: &Message<'_>| signing.signer.sign(message, Purpose::Artifact);
    let one = |format: &SignatureFormat| {
        let signature = Detached::sign_with(*format, (message, &comment), &key, sign);
        let source = |source| AttestError::Unsigned { name: name.clone(), format: format.name(), source };
        Ok((signature_of(name.as_str(), *format).parse()?, signature.map_err(source)?))
    };
    signing.formats.iter().map(one).collect()
}

/// A file where it lies now. It is opened each time: nothing is held of it but its name.
struct Reread {
    path: PathBuf,
    /// Why it could not be read.
    failed: Mutex<Option<FileError>>,
}

impl Pieces for Reread {
    fn each(&self, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Unread> {
        files::pieces(&self.path, take).map_err(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Unread
        })
    }
}

impl Reread {
    /// What was wrong with the file, where that is why there is no signature.
    fn instead_of(&self, error: AttestError) -> AttestError {
        let AttestError::Unsigned { source, .. } = &error else { return error };
        if source.code() != KeyError::MessageChanged.code() {
            return error;
        }
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(failed) => failed.into(),
            None => AttestError::Changed { path: self.path.display().to_string() },
        }
    }
}
