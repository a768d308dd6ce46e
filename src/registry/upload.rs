//! The steps of an upload, without I/O: what is sent next, from what the registry answered so far (distribution-spec,
//! "Pushing blobs"). In one piece where the registry takes that, in chunks where it does not, and from where it was cut.

use std::ops::Range;

use super::error::RegistryError;
use crate::host::http::Url;

/// How much is sent in one chunk where a registry does not take everything at once.
const CHUNK: u64 = 32 << 20;
/// The largest chunk that a registry may ask for.
const MOST: u64 = 1 << 30;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask for a place.
    Begin,
    /// Send everything there and name the digest.
    Whole(Url),
    /// Ask how much has arrived.
    Ask(Url),
    /// Send these bytes.
    Chunk(Url, Range<u64>),
    /// Name the digest of what has arrived.
    Finish(Url),
    /// It is there.
    Done,
}

/// An upload on its way.
pub(super) struct Upload {
    size: u64,
    chunk: Option<u64>,
    restarted: bool,
    /// What comes next.
    pub step: Step,
}

/// What a registry answered, as far as it counts here. Places are those of the registry itself.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub status: u16,
    /// The place where the upload goes on.
    pub location: Option<Url>,
    /// `Range`: `0-<last byte that has arrived>`.
    pub range: Option<String>,
    /// `OCI-Chunk-Min-Length`.
    pub chunk: Option<u64>,
}

/// What to do with an answer that is none of those that an upload may get.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// It is an error by its status.
    Status,
    /// It contradicts itself or what was said before.
    Answer(&'static str),
    /// It speaks of bytes that were not sent.
    Range(String),
}

impl Upload {
    /// Begins, or goes on at a place that a refused mount has opened.
    pub fn new(size: u64, at: Option<Url>) -> Self {
        Self { size, chunk: None, restarted: false, step: at.map_or(Step::Begin, Step::Whole) }
    }

    /// Goes on after an answer to the present step.
    pub fn answered(&mut self, reply: Reply) -> Result<(), Odd> {
        let next = match (&self.step, reply.status) {
            (Step::Begin, 202) => {
                self.learn(reply.chunk);
                self.opened(reply.location.ok_or(Odd::Answer("it opens an upload without a place"))?)
            }
            // Already there, or mounted from where the registry found it.
            (Step::Begin | Step::Whole(_) | Step::Finish(_), 201) => Step::Done,
            // Not everything at once: too large for a proxy in front of it, or not implemented.
            (Step::Whole(_), 405 | 411 | 413 | 501) if self.chunk.is_none() => {
                self.chunk = Some(CHUNK);
                Step::Begin
            }
            (Step::Chunk(_, sent), 202) => {
                let sent = sent.clone();
                self.learn(reply.chunk);
                let there = received(reply.range.as_deref())?.unwrap_or(sent.end);
                if there < sent.start || there > sent.end {
                    return Err(Odd::Range(reply.range.unwrap_or_default()));
                }
                self.after(
                    reply.location.ok_or(Odd::Answer("it takes a chunk and names no place for the next"))?,
                    there,
                )
            }
            (Step::Ask(at), 200 | 202 | 204) => {
                let there = received(reply.range.as_deref())?.unwrap_or(0);
                if there > self.size {
                    return Err(Odd::Range(reply.range.unwrap_or_default()));
                }
                self.after(reply.location.unwrap_or_else(|| at.clone()), there)
            }
            // The session is gone, or it and we disagree about what has arrived: once from the start.
            (Step::Whole(_) | Step::Ask(_) | Step::Chunk(..) | Step::Finish(_), 404 | 416) if !self.restarted => {
                self.restarted = true;
                Step::Begin
            }
            (_, 200..300) => return Err(Odd::Answer("its status means nothing at this step of an upload")),
            _ => return Err(Odd::Status),
        };
        self.step = next;
        Ok(())
    }

    /// Goes on after a cut: what has arrived decides.
    pub fn cut(&mut self) {
        self.step = match std::mem::replace(&mut self.step, Step::Begin) {
            Step::Whole(at) | Step::Chunk(at, _) | Step::Finish(at) | Step::Ask(at) => Step::Ask(at),
            done_or_begin => done_or_begin,
        };
    }

    fn learn(&mut self, least: Option<u64>) {
        if let (Some(chunk), Some(least)) = (&mut self.chunk, least) {
            *chunk = (*chunk).max(least.min(MOST));
        }
    }

    fn opened(&self, at: Url) -> Step {
        if self.chunk.is_some() { self.after(at, 0) } else { Step::Whole(at) }
    }

    fn after(&self, at: Url, there: u64) -> Step {
        match self.chunk {
            _ if there == self.size => Step::Finish(at),
            None if there == 0 => Step::Whole(at),
            None => Step::Chunk(at, there..self.size),
            Some(chunk) => Step::Chunk(at, there..self.size.min(there.saturating_add(chunk))),
        }
    }
}

/// How many bytes have arrived. Registries write `0-0` both for one byte and for none; none is right far more often, and
/// where it is wrong the registry says so.
fn received(range: Option<&str>) -> Result<Option<u64>, Odd> {
    let Some(text) = range else { return Ok(None) };
    let odd = || Odd::Range(text.chars().take(100).collect());
    let last = text.trim().trim_start_matches("bytes=").strip_prefix("0-").ok_or_else(odd)?;
    let last: u64 = last.parse().map_err(|_| odd())?;
    Ok(Some(if last == 0 { 0 } else { last.checked_add(1).ok_or_else(odd)? }))
}

impl Odd {
    /// The error, for an address; a status is the caller's to explain.
    pub fn into_error(self, url: &Url) -> Option<RegistryError> {
        let url = crate::host::http::redacted(url.as_str());
        match self {
            Self::Status => None,
            Self::Answer(why) => Some(RegistryError::Answer { url, why: why.to_owned() }),
            Self::Range(found) => {
                let found = crate::sanitize::sanitize_line(&found).into_owned();
                Some(RegistryError::Range { url, found })
            }
        }
    }
}
