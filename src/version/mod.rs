//! Which version this is: from the tag at the checked-out commit, or a snapshot of any tree. Pure.

mod tags;

use sealift_trust::Digest;
use semver::{BuildMetadata, Prerelease, Version};
use serde::Serialize;

use crate::error::{Fault, Kind};
use crate::history::{Commit, History};

pub use tags::{ImageTag, TagKind, tags};

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
    /// The SemVer tag at the checked-out commit, on a clean tree.
    Tagged,
    /// That tag if there is one, else a snapshot: for a build that nobody publishes.
    Any,
}

/// Why there is no version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Files differ.
    #[error("{count} file{} from HEAD: {first}", if *.count == 1 { " differs" } else { "s differ" })]
    Dirty {
        /// How many.
        count: usize,
        /// The first few.
        first: String,
        /// One of them that looks like a secret key.
        key: Option<String>,
    },
    /// No tag.
    #[error("no tag {prefix}X.Y.Z at commit {commit}")]
    NoTag {
        /// What stands before a version.
        prefix: String,
        /// The commit.
        commit: String,
    },
    /// More than one.
    #[error("several versions are tagged at one commit: {tags}")]
    Several {
        /// Which.
        tags: String,
    },
}

impl Fault for VersionError {
    fn code(&self) -> &'static str {
        match self {
            Self::Dirty { .. } => "repository.dirty",
            Self::NoTag { .. } => "version.no-tag",
            Self::Several { .. } => "version.several-tags",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Repository
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Dirty { key: Some(key), .. } => {
                format!("move {key} out of the repository: a secret key is never committed; then commit the rest")
            }
            Self::Dirty { .. } => "commit them, or pass --snapshot".into(),
            Self::NoTag { prefix, .. } => format!("tag the commit (git tag -a {prefix}1.0.0), or pass --snapshot"),
            Self::Several { .. } => "delete the tag that is wrong (git tag -d NAME)".into(),
        })
    }
}

/// Finds the version of the product.
pub fn release(history: &History, reachable: &[String], prefix: &str, mode: Mode) -> Result<Release, VersionError> {
    if mode == Mode::Any {
        let tagged = release(history, reachable, prefix, Mode::Tagged);
        return tagged.or_else(|_| release(history, reachable, prefix, Mode::Snapshot));
    }
    let dirty = !history.changes.is_empty();
    let at = |version, tag| Release {
        version,
        tag,
        commit: history.head.clone(),
        snapshot: mode == Mode::Snapshot,
        dirty,
        source: history.source.clone(),
    };
    if mode == Mode::Snapshot {
        return Ok(at(snapshot(reachable, prefix, &history.head.id, None), None));
    }
    if dirty {
        let first = history.changes.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = if history.changes.len() > 5 { ", …" } else { "" };
        let key = history.changes.iter().find(|name| name.ends_with(".key")).cloned();
        return Err(VersionError::Dirty { count: history.changes.len(), first: first + more, key });
    }
    let mut tagged: Vec<(Version, &String)> =
        history.tags.iter().filter_map(|tag| Some((parse_tag(tag, prefix)?, tag))).collect();
    tagged.sort();
    match &tagged[..] {
        [] => Err(VersionError::NoTag { prefix: prefix.to_owned(), commit: history.head.id[..12].to_owned() }),
        [(version, tag)] => Ok(at(version.clone(), Some((*tag).clone()))),
        several => Err(VersionError::Several {
            tags: several.iter().map(|(_, tag)| tag.as_str()).collect::<Vec<_>>().join(", "),
        }),
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

    fn history(tags: &[&str], changes: &[&str]) -> History {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let head = Commit { id: "0123456789abcdef0123456789abcdef01234567".into(), time: 7 };
        History { top: "/".into(), head, branch: None, tags: own(tags), changes: own(changes), source: None }
    }

    #[test]
    fn a_tag_gives_the_version() {
        let release = release(&history(&["v1.2.3", "latest", "v1"], &[]), &[], "v", Mode::Tagged).unwrap();
        assert_eq!((release.version.to_string().as_str(), release.tag.as_deref()), ("1.2.3", Some("v1.2.3")));
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        let refused = |history: &History| release(history, &[], "v", Mode::Tagged).unwrap_err();
        assert_eq!(
            refused(&history(&["v1.0.0"], &["go.mod", "main.go"])).to_string(),
            "2 files differ from HEAD: go.mod, main.go"
        );
        assert_eq!(refused(&history(&["v1.0.0"], &["a"])).to_string(), "1 file differs from HEAD: a");
        let hint = |changes| refused(&history(&["v1.0.0"], changes)).hint().unwrap();
        assert!(hint(&["main.go"]).starts_with("commit them"));
        let hint = hint(&["main.go", "release.key", "release.key.pub"]);
        assert!(hint.contains("release.key out of the repository") && !hint.starts_with("commit"), "{hint}");
        assert_eq!(refused(&history(&["1.0.0"], &[])).code(), "version.no-tag");
        assert_eq!(refused(&history(&["v1.0.0", "v1.0.1"], &[])).code(), "version.several-tags");
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
