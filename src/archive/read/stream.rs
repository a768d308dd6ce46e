//! From a file to the tar in it: counted, measured, with an end.

use std::io::{self, BufRead, BufReader, Read, SeekFrom};

use flate2::bufread::GzDecoder;
use sealift_trust::Hasher;

use super::ReadSeek;
use super::limits::Limits;
use crate::archive::ArchiveError;
use crate::artifact::Artifact;

/// Goes through the tar in one gzip member (RFC 1952), which must be all of the file.
pub(super) fn gzip(
    source: Box<dyn ReadSeek>,
    limits: &Limits,
    walk: impl FnOnce(&mut dyn Read) -> Result<(), ArchiveError>,
) -> Result<Artifact, ArchiveError> {
    let mut metered = Metered { decoder: GzDecoder::new(Source::new(source)), unpacked: 0, limits };
    walk(&mut metered)?;
    metered.decoder.into_inner().end("the gzip member")
}

/// Goes through the tar in one Zstandard frame (RFC 8878), which must be all of the file.
pub(super) fn zstd(
    mut source: Box<dyn ReadSeek>,
    limits: &Limits,
    walk: impl FnOnce(&mut dyn Read) -> Result<(), ArchiveError>,
) -> Result<Artifact, ArchiveError> {
    let window = window(&mut *source)?;
    let cap = 1u64.checked_shl(limits.window_log).unwrap_or(u64::MAX);
    if window > cap {
        return Err(ArchiveError::Window { window, cap });
    }
    let within = |error| ArchiveError::from_stream(error, "the Zstandard frame");
    let mut decoder = zstd::stream::read::Decoder::with_buffer(Source::new(source)).map_err(within)?.single_frame();
    decoder.window_log_max(limits.window_log).map_err(within)?;
    let mut metered = Metered { decoder, unpacked: 0, limits };
    walk(&mut metered)?;
    metered.decoder.finish().end("the Zstandard frame")
}

/// The window that a frame's header asks for, in bytes (RFC 8878 §3.1.1.1). Leaves the source at its start.
fn window(source: &mut dyn ReadSeek) -> Result<u64, ArchiveError> {
    let mut header = Vec::new();
    Read::take(&mut *source, 14).read_to_end(&mut header).map_err(ArchiveError::Read)?;
    source.seek(SeekFrom::Start(0)).map_err(ArchiveError::Read)?;
    let broken = || ArchiveError::Corrupt {
        within: "the Zstandard frame's header".to_owned(),
        source: io::ErrorKind::InvalidData.into(),
    };
    let rest = header.strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd]).ok_or_else(broken)?;
    let (descriptor, rest) = rest.split_first().ok_or_else(broken)?;
    if descriptor & 0b10_0000 == 0 {
        let window = rest.first().ok_or_else(broken)?;
        let base = 1u64 << (10 + (window >> 3));
        return Ok(base + base / 8 * u64::from(window & 7));
    }
    // A single segment: the window is the content's size.
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let (length, offset) = [(1, 0), (2, 256), (4, 0), (8, 0)][usize::from(descriptor >> 6)];
    let field = rest.get(dictionary..dictionary + length).ok_or_else(broken)?;
    Ok(field.iter().rev().fold(0u64, |size, byte| size << 8 | u64::from(*byte)).saturating_add(offset))
}

/// The archive's own bytes: measured and counted as they are consumed. Its errors hold an [`ArchiveError::Read`].
pub(super) struct Source {
    inner: BufReader<Box<dyn ReadSeek>>,
    hasher: Hasher,
    consumed: u64,
}

impl Source {
    pub(super) fn new(source: Box<dyn ReadSeek>) -> Self {
        Self { inner: BufReader::with_capacity(64 * 1024, source), hasher: Hasher::new(), consumed: 0 }
    }

    /// How many bytes were consumed: where in the file the next one is.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Measures what was consumed, with bytes after it that were read before.
    pub(super) fn end_with(mut self, tail: &[u8]) -> Artifact {
        self.hasher.update(tail);
        self.hasher.into()
    }

    /// Measures what was consumed, which must be everything.
    fn end(mut self, what: &'static str) -> Result<Artifact, ArchiveError> {
        let rest = self.fill_buf().map_err(|error| ArchiveError::from_stream(error, what))?;
        if rest.is_empty() { Ok(self.hasher.into()) } else { Err(ArchiveError::Trailing { what }) }
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.inner.buffer().is_empty() {
            match self.inner.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::other(ArchiveError::Read(error))),
            }
        }
        Ok(self.inner.buffer())
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.inner.buffer().len());
        self.hasher.update(&self.inner.buffer()[..amount]);
        self.consumed += amount as u64;
        self.inner.consume(amount);
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

/// A decoder that says how much it took in.
trait Decoder: Read {
    fn source(&self) -> &Source;
}

impl Decoder for GzDecoder<Source> {
    fn source(&self) -> &Source {
        self.get_ref()
    }
}

impl Decoder for zstd::stream::read::Decoder<'_, Source> {
    fn source(&self) -> &Source {
        self.get_ref()
    }
}

/// Caps what comes out, in all and for each byte that went in.
struct Metered<'a, D> {
    decoder: D,
    unpacked: u64,
    limits: &'a Limits,
}

impl<D: Decoder> Read for Metered<'_, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buffer)?;
        self.unpacked += n as u64;
        let what = || "the archive".to_owned();
        if self.unpacked > self.limits.total_bytes {
            return Err(io::Error::other(ArchiveError::TooLarge { what: what(), cap: self.limits.total_bytes }));
        }
        if !self.limits.ratio_holds(self.decoder.source().consumed(), self.unpacked) {
            return Err(io::Error::other(ArchiveError::Ratio { what: what(), cap: self.limits.ratio }));
        }
        Ok(n)
    }
}
