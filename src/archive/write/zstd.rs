//! One Zstandard frame (RFC 8878) with content size and checksum.

use std::io::{self, Write};

use super::{BLOCK, Packer};
use crate::archive::ArchiveError;

/// Compresses exactly `size` bytes that `body` writes. One thread, since the output of several depends on their
/// scheduling; up to level 19 the window stays within the 8 MiB that every decoder supports (RFC 8878 §3.1.1.1.2).
pub(super) fn compress<T>(
    level: u8,
    size: u64,
    out: &mut dyn Write,
    body: impl FnOnce(&mut dyn Packer) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let encoder = start(level, size, out).map_err(ArchiveError::Write)?;
    let mut blocks = Blocks { encoder, block: Vec::with_capacity(BLOCK) };
    let value = body(&mut blocks)?;
    blocks.finish().map_err(ArchiveError::Write)?;
    Ok(value)
}

fn start(level: u8, size: u64, out: &mut dyn Write) -> io::Result<Encoder<'_>> {
    let mut encoder = zstd::stream::write::Encoder::new(out, i32::from(level))?;
    encoder.include_checksum(true)?;
    encoder.include_contentsize(true)?;
    encoder.set_pledged_src_size(Some(size))?;
    Ok(encoder)
}

type Encoder<'a> = zstd::stream::write::Encoder<'static, &'a mut dyn Write>;

/// Feeds the encoder in fixed blocks.
struct Blocks<'a> {
    encoder: Encoder<'a>,
    block: Vec<u8>,
}

impl Blocks<'_> {
    fn feed(&mut self) -> io::Result<()> {
        self.encoder.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.feed()?;
        self.encoder.finish().map(drop)
    }
}

impl Write for Blocks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.feed()?;
        }
        let taken = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Packer for Blocks<'_> {}
