//! The place of the tracer on systems that it does not know: it says so.

use std::io;
use std::process::Command;

pub use super::points::{Point, Strike, Traced, is_file, is_sync};

/// Whether this machine can trace.
pub const AVAILABLE: bool = false;

/// No calls are known here.
pub fn calls() -> impl Iterator<Item = &'static str> {
    std::iter::empty()
}

/// Says that it cannot.
pub fn run(_: &mut Command, _: Strike) -> io::Result<Traced> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "system calls are followed on Linux on x86-64 only"))
}
