//! Reads as much of the history as the next version needs.

use std::collections::BTreeSet;

use super::SurveyError;
use crate::config::settings::version::VersionRules;
use crate::history::{self, Concern, Git, History, Logged, Tag};
use crate::host::Host;
use crate::host::env::Env;
use crate::version::notes::Edition;
use crate::version::{self, Next, Past, Start, Tagged, VersionError};

/// The variable that names the branch where nothing else does, or where it should be another.
const BRANCH: &str = "SEALIFT_BRANCH";

/// Where CI systems put the branch of a job; the first that is set counts.
const BRANCH_VARIABLES: &[&str] =
    &["CI_COMMIT_BRANCH", "BITBUCKET_BRANCH", "CIRCLE_BRANCH", "BUILDKITE_BRANCH", "BRANCH_NAME"];

/// Where they put its tag.
const TAG_VARIABLES: &[&str] = &["CI_COMMIT_TAG", "BITBUCKET_TAG", "CIRCLE_TAG", "BUILDKITE_TAG", "TAG_NAME"];

/// What started the run, by the variables of the CI system that it runs in.
pub fn start(env: &Env) -> Start {
    let first = |names: &[&str]| names.iter().find_map(|name| env.var(name)).map(str::to_owned);
    if let Some(branch) = env.var(BRANCH) {
        return Start::Branch(branch.to_owned());
    }
    // GitHub, and Gitea and Forgejo like it, have one variable for the name and one for what it names.
    if let (Some(kind), Some(name)) = (env.var("GITHUB_REF_TYPE"), env.var("GITHUB_REF_NAME")) {
        return if kind == "tag" { Start::Tag(name.to_owned()) } else { Start::Branch(name.to_owned()) };
    }
    if let Some(name) = env.var("BUILD_SOURCEBRANCH") {
        if let Some(tag) = name.strip_prefix("refs/tags/") {
            return Start::Tag(tag.to_owned());
        }
        return Start::Branch(name.strip_prefix("refs/heads/").unwrap_or(name).to_owned());
    }
    let tag = first(TAG_VARIABLES).map(Start::Tag);
    tag.or_else(|| first(BRANCH_VARIABLES).map(Start::Branch)).unwrap_or(Start::Unknown)
}

/// What is known of the repository for the next version.
pub struct Timeline<'a> {
    host: &'a Host,
    git: &'a Git,
    history: &'a History,
    start: Start,
    /// Every tag that leads to a commit.
    pub tags: Vec<Tag>,
}

impl<'a> Timeline<'a> {
    /// Reads the tags.
    pub fn read(host: &'a Host, git: &'a Git, history: &'a History) -> Result<Self, SurveyError> {
        Ok(Self::of(host, git, history, history::tags(host, git)?))
    }

    /// The same of tags that were read already.
    pub fn of(host: &'a Host, git: &'a Git, history: &'a History, tags: Vec<Tag>) -> Self {
        let mut start = start(&host.env);
        // The branch that is checked out is the one, whatever a job was started for; only a variable of ours is stronger.
        if let (Start::Branch(branch), Some(own), None) = (&start, &history.branch, host.env.var(BRANCH))
            && branch != own
        {
            start = Start::Unknown;
        }
        Self { host, git, history, start, tags }
    }

    /// The branch.
    pub fn branch(&self) -> Option<&str> {
        match &self.start {
            Start::Branch(branch) => Some(branch),
            _ => self.history.branch.as_deref(),
        }
    }

    /// The version that a tag at the checked-out commit gives, if one does.
    pub fn given<'v>(&self, rules: &VersionRules, versions: &'v [Tagged]) -> Result<Option<&'v Tagged>, VersionError> {
        let here: Vec<&Tagged> = versions.iter().filter(|tagged| tagged.commit == self.history.head.id).collect();
        version::tag_at_head(rules, &here, &self.start)
    }

    /// What a tag gives, judged by its commits; else what comes next. `true` tells that a tag gave it.
    pub fn next(&self, rules: &VersionRules) -> Result<(Next, bool), SurveyError> {
        self.next_of(rules, None)
    }

    /// The same for what is made of a part of the files.
    pub fn next_of_part(&self, rules: &VersionRules, concern: &Concern<'_>) -> Result<(Next, bool), SurveyError> {
        self.next_of(rules, Some(concern))
    }

    fn next_of(&self, rules: &VersionRules, concern: Option<&Concern<'_>>) -> Result<(Next, bool), SurveyError> {
        let versions = version::versions(&self.tags, &rules.tag_prefix);
        let head = &self.history.head.id;
        let given = self.given(rules, &versions)?;
        let base = self.base(&versions, |tagged| given.is_none() || tagged.commit != *head)?;
        let commits = self.since(base)?;
        let ours = concern.map(|concern| self.affecting(base, concern)).transpose()?;
        let outside = self.outside(&versions, base, &commits)?;
        let (outside, ours) = (&outside[..], ours.as_ref());
        let past = Past { versions: &versions, base, commits: &commits, outside, ours, branch: self.branch() };
        match given {
            Some(tagged) => Ok((version::given(rules, &past, tagged)?, true)),
            None => Ok((version::next(rules, &past, self.channel(rules)?)?, false)),
        }
    }

    /// The channel of the branch.
    pub fn channel<'r>(&self, rules: &'r VersionRules) -> Result<&'r str, VersionError> {
        let branch = self.branch().ok_or(VersionError::NoBranch)?;
        rules.channel(branch).ok_or_else(|| VersionError::NoChannel { branch: branch.to_owned() })
    }

    /// The highest stable version that the checked-out commit reaches. The history is read to the nearest; those that
    /// are higher and were not met on the way are asked for by name.
    pub fn base<'v>(
        &self,
        versions: &'v [Tagged],
        counts: impl Fn(&Tagged) -> bool,
    ) -> Result<Option<&'v Tagged>, SurveyError> {
        let (host, git, head) = (self.host, self.git, &self.history.head.id);
        let stable: Vec<&Tagged> =
            versions.iter().filter(|tagged| tagged.version.pre.is_empty() && counts(tagged)).collect();
        if stable.is_empty() {
            return Ok(None);
        }
        let commits: BTreeSet<&str> = stable.iter().map(|tagged| tagged.commit.as_str()).collect();
        let Some(near) = history::nearest(host, git, head, &|id| commits.contains(id))? else { return Ok(None) };
        let Some(at) = stable.iter().position(|tagged| tagged.commit == near) else { return Ok(None) };
        let higher: Vec<Tag> =
            stable[..at].iter().map(|tagged| Tag { name: tagged.tag.clone(), commit: tagged.commit.clone() }).collect();
        if higher.is_empty() {
            return Ok(Some(stable[at]));
        }
        let reached = history::reached(host, git, head, &higher.iter().collect::<Vec<_>>())?;
        let best = stable[..at].iter().find(|tagged| reached.iter().any(|tag| tag.name == tagged.tag));
        Ok(Some(best.unwrap_or(&stable[at])))
    }

    /// The tags of prereleases that come after a version and that HEAD reaches, although they are not among its new commits.
    fn outside(
        &self,
        versions: &[Tagged],
        base: Option<&Tagged>,
        commits: &[Logged],
    ) -> Result<Vec<String>, SurveyError> {
        let Some(base) = base else { return Ok(Vec::new()) };
        let new: BTreeSet<&str> = commits.iter().map(|commit| commit.id.as_str()).collect();
        let higher = |tagged: &&Tagged| {
            let is_higher = tagged.version.cmp_precedence(&base.version).is_gt();
            !tagged.version.pre.is_empty() && is_higher && !new.contains(tagged.commit.as_str())
        };
        let asked: Vec<Tag> = versions
            .iter()
            .filter(higher)
            .map(|tagged| Tag { name: tagged.tag.clone(), commit: tagged.commit.clone() })
            .collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let found = history::reached(self.host, self.git, &self.history.head.id, &asked.iter().collect::<Vec<_>>())?;
        Ok(found.into_iter().map(|tag| tag.name.clone()).collect())
    }

    /// The commits since a version, or all.
    pub fn since(&self, base: Option<&Tagged>) -> Result<Vec<Logged>, SurveyError> {
        self.within(base, |range| Ok(history::logged(self.host, self.git, range)?))
    }

    /// The names of those commits since a version, or of all, that affected something.
    pub fn affecting(&self, base: Option<&Tagged>, concern: &Concern<'_>) -> Result<BTreeSet<String>, SurveyError> {
        self.within(base, |range| Ok(history::affecting(self.host, self.git, range, concern)?))
    }

    /// What every stable version brought, of some commits or of all.
    pub fn editions(&self, rules: &VersionRules, ours: Option<&BTreeSet<String>>) -> Result<Vec<Edition>, SurveyError> {
        let versions = version::versions(&self.tags, &rules.tag_prefix);
        Ok(version::editions(rules, &versions, self.since(None)?, ours))
    }

    /// Reads the range of commits since a version, or of all.
    fn within<T>(
        &self,
        base: Option<&Tagged>,
        read: impl FnOnce(&[&str]) -> Result<T, SurveyError>,
    ) -> Result<T, SurveyError> {
        let without = base.map(|base| format!("^{}", base.commit));
        let range: Vec<&str> = [self.history.head.id.as_str()].into_iter().chain(without.as_deref()).collect();
        read(&range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_ci_systems_tell_branch_and_tag() {
        for (vars, expected) in [
            (&[("GITHUB_REF_TYPE", "branch"), ("GITHUB_REF_NAME", "main")][..], Start::Branch("main".into())),
            (&[("GITHUB_REF_TYPE", "tag"), ("GITHUB_REF_NAME", "v1.0.0")], Start::Tag("v1.0.0".into())),
            (&[("CI_COMMIT_BRANCH", "release/3.0")], Start::Branch("release/3.0".into())),
            (&[("CI_COMMIT_TAG", "v2"), ("CI_COMMIT_BRANCH", "")], Start::Tag("v2".into())),
            (&[("BUILD_SOURCEBRANCH", "refs/heads/a/b")], Start::Branch("a/b".into())),
            (&[("BUILD_SOURCEBRANCH", "refs/tags/v1")], Start::Tag("v1".into())),
            (&[("BRANCH_NAME", "$(rm -rf)"), ("SEALIFT_BRANCH", "x")], Start::Branch("x".into())),
            (&[("GITHUB_REF_NAME", "main")], Start::Unknown),
            (&[], Start::Unknown),
        ] {
            assert_eq!(start(&Env::of("/".into(), vars.iter().copied())), expected, "{vars:?}");
        }
    }
}
