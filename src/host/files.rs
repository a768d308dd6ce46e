//! Files: read with a cap, written so that nothing half-made is ever visible under a final name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sealift_trust::Hasher;

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
            Self::System { source, path, .. }
                if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
            {
                Some(format!("make {path} writable for you, or choose another folder"))
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

/// Moves a file or folder to a final name in the same filesystem, and makes the move durable.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(at("move into place", to))?;
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

/// Makes a file's bytes durable.
pub fn sync(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(at("sync", path))
}

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A name that no other run and no other thread uses.
pub fn unique(stem: &str) -> String {
    format!("{stem}.{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A file that is being written beside its final place. Dropped without a commit it vanishes.
pub struct Staged {
    path: PathBuf,
    file: Option<File>,
    hasher: Hasher,
}

impl Staged {
    /// Starts a file in a folder; `mode` are its permission bits whatever the umask.
    pub fn create(dir: &Path, mode: u32) -> Result<Self, FileError> {
        let path = dir.join(unique(".staged"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(at("create", &path))?;
        let staged = Self { path, file: Some(file), hasher: Hasher::new() };
        if mode != 0o600 {
            set_mode(&staged.path, mode)?;
        }
        Ok(staged)
    }

    /// Makes the bytes durable and moves the file to its final name, replacing what was there.
    pub fn commit(mut self, to: &Path) -> Result<Artifact, FileError> {
        self.settle()?;
        rename(&self.path, to)?;
        self.path = PathBuf::new();
        Ok(Artifact::from(std::mem::take(&mut self.hasher)))
    }

    /// Makes the bytes durable and gives digest and size before the final name is known; [`Settled::commit`] follows.
    pub fn settle_measured(mut self) -> Result<Settled, FileError> {
        self.settle()?;
        let artifact = Artifact::from(std::mem::take(&mut self.hasher));
        Ok(Settled { path: std::mem::take(&mut self.path), artifact })
    }

    fn settle(&mut self) -> Result<(), FileError> {
        let file = self.file.take().expect("a staged file is settled once");
        file.sync_all().map_err(at("sync", &self.path))
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.as_mut().expect("a staged file is open until it is settled").write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// A complete, durable file that has no final name yet.
pub struct Settled {
    path: PathBuf,
    artifact: Artifact,
}

impl Settled {
    /// Takes over a file that somebody else wrote: measures it and makes it durable.
    pub fn adopt(path: PathBuf) -> Result<Self, FileError> {
        let artifact = measure(&path)?;
        sync(&path)?;
        Ok(Self { path, artifact })
    }

    /// Digest and size.
    pub fn artifact(&self) -> Artifact {
        self.artifact
    }

    /// Moves the file to its final name.
    pub fn commit(mut self, to: &Path) -> Result<Artifact, FileError> {
        rename(&self.path, to)?;
        self.path = PathBuf::new();
        Ok(self.artifact)
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Writes a whole file so that a reader sees the old or the new one.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<Artifact, FileError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut staged = Staged::create(dir, mode)?;
    staged.write_all(bytes).map_err(at("write", path))?;
    staged.commit(path)
}

/// Writes a new file with mode 0600 and refuses to replace one: for keys.
pub fn write_new_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(at("create", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        fs::remove_file(path).ok();
        at("write", path)(error)
    })?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Copies a file to a final place, sharing blocks where the filesystem can, and measures what was copied. Never a hard
/// link: a change in `dist/` must not reach the store (invariant 4).
pub fn copy(from: &Path, to: &Path, mode: u32) -> Result<Artifact, FileError> {
    copy_settled(from, to, mode)?.commit(to)
}

/// The same up to the final name, which a caller who expects certain bytes gives after looking at what was copied.
pub fn copy_settled(from: &Path, to: &Path, mode: u32) -> Result<Settled, FileError> {
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut source = open(from)?;
    let mut staged = Staged::create(dir, mode)?;
    #[cfg(target_os = "linux")]
    if let Some(file) = &staged.file
        && rustix::fs::ioctl_ficlone(file, &source).is_ok()
    {
        let mut hasher = Hasher::new();
        io::copy(&mut source, &mut Hashing(&mut hasher)).map_err(at("read", from))?;
        staged.hasher = hasher;
        return staged.settle_measured();
    }
    let mut buffered = io::BufWriter::with_capacity(128 * 1024, &mut staged);
    // What is left in the buffer is written here: a full disk is an error, also for the last bytes.
    io::copy(&mut source, &mut buffered).and_then(|_| buffered.flush()).map_err(at("write", to))?;
    drop(buffered);
    staged.settle_measured()
}

#[cfg(target_os = "linux")]
struct Hashing<'a>(&'a mut Hasher);

#[cfg(target_os = "linux")]
impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A lock on a folder of ours that ends with the process, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock or says that another process has it. Children do not inherit it.
    pub fn take(path: &Path) -> Result<Self, FileError> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(at("open", path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(FileError::Locked { path: path.display().to_string() }),
            Err(fs::TryLockError::Error(error)) => Err(at("lock", path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staged_file_that_is_dropped_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut staged = Staged::create(dir.path(), 0o644).unwrap();
        staged.write_all(b"half").unwrap();
        drop(staged);
        assert_eq!(names(dir.path()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_written_file_is_measured_and_has_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        assert_eq!(write(&path, b"abc", 0o755).unwrap(), Artifact::of(b"abc"));
        assert_eq!(mode(&path).unwrap(), 0o755);
        let copied = copy(&path, &dir.path().join("b"), 0o644).unwrap();
        assert_eq!((copied, mode(&dir.path().join("b")).unwrap()), (Artifact::of(b"abc"), 0o644));
    }

    #[test]
    fn a_lock_is_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::take(&path).unwrap();
        assert_eq!(Lock::take(&path).unwrap_err().code(), "file.locked");
        drop(held);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn a_linked_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("dist");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert_eq!(make_real_folder(&link).unwrap_err().code(), "file.not-a-folder");
    }

    #[test]
    fn reading_stops_at_the_cap() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(&path, b"abcd", 0o644).unwrap();
        assert_eq!(read(&path, 3).unwrap_err().code(), "file.too-large");
        assert_eq!(read(&path, 4).unwrap(), b"abcd");
    }
}
