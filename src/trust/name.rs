//! Names that are safe as names of files, on every system that a release may reach.

/// The longest name, in bytes: what the common file systems store.
pub const MAX_BYTES: usize = 255;

/// The longest path inside an archive, in bytes: what the old header of tar holds in name and prefix.
pub const MAX_PATH_BYTES: usize = 255;

/// A name that is a plain file name everywhere; see [`plain_file`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// A relative path inside an archive: plain file names with `/` between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InnerPath(String);

/// A name that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing.
    #[error("a name is empty")]
    Empty,
    /// More than [`MAX_BYTES`] bytes ([`MAX_PATH_BYTES`] for a path).
    #[error("a name of {0} bytes: at most {MAX_BYTES} are allowed")]
    TooLong(usize),
    /// A character that some system gives a meaning, or that changes how the name looks.
    #[error("the name {name:?} holds {found:?}")]
    Character {
        /// The name.
        name: String,
        /// The first wrong character.
        found: char,
    },
    /// `.` or `..`, a leading `-`, a leading or trailing space, or a trailing dot.
    #[error("the name {0:?} begins or ends as a file's name must not (dot, space or hyphen)")]
    Edge(String),
    /// A device on Windows: `CON`, `NUL`, `COM1`, … with or without an extension.
    #[error("the name {0:?} is a device on Windows")]
    Device(String),
}

impl NameError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            NameError::Empty => "name.empty",
            NameError::TooLong(_) => "name.too-long",
            NameError::Character { .. } => "name.character",
            NameError::Edge(_) => "name.edge",
            NameError::Device(_) => "name.device",
        }
    }
}

/// Accepts a plain file name and nothing else: at most 255 bytes; no `/` and `\`, no control, invisible or bidirectional
/// characters, none of `<>:"|?*`; no leading `-` or space, no trailing dot or space, hence no `.` and `..`; no device of
/// Windows ("Naming Files, Paths, and Namespaces" in Microsoft's documentation). The only home of this rule.
pub fn plain_file(name: &str) -> Result<FileName, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_BYTES {
        return Err(NameError::TooLong(name.len()));
    }
    if let Some(found) = name.chars().find(|c| is_forbidden(*c)) {
        return Err(NameError::Character { name: name.to_owned(), found });
    }
    if name.starts_with(['-', ' ']) || name.ends_with([' ', '.']) {
        return Err(NameError::Edge(name.to_owned()));
    }
    if is_device(name) {
        return Err(NameError::Device(name.to_owned()));
    }
    Ok(FileName(name.to_owned()))
}

/// Accepts a relative path of plain file names with `/` between them, at most 255 bytes.
pub fn inner_path(path: &str) -> Result<InnerPath, NameError> {
    if path.len() > MAX_PATH_BYTES {
        return Err(NameError::TooLong(path.len()));
    }
    path.split('/').try_for_each(|segment| plain_file(segment).map(drop))?;
    Ok(InnerPath(path.to_owned()))
}

fn is_forbidden(c: char) -> bool {
    let invisible = matches!(u32::from(c),
        // Line and paragraph separators, and white space that looks like a space or like nothing.
        0xA0 | 0xAD | 0x1680 | 0x180E | 0x2000..=0x200D | 0x2028 | 0x2029 | 0x202F | 0x205F..=0x2065 | 0x3000 | 0xFEFF
        // Bidirectional marks, embeddings, overrides and isolates (UAX #9): they show a name in another order.
        | 0x061C | 0x200E | 0x200F | 0x202A..=0x202E | 0x2066..=0x206F
        // Annotations, noncharacters, and tags.
        | 0xFDD0..=0xFDEF | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF)
        || u32::from(c) & 0xFFFE == 0xFFFE;
    c.is_control() || invisible || matches!(c, '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

fn is_device(name: &str) -> bool {
    // Windows drops the extension, and spaces before it, and knows superscript digits too.
    let stem = name.split('.').next().unwrap_or("").trim_end_matches(' ').to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    port.is_some_and(|digit| {
        matches!(digit, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
    })
}

impl FileName {
    /// The name as a file system that ignores case sees it: two names with equal folds cannot stand in one folder.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl InnerPath {
    /// The path as a file system sees it that ignores case.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl From<FileName> for InnerPath {
    /// A name is a path of one name: it is no longer than a path may be.
    fn from(name: FileName) -> Self {
        Self(name.0)
    }
}

as_text!(FileName, plain_file, NameError);
as_text!(InnerPath, inner_path, NameError);

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str) -> &'static str {
        plain_file(name).map_or_else(|error| error.code(), |_| "accepted")
    }

    #[test]
    fn ordinary_names_are_accepted() {
        for name in [
            "api_1.2.3_linux_amd64.tar.gz",
            ".hidden",
            "a b",
            "Größe.txt",
            "README",
            "console",
            "com10",
            "COM",
            "nul-1",
            "x~1",
            "日本.zip",
            "a@b+c=d,e;f!(g)[h]{i}'j`k#l$m%n&o^p",
        ] {
            assert_eq!(code(name), "accepted", "{name:?}");
        }
        assert_eq!(code(&"x".repeat(255)), "accepted");
        assert_eq!(plain_file("A.txt").map(|name| name.folded()), Ok("a.txt".to_owned()));
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["a/b", "/a", "../a", "a\\b", "..\\a", "C:a", "a:stream"] {
            assert_eq!(code(name), "name.character", "{name:?}");
        }
        for name in [".", "..", "...", "a.", "a ", " a", "-rf", "--help", "-"] {
            assert_eq!(code(name), "name.edge", "{name:?}");
        }
        assert_eq!(code(""), "name.empty");
        assert_eq!(code(&"x".repeat(256)), "name.too-long");
        assert_eq!(code(&"é".repeat(128)), "name.too-long");
    }

    #[test]
    fn names_that_lie_to_the_eye_or_to_a_terminal_are_refused() {
        for c in "\0\n\r\t\u{1b}\u{7f}\u{85}\u{9b}\u{a0}\u{ad}\u{61c}\u{200b}\u{200e}\u{202e}\u{2028}\u{2066}\u{feff}\u{e0041}\u{ffff}*?<>|\"".chars() {
            assert_eq!(code(&format!("a{c}b")), "name.character", "{c:?}");
        }
    }

    #[test]
    fn devices_of_windows_are_refused() {
        for name in
            ["CON", "con", "Nul.txt", "aux.tar.gz", "COM1", "com9.log", "LPT0", "lpt¹", "NUL .txt", "conin$", "PRN"]
        {
            assert_eq!(code(name), "name.device", "{name:?}");
        }
    }

    #[test]
    fn a_path_inside_an_archive_is_relative_and_plain() {
        assert!(inner_path("bin/api").is_ok() && inner_path("api").is_ok());
        for path in ["", "/bin/api", "bin/", "bin//api", "bin/../api", "./api", "bin/NUL", "bin\\api"] {
            assert!(inner_path(path).is_err(), "{path:?}");
        }
        assert_eq!(inner_path(&"a/".repeat(200)).unwrap_err().code(), "name.too-long");
        let longest = plain_file(&"x".repeat(MAX_BYTES)).unwrap();
        assert_eq!(inner_path(longest.as_str()), Ok(InnerPath::from(longest)));
    }

    #[test]
    fn a_name_is_checked_when_it_is_deserialised() {
        use crate::json::{Value, from_value};
        assert!(from_value::<FileName>(Value::String("ok".into())).is_ok());
        assert!(from_value::<FileName>(Value::String("../x".into())).is_err());
    }
}
