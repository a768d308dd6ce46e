//! What every version brought: the whole history, told version by version.

use std::collections::{BTreeSet, HashMap};

use super::notes::Edition;
use super::revert::Graph;
use super::{Change, Tagged, VersionRules};
use crate::history::Logged;

/// Tells what each stable version brought that `commits` (all that HEAD reaches, children before their parents) hold, the
/// highest version first. A commit belongs to the lowest version that reaches it; what no version reaches is left out, and
/// so is what is not one of `ours`, if that is said.
pub fn editions(
    rules: &VersionRules,
    versions: &[Tagged],
    commits: Vec<Logged>,
    ours: Option<&BTreeSet<String>>,
) -> Vec<Edition> {
    let index: HashMap<&str, usize> = commits.iter().enumerate().map(|(at, commit)| (commit.id.as_str(), at)).collect();
    let stable = versions.iter().rev().filter(|tagged| tagged.version.pre.is_empty());
    let reached: Vec<(&Tagged, usize)> =
        stable.filter_map(|tagged| Some((tagged, *index.get(tagged.commit.as_str())?))).collect();
    let mut owners: Vec<Option<usize>> = vec![None; commits.len()];
    for (owner, (_, start)) in reached.iter().enumerate() {
        let mut open = vec![*start];
        while let Some(at) = open.pop() {
            if owners[at].is_none() {
                owners[at] = Some(owner);
                open.extend(commits[at].parents.iter().filter_map(|parent| index.get(parent.as_str()).copied()));
            }
        }
    }
    let mut editions = Vec::with_capacity(reached.len());
    for (at, (tagged, start)) in reached.iter().enumerate() {
        let previous = at.checked_sub(1).and_then(|before| reached.get(before)).map(|(before, _)| before.tag.clone());
        editions.push(Edition {
            version: tagged.version.clone(),
            tag: tagged.tag.clone(),
            previous,
            time: commits[*start].time,
            changes: Vec::new(),
        });
    }
    let mut parts: Vec<Vec<Logged>> = editions.iter().map(|_| Vec::new()).collect();
    drop(index);
    for (commit, owner) in commits.into_iter().zip(owners) {
        if let Some(owner) = owner {
            parts[owner].push(commit);
        }
    }
    for (edition, commits) in editions.iter_mut().zip(&parts) {
        edition.changes = standing(rules, commits);
        edition.changes.retain(|change| ours.is_none_or(|ours| ours.contains(&change.commit)));
    }
    editions.reverse();
    editions
}

/// The changes of some commits that were not taken back among them. A merge that tells nothing of its own is no change.
fn standing(rules: &VersionRules, commits: &[Logged]) -> Vec<Change> {
    let mut told: Vec<Vec<Change>> = commits.iter().map(|commit| Change::of(commit, rules)).collect();
    let standing = Graph::new(commits).standing(&told, &vec![true; commits.len()]);
    let stand = told.iter_mut().zip(standing).filter(|(_, stands)| *stands);
    let changes = stand.flat_map(|(changes, _)| std::mem::take(changes));
    changes.filter(|change| (!change.merge || change.kind.is_some()) && !change.is_release()).collect()
}
