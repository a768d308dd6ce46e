//! What the rules of the specifications make of a history: each takes one thing out of it that programs read differently,
//! and puts in its place what it means. Where sealift and another program differ, the other must say of the history that
//! a rule has rewritten what sealift says of the one that was there.

use super::written::{History, Step, numbers};

/// Rewrites a history by a rule.
pub type Rule = fn(&History) -> History;

/// A commit that asks for nothing.
const SILENT: &str = "Nothing";

/// A revert and what it reverts are no changes, nor are a revert and its own revert; a merge goes with what it brought. By
/// its name a commit that was released is reverted too: what corrects a release is a fix (SemVer 2.0.0, rule 6).
pub fn reverts(history: &History) -> History {
    let from = history.unreleased();
    let mut steps = history.steps.clone();
    let mut gone = vec![false; steps.len()];
    for at in (from..steps.len()).rev() {
        let Some((_, message)) = history.steps[at].told().filter(|_| !gone[at]) else { continue };
        let target = if let Some(mark) = named(message) {
            let target = (from..at).find(|other| history.steps[*other].told().is_some_and(|(own, _)| own == mark));
            if target.is_none() {
                steps[at] = steps[at].saying("fix: take back what was released");
            }
            target
        } else {
            let title = quoted(message);
            let known = |other: &usize| title.is_some() && !gone[*other] && first_line(&history.steps[*other]) == title;
            (from..at).rev().find(known)
        };
        if let Some(target) = target {
            gone[at] = true;
            // What a merge brought is what its branch has since it began.
            let since = match history.steps[target] {
                Step::Merge { .. } => {
                    history.steps[..target].iter().rposition(|step| *step == Step::Fork).unwrap_or(target)
                }
                _ => target,
            };
            for (step, gone) in history.steps[since..target].iter().zip(&mut gone[since..target]) {
                *gone |= matches!(step, Step::Commit { topic: true, .. });
            }
            gone[target] = true;
        }
    }
    for (step, _) in steps.iter_mut().zip(gone).filter(|(_, gone)| *gone) {
        *step = step.saying(SILENT);
    }
    History { steps, ..history.clone() }
}

/// A prerelease is one of the version that it comes before (SemVer 2.0.0, rule 9): it ends nothing, and what comes after it
/// is no less than that version (rule 11).
pub fn prereleases(history: &History) -> History {
    let is_prerelease = |step: &Step| matches!(step, Step::Tag(version) if version.contains('-'));
    let unreleased = &history.steps[history.unreleased()..];
    // One at the commit of the last stable tag announces nothing any more.
    let begin = unreleased.iter().position(|step| step.told().is_some()).unwrap_or(unreleased.len());
    let announced = unreleased[begin..].iter().filter(|step| is_prerelease(step)).filter_map(|step| match step {
        Step::Tag(version) => numbers(version),
        _ => None,
    });
    let promised = announced.max();
    let steps = history.steps.iter().filter(|step| !is_prerelease(step)).cloned().collect();
    History { steps, promised }
}

/// Of several stable tags at a commit the greatest counts (SemVer 2.0.0, rule 11).
pub fn several_tags(history: &History) -> History {
    let mut steps: Vec<Step> = Vec::new();
    for step in &history.steps {
        if let Some(version) = step.stable() {
            let here = steps.iter().rposition(|step| !matches!(step, Step::Tag(_))).map_or(0, |at| at + 1);
            if let Some(other) = (here..steps.len()).find(|at| steps[*at].stable().is_some()) {
                if steps[other].stable() < Some(version) {
                    steps[other] = step.clone();
                }
                continue;
            }
        }
        steps.push(step.clone());
    }
    History { steps, ..history.clone() }
}

/// Each line of a squashed commit's list is a commit; a title above the list is one if it is conventional.
pub fn squashed(history: &History) -> History {
    let mut marks = history.steps.iter().filter_map(Step::told).map(|(mark, _)| mark).max().unwrap_or(0);
    let mut steps = Vec::new();
    for step in &history.steps {
        let Step::Commit { topic, message, .. } = step else {
            steps.push(step.clone());
            continue;
        };
        let listed: Vec<&str> = message.lines().filter_map(|line| line.strip_prefix("* ")).collect();
        if listed.is_empty() {
            steps.push(step.clone());
            continue;
        }
        let title = message.lines().next().unwrap_or("");
        steps.push(step.saying(if title.contains(": ") { title } else { SILENT }));
        for line in listed {
            marks += 1;
            steps.push(Step::Commit { mark: marks, topic: *topic, message: line.to_owned() });
        }
    }
    History { steps, ..history.clone() }
}

/// A type is the same in any case (Conventional Commits 1.0.0, rule 15).
pub fn capitals(history: &History) -> History {
    each(history, |message| {
        let end = message.find([':', '(', '!']).unwrap_or(0);
        message[..end].to_lowercase() + &message[end..]
    })
}

/// What breaks is said in capitals (Conventional Commits 1.0.0, rule 15).
pub fn small_letters(history: &History) -> History {
    each(history, |message| message.replace("\nbreaking change:", "\nnote:"))
}

fn each(history: &History, change: impl Fn(&str) -> String) -> History {
    let say = |step: &Step| step.told().map_or_else(|| step.clone(), |(_, message)| step.saying(&change(message)));
    History { steps: history.steps.iter().map(say).collect(), ..history.clone() }
}

/// The number of the commit that a message names as taken back.
fn named(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("This reverts commit <:")?;
    rest.split_once('>')?.0.parse().ok()
}

/// The title that a message names as taken back.
fn quoted(message: &str) -> Option<&str> {
    let rest = message.lines().next()?.strip_prefix("Revert \"")?;
    rest.rsplit_once('"').map(|(inner, _)| inner)
}

fn first_line(step: &Step) -> Option<&str> {
    step.told().and_then(|(_, message)| message.lines().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(lines: &[&str]) -> History {
        let mut steps = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let (mark, message) = (at + 1, line.trim_start().to_owned());
            steps.push(match line.strip_prefix('=') {
                Some(version) => Step::Tag(version.to_owned()),
                None if *line == "fork" => Step::Fork,
                None if message.starts_with("Merge") => Step::Merge { mark, message },
                None => Step::Commit { mark, topic: line.starts_with(' '), message },
            });
        }
        History { steps, promised: None }
    }

    /// What is left to say, with the tags.
    fn said(history: &History) -> Vec<String> {
        let said = history.steps.iter().filter_map(|step| match step {
            Step::Tag(version) => Some(format!("={version}")),
            step => step.told().map(|(_, message)| message.to_owned()).filter(|message| message != SILENT),
        });
        said.collect()
    }

    #[test]
    fn what_is_reverted_goes_with_its_revert() {
        let of = |lines: &[&str]| said(&reverts(&history(lines)));
        assert_eq!(of(&["feat: a", "Revert \"feat: a\"", "fix: b"]), ["fix: b"]);
        assert_eq!(of(&["feat: a", "Revert \"feat: a\"", "Revert \"Revert \"feat: a\"\""]), ["feat: a"]);
        assert_eq!(of(&["feat: a", "fix: b", "Revert \"x\"\n\nThis reverts commit <:1>."]), ["fix: b"]);
        assert_eq!(
            of(&["feat: a", "=1.0.0", "Revert \"feat: a\"\n\nThis reverts commit <:1>."]),
            ["feat: a", "=1.0.0", "fix: take back what was released"]
        );
        assert_eq!(of(&["feat: a", "=1.0.0", "Revert \"feat: a\""]), ["feat: a", "=1.0.0", "Revert \"feat: a\""]);
        let merge = ["fork", " feat: a", "fix: b", "Merge", "Revert \"Merge\""];
        assert_eq!(of(&merge), ["fix: b"]);
        assert_eq!(
            of(&[&merge[..], &["Reapply \"Merge\"\n\nThis reverts commit <:5>."]].concat()),
            ["feat: a", "fix: b", "Merge"]
        );
    }

    #[test]
    fn tags_are_taken_away_and_promises_kept() {
        let lines = ["feat: a", "=1.0.0", "=2.0.0-rc.1", "fix: b", "=1.1.0-rc.1", "=1.2.0-rc.1", "fix: c"];
        let without = prereleases(&history(&lines));
        assert_eq!(said(&without), ["feat: a", "=1.0.0", "fix: b", "fix: c"]);
        assert_eq!(without.promised, Some([1, 2, 0]));
        assert_eq!((without.named("v1.0.1"), without.named("v1.3.0")), ("1.2.0".into(), "1.3.0".into()));
        assert_eq!((without.named("v1.0.0"), without.named("")), ("nothing".into(), "nothing".into()));
        let one = said(&several_tags(&history(&["feat: a", "=1.0.9", "=1.0.10", "=1.0.8", "fix: b", "=1.0.11"])));
        assert_eq!(one, ["feat: a", "=1.0.10", "fix: b", "=1.0.11"]);
    }

    #[test]
    fn a_list_becomes_its_commits() {
        let of = |message: &str| said(&squashed(&history(&[message, "fix: z"])));
        assert_eq!(of("Things (#7)\n\n* feat: a\n* fix: b"), ["feat: a", "fix: b", "fix: z"]);
        assert_eq!(of("docs: things (#7)\n\n* feat: a"), ["docs: things (#7)", "feat: a", "fix: z"]);
    }
}
