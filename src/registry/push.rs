//! Writing: blobs as they are read, documents by their digest.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use sealift_trust::Digest;

use super::answer::Refusal;
use super::error::RegistryError;
use super::line::{Ask, Line, Streamed};
use super::pull::salt;
use super::token::Scope;
use super::upload::{Reply, Step, Upload};
use super::{Pauses, Remote};
use crate::error::Failure;
use crate::host::http::{Bytes, HttpError, Method, Response, Url, redacted};
use crate::oci::{Descriptor, Document, Open, Repository, Sink, from_stream};

const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

/// Uploads that were opened where something could not be mounted, by digest.
pub(super) type Begun = Mutex<BTreeMap<Digest, Url>>;

impl Sink for Remote<'_> {
    fn has(&self, descriptor: &Descriptor) -> Result<bool, Failure> {
        Ok(self.is_there(descriptor)?)
    }

    fn put_blob(&self, descriptor: &Descriptor, open: &Open<'_>) -> Result<(), Failure> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&descriptor.digest);
        let mut blob = Outgoing {
            line: &self.line,
            scope: Scope::push(&self.line.repository),
            want: descriptor,
            open,
            upload: Upload::new(descriptor.size, begun),
            stream: None,
            renewed: false,
        };
        let mut pauses = Pauses::new(self.line.registry, salt(descriptor.digest));
        while blob.upload.step != Step::Done {
            match blob.step() {
                Ok(()) => {}
                Err(Stop::Failed(failure)) => return Err(failure),
                Err(Stop::Cut(error)) => {
                    pauses.after(error)?;
                    blob.upload.cut();
                }
            }
        }
        Ok(())
    }

    fn mount(&self, descriptor: &Descriptor, from: &Repository) -> Result<bool, Failure> {
        Ok(self.mounted(descriptor, from)?)
    }

    fn put_document(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Failure> {
        self.put_manifest(&descriptor.digest.to_string(), descriptor, bytes)?;
        // The registry's own list of referrers may not exist, or not be read by others: the tag is written as well.
        if let Some(subject) = Document::parse(bytes, &descriptor.media_type)?.subject() {
            self.refer(subject.digest, descriptor, bytes)?;
        }
        Ok(())
    }
}

impl Remote<'_> {
    fn mounted(&self, descriptor: &Descriptor, from: &Repository) -> Result<bool, RegistryError> {
        let line = &self.line;
        if from.host() != line.repository.host() {
            return Ok(false);
        }
        let mut url = line.url("blobs/uploads/")?;
        url.query_pairs_mut().append_pair("mount", &descriptor.digest.to_string()).append_pair("from", from.path());
        let ask = Ask::new(Method::Post, url, Scope::push(&line.repository).and_pull(from), &[]);
        let response = line.registry.retried(salt(descriptor.digest), || retryable(&ask.url, line.send(&ask)?))?;
        match response.status {
            201 => Ok(true),
            202 => {
                let at = line.location(&ask.url, &response)?;
                self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(descriptor.digest, at);
                Ok(false)
            }
            // Not there, not allowed there, or not known: then it is sent.
            400 | 403 | 404 | 405 => Ok(false),
            _ => Err(line.refusal(&ask.url, response, "")),
        }
    }

    /// Writes a document under a tag or its digest.
    pub(super) fn put_manifest(
        &self,
        reference: &str,
        descriptor: &Descriptor,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        let line = &self.line;
        let headers = [("content-type", descriptor.media_type.as_str())];
        let url = line.url(&format!("manifests/{reference}"))?;
        let mut ask = Ask::new(Method::Put, url, Scope::push(&line.repository), &headers);
        ask.body = Bytes::copy_from_slice(bytes);
        line.registry.retried(salt(descriptor.digest), || {
            let mut response = line.send(&ask)?;
            if response.status == 201 {
                return Ok(());
            }
            let refusal = Refusal::of(&mut response);
            if response.status == 400 && refusal.code.as_deref() == Some("DIGEST_INVALID") {
                return Err(line.other_digest(descriptor));
            }
            Err(refusal.into_error(&ask.url, &line.named("")))
        })
    }
}

/// An answer whose status another try may change is an error.
fn retryable(url: &Url, mut response: Response) -> Result<Response, RegistryError> {
    let error = match response.status {
        408 | 425 | 429 | 500 | 502 | 503 | 504 => Refusal::of(&mut response).into_error(url, ""),
        _ => return Ok(response),
    };
    Err(error)
}

impl Line<'_> {
    fn other_digest(&self, descriptor: &Descriptor) -> RegistryError {
        RegistryError::UploadDigest { host: self.endpoint.name.clone(), digest: descriptor.digest }
    }
}

/// Why an upload does not go on.
enum Stop {
    /// For good.
    Failed(Failure),
    /// Another try may go on.
    Cut(RegistryError),
}

impl From<RegistryError> for Stop {
    fn from(error: RegistryError) -> Self {
        match error {
            // What could not be read here is the reader's to explain.
            RegistryError::Http(HttpError::Source { url, source }) => {
                let otherwise = |source| RegistryError::from(HttpError::Source { url, source }).into();
                Self::Failed(from_stream(source, otherwise))
            }
            error if error.again().is_some() => Self::Cut(error),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A blob on its way there.
struct Outgoing<'a, 'o> {
    line: &'a Line<'a>,
    scope: Scope,
    want: &'a Descriptor,
    open: &'a Open<'o>,
    upload: Upload,
    /// The open stream and how much of it was read.
    stream: Option<(Box<dyn Read + Send + 'o>, u64)>,
    renewed: bool,
}

impl Outgoing<'_, '_> {
    fn step(&mut self) -> Result<(), Stop> {
        let line = self.line;
        let (url, response) = match self.upload.step.clone() {
            Step::Done => return Ok(()),
            Step::Begin => self.ask(Method::Post, line.url("blobs/uploads/")?)?,
            Step::Ask(at) => self.ask(Method::Get, at)?,
            Step::Finish(at) => self.ask(Method::Put, self.with_digest(at))?,
            Step::Whole(at) => match self.send(Method::Put, self.with_digest(at), 0, self.want.size, &[OCTETS])? {
                Some(answered) => answered,
                None => return Ok(()),
            },
            Step::Chunk(at, range) => {
                let content_range = format!("{}-{}", range.start, range.end - 1);
                let headers = [OCTETS, ("content-range", content_range.as_str())];
                match self.send(Method::Patch, at, range.start, range.end - range.start, &headers)? {
                    Some(answered) => answered,
                    None => return Ok(()),
                }
            }
        };
        Ok(self.answered(&url, response)?)
    }

    fn answered(&mut self, url: &Url, mut response: Response) -> Result<(), RegistryError> {
        let status = response.status;
        // A place elsewhere is refused at whichever step it comes, and before anything else is believed.
        let location = match response.header("location") {
            Some(_) if status < 300 && status != 201 => Some(self.line.location(url, &response)?),
            _ => None,
        };
        let range = response.header("range").map(str::to_owned);
        let chunk = response.header("oci-chunk-min-length").and_then(|text| text.parse().ok());
        match self.upload.answered(Reply { status, location, range, chunk }) {
            Ok(()) => Ok(()),
            Err(odd) => {
                if let Some(error) = odd.into_error(url) {
                    return Err(error);
                }
                let refusal = Refusal::of(&mut response);
                if status == 400 && refusal.code.as_deref() == Some("DIGEST_INVALID") {
                    return Err(self.line.other_digest(self.want));
                }
                Err(refusal.into_error(url, &self.line.named(format_args!("@{}", self.want.digest))))
            }
        }
    }

    fn ask(&self, method: Method, url: Url) -> Result<(Url, Response), RegistryError> {
        let ask = Ask::new(method, url, self.scope.clone(), &[]);
        let response = self.line.send(&ask)?;
        Ok((ask.url, response))
    }

    /// Sends a part of the blob; nothing when it has to be done again with another token.
    fn send(
        &mut self,
        method: Method,
        url: Url,
        start: u64,
        size: u64,
        headers: &[(&'static str, &str)],
    ) -> Result<Option<(Url, Response)>, Stop> {
        let (mut stream, at) = match self.stream.take() {
            Some((stream, at)) if at == start => (stream, at),
            _ => ((self.open)()?, 0),
        };
        let skipped = io::copy(&mut (&mut stream).take(start - at), &mut io::sink());
        skipped.map_err(|source| RegistryError::from(HttpError::Source { url: redacted(url.as_str()), source }))?;
        let ask = Ask::new(method, url, self.scope.clone(), headers);
        let mut counted = Counted { inner: &mut stream, done: start };
        let streamed = self.line.stream(&ask, &mut counted, size);
        let done = counted.done;
        match streamed? {
            Streamed::Answered(response) => {
                if done == start + size {
                    self.stream = Some((stream, done));
                }
                Ok(Some((ask.url, response)))
            }
            Streamed::Renewed if self.renewed => Err(self.line.unauthorized().into()),
            Streamed::Renewed => {
                self.renewed = true;
                self.upload.cut();
                Ok(None)
            }
        }
    }

    fn with_digest(&self, mut at: Url) -> Url {
        at.query_pairs_mut().append_pair("digest", &self.want.digest.to_string());
        at
    }
}

/// A stream that counts what was read of it.
struct Counted<R> {
    inner: R,
    done: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        Ok(count)
    }
}
