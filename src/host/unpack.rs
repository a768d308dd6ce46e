//! A folder into which the content of an archive goes: nothing is ever made outside it, whatever links lie within.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{self, FileError, at};

/// A folder that takes new files by relative names.
pub struct Unpacked {
    root: PathBuf,
    place: place::Place,
}

impl Unpacked {
    /// Makes the folder, which must not be there yet.
    pub fn create(root: &Path) -> Result<Self, FileError> {
        std::fs::create_dir(root).map_err(at("make the folder", root))?;
        let place = place::Place::open(root).map_err(at("open", root))?;
        Ok(Self { root: root.to_owned(), place })
    }

    /// Makes a folder and those above it; one that is there is fine.
    pub fn folder(&mut self, name: &str) -> io::Result<()> {
        plain(name)?;
        self.place.folder(name)
    }

    /// Makes a new file with its permission bits, whatever the umask, and the folders above it. A name that is taken, by
    /// a link for example, is an error.
    pub fn file(&mut self, name: &str, mode: u32) -> io::Result<File> {
        plain(name)?;
        self.place.file(name, mode)
    }

    /// Makes everything durable: on Linux the whole filesystem at once, which is far cheaper than 15,000 files one by
    /// one; elsewhere the folder.
    pub fn settle(self) -> Result<(), FileError> {
        #[cfg(target_os = "linux")]
        self.place.sync().map_err(at("sync", &self.root))?;
        files::sync_folder(&self.root)
    }
}

/// Refuses names that are not plainly relative. Readers of archives refuse them too; here nothing is taken on trust.
fn plain(name: &str) -> io::Result<()> {
    let bad = |part: &str| matches!(part, "" | "." | "..") || part.contains(['\\', ':', '\0']);
    if name.split('/').any(bad) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is not a plain relative name")));
    }
    Ok(())
}

/// Folder and last component.
fn parted(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

#[cfg(unix)]
mod place {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::path::Path;
    use std::rc::Rc;

    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;

    use super::parted;

    const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

    /// The folder by its descriptor: it stays the same one even if somebody moves it.
    pub(super) struct Place {
        root: Rc<OwnedFd>,
        made: BTreeSet<String>,
        /// The folder of the last entry; archives come folder by folder.
        last: (String, Rc<OwnedFd>),
    }

    impl Place {
        pub(super) fn open(root: &Path) -> io::Result<Self> {
            let root = Rc::new(rustix::fs::open(root, FOLDER, Mode::empty())?);
            Ok(Self { root: root.clone(), made: BTreeSet::new(), last: (String::new(), root) })
        }

        pub(super) fn folder(&mut self, name: &str) -> io::Result<()> {
            self.descend(name).map(drop)
        }

        pub(super) fn file(&mut self, name: &str, mode: u32) -> io::Result<File> {
            let (folder, leaf) = parted(name);
            let folder = self.descend(folder)?;
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&*folder, leaf, flags, Mode::from_raw_mode(0o600))?;
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode as rustix::fs::RawMode))?;
            Ok(file.into())
        }

        #[cfg(target_os = "linux")]
        pub(super) fn sync(&self) -> io::Result<()> {
            Ok(rustix::fs::syncfs(&*self.root)?)
        }

        /// Opens a folder below the root, making what is missing.
        fn descend(&mut self, name: &str) -> io::Result<Rc<OwnedFd>> {
            if name.is_empty() {
                return Ok(self.root.clone());
            }
            if self.last.0 == name {
                return Ok(self.last.1.clone());
            }
            if !self.made.contains(name) {
                let (above, leaf) = parted(name);
                let above = self.descend(above)?;
                match rustix::fs::mkdirat(&*above, leaf, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                self.made.insert(name.to_owned());
            }
            let folder = Rc::new(beneath(&self.root, name)?);
            self.last = (name.to_owned(), folder.clone());
            Ok(folder)
        }
    }

    /// Opens a folder below another without passing through any link.
    fn beneath(root: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(root, name, FOLDER, Mode::empty(), resolve) {
                // Kernels before 5.6, and sandboxes that do not know the call.
                Err(Errno::NOSYS | Errno::PERM) => {}
                other => return Ok(other?),
            }
        }
        step_by_step(root, name)
    }

    /// The same, component by component.
    pub(super) fn step_by_step(root: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
        let mut folder: Option<OwnedFd> = None;
        for part in name.split('/') {
            let above = folder.as_ref().map_or(root.as_fd(), AsFd::as_fd);
            folder = Some(rustix::fs::openat(above, part, FOLDER, Mode::empty())?);
        }
        folder.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

#[cfg(not(unix))]
mod place {
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::path::{Path, PathBuf};

    use super::parted;

    pub(super) struct Place {
        root: PathBuf,
    }

    impl Place {
        pub(super) fn open(root: &Path) -> io::Result<Self> {
            Ok(Self { root: root.to_owned() })
        }

        /// Makes a folder; each one on the way must be a real one.
        pub(super) fn folder(&mut self, name: &str) -> io::Result<()> {
            let mut path = self.root.clone();
            for part in name.split('/').filter(|part| !part.is_empty()) {
                path.push(part);
                match fs::create_dir(&path) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
                if !fs::symlink_metadata(&path)?.is_dir() {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
            }
            Ok(())
        }

        pub(super) fn file(&mut self, name: &str, _: u32) -> io::Result<File> {
            self.folder(parted(name).0)?;
            OpenOptions::new().write(true).create_new(true).open(self.root.join(name))
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_and_folders_are_made_with_their_modes() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        let mut out = Unpacked::create(&root).unwrap();
        out.file("a/b/c", 0o755).unwrap().write_all(b"x").unwrap();
        out.file("a/b/d", 0o644).unwrap();
        out.folder("a/e").unwrap();
        out.file("top", 0o644).unwrap();
        out.settle().unwrap();
        assert_eq!(files::mode(&root.join("a/b/c")).unwrap(), 0o755);
        assert_eq!(files::mode(&root.join("a/b/d")).unwrap(), 0o644);
        assert_eq!(files::names(&root.join("a")).unwrap(), ["b", "e"]);
        assert!(Unpacked::create(&root).is_err());
    }

    #[test]
    fn no_name_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let mut out = Unpacked::create(&dir.path().join("out")).unwrap();
        for name in ["", "..", "../x", "/x", "a/../../x", "a//b", "./a", "a/", "a\\b", "C:x", "a\0b"] {
            assert!(out.file(name, 0o644).is_err(), "{name:?}");
            assert!(out.folder(name).is_err(), "{name:?}");
        }
        assert_eq!(files::names(dir.path()).unwrap(), ["out"]);
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("out"), dir.path().join("outside"));
        files::make_folder(&outside).unwrap();
        let mut out = Unpacked::create(&root).unwrap();
        symlink(&outside, root.join("link")).unwrap();
        symlink("/dev/null", root.join("file")).unwrap();
        assert!(out.file("link/x", 0o644).is_err());
        assert!(out.file("link/y/x", 0o644).is_err());
        assert!(out.file("file", 0o644).is_err());
        assert!(out.folder("link").is_err());
        // A folder that was made here and is exchanged for a link afterwards.
        out.file("real/x", 0o644).unwrap();
        out.file("other/x", 0o644).unwrap();
        std::fs::rename(root.join("real"), root.join("moved")).unwrap();
        symlink(&outside, root.join("real")).unwrap();
        assert!(out.file("real/z", 0o644).is_err());
        assert_eq!(files::names(&outside).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn without_openat2_the_same_holds() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        symlink("b", dir.path().join("a/link")).unwrap();
        let root: std::os::fd::OwnedFd = File::open(dir.path()).unwrap().into();
        assert!(place::step_by_step(&root, "a/b").is_ok());
        assert!(place::step_by_step(&root, "a/link").is_err());
    }
}
