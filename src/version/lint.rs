//! Whether messages are conventional, and what is wrong with those that are not.

use super::VersionRules;
use super::message::{Message, Unlike, gap_is_missing};
use super::next::wished;
use crate::config::settings::version::WELL_KNOWN;
use crate::error::nearest;

/// What git writes itself: no message of a person.
const OF_GIT: &[&str] = &["Merge ", "Revert \"", "Reapply \""];
/// Commits that are to become part of another before anybody sees them.
const UNFINISHED: &[&str] = &["fixup! ", "squash! ", "amend! "];

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// One sentence.
    pub text: String,
    /// What to write instead, if that can be said.
    pub hint: Option<String>,
}

/// Everything that is wrong with a message. Messages that git wrote (of merges and reverts) are right as they are.
pub fn lint(message: &str, rules: &VersionRules) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |text: String, hint: Option<String>| problems.push(Problem { text, hint });
    let first = message.trim_start().lines().next().unwrap_or("");
    if OF_GIT.iter().any(|word| first.starts_with(word)) {
        return problems;
    }
    if UNFINISHED.iter().any(|word| first.starts_with(word)) {
        add("the commit is to be squashed into another".into(), Some("git rebase --interactive --autosquash".into()));
        return problems;
    }
    match Message::parse(message) {
        Err(why) => add(why.to_string(), Some(better(first, why))),
        Ok(read) => {
            let kind = read.kind.as_str();
            // Any type is allowed (rule 14); one that nearly is another is a slip that would release nothing.
            if !rules.knows(kind) && kind.len() <= 60 {
                let known = rules.types.keys().map(String::as_str).chain(WELL_KNOWN.iter().copied());
                if let Some(near) = nearest(kind, known) {
                    let hint =
                        format!("did you mean {near}? Or make it known: [version] types = {{ {kind} = \"none\" }}");
                    add(format!("nobody knows the type {kind:?}"), Some(hint));
                }
            }
            if read.breaking().iter().any(String::is_empty) {
                add("BREAKING CHANGE says nothing".into(), Some("BREAKING CHANGE: what callers have to change".into()));
            }
            for footer in read.footers.iter().filter(|footer| footer.token.eq_ignore_ascii_case("release-as")) {
                if wished(&footer.value).is_none() {
                    add("Release-As names no stable version".into(), Some("Release-As: 1.2.3".into()));
                }
            }
            if gap_is_missing(message) {
                add("no empty line follows the first line".into(), Some("leave the second line empty".into()));
            }
            if let Some(line) = read.body.lines().chain(values(&read)).find(|line| means_breaking(line)) {
                let line: String = line.chars().take(60).collect();
                let hint = "write it in capitals, with a colon: BREAKING CHANGE: …".to_owned();
                add(format!("{line:?} is not the footer of a breaking change"), Some(hint));
            }
        }
    }
    problems
}

/// What would make a first line right.
fn better(first: &str, why: Unlike) -> String {
    let example = "for example feat(api): answer in JSON, or fix: close the file";
    match why {
        Unlike::NoSpace => first.replacen(':', ": ", 1),
        Unlike::Empty | Unlike::NoType | Unlike::NotAType => format!("type: description, {example}"),
        Unlike::Scope => format!("type(scope): description, {example}"),
        Unlike::NoDescription => format!("say what was done, {example}"),
    }
}

/// The lines of footers' values, behind their first.
fn values(message: &Message) -> impl Iterator<Item = &str> {
    message.footers.iter().flat_map(|footer| footer.value.lines().skip(1))
}

/// Whether a line wants to be the footer of a breaking change and is none (rules 12, 15 and 16).
fn means_breaking(line: &str) -> bool {
    let words: String = line.chars().take(16).collect::<String>().to_ascii_lowercase().replace('-', " ");
    let rest = words.strip_prefix("breaking change").map(|rest| rest.trim_start_matches('s'));
    rest.is_some_and(|rest| rest.starts_with([':', '#']) || rest.is_empty())
}

/// A message as an editor leaves it, without what git takes away: comments, and everything below the scissors.
pub fn without_comments(text: &str) -> String {
    let scissors = |line: &&str| !(line.starts_with("# ") && line.contains(">8"));
    let lines = text.lines().take_while(scissors).filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(message: &str) -> Vec<String> {
        lint(message, &VersionRules::built_in()).into_iter().map(|problem| problem.text).collect()
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (message, expected) in [
            ("feat: a", ""),
            ("deps: any word is a type", ""),
            ("Merge branch 'x'", ""),
            ("Revert \"feat: a\"\n\nThis reverts commit 0123456.", ""),
            ("feat: a\n\nbody\n\nBREAKING CHANGE: b", ""),
            ("", "the message is empty"),
            ("no type here", "the first line has no type"),
            ("two words: a", "what stands before the colon is no type"),
            ("feat:a", "no space follows the colon"),
            ("feat: ", "no description follows the colon"),
            ("feat(): a", "the scope is empty or not closed"),
            ("feta: a", "nobody knows the type \"feta\""),
            ("fixup! feat: a", "the commit is to be squashed into another"),
            ("feat: a\nmore", "no empty line follows the first line"),
            ("feat: a\n\nBREAKING CHANGE:", "BREAKING CHANGE says nothing"),
            ("feat: a\n\nbreaking change: b", "\"breaking change: b\" is not the footer of a breaking change"),
            ("feat: a\n\nBREAKING CHANGES: b", "\"BREAKING CHANGES: b\" is not the footer of a breaking change"),
            ("feat: a\n\nRelease-As: soon", "Release-As names no stable version"),
            ("feat: a\n\nRelease-As: 2.0.0-rc.1", "Release-As names no stable version"),
        ] {
            assert_eq!(texts(message).join("; "), expected, "{message:?}");
        }
    }

    #[test]
    fn what_git_takes_away_is_not_judged() {
        let text = "feat: a\n# comment\n\nbody\n# ------------------------ >8 ------------------------\ndiff";
        assert_eq!(without_comments(text), "feat: a\n\nbody");
    }
}
