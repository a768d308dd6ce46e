use std::io::Write;

use flate2::{Compression, Decompress, FlushDecompress, Status};
use libdeflater::{CompressionLvl, Compressor};
use proptest::prelude::*;

use super::*;
use crate::archive::tests::{golden_input, noise};

fn by_libdeflate(data: &[u8], level: i32) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
    let mut out = vec![0; compressor.deflate_compress_bound(data.len())];
    let size = compressor.deflate_compress(data, &mut out).unwrap();
    out.truncate(size);
    out
}

fn by_flate2(data: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// The content, when all of `stream` is one deflate stream.
fn inflated(stream: &[u8]) -> Option<Vec<u8>> {
    let mut state = Decompress::new(false);
    let mut out = Vec::new();
    loop {
        out.reserve(1 << 16);
        let (read, before) = (state.total_in(), out.len());
        let rest = &stream[usize::try_from(read).unwrap()..];
        match state.decompress_vec(rest, &mut out, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return (state.total_in() == stream.len() as u64).then_some(out),
            Ok(_) if state.total_in() > read || out.len() > before => {}
            _ => return None,
        }
    }
}

/// The type of the last block (RFC 1951 §3.2.3) and how many bits of the last byte are used, 1 to 8.
fn shape(stream: &[u8]) -> (u8, usize) {
    let Last { header, end } = Joiner::new().last(stream).unwrap();
    let kind = [1, 2].map(|bit| stream[(header + bit) / 8] >> ((header + bit) % 8) & 1);
    (kind[0] | kind[1] << 1, (end + 7) % 8 + 1)
}

#[track_caller]
fn joins(joiner: &mut Joiner, stream: &[u8], data: &[u8]) {
    let mut joined = stream.to_vec();
    joiner.open(&mut joined).unwrap();
    assert!(joined.len() <= stream.len() + Joiner::MOST_ADDED);
    assert!(inflated(&joined).is_none(), "the opened stream still ends");
    joined.extend(by_libdeflate(b"and more", 5));
    assert!(inflated(&joined).unwrap() == [data, b"and more"].concat());
}

#[test]
fn streams_with_last_blocks_of_every_kind_and_end_go_on() {
    let mut joiner = Joiner::new();
    let mut shapes = std::collections::BTreeSet::new();
    let (program, noise) = (golden_input(40_000), noise(70_000));
    for size in (0..40).chain((40..2000).step_by(67)).chain([40_000]) {
        for data in [&program[..size], &noise[..size], &vec![b'x'; size]] {
            for stream in [1, 5, 9, 12]
                .map(|level| by_libdeflate(data, level))
                .into_iter()
                .chain([0, 1, 6, 9].map(|level| by_flate2(data, level)))
            {
                shapes.insert(shape(&stream));
                joins(&mut joiner, &stream, data);
            }
        }
    }
    assert!(shapes.contains(&(0, 8)), "no stored block: {shapes:?}");
    for kind in [1, 2] {
        for used in 1..=8 {
            assert!(shapes.contains(&(kind, used)), "no block of type {kind} that ends at bit {used}: {shapes:?}");
        }
    }
}

#[test]
fn what_is_cut_off_or_goes_on_is_refused() {
    let mut joiner = Joiner::new();
    for data in [&b"short"[..], &golden_input(3000), &noise(300), &[0; 5000]] {
        let stream = by_libdeflate(data, 5);
        for size in 0..stream.len() {
            assert!(joiner.open(&mut stream[..size].to_vec()).is_err(), "{size} of {}", stream.len());
        }
        assert!(joiner.open(&mut [&stream[..], &[0]].concat()).is_err());
    }
}

#[test]
fn what_is_no_deflate_is_refused() {
    for (bytes, what) in [
        (&[0b111][..], "a block of type 3"),
        (&[1, 5, 0, 0, 0], "unclear length"),
        (&[1, 5, 0, 0xfa, 0xff, 1], "cut off"),
        // HLIT 31: 288 codes.
        (&[0b1111_1101, 0, 0, 0], "more symbols"),
        // The code lengths' own lengths are all 1.
        (&[0b0000_0101, 0b1110_0000, 0x93, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92], "more codes than bits"),
        // The length symbol 286 of the fixed code, 11000110.
        (&[0b0001_1011, 0b0000_0011, 0, 0], "no such length"),
    ] {
        let error = Joiner::new().open(&mut bytes.to_vec()).unwrap_err();
        assert!(error.to_string().contains(what), "{bytes:?}: {error}");
    }
}

proptest! {
    #[test]
    fn whatever_inflates_goes_on(
        size in 0usize..6000,
        level in 1i32..=12,
        hits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut stream = by_libdeflate(&golden_input(size), level);
        for (place, byte) in hits {
            let at = place.index(stream.len());
            stream[at] = byte;
        }
        match inflated(&stream) {
            Some(data) => joins(&mut Joiner::new(), &stream, &data),
            None => drop(Joiner::new().open(&mut stream)),
        }
    }

    #[test]
    fn no_bytes_break_the_joiner(mut bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let whole = inflated(&bytes).is_some();
        prop_assert!(Joiner::new().open(&mut bytes).is_ok() || !whole);
    }
}
