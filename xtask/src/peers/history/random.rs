//! Random histories, the same one for the same number: with merges, reverts, prereleases, several tags at a commit and
//! squashed lists.

use super::written::{History, Step};

/// The same history for the same number.
pub fn random(seed: u64) -> History {
    let mut maker = Maker { state: seed, steps: Vec::new(), titles: Vec::new() };
    // Not 0.0.z, where git-cliff takes any step for a patch, as Cargo does; SemVer (rule 4) leaves it open.
    let mut version = [maker.below(2), 1 + maker.below(3), maker.below(4)];
    maker.commit(false, "feat: begin");
    for _ in 0..5 + maker.below(20) {
        match maker.below(26) {
            0..=13 => {
                let message = maker.message();
                maker.commit(false, &message);
            }
            14..=16 => maker.merge(),
            17..=20 => {
                version = maker.stepped(version);
                maker.tag(version, "");
            }
            21 | 22 => maker.revert(),
            23 => {
                // Of the versions that come after the last one a prerelease announces any.
                let (next, number) = (maker.stepped(version), maker.below(3));
                maker.tag(next, &format!("-rc.{number}"));
            }
            24 => {
                let [major, minor, patch] = version;
                // Now and then two that are not in the order of their letters.
                let (low, high) = match maker.below(2) {
                    0 => ([major, minor, patch + 1], [major, minor + 1, 0]),
                    _ => ([major, minor, patch.max(8) + 1], [major, minor, patch.max(8) + 2]),
                };
                let order = if maker.below(2) == 0 { [low, high] } else { [high, low] };
                order.into_iter().for_each(|version| maker.tag(version, ""));
                version = high;
            }
            _ => maker.squash(),
        }
    }
    // A tag at the last commit would be taken as it is.
    let message = maker.message();
    maker.commit(false, &message);
    History { steps: maker.steps, promised: None }
}

const KINDS: &[&str] = &[
    "feat",
    "fix",
    "fix",
    "docs",
    "docs",
    "chore",
    "refactor(store)",
    "perf",
    "feat(api)",
    "Fix",
    "Fix",
    "DOCS",
    "feat!",
    "chore!",
    "fix(api)!",
];

/// Writes steps down.
struct Maker {
    state: u64,
    steps: Vec<Step>,
    /// The first line of each commit: its number is the place, counted from 1.
    titles: Vec<String>,
}

impl Maker {
    /// A number below another (SplitMix64).
    fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or(0)
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        list[self.index(list.len())]
    }

    fn stepped(&mut self, mut version: [u64; 3]) -> [u64; 3] {
        let number = self.index(3);
        version[number] += 1;
        version[number + 1..].fill(0);
        version
    }

    fn message(&mut self) -> String {
        const REST: &[&str] =
            &["", "", "", "\n\nA body.\n\nRefs: #12", "\n\nBREAKING CHANGE: it", "\n\nbreaking change: no"];
        let (first, rest) = (self.pick(KINDS), self.pick(REST));
        let number = self.titles.len();
        match self.below(8) {
            0 => format!("Something that is not conventional {number}"),
            _ => format!("{first}: number {number}{rest}"),
        }
    }

    fn merge(&mut self) {
        self.steps.push(Step::Fork);
        for _ in 0..1 + self.below(3) {
            let message = self.message();
            self.commit(true, &message);
        }
        let message = self.message();
        self.commit(false, &message);
        let (mark, message) = (self.known("Merge branch 'topic'"), "Merge branch 'topic'".to_owned());
        self.steps.push(Step::Merge { mark, message });
    }

    /// A commit that takes another back, mostly one of the last: by its name, as git writes it, or by its title alone, as
    /// a forge may leave it.
    fn revert(&mut self) {
        let count = self.titles.len();
        let back = if self.below(4) == 0 { self.index(count) } else { self.index(count.min(5)) };
        let mark = count - back;
        let title = self.titles[mark - 1].clone();
        let message = match (self.below(2), title.strip_prefix("Revert \"").and_then(|rest| rest.strip_suffix('"'))) {
            (0, _) => format!("Revert \"{title}\""),
            (_, Some(reverted)) => format!("Reapply \"{reverted}\"\n\nThis reverts commit <:{mark}>."),
            (_, None) => format!("Revert \"{title}\"\n\nThis reverts commit <:{mark}>."),
        };
        self.commit(false, &message);
    }

    /// A commit that was several: under a title of its own, which may be a change too.
    fn squash(&mut self) {
        let number = self.titles.len();
        let title = match self.below(3) {
            0 => format!("{}: several {number} (#7)", self.pick(&["docs", "fix"])),
            _ => format!("Several things {number} (#7)"),
        };
        let lines: Vec<String> = (0..1 + self.below(3))
            .map(|line| {
                format!("\n* {}: number {number}.{line}", self.pick(&["feat", "fix", "docs", "feat(api)", "fix!"]))
            })
            .collect();
        self.commit(false, &format!("{title}\n{}", lines.concat()));
    }

    fn commit(&mut self, topic: bool, message: &str) {
        let mark = self.known(message);
        self.steps.push(Step::Commit { mark, topic, message: message.to_owned() });
    }

    /// The number of a new commit.
    fn known(&mut self, message: &str) -> usize {
        self.titles.push(message.lines().next().unwrap_or("").to_owned());
        self.titles.len()
    }

    fn tag(&mut self, [major, minor, patch]: [u64; 3], pre: &str) {
        let tag = Step::Tag(format!("{major}.{minor}.{patch}{pre}"));
        if !self.steps.contains(&tag) {
            self.steps.push(tag);
        }
    }
}
