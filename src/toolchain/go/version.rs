//! Versions of Go, ordered as Go orders them.

use std::fmt;
use std::str::FromStr;

/// A version of Go: `1.26.8`, `1.27rc1`, or a language version such as `1.26`.
///
/// The order is that of the standard library's `go/version`: 1.21 (the language) < 1.21rc1 < 1.21.0. Before 1.21 the first
/// release had no patch number, so 1.20 is 1.20.0. Spellings that Go holds equal are one value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoVersion {
    major: u32,
    minor: u32,
    /// None sorts first: a language version and its release candidates come before the first release.
    patch: Option<u32>,
    pre: Option<(Stage, u32)>,
}

/// A stage before a release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stage {
    Alpha,
    Beta,
    Rc,
}

impl Stage {
    const ALL: [(Self, &'static str); 3] = [(Self::Alpha, "alpha"), (Self::Beta, "beta"), (Self::Rc, "rc")];
}

/// The text is not a version of Go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version of Go (as 1.26.8 or 1.27rc1)")]
pub struct NotAGoVersion(pub String);

impl GoVersion {
    /// The first version that the go command can download as a module (Go 1.21 release notes, "Go toolchain").
    pub const FIRST_DOWNLOADABLE: Self = Self { major: 1, minor: 21, patch: Some(0), pre: None };

    /// The first language whose `go.mod` names all modules that are built (<https://go.dev/ref/mod#graph-pruning>).
    pub const FIRST_WITH_PRUNED_GRAPHS: Self = Self { major: 1, minor: 17, patch: Some(0), pre: None };

    /// The first version whose `go mod tidy` knows `-diff` (Go 1.23 release notes, "Go command").
    pub const FIRST_WITH_TIDY_DIFF: Self = Self { major: 1, minor: 23, patch: Some(0), pre: None };

    /// Whether this names a language and not one release of it: `1.21`, but not `1.20`, which is a release too.
    pub fn is_language(&self) -> bool {
        self.patch.is_none() && self.pre.is_none()
    }

    /// The release that a `go` line with this version asks for: a language version means its first release.
    #[must_use]
    pub fn release(self) -> Self {
        if self.is_language() { Self { patch: Some(0), ..self } } else { self }
    }

    /// The language that this version compiles: `1.26` of `1.26.8`.
    pub fn language(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// The name of the toolchain: `go1.26.8`.
    pub fn toolchain(&self) -> String {
        format!("go{self}")
    }
}

impl FromStr for GoVersion {
    type Err = NotAGoVersion;

    /// Reads `1.26.8` or `go1.26.8`. Versions with a suffix (`1.26.8-custom`) are somebody's own and are refused: nothing
    /// says what is in them.
    fn from_str(text: &str) -> Result<Self, NotAGoVersion> {
        parse(text.strip_prefix("go").unwrap_or(text)).ok_or_else(|| NotAGoVersion(text.chars().take(80).collect()))
    }
}

fn parse(text: &str) -> Option<GoVersion> {
    let (major, rest) = number(text)?;
    let (minor, rest) = number(rest.strip_prefix('.')?)?;
    let release = |patch| Some(GoVersion { major, minor, patch, pre: None });
    if rest.is_empty() {
        return release(((major, minor) < (1, 21)).then_some(0));
    }
    if let Some(rest) = rest.strip_prefix('.') {
        // A release of a patch has no candidates.
        return number(rest).filter(|(_, rest)| rest.is_empty()).and_then(|(patch, _)| release(Some(patch)));
    }
    let (stage, rest) = Stage::ALL.iter().find_map(|(stage, name)| Some((*stage, rest.strip_prefix(name)?)))?;
    let (count, rest) = number(rest)?;
    rest.is_empty().then_some(GoVersion { major, minor, patch: None, pre: Some((stage, count)) })
}

/// Cuts a decimal number without needless zeros off the start.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.starts_with('0') && digits.len() > 1 {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match (self.pre, self.patch) {
            (Some((stage, count)), _) => {
                let name = Stage::ALL.iter().find(|(other, _)| *other == stage).map_or("", |(_, name)| name);
                write!(f, "{name}{count}")
            }
            (None, Some(0)) if (self.major, self.minor) < (1, 21) => Ok(()),
            (None, Some(patch)) => write!(f, ".{patch}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for GoVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> GoVersion {
        text.parse().unwrap()
    }

    #[test]
    fn the_order_is_that_of_go() {
        // Each is less than the next: documentation of go/version.Compare and go.dev/doc/toolchain#version.
        let ordered = [
            "1.3", "1.5beta1", "1.5rc1", "1.5", "1.5.1", "1.19rc2", "1.19", "1.19.1", "1.20rc1", "1.20", "1.20.14",
            "1.21", "1.21rc1", "1.21rc2", "1.21rc10", "1.21.0", "1.21.1", "1.21.10", "1.22", "1.22rc1", "1.22.0",
            "1.26.3", "1.26.8", "1.27rc1", "2.0rc1",
        ];
        for pair in ordered.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn spellings_that_go_holds_equal_are_equal() {
        assert_eq!(version("1.20"), version("1.20.0"));
        assert_eq!(version("go1.26.8"), version("1.26.8"));
        assert_ne!(version("1.21"), version("1.21.0"));
        assert_eq!(version("1.20.0").toolchain(), "go1.20");
    }

    #[test]
    fn a_language_version_means_its_first_release() {
        assert_eq!(version("1.26").release(), version("1.26.0"));
        assert_eq!(version("1.26.8").release(), version("1.26.8"));
        assert_eq!(version("1.26rc1").release(), version("1.26rc1"));
        assert!(version("1.21").is_language() && !version("1.20").is_language());
        assert_eq!(version("1.26.8").language(), "1.26");
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "go",
            "1",
            "1.",
            "1.26.",
            "1.026",
            "1.26.8-custom",
            "1.26.8rc1",
            "1.26rc",
            "1.26x1",
            "1.26.8 ",
            " 1.26",
            "v1.26.8",
            "1.26.8.1",
            "1.99999999999",
            "1.-1",
            "1.+1",
            "gogo1.21",
            "1.21RC1",
            "../1.21",
            "1.２",
        ] {
            assert!(text.parse::<GoVersion>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_what_is_printed_is_read_again(text in "(go)?[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(rc|beta|alpha|-x)?[0-9]{0,2}|\\PC*") {
            if let Ok(version) = text.parse::<GoVersion>() {
                prop_assert_eq!(version.to_string().parse::<GoVersion>().unwrap(), version);
            }
        }
    }
}
