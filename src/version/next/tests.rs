use proptest::prelude::*;

use super::*;
use crate::error::Fault;

/// A history that is written down from the oldest commit to the newest.
#[derive(Clone, Default)]
struct Written {
    commits: Vec<Logged>,
    versions: Vec<Tagged>,
}

impl Written {
    fn id(at: usize) -> String {
        format!("{at:040x}")
    }

    /// A commit on top of the last one.
    fn commit(&mut self, message: &str) -> usize {
        let parents = self.commits.last().map(|last| last.id.clone()).into_iter().collect();
        self.push(message, parents)
    }

    fn push(&mut self, message: &str, parents: Vec<String>) -> usize {
        let at = self.commits.len();
        let (id, author, message) = (Self::id(at), "A".into(), message.into());
        self.commits.push(Logged { id, parents, time: 0, author, message });
        at
    }

    fn revert(&mut self, at: usize) -> usize {
        self.commit(&self.reverting(at))
    }

    /// The message of a revert.
    fn reverting(&self, at: usize) -> String {
        let title = self.commits[at].message.lines().next().unwrap_or("");
        format!("Revert \"{title}\"\n\nThis reverts commit {}.", Self::id(at))
    }

    /// A tag at the last commit.
    fn tag(&mut self, version: &str) {
        self.tag_at(version, self.commits.len() - 1);
    }

    fn tag_at(&mut self, version: &str, at: usize) {
        let (version, tag) = (version.parse().unwrap(), format!("v{version}"));
        self.versions.push(Tagged { version, tag, commit: Self::id(at) });
        self.versions.sort_by(|one, other| other.version.cmp(&one.version));
    }

    /// The highest stable version of a linear history, with the commits since.
    fn next_by(&self, rules: &VersionRules, channel: &str) -> Result<Next, VersionError> {
        let base = self.versions.iter().find(|tagged| tagged.version.pre.is_empty());
        let at = base.and_then(|base| self.commits.iter().position(|commit| commit.id == base.commit));
        let commits: Vec<Logged> = self.commits[at.map_or(0, |at| at + 1)..].iter().rev().cloned().collect();
        let past = Past { versions: &self.versions, base, commits: &commits, outside: &[], ours: None, branch: None };
        next(rules, &past, channel)
    }

    /// What a commit reaches, itself included.
    fn reached(&self, tip: usize) -> Vec<bool> {
        let mut reached = vec![false; self.commits.len()];
        reached[tip] = true;
        // A parent is written down before its children.
        for at in (0..=tip).rev() {
            if reached[at] {
                self.commits[at].parents.iter().for_each(|parent| reached[Self::at(parent)] = true);
            }
        }
        reached
    }

    /// The place of a commit.
    fn at(id: &str) -> usize {
        usize::from_str_radix(id, 16).unwrap()
    }

    /// What comes next at a commit of any history: after the highest stable version that it reaches.
    fn next_at(&self, tip: usize, channel: &str) -> Result<Next, VersionError> {
        let reached = self.reached(tip);
        let released = |tagged: &&Tagged| tagged.version.pre.is_empty() && reached[Self::at(&tagged.commit)];
        let base = self.versions.iter().find(released);
        let before = base.map_or_else(|| vec![false; self.commits.len()], |base| self.reached(Self::at(&base.commit)));
        let since = (0..=tip).rev().filter(|at| reached[*at] && !before[*at]);
        let commits: Vec<Logged> = since.map(|at| self.commits[at].clone()).collect();
        let outside = self.versions.iter().filter(|tagged| {
            let higher = base.is_some_and(|base| tagged.version > base.version);
            higher && !tagged.version.pre.is_empty() && before.get(Self::at(&tagged.commit)) == Some(&true)
        });
        let outside: Vec<String> = outside.map(|tagged| tagged.tag.clone()).collect();
        let past =
            Past { versions: &self.versions, base, commits: &commits, outside: &outside, ours: None, branch: None };
        next(&VersionRules::built_in(), &past, channel)
    }

    fn next(&self, channel: &str) -> Result<Next, VersionError> {
        self.next_by(&VersionRules::built_in(), channel)
    }

    fn version(&self, channel: &str) -> String {
        self.next(channel).map_or_else(|error| error.code().to_owned(), |next| next.version.to_string())
    }
}

fn written(messages: &[&str]) -> Written {
    let mut written = Written::default();
    for message in messages {
        match message.strip_prefix('=') {
            Some(version) => written.tag(version),
            None => drop(written.commit(message)),
        }
    }
    written
}

#[test]
fn semver_rules_6_to_8_and_4() {
    for (base, messages, expected) in [
        ("=1.2.3", &["fix: a"][..], "1.2.4"),
        ("=1.2.3", &["fix: a", "feat: b", "fix: c"], "1.3.0"),
        ("=1.2.3", &["feat!: a", "feat: b"], "2.0.0"),
        ("=1.2.3", &["docs: a"], "version.nothing"),
        ("=1.2.3", &["text"], "version.nothing"),
        ("=1.2.3", &[], "version.nothing"),
        ("=0.2.3", &["feat!: a"], "0.3.0"),
        ("=0.2.3", &["feat: a"], "0.3.0"),
        ("=0.2.3", &["fix: a"], "0.2.4"),
        ("=1.2.3+build.7", &["fix: a"], "1.2.4"),
        ("=18446744073709551615.0.0", &["feat!: a"], "version.overflow"),
        ("=18446744073709551615.0.0", &["fix: a"], "18446744073709551615.0.1"),
    ] {
        assert_eq!(
            written(&[&["feat: first", base], messages].concat()).version("stable"),
            expected,
            "{base} {messages:?}"
        );
    }
    assert_eq!(written(&["docs: a"]).version("stable"), "0.1.0");
    assert_eq!(written(&["docs: a"]).version("dev"), "0.1.0-dev.1");
    let zero = |zero, message: &str| {
        let rules = VersionRules { zero, ..VersionRules::built_in() };
        written(&["feat: a", "=0.2.3", message]).next_by(&rules, STABLE).unwrap().version.to_string()
    };
    assert_eq!([Zero::Minor, Zero::Shift, Zero::Major].map(|rule| zero(rule, "feat!: a")), ["0.3.0", "0.3.0", "1.0.0"]);
    assert_eq!([Zero::Minor, Zero::Shift, Zero::Major].map(|rule| zero(rule, "feat: a")), ["0.3.0", "0.2.4", "0.3.0"]);
}

#[test]
fn reverts_cancel_and_so_do_their_reverts() {
    let mut history = written(&["feat: a", "=1.0.0", "fix: b"]);
    let feature = history.commit("feat!: c");
    assert_eq!(history.version("stable"), "2.0.0");
    let revert = history.revert(feature);
    assert_eq!(history.version("stable"), "1.0.1");
    assert_eq!(history.next("stable").unwrap().changes.len(), 1);
    let again = history.revert(revert);
    assert_eq!(history.version("stable"), "2.0.0");
    history.revert(again);
    assert_eq!(history.version("stable"), "1.0.1");
    // What was released before is changed by its revert.
    let mut released = written(&["feat: a", "=1.0.0"]);
    released.revert(0);
    assert_eq!(released.version("stable"), "1.0.1");
    // Without a name of the commit its title is looked for: the newest that still stands.
    let mut titled = written(&["feat: a", "=1.0.0", "feat: b (#7)", "Revert \"feat: b (#7)\" (#8)"]);
    assert_eq!(titled.version("stable"), "version.nothing");
    titled.commit("feat: b (#7)");
    assert_eq!(titled.version("stable"), "1.1.0");
}

#[test]
fn the_revert_of_a_merge_takes_back_what_it_brought() {
    let mut history = written(&["feat: a", "=1.0.0", "fix: b"]);
    let trunk = history.commits.last().unwrap().id.clone();
    history.push("feat: side", vec![Written::id(0)]);
    let side = history.push("feat!: more of it", vec![Written::id(2)]);
    let merge = history.push("Merge branch 'side'", vec![trunk, Written::id(side)]);
    assert_eq!(history.version("stable"), "2.0.0");
    let revert = history.revert(merge);
    assert_eq!(history.version("stable"), "1.0.1");
    history.revert(revert);
    assert_eq!(history.version("stable"), "2.0.0");
}

#[test]
fn channels_count_and_are_promoted() {
    let mut history = written(&["feat: a", "=2.4.0", "feat!: b"]);
    assert_eq!(history.version("dev"), "3.0.0-dev.1");
    history.tag("3.0.0-dev.1");
    assert_eq!(history.version("dev"), "version.nothing");
    history.commit("docs: c");
    assert_eq!(history.version("dev"), "version.nothing");
    history.commit("fix: d");
    assert_eq!(history.version("dev"), "3.0.0-dev.2");
    // Somebody's else run was faster, on a commit that is not in this branch.
    history.tag_at("3.0.0-dev.2", 99);
    assert_eq!(history.version("dev"), "3.0.0-dev.3");
    assert_eq!(history.version("rc"), "3.0.0-rc.1");
    history.tag("3.0.0-rc.1");
    // What goes on behind a candidate is not less than it.
    history.commit("fix: e");
    assert_eq!(history.version("dev"), "3.0.1-dev.1");
    assert_eq!(history.version("rc"), "3.0.0-rc.2");
    let next = history.next("stable").unwrap();
    assert_eq!((next.version.to_string().as_str(), next.tag.as_str(), next.bump), ("3.0.0", "v3.0.0", Bump::Major));
    let told: Vec<&str> = next.changes.iter().map(|change| change.description.as_str()).collect();
    assert_eq!(told, ["e", "d", "c", "b"], "all since the last stable version, once");
    let plain = VersionRules { uncounted: vec!["dev".into()], ..VersionRules::built_in() };
    let mut history = written(&["feat: a", "=2.4.0", "feat: b"]);
    assert_eq!(history.next_by(&plain, "dev").unwrap().version.to_string(), "2.5.0-dev");
    history.tag_at("2.5.0-dev", 99);
    assert_eq!(history.next_by(&plain, "dev").unwrap_err().code(), "version.taken");
}

#[test]
fn what_was_promised_is_kept() {
    let mut history = written(&["feat: a", "=2.4.0", "fix: x"]);
    let breaking = history.commit("feat!: b");
    history.tag("3.0.0-rc.1");
    history.revert(breaking);
    assert_eq!(history.version("rc"), "3.0.0-rc.2", "a revert is a change of what the candidate had");
    assert_eq!(history.version("stable"), "3.0.0");
}

#[test]
fn a_wish_is_followed_forwards() {
    let base = ["feat: a", "=1.2.0"];
    let with = |messages: &[&str]| written(&[&base[..], messages].concat());
    assert_eq!(with(&["chore: x\n\nRelease-As: 2.0.0"]).version("stable"), "2.0.0");
    assert_eq!(with(&["chore: x\n\nRelease-As: v2.0.0", "feat!: y"]).version("dev"), "2.0.0-dev.1");
    assert_eq!(with(&["chore: x\n\nRelease-As: 2.0.0", "chore: y\n\nRelease-As: 3.0.0"]).version("stable"), "3.0.0");
    assert_eq!(with(&["chore: x\n\nRelease-As: 1.2.0"]).version("stable"), "version.backwards");
    assert_eq!(with(&["chore: x\n\nRelease-As: 1.1.9"]).version("stable"), "version.backwards");
    assert_eq!(
        with(&["feat!: x", "=2.0.0-dev.1", "chore: x\n\nRelease-As: 1.9.0"]).version("dev"),
        "version.backwards"
    );
    for wrong in ["soon", "2.0", "2.0.0-rc.1", "99999999999999999999.0.0"] {
        let history = with(&[&format!("chore: x\n\nRelease-As: {wrong}")]);
        assert_eq!(history.version("stable"), "version.release-as", "{wrong}");
    }
    let hint = with(&["chore: x\n\nRelease-As: 1.1.9"]).next("stable").unwrap_err().hint().unwrap();
    assert!(hint.contains("Release-As: 1.2.1"), "{hint}");
}

#[test]
fn a_version_of_another_branch_is_not_given_twice() {
    let mut history = written(&["feat: a", "=1.2.0", "fix: b"]);
    history.tag_at("1.2.1", 99);
    let past = Past {
        versions: &history.versions,
        base: history.versions.last(),
        commits: &history.commits[1..],
        outside: &[],
        ours: None,
        branch: None,
    };
    let error = next(&VersionRules::built_in(), &past, STABLE).unwrap_err();
    assert_eq!((error.code(), error.kind().exit_code()), ("version.taken", 12));
    assert_eq!(error.hint().as_deref(), Some("take what was released into this branch first: git merge v1.2.1"));
}

#[test]
fn messages_that_are_not_conventional_can_be_refused() {
    let rules = VersionRules { unconventional: Unconventional::Refuse, ..VersionRules::built_in() };
    let mut history = written(&["feat: a", "=1.2.0", "feat: b", "text", "more", "and more", "and yet more"]);
    let error = history.next_by(&rules, STABLE).unwrap_err();
    assert!(error.to_string().starts_with("4 commits are not conventional: "), "{error}");
    assert_eq!(history.next("stable").unwrap().unconventional, 4);
    for at in 2..6 {
        history.revert(at);
    }
    assert_eq!(history.next_by(&rules, STABLE).unwrap().unconventional, 0, "what was reverted is forgiven");
}

#[test]
fn a_tag_is_weighed_against_its_commits() {
    let weigh = |rules: &VersionRules, version: &str, messages: &[&str]| {
        let history = written(&[&["feat: a", "=1.2.0"][..], messages].concat());
        let commits: Vec<Logged> = history.commits[1..].iter().rev().cloned().collect();
        let base = history.versions.first();
        let past =
            Past { versions: &history.versions, base, commits: &commits, outside: &[], ours: None, branch: None };
        let tagged = Tagged { version: version.parse().unwrap(), tag: format!("v{version}"), commit: String::new() };
        given(rules, &past, &tagged)
    };
    let rules = VersionRules::built_in();
    let next = weigh(&rules, "2.0.0", &["feat: b"]).unwrap();
    assert_eq!((next.version.to_string().as_str(), next.channel.as_str(), next.warning), ("2.0.0", "stable", None));
    assert_eq!(weigh(&rules, "1.3.0-rc.1", &["feat: b"]).unwrap().channel, "rc");
    let error = weigh(&rules, "1.2.1", &["feat: b", "fix: c"]).unwrap_err();
    assert_eq!(error.code(), "version.tag-too-small");
    assert!(error.to_string().contains("1.3.0") && error.to_string().ends_with(" b"), "{error}");
    assert_eq!(weigh(&rules, "1.2.0-rc.1", &["docs: b"]).unwrap_err().code(), "version.backwards");
    assert_eq!(weigh(&rules, "1.1.0", &["feat: b"]).unwrap_err().code(), "version.backwards");
    assert_eq!(weigh(&rules, "1.2.1", &["text"]).unwrap().bump, Bump::None);
    let lenient = VersionRules { small_tag: SmallTag::Warn, ..VersionRules::built_in() };
    assert!(weigh(&lenient, "1.2.1", &["feat!: b"]).unwrap().warning.unwrap().contains("2.0.0"));
}

#[test]
fn of_several_tags_at_a_commit_the_start_decides() {
    let rules = VersionRules::built_in();
    let tagged =
        |version: &str| Tagged { version: version.parse().unwrap(), tag: format!("v{version}"), commit: String::new() };
    let pick = |versions: &[&str], start: &Start| {
        let all: Vec<Tagged> = versions.iter().map(|version| tagged(version)).collect();
        let here: Vec<&Tagged> = all.iter().collect();
        match tag_at_head(&rules, &here, start) {
            Ok(found) => found.map_or_else(|| "none".to_owned(), |tagged| tagged.tag.clone()),
            Err(error) => error.code().to_owned(),
        }
    };
    let branch = |name: &str| Start::Branch(name.to_owned());
    assert_eq!(pick(&["1.0.0", "1.0.0-rc.2"], &Start::Unknown), "v1.0.0");
    assert_eq!(pick(&["1.0.0-rc.2", "1.0.0-rc.1"], &Start::Unknown), "v1.0.0-rc.2");
    assert_eq!(pick(&["1.0.1", "1.0.0"], &Start::Unknown), "version.several-tags");
    assert_eq!(pick(&["1.0.1", "1.0.0"], &Start::Tag("v1.0.0".into())), "v1.0.0");
    assert_eq!(pick(&["1.0.0"], &Start::Tag("other".into())), "v1.0.0");
    assert_eq!(pick(&["1.0.0-rc.2"], &branch("main")), "none", "a candidate is promoted without a commit");
    assert_eq!(pick(&["1.0.0-rc.2"], &branch("release/1")), "v1.0.0-rc.2");
    assert_eq!(pick(&["1.0.0", "1.0.0-rc.2"], &branch("release/1")), "v1.0.0-rc.2");
    assert_eq!(pick(&["1.0.0-dev.1"], &branch("release/1")), "none");
    assert_eq!(pick(&["1.0.0"], &branch("main")), "v1.0.0");
    assert_eq!(pick(&["1.0.0"], &branch("feature/x")), "v1.0.0");
    assert_eq!(pick(&[], &Start::Unknown), "none");
}

#[test]
fn tags_that_are_not_versions_or_of_another_prefix_do_not_count() {
    let tag = |name: &str| Tag { name: name.into(), commit: String::new() };
    let names = [
        "v1.2.3",
        "latest",
        "v1",
        "v01.2.3",
        "v1.2.3.4",
        "1.2.3",
        "api/v9.0.0",
        "v1.2.3-rc.01",
        "v\u{fffd}1.0.0",
        "v18446744073709551616.0.0",
        "v1.10.0",
        "vv2.0.0",
    ];
    let tags: Vec<Tag> = names.iter().map(|name| tag(name)).collect();
    let of = |prefix: &str| versions(&tags, prefix).into_iter().map(|tagged| tagged.tag).collect::<Vec<_>>();
    assert_eq!(of("v"), ["v1.10.0", "v1.2.3"]);
    assert_eq!(of("api/v"), ["api/v9.0.0"]);
    assert_eq!(of(""), ["1.2.3"]);
}

/// The examples of SemVer 2.0.0, rules 9 to 11, and of the versions that it names right and wrong.
#[test]
fn the_examples_of_semver() {
    let version = |text: &str| parse_tag_of(text).unwrap_or_else(|| panic!("{text}"));
    for order in [
        &["1.9.0", "1.10.0", "1.11.0"][..],
        &["1.0.0", "2.0.0", "2.1.0", "2.1.1"],
        &["1.0.0-alpha", "1.0.0"],
        &[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ],
    ] {
        for pair in order.windows(2) {
            assert!(version(pair[0]).cmp_precedence(&version(pair[1])).is_lt(), "{pair:?}");
        }
    }
    for right in [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-0.3.7",
        "1.0.0-x.7.z.92",
        "1.0.0-x-y-z.--",
        "1.0.0-alpha+001",
        "1.0.0+20130313144700",
        "1.0.0-beta+exp.sha.5114f85",
        "1.0.0+21AF26D3----117B344092BD",
        "0.0.4",
        "1.0.0-0A.is.legal",
        "1.2.3----RC-SNAPSHOT.12.9.1--.12+788",
        "2.0.0+build.1848",
    ] {
        assert_eq!(version(right).to_string(), right, "printed and read again it is the same");
    }
    assert!(version("1.0.0+a").cmp_precedence(&version("1.0.0+b")).is_eq(), "rule 10");
    for wrong in [
        "1",
        "1.2",
        "1.2.3-0123",
        "1.2.3-0123.0123",
        "1.1.2+.123",
        "+invalid",
        "-invalid",
        "alpha",
        "1.0.0-alpha_beta",
        "1.0.0-alpha..",
        "01.1.1",
        "1.01.1",
        "1.1.01",
        "1.2.3.DEV",
        "1.2-SNAPSHOT",
        "1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788",
        "-1.0.3-gamma+b7718",
        "9.8.7+meta+meta",
        "9.8.7-whatever+meta+meta",
        "99999999999999999999999.999999999999999999.99999999999999999----RC-SNAPSHOT.12.09.1",
    ] {
        assert_eq!(parse_tag_of(wrong), None, "{wrong}");
    }
}

/// A version as a tag names it.
fn parse_tag_of(text: &str) -> Option<Version> {
    crate::version::parse_tag(&format!("v{text}"), "v")
}

fn any_message() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("feat: a".to_owned()),
        Just("fix: a".to_owned()),
        Just("docs: a".to_owned()),
        Just("feat!: a".to_owned()),
        Just("text".to_owned()),
        Just("fix: a\n\nBREAKING CHANGE: b".to_owned()),
    ]
}

fn any_channel() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["stable", "rc", "dev"])
}

/// Releases what there is to release; gives the version.
fn release(history: &mut Written, channel: &str) -> Option<Version> {
    let next = history.next(channel).ok()?;
    history.tag(&next.version.to_string());
    Some(next.version)
}

/// What happens on branches, which are numbers.
#[derive(Clone, Debug)]
enum Step {
    Commit(usize, String),
    /// Takes the commit back that is so many before the branch's last one.
    Revert(usize, usize),
    /// The first gets what the second has.
    Merge(usize, usize),
    /// The first begins anew where the second is.
    Branch(usize, usize),
    Release(usize, &'static str),
}

const BRANCHES: usize = 3;

fn any_step() -> impl Strategy<Value = Step> {
    let branch = || 0..BRANCHES;
    prop_oneof![
        4 => (branch(), any_message()).prop_map(|(branch, message)| Step::Commit(branch, message)),
        1 => (branch(), 0..6_usize).prop_map(|(branch, back)| Step::Revert(branch, back)),
        2 => (branch(), branch()).prop_map(|(into, other)| Step::Merge(into, other)),
        1 => (branch(), branch()).prop_map(|(branch, from)| Step::Branch(branch, from)),
        3 => (branch(), any_channel()).prop_map(|(branch, channel)| Step::Release(branch, channel)),
    ]
}

proptest! {
    /// Each release of a branch is more than all that the branch has had of its own, has begun with, and was merged.
    #[test]
    fn a_version_never_goes_down_on_branches_that_merge(steps in prop::collection::vec(any_step(), 1..40)) {
        let mut history = written(&["feat: first"]);
        let mut tips = [0; BRANCHES];
        let mut last: [Option<Version>; BRANCHES] = Default::default();
        for step in steps {
            match step {
                Step::Commit(branch, message) => {
                    tips[branch] = history.push(&message, vec![Written::id(tips[branch])]);
                }
                Step::Revert(branch, back) => {
                    let reached = history.reached(tips[branch]);
                    let Some(at) = (0..reached.len()).rev().filter(|at| reached[*at]).nth(back) else { continue };
                    tips[branch] = history.push(&history.reverting(at), vec![Written::id(tips[branch])]);
                }
                Step::Merge(into, other) => {
                    if history.reached(tips[into])[tips[other]] {
                        continue;
                    }
                    tips[into] = history.push("Merge", vec![Written::id(tips[into]), Written::id(tips[other])]);
                    last[into] = last[into].clone().max(last[other].clone());
                }
                Step::Branch(branch, from) => {
                    tips[branch] = tips[from];
                    last[branch] = last[from].clone();
                }
                Step::Release(branch, channel) => {
                    let Ok(next) = history.next_at(tips[branch], channel) else { continue };
                    if let Some(last) = &last[branch] {
                        prop_assert!(next.version > *last, "{} after {last}", next.version);
                    }
                    history.tag_at(&next.version.to_string(), tips[branch]);
                    last[branch] = Some(next.version);
                }
            }
        }
    }

    #[test]
    fn a_version_never_goes_down_on_a_branch(
        steps in prop::collection::vec((any_message(), prop::option::of(any_channel()), prop::option::of(0..8_usize)), 1..24)
    ) {
        let mut history = Written::default();
        let mut last: Option<Version> = None;
        for (message, channel, reverted) in steps {
            match reverted.filter(|back| *back < history.commits.len()) {
                Some(back) => history.revert(history.commits.len() - 1 - back),
                None => history.commit(&message),
            };
            let Some(version) = channel.and_then(|channel| release(&mut history, channel)) else { continue };
            if let Some(last) = &last {
                prop_assert!(version > *last, "{version} after {last}");
            }
            last = Some(version);
        }
    }

    #[test]
    fn a_commit_that_asks_for_nothing_changes_nothing(messages in prop::collection::vec(any_message(), 1..8), channel in any_channel()) {
        let history = written(&[&["feat: first", "=1.2.3"][..], &messages.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        let mut more = history.clone();
        more.commit("docs: only");
        let version = |history: &Written| history.next(channel).map(|next| (next.version, next.bump)).ok();
        prop_assert_eq!(version(&history), version(&more));
        prop_assert_eq!(history.next(channel), history.next(channel), "twice is the same");
    }

    #[test]
    fn the_step_is_the_greatest_of_the_commits(messages in prop::collection::vec(any_message(), 1..8)) {
        let history = written(&[&["feat: first", "=1.2.3"][..], &messages.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        let rules = VersionRules::built_in();
        let bump = history.commits[1..].iter().flat_map(|commit| Change::of(commit, &rules)).map(|change| change.bump).max();
        match history.next(STABLE) {
            Ok(next) => prop_assert_eq!(Some(next.bump), bump),
            Err(error) => prop_assert!(bump == Some(Bump::None) && error.code() == "version.nothing"),
        }
    }

    #[test]
    fn the_order_of_merged_branches_does_not_matter(
        branches in prop::collection::vec(prop::collection::vec(any_message(), 1..4), 1..4),
        keys in prop::collection::vec(any::<u32>(), 4),
    ) {
        let merged = |order: &[usize]| {
            let mut history = written(&["feat: first", "=1.2.3"]);
            let (fork, mut trunk) = (Written::id(0), Written::id(0));
            for branch in order {
                let mut tip = fork.clone();
                for message in &branches[*branch] {
                    tip = Written::id(history.push(message, vec![tip]));
                }
                trunk = Written::id(history.push("Merge", vec![trunk, tip]));
            }
            let next = history.next(STABLE);
            next.map_or_else(|error| error.code().to_owned(), |next| format!("{} {}", next.version, next.changes.len()))
        };
        let straight: Vec<usize> = (0..branches.len()).collect();
        let mut shuffled = straight.clone();
        shuffled.sort_by_key(|at| keys[*at]);
        prop_assert_eq!(merged(&straight), merged(&shuffled));
    }
}
