//! Streams that give nothing but the bytes they were asked for.

use std::io::{self, Read};

use sealift_trust::Hasher;

use super::{Descriptor, OciError, through_stream};
use crate::artifact::Artifact;

/// A blob's stream, cut at its size and compared with its digest.
///
/// The comparison is part of the read that would give the last byte: who has all the bytes has the right ones, also if
/// he never asks for the end. An error carries the failure ([`super::from_stream`]).
pub struct Checked<R> {
    inner: R,
    want: Descriptor,
    left: u64,
    hasher: Hasher,
    /// What the comparison gave, once it was made.
    outcome: Option<Result<(), OciError>>,
}

impl<R: Read> Checked<R> {
    /// Wraps a stream, at its start.
    pub fn new(inner: R, want: &Descriptor) -> Self {
        Self { inner, want: want.bare(), left: want.size, hasher: Hasher::new(), outcome: None }
    }

    /// Compares when all bytes are there, and says the same ever after.
    fn conclude(&mut self) -> io::Result<()> {
        let outcome = match &self.outcome {
            Some(outcome) => outcome.clone(),
            // One byte more is enough to know that there is more.
            None if fill(&mut self.inner, &mut [0])? > 0 => {
                Err(OciError::Endless { digest: self.want.digest, want: self.want.size })
            }
            None => self.want.check(Artifact::from(std::mem::take(&mut self.hasher))),
        };
        self.outcome = Some(outcome.clone());
        outcome.map_err(through_stream)
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return self.conclude().map(|()| 0);
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let n = self.inner.read(&mut buffer[..most])?;
        if n == 0 {
            let (digest, want) = (self.want.digest, self.want.size);
            return Err(through_stream(OciError::SizeMismatch { digest, want, found: want - self.left }));
        }
        self.left -= n as u64;
        self.hasher.update(&buffer[..n]);
        if self.left == 0 {
            self.conclude()?;
        }
        Ok(n)
    }
}

/// Reads once, whatever interrupts.
fn fill(inner: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match inner.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
