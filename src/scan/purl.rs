//! Package URLs (<https://github.com/package-url/purl-spec>) of Go modules and crates: as far as VEX documents name
//! products by them.

use std::fmt;

use super::database::Ecosystem;
use super::version::GoVersion;

/// A package by its package URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purl {
    /// Where its name belongs.
    pub ecosystem: Ecosystem,
    /// A module's path, or a crate.
    pub name: String,
    /// A version; without one all are meant.
    pub version: Option<String>,
}

impl Purl {
    /// Reads `pkg:golang/example.com/shop@v1.2.3` and `pkg:cargo/name@1.0.0`; qualifiers and subpaths do not count.
    pub fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.strip_prefix("pkg:")?.trim_start_matches('/').split_once('/')?;
        let ecosystem = match kind.to_ascii_lowercase().as_str() {
            "golang" => Ecosystem::Go,
            "cargo" => Ecosystem::Crates,
            _ => return None,
        };
        let rest = rest.split(['?', '#']).next().unwrap_or(rest);
        let (name, version) = rest.rsplit_once('@').map_or((rest, None), |(name, version)| (name, Some(version)));
        let (name, version) = (decode(name.trim_matches('/'))?, version.map(decode));
        let version = match version {
            Some(version) => Some(version?),
            None => None,
        };
        (!name.is_empty()).then_some(Self { ecosystem, name, version: version.filter(|version| !version.is_empty()) })
    }

    /// Whether it names a package of that version. The type `golang` has its names in small letters, so that case does not
    /// count.
    pub fn names(&self, ecosystem: Ecosystem, name: &str, version: &str) -> bool {
        let same = |wanted: &str| wanted == version || same_version(wanted, version);
        self.ecosystem == ecosystem && self.name.eq_ignore_ascii_case(name) && self.version.as_deref().is_none_or(same)
    }
}

/// `go1.26.8`, `v1.26.8` and `1.26.8` are one version.
fn same_version(one: &str, other: &str) -> bool {
    let read = |text: &str| GoVersion::toolchain(text).or_else(|| GoVersion::module(text));
    read(one).is_some_and(|version| read(other) == Some(version))
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self.ecosystem {
            Ecosystem::Go => ("golang", self.name.to_ascii_lowercase()),
            Ecosystem::Crates => ("cargo", self.name.clone()),
        };
        write!(f, "pkg:{kind}/{}", encode(&name, "/"))?;
        self.version.as_ref().map_or(Ok(()), |version| write!(f, "@{}", encode(version, "")))
    }
}

fn encode(text: &str, also: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) || also.as_bytes().contains(&byte);
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok().filter(|digits| !digits.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn modules_and_crates_are_named() {
        let purl = Purl::read("pkg:golang/github.com/BurntSushi/toml@v1.2.3%2Bincompatible?goos=linux#sub").unwrap();
        assert!(purl.names(Ecosystem::Go, "github.com/burntsushi/toml", "v1.2.3+incompatible"));
        assert!(purl.names(Ecosystem::Go, "github.com/burntsushi/toml", "v1.2.3"));
        assert!(!purl.names(Ecosystem::Go, "github.com/burntsushi/toml", "v1.2.4"));
        assert!(!purl.names(Ecosystem::Crates, "github.com/burntsushi/toml", "v1.2.3"));
        let stdlib = Purl::read("pkg:golang/stdlib@1.26.8").unwrap();
        assert!(
            stdlib.names(Ecosystem::Go, "stdlib", "go1.26.8") && !stdlib.names(Ecosystem::Go, "stdlib", "go1.26.9")
        );
        assert!(Purl::read("pkg:cargo/time").unwrap().names(Ecosystem::Crates, "time", "0.1.0"));
        for text in [
            "",
            "pkg:",
            "pkg:golang",
            "pkg:golang/",
            "pkg:npm/left-pad",
            "golang/x",
            "pkg:golang/%zz",
            "pkg:golang/a@%f",
        ] {
            assert_eq!(Purl::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[a-z0-9./~@ %µ-]{1,20}", version in prop::option::of("[a-z0-9.+@%-]{1,12}")) {
            prop_assume!(!name.trim_matches('/').is_empty());
            let purl = Purl { ecosystem: Ecosystem::Go, name: name.trim_matches('/').to_owned(), version };
            prop_assert_eq!(Purl::read(&purl.to_string()), Some(purl));
        }
    }
}
