//! What an archive holds, measured.

use serde::Serialize;

use super::limits::Limits;
use crate::archive::{Format, MemberPath, Mode};
use crate::artifact::Artifact;

/// What a whole archive holds. Only [`list`](super::list) makes one, so every entry was read and measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    pub(super) format: Format,
    pub(super) limits: Limits,
    pub(super) entries: Vec<Entry>,
    pub(super) archive: Artifact,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    #[serde(serialize_with = "as_text")]
    pub path: MemberPath,
    /// What it is.
    pub kind: EntryKind,
    /// Its permissions.
    pub mode: Mode,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A regular file with this content.
    File(Artifact),
    /// A folder.
    Folder,
    /// A symbolic link to this target, which is relative and inside.
    Link(Box<str>),
}

impl Entry {
    /// Digest and size of a regular file's content.
    pub fn artifact(&self) -> Option<Artifact> {
        match self.kind {
            EntryKind::File(artifact) => Some(artifact),
            EntryKind::Folder | EntryKind::Link(_) => None,
        }
    }
}

impl Listing {
    /// The format it was read as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The entries, in the archive's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Digest and size of the archive itself, of the same bytes that were listed.
    pub fn archive(&self) -> Artifact {
        self.archive
    }

    /// The entry of a name.
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path.as_str() == path)
    }
}

fn as_text<S: serde::Serializer>(path: &MemberPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(path.as_str())
}
