//! The next version: from the last one and what was committed since.

use semver::Version;
use serde::Serialize;

use super::{Bump, Change};

/// The version that a release of the checked-out commit has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The version.
    pub version: Version,
    /// The stable version that it comes after; none for the first release.
    pub previous: Option<Version>,
    /// The tag of that version.
    pub previous_tag: Option<String>,
    /// `stable`, or the word of a prerelease.
    pub channel: String,
    /// The branch, where one is known.
    pub branch: Option<String>,
    /// The furthest that any change asks for.
    pub bump: Bump,
    /// The name of its tag.
    pub tag: String,
    /// What is new since [`Next::previous`], newest first, without what was reverted: the notes tell these.
    pub changes: Vec<Change>,
    /// How many of the commits are not conventional.
    pub unconventional: usize,
}
