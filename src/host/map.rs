//! Files as memory: large ones are looked into without being read whole.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use super::files::FileError;
#[cfg(unix)]
use super::files::at;
use super::regular::Regular;

/// The bytes of a regular file. On Unix the system brings in those that are looked at, and takes them away again when
/// memory is short.
///
/// A file that somebody makes shorter meanwhile ends the process by a signal (`mmap(2)`, SIGBUS): nobody does that to the
/// store, and who does it to a file of his own stops his own command.
pub struct Mapped(Bytes);

#[cfg(unix)]
struct Bytes {
    start: *const u8,
    length: usize,
}

#[cfg(not(unix))]
struct Bytes(Vec<u8>);

// Nobody writes through the pointer, and the memory stays until the value goes.
#[cfg(unix)]
#[allow(unsafe_code)]
unsafe impl Send for Bytes {}
#[cfg(unix)]
#[allow(unsafe_code)]
unsafe impl Sync for Bytes {}

/// Maps an open file; `path` is for what may be said of it.
pub fn map(found: &Regular, path: &Path) -> Result<Mapped, FileError> {
    bytes(&found.file, found.size, path).map(Mapped)
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn bytes(file: &File, size: u64, path: &Path) -> Result<Bytes, FileError> {
    use rustix::mm::{MapFlags, ProtFlags, mmap};
    let length = usize::try_from(size).map_err(|_| at("map", path)(io::ErrorKind::FileTooLarge.into()))?;
    if length == 0 {
        // The system maps no empty file.
        return Ok(Bytes { start: std::ptr::NonNull::dangling().as_ptr(), length });
    }
    // Safety: a new private mapping at an address of the system's choice aliases nothing.
    let start = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, file, 0) };
    Ok(Bytes { start: start.map_err(|error| at("map", path)(error.into()))?.cast(), length })
}

#[cfg(not(unix))]
fn bytes(mut file: &File, size: u64, path: &Path) -> Result<Bytes, FileError> {
    use std::io::Read;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes).map_err(super::files::at("read", path))?;
    Ok(Bytes(bytes))
}

impl Deref for Mapped {
    type Target = [u8];

    #[cfg(unix)]
    #[allow(unsafe_code)]
    fn deref(&self) -> &[u8] {
        // Safety: the mapping has this length and stays as long as `self`; it is never written to.
        unsafe { std::slice::from_raw_parts(self.0.start, self.0.length) }
    }

    #[cfg(not(unix))]
    fn deref(&self) -> &[u8] {
        &self.0.0
    }
}

#[cfg(unix)]
impl Drop for Bytes {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if self.length > 0 {
            // Safety: this is the whole mapping, and nothing borrows from it any more. That it cannot be undone would
            // mean that it is none.
            unsafe { rustix::mm::munmap(self.start.cast_mut().cast(), self.length) }.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::regular::{self, Found};
    use super::*;

    #[test]
    fn a_file_is_seen_whole_and_an_empty_one_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        for content in [&b""[..], b"x", &[7; 100_000]] {
            let path = dir.path().join("file");
            std::fs::write(&path, content).unwrap();
            let Found::File(found) = regular::open(&path).unwrap() else { panic!("a file") };
            assert_eq!(&*map(&found, &path).unwrap(), content);
        }
    }
}
