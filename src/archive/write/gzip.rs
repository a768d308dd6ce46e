//! One gzip member, compressed block by block on several threads.
//!
//! Blocks are of fixed size and end at a byte, so they can be compressed apart and put one after the other (RFC 1951
//! §3.2, RFC 1952). How the input arrives and how many threads there are decides nothing about the bytes.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::BLOCK;
use super::deflate::{Deflater, Place};
use crate::archive::ArchiveError;

/// No name, no flags, MTIME 0 so that equal inputs give equal bytes, OS 255 "unknown" for the same reason
/// (RFC 1952 §2.3.1).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Compresses what `body` writes.
pub(super) fn compress<T>(
    level: u8,
    threads: NonZeroUsize,
    out: &mut dyn Write,
    body: impl FnOnce(&mut dyn Write) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let (jobs, queue) = sync_channel(threads.get());
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..threads.get() {
            let deflater = Deflater::new(level).map_err(ArchiveError::Write)?;
            let queue = &queue;
            scope.spawn(move || work(queue, deflater));
        }
        // The sender lives in `gzip`, which is dropped on every way out: that ends the workers.
        let mut gzip = Gzip::start(jobs, threads, out).map_err(ArchiveError::Write)?;
        let value = body(&mut gzip)?;
        gzip.finish().map_err(ArchiveError::Write)?;
        Ok(value)
    })
}

/// A block to compress.
struct Job {
    data: Vec<u8>,
    place: Place,
    done: SyncSender<io::Result<Deflated>>,
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

/// Cuts into blocks, gives them to the workers and puts their results out in order.
struct Gzip<'a> {
    out: &'a mut dyn Write,
    jobs: SyncSender<Job>,
    /// One per block in work, oldest first.
    waiting: VecDeque<Receiver<io::Result<Deflated>>>,
    most_waiting: usize,
    block: Vec<u8>,
    crc: crc32fast::Hasher,
    size: u64,
}

impl<'a> Gzip<'a> {
    fn start(jobs: SyncSender<Job>, threads: NonZeroUsize, out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        Ok(Self {
            out,
            jobs,
            waiting: VecDeque::new(),
            most_waiting: threads.get().saturating_mul(2),
            block: Vec::with_capacity(BLOCK),
            crc: crc32fast::Hasher::new(),
            size: 0,
        })
    }

    fn dispatch(&mut self, place: Place) -> io::Result<()> {
        let data = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        self.size += data.len() as u64;
        let (done, result) = sync_channel(1);
        self.jobs.send(Job { data, place, done }).map_err(|_| stopped())?;
        self.waiting.push_back(result);
        while self.waiting.len() > self.most_waiting {
            self.put_oldest()?;
        }
        Ok(())
    }

    fn put_oldest(&mut self) -> io::Result<()> {
        let Some(oldest) = self.waiting.pop_front() else { return Ok(()) };
        let Deflated { bytes, crc } = oldest.recv().map_err(|_| stopped())??;
        self.crc.combine(&crc);
        self.out.write_all(&bytes)
    }

    fn finish(mut self) -> io::Result<()> {
        self.dispatch(Place::Last)?;
        while !self.waiting.is_empty() {
            self.put_oldest()?;
        }
        self.out.write_all(&self.crc.clone().finalize().to_le_bytes())?;
        // ISIZE is the size modulo 2^32 (RFC 1952 §2.3.1).
        self.out.write_all(&self.size.to_le_bytes()[..4])
    }
}

impl Write for Gzip<'_> {
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

fn stopped() -> io::Error {
    io::Error::other("a compressing thread stopped")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)] // gzip itself is asked what it thinks

    use std::io::Read;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;
    use crate::archive::tests::{golden_input, noise};

    fn gzip(data: &[u8], level: u8, threads: usize, cuts: &[usize]) -> Vec<u8> {
        let mut out = Vec::new();
        let threads = NonZeroUsize::new(threads).unwrap();
        compress(level, threads, &mut out, |writer| {
            let (mut rest, mut cuts) = (data, cuts.iter().cycle());
            while !rest.is_empty() {
                let cut = cuts.next().map_or(rest.len(), |cut| (*cut).clamp(1, rest.len()));
                writer.write_all(&rest[..cut]).map_err(ArchiveError::Write)?;
                rest = &rest[cut..];
            }
            Ok(())
        })
        .unwrap();
        out
    }

    fn gunzip(gzipped: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::bufread::GzDecoder::new(gzipped).read_to_end(&mut out).unwrap();
        out
    }

    fn program(args: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("gzip").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeder = thread::spawn(move || stdin.write_all(&input).unwrap());
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        assert!(output.status.success(), "gzip {args:?}");
        output.stdout
    }

    #[test]
    fn sizes_around_the_block_come_back() {
        let data = golden_input(2 * BLOCK + 1);
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1] {
            let gzipped = gzip(&data[..size], 6, 2, &[]);
            assert_eq!(gunzip(&gzipped), &data[..size], "{size}");
            assert_eq!(&gzipped[..10], &HEADER);
        }
        let random = noise(BLOCK + 70_000);
        assert_eq!(gunzip(&gzip(&random, 1, 1, &[])), random);
    }

    #[test]
    fn gzip_reads_it() {
        let data = golden_input(3 << 20);
        let gzipped = gzip(&data, 6, 2, &[]);
        program(&["-t"], &gzipped);
        assert_eq!(program(&["-dc"], &gzipped), data);
    }

    #[test]
    fn a_writer_that_fails_ends_the_threads() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let data = noise(12 << 20);
        let threads = NonZeroUsize::new(2).unwrap();
        let body = |writer: &mut dyn Write| writer.write_all(&data).map_err(ArchiveError::Write);
        assert!(matches!(
            compress(1, threads, &mut Full(2 << 20), body),
            Err(ArchiveError::Write(error)) if error.kind() == io::ErrorKind::StorageFull
        ));
    }

    /// Pieces of what archives are made of, up to a size.
    fn mixture(size: usize, kinds: &[u8]) -> Vec<u8> {
        let (noise, program) = (noise(1 << 16), golden_input(1 << 18));
        let mut out = Vec::with_capacity(size);
        for (i, kind) in kinds.iter().cycle().enumerate() {
            if out.len() >= size {
                break;
            }
            match kind % 4 {
                0 => (0..3000).for_each(|line| writeln!(out, "line {line} of text {i}").unwrap()),
                1 => out.extend_from_slice(&noise),
                2 => out.resize(out.len() + (1 << 17), 0),
                _ => out.extend_from_slice(&program),
            }
        }
        out.truncate(size);
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_mixture_comes_back_from_one_member(
            blocks in 0usize..4,
            edge in -3isize..=3,
            level in 1u8..=9,
            kinds in proptest::collection::vec(any::<u8>(), 1..8),
        ) {
            let data = mixture((blocks * BLOCK).saturating_add_signed(edge), &kinds);
            let gzipped = gzip(&data, level, 2, &[]);
            let mut decoder = flate2::bufread::GzDecoder::new(&gzipped[..]);
            let mut back = Vec::new();
            decoder.read_to_end(&mut back).unwrap();
            prop_assert!(back == data);
            prop_assert!(decoder.into_inner().is_empty(), "bytes after the member");
            program(&["-t"], &gzipped);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn threads_and_cuts_decide_nothing(
            size in 0usize..3 * BLOCK,
            level in 1u8..=9,
            threads in 1usize..5,
            cuts in proptest::collection::vec(1usize..300_000, 1..6),
        ) {
            let data = golden_input(size);
            prop_assert!(gzip(&data, level, threads, &cuts) == gzip(&data, level, 1, &[]));
        }
    }
}
