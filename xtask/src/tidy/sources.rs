//! Every Rust file of the tree as tokens, with its place in the module tree.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, Token};
use crate::tree::Tree;

/// The Rust files by path.
pub struct Sources<'a> {
    files: BTreeMap<&'a str, Source<'a>>,
    tests: BTreeSet<String>,
}

impl<'a> Sources<'a> {
    /// Reads every `.rs` file.
    pub fn read(tree: &'a Tree) -> Self {
        let rust = tree.files().filter(|(path, _)| path.ends_with(".rs"));
        let files: BTreeMap<_, _> = rust.map(|(path, text)| (path, Source::read(text))).collect();
        let mut tests = BTreeSet::new();
        for (path, source) in &files {
            for module in &source.test_modules {
                tests.insert(format!("{}/{module}", module_folder(path)));
            }
        }
        // Cargo compiles a package's `tests` folder for tests alone.
        for (path, _) in tree.files() {
            if let Some(package) = path.strip_suffix("Cargo.toml") {
                tests.insert(format!("{package}tests"));
            }
        }
        Self { files, tests }
    }

    /// Every file.
    pub fn all(&self) -> impl Iterator<Item = (&'a str, &Source<'a>)> {
        self.files.iter().map(|(path, source)| (*path, source))
    }

    /// Every file of the product in `src/`, without those that a `#[cfg(test)] mod` declares.
    pub fn product(&self) -> impl Iterator<Item = (&'a str, &[Token<'a>])> {
        self.all().filter(|(path, _)| path.starts_with("src/") && !self.is_test(path)).map(|(p, s)| (p, &s.tokens[..]))
    }

    /// One file.
    pub fn get(&self, path: &str) -> Option<&Source<'a>> {
        self.files.get(path)
    }

    /// Whether a file is compiled for tests alone.
    pub fn is_test(&self, path: &str) -> bool {
        let stem = path.trim_end_matches(".rs");
        stem.match_indices('/').any(|(at, _)| self.tests.contains(&stem[..at])) || self.tests.contains(stem)
    }
}

/// The folder where a file's child modules lie.
fn module_folder(path: &str) -> &str {
    let stem = path.trim_end_matches(".rs");
    match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => stem,
    }
}

/// The module path of a file below `src/`: `src/host/files.rs` is `host`, `files`; lib.rs and main.rs are the root.
pub fn module_path(path: &str) -> Vec<&str> {
    let folder = module_folder(path);
    folder.strip_prefix("src").unwrap_or(folder).split('/').filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_paths_follow_the_files() {
        assert_eq!(module_path("src/host/files.rs"), ["host", "files"]);
        assert_eq!(module_path("src/host/mod.rs"), ["host"]);
        assert_eq!(module_path("src/target.rs"), ["target"]);
        assert_eq!(module_path("src/lib.rs"), Vec::<&str>::new());
    }

    #[test]
    fn test_files_are_the_declared_ones() {
        let tree = Tree::of(&[
            ("src/a/mod.rs", "#[cfg(test)]\nmod tests;\nmod tests2;\n"),
            ("src/a/tests.rs", ""),
            ("src/a/tests/deep.rs", ""),
            ("src/a/tests2.rs", ""),
            ("src/b/tests.rs", ""),
            ("Cargo.toml", ""),
            ("tests/e2e/main.rs", ""),
            ("src/trust/Cargo.toml", ""),
            ("src/trust/tests/openssl.rs", ""),
        ]);
        let sources = Sources::read(&tree);
        let tests: Vec<_> = sources.all().map(|(path, _)| path).filter(|path| sources.is_test(path)).collect();
        assert_eq!(tests, ["src/a/tests.rs", "src/a/tests/deep.rs", "src/trust/tests/openssl.rs", "tests/e2e/main.rs"]);
    }
}
