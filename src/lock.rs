//! `sealift.lock`: what the network could change, pinned: the hashes of Go toolchains and the digests of base images.
//! Other tables pass through.

mod image;

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, DocumentMut, Item, Table, value};

use crate::error::{Fault, Kind, Place};
use crate::host::files::{self, FileError};
use crate::host::staging;
use crate::toolchain::go::dirhash::is_hash;
use crate::toolchain::go::version::GoVersion;

pub use image::ImagePin;

/// The file's name, beside `sealift.toml`.
pub const NAME: &str = "sealift.lock";
/// The most that is read of it.
const CAP: u64 = 1 << 20;
/// The platforms that developers and CI machines have: each gets a pin, so that the file is the same for all of them.
pub const PLATFORMS: [&str; 6] =
    ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64", "windows-arm64"];
/// The file's first lines.
const HEAD: &str = "# Written by `sealift update`. Commit it.\n\n";

/// Pins by platform.
pub type Pins = BTreeMap<String, String>;

/// The pins of a project.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    go: BTreeMap<GoVersion, Pins>,
    images: BTreeMap<String, ImagePin>,
    document: DocumentMut,
}

/// A `sealift.lock` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Not TOML.
    #[error("{what}")]
    Grammar {
        /// Where.
        place: Box<Place>,
        /// What the parser says.
        what: String,
    },
    /// A pin of the wrong form.
    #[error("{what}")]
    Pin {
        /// Where.
        place: Box<Place>,
        /// What is wrong.
        what: &'static str,
    },
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Fault for LockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Grammar { .. } => "lock.grammar",
            Self::Pin { .. } => "lock.pin",
            Self::File(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::File(error) => error.kind(),
            _ => Kind::Config,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            _ => Some(format!("take {NAME} back from the repository, or remove it and run `sealift update`")),
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Grammar { place, .. } | Self::Pin { place, .. } => Some((**place).clone()),
            Self::File(_) => None,
        }
    }
}

impl Lock {
    /// Reads the lock of a project; one that is not there is empty.
    pub fn read(project: &Path) -> Result<Self, LockError> {
        let path = project.join(NAME);
        match files::read_if_present(&path, CAP)? {
            None => Ok(Self::default()),
            Some(bytes) => {
                let text =
                    String::from_utf8(bytes).map_err(|_| FileError::NotText { path: path.display().to_string() })?;
                Self::parse(&text)
            }
        }
    }

    /// Reads a lock's text.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let place = |span: Option<Range<usize>>| Box::new(Place::of(NAME, text, span.unwrap_or(0..0)));
        let document = Document::parse(text)
            .map_err(|error| LockError::Grammar { place: place(error.span()), what: error.message().to_owned() })?;
        let wrong = |span, what| LockError::Pin { place: place(span), what };
        let mut go = BTreeMap::new();
        if let Some(item) = document.get("go") {
            let table = item.as_table_like().ok_or_else(|| wrong(item.span(), "go must be a table of versions"))?;
            for (key, item) in table.iter() {
                let span = table.key(key).and_then(toml_edit::Key::span);
                let version: Option<GoVersion> =
                    key.parse().ok().filter(|version: &GoVersion| version.to_string() == key);
                let version = version.filter(|version| !version.is_language());
                let version = version.ok_or_else(|| wrong(span, "not a release of Go, as 1.26.8"))?;
                go.insert(version, pins(item, &wrong)?);
            }
        }
        let images = document.get("image").map(|item| image::read(item, &wrong)).transpose()?.unwrap_or_default();
        let document = document.into_mut();
        Ok(Self { go, images, document })
    }

    /// The pinned hash of a version for a platform (`linux-amd64`).
    pub fn go(&self, version: GoVersion, platform: &str) -> Option<&str> {
        self.go.get(&version)?.get(platform).map(String::as_str)
    }

    /// The versions that have pins.
    pub fn go_versions(&self) -> impl Iterator<Item = GoVersion> {
        self.go.keys().copied()
    }

    /// The platforms that a version is pinned for.
    pub fn go_platforms(&self, version: GoVersion) -> Vec<String> {
        self.go.get(&version).map(|pins| pins.keys().cloned().collect()).unwrap_or_default()
    }

    /// Pins a hash.
    pub fn pin_go(&mut self, version: GoVersion, platform: &str, hash: &str) {
        self.go.entry(version).or_default().insert(platform.to_owned(), hash.to_owned());
    }

    /// Takes a version's pins away.
    pub fn unpin_go(&mut self, version: GoVersion) {
        self.go.remove(&version);
    }

    /// The pin of a base image, by the reference as it is written in `sealift.toml`.
    pub fn image(&self, reference: &str) -> Option<&ImagePin> {
        self.images.get(reference)
    }

    /// The references that have pins.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.images.keys().map(String::as_str)
    }

    /// Pins a base image.
    pub fn pin_image(&mut self, reference: &str, pin: ImagePin) {
        self.images.insert(reference.to_owned(), pin);
    }

    /// Takes a base image's pin away.
    pub fn unpin_image(&mut self, reference: &str) {
        self.images.remove(reference);
    }

    /// Whether it pins nothing.
    pub fn is_empty(&self) -> bool {
        self.go.is_empty() && self.images.is_empty()
    }

    /// The file's text: Go's tables in the order of the versions, each platform on its line; other tables as they were.
    pub fn text(&self) -> String {
        let mut document = self.document.clone();
        document.remove("go");
        if !self.go.is_empty() {
            let mut versions = Table::new();
            versions.set_implicit(true);
            for (version, pins) in &self.go {
                let mut table = Table::new();
                for (platform, hash) in pins {
                    table.insert(platform, value(hash));
                }
                versions.insert(&version.to_string(), Item::Table(table));
            }
            document.insert("go", Item::Table(versions));
        }
        document.remove("image");
        if !self.images.is_empty() {
            document.insert("image", image::write(&self.images));
        }
        let text = document.to_string();
        format!("{HEAD}{}\n", text.trim_start_matches(HEAD.trim_end()).trim())
    }

    /// Writes the lock of a project, if it says something else than before; one that pins nothing is not begun. It is
    /// staged in a folder of the same filesystem that is swept: what a killed run left beside the file itself would make
    /// the tree dirty.
    pub fn write(&self, project: &Path, stage: &Path) -> Result<(), LockError> {
        let (path, text) = (project.join(NAME), self.text());
        let before = files::read_if_present(&path, CAP)?;
        if before.is_none() && self.is_empty() {
            return Ok(());
        }
        if before.as_deref() != Some(text.as_bytes()) {
            let mut staged = staging::Staged::create(stage, 0o644)?;
            staged.write_all(text.as_bytes()).map_err(files::at("write", &path))?;
            staged.commit(&path)?;
        }
        Ok(())
    }
}

fn pins(item: &Item, wrong: &dyn Fn(Option<Range<usize>>, &'static str) -> LockError) -> Result<Pins, LockError> {
    let table = item.as_table_like().ok_or_else(|| wrong(item.span(), "a version must be a table of platforms"))?;
    let mut pins = Pins::new();
    for (platform, item) in table.iter() {
        let span = table.key(platform).and_then(toml_edit::Key::span);
        let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !platform.split_once('-').is_some_and(|(os, arch)| word(os) && word(arch)) {
            return Err(wrong(span, "not a platform, as linux-amd64"));
        }
        let hash = item.as_str().filter(|hash| is_hash(hash));
        let hash = hash.ok_or_else(|| wrong(item.span(), "not a hash of the form h1:…="))?;
        pins.insert(platform.to_owned(), hash.to_owned());
    }
    Ok(pins)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "# Written by `sealift update`. Commit it.\n\n\
        [go.\"1.26.3\"]\nlinux-amd64 = \"h1:LdHRR8AtYKtOQrWMnd5AbvhZMSVJ7HoO2wrqShPaLV8=\"\n\n\
        [go.\"1.27rc1\"]\nlinux-amd64 = \"h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0=\"\n";

    fn version(text: &str) -> GoVersion {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_byte_for_byte() {
        let lock = Lock::parse(TEXT).unwrap();
        assert_eq!(lock.go(version("1.26.3"), "linux-amd64"), Some("h1:LdHRR8AtYKtOQrWMnd5AbvhZMSVJ7HoO2wrqShPaLV8="));
        assert_eq!(lock.go(version("1.26.3"), "linux-arm64"), None);
        assert_eq!(lock.text(), TEXT);
        let mut made = Lock::default();
        let hash = |text: &str| lock.go(version(text), "linux-amd64").unwrap().to_owned();
        for text in ["1.27rc1", "1.26.3"] {
            made.pin_go(version(text), "linux-amd64", &hash(text));
        }
        assert_eq!(made.text(), TEXT);
    }

    #[test]
    fn other_tables_stay() {
        let text = TEXT.to_owned() + "\n[notes]\n\"base\" = \"sha256:x\" # why\n";
        let mut lock = Lock::parse(&text).unwrap();
        lock.unpin_go(version("1.27rc1"));
        let written = lock.text();
        assert!(written.contains("[notes]\n\"base\" = \"sha256:x\" # why\n"), "{written}");
        assert!(!written.contains("1.27rc1"));
        assert_eq!(Lock::parse(&written).unwrap().text(), written);
    }

    #[test]
    fn wrong_pins_are_refused_at_their_place() {
        for (text, code, line) in [
            ("go = 1", "lock.pin", 1),
            ("[go.\"1.26\"]\n", "lock.pin", 1),
            ("[go.\"go1.26.3\"]\n", "lock.pin", 1),
            ("\n[go.\"1.26.3\"]\nlinux = \"h1:LdHRR8AtYKtOQrWMnd5AbvhZMSVJ7HoO2wrqShPaLV8=\"", "lock.pin", 3),
            ("\n[go.\"1.26.3\"]\nlinux-amd64 = \"h1:x\"", "lock.pin", 3),
            ("[go.\"1.26.3\"]\nlinux-amd64 = 1", "lock.pin", 2),
            ("[go.\"1.26.3\"]\na-b = \"x\"\na-b = \"y\"", "lock.grammar", 3),
            ("[go\n", "lock.grammar", 1),
        ] {
            let error = Lock::parse(text).unwrap_err();
            assert_eq!((error.code(), error.place().unwrap().line), (code, line), "{text:?}");
        }
    }

    #[test]
    fn a_missing_lock_is_empty_and_a_written_one_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Lock::read(dir.path()).unwrap().go_versions().count(), 0);
        let stage = tempfile::tempdir().unwrap();
        Lock::default().write(dir.path(), stage.path()).unwrap();
        assert!(files::names(dir.path()).unwrap().is_empty(), "nothing is pinned, and nothing is written");
        Lock::parse(TEXT).unwrap().write(dir.path(), stage.path()).unwrap();
        assert_eq!(Lock::read(dir.path()).unwrap().text(), TEXT);
        // Nothing is ever staged beside it.
        Lock::default().write(dir.path(), &dir.path().join("absent")).unwrap_err();
        assert_eq!(files::names(dir.path()).unwrap(), [NAME]);
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "(?s).{0,100}|\\[go\\.\"1\\.26\\.3\"\\]\n(?s).{0,60}") {
            drop(Lock::parse(&text));
        }
    }
}
