//! `[version]`, resolved: how commits become a version, and which branch releases what.

use std::collections::BTreeMap;

use semver::Version;
use serde::Serialize;

/// The channel whose versions are no prereleases.
pub const STABLE: &str = "stable";

/// What a branch is given that releases nothing.
pub const NO_CHANNEL: &str = "none";

/// Types of commits that need no configuration to be known: those of Conventional Commits 1.0.0 and of what it points to.
pub const WELL_KNOWN: &[&str] =
    &["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"];

/// What stands for the version in a pattern of `version.files`.
pub const PLACE: &str = "{version}";

/// `[version]`.
#[derive(Clone, Debug, Serialize)]
pub struct VersionRules {
    /// What stands before the version in a tag, usually `v`.
    pub tag_prefix: String,
    /// Channels by branch: names, or patterns in which `*` stands for any characters.
    pub channels: BTreeMap<String, String>,
    /// Channels whose versions have no counter: `3.0.0-dev` instead of `3.0.0-dev.4`.
    pub uncounted: Vec<String>,
    /// What a type of commit asks for; a type that is not named asks for nothing.
    pub types: BTreeMap<String, Bump>,
    /// What is different before 1.0.0.
    pub zero: Zero,
    /// The version of the first release.
    pub first: Version,
    /// What a message that is not conventional asks for.
    pub unconventional: Unconventional,
    /// Further files that name the version: by path the text around it, with [`PLACE`] in its place.
    pub files: BTreeMap<String, String>,
    /// What happens when a tag that is there names a smaller step than its commits ask for.
    pub small_tag: SmallTag,
    /// What happens when a Go module does not have the major version in its path.
    pub go_major: GoMajor,
}

/// `[service.version]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceVersion {
    /// What stands before its version in its own tags, when it has versions of its own.
    pub tag_prefix: Option<String>,
    /// Further files that belong to it: paths, folders or globs within the project.
    pub paths: Vec<String>,
}

/// How far a version moves: SemVer 2.0.0, rules 6 to 8. Greater is further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bump {
    /// Not at all.
    #[default]
    None,
    /// The third number.
    Patch,
    /// The second number.
    Minor,
    /// The first number.
    Major,
}

/// What is different while the first number is 0, when anything may change at any time (SemVer 2.0.0, rule 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Zero {
    /// A breaking change moves the second number; the rest is as ever.
    Minor,
    /// Every step is one smaller: a breaking change moves the second number, a feature the third.
    Shift,
    /// Nothing: a breaking change leads to 1.0.0.
    Major,
}

/// What a message that is not conventional asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unconventional {
    /// Nothing: it is counted and shown.
    Ignore,
    /// A patch.
    Patch,
    /// That nothing is released before it is mended.
    Refuse,
}

/// What happens when a tag names a smaller step than its commits ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SmallTag {
    /// There is no release.
    Refuse,
    /// A warning.
    Warn,
}

/// What happens when a Go module does not have the major version in its path (Go Modules Reference, "Major version
/// suffixes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GoMajor {
    /// There is no release.
    Refuse,
    /// The path is changed, and all imports of it.
    Fix,
    /// Nothing: nobody imports it.
    Ignore,
}

impl VersionRules {
    /// What holds when nothing is written.
    pub fn built_in() -> Self {
        let names = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let types = [("feat", Bump::Minor), ("fix", Bump::Patch), ("perf", Bump::Patch), ("revert", Bump::Patch)];
        Self {
            tag_prefix: "v".to_owned(),
            channels: names(&[
                ("main", STABLE),
                ("master", STABLE),
                ("hotfix/*", STABLE),
                ("release/*", "rc"),
                ("develop", "dev"),
            ]),
            uncounted: Vec::new(),
            types: types.into_iter().map(|(name, bump)| (name.to_owned(), bump)).collect(),
            zero: Zero::Minor,
            first: Version::new(0, 1, 0),
            unconventional: Unconventional::Ignore,
            files: BTreeMap::new(),
            small_tag: SmallTag::Refuse,
            go_major: GoMajor::Refuse,
        }
    }

    /// Whether a type is one that somebody has heard of: a configured one, or one that everybody knows.
    pub fn knows(&self, kind: &str) -> bool {
        self.types.contains_key(kind) || WELL_KNOWN.contains(&kind)
    }

    /// What a type asks for, in small letters.
    pub fn of_type(&self, kind: &str) -> Bump {
        self.types.get(kind).copied().unwrap_or_default()
    }

    /// The channel of a branch: of its own name, else of the pattern with the most characters that fits.
    pub fn channel(&self, branch: &str) -> Option<&str> {
        let patterns = self.channels.iter().filter(|(pattern, _)| fits(pattern, branch));
        let best = patterns.max_by_key(|(pattern, _)| (!pattern.contains('*'), pattern.len()));
        best.map(|(_, channel)| channel.as_str()).filter(|channel| *channel != NO_CHANNEL)
    }
}

/// Whether a name fits a pattern in which `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

impl Bump {
    /// Every step, with its word in the configuration.
    pub const WORDS: [(&str, Bump); 4] =
        [("none", Bump::None), ("patch", Bump::Patch), ("minor", Bump::Minor), ("major", Bump::Major)];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_of_a_branch_is_that_of_its_nearest_pattern() {
        let mut rules = VersionRules::built_in();
        for (pattern, channel) in [("release/1.*", "lts"), ("release/1.2", NO_CHANNEL), ("a*b*c", "abc"), ("*", "any")]
        {
            rules.channels.insert(pattern.into(), channel.into());
        }
        for (branch, channel) in [
            ("main", Some("stable")),
            ("release/3.0", Some("rc")),
            ("release/3.0/x", Some("rc")),
            ("release/1.9", Some("lts")),
            ("release/1.2", None),
            ("a-b-b-c", Some("abc")),
            ("abc", Some("abc")),
            ("ac", Some("any")),
            ("$(rm -rf)\n", Some("any")),
        ] {
            assert_eq!(rules.channel(branch), channel, "{branch}");
        }
        assert_eq!(VersionRules::built_in().channel("feature/x"), None);
    }
}
