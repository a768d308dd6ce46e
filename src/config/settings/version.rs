//! `[version]`, resolved: how commits become a version, and which branch releases what.

use std::collections::BTreeMap;

use semver::Version;
use serde::Serialize;

/// The channel whose versions are no prereleases.
pub const STABLE: &str = "stable";

/// What a branch is given that releases nothing.
pub const NO_CHANNEL: &str = "none";

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
    /// What happens when a tag that is there names a smaller step than its commits ask for.
    pub small_tag: SmallTag,
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
