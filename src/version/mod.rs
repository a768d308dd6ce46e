//! Which version this is: from the tag at the checked-out commit, from what was committed since the last one, or a
//! snapshot of any tree. Pure.

mod change;
pub mod changelog;
mod edit;
mod editions;
mod error;
pub mod files;
mod lint;
mod message;
mod next;
pub mod notes;
mod output;
mod revert;
mod tags;

use sealift_trust::Digest;
use semver::{BuildMetadata, Prerelease, Version};
use serde::Serialize;

use crate::history::{Commit, History};

pub use crate::config::settings::version::{Bump, SmallTag, Unconventional, VersionRules, Zero};
pub use change::{Change, Footer};
pub use edit::Edit;
pub use editions::editions;
pub use error::VersionError;
pub use lint::{Problem, lint, without_comments};
pub use message::{Message, Unlike};
pub use next::{Next, Past, Start, Tagged, given, next, tag_at_head, versions};
pub use output::{Reader, Told, told, told_nothing, told_of_parts};
pub use tags::{ImageTag, TagKind, is_fixed, tags};

/// A release as far as it is known before the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Release {
    /// The version of the product.
    pub version: Version,
    /// The tag that gave it, if one did.
    pub tag: Option<String>,
    /// The commit that is checked out.
    pub commit: Commit,
    /// Whether this is a snapshot: not a version that anybody published.
    pub snapshot: bool,
    /// Whether the tree differs from the commit.
    pub dirty: bool,
    /// Where the source is.
    pub source: Option<String>,
}

/// What is stamped into a service's binary: all of the last commit that affected it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// Its version.
    pub version: Version,
    /// The commit, empty when there is none.
    pub commit: String,
    /// That commit's time (or `SOURCE_DATE_EPOCH`), in seconds since 1970.
    pub time: u64,
    /// The digest of the service's files, when they differ from the commit.
    pub modified: Option<Digest>,
}

/// How the version is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Whatever the tree holds.
    Snapshot,
    /// On a clean tree: the SemVer tag at the checked-out commit, else what its commits ask for.
    Release,
    /// That tag if there is one, else a snapshot: for a build that nobody publishes.
    Any,
}

/// The tree is as the commit has it.
///
/// # Errors
/// `repository.dirty`, with the files that differ.
pub fn clean(history: &History) -> Result<(), VersionError> {
    if history.changes.is_empty() {
        return Ok(());
    }
    let first = history.changes.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if history.changes.len() > 5 { ", …" } else { "" };
    let key = history.changes.iter().find(|name| name.ends_with(".key")).cloned();
    Err(VersionError::Dirty { count: history.changes.len(), first: first + more, key })
}

impl Release {
    /// The release of the checked-out commit under a version that a tag gives, or that its commits do. Where the source
    /// is, the configuration says.
    pub fn of(history: &History, version: Version, tag: Option<String>) -> Self {
        let (commit, dirty) = (history.head.clone(), !history.changes.is_empty());
        Self { version, tag, commit, snapshot: false, dirty, source: None }
    }

    /// The snapshot of the tree.
    pub fn snapshot(history: &History, reachable: &[String], prefix: &str) -> Self {
        let version = snapshot(reachable, prefix, &history.head.id, None);
        Self { snapshot: true, ..Self::of(history, version, None) }
    }
}

/// The stamp of one service, from the last commit that affected it and the tags which that commit reaches.
pub fn stamp(release: &Release, prefix: &str, last: &Commit, reachable: &[String], modified: Option<Digest>) -> Stamp {
    let version = if release.snapshot {
        snapshot(reachable, prefix, &last.id, modified.as_ref())
    } else {
        release.version.clone()
    };
    Stamp { version, commit: last.id.clone(), time: last.time, modified }
}

/// The version of a snapshot: the one after the highest reachable release, marked with the commit and, where files
/// differ from it, with their digest. The letters before the digits keep an all-digit hash from being a number, which
/// must not begin with a zero (SemVer 2.0.0, rule 9).
pub fn snapshot(reachable: &[String], prefix: &str, commit: &str, modified: Option<&Digest>) -> Version {
    let highest = reachable.iter().filter_map(|tag| parse_tag(tag, prefix)).max_by(Version::cmp_precedence);
    let mut version = highest.unwrap_or(Version::new(0, 0, 0));
    if version.pre.is_empty() {
        version.patch = version.patch.saturating_add(1);
    }
    let mut pre = String::from("snapshot");
    if !commit.is_empty() {
        pre += &format!(".g{}", &commit[..commit.len().min(12)]);
    }
    if let Some(digest) = modified {
        pre += &format!(".d{}", &digest.hex()[..8]);
    }
    version.pre = Prerelease::new(&pre).expect("letters, digits and dots");
    version.build = BuildMetadata::EMPTY;
    version
}

/// The version that a tag names, if it names one.
pub fn parse_tag(tag: &str, prefix: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix(prefix)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    fn history(changes: &[&str]) -> History {
        let changes = changes.iter().map(|text| (*text).to_owned()).collect();
        let head = Commit { id: "0123456789abcdef0123456789abcdef01234567".into(), time: 7 };
        History { top: "/".into(), head, branch: None, changes }
    }

    #[test]
    fn files_that_differ_are_named() {
        let refused = |changes: &[&str]| clean(&history(changes)).unwrap_err();
        assert_eq!(refused(&["go.mod", "main.go"]).to_string(), "2 files differ from HEAD: go.mod, main.go");
        assert_eq!(refused(&["a"]).to_string(), "1 file differs from HEAD: a");
        let hint = |changes| refused(changes).hint().unwrap();
        assert!(hint(&["main.go"]).starts_with("commit them"));
        let hint = hint(&["main.go", "release.key", "release.key.pub"]);
        assert!(hint.contains("release.key out of the repository") && !hint.starts_with("commit"), "{hint}");
        assert_eq!(clean(&history(&[])), Ok(()));
    }

    #[test]
    fn a_snapshot_follows_the_highest_reachable_release() {
        let tags: Vec<String> = ["v1.2.3", "v1.10.0", "v1.9.9", "x"].map(String::from).into();
        let digest = Digest::of(b"files");
        let version = snapshot(&tags, "v", "0123456789abcdef", Some(&digest));
        assert_eq!(version.to_string(), format!("1.10.1-snapshot.g0123456789ab.d{}", &digest.hex()[..8]));
        assert_eq!(snapshot(&["v2.0.0-rc.1".into()], "v", "", None).to_string(), "2.0.0-snapshot");
        assert_eq!(snapshot(&[], "v", "", None).to_string(), "0.0.1-snapshot");
        assert!(snapshot(&[format!("v1.0.{}", u64::MAX)], "v", "", None).patch == u64::MAX);
    }
}
