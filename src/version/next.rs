//! The next version: from the last one and what was committed since.

use std::collections::BTreeSet;

use semver::{Prerelease, Version};
use serde::Serialize;

use super::change::quoted_title;
use super::revert::Graph;
use super::{Bump, Change, SmallTag, Unconventional, VersionError, VersionRules, Zero};
use crate::config::settings::version::STABLE;
use crate::history::{Logged, Tag};

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
    /// What somebody should know of a version that a tag gives.
    pub warning: Option<String>,
}

/// How many commits an error names.
const NAMED: usize = 3;

/// A version with the tag that names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tagged {
    /// The version.
    pub version: Version,
    /// The tag's name.
    pub tag: String,
    /// The commit that it leads to.
    pub commit: String,
}

/// The versions that tags name, the highest first. Tags that are not versions, or have another prefix, do not count.
pub fn versions(tags: &[Tag], prefix: &str) -> Vec<Tagged> {
    let tagged = |tag: &Tag| {
        let version = super::parse_tag(&tag.name, prefix)?;
        Some(Tagged { version, tag: tag.name.clone(), commit: tag.commit.clone() })
    };
    let mut versions: Vec<Tagged> = tags.iter().filter_map(tagged).collect();
    versions.sort_by(|one, other| (&other.version, &other.tag).cmp(&(&one.version, &one.tag)));
    versions
}

/// What the next version is made of.
pub struct Past<'a> {
    /// Every version that is there, reached or not: none is given twice.
    pub versions: &'a [Tagged],
    /// The highest stable version that the checked-out commit reaches.
    pub base: Option<&'a Tagged>,
    /// The commits since then, children before their parents: all of them where there is no such version.
    pub commits: &'a [Logged],
    /// The tags of prereleases that come after `base` and lead to commits that `base` reaches: its branch took in what was
    /// released for trial on another one, and perhaps took it back.
    pub outside: &'a [String],
    /// The names of those that concern what is released; none when all do.
    pub ours: Option<&'a BTreeSet<String>>,
    /// The branch.
    pub branch: Option<&'a str>,
}

/// Works out the next version of a channel.
///
/// # Errors
/// `version.nothing` when no commit asks for one, `version.backwards` and `version.release-as` for a footer that cannot
/// be followed, `version.taken` when it is there already on another branch, `version.overflow`, `version.unconventional`.
pub fn next(rules: &VersionRules, past: &Past<'_>, channel: &str) -> Result<Next, VersionError> {
    let line = Line::new(rules, past)?;
    let base = past.base.map(|base| &base.version);
    let wish = line.wish(&line.all)?;
    let bump = line.bump(&line.all);
    let inside = line.prereleases();
    let highest = inside.first().copied();
    let nothing = |since: Option<&Tagged>, commits: &[bool]| {
        let commits = (0..past.commits.len()).filter(|at| commits[*at] && line.concerns(*at)).count();
        VersionError::Nothing { since: since.map(|tagged| tagged.tag.clone()), commits }
    };
    let any = (0..past.commits.len()).any(|at| line.concerns(at));
    let asked = wish.is_some() || bump > Bump::None || (base.is_none() && any);
    if !asked {
        return Err(nothing(past.base, &line.all));
    }
    let of_channel = inside.iter().filter(|tagged| channel != STABLE && word(&tagged.version) == channel);
    if let Some(last) = of_channel.clone().next() {
        let fresh = line.beyond(of_channel.copied());
        if line.bump(&fresh) == Bump::None && line.wish(&fresh)?.is_none() {
            return Err(nothing(Some(last), &fresh));
        }
    }
    let mut core = match (&wish, base) {
        (Some((version, _)), _) => version.clone(),
        (None, Some(base)) => step(base, bump, rules.zero)?,
        (None, None) => rules.first.clone(),
    };
    if let (None, Some(highest)) = (&wish, highest) {
        // A prerelease was promised: what comes after it is not less, even if its reason was reverted.
        core = core.max(stable(&highest.version));
    }
    let mut version = line.named(&core, channel)?;
    let before = base.into_iter().chain(highest.map(|tagged| &tagged.version)).max_by(|a, b| a.cmp_precedence(b));
    if let Some(before) = before.filter(|before| version.cmp_precedence(before).is_le()) {
        match (wish, highest) {
            (None, Some(highest)) if highest.version == version => {
                // A channel without a counter has one version for each release, and this one is out.
                return Err(VersionError::Uncounted { version, tag: highest.tag.clone() });
            }
            (None, Some(highest)) => {
                // Another channel is ahead with the same numbers: this one goes on behind them.
                let fresh = line.beyond([highest]);
                let bump = line.bump(&fresh).max(Bump::Patch);
                version = line.named(&step(&stable(&highest.version), bump, rules.zero)?, channel)?;
            }
            (wish, _) => {
                let source_is = wish.map_or_else(String::new, |(_, commit)| format!("commit {}", short(&commit)));
                return Err(VersionError::Backwards { source_is, version, than: before.clone() });
            }
        }
    }
    if let Some(twin) = past.versions.iter().find(|known| known.version.cmp_precedence(&version).is_eq()) {
        let (tag, commit) = (twin.tag.clone(), short(&twin.commit).to_owned());
        return Err(VersionError::Taken { version, tag, commit });
    }
    Ok(line.into_next(version, channel))
}

/// Looks at a version that a tag at the checked-out commit gives; `past` is what came before that commit's tags.
///
/// # Errors
/// `version.backwards` when it does not come after the versions before it, `version.tag-too-small` when its commits ask
/// for more (unless that is only to be a warning, which [`Next::warning`] then is), `version.overflow`,
/// `version.unconventional`.
pub fn given(rules: &VersionRules, past: &Past<'_>, tagged: &Tagged) -> Result<Next, VersionError> {
    let line = Line::new(rules, past)?;
    let mut warning = None;
    // Of another channel may be ahead what was never meant to come before this one.
    let same_channel = |known: &&Tagged| word(&known.version) == word(&tagged.version);
    let inside = line.prereleases().into_iter().filter(same_channel).map(|known| &known.version);
    let before =
        past.base.map(|base| &base.version).into_iter().chain(inside.filter(|known| **known != tagged.version));
    if let Some(than) = before.max_by(|a, b| a.cmp_precedence(b))
        && tagged.version.cmp_precedence(than).is_le()
    {
        let source_is = format!("the tag {}", tagged.tag);
        return Err(VersionError::Backwards { source_is, version: tagged.version.clone(), than: than.clone() });
    }
    if let Some(base) = past.base {
        let needed = step(&base.version, line.bump(&line.all), rules.zero)?;
        if stable(&tagged.version).cmp_precedence(&needed).is_lt() {
            let why = line.furthest().map_or_else(String::new, |change| {
                format!("{} {}", short(&change.commit), change.breaking.first().unwrap_or(&change.description))
            });
            let (tag, previous) = (tagged.tag.clone(), base.version.clone());
            let error = VersionError::TagTooSmall { tag, needed, previous, why };
            match rules.small_tag {
                SmallTag::Refuse => return Err(error),
                SmallTag::Warn => warning = Some(error.to_string()),
            }
        }
    }
    let channel = word(&tagged.version);
    let next = line.into_next(tagged.version.clone(), if channel.is_empty() { STABLE } else { channel });
    Ok(Next { tag: tagged.tag.clone(), warning, ..next })
}

/// Picks the tag at the checked-out commit that gives the version, if one does; the tags come highest first.
///
/// A tag that started the run is the one. Else a run that a branch started takes one of its own channel, so that a
/// release candidate can become the release without a further commit; and any other run takes the stable one, or the
/// highest prerelease.
pub fn tag_at_head<'a>(
    rules: &VersionRules,
    here: &[&'a Tagged],
    start: &Start,
) -> Result<Option<&'a Tagged>, VersionError> {
    if let Start::Tag(name) = start
        && let Some(tagged) = here.iter().find(|tagged| tagged.tag == *name)
    {
        return Ok(Some(tagged));
    }
    let channel = match start {
        Start::Branch(branch) => rules.channel(branch),
        _ => None,
    };
    let released: Vec<&'a Tagged> = here.iter().copied().filter(|tagged| tagged.version.pre.is_empty()).collect();
    match (channel, &released[..]) {
        (Some(channel), _) if channel != STABLE => {
            Ok(here.iter().copied().find(|tagged| word(&tagged.version) == channel))
        }
        (_, [one]) => Ok(Some(one)),
        (None, []) => Ok(here.first().copied()),
        (Some(_), []) => Ok(None),
        (_, several) => {
            let tags = several.iter().rev().map(|tagged| tagged.tag.as_str()).collect::<Vec<_>>().join(", ");
            Err(VersionError::Several { tags })
        }
    }
}

/// What started the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A CI job for a branch.
    Branch(String),
    /// A CI job for a tag.
    Tag(String),
    /// Somebody, or something that does not say.
    Unknown,
}

/// The commits of a range and what they tell.
struct Line<'a> {
    rules: &'a VersionRules,
    past: &'a Past<'a>,
    graph: Graph<'a>,
    told: Vec<Vec<Change>>,
    all: Vec<bool>,
}

impl<'a> Line<'a> {
    fn new(rules: &'a VersionRules, past: &'a Past<'a>) -> Result<Self, VersionError> {
        let told = past.commits.iter().map(|commit| Change::of(commit, rules)).collect();
        let all = vec![true; past.commits.len()];
        let line = Self { rules, past, graph: Graph::new(past.commits), told, all };
        if rules.unconventional == Unconventional::Refuse {
            let found = line.unconventional();
            if !found.is_empty() {
                let first: Vec<String> = found.iter().take(NAMED).map(|commit| short(&commit.id).to_owned()).collect();
                let more = if found.len() > NAMED { ", …" } else { "" };
                return Err(VersionError::Unconventional { count: found.len(), first: first.join(", ") + more });
            }
        }
        Ok(line)
    }

    fn concerns(&self, at: usize) -> bool {
        self.past.ours.is_none_or(|ours| ours.contains(&self.past.commits[at].id))
    }

    /// What stands of some of the commits.
    fn changes(&self, within: &[bool]) -> impl Iterator<Item = &Change> {
        let standing = self.graph.standing(&self.told, within);
        let commits = standing.into_iter().enumerate().filter(|(at, stands)| *stands && self.concerns(*at));
        commits.flat_map(|(at, _)| &self.told[at])
    }

    fn bump(&self, within: &[bool]) -> Bump {
        self.changes(within).map(|change| change.bump).max().unwrap_or_default()
    }

    fn furthest(&self) -> Option<&Change> {
        let bump = self.bump(&self.all);
        self.changes(&self.all).find(|change| change.bump == bump)
    }

    /// The version that the newest footer `Release-As` asks for, with its commit.
    fn wish(&self, within: &[bool]) -> Result<Option<(Version, String)>, VersionError> {
        let Some((text, commit)) =
            self.changes(within).find_map(|change| Some((change.release_as()?, change.commit.clone())))
        else {
            return Ok(None);
        };
        let wrong = || {
            let text = text.chars().take(60).collect();
            VersionError::ReleaseAs { text, commit: short(&commit).to_owned() }
        };
        let version = wished(text).ok_or_else(wrong)?;
        Ok(Some((version, commit)))
    }

    /// The prereleases before this one, the highest first.
    fn prereleases(&self) -> Vec<&'a Tagged> {
        let inside = |tagged: &&Tagged| {
            let is_there = self.graph.find(&tagged.commit).is_some() || self.past.outside.contains(&tagged.tag);
            !tagged.version.pre.is_empty() && is_there
        };
        self.past.versions.iter().filter(inside).collect()
    }

    /// The commits that some tags do not reach.
    fn beyond<'t>(&self, tags: impl IntoIterator<Item = &'t Tagged>) -> Vec<bool> {
        let from = tags.into_iter().filter_map(|tagged| self.graph.find(&tagged.commit));
        self.graph.reached(from).into_iter().map(|reached| !reached).collect()
    }

    /// The version of a channel with these numbers: the next of its counter, which no tag anywhere has.
    fn named(&self, core: &Version, channel: &str) -> Result<Version, VersionError> {
        if channel == STABLE {
            return Ok(core.clone());
        }
        let pre = if self.rules.uncounted.iter().any(|name| name == channel) {
            channel.to_owned()
        } else {
            let count = |tagged: &Tagged| {
                let number = tagged.version.pre.as_str().strip_prefix(channel)?.strip_prefix('.')?;
                (stable(&tagged.version) == *core).then(|| number.parse::<u64>().ok())?
            };
            let last = self.past.versions.iter().filter_map(count).max().unwrap_or(0);
            let number = last.checked_add(1).ok_or_else(|| VersionError::Overflow { version: core.clone() })?;
            format!("{channel}.{number}")
        };
        let pre = Prerelease::new(&pre).expect("a channel is an identifier: the configuration is read so");
        Ok(Version { pre, ..core.clone() })
    }

    /// Commits that stand, are no merges and tell nothing that could be read.
    fn unconventional(&self) -> Vec<&'a Logged> {
        let standing = self.graph.standing(&self.told, &self.all);
        let silent = |change: &Change| change.kind.is_none() && change.reverts.is_empty() && !change.merge;
        let commits = self.past.commits.iter().enumerate().filter(|(at, commit)| {
            standing[*at]
                && self.concerns(*at)
                && self.told[*at].iter().all(silent)
                && quoted_title(&commit.message).is_none()
        });
        commits.map(|(_, commit)| commit).collect()
    }

    fn into_next(self, version: Version, channel: &str) -> Next {
        let (bump, unconventional) = (self.bump(&self.all), self.unconventional().len());
        // A merge that tells nothing of its own is no change: its commits are. Nor is the commit of a release.
        let changes = self.changes(&self.all).filter(|change| !change.merge || change.kind.is_some());
        let changes = changes.filter(|change| !change.is_release());
        Next {
            previous: self.past.base.map(|base| base.version.clone()),
            previous_tag: self.past.base.map(|base| base.tag.clone()),
            channel: channel.to_owned(),
            branch: self.past.branch.map(str::to_owned),
            bump,
            tag: format!("{}{version}", self.rules.tag_prefix),
            version,
            changes: changes.cloned().collect(),
            unconventional,
            warning: None,
        }
    }
}

/// The version that a footer `Release-As` asks for: a stable one.
pub(super) fn wished(text: &str) -> Option<Version> {
    let version = Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()?;
    (version.pre.is_empty() && version.build.is_empty()).then_some(version)
}

/// The version that a step leads to (SemVer 2.0.0, rules 4 and 6 to 8).
fn step(version: &Version, bump: Bump, zero: Zero) -> Result<Version, VersionError> {
    let bump = match (version.major, zero, bump) {
        (0, Zero::Minor | Zero::Shift, Bump::Major) => Bump::Minor,
        (0, Zero::Shift, Bump::Minor) => Bump::Patch,
        _ => bump,
    };
    let up = |number: u64| number.checked_add(1).ok_or_else(|| VersionError::Overflow { version: version.clone() });
    Ok(match bump {
        Bump::None => stable(version),
        Bump::Patch => Version::new(version.major, version.minor, up(version.patch)?),
        Bump::Minor => Version::new(version.major, up(version.minor)?, 0),
        Bump::Major => Version::new(up(version.major)?, 0, 0),
    })
}

/// The numbers of a version alone.
fn stable(version: &Version) -> Version {
    Version::new(version.major, version.minor, version.patch)
}

/// The first word of a prerelease; empty for a stable version.
fn word(version: &Version) -> &str {
    version.pre.as_str().split('.').next().unwrap_or("")
}

/// The beginning of an object name, for people.
fn short(id: &str) -> &str {
    &id[..id.len().min(12)]
}

#[cfg(test)]
mod tests;
