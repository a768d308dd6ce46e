//! Why there is no version.

use semver::Version;

use crate::error::{Fault, Kind};

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
    /// More than one stable version at one commit.
    #[error("several versions are tagged at one commit: {tags}")]
    Several {
        /// Which.
        tags: String,
    },
    /// No commit asks for a release.
    #[error("nothing to release: {}", nothing(.since.as_deref(), *.commits))]
    Nothing {
        /// The tag since which nothing was changed.
        since: Option<String>,
        /// How many commits there are that ask for nothing.
        commits: usize,
    },
    /// The branch releases nothing.
    #[error("nothing to release: the branch {branch} has no channel")]
    NoChannel {
        /// Its name.
        branch: String,
    },
    /// HEAD is detached and nothing says which branch it is.
    #[error("no branch is checked out, so that the channel of the next version is not known")]
    NoBranch,
    /// It would not come after what is there.
    #[error("{source_is} asks for {version}, and {than} is already in its history")]
    Backwards {
        /// Who asks: a tag, or a commit's footer.
        source_is: String,
        /// The version.
        version: Version,
        /// The greater one, or the same.
        than: Version,
    },
    /// A footer that names no version.
    #[error("commit {commit} has the footer Release-As: {text:?}, which is no version X.Y.Z")]
    ReleaseAs {
        /// What it says.
        text: String,
        /// The commit, shortened.
        commit: String,
    },
    /// A number cannot be counted up.
    #[error("no version comes after {version}: a number in it is the greatest there is")]
    Overflow {
        /// The version.
        version: Version,
    },
    /// The version is somebody else's.
    #[error(
        "the next version would be {version}, which {tag} names already at commit {commit}, outside of this branch"
    )]
    Taken {
        /// The version.
        version: Version,
        /// The tag.
        tag: String,
        /// The commit, shortened.
        commit: String,
    },
    /// A prerelease without a counter is out already.
    #[error("the next version would be {version} again: its channel has no counter, and {tag} is out")]
    Uncounted {
        /// The version.
        version: Version,
        /// The tag.
        tag: String,
    },
    /// A tag that was given is less than its commits ask for.
    #[error("the tag {tag} is less than {needed}, which its commits since {previous} ask for: {why}")]
    TagTooSmall {
        /// The tag.
        tag: String,
        /// What they ask for.
        needed: Version,
        /// Since when.
        previous: Version,
        /// The first change that asks for so much.
        why: String,
    },
    /// Messages that are not conventional, where the configuration refuses them.
    #[error("{count} commit{} not conventional: {first}", if *.count == 1 { " is" } else { "s are" })]
    Unconventional {
        /// How many.
        count: usize,
        /// The first few.
        first: String,
    },
}

fn nothing(since: Option<&str>, commits: usize) -> String {
    let since = since.map_or_else(String::new, |tag| format!(" since {tag}"));
    match commits {
        0 => format!("no commit{since}"),
        1 => format!("1 commit{since} that asks for no new version"),
        count => format!("{count} commits{since} that ask for no new version"),
    }
}

impl Fault for VersionError {
    fn code(&self) -> &'static str {
        match self {
            Self::Dirty { .. } => "repository.dirty",
            Self::Several { .. } => "version.several-tags",
            Self::Nothing { .. } => "version.nothing",
            Self::NoChannel { .. } => "version.no-channel",
            Self::NoBranch => "version.no-branch",
            Self::Backwards { .. } => "version.backwards",
            Self::ReleaseAs { .. } => "version.release-as",
            Self::Overflow { .. } => "version.overflow",
            Self::Taken { .. } => "version.taken",
            Self::Uncounted { .. } => "version.uncounted",
            Self::TagTooSmall { .. } => "version.tag-too-small",
            Self::Unconventional { .. } => "version.unconventional",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Nothing { .. } | Self::NoChannel { .. } => Kind::Nothing,
            Self::Taken { .. } | Self::Uncounted { .. } => Kind::Conflict,
            Self::Unconventional { .. } => Kind::Input,
            _ => Kind::Repository,
        }
    }

    fn hint(&self) -> Option<String> {
        let release_as =
            |version: &str| format!("git commit --allow-empty -m \"chore: next version\" -m \"Release-As: {version}\"");
        Some(match self {
            Self::Dirty { key: Some(key), .. } => {
                format!("move {key} out of the repository: a secret key is never committed; then commit the rest")
            }
            Self::Dirty { .. } => "commit them, or pass --snapshot".into(),
            Self::Several { .. } => "delete the tag that is wrong (git tag -d NAME)".into(),
            Self::Nothing { .. } => {
                format!("a fix: or feat: commit asks for one, and so does: {}", release_as("X.Y.Z"))
            }
            Self::NoChannel { .. } => {
                "give it one in sealift.toml: [version.channels] \"PATTERN\" = \"stable\", or pass --snapshot".into()
            }
            Self::NoBranch => "SEALIFT_BRANCH=main sealift …, or git switch main".into(),
            Self::Backwards { than, .. } => match bumped(than) {
                Some(next) => format!("a later commit can ask for another: {}", release_as(&next.to_string())),
                None => return None,
            },
            Self::ReleaseAs { .. } => format!("a later commit can say it right: {}", release_as("1.2.3")),
            Self::Overflow { .. } => release_as("X.Y.Z"),
            Self::Taken { tag, .. } => format!("take what was released into this branch first: git merge {tag}"),
            Self::Uncounted { version, .. } => format!(
                "release {}.{}.{} from its own branch, or let the channel count: take {} out of uncounted in [version]",
                version.major, version.minor, version.patch, version.pre
            ),
            Self::TagTooSmall { needed, tag, .. } => {
                format!(
                    "tag {needed} in its place, or small-tag = \"warn\" in [version] (git tag -d {tag} takes it away)"
                )
            }
            Self::Unconventional { .. } => "sealift version lint shows what is wrong with each".into(),
        })
    }
}

/// The nearest stable version after another.
fn bumped(version: &Version) -> Option<Version> {
    let patch = if version.pre.is_empty() { version.patch.checked_add(1)? } else { version.patch };
    Some(Version::new(version.major, version.minor, patch))
}
