//! Versions as advisories and programs write them, and the order in which they come.

use std::cmp::Ordering;
use std::fmt;

/// A version with a precedence (SemVer 2.0.0 §11): of a Go module, a Go toolchain or a Rust crate.
///
/// Two versions that differ in nothing but build metadata are equal, so `v2.0.0+incompatible` is `v2.0.0`.
#[derive(Clone, Debug)]
pub struct GoVersion(semver::Version);

impl GoVersion {
    /// Reads what a module, a crate or a range writes: `v1.2.3`, `1.2.3-rc.1`, `v2.0.0+incompatible`, a pseudo-version,
    /// and the short forms `v1` and `v1.2`. Nothing for `(devel)`, for no text, and for what is no such version.
    pub fn module(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').or_else(|| text.strip_prefix("go")).unwrap_or(text);
        // Without its build metadata, which counts in the order of the crate `semver` and not in that of SemVer.
        let text = text.split('+').next().unwrap_or(text);
        let full = match text.bytes().filter(|byte| *byte == b'.').count() {
            0 if !text.contains('-') => format!("{text}.0.0"),
            1 if !text.contains('-') => format!("{text}.0"),
            _ => text.to_owned(),
        };
        semver::Version::parse(&full).ok().map(Self)
    }

    /// Reads what a Go toolchain calls itself: `go1.26.8`, `go1.26rc1`, `go1.26.8 X:jsonv2`, and the releases of vendors
    /// (`go1.22.3-fips`), which count as the release that they are built on. Nothing for `devel …`.
    pub fn toolchain(text: &str) -> Option<Self> {
        let release = text.split_whitespace().next()?.strip_prefix("go")?;
        let numbers = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
        let (numbers, rest) = release.split_at(numbers);
        let mut version = Self::module(numbers)?;
        for word in ["beta", "rc", "-pre"] {
            let Some(count) = rest.strip_prefix(word) else { continue };
            // A vendor's own word behind the number does not change which release it is.
            let count = count.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            let word = word.trim_start_matches('-');
            version.0.pre = semver::Prerelease::new(&format!("{word}.{count}")).ok()?;
        }
        Some(version)
    }

    /// As Go writes the version of a module: `v1.2.3`.
    pub fn as_module(&self) -> String {
        format!("v{}", self.0)
    }

    /// As Go names a toolchain: `go1.26.8`, `go1.26rc1`; `.0` is written from Go 1.21 on.
    pub fn as_toolchain(&self) -> String {
        let semver::Version { major, minor, patch, pre, .. } = &self.0;
        let short = *patch == 0 && (!pre.is_empty() || (*major, *minor) < (1, 21));
        let patch = if short { String::new() } else { format!(".{patch}") };
        format!("go{major}.{minor}{patch}{}", pre.as_str().replace('.', ""))
    }
}

impl PartialEq for GoVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for GoVersion {}

impl PartialOrd for GoVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for GoVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn module(text: &str) -> GoVersion {
        GoVersion::module(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn modules_come_in_the_order_of_their_precedence() {
        // SemVer 2.0.0 §11 and the forms of pseudo-versions in the Go modules reference.
        let ordered = [
            "v0.0.0-20190101000000-000000000000",
            "v0.0.0-20230601080528-80d139bb5d1d",
            "v0.0.0",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta",
            "v1.0.0-beta.2",
            "v1.0.0-beta.11",
            "v1.0.0-rc.1",
            "v1.0.0-rc.1.0.20230601080528-80d139bb5d1d",
            "v1",
            "v1.0.1-0.20230601080528-80d139bb5d1d",
            "v1.0.1",
            "v1.2",
            "v1.10.0",
            "v2.0.0-rc1+incompatible",
            "v2.0.0+incompatible",
            "v20.10.0",
        ];
        for pair in ordered.windows(2) {
            assert!(module(pair[0]) < module(pair[1]), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn build_metadata_and_prefixes_do_not_count() {
        for (one, other) in
            [("v2.0.0+incompatible", "2.0.0"), ("go1.2.3", "v1.2.3"), ("v1", "1.0.0"), ("1.2", "v1.2.0")]
        {
            assert_eq!(module(one), module(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in ["", "v", "(devel)", "v1.2.3.4", "v01.2.3", "v1.2-pre", "v1.2.3-", "v1.2.3-a..b", "latest", "vv1"] {
            assert!(GoVersion::module(text).is_none(), "{text}");
        }
        for text in ["", "devel go1.27-1234567 Fri", "1.26.8", "go", "gox", "go1.x"] {
            assert!(GoVersion::toolchain(text).is_none(), "{text}");
        }
    }

    #[test]
    fn toolchains_are_read_and_named_as_go_does() {
        let cases = [
            ("go1.26.8", "1.26.8", "go1.26.8"),
            ("go1.26.8 X:jsonv2,greenteagc", "1.26.8", "go1.26.8"),
            ("go1.26rc1", "1.26.0-rc.1", "go1.26rc1"),
            ("go1.9beta2", "1.9.0-beta.2", "go1.9beta2"),
            ("go1.22.3-fips", "1.22.3", "go1.22.3"),
            ("go1.20", "1.20.0", "go1.20"),
            ("go1.21.0", "1.21.0", "go1.21.0"),
            ("go1", "1.0.0", "go1.0"),
        ];
        for (text, version, name) in cases {
            let found = GoVersion::toolchain(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.to_string().as_str(), found.as_toolchain().as_str()), (version, name), "{text}");
        }
        let [beta, candidate, release] =
            ["go1.26beta1", "go1.26rc2", "go1.26.0"].map(|text| GoVersion::toolchain(text).unwrap());
        assert!(module("1.26.0-0") < beta && beta < candidate && candidate < release);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_a_version_reads_back(text in "(v|go)?[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(-?[a-z0-9.]{1,8})?|.{0,20}") {
            if let Some(version) = GoVersion::module(&text) {
                prop_assert_eq!(&module(&version.as_module()), &version);
            }
            if let Some(version) = GoVersion::toolchain(&text) {
                prop_assert_eq!(GoVersion::toolchain(&version.as_toolchain()), Some(version));
            }
        }
    }
}
