//! The rules for the values of `[version]`.

use semver::{Prerelease, Version};

use super::{choice, quoted};
use crate::config::error::Wrong;
use crate::config::settings::version::{Bump, NO_CHANNEL, PLACE, STABLE};

/// The words of `zero`.
pub const ZERO: &[&str] = &["minor", "shift", "major"];
/// The words of `unconventional`.
pub const UNCONVENTIONAL: &[&str] = &["ignore", "patch", "refuse"];
/// The words of `small-tag`.
pub const SMALL_TAG: &[&str] = &["refuse", "warn"];
/// The words of `go-major`.
pub const GO_MAJOR: &[&str] = &["refuse", "fix", "ignore"];

/// A branch or a pattern of branches with its channel.
pub fn channel_of_branch(branch: &str, channel: &str) -> Result<(), Wrong> {
    // What git refuses in a name (git-check-ref-format), but for the `*`.
    let bad = |c: char| c.is_control() || " ~^:?[\\".contains(c);
    if branch.is_empty() || branch.len() > 200 || branch.contains(bad) {
        let wrong = Wrong::new("config.value", format!("{} is neither a branch nor a pattern", quoted(branch)));
        return Err(wrong.hint("for example main or \"release/*\""));
    }
    if channel == STABLE || channel == NO_CHANNEL { Ok(()) } else { prerelease(channel).map(drop) }
}

/// The word of a prerelease: an identifier that is no number (SemVer 2.0.0, rule 9).
pub fn prerelease(word: &str) -> Result<String, Wrong> {
    let number = word.bytes().all(|c| c.is_ascii_digit());
    if number || word == STABLE || word == NO_CHANNEL || word.contains('.') || Prerelease::new(word).is_err() {
        let wrong = Wrong::new("config.value", format!("{} is not the word of a prerelease", quoted(word)));
        return Err(wrong.hint("for example \"rc\" or \"dev\": letters, digits and -"));
    }
    Ok(word.to_owned())
}

/// A type of commits with the step that it asks for.
pub fn bump_of_type(kind: &str, word: &str) -> Result<(), Wrong> {
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || "-_./+".contains(c);
    if kind.is_empty() || kind.len() > 60 || !kind.chars().all(fits) {
        let wrong = Wrong::new("config.value", format!("{} is not a type of commits", quoted(kind)));
        return Err(wrong.hint("one word in small letters, for example deps"));
    }
    choice(word, &Bump::WORDS.map(|(word, _)| word)).map(drop)
}

/// A version without prerelease and build metadata.
pub fn version(text: &str) -> Result<Version, Wrong> {
    let version = Version::parse(text).ok().filter(|version| version.pre.is_empty() && version.build.is_empty());
    version.ok_or_else(|| {
        let wrong = Wrong::new("config.value", format!("{} is not a version", quoted(text)));
        wrong.hint("for example \"1.0.0\", without the tag's prefix")
    })
}

/// A file with the text around its version.
pub fn file(path: &str, pattern: &str) -> Result<(), Wrong> {
    super::path(path)?;
    if path.parse::<sealift_trust::name::InnerPath>().is_err() {
        let wrong = Wrong::new("config.value", format!("{} is not the path of one file in the project", quoted(path)));
        return Err(wrong.hint("for example \"deploy/chart/Chart.yaml\", without patterns"));
    }
    if pattern.matches(PLACE).count() != 1 || pattern.len() > 300 || pattern.contains(char::is_control) {
        let wrong = Wrong::new("config.value", format!("{} does not name the version once", quoted(pattern)));
        return Err(
            wrong.hint("for example \"appVersion: {version}\"; \"{version}\" alone is every version in the file")
        );
    }
    Ok(())
}
