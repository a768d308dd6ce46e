//! What strangers' bytes meet first, each as a function that a fuzzer calls.
//!
//! A target reads its bytes as the program does and checks the laws that hold for whatever was accepted; it panics where
//! one is broken. `cargo xtask campaign fuzz` runs them under libFuzzer. Here they are ordinary functions, so that the
//! suite runs each on its seeds, and on every input that once broke one (`tests/vectors/fuzz/`).

// A target is a test: it reads files of the repository, and breaks off where a law does not hold.
#![allow(clippy::disallowed_methods)]

mod executable;
mod go;
mod keys;
mod programs;
mod signed;
mod vulnerabilities;

use std::path::{Path, PathBuf};

/// One kind of input.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its word on the command line.
    pub name: &'static str,
    /// Reads an input; panics where a law is broken.
    pub run: fn(&[u8]),
    /// Inputs to begin with: good ones, and some that are nearly good.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words that mutation alone would take long to find.
    pub words: &'static [&'static [u8]],
    /// The longest seed, in bytes, and so the longest input that libFuzzer makes.
    pub longest: usize,
}

impl Target {
    /// The seeds that are no longer than what is tried.
    pub fn inputs(&self) -> Vec<Vec<u8>> {
        (self.seeds)().into_iter().filter(|seed| seed.len() <= self.longest).collect()
    }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "envelope",
        run: signed::envelope,
        seeds: signed::envelopes,
        words: signed::WORDS,
        longest: 16 << 10,
    },
    Target {
        name: "statement",
        run: signed::statement,
        seeds: signed::statements,
        words: signed::WORDS,
        longest: 64 << 10,
    },
    Target { name: "json", run: signed::json, seeds: signed::documents, words: signed::WORDS, longest: 16 << 10 },
    Target { name: "key", run: keys::key, seeds: keys::key_files, words: keys::WORDS, longest: 16 << 10 },
    Target { name: "minisign", run: keys::minisign, seeds: keys::minisigns, words: keys::WORDS, longest: 16 << 10 },
    Target { name: "ssh", run: keys::ssh, seeds: keys::sshs, words: keys::WORDS, longest: 12 << 10 },
    Target { name: "bundle", run: signed::bundle, seeds: signed::bundles, words: signed::WORDS, longest: 16 << 10 },
    Target { name: "elf", run: programs::program, seeds: executable::elves, words: programs::WORDS, longest: 16 << 10 },
    Target { name: "pe", run: programs::program, seeds: executable::pes, words: programs::WORDS, longest: 16 << 10 },
    Target {
        name: "mach-o",
        run: programs::program,
        seeds: executable::mach_os,
        words: programs::WORDS,
        longest: 16 << 10,
    },
    Target {
        name: "build-info",
        run: programs::build_info,
        seeds: go::build_infos,
        words: programs::WORDS,
        longest: 64 << 10,
    },
    Target { name: "pclntab", run: programs::pclntab, seeds: go::tables, words: programs::WORDS, longest: 64 << 10 },
    Target {
        name: "osv",
        run: vulnerabilities::osv,
        seeds: vulnerabilities::records,
        words: vulnerabilities::WORDS,
        longest: 32 << 10,
    },
    Target {
        name: "vex",
        run: vulnerabilities::vex,
        seeds: vulnerabilities::documents,
        words: vulnerabilities::WORDS,
        longest: 32 << 10,
    },
];

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The folder with test vectors.
fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

/// The values of one member of all the vectors of a folder below `tests/vectors/verify`.
fn of_vectors(folder: &str, member: &str) -> Vec<Vec<u8>> {
    let folder = vectors().join("verify").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("vectors").map(|entry| entry.expect("a vector").path()).collect();
    paths.sort();
    let member = |path: &PathBuf| {
        let vector: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        Some(vector.get(member)?.as_str()?.as_bytes().to_vec())
    };
    paths.iter().filter_map(member).collect()
}

#[cfg(test)]
mod tests;
