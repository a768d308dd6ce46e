//! What holds for writers and readers together. Hostile archives are crafted byte by byte in `craft`.

mod craft;
mod hostile_tar;
mod hostile_zip;
mod programs;
mod reading;
mod writing;

use std::io::{self, Cursor, Read};

use super::*;
use crate::error::Fault;

/// A sink that keeps what it is given.
#[derive(Default, Debug, PartialEq, Eq)]
struct Memory(Vec<(String, Taken)>);

#[derive(Debug, PartialEq, Eq)]
enum Taken {
    File(Mode, Vec<u8>),
    Folder,
    Link(String),
}

impl Sink for Memory {
    fn folder(&mut self, entry: &Entry) -> io::Result<()> {
        self.0.push((entry.path.to_string(), Taken::Folder));
        Ok(())
    }

    fn file(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        self.0.push((entry.path.to_string(), Taken::File(entry.mode, bytes)));
        Ok(())
    }

    fn link(&mut self, entry: &Entry, target: &str) -> io::Result<()> {
        self.0.push((entry.path.to_string(), Taken::Link(target.to_owned())));
        Ok(())
    }
}

pub(super) fn listed(format: Format, bytes: &[u8], limits: &Limits) -> Result<Listing, ArchiveError> {
    list(format, &|| Ok(Box::new(Cursor::new(bytes.to_vec()))), limits)
}

/// Lists, then extracts, as every caller does.
fn take_out(format: Format, bytes: &[u8], limits: &Limits, sink: &mut Memory) -> Result<Listing, ArchiveError> {
    let listing = listed(format, bytes, limits)?;
    extract(&listing, &|| Ok(Box::new(Cursor::new(bytes.to_vec()))), sink)?;
    Ok(listing)
}

/// Asserts that an archive is refused by this code, as an input that is not what it should be, and that nothing of it
/// came out.
#[track_caller]
fn refused(format: Format, bytes: &[u8], limits: &Limits, code: &str) {
    let mut sink = Memory::default();
    let error = take_out(format, bytes, limits, &mut sink).expect_err("the archive is accepted");
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(error.kind().exit_code(), 11, "{error}");
    assert!(error.hint().is_some(), "{error}");
    assert!(!error.to_string().contains(|c: char| c.is_control()), "{error}");
    assert_eq!(sink, Memory::default(), "something came out");
}

/// A member with a content in memory, whose reader gives `piece` bytes at a time.
pub(super) fn member(path: &str, mode: Mode, content: &[u8], piece: usize) -> Member {
    struct Pieces(Cursor<Vec<u8>>, usize);
    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }
    let reader = Pieces(Cursor::new(content.to_vec()), piece.max(1));
    Member {
        path: MemberPath::new(path).unwrap(),
        mode,
        content: Content::new(content.len() as u64, Box::new(move || Ok(Box::new(reader)))),
    }
}

fn file(path: &str, content: &[u8]) -> Member {
    member(path, Mode::Plain, content, usize::MAX)
}

/// A moment in 2026, an odd second.
const MTIME: u64 = 1_795_000_001;

fn written(format: Format, members: Vec<Member>) -> (Vec<u8>, Written) {
    let mut out = Vec::new();
    let written = write(format.into(), MTIME, members, &mut out).unwrap();
    (out, written)
}

/// Bytes that nothing compresses, the same on every run (xorshift64*).
pub(super) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        out.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    out.truncate(size);
    out
}

/// Bytes that compress about as a program does, the same on every run.
pub(super) fn golden_input(size: usize) -> Vec<u8> {
    let words = noise(size / 4 + 64);
    let mut out = Vec::with_capacity(size + 64);
    for pair in words.chunks_exact(2) {
        if out.len() >= size {
            break;
        }
        let back = usize::from(pair[0]) * 37 + 40;
        let length = usize::from(pair[1] % 24);
        if pair[1] < 200 && out.len() > back {
            let from = out.len() - back;
            out.extend_from_within(from..from + length.min(back));
        }
        out.extend_from_slice(&[pair[0], pair[1] & 15]);
    }
    out.resize(size, 7);
    out
}
