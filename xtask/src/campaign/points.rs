//! The moments at which a run changes what is on disk, whoever follows it there.

use std::process::ExitStatus;

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Nothing: points are only listed.
    Never,
    /// SIGKILL before the n-th call is carried out, counted from 0.
    Kill(usize),
    /// The n-th call that makes something durable, counted from 0, is not carried out and answers EIO.
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
    /// The points that were reached, in order.
    pub points: Vec<Point>,
    /// Where it was struck.
    pub struck: Option<Point>,
    /// How it ended.
    pub status: ExitStatus,
}

/// Whether a descriptor leads to a file on disk, and is not where the program talks to its user.
pub fn is_file(descriptor: u64, target: &str) -> bool {
    descriptor > 2 && target.starts_with('/') && !target.starts_with("/dev/")
}

/// Whether a call makes something durable.
pub fn is_sync(call: &str) -> bool {
    matches!(call, "fsync" | "fdatasync" | "syncfs")
}
