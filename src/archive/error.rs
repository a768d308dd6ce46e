//! What can be wrong with an archive, or with writing one.

use std::io;

use super::{Format, PathFault};
use crate::error::{Fault, Kind};

/// Something about an archive. `entry` is the name of the entry, with what a terminal must not see escaped.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// No such format.
    #[error("no archive format is called {text}")]
    UnknownFormat {
        /// As written.
        text: String,
        /// The format that was probably meant.
        near: Option<&'static str>,
    },
    /// No such level.
    #[error("{format} has no compression level {level}")]
    Level {
        /// The format.
        format: Format,
        /// The level asked for.
        level: u8,
        /// The lowest there is.
        least: u8,
        /// The highest there is.
        most: u8,
    },
    /// The archive cannot be read from where it is.
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
    /// The archive cannot be written to where it goes.
    #[error("cannot write the archive")]
    Write(#[source] io::Error),
    /// A member cannot be read while the archive is written.
    #[error("cannot read {entry}, which goes into the archive")]
    Member {
        /// The member.
        entry: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A member is not as long as its size says.
    #[error("{entry} was said to have {told} bytes, and has {found}")]
    MemberSize {
        /// The member.
        entry: String,
        /// The size it was announced with.
        told: u64,
        /// `more` or the number of bytes.
        found: String,
    },
    /// What takes the extracted entries failed.
    #[error("cannot extract {entry}")]
    Sink {
        /// The entry.
        entry: String,
        /// The sink's answer.
        source: io::Error,
    },
    /// A name is refused.
    #[error("the name {entry} {why}")]
    Path {
        /// The name.
        entry: String,
        /// Why.
        why: PathFault,
    },
    /// Two entries have one name.
    #[error("{entry} is there twice (the other one is {other}; letter case does not tell them apart)")]
    Duplicate {
        /// The second.
        entry: String,
        /// The first.
        other: String,
    },
    /// An entry is inside of one that is no folder.
    #[error("{entry} is used as a folder and is a file")]
    FileAsFolder {
        /// The file.
        entry: String,
    },
    /// An entry is inside of a symbolic link.
    #[error("{entry} is used as a folder and is a symbolic link")]
    ThroughLink {
        /// The link.
        entry: String,
    },
    /// A symbolic link's target may be outside.
    #[error("the symbolic link {entry} leads to {target}, which is not plainly inside")]
    LinkEscapes {
        /// The link.
        entry: String,
        /// Its target.
        target: String,
    },
    /// Symbolic links are not wanted here.
    #[error("{entry} is a symbolic link")]
    Link {
        /// The entry.
        entry: String,
    },
    /// A hard link.
    #[error("{entry} is a hard link")]
    HardLink {
        /// The entry.
        entry: String,
    },
    /// Folders are not wanted here.
    #[error("{entry} is a folder entry")]
    Folder {
        /// The entry.
        entry: String,
    },
    /// A device, a FIFO, or a type nobody knows.
    #[error("{entry} is neither file, folder nor symbolic link, but {what}")]
    Special {
        /// The entry.
        entry: String,
        /// Its type.
        what: String,
    },
    /// Setuid, setgid or sticky.
    #[error("{entry} has the mode {mode:o}, with setuid, setgid or sticky")]
    Privileged {
        /// The entry.
        entry: String,
        /// The mode.
        mode: u32,
    },
    /// A sparse file.
    #[error("{entry} is a sparse file")]
    Sparse {
        /// The entry.
        entry: String,
    },
    /// Two statements of one size differ, so two readers would see two archives.
    #[error("{entry} says its size twice: {base} in the header, {pax} in the extended header")]
    SizesDisagree {
        /// The entry.
        entry: String,
        /// The header's.
        base: u64,
        /// The extended header's.
        pax: u64,
    },
    /// An extended header is refused.
    #[error("the extended header of {entry} {why}")]
    Pax {
        /// The entry.
        entry: String,
        /// Why.
        why: String,
    },
    /// A tar header is refused.
    #[error("the tar header of {entry} {why}")]
    Header {
        /// The entry, or where the header is.
        entry: String,
        /// Why.
        why: &'static str,
    },
    /// A checksum is wrong.
    #[error("{entry} does not have the checksum it says")]
    Checksum {
        /// The entry, or what else has a checksum.
        entry: String,
    },
    /// It ends too early.
    #[error("the archive ends within {within}")]
    Truncated {
        /// In the middle of what.
        within: String,
    },
    /// There is something after the end.
    #[error("there is something after the end of {what}")]
    Trailing {
        /// Of what.
        what: &'static str,
    },
    /// The compressed data are not what the format says.
    #[error("the compressed data are broken ({within})")]
    Corrupt {
        /// Where.
        within: String,
        /// The decompressor's answer.
        source: io::Error,
    },
    /// Too many entries.
    #[error("the archive has more than {cap} entries")]
    TooMany {
        /// The most that is read.
        cap: u64,
    },
    /// Too many bytes.
    #[error("{what} has more than {cap} bytes")]
    TooLarge {
        /// The entry, or the whole.
        what: String,
        /// The most that is read.
        cap: u64,
    },
    /// Too much comes out of too little.
    #[error("{what} grows more than {cap} times when decompressed")]
    Ratio {
        /// The entry, or the whole.
        what: String,
        /// The most that is accepted.
        cap: u32,
    },
    /// Decompressing would need too much memory.
    #[error("the Zstandard window has {window} bytes, more than {cap}")]
    Window {
        /// The window asked for.
        window: u64,
        /// The most that is given.
        cap: u64,
    },
    /// The central directory and a local header disagree.
    #[error("the two zip headers of {entry} disagree about its {field}")]
    ZipDisagrees {
        /// The entry.
        entry: String,
        /// About what.
        field: &'static str,
    },
    /// Entries overlap, or there are bytes that belong to none.
    #[error("{entry} starts at byte {at} of the zip and should start at {want}")]
    ZipGap {
        /// The entry, or the central directory.
        entry: String,
        /// Where it is.
        at: u64,
        /// Where what comes before it ends.
        want: u64,
    },
    /// Encryption.
    #[error("{entry} is encrypted")]
    Encrypted {
        /// The entry.
        entry: String,
    },
    /// A compression method other than stored and deflate, or a flag that nobody knows.
    #[error("{entry} is compressed by an unknown method ({method})")]
    Method {
        /// The entry.
        entry: String,
        /// Its method or flag.
        method: u16,
    },
    /// The structure of a zip is refused.
    #[error("the zip's {part} {why}")]
    Zip {
        /// Which part.
        part: String,
        /// Why.
        why: &'static str,
    },
    /// It is not the archive that was listed.
    #[error("the archive is not the one that was checked: {entry} differs")]
    Changed {
        /// The first difference.
        entry: String,
    },
}

impl ArchiveError {
    /// A name from outside, as a message may show it: one line, no control characters, not endless.
    pub(super) fn shown(name: &[u8]) -> String {
        const MOST: usize = 120;
        let text: String = String::from_utf8_lossy(name).chars().take(MOST).flat_map(char::escape_debug).collect();
        if name.len() > MOST { format!("`{text}…`") } else { format!("`{text}`") }
    }

    /// Takes an error out of the reader chain: our own come out as they went in, others are the decompressor's.
    pub(super) fn from_stream(error: io::Error, within: &str) -> Self {
        let error = match error.downcast::<ArchiveError>() {
            Ok(own) => return own,
            Err(error) => error,
        };
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Truncated { within: within.to_owned() };
        }
        Self::Corrupt { within: within.to_owned(), source: error }
    }
}

impl Fault for ArchiveError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownFormat { .. } => "archive.format",
            Self::Level { .. } => "archive.level",
            Self::Read(_) => "archive.read",
            Self::Write(_) => "archive.write",
            Self::Member { .. } => "archive.member",
            Self::MemberSize { .. } => "archive.member-size",
            Self::Sink { .. } => "archive.extract",
            Self::Path { why, .. } => why.code(),
            Self::Duplicate { .. } => "archive.duplicate",
            Self::FileAsFolder { .. } => "archive.file-as-folder",
            Self::ThroughLink { .. } => "archive.through-link",
            Self::LinkEscapes { .. } => "archive.link-escapes",
            Self::Link { .. } => "archive.link",
            Self::HardLink { .. } => "archive.hard-link",
            Self::Folder { .. } => "archive.folder",
            Self::Special { .. } => "archive.special",
            Self::Privileged { .. } => "archive.privileged",
            Self::Sparse { .. } => "archive.sparse",
            Self::SizesDisagree { .. } => "archive.sizes-disagree",
            Self::Pax { .. } => "archive.pax",
            Self::Header { .. } => "archive.header",
            Self::Checksum { .. } => "archive.checksum",
            Self::Truncated { .. } => "archive.truncated",
            Self::Trailing { .. } => "archive.trailing",
            Self::Corrupt { .. } => "archive.corrupt",
            Self::TooMany { .. } => "archive.too-many",
            Self::TooLarge { .. } => "archive.too-large",
            Self::Ratio { .. } => "archive.ratio",
            Self::Window { .. } => "archive.window",
            Self::ZipDisagrees { .. } => "archive.zip-disagrees",
            Self::ZipGap { .. } => "archive.zip-gap",
            Self::Encrypted { .. } => "archive.encrypted",
            Self::Method { .. } => "archive.method",
            Self::Zip { .. } => "archive.zip",
            Self::Changed { .. } => "archive.changed",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::UnknownFormat { .. } | Self::Level { .. } => Kind::Config,
            Self::Read(_) | Self::Write(_) | Self::Member { .. } | Self::Sink { .. } => Kind::Tool,
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownFormat { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::UnknownFormat { .. } => "use `tar.gz`, `tar.zst` or `zip`".to_owned(),
            Self::Level { least, most, .. } => format!("use a level from {least} to {most}"),
            Self::Read(_) | Self::Write(_) | Self::Member { .. } | Self::Sink { .. } => return None,
            Self::MemberSize { .. } => {
                "something writes to the file while it is packed: let it finish, then run again".to_owned()
            }
            Self::Changed { .. } => {
                "something writes to the archive while it is read: fetch it again, then retry".to_owned()
            }
            Self::Truncated { .. } | Self::Corrupt { .. } | Self::Checksum { .. } => {
                "the file is damaged or not complete: fetch it again".to_owned()
            }
            Self::Path { .. } | Self::Duplicate { .. } | Self::FileAsFolder { .. } => {
                "give each file in the archive a relative name that no other one has, whatever the letter case"
                    .to_owned()
            }
            Self::TooMany { .. } | Self::TooLarge { .. } | Self::Ratio { .. } | Self::Window { .. } => {
                "nothing was extracted; if the archive is an honest one, split it".to_owned()
            }
            Self::Special { .. } => {
                "nothing was extracted; repack it with `tar --format=pax` and plain files".to_owned()
            }
            _ => "nothing was extracted; ask whoever made the archive for one with plain files and relative names"
                .to_owned(),
        };
        Some(hint)
    }
}
