//! Files are written beside their final place, made durable and moved: nothing half-made is ever visible under a final
//! name (invariant 4), and a lock keeps two runs apart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sealift_trust::Hasher;

use super::files::{
    FileError, at, make_folder, measure, names, open, remove, rename, rename_volatile, set_mode, sync_folder,
};
use crate::artifact::Artifact;

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// How the names of staged files begin.
const STAGED: &str = ".staged";

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
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let (path, file) = loop {
            let path = dir.join(unique(STAGED));
            match options.open(&path) {
                // In a container every run may have the same process id: the name is a killed run's.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => break (path.clone(), opened.map_err(at("create", &path))?),
            }
        };
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

    /// Gives digest and size without waiting for the disk: for a place whose reader measures again before use.
    pub fn measured(mut self) -> Settled {
        self.file = None;
        Settled { path: std::mem::take(&mut self.path), artifact: Artifact::from(std::mem::take(&mut self.hasher)) }
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

/// A complete file that has no final name yet.
pub struct Settled {
    path: PathBuf,
    artifact: Artifact,
}

impl Settled {
    /// Takes over a file that somebody else wrote, and measures it.
    pub fn adopt(path: PathBuf) -> Result<Self, FileError> {
        let artifact = measure(&path)?;
        Ok(Self { path, artifact })
    }

    /// Digest and size.
    pub fn artifact(&self) -> Artifact {
        self.artifact
    }

    /// Moves the file to its final name, without waiting for the disk: after a power cut it may be absent or damaged, and
    /// its reader must see that.
    pub fn commit_volatile(mut self, to: &Path) -> Result<Artifact, FileError> {
        rename_volatile(&self.path, to)?;
        self.path = PathBuf::new();
        Ok(self.artifact)
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

/// Removes what killed runs have staged in a folder. The caller holds the lock that keeps other runs from staging there.
pub fn sweep(dir: &Path) -> Result<(), FileError> {
    for name in names(dir)?.iter().filter(|name| is_staged(name)) {
        remove(&dir.join(name))?;
    }
    Ok(())
}

/// Whether a name is one that [`Staged`] gives: nothing else is ours to remove.
pub fn is_staged(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = name.strip_prefix(STAGED).and_then(|rest| rest.strip_prefix('.')?.split_once('-'));
    numbers.is_some_and(|(process, count)| digits(process) && digits(count))
}

/// Keeps something that the next run could find out again, in a folder that all runs share: what killed runs have staged
/// there goes first. While another run writes there it is left unwritten.
pub fn remember(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    make_folder(dir)?;
    let _held = match Lock::take(&dir.join("lock")) {
        Err(FileError::Locked { .. }) => return Ok(()),
        held => held?,
    };
    sweep(dir)?;
    write(path, bytes, 0o644).map(drop)
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
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(FileError::Locked { path: path.display().to_string() }),
            Err(fs::TryLockError::Error(error)) => Err(at("lock", path)(error)),
        }
    }

    /// Takes the lock when no other process has it any more: for what is done in a moment.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        let file = Self::open(path)?;
        file.lock().map_err(at("lock", path))?;
        Ok(Self { _file: file })
    }

    fn open(path: &Path) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).open(path).map_err(at("open the lock", path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::{make_real_folder, mode, read};
    use super::*;
    use crate::error::Fault;

    #[test]
    fn a_staged_file_that_is_dropped_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut staged = Staged::create(dir.path(), 0o644).unwrap();
        staged.write_all(b"half").unwrap();
        drop(staged);
        assert_eq!(names(dir.path()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_a_killed_run_has_left_is_passed_over_and_swept() {
        let dir = tempfile::tempdir().unwrap();
        let next = COUNTER.load(Ordering::Relaxed);
        for count in next..next + 200 {
            fs::write(dir.path().join(format!("{STAGED}.{}-{count}", std::process::id())), "half").unwrap();
        }
        write(&dir.path().join("a"), b"whole", 0o644).unwrap();
        sweep(dir.path()).unwrap();
        assert_eq!(names(dir.path()).unwrap(), ["a"]);
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
