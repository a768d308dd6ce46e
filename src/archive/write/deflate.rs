//! Deflate streams (RFC 1951), compressed block by block on several threads.
//!
//! Blocks are of fixed size and end at a byte, so they can be compressed apart and put one after the other. A large
//! content has blocks of its own, which are the same in whatever stream it stands. How the input arrives and how many
//! threads there are decides nothing about the bytes.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use libdeflater::{CompressionLvl, Compressor};

use super::join::Joiner;
use super::precompressed::Precompressed;
use super::{BLOCK, Packer};
use crate::archive::ArchiveError;

/// The threads that compress.
pub(super) struct Workers {
    level: u8,
    jobs: SyncSender<Job>,
    threads: NonZeroUsize,
}

/// Calls `body` with threads that compress for it. `level` is 1 to 9.
pub(super) fn on_threads<T>(
    level: u8,
    threads: NonZeroUsize,
    body: impl FnOnce(&Workers) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let (jobs, queue) = sync_channel(threads.get());
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        // They hold the sender and are dropped on every way out: that ends the threads.
        let workers = Workers { level, jobs, threads };
        for _ in 0..threads.get() {
            let deflater = Deflater::new(level).map_err(ArchiveError::Write)?;
            let queue = &queue;
            scope.spawn(move || work(queue, deflater));
        }
        body(&workers)
    })
}

/// A block to compress.
struct Job {
    data: Vec<u8>,
    place: Place,
    done: SyncSender<io::Result<Deflated>>,
}

/// Whether more blocks follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Inner,
    Last,
}

/// A compressed block.
struct Deflated {
    bytes: Vec<u8>,
    /// Of the uncompressed data.
    crc: crc32fast::Hasher,
}

fn work(queue: &Mutex<Receiver<Job>>, mut deflater: Deflater) {
    loop {
        // The lock is held while waiting: exactly one worker waits for the next job, the others for the lock.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { data, place, done }) = job else { return };
        let result = deflater.block(&data, place).map(|bytes| {
            let mut crc = crc32fast::Hasher::new();
            crc.update(&data);
            Deflated { bytes, crc }
        });
        // A writer that failed meanwhile no longer waits for this block.
        drop(done.send(result));
    }
}

/// Compresses blocks. libdeflate keeps nothing from one block to the next, so it is the same whose turn it is.
struct Deflater {
    compressor: Compressor,
    joiner: Joiner,
    /// Holds the compressed block until its size is known.
    room: Vec<u8>,
}

impl Deflater {
    /// `level` is 1 to 9.
    fn new(level: u8) -> io::Result<Self> {
        let level = CompressionLvl::new(level.into())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("libdeflate has no level {level}")))?;
        Ok(Self { compressor: Compressor::new(level), joiner: Joiner::new(), room: Vec::new() })
    }

    /// Compresses a block. The blocks of a stream, one after the other, are the stream.
    fn block(&mut self, data: &[u8], place: Place) -> io::Result<Vec<u8>> {
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

/// One stream: cuts what is written into blocks, gives them to the workers and puts their results out in order.
pub(super) struct Stream<'a> {
    out: &'a mut dyn Write,
    workers: &'a Workers,
    /// One per block in work, oldest first.
    waiting: VecDeque<Receiver<io::Result<Deflated>>>,
    block: Vec<u8>,
    crc: crc32fast::Hasher,
    size: u64,
    packed: u64,
}

/// What a stream holds.
pub(super) struct Total {
    /// CRC-32 of the uncompressed data.
    pub(super) crc: u32,
    /// Uncompressed size.
    pub(super) size: u64,
    /// Compressed size.
    pub(super) packed: u64,
}

impl<'a> Stream<'a> {
    pub(super) fn start(workers: &'a Workers, out: &'a mut dyn Write) -> Self {
        let (crc, block) = (crc32fast::Hasher::new(), Vec::with_capacity(BLOCK));
        Self { out, workers, waiting: VecDeque::new(), block, crc, size: 0, packed: 0 }
    }

    /// Ends the stream; one that is dropped before is none.
    pub(super) fn finish(mut self) -> io::Result<Total> {
        self.dispatch(Place::Last)?;
        self.put_all()?;
        Ok(self.total())
    }

    /// Ends the blocks, not the stream: others can follow.
    pub(super) fn finish_open(mut self) -> io::Result<Total> {
        self.part()?;
        self.put_all()?;
        Ok(self.total())
    }

    fn total(self) -> Total {
        Total { crc: self.crc.finalize(), size: self.size, packed: self.packed }
    }

    fn put_all(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            self.put_oldest()?;
        }
        Ok(())
    }

    fn dispatch(&mut self, place: Place) -> io::Result<()> {
        let next = Vec::with_capacity(if place == Place::Last { 0 } else { BLOCK });
        let data = std::mem::replace(&mut self.block, next);
        self.size += data.len() as u64;
        let (done, result) = sync_channel(1);
        self.workers.jobs.send(Job { data, place, done }).map_err(|_| stopped())?;
        self.waiting.push_back(result);
        while self.waiting.len() > self.workers.threads.get().saturating_mul(2) {
            self.put_oldest()?;
        }
        Ok(())
    }

    fn put_oldest(&mut self) -> io::Result<()> {
        let Some(oldest) = self.waiting.pop_front() else { return Ok(()) };
        let Deflated { bytes, crc } = oldest.recv().map_err(|_| stopped())??;
        self.crc.combine(&crc);
        self.packed += bytes.len() as u64;
        self.out.write_all(&bytes)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full block waits for the next byte, because the last block must be known as the last one.
        if self.block.len() == BLOCK && !bytes.is_empty() {
            self.dispatch(Place::Inner)?;
        }
        let taken = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Packer for Stream<'_> {
    fn part(&mut self) -> io::Result<()> {
        if self.block.is_empty() { Ok(()) } else { self.dispatch(Place::Inner) }
    }

    fn accepts(&self, content: &Precompressed) -> bool {
        content.level == self.workers.level
    }

    fn take(&mut self, content: &Precompressed, blocks: &mut dyn Read) -> io::Result<()> {
        self.part()?;
        self.put_all()?;
        let copied = io::copy(&mut blocks.take(content.packed), &mut self.out)?;
        if copied < content.packed {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let size = content.artifact.size();
        self.crc.combine(&crc32fast::Hasher::new_with_initial_len(content.crc, size));
        self.size += size;
        self.packed += content.packed;
        Ok(())
    }
}

fn stopped() -> io::Error {
    io::Error::other("a compressing thread stopped")
}
