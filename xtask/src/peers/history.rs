//! The next version of random histories, beside git-cliff under the same rules.
//!
//! Where the two differ, a rule of the specifications must say why: git-cliff, asked about the history that the rule has
//! rewritten, says what sealift says of the one that was there. The class is the first rule of which that is so. And about
//! every history, different or not, it must say so once all rules have rewritten it: two errors could meet by chance.

mod random;
pub(super) mod rules;
pub(super) mod written;

use std::collections::BTreeMap;
use std::path::Path;

use self::rules::Rule;
use super::{Peers, Verdicts, at, write};
use crate::failure::{Failure, Outcome};
use crate::run::{Program, root};
pub(super) use random::random;
pub(super) use written::History;

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
/// specification that decides it; and what the rule makes of a history. What is reverted goes before a list falls apart:
/// the list goes with its title.
const CLASSES: &[(&str, Rule)] = &[
    ("revert", rules::reverts),
    ("prerelease", rules::prereleases),
    ("several-tags", rules::several_tags),
    ("squashed-list", rules::squashed),
];

/// The class of histories that one rule alone does not explain.
pub(super) const SEVERAL: &str = "several at once";

impl Peers {
    /// Compares the versions of all histories.
    pub(super) fn histories(&self, verdicts: &mut Verdicts) -> Outcome {
        let dir = self.dir.join("histories");
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        write(&dir.join("cliff.toml"), CLIFF)?;
        verdicts.ask("git-cliff", &format!("names the same next version in {HISTORIES} random histories"), |cliff| {
            let cliff = Cliff { program: cliff, dir: &dir };
            let mut tally = Tally::default();
            for seed in 0..HISTORIES {
                let history = random(seed);
                let ours = self.next_of(&dir, &history)?;
                match cliff.explained(&history, &ours)? {
                    Ok(class) => tally.count(class),
                    Err(theirs) => {
                        let text = format!("error: history {seed}: sealift says {ours}, git-cliff {theirs}\n{history}");
                        return Err(Failure::refused(text));
                    }
                }
            }
            tally.told(CLASSES)
        });
        verdicts.ask("git-cliff", "differs in the smallest history of each class as that says", |cliff| {
            let cliff = Cliff { program: cliff, dir: &dir };
            let all = minimal("git-cliff")?;
            for (class, history, said) in &all {
                let (ours, theirs) = (self.next_of(&dir, history)?, cliff.next(history)?);
                let explained = cliff.explained(history, &ours)?;
                if theirs != *said || explained != Ok(Some(class.as_str())) {
                    let text = format!(
                        "error: {class}: sealift says {ours}, git-cliff {theirs} and not {said}; explained: {explained:?}"
                    );
                    return Err(Failure::refused(text));
                }
            }
            if all.len() == CLASSES.len() { Ok(String::new()) } else { Err(missing(all.len(), CLASSES.len())) }
        });
        Ok(())
    }

    /// What sealift says of a history.
    fn next_of(&self, dir: &Path, history: &History) -> Result<String, Failure> {
        laid(dir, history, |project| self.next(project, history))
    }

    /// What sealift says: a version, or `nothing`.
    pub(super) fn next(&self, project: &Path, history: &History) -> Result<String, Failure> {
        let script = r#""$0" --quiet version 2>/dev/null; exit $(($? == 4 ? 0 : $?))"#;
        let asked = Program::new("sh").args(["-c", script]).args([&self.sealift]).dir(project);
        let asked = asked.env("SEALIFT_CACHE", self.dir.join("store")).env("SEALIFT_BRANCH", "main");
        Ok(history.named(asked.output()?.trim()))
    }
}

/// How many histories agree, and how many belong to each class.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    pub(super) fn count(&mut self, class: Option<&'static str>) {
        *self.0.entry(class.unwrap_or("agree")).or_default() += 1;
    }

    /// The numbers. A class that no history belongs to is no class, or the histories are too tame to show it.
    pub(super) fn told<T>(&self, classes: &[(&'static str, T)]) -> Result<String, Failure> {
        let empty: Vec<&str> =
            classes.iter().map(|(name, _)| *name).filter(|name| !self.0.contains_key(name)).collect();
        if !empty.is_empty() {
            let text = format!("error: no history is of the class {}: {:?}", empty.join(", "), self.0);
            return Err(Failure::refused(text));
        }
        Ok(self.0.iter().map(|(class, count)| format!("\n            {count}× {class}")).collect())
    }
}

/// git-cliff.
struct Cliff<'a> {
    program: &'a Path,
    dir: &'a Path,
}

impl Cliff<'_> {
    /// The class of a history of which sealift says something: none where git-cliff says the same. Else what that says
    /// of the history when all rules have rewritten it.
    fn explained(&self, history: &History, ours: &str) -> Result<Result<Option<&'static str>, String>, Failure> {
        let theirs = self.next(history)?;
        let plain = CLASSES.iter().fold(history.clone(), |history, (_, rule)| rule(&history));
        let last = if plain == *history { theirs.clone() } else { self.next(&plain)? };
        if last != ours {
            return Ok(Err(format!("{theirs}, and {last} of\n{plain}instead of")));
        }
        if theirs == ours {
            return Ok(Ok(None));
        }
        for (class, rule) in CLASSES {
            let rewritten = rule(history);
            if rewritten != *history && self.next(&rewritten)? == ours {
                return Ok(Ok(Some(class)));
            }
        }
        Ok(Ok(Some(SEVERAL)))
    }

    fn next(&self, history: &History) -> Result<String, Failure> {
        let script = r#""$0" --offline --config "$1" --bumped-version 2>/dev/null"#;
        laid(self.dir, history, |project| {
            let asked = Program::new("sh").args(["-c", script]).args([self.program, &self.dir.join("cliff.toml")]);
            Ok(history.named(asked.dir(project).output()?.trim()))
        })
    }
}

/// Asks about a history while it is a repository.
fn laid<T>(dir: &Path, history: &History, ask: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<T, Failure> {
    let project = dir.join("project");
    history.lay(&project)?;
    let answer = ask(&project);
    std::fs::remove_dir_all(&project).map_err(|error| at(&project, &error))?;
    answer
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
            found.push((class.to_owned(), History::read(&text)?, answer.to_owned()));
        }
    }
    Ok(found)
}

pub(super) fn missing(found: usize, wanted: usize) -> Failure {
    Failure::refused(format!(
        "error: {found} of {wanted} classes have their smallest history in tests/fixtures/histories"
    ))
}
