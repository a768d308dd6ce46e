//! The place of the tracer on systems that it does not know: it says so.

use std::io;
use std::process::{Command, ExitStatus};

/// What would happen at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Nothing.
    Never,
    /// SIGKILL.
    Kill(usize),
    /// EIO.
    FailSync(usize),
}

/// A system call that changes what is on disk.
#[derive(Clone, Debug)]
pub struct Point {
    /// The call.
    pub call: &'static str,
    /// The file or folder.
    pub path: String,
}

/// How a traced run went.
pub struct Traced {
    /// The points that were reached.
    pub points: Vec<Point>,
    /// Where it was struck.
    pub struck: Option<Point>,
    /// How it ended.
    pub status: ExitStatus,
}

/// Whether this machine can trace.
pub const AVAILABLE: bool = false;

/// No calls are known here.
pub fn calls() -> impl Iterator<Item = &'static str> {
    std::iter::empty()
}

/// Whether a descriptor leads to a file on disk, and is not where the program talks to its user.
pub fn is_file(descriptor: u64, target: &str) -> bool {
    descriptor > 2 && target.starts_with('/') && !target.starts_with("/dev/")
}

/// Whether a call makes something durable.
pub fn is_sync(call: &str) -> bool {
    call.ends_with("sync")
}

/// Says that it cannot.
pub fn run(_: &mut Command, _: Strike) -> io::Result<Traced> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "system calls are followed on Linux on x86-64 only"))
}
