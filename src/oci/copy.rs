//! Copying: a document with all that it refers to, each blob once, children first.

use std::collections::BTreeSet;
use std::io::{self, Read};

use sealift_trust::Digest;

use super::walk::MAX_NESTING;
use super::{Descriptor, Document, OciError, Repository, Sink, Source, media};
use crate::error::Failure;
use crate::event::{Event, Events};
use crate::host::machine::parallel;

/// The most bytes of documents that are held until their blobs are there: an index of 40 platforms has 100 kB.
const MOST_DOCUMENTS: usize = 64 << 20;
/// How many bytes go by between two events.
const STEP: u64 = 1 << 20;

/// How to copy.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Whether signatures, SBOMs and whatever else is about a document come too.
    pub referrers: Referrers,
    /// How many blobs at a time.
    pub threads: usize,
    /// A repository of the target's registry that may have the blobs already.
    pub mount_from: Option<Repository>,
}

/// Whether what is about a document comes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrers {
    /// It comes too.
    Follow,
    /// It stays.
    Leave,
}

impl Default for Copy {
    fn default() -> Self {
        Self { referrers: Referrers::Leave, threads: 4, mount_from: None }
    }
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Copied {
    /// Documents that were sent.
    pub documents: u64,
    /// Blobs that were sent.
    pub blobs: u64,
    /// Bytes of these blobs.
    pub bytes: u64,
    /// Blobs that the target took from another repository of its own.
    pub mounted: u64,
    /// Documents and blobs that were there.
    pub skipped: u64,
}

/// Copies a document with everything it refers to. What the target has is not sent again: a document that is there has
/// its children there, because they go first.
///
/// # Errors
/// What source and sink say; `oci.nested`, `oci.too-large` for documents without end; `oci.referrer` when what was
/// listed as being about a document is not.
pub fn copy(
    root: &Descriptor,
    from: &dyn Source,
    to: &dyn Sink,
    options: &Copy,
    events: &Events,
) -> Result<Copied, Failure> {
    let mut plan = Plan {
        from,
        to,
        referrers: options.referrers,
        seen: BTreeSet::new(),
        documents: Vec::new(),
        bytes: 0,
        blobs: Vec::new(),
        copied: Copied::default(),
    };
    plan.document(root, None, 0)?;
    let Plan { documents, blobs, mut copied, .. } = plan;
    let threads = if to.is_ordered() { 1 } else { options.threads };
    let outcomes = parallel(&blobs, threads, |blob| send(blob, from, to, options.mount_from.as_ref(), events))?;
    for (blob, outcome) in blobs.iter().zip(outcomes) {
        match outcome {
            Sent::Whole => {
                copied.blobs += 1;
                copied.bytes += blob.size;
            }
            Sent::Mounted => copied.mounted += 1,
            Sent::Skipped => copied.skipped += 1,
        }
    }
    for (descriptor, bytes) in documents {
        to.put_document(&descriptor, &bytes)?;
        copied.documents += 1;
    }
    Ok(copied)
}

/// What is to be copied.
struct Plan<'a> {
    from: &'a dyn Source,
    to: &'a dyn Sink,
    referrers: Referrers,
    seen: BTreeSet<Digest>,
    /// Children first.
    documents: Vec<(Descriptor, Vec<u8>)>,
    bytes: usize,
    blobs: Vec<Descriptor>,
    copied: Copied,
}

impl Plan<'_> {
    /// Takes a document with its children, then what is about it.
    fn document(&mut self, descriptor: &Descriptor, about: Option<Digest>, nesting: usize) -> Result<(), Failure> {
        if nesting > MAX_NESTING {
            return Err(OciError::Nested { digest: descriptor.digest }.into());
        }
        if !self.seen.insert(descriptor.digest) {
            return Ok(());
        }
        let there = self.to.has(descriptor)?;
        self.copied.skipped += u64::from(there);
        if there && self.referrers == Referrers::Leave {
            return Ok(());
        }
        let bytes = self.from.document(descriptor)?;
        let document = Document::parse(&bytes, &descriptor.media_type)?;
        if let Some(subject) = about
            && document.subject().is_none_or(|found| found.digest != subject)
        {
            return Err(OciError::Referrer { digest: descriptor.digest, subject }.into());
        }
        for child in document.children() {
            if child.is_document() || media::DOCKER_SCHEMA1.contains(&child.media_type.as_str()) {
                self.document(child, None, nesting + 1)?;
            } else if !there && self.seen.insert(child.digest) {
                self.blobs.push(child.bare());
            }
        }
        if !there {
            self.bytes += bytes.len();
            if self.bytes > MOST_DOCUMENTS {
                let (what, found) = ("all documents together".to_owned(), self.bytes as u64);
                return Err(OciError::TooLarge { what, found, cap: MOST_DOCUMENTS as u64 }.into());
            }
            self.documents.push((descriptor.bare(), bytes));
        }
        if self.referrers == Referrers::Follow {
            for referrer in self.from.referrers(descriptor.digest)? {
                self.document(&referrer, Some(descriptor.digest), nesting + 1)?;
            }
        }
        Ok(())
    }
}

enum Sent {
    Whole,
    Mounted,
    Skipped,
}

fn send(
    blob: &Descriptor,
    from: &dyn Source,
    to: &dyn Sink,
    mount_from: Option<&Repository>,
    events: &Events,
) -> Result<Sent, Failure> {
    if to.has(blob)? {
        return Ok(Sent::Skipped);
    }
    if let Some(repository) = mount_from
        && to.mount(blob, repository)?
    {
        return Ok(Sent::Mounted);
    }
    let name = format!("{} {}", blob.noun(), blob.digest.short());
    to.put_blob(blob, &|| {
        let inner = from.blob(blob)?;
        Ok(Box::new(Told { inner, name: name.clone(), done: 0, told: 0, total: blob.size, events: events.clone() }))
    })?;
    Ok(Sent::Whole)
}

/// A stream that tells how far it is.
struct Told<'a> {
    inner: Box<dyn Read + Send + 'a>,
    name: String,
    done: u64,
    told: u64,
    total: u64,
    events: Events,
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.done += n as u64;
        if self.done - self.told >= STEP || (n > 0 && self.done == self.total) {
            self.told = self.done;
            let (name, done, total) = (self.name.clone(), self.done, self.total);
            self.events.send(Event::Transfer { name, done, total });
        }
        Ok(n)
    }
}
