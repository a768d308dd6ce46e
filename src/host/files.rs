//! Files: read with a cap, looked at, moved and removed. How they are written is in [`super::staging`].

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::artifact::Artifact;
use crate::error::{Fault, Kind};

/// Something about a file that did not work.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {op} {path}")]
    System {
        /// What was tried.
        op: &'static str,
        /// On what.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is larger than such a file may be.
    #[error("{path} is larger than {cap} bytes")]
    TooLarge {
        /// Which.
        path: String,
        /// The most that is read.
        cap: u64,
    },
    /// A text file is not UTF-8.
    #[error("{path} is not UTF-8 text")]
    NotText {
        /// Which.
        path: String,
    },
    /// A folder that should be real is a symbolic link or something else.
    #[error("{path} is {what}, and must be a real folder")]
    NotAFolder {
        /// Which.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// Another sealift works here.
    #[error("another sealift is at work in {path}")]
    Locked {
        /// The lock file.
        path: String,
    },
}

impl Fault for FileError {
    fn code(&self) -> &'static str {
        match self {
            Self::System { source, .. } if is_full(source) => "file.no-space",
            Self::System { source, .. } if source.kind() == io::ErrorKind::NotFound => "file.missing",
            Self::System { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => "file.permission",
            Self::System { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => "file.read-only",
            Self::System { .. } => "file.system",
            Self::TooLarge { .. } => "file.too-large",
            Self::NotText { .. } => "file.not-text",
            Self::NotAFolder { .. } => "file.not-a-folder",
            Self::Locked { .. } => "file.locked",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::System { .. } => Kind::Tool,
            Self::TooLarge { .. } | Self::NotText { .. } | Self::NotAFolder { .. } => Kind::Input,
            Self::Locked { .. } => Kind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::System { source, .. } if is_full(source) => Some(
                "free some space (`sealift cache prune` frees the step store), then run the same command again".into(),
            ),
            Self::System { source, path, op }
                if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
                    && !matches!(*op, "open" | "read" | "list" | "look at" | "find") =>
            {
                Some(format!("make {path} writable for you, or choose another folder"))
            }
            Self::System { source, path, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some(format!("make {path} readable for you"))
            }
            Self::System { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("check its name, and the folder that it is looked for in".into())
            }
            Self::NotAFolder { path, .. } => Some(format!("remove {path}; sealift makes it anew")),
            Self::Locked { .. } => Some("wait until it has ended".into()),
            _ => None,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Adds what was tried, and on what, to a system error.
pub fn at<'a>(op: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError::System { op, path: path.display().to_string(), source }
}

/// Opens a file for reading.
pub fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(at("open", path))
}

/// Reads a whole file of at most `cap` bytes.
pub fn read(path: &Path, cap: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open(path)?.take(cap + 1).read_to_end(&mut bytes).map_err(at("read", path))?;
    if bytes.len() as u64 > cap {
        return Err(FileError::TooLarge { path: path.display().to_string(), cap });
    }
    Ok(bytes)
}

/// Reads a whole file if there is one.
pub fn read_if_present(path: &Path, cap: u64) -> Result<Option<Vec<u8>>, FileError> {
    match read(path, cap) {
        Err(FileError::System { source, .. })
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// Reads a text file.
pub fn read_text(path: &Path, cap: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, cap)?).map_err(|_| FileError::NotText { path: path.display().to_string() })
}

/// Reads standard input, of which there may be at most `cap` bytes; what is not UTF-8 is replaced.
pub fn stdin(cap: u64) -> Result<String, FileError> {
    let (mut bytes, path) = (Vec::new(), Path::new("standard input"));
    io::stdin().lock().take(cap + 1).read_to_end(&mut bytes).map_err(at("read", path))?;
    if bytes.len() as u64 > cap {
        return Err(FileError::TooLarge { path: path.display().to_string(), cap });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds lines to the end of a file of somebody else, in one write.
pub fn append(path: &Path, lines: &str) -> Result<(), FileError> {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| io::Write::write_all(&mut file, lines.as_bytes())).map_err(at("add to", path))
}

/// Hands on a file piece by piece, until its end or until no more is wanted.
pub fn pieces(path: &Path, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), FileError> {
    let mut file = open(path)?;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) if take(&buffer[..n]).is_break() => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(at("read", path)(error)),
        }
    }
}

/// Measures a file: digest and size.
pub fn measure(path: &Path) -> Result<Artifact, FileError> {
    Artifact::measure(open(path)?).map_err(at("read", path))
}

/// What a path names, without following a last symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Nothing.
    Nothing,
    /// A regular file.
    File {
        /// Its size in bytes.
        size: u64,
        /// Whether somebody may execute it.
        executable: bool,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a socket, a pipe.
    Other,
}

/// Says what a path names.
pub fn what(path: &Path) -> Result<What, FileError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(What::File { size: meta.len(), executable: mode_of(&meta) & 0o111 != 0 }),
        Ok(meta) if meta.is_dir() => Ok(What::Folder),
        Ok(meta) if meta.is_symlink() => Ok(What::Link),
        Ok(_) => Ok(What::Other),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(What::Nothing)
        }
        Err(error) => Err(at("look at", path)(error)),
    }
}

/// Whether a path leads to a file that can be executed.
pub fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && (cfg!(windows) || mode_of(&meta) & 0o111 != 0))
}

/// Whether an open stream is a regular file: neither a terminal nor a pipe.
#[cfg(unix)]
pub fn is_regular(stream: &impl std::os::fd::AsFd) -> bool {
    use rustix::fs::{FileType, fstat};
    fstat(stream).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

/// Whether a path leads to a regular file.
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Whether a path leads to a folder.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

#[cfg(unix)]
fn mode_of(meta: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions())
}

#[cfg(not(unix))]
fn mode_of(_: &fs::Metadata) -> u32 {
    0o755
}

/// The permission bits of a file, where the system has them.
pub fn mode(path: &Path) -> Result<u32, FileError> {
    fs::metadata(path).map(|meta| mode_of(&meta) & 0o7777).map_err(at("look at", path))
}

/// The real path, with every symbolic link resolved.
pub fn real(path: &Path) -> Result<PathBuf, FileError> {
    path.canonicalize().map_err(at("find", path))
}

/// A path as people see it from a folder: `go.mod`, `../go.mod`; in full where nothing but `/` is above both.
pub fn seen_from(folder: &Path, path: &Path) -> String {
    let near = folder.ancestors().filter(|above| above.parent().is_some()).enumerate();
    let seen = near.filter_map(|(up, above)| Some((up, path.strip_prefix(above).ok()?))).next();
    seen.map_or_else(|| path.display().to_string(), |(up, rest)| format!("{}{}", "../".repeat(up), rest.display()))
}

/// Names in a folder, sorted.
pub fn names(dir: &Path) -> Result<Vec<String>, FileError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(at("list", dir))? {
        let name = entry.map_err(at("list", dir))?.file_name();
        names.push(
            name.into_string().map_err(|name| FileError::NotText { path: dir.join(name).display().to_string() })?,
        );
    }
    names.sort();
    Ok(names)
}

/// How long ago a file was written, in nanoseconds, and its size in bytes.
pub fn age_and_size(path: &Path) -> Result<(u128, u64), FileError> {
    let meta = fs::symlink_metadata(path).map_err(at("look at", path))?;
    let age = meta.modified().ok().and_then(|time| time.elapsed().ok()).map_or(0, |age| age.as_nanos());
    Ok((age, meta.len()))
}

/// Makes a folder and those above it.
pub fn make_folder(dir: &Path) -> Result<(), FileError> {
    fs::create_dir_all(dir).map_err(at("make the folder", dir))
}

/// Makes sure that a path is a real folder: made if absent, refused if it is a symbolic link or anything else.
pub fn make_real_folder(dir: &Path) -> Result<(), FileError> {
    let what = match what(dir)? {
        What::Folder => return Ok(()),
        What::Nothing => return make_folder(dir),
        What::Link => "a symbolic link",
        What::File { .. } => "a file",
        What::Other => "not a folder",
    };
    Err(FileError::NotAFolder { path: dir.display().to_string(), what })
}

/// Removes a file; one that is not there is fine.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a folder with all it holds; one that is not there is fine. Module caches make folders read-only, so write
/// permission is given back where a removal needs it.
pub fn remove_folder(dir: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(dir) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(dir);
            fs::remove_dir_all(dir).map_err(at("remove", dir))
        }
        Err(error) => Err(at("remove", dir)(error)),
    }
}

/// Removes a folder that holds nothing; one that is not there is fine.
pub fn remove_empty_folder(dir: &Path) -> Result<(), FileError> {
    match fs::remove_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("remove", dir)(error)),
        _ => Ok(()),
    }
}

fn open_up(dir: &Path) {
    set_mode(dir, 0o755).ok();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// Sets permission bits, where the system has them.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(path, permissions).map_err(at("change the mode of", path))
    }
    #[cfg(not(unix))]
    {
        let _ = (path, mode);
        Ok(())
    }
}

/// Moves a file or folder to a final name in the same filesystem, without waiting for the disk.
pub fn rename_volatile(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(at("move into place", to))
}

/// Moves a file or folder to a final name in the same filesystem, and makes the move durable.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    rename_volatile(from, to)?;
    sync_folder(to.parent().unwrap_or(Path::new(".")))
}

/// Makes a folder's entries durable. An error is final: it is never retried (invariant 4).
pub fn sync_folder(dir: &Path) -> Result<(), FileError> {
    if cfg!(windows) {
        return Ok(());
    }
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(at("sync", dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_as_it_is_seen() {
        let seen = |folder: &str, path: &str| seen_from(Path::new(folder), Path::new(path));
        assert_eq!(seen("/a/b", "/a/b/c/go.mod"), "c/go.mod");
        assert_eq!(seen("/a/b", "/a/go.mod"), "../go.mod");
        assert_eq!(seen("/a/b/c", "/a/x/go.mod"), "../../x/go.mod");
        assert_eq!(seen("/a/b", "/c/go.mod"), "/c/go.mod");
        assert_eq!(seen("/", "/go.mod"), "/go.mod");
    }
}
