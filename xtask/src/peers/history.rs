//! The next version of random histories, beside git-cliff under the same rules.
//!
//! Where the two differ, the history must show why: each class below is a difference of rules, and has its smallest history
//! in tests/fixtures/histories, with the rule of a specification that decides it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::analyser::missing;
use super::{Peers, Verdicts, at, write};
use crate::failure::{Failure, Outcome};
use crate::run::{Program, root};

/// How many histories are compared.
pub(super) const HISTORIES: u64 = 600;

/// The rules of sealift, as git-cliff can be told them: what asks for nothing is left out.
const CLIFF: &str = r#"[git]
conventional_commits = true
filter_unconventional = true
protect_breaking_commits = true
tag_pattern = "^v[0-9]+\\.[0-9]+\\.[0-9]+"
commit_parsers = [
  { message = "(?i)^(docs|chore|refactor|deps)(\\([^)]*\\))?: ", skip = true },
  { message = ".*", group = "all" },
]
[bump]
features_always_bump_minor = true
breaking_always_bump_major = false
initial_tag = "v0.1.0"
"#;

/// Why the two may differ: the smallest such history is `class-NAME.history` in tests/fixtures/histories, with the rule of a
/// specification that decides it.
const CLASSES: &[&str] = &["revert", "prerelease", "several-tags", "squashed-list"];

impl Peers {
    /// Compares the versions of all histories.
    pub(super) fn histories(&self, verdicts: &mut Verdicts) -> Outcome {
        let dir = self.dir.join("histories");
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        write(&dir.join("cliff.toml"), CLIFF)?;
        verdicts.ask("git-cliff", &format!("names the same next version in {HISTORIES} random histories"), |cliff| {
            let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
            let mut agreed = 0;
            for seed in 0..HISTORIES {
                let history = History::random(seed);
                let project = dir.join(seed.to_string());
                history.lay(&project)?;
                let ours = self.next(&project, &history)?;
                let theirs = cliffs(cliff, &dir, &project, &history)?;
                std::fs::remove_dir_all(&project).map_err(|error| at(&project, &error))?;
                if ours == theirs {
                    agreed += 1;
                } else if let Some(class) = history.class {
                    *classes.entry(class).or_default() += 1;
                } else {
                    let text =
                        format!("error: history {seed}: sealift says {ours}, git-cliff {theirs}\n{}", history.stream);
                    return Err(Failure::refused(text));
                }
            }
            let told = classes.iter().map(|(class, count)| format!("\n            {count}× {class}"));
            Ok(format!("{agreed} agree{}", told.collect::<String>()))
        });
        verdicts.ask("git-cliff", "differs in the smallest history of each class as that says", |cliff| {
            let all = minimal("git-cliff")?;
            for (class, history, said) in &all {
                let project = dir.join(class);
                history.lay(&project)?;
                let (ours, theirs) = (self.next(&project, history)?, cliffs(cliff, &dir, &project, history)?);
                if theirs != *said || ours == theirs {
                    let text = format!("error: {class}: sealift says {ours}, git-cliff {theirs} and not {said}");
                    return Err(Failure::refused(text));
                }
            }
            if all.len() == CLASSES.len() { Ok(String::new()) } else { Err(missing(all.len(), CLASSES.len())) }
        });
        Ok(())
    }

    /// What sealift says: a version, or `nothing`.
    pub(super) fn next(&self, project: &Path, history: &History) -> Result<String, Failure> {
        let script = r#""$0" --quiet version 2>/dev/null; exit $(($? == 4 ? 0 : $?))"#;
        let asked = Program::new("sh").args(["-c", script]).args([&self.sealift]).dir(project);
        let asked = asked.env("SEALIFT_CACHE", self.dir.join("store")).env("SEALIFT_BRANCH", "main");
        Ok(history.named(asked.output()?.trim()))
    }
}

fn cliffs(cliff: &Path, dir: &Path, project: &Path, history: &History) -> Result<String, Failure> {
    let script = r#""$0" --offline --config "$1" --bumped-version 2>/dev/null"#;
    let asked = Program::new("sh").args(["-c", script]).args([cliff, &dir.join("cliff.toml")]).dir(project);
    Ok(history.named(asked.output()?.trim()))
}

/// The smallest histories in which a program says something else than sealift: each with its class and what that program
/// says at its end.
pub(super) fn minimal(program: &str) -> Result<Vec<(String, History, String)>, Failure> {
    let dir = root()?.join("tests/fixtures/histories");
    let mut names: Vec<_> = std::fs::read_dir(&dir).map_err(|error| at(&dir, &error))?.flatten().collect();
    names.sort_by_key(std::fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in names {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(class) = name.strip_prefix("class-").and_then(|name| name.strip_suffix(".history")) else { continue };
        let text = std::fs::read_to_string(entry.path()).map_err(|error| at(&entry.path(), &error))?;
        let wanted = format!("peer {program} ");
        if let Some(answer) = text.lines().find_map(|line| line.strip_prefix(&wanted)) {
            found.push((class.to_owned(), History::written(&text)?, answer.to_owned()));
        }
    }
    Ok(found)
}

/// A history, as `git fast-import` reads it.
pub(super) struct History {
    stream: String,
    tags: Vec<String>,
    /// Why the two may differ since the last stable tag.
    class: Option<&'static str>,
}

impl History {
    /// An answer without the tag's prefix; one that is tagged already is none.
    fn named(&self, answer: &str) -> String {
        let version = answer.trim_start_matches('v');
        if version.is_empty() || self.tags.iter().any(|tag| tag == version) { "nothing".into() } else { version.into() }
    }

    pub(super) fn lay(&self, dir: &Path) -> Outcome {
        std::fs::create_dir(dir).map_err(|error| at(dir, &error))?;
        Program::new("git").args(["init", "--quiet", "--initial-branch=main"]).dir(dir).stream()?;
        let stream = dir.join(".git/stream");
        write(&stream, &self.stream)?;
        let script = r#"exec git fast-import --quiet <"$0""#;
        Program::new("sh").args(["-c", script]).args([&stream]).dir(dir).stream()
    }

    /// The greatest stable version that has a tag.
    pub(super) fn stable(&self) -> Option<[u64; 3]> {
        let numbers = |tag: &String| {
            let numbers: Vec<u64> = tag.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
            <[u64; 3]>::try_from(numbers).ok()
        };
        self.tags.iter().filter_map(numbers).max()
    }

    /// One of tests/fixtures/histories, of commits and tags on `main` alone.
    fn written(text: &str) -> Result<Self, Failure> {
        let mut maker = Maker { state: 0, stream: String::new(), marks: 0, tips: [0, 0], titles: Vec::new() };
        let mut history = Self { stream: String::new(), tags: Vec::new(), class: None };
        for line in text.lines() {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            match words[..] {
                ["commit", "main", message] => maker.commit(0, &message.replace("\\n", "\n"), None),
                ["tag" | "annotate", name, "main"] if name.starts_with('v') => {
                    maker.tag(&name[1..]);
                    history.tags.push(name[1..].to_owned());
                }
                ["#" | "expect" | "peer", ..] => {}
                _ => return Err(Failure::refused(format!("error: a smallest history has the line {line:?}"))),
            }
        }
        history.stream = maker.stream;
        Ok(history)
    }

    /// The same one for the same number.
    pub(super) fn random(seed: u64) -> Self {
        let mut maker = Maker { state: seed, stream: String::new(), marks: 0, tips: [0, 0], titles: Vec::new() };
        let mut history = Self { stream: String::new(), tags: Vec::new(), class: None };
        // Not 0.0.z, where git-cliff takes any step for a patch, as Cargo does; SemVer (rule 4) leaves it open.
        let mut version = [maker.below(2), 1 + maker.below(3), maker.below(4)];
        maker.commit(0, "feat: begin", None);
        for _ in 0..5 + maker.below(20) {
            match maker.below(20) {
                0..=10 => {
                    let message = maker.message();
                    maker.commit(0, &message, None);
                }
                11..=13 => maker.merge(),
                14..=17 => {
                    let number = usize::try_from(maker.below(3)).unwrap_or(0);
                    version[number] += 1;
                    version[number + 1..].fill(0);
                    history.tag(&mut maker, &version, "");
                    history.class = None;
                }
                _ => {
                    let class = usize::try_from(maker.below(4)).unwrap_or(0);
                    history.class.get_or_insert(CLASSES[class]);
                    history.differ(&mut maker, class, &mut version);
                }
            }
        }
        // A tag at the last commit would be taken as it is.
        let message = maker.message();
        maker.commit(0, &message, None);
        history.stream = maker.stream;
        history
    }

    fn tag(&mut self, maker: &mut Maker, version: &[u64; 3], pre: &str) {
        let [major, minor, patch] = version;
        let name = format!("{major}.{minor}.{patch}{pre}");
        if !self.tags.contains(&name) {
            maker.tag(&name);
            self.tags.push(name);
        }
    }

    /// Adds something that the two read differently.
    fn differ(&mut self, maker: &mut Maker, class: usize, version: &mut [u64; 3]) {
        match class {
            0 => {
                let at = maker.below(maker.titles.len() as u64);
                let title = maker.titles[usize::try_from(at).unwrap_or(0)].clone();
                maker.commit(0, &format!("Revert \"{title}\""), None);
            }
            1 => {
                version[2] += 1;
                let number = maker.below(3);
                self.tag(maker, version, &format!("-rc.{number}"));
            }
            2 => {
                let (low, high) = (*version, [version[0], version[1] + 1, 0]);
                self.tag(maker, &[low[0], low[1], low[2] + 1], "");
                self.tag(maker, &high, "");
                *version = high;
            }
            _ => maker.commit(0, "Several things (#7)\n\n* feat: one\n* fix: two", None),
        }
    }
}

/// Writes a stream.
struct Maker {
    state: u64,
    stream: String,
    marks: usize,
    /// The tips of `main` and of the branch beside it.
    tips: [usize; 2],
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

    fn message(&mut self) -> String {
        const FIRST: &[&str] = &[
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
            "DOCS",
            "feat!",
            "chore!",
            "fix(api)!",
        ];
        const REST: &[&str] =
            &["", "", "", "\n\nA body.\n\nRefs: #12", "\n\nBREAKING CHANGE: it", "\n\nbreaking change: no"];
        let mut pick = |list: &[&'static str]| list[usize::try_from(self.below(list.len() as u64)).unwrap_or(0)];
        let (first, rest) = (pick(FIRST), pick(REST));
        let number = self.marks;
        match self.below(8) {
            0 => format!("Something that is not conventional {number}"),
            _ => format!("{first}: number {number}{rest}"),
        }
    }

    fn merge(&mut self) {
        self.tips[1] = self.tips[0];
        for _ in 0..1 + self.below(3) {
            let message = self.message();
            self.commit(1, &message, None);
        }
        let message = self.message();
        self.commit(0, &message, None);
        self.commit(0, "Merge branch 'topic'", Some(self.tips[1]));
    }

    fn commit(&mut self, branch: usize, message: &str, merged: Option<usize>) {
        self.marks += 1;
        let (mark, time, name) = (self.marks, 1_700_000_000 + self.marks * 60, ["main", "topic"][branch]);
        let mut line = format!("commit refs/heads/{name}\nmark :{mark}\ncommitter A <a@example.com> {time} +0000\n");
        write!(line, "data {}\n{message}\n", message.len()).expect("writing to a string");
        if self.tips[branch] > 0 {
            writeln!(line, "from :{}", self.tips[branch]).expect("writing to a string");
        }
        if let Some(merged) = merged {
            writeln!(line, "merge :{merged}").expect("writing to a string");
        }
        self.stream += &line;
        self.tips[branch] = mark;
        self.titles.push(message.lines().next().unwrap_or("").to_owned());
    }

    fn tag(&mut self, version: &str) {
        let (tip, time) = (self.tips[0], 1_700_000_000 + self.marks * 60 + 1);
        let tag = format!("tag v{version}\nfrom :{tip}\ntagger A <a@example.com> {time} +0000\ndata 1\nx\n");
        self.stream += &tag;
    }
}
