//! The next version of random histories beside semantic-release's commit analyser, under the same rules.
//!
//! The analyser tells how far a list of commits moves the version. Where that differs from what sealift says, the list is
//! rewritten by one rule of the specifications after the other: the class is the first of which the analyser then says the
//! same. A difference that no rewriting takes away is an error.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::history::{HISTORIES, History, minimal};
use super::{Peers, Verdicts, at, write};
use crate::failure::{Failure, Outcome};
use crate::run::Program;

/// Its name among the tools.
pub(super) const NAME: &str = "commit-analyzer";

/// The rules that semantic-release has built in.
const RULES: &str = "[version]\nzero = \"major\"\nfirst = \"1.0.0\"\n";

/// A list of commits, the newest first: name and message.
type Commits = Vec<(String, String)>;

/// Rewrites a list by a rule.
type Rewriting = fn(&Commits) -> Commits;

/// Why the two may differ: the fixture with the smallest such history, and what the rule makes of a list.
const CLASSES: &[(&str, Rewriting)] =
    &[("capitals", capitals), ("small-letters", small_letters), ("squashed-list", squashed), ("revert", reverts)];

/// A type is the same in any case (Conventional Commits 1.0.0, rule 15).
fn capitals(commits: &Commits) -> Commits {
    each(commits, |message| {
        let end = message.find([':', '(', '!']).unwrap_or(0);
        message[..end].to_lowercase() + &message[end..]
    })
}

/// What breaks is said in capitals (rule 15).
fn small_letters(commits: &Commits) -> Commits {
    each(commits, |message| message.replace("\nbreaking change:", "\nnote:"))
}

/// Each line of a squashed commit's list is a commit.
fn squashed(commits: &Commits) -> Commits {
    let lines = |(id, message): &(String, String)| -> Commits {
        let listed: Commits =
            message.lines().filter_map(|line| Some((id.clone(), line.strip_prefix("* ")?.to_owned()))).collect();
        if listed.is_empty() { vec![(id.clone(), message.clone())] } else { listed }
    };
    commits.iter().flat_map(lines).collect()
}

/// A revert and what it reverts are no changes; nor are a revert and its own revert. Of something older than the list a
/// revert is a change itself.
fn reverts(commits: &Commits) -> Commits {
    let mut gone = vec![false; commits.len()];
    for at in 0..commits.len() {
        let title = |at: usize| commits[at].1.lines().next().unwrap_or("");
        let quoted = title(at).strip_prefix("Revert \"").and_then(|rest| rest.rsplit_once('"')).map(|(inner, _)| inner);
        if let (Some(quoted), false) = (quoted, gone[at])
            && let Some(target) = (at + 1..commits.len()).find(|other| !gone[*other] && title(*other) == quoted)
        {
            (gone[at], gone[target]) = (true, true);
        }
    }
    commits.iter().zip(gone).filter(|(_, gone)| !gone).map(|(commit, _)| commit.clone()).collect()
}

fn each(commits: &Commits, change: impl Fn(&str) -> String) -> Commits {
    commits.iter().map(|(id, message)| (id.clone(), change(message))).collect()
}

/// The list as it is, as each rule makes it, and as all of them do.
fn rewritten(commits: &Commits) -> Vec<Commits> {
    let alone = CLASSES.iter().map(|(_, rewrite)| rewrite(commits));
    let all = CLASSES.iter().rev().fold(commits.clone(), |list, (_, rewrite)| rewrite(&list));
    std::iter::once(commits.clone()).chain(alone).chain([all]).collect()
}

/// A history with what sealift says of it.
struct Asked {
    what: String,
    ours: String,
    base: Option<[u64; 3]>,
    commits: Commits,
}

impl Peers {
    /// Compares the versions of all histories, and those of the smallest that differ.
    pub(super) fn analysed(&self, verdicts: &mut Verdicts) -> Outcome {
        let dir = self.dir.join("analysed");
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        verdicts.ask(NAME, &format!("asks for the same versions in {HISTORIES} random histories"), |folder| {
            let mut asked = Vec::new();
            for seed in 0..HISTORIES {
                asked.push(self.asked(&dir, &History::random(seed), &format!("history {seed}"))?);
            }
            let answers = analyse(&dir, folder, &asked)?;
            let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
            let mut agreed = 0;
            for (one, answers) in asked.iter().zip(&answers) {
                let same = answers.iter().position(|theirs| *theirs == one.ours);
                match same {
                    Some(0) => agreed += 1,
                    Some(at) => {
                        *classes.entry(CLASSES.get(at - 1).map_or("several at once", |(name, _)| name)).or_default() +=
                            1
                    }
                    None => return Err(unexplained(one, &answers[0])),
                }
            }
            let told = classes.iter().map(|(class, count)| format!("\n            {count}× {class}"));
            Ok(format!("{agreed} agree{}", told.collect::<String>()))
        });
        verdicts.ask(NAME, "differs in the smallest history of each class as that says", |folder| {
            let (mut asked, mut said) = (Vec::new(), Vec::new());
            for (class, history, answer) in minimal(NAME)? {
                asked.push(self.asked(&dir, &history, &class)?);
                said.push(answer);
            }
            for ((one, answers), said) in asked.iter().zip(analyse(&dir, folder, &asked)?).zip(&said) {
                let explained = answers.iter().skip(1).any(|answer| *answer == one.ours);
                if answers[0] != *said || *said == one.ours || !explained {
                    return Err(unexplained(one, &answers[0]));
                }
            }
            if asked.len() == CLASSES.len() { Ok(String::new()) } else { Err(missing(asked.len(), CLASSES.len())) }
        });
        Ok(())
    }

    /// Lays a history out, and asks sealift under the analyser's rules.
    fn asked(&self, dir: &Path, history: &History, what: &str) -> Result<Asked, Failure> {
        let project = dir.join("project");
        history.lay(&project)?;
        write(&project.join(".git/info/exclude"), "sealift.toml\n")?;
        write(&project.join("sealift.toml"), RULES)?;
        let ours = self.next(&project, history)?;
        let base = history.stable();
        let range =
            base.map_or_else(|| "main".to_owned(), |[major, minor, patch]| format!("v{major}.{minor}.{patch}..main"));
        let told =
            Program::new("git").args(["log", "--topo-order", "-z", "--format=%H%n%B", &range, "--"]).dir(&project);
        let told = told.output()?;
        let commit = |text: &str| text.split_once('\n').map(|(id, message)| (id.to_owned(), message.to_owned()));
        let commits = told.split('\0').filter_map(commit).collect();
        std::fs::remove_dir_all(&project).map_err(|error| at(&project, &error))?;
        Ok(Asked { what: what.to_owned(), ours, base, commits })
    }
}

/// What the analyser makes of every list and of each of its rewritings, as versions.
fn analyse(dir: &Path, folder: &Path, asked: &[Asked]) -> Result<Vec<Vec<String>>, Failure> {
    let (program, lists) = (dir.join("analyse.mjs"), dir.join("lists"));
    write(&program, include_str!("analyse.mjs"))?;
    let line = |list: &Commits| {
        let commits: Vec<Value> = list.iter().map(|(id, message)| json!({ "hash": id, "message": message })).collect();
        format!("{}\n", Value::from(commits))
    };
    let lines = asked.iter().flat_map(|one| rewritten(&one.commits)).map(|list| line(&list));
    write(&lists, &lines.collect::<String>())?;
    let script = r#"exec node "$0" "$1" <"$2""#;
    let told = Program::new("sh").args(["-c", script]).args([&program, folder, &lists]).dir(dir).output()?;
    let words: Vec<&str> = told.lines().collect();
    let each = CLASSES.len() + 2;
    if words.len() != asked.len() * each {
        return Err(Failure::refused(format!("error: {} answers to {} lists", words.len(), asked.len() * each)));
    }
    let answers = asked.iter().zip(words.chunks(each));
    Ok(answers.map(|(one, words)| words.iter().map(|word| stepped(one.base, word)).collect()).collect())
}

/// The version that semantic-release makes of a step.
fn stepped(base: Option<[u64; 3]>, word: &str) -> String {
    let next = match (base, word) {
        (_, "none") => return "nothing".to_owned(),
        (None, _) => [1, 0, 0],
        (Some([major, _, _]), "major") => [major + 1, 0, 0],
        (Some([major, minor, _]), "minor") => [major, minor + 1, 0],
        (Some([major, minor, patch]), _) => [major, minor, patch + 1],
    };
    next.map(|number| number.to_string()).join(".")
}

fn unexplained(one: &Asked, theirs: &str) -> Failure {
    let Asked { what, ours, commits, .. } = one;
    Failure::refused(format!("error: {what}: sealift says {ours}, {NAME} {theirs}\n{commits:#?}"))
}

pub(super) fn missing(found: usize, wanted: usize) -> Failure {
    Failure::refused(format!(
        "error: {found} of {wanted} classes have their smallest history in tests/fixtures/histories"
    ))
}
