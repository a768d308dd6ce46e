//! Whether a file is still the one that was read before, without reading it again.

use std::fs;
use std::path::Path;

use super::files::{FileError, at};

/// Size, times and inode of a file as one text, for comparison alone: a file with the same stamp was not written to in
/// between, short of somebody who sets the system's clock for it.
pub fn stamp(path: &Path) -> Result<String, FileError> {
    fs::metadata(path).map(|meta| text(&meta)).map_err(at("look at", path))
}

#[cfg(unix)]
fn text(meta: &fs::Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    // The change time cannot be set by the file's owner, unlike the modification time.
    let times = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    format!("{} {}.{} {}.{} {}:{}", meta.size(), times.0, times.1, times.2, times.3, meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn text(meta: &fs::Metadata) -> String {
    format!("{} {:?}", meta.len(), meta.modified().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_to_has_another_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "one").unwrap();
        let before = stamp(&path).unwrap();
        assert_eq!(stamp(&path).unwrap(), before);
        // Same size, and the modification time put back: the change time tells.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, "two").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_ne!(stamp(&path).unwrap(), before);
    }
}
