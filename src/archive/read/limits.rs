//! How much an archive may hold, and of what kind.

/// What a reader accepts. There is no default: each use says what it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most entries.
    pub entries: u64,
    /// The most bytes of one entry's content.
    pub entry_bytes: u64,
    /// The most bytes in all, decompressed; for tar with headers.
    pub total_bytes: u64,
    /// How many times larger the decompressed data may be. The first [`Limits::FREE`] bytes are not counted: a small
    /// file of zeros is no bomb.
    pub ratio: u32,
    /// The longest name in bytes.
    pub path_bytes: usize,
    /// The largest Zstandard window, as a power of two: 27 is 128 MiB.
    pub window_log: u32,
    /// Whether entries may be folders.
    pub folders: Folders,
    /// Whether entries may be symbolic links.
    pub links: Links,
    /// Which systems must be able to have files of these names.
    pub names: Names,
}

/// Folder entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folders {
    /// Refused; folders come into being by the files in them.
    Refuse,
    /// Accepted.
    Accept,
}

/// Symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Refused.
    Refuse,
    /// Accepted when relative, inside, and never passed through by another entry.
    Inside,
}

/// Rules for names beyond the ones that always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// None.
    Posix,
    /// Also no device names, trailing dots and spaces, or special characters of Windows.
    Windows,
}

impl Limits {
    /// The bytes that the ratio does not count.
    pub const FREE: u64 = 4 << 20;

    /// For archives that sealift wrote: regular files only.
    pub fn release() -> Self {
        Self {
            entries: 10_000,
            entry_bytes: 4 << 30,
            total_bytes: 8 << 30,
            ratio: 200,
            path_bytes: 1024,
            window_log: 23,
            folders: Folders::Refuse,
            links: Links::Refuse,
            names: Names::Posix,
        }
    }

    /// For Go module zips, toolchains among them (go.dev/ref/mod, "Module zip files": no links, no folders that
    /// matter; a toolchain's has more than 11,000 files and 215 MB).
    pub fn go_module() -> Self {
        Self {
            entries: 100_000,
            entry_bytes: 1 << 30,
            total_bytes: 2 << 30,
            folders: Folders::Accept,
            ..Self::release()
        }
    }

    /// For archives that others made: folders, and links that stay inside.
    pub fn foreign() -> Self {
        Self { entries: 100_000, window_log: 27, folders: Folders::Accept, links: Links::Inside, ..Self::release() }
    }

    /// Whether so many bytes may come out of so many.
    pub(super) fn ratio_holds(&self, packed: u64, unpacked: u64) -> bool {
        unpacked <= Self::FREE.saturating_add(packed.saturating_mul(u64::from(self.ratio)))
    }
}
