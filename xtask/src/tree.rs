//! The repository's files as text, in memory, so that every rule is a function that a test can call.

use std::collections::BTreeMap;
use std::path::Path;

use crate::failure::Failure;
use crate::run::Program;

/// A file longer than this is data, not something that people write.
const LONGEST: u64 = 4 << 20;

/// Paths (relative, with `/`) and their text.
#[derive(Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the files that git tracks, and the new ones that it does not ignore. Files that are not UTF-8 are data.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        let list = Program::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).dir(root);
        let mut files = BTreeMap::new();
        for path in list.output()?.split_terminator('\0') {
            let file = root.join(path);
            // A deleted file is still in the index; a symbolic link has no text of its own.
            let Ok(meta) = file.symlink_metadata() else { continue };
            if !meta.is_file() || meta.len() > LONGEST {
                continue;
            }
            let bytes = std::fs::read(&file).map_err(|error| Failure::refused(format!("error: {path}: {error}")))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.insert(path.to_owned(), text);
            }
        }
        Ok(Self { files })
    }

    /// A tree written down in a test.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }

    /// Every path and text, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether a folder holds any file.
    pub fn has_folder(&self, folder: &str) -> bool {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        self.files.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_prefix_with_a_slash() {
        let tree = Tree::of(&[("src/plan/mod.rs", ""), ("src/planet.rs", "")]);
        assert!(tree.has_folder("src/plan") && tree.has_folder("src"));
        assert!(!tree.has_folder("src/planet") && !tree.has_folder("src/pla"));
    }

    #[test]
    fn reads_tracked_and_new_files_but_no_ignored_deleted_or_binary_ones() {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| Program::new("git").args(args).dir(dir.path()).output().unwrap();
        git(&["init", "--quiet"]);
        for (name, bytes) in
            [("a.rs", &b"a"[..]), ("gone.rs", b"g"), ("raw", &[0xff, 0xfe]), (".gitignore", b"/skip\n")]
        {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        git(&["add", "."]);
        std::fs::remove_file(dir.path().join("gone.rs")).unwrap();
        std::fs::write(dir.path().join("new.rs"), "n").unwrap();
        std::fs::write(dir.path().join("skip"), "s").unwrap();
        let tree = Tree::read(dir.path()).unwrap();
        assert_eq!(tree.files().map(|(path, _)| path).collect::<Vec<_>>(), [".gitignore", "a.rs", "new.rs"]);
    }
}
