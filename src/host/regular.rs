//! Files whose place somebody else may write to: opened without following a link, and never waited for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::files::{FileError, at};

/// What a name was found to be.
#[derive(Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A regular file, opened: what is read from it is what was looked at.
    File(Regular),
    /// Something else, in words: `a symbolic link`, `a folder`, …
    Other(&'static str),
}

/// An open regular file.
#[derive(Debug)]
pub struct Regular {
    /// The file, for reading, at its start.
    pub file: File,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits, where the system has them.
    pub mode: Option<u32>,
}

/// Opens a regular file without following a last symbolic link. A pipe does not block, a device is not opened.
pub fn open(path: &Path) -> Result<Found, FileError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(meta) => return Ok(Found::Other(word(meta.file_type()))),
        Err(error) if is_absence(&error) => return Ok(Found::Nothing),
        Err(error) => return Err(at("look at", path)(error)),
    }
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // It may have become something else since it was looked at.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    match options.open(path) {
        Ok(file) => opened(file, path),
        Err(error) if is_absence(&error) => Ok(Found::Nothing),
        Err(error) if is_link(&error) => Ok(Found::Other("a symbolic link")),
        Err(error) => Err(at("open", path)(error)),
    }
}

/// Opens a regular file, through symbolic links, and says what it is itself.
pub fn follow(path: &Path) -> Result<Found, FileError> {
    match path.canonicalize() {
        Ok(real) => open(&real),
        Err(error) if is_absence(&error) => Ok(Found::Nothing),
        Err(error) => Err(at("find", path)(error)),
    }
}

/// Names in a folder, of whatever bytes, sorted.
pub fn names(dir: &Path) -> Result<Vec<OsString>, FileError> {
    let entries = fs::read_dir(dir).map_err(at("list", dir))?;
    let names: io::Result<Vec<OsString>> = entries.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let mut names = names.map_err(at("list", dir))?;
    names.sort();
    Ok(names)
}

fn opened(file: File, path: &Path) -> Result<Found, FileError> {
    let meta = file.metadata().map_err(at("look at", path))?;
    if !meta.is_file() {
        return Ok(Found::Other(word(meta.file_type())));
    }
    #[cfg(unix)]
    let mode = Some(std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777);
    #[cfg(not(unix))]
    let mode = None;
    Ok(Found::File(Regular { size: meta.len(), mode, file }))
}

fn word(kind: fs::FileType) -> &'static str {
    if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a folder"
    } else {
        "a device, a socket or a pipe"
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn is_link(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    #[cfg(not(unix))]
    return error.kind() == io::ErrorKind::FilesystemLoop;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), b"abc").unwrap();
        fs::create_dir(path("folder")).unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        std::os::unix::fs::symlink("link", path("second")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(open(&path("file")).unwrap(), Found::File(Regular { size: 3, .. })));
        assert!(matches!(open(&path("link")).unwrap(), Found::Other("a symbolic link")));
        assert!(matches!(open(&path("folder")).unwrap(), Found::Other("a folder")));
        assert!(matches!(open(&path("pipe")).unwrap(), Found::Other("a device, a socket or a pipe")));
        assert!(matches!(open(&path("nothing")).unwrap(), Found::Nothing));
        assert!(matches!(open(&path("file").join("below")).unwrap(), Found::Nothing));
        assert!(matches!(follow(&path("second")).unwrap(), Found::File(Regular { size: 3, .. })));
        assert!(matches!(follow(&path("folder")).unwrap(), Found::Other("a folder")));
        assert_eq!(names(dir.path()).unwrap(), ["file", "folder", "link", "pipe", "second"]);
    }
}
