//! The next version of random histories beside semantic-release's commit analyser, under the same rules.
//!
//! The analyser tells how far a list of commits moves the version. Where that differs from what sealift says, the history is
//! rewritten by one rule of the specifications after the other: the class is the first of which the analyser then says the
//! same. Of what all rules together make of a history it must say so always.

use std::path::Path;

use serde_json::{Value, json};

use super::history::rules::{self, Rule};
use super::history::{HISTORIES, History, SEVERAL, Tally, minimal, missing, random};
use super::{Peers, Verdicts, at, write};
use crate::failure::{Failure, Outcome};
use crate::run::Program;

/// Its name among the tools.
pub(super) const NAME: &str = "commit-analyzer";

/// The rules that semantic-release has built in.
const RULES: &str = "[version]\nzero = \"major\"\nfirst = \"1.0.0\"\n";

/// Why the two may differ: the fixture with the smallest such history, and what the rule makes of a history. What is
/// reverted goes before a list falls apart: the list goes with its title; and both before capitals, which titles are quoted
/// with.
const CLASSES: &[(&str, Rule)] = &[
    ("revert", rules::reverts),
    ("squashed-list", rules::squashed),
    ("small-letters", rules::small_letters),
    ("capitals", rules::capitals),
];

/// The history as it is, as each rule makes it, and as all of them do.
fn rewritten(history: &History) -> Vec<History> {
    let alone = CLASSES.iter().map(|(_, rule)| rule(history));
    let all = CLASSES.iter().fold(history.clone(), |history, (_, rule)| rule(&history));
    std::iter::once(history.clone()).chain(alone).chain([all]).collect()
}

/// A history with what sealift says of it.
struct Asked {
    what: String,
    ours: String,
    /// The history as the analyser is told it: it knows no tags, and a prerelease announces what it announces.
    history: History,
}

/// What the analyser says of a history, and of what each rule and all of them make of it.
struct Answers(Vec<String>);

impl Answers {
    /// The class of a history of which sealift says something: none where the analyser says the same.
    fn explain(&self, ours: &str) -> Option<Option<&'static str>> {
        let (last, before) = self.0.split_last()?;
        if last != ours {
            return None;
        }
        Some(match before.iter().position(|theirs| theirs == ours) {
            Some(0) => None,
            Some(at) => Some(CLASSES[at - 1].0),
            None => Some(SEVERAL),
        })
    }
}

impl Peers {
    /// Compares the versions of all histories, and those of the smallest that differ.
    pub(super) fn analysed(&self, verdicts: &mut Verdicts) -> Outcome {
        let dir = self.dir.join("analysed");
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        verdicts.ask(NAME, &format!("asks for the same versions in {HISTORIES} random histories"), |folder| {
            let mut asked = Vec::new();
            for seed in 0..HISTORIES {
                asked.push(self.asked(&dir, &random(seed), &format!("history {seed}"))?);
            }
            let mut tally = Tally::default();
            for (one, answers) in asked.iter().zip(&analyse(&dir, folder, &asked)?) {
                tally.count(answers.explain(&one.ours).ok_or_else(|| unexplained(one, answers))?);
            }
            tally.told(CLASSES)
        });
        verdicts.ask(NAME, "differs in the smallest history of each class as that says", |folder| {
            let (mut asked, mut said) = (Vec::new(), Vec::new());
            for (class, history, answer) in minimal(NAME)? {
                asked.push(self.asked(&dir, &history, &class)?);
                said.push(answer);
            }
            for ((one, answers), said) in asked.iter().zip(&analyse(&dir, folder, &asked)?).zip(&said) {
                if answers.0[0] != *said || answers.explain(&one.ours) != Some(Some(one.what.as_str())) {
                    return Err(unexplained(one, answers));
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
        let ours = self.next(&project, history);
        std::fs::remove_dir_all(&project).map_err(|error| at(&project, &error))?;
        Ok(Asked { what: what.to_owned(), ours: ours?, history: rules::prereleases(history) })
    }
}

/// What the analyser makes of every history and of each of its rewritings, as versions.
fn analyse(dir: &Path, folder: &Path, asked: &[Asked]) -> Result<Vec<Answers>, Failure> {
    let (program, lists) = (dir.join("analyse.mjs"), dir.join("lists"));
    write(&program, include_str!("analyse.mjs"))?;
    let line = |history: &History| {
        let commits = history.commits().into_iter().map(|(id, message)| json!({ "hash": id, "message": message }));
        format!("{}\n", Value::from(commits.collect::<Vec<_>>()))
    };
    let lines = asked.iter().flat_map(|one| rewritten(&one.history)).map(|history| line(&history));
    write(&lists, &lines.collect::<String>())?;
    let script = r#"exec node "$0" "$1" <"$2""#;
    let told = Program::new("sh").args(["-c", script]).args([&program, folder, &lists]).dir(dir).output()?;
    let words: Vec<&str> = told.lines().collect();
    let each = CLASSES.len() + 2;
    if words.len() != asked.len() * each {
        return Err(Failure::refused(format!("error: {} answers to {} lists", words.len(), asked.len() * each)));
    }
    let answers = asked.iter().zip(words.chunks(each)).map(|(one, words)| {
        let version = |word: &&str| one.history.named(&stepped(one.history.stable(), word));
        Answers(words.iter().map(version).collect())
    });
    Ok(answers.collect())
}

/// The version that semantic-release makes of a step; of none, nothing.
fn stepped(base: Option<[u64; 3]>, word: &str) -> String {
    let next = match (base, word) {
        (_, "none") => return String::new(),
        (None, _) => [1, 0, 0],
        (Some([major, _, _]), "major") => [major + 1, 0, 0],
        (Some([major, minor, _]), "minor") => [major, minor + 1, 0],
        (Some([major, minor, patch]), _) => [major, minor, patch + 1],
    };
    next.map(|number| number.to_string()).join(".")
}

fn unexplained(one: &Asked, answers: &Answers) -> Failure {
    let (Asked { what, ours, history }, Answers(theirs)) = (one, answers);
    let theirs = theirs.join(", ");
    Failure::refused(format!(
        "error: {what}: sealift says {ours}, {NAME}, before and after each rule, {theirs}\n{history}"
    ))
}
