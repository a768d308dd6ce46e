//! Archives: reproducible writers and safe readers for `tar.gz`, `tar.zst` and `zip`.
//!
//! Writing: the same members, modification time and [`Codec`] give the same bytes on every machine, for any number of
//! threads and any way the members' readers cut their data. Reading: [`list`] goes through a whole archive before
//! anything is written and refuses it whole; [`extract`] goes through it again and refuses what is not as listed
//! (invariant 9 in `src/lib.rs`). Nothing here opens a file: the caller gives readers and takes bytes.

mod codec;
mod error;
mod path;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use codec::{Codec, Format};
pub use error::ArchiveError;
pub use path::{MemberPath, PathFault};
pub use read::limits::{Folders, Limits, Links, Names};
pub use read::listing::{Entry, EntryKind, Listing};
pub use read::{Open, ReadSeek, Sink, extract, list};
pub use write::{
    Attributes, Content, Held, LayerBody, LayerEntry, LayerWritten, Member, Opener, Precompressed, Recipe, Written,
    precompress, write, write_layer,
};

/// What of a file's permissions an archive keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Mode {
    /// 0644: read by all, written by the owner.
    Plain,
    /// 0755: the same, and run by all.
    Executable,
}

impl Mode {
    /// The permission bits.
    pub fn bits(self) -> u32 {
        match self {
            Mode::Plain => 0o644,
            Mode::Executable => 0o755,
        }
    }

    /// The class of foreign permission bits: executable when the owner may run it.
    pub fn of_bits(bits: u32) -> Self {
        if bits & 0o100 == 0 { Mode::Plain } else { Mode::Executable }
    }
}
