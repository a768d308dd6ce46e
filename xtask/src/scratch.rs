//! A folder for one run, gone at its end.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::run::Program;

/// A scratch folder that goes when it is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes one in the system's folder for temporary files.
    pub fn new(name: &str) -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("sealift-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| Failure::tool(format!("error: {}: {error}", path.display())))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Module caches, and files that a container wrote, may be read-only; what stays is in a folder for such things.
        Program::new("chmod").args(["-R", "u+w"]).args([&self.0]).stream().ok();
        std::fs::remove_dir_all(&self.0).ok();
    }
}
