//! Reading: documents whole and measured, blobs as streams that go on after a cut.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use sealift_trust::Digest;

use super::error::RegistryError;
use super::line::{Ask, Line};
use super::token::Scope;
use super::{Pauses, Remote};
use crate::artifact::Artifact;
use crate::error::Failure;
use crate::host::http::{HttpError, Incoming, Method, Response, Url, redacted};
use crate::oci::{Checked, Descriptor, Document, MAX_DOCUMENT, OciError, media, through_stream};

/// All documents that are kept of one repository, in bytes.
const KEPT: usize = 16 << 20;
/// Bytes after which a transfer that broke may break as often again.
const PROGRESS: u64 = 1 << 20;

/// Documents that were read, by digest.
#[derive(Default)]
pub(super) struct Documents(Mutex<BTreeMap<Digest, (String, Vec<u8>)>>);

impl Documents {
    fn get(&self, digest: Digest) -> Option<(String, Vec<u8>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned()
    }

    fn keep(&self, digest: Digest, media_type: &str, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.values().map(|(_, bytes)| bytes.len()).sum::<usize>() + bytes.len() > KEPT {
            kept.clear();
        }
        kept.insert(digest, (media_type.to_owned(), bytes.to_vec()));
    }
}

impl Remote<'_> {
    /// Reads a document by its digest.
    pub(super) fn read_document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        let kept = self.documents.get(descriptor.digest);
        let (media_type, bytes) = match kept {
            Some(kept) => kept,
            None => {
                let most = descriptor.size.min(MAX_DOCUMENT);
                let what = self.line.named(format_args!("@{}", descriptor.digest));
                self.line.manifest(&descriptor.digest.to_string(), &what, most)?
            }
        };
        descriptor.check(Artifact::of(&bytes))?;
        if media_type != descriptor.media_type {
            let url = self.line.named(format_args!("@{}", descriptor.digest));
            return Err(RegistryError::MediaType { url, want: descriptor.media_type.clone(), found: media_type });
        }
        Document::parse(&bytes, &media_type)?;
        self.documents.keep(descriptor.digest, &media_type, &bytes);
        Ok(bytes)
    }

    /// Reads what a tag or digest stands for now, and measures it. It is kept: what comes next asks for this digest.
    pub(super) fn read_reference(&self, reference: &str, what: &str) -> Result<(Descriptor, Vec<u8>), RegistryError> {
        let (media_type, bytes) = self.line.manifest(reference, what, MAX_DOCUMENT)?;
        let document = Document::parse(&bytes, &media_type)?;
        let mut descriptor = Descriptor::of(&media_type, &bytes);
        // The type of an image's configuration says no more than the image's own.
        descriptor.artifact_type = match &document {
            Document::Manifest(manifest) if manifest.is_image() => None,
            document => document.artifact_type().map(str::to_owned),
        };
        self.documents.keep(descriptor.digest, &media_type, &bytes);
        Ok((descriptor, bytes))
    }

    /// Describes a document that is known by its digest alone. Errors: there is none, its bytes have another digest.
    pub fn describe(&self, digest: Digest) -> Result<Descriptor, Failure> {
        let (descriptor, _) = self.read_reference(&digest.to_string(), &self.line.named(format_args!("@{digest}")))?;
        if descriptor.digest != digest {
            return Err(OciError::DigestMismatch { want: digest, found: descriptor.digest }.into());
        }
        Ok(descriptor)
    }

    /// Whether a blob or document is there, with the size that is told.
    pub(super) fn is_there(&self, descriptor: &Descriptor) -> Result<bool, RegistryError> {
        let (path, headers): (_, &[_]) = match descriptor.is_document() {
            true => (format!("manifests/{}", descriptor.digest), &[("accept", descriptor.media_type.as_str())]),
            false => (format!("blobs/{}", descriptor.digest), &[]),
        };
        let (line, scope) = (&self.line, Scope::push(&self.line.repository));
        let first = line.url(&path)?;
        let (url, response) = line.registry.retried(salt(descriptor.digest), || {
            let ask = Ask::new(Method::Head, first.clone(), scope.clone(), headers);
            let (url, response) = line.follow(ask)?;
            match response.status {
                200 | 404 => Ok((url, response)),
                _ => Err(line.refusal(&url, response, "")),
            }
        })?;
        if response.status == 404 {
            return Ok(false);
        }
        match response.length() {
            // What is there is not what should be; saying that it is would leave the image broken.
            Some(found) if found != descriptor.size => {
                Err(RegistryError::Size { url: redacted(url.as_str()), want: descriptor.size, found })
            }
            _ => Ok(true),
        }
    }

    /// A blob as a stream.
    pub(super) fn stream(&self, descriptor: &Descriptor) -> Result<Checked<Blob<'_>>, RegistryError> {
        let digest = descriptor.digest;
        let mut blob = Blob {
            line: &self.line,
            url: self.line.url(&format!("blobs/{digest}"))?,
            want: descriptor.bare(),
            incoming: None,
            done: 0,
            pauses: Pauses::new(self.line.registry, salt(digest)),
            resumed_at: 0,
        };
        // Opened now, so that a blob that is not there is an error of this call.
        while blob.incoming.is_none() {
            if let Err(error) = blob.open() {
                blob.pauses.after(error)?;
            }
        }
        Ok(Checked::new(blob, descriptor))
    }
}

/// A number that spreads the tries of several transfers.
pub(super) fn salt(digest: Digest) -> u32 {
    u32::from(digest.bytes()[0])
}

impl Line<'_> {
    /// Reads a document of at most some bytes: its type as the registry says it, and its bytes.
    pub fn manifest(&self, reference: &str, what: &str, most: u64) -> Result<(String, Vec<u8>), RegistryError> {
        // One header: what stands between may keep only one of several.
        let types = [media::OCI_INDEX, media::OCI_MANIFEST, media::DOCKER_LIST, media::DOCKER_MANIFEST].join(", ");
        let accept = [("accept", types.as_str())];
        let url = self.url(&format!("manifests/{reference}"))?;
        self.registry.retried(0, || {
            let ask = Ask::new(Method::Get, url.clone(), Scope::pull(&self.repository), &accept);
            let (url, mut response) = self.follow(ask)?;
            if response.status != 200 {
                return Err(self.refusal(&url, response, what));
            }
            let kind = response.header("content-type").unwrap_or("").split(';').next().unwrap_or("");
            let kind = kind.trim().to_ascii_lowercase();
            if !media::is_document(&kind) && !media::DOCKER_SCHEMA1.contains(&kind.as_str()) {
                let kind: String = kind.chars().take(100).collect();
                let why = format!("its answer is {kind:?} and no document of an image");
                return Err(RegistryError::Answer { url: redacted(url.as_str()), why });
            }
            let bytes = response.read(most).map_err(|error| match error {
                // Longer than told is not what was asked for; nothing more of it is read.
                HttpError::TooLarge { cap, .. } if most < MAX_DOCUMENT => {
                    let found = response.length().unwrap_or(cap + 1);
                    RegistryError::Size { url: redacted(url.as_str()), want: cap, found }
                }
                HttpError::TooLarge { cap, .. } => {
                    let found = response.length().unwrap_or(cap + 1);
                    OciError::TooLarge { what: what.to_owned(), found, cap }.into()
                }
                other => other.into(),
            })?;
            Ok((kind, bytes))
        })
    }
}

/// A blob on its way here. A cut is mended by asking for the rest; [`Checked`] around it judges the whole.
pub(super) struct Blob<'r> {
    line: &'r Line<'r>,
    url: Url,
    want: Descriptor,
    incoming: Option<Incoming>,
    done: u64,
    pauses: Pauses<'r>,
    resumed_at: u64,
}

impl Blob<'_> {
    fn open(&mut self) -> Result<(), RegistryError> {
        let range = format!("bytes={}-", self.done);
        let headers: &[_] = if self.done > 0 { &[("range", range.as_str())] } else { &[] };
        let ask = Ask::new(Method::Get, self.url.clone(), Scope::pull(&self.line.repository), headers);
        let (url, response) = self.line.follow(ask)?;
        match response.status {
            200 => self.whole(&url, response),
            206 if self.done > 0 => self.rest(&url, response),
            416 if self.done > 0 => Err(self.range(&url, "status 416")),
            _ => {
                let what = self.line.named(format_args!("@{}", self.want.digest));
                Err(self.line.refusal(&url, response, &what))
            }
        }
    }

    fn whole(&mut self, url: &Url, response: Response) -> Result<(), RegistryError> {
        if let Some(found) = response.length().filter(|found| *found != self.want.size) {
            return Err(RegistryError::Size { url: redacted(url.as_str()), want: self.want.size, found });
        }
        let mut body = response.body;
        // A registry that knows no ranges begins again; what is there already is not read twice.
        let skipped = io::copy(&mut (&mut body).take(self.done), &mut io::sink()).map_err(taken_out)?;
        if skipped < self.done {
            return Err(self.range(url, "less than it sent before"));
        }
        self.incoming = Some(body);
        Ok(())
    }

    fn rest(&mut self, url: &Url, response: Response) -> Result<(), RegistryError> {
        let found = response.header("content-range").unwrap_or("").to_owned();
        let want = format!("bytes {}-{}", self.done, self.want.size - 1);
        let total = found.strip_prefix(&want).and_then(|rest| rest.strip_prefix('/'));
        if !total.is_some_and(|total| total == "*" || total == self.want.size.to_string()) {
            return Err(self.range(url, &found));
        }
        self.incoming = Some(response.body);
        Ok(())
    }

    fn range(&self, url: &Url, found: &str) -> RegistryError {
        let found: String = found.chars().take(100).collect();
        RegistryError::Range { url: redacted(url.as_str()), found: crate::sanitize::sanitize_line(&found).into_owned() }
    }

    /// Waits and forgets the broken connection. Errors: it broke too often.
    fn mend(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        self.incoming = None;
        if self.done - self.resumed_at >= PROGRESS {
            self.pauses.progressed();
        }
        self.resumed_at = self.done;
        self.pauses.after(error)
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(incoming) = &mut self.incoming else {
                if let Err(error) = self.open() {
                    self.mend(error).map_err(through_stream)?;
                }
                continue;
            };
            match incoming.read(buffer) {
                // The end comes too early where the length was not announced: that is a cut, too.
                Ok(0) if self.done < self.want.size && !buffer.is_empty() => {
                    let url = redacted(self.url.as_str());
                    let broken = HttpError::Broken { url, source: io::ErrorKind::UnexpectedEof.into() };
                    self.mend(broken.into()).map_err(through_stream)?;
                }
                Ok(count) => {
                    self.done += count as u64;
                    return Ok(count);
                }
                // Everything is there; how the connection ends afterwards says nothing about it.
                Err(_) if self.done >= self.want.size => return Ok(0),
                Err(error) => self.mend(taken_out(error)).map_err(through_stream)?,
            }
        }
    }
}

/// The error of a transfer that came through [`Read`].
fn taken_out(error: io::Error) -> RegistryError {
    match error.downcast::<HttpError>() {
        Ok(error) => error.into(),
        Err(source) => HttpError::Broken { url: "the transfer".into(), source }.into(),
    }
}
