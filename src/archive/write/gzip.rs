//! One gzip member (RFC 1952).

use std::io::Write;
use std::num::NonZeroUsize;

use super::Packer;
use super::deflate::{Stream, Total, on_threads};
use crate::archive::ArchiveError;

/// No name, no flags, MTIME 0 so that equal inputs give equal bytes, OS 255 "unknown" for the same reason
/// (RFC 1952 §2.3.1).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Compresses what `body` writes.
pub(super) fn compress<T>(
    level: u8,
    threads: NonZeroUsize,
    out: &mut dyn Write,
    body: impl FnOnce(&mut dyn Packer) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    on_threads(level, threads, |workers| {
        out.write_all(&HEADER).map_err(ArchiveError::Write)?;
        let mut stream = Stream::start(workers, out);
        let value = body(&mut stream)?;
        let Total { crc, size, .. } = stream.finish().map_err(ArchiveError::Write)?;
        // ISIZE is the size modulo 2^32 (RFC 1952 §2.3.1).
        let end = [crc.to_le_bytes(), (size as u32).to_le_bytes()].concat();
        out.write_all(&end).map_err(ArchiveError::Write)?;
        Ok(value)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "gzip itself is asked what it thinks")]

    use std::io::{self, Read};
    use std::process::{Command, Stdio};
    use std::thread;

    use proptest::prelude::*;

    use super::super::BLOCK;
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
        let body = |writer: &mut dyn Packer| writer.write_all(&data).map_err(ArchiveError::Write);
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
