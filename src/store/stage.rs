//! The folder that one run works in: unique, locked while the run lives, cleared by a later run when it was killed.

use std::path::{Path, PathBuf};

use crate::host::files::{self, FileError};
use crate::host::staging::{self, Lock};

/// A run's own folder. It goes when the run ends, and a killed run's folder goes with the next run: nothing that an
/// orphaned child still writes there can reach another run.
pub struct Stage {
    path: PathBuf,
    lock: Option<Lock>,
}

impl Stage {
    /// Begins a run below `root`.
    pub fn begin(root: &Path) -> Result<Self, FileError> {
        // Who clears must not find a run between its lock and its folder: another one would be taken for it, by a lock of the
        // same name that is made anew.
        let _alone = Lock::wait(&lock_of(root))?;
        clear_dead(root)?;
        let path = root.join(staging::unique("run"));
        // The lock lies beside the folder, not in it: a folder is only removed by who holds its lock.
        let lock = Lock::take(&lock_of(&path))?;
        files::make_folder(&path)?;
        Ok(Self { path, lock: Some(lock) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed now is removed by a later run.
        files::remove_folder(&self.path).ok();
        files::remove(&lock_of(&self.path)).ok();
        self.lock = None;
    }
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_added_extension("lock")
}

/// Removes folders whose runs have ended. One that cannot be removed (an orphaned child may still write into it) is
/// left for the next time.
fn clear_dead(root: &Path) -> Result<(), FileError> {
    for name in files::names(root)? {
        let Some(run) = name.strip_suffix(".lock") else { continue };
        let lock = root.join(&name);
        if let Ok(_held) = Lock::take(&lock)
            && files::remove_folder(&root.join(run)).is_ok()
        {
            files::remove(&lock).ok();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs that begin and end at the same time leave each other's folders alone.
    #[test]
    fn a_living_run_keeps_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("stage");
        files::make_folder(&root).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..150 {
                        let stage = Stage::begin(&root).unwrap();
                        std::thread::yield_now();
                        assert!(files::is_folder(stage.path()));
                    }
                });
            }
        });
        assert_eq!(files::names(&root).unwrap(), [""; 0]);
    }

    #[test]
    fn what_a_killed_run_left_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("stage");
        files::make_folder(&root.join("run.1-0")).unwrap();
        staging::write(&root.join("run.1-0.lock"), b"", 0o644).unwrap();
        let stage = Stage::begin(&root).unwrap();
        assert_eq!(files::names(&root).unwrap().len(), 2, "the folder and the lock of this run");
        drop(stage);
    }
}
