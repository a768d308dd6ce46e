//! Deflate streams (RFC 1951) made of blocks that are compressed apart.

use std::io;

use libdeflater::{CompressionLvl, Compressor};

use super::join::Joiner;

/// Whether more blocks follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Inner,
    Last,
}

/// Compresses blocks. libdeflate keeps nothing from one block to the next, so it is the same whose turn it is.
pub(super) struct Deflater {
    compressor: Compressor,
    joiner: Joiner,
    /// Holds the compressed block until its size is known.
    room: Vec<u8>,
}

impl Deflater {
    /// `level` is 1 to 9.
    pub(super) fn new(level: u8) -> io::Result<Self> {
        let level = CompressionLvl::new(level.into())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("libdeflate has no level {level}")))?;
        Ok(Self { compressor: Compressor::new(level), joiner: Joiner::new(), room: Vec::new() })
    }

    /// Compresses a block. The blocks of a stream, one after the other, are the stream.
    pub(super) fn block(&mut self, data: &[u8], place: Place) -> io::Result<Vec<u8>> {
        let bound = self.compressor.deflate_compress_bound(data.len());
        if self.room.len() < bound {
            self.room.resize(bound, 0);
        }
        let size = self.compressor.deflate_compress(data, &mut self.room).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(size + Joiner::MOST_ADDED);
        bytes.extend_from_slice(&self.room[..size]);
        if place == Place::Inner {
            self.joiner.open(&mut bytes)?;
        }
        Ok(bytes)
    }
}
