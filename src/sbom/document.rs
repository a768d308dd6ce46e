//! What an SBOM says, whatever the form that it is written in.

use std::collections::{BTreeMap, BTreeSet};

use sealift_trust::Digest;

/// A list of what something consists of.
#[derive(Clone, Debug)]
pub struct Sbom {
    /// What the list is of.
    pub root: Component,
    /// What is in it or took part in making it, by [`Component::id`].
    pub parts: BTreeMap<String, Component>,
    /// Direct dependencies by id. Of a component that is not named here they are not known.
    pub depends: BTreeMap<String, BTreeSet<String>>,
    /// The programs in it, when it is a folder or an image.
    pub holds: BTreeSet<String>,
    /// Whether something is in it of which nothing is known.
    pub incomplete: bool,
    /// Seconds since 1970: of the commit, not of the clock.
    pub created: u64,
}

/// A part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Names it within the document.
    pub id: String,
    /// What it is.
    pub role: Role,
    /// Its name: a module's path, a crate's, a file's.
    pub name: String,
    /// Its version, where it has one.
    pub version: Option<String>,
    /// Its package URL, where it has one that means the same everywhere.
    pub purl: Option<String>,
    /// The digest of its bytes, or of a module what `go.sum` has in base64.
    pub digest: Option<Digest>,
    /// What else is known, by a name that begins with `sealift:`.
    pub properties: BTreeMap<String, String>,
    /// An SPDX expression.
    pub license: Option<String>,
}

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A program.
    Program,
    /// Code in a program.
    Library,
    /// What made a program and is not in it.
    Toolchain,
    /// A package of a system's own package manager.
    Package,
    /// The system in an image.
    System,
    /// A file of which no more is known.
    File,
    /// A folder of files.
    Folder,
    /// An image.
    Image,
}

impl Role {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Library => "library",
            Self::Toolchain => "toolchain",
            Self::Package => "package",
            Self::System => "system",
            Self::File => "file",
            Self::Folder => "folder",
            Self::Image => "image",
        }
    }
}

impl Component {
    /// A component of which only this is known.
    pub fn new(id: impl Into<String>, role: Role, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            role,
            name: name.into(),
            version: None,
            purl: None,
            digest: None,
            properties: BTreeMap::new(),
            license: None,
        }
    }
}

impl Sbom {
    /// A list of one thing.
    pub fn of(root: Component, created: u64) -> Self {
        let (parts, depends, holds) = Default::default();
        Self { root, parts, depends, holds, incomplete: false, created }
    }

    /// Puts this list into another one, where what it is of has another name.
    pub(super) fn within(self, other: &mut Self, id: &str) {
        let own = self.root.id.clone();
        let named = |one: String| if one == own { id.to_owned() } else { one };
        other.parts.entry(id.to_owned()).or_insert(Component { id: id.to_owned(), ..self.root });
        for (key, part) in self.parts {
            other.parts.entry(key).or_insert(part);
        }
        for (from, to) in self.depends {
            other.depends.entry(named(from)).or_default().extend(to.into_iter().map(named));
        }
        other.incomplete |= self.incomplete;
    }

    /// Adds a part that another one depends on.
    pub fn add(&mut self, from: &str, part: Component) {
        self.depends.entry(from.to_owned()).or_default().insert(part.id.clone());
        self.parts.entry(part.id.clone()).or_insert(part);
    }
}

/// The digest that `h1:` and base64 tell (golang.org/x/mod/sumdb/dirhash, `Hash1`): SHA-256 of the list of the files'
/// digests.
pub(super) fn module_digest(sum: &str) -> Option<Digest> {
    use base64ct::{Base64, Encoding};
    let mut bytes = [0; 32];
    let decoded = Base64::decode(sum.strip_prefix("h1:")?, &mut bytes).ok()?;
    let hex: String = decoded.iter().map(|byte| format!("{byte:02x}")).collect();
    Digest::from_hex(&hex).ok()
}
