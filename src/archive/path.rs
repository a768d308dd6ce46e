//! Names of members: relative, without a way out, the same on every system.

use std::fmt;

use super::ArchiveError;
use super::read::limits::Names;

/// The longest name in bytes that is written or read (Linux's `PATH_MAX`, less its terminator).
pub(super) const LONGEST: usize = 4095;
/// The longest component in bytes (`NAME_MAX` of every common filesystem).
const LONGEST_COMPONENT: usize = 255;

/// The name of a member: UTF-8, components separated by `/`, relative; never `..`, `.`, empty, a drive letter, a
/// backslash or a control character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberPath(Box<str>);

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// It starts at the root.
    Absolute,
    /// It has a component `..`.
    Parent,
    /// It has a component `.`.
    Dot,
    /// It is empty or has an empty component.
    Empty,
    /// It has a backslash, which separates components on Windows.
    Backslash,
    /// It has a NUL or another control character.
    Control,
    /// It starts with a drive letter.
    Drive,
    /// It is not UTF-8.
    NotUtf8,
    /// It, or a component of it, is too long.
    TooLong,
    /// Windows cannot have a file of this name.
    Reserved,
}

impl PathFault {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Absolute => "archive.path-absolute",
            Self::Parent => "archive.path-parent",
            Self::Dot => "archive.path-dot",
            Self::Empty => "archive.path-empty",
            Self::Backslash => "archive.path-backslash",
            Self::Control => "archive.path-control",
            Self::Drive => "archive.path-drive",
            Self::NotUtf8 => "archive.path-not-utf8",
            Self::TooLong => "archive.path-too-long",
            Self::Reserved => "archive.path-reserved",
        }
    }
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absolute => "is absolute",
            Self::Parent => "has a component `..`",
            Self::Dot => "has a component `.`",
            Self::Empty => "has an empty component",
            Self::Backslash => "has a backslash",
            Self::Control => "has a control character",
            Self::Drive => "starts with a drive letter",
            Self::NotUtf8 => "is not UTF-8",
            Self::TooLong => "is too long",
            Self::Reserved => "cannot be a file name on Windows",
        })
    }
}

impl MemberPath {
    /// Checks a name.
    ///
    /// # Errors
    /// `archive.path-…`, one code per [`PathFault`].
    pub fn new(name: &str) -> Result<Self, ArchiveError> {
        Self::from_bytes(name.as_bytes(), LONGEST)
    }

    /// Checks a name as an archive holds it.
    pub(super) fn from_bytes(name: &[u8], longest: usize) -> Result<Self, ArchiveError> {
        let refuse = |why| ArchiveError::Path { entry: ArchiveError::shown(name), why };
        if name.len() > longest.min(LONGEST) {
            return Err(refuse(PathFault::TooLong));
        }
        let text = std::str::from_utf8(name).map_err(|_| refuse(PathFault::NotUtf8))?;
        check(text).map_err(refuse)?;
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, outermost first.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The folders that hold it, outermost first: of `a/b/c`, `a` and `a/b`.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }

    /// What a file system that ignores case takes for the same name. Lower then upper case also joins ß with SS and
    /// the long s with s; Unicode normalisation is not applied.
    pub(super) fn fold(name: &str) -> String {
        if name.is_ascii() { name.to_ascii_uppercase() } else { name.to_lowercase().to_uppercase() }
    }

    /// Checks the rules that only some systems have.
    pub fn check_for(&self, names: Names) -> Result<(), ArchiveError> {
        match names {
            Names::Posix => Ok(()),
            Names::Windows if self.components().all(fits_windows) => Ok(()),
            Names::Windows => {
                Err(ArchiveError::Path { entry: ArchiveError::shown(self.0.as_bytes()), why: PathFault::Reserved })
            }
        }
    }
}

impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn check(name: &str) -> Result<(), PathFault> {
    if name.starts_with('/') {
        return Err(PathFault::Absolute);
    }
    if name.chars().any(char::is_control) {
        return Err(PathFault::Control);
    }
    if name.contains('\\') {
        return Err(PathFault::Backslash);
    }
    let bytes = name.as_bytes();
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Err(PathFault::Drive);
    }
    name.split('/').try_for_each(|component| match component {
        "" => Err(PathFault::Empty),
        "." => Err(PathFault::Dot),
        ".." => Err(PathFault::Parent),
        long if long.len() > LONGEST_COMPONENT => Err(PathFault::TooLong),
        _ => Ok(()),
    })
}

/// Whether Windows can have a file of this name: no device name before the first dot, no trailing dot or space, none
/// of its special characters (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
fn fits_windows(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().filter_map(|device| stem.strip_prefix(device)).any(|number| {
        matches!(number, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "\u{b9}" | "\u{b2}" | "\u{b3}")
    });
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$");
    !numbered && !device && !component.ends_with(['.', ' ']) && !component.contains(['<', '>', ':', '"', '|', '?', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn each_bad_name_has_its_code() {
        let long = "a/".repeat(2048) + "a";
        let component = "a".repeat(256);
        for (name, code) in [
            ("/etc/passwd", "archive.path-absolute"),
            ("//host/share", "archive.path-absolute"),
            ("a/../../b", "archive.path-parent"),
            ("..", "archive.path-parent"),
            ("./a", "archive.path-dot"),
            ("a/.", "archive.path-dot"),
            ("", "archive.path-empty"),
            ("a//b", "archive.path-empty"),
            ("a/", "archive.path-empty"),
            ("a\\..\\b", "archive.path-backslash"),
            ("a\0b", "archive.path-control"),
            ("a\u{1b}[2J", "archive.path-control"),
            ("a\u{85}", "archive.path-control"),
            ("C:/windows", "archive.path-drive"),
            ("c:evil", "archive.path-drive"),
            (long.as_str(), "archive.path-too-long"),
            (component.as_str(), "archive.path-too-long"),
        ] {
            assert_eq!(MemberPath::new(name).unwrap_err().code(), code, "{name:?}");
        }
        assert_eq!(MemberPath::from_bytes(b"a\xff", LONGEST).unwrap_err().code(), "archive.path-not-utf8");
    }

    #[test]
    fn ordinary_names_pass() {
        for name in ["a", "golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/bin/go", "…/µ", "..a/b..", ".hidden"] {
            assert_eq!(MemberPath::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn windows_names_are_refused_when_asked() {
        for name in ["con", "a/NUL.txt", "com1", "lpt9.tar.gz", "a.", "b ", "d/a:b", "x/COM\u{b9}", "what?"] {
            let path = MemberPath::new(name).unwrap();
            path.check_for(Names::Posix).unwrap();
            assert_eq!(path.check_for(Names::Windows).unwrap_err().code(), "archive.path-reserved", "{name}");
        }
        for name in ["console", "com", "com10", "nul_", "a.b"] {
            MemberPath::new(name).unwrap().check_for(Names::Windows).unwrap();
        }
    }

    #[test]
    fn folding_joins_what_a_case_blind_file_system_joins() {
        for (a, b) in [("README", "readme"), ("Straße", "STRASSE"), ("\u{212a}", "k"), ("Σας", "σΑΣ")] {
            assert_eq!(MemberPath::fold(a), MemberPath::fold(b));
        }
        assert_ne!(MemberPath::fold("a"), MemberPath::fold("b"));
    }

    #[test]
    fn folders_are_the_proper_prefixes() {
        let path = MemberPath::new("a/b/c").unwrap();
        assert_eq!(path.folders().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(path.components().count(), 3);
    }
}
