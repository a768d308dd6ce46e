//! What was taken back: a revert and what it reverts cancel each other, and so do a revert and its own revert.

use std::collections::{BTreeMap, HashMap};

use super::Change;
use super::change::quoted_title;
use crate::history::Logged;

/// Commits of a range with the way from each to its parents within it.
pub(super) struct Graph<'a> {
    commits: &'a [Logged],
    index: BTreeMap<&'a str, usize>,
}

impl<'a> Graph<'a> {
    pub fn new(commits: &'a [Logged]) -> Self {
        let index = commits.iter().enumerate().map(|(at, commit)| (commit.id.as_str(), at)).collect();
        Self { commits, index }
    }

    /// Where a commit stands, if it is in the range.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// As [`Graph::find`], by the beginning of a name.
    fn find_short(&self, beginning: &str) -> Option<usize> {
        let (id, at) = self.index.range(beginning..).next()?;
        id.starts_with(beginning).then_some(*at)
    }

    /// Which commits of the range some of them reach, themselves included.
    pub fn reached(&self, from: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut seen = vec![false; self.commits.len()];
        let mut open: Vec<usize> = from.into_iter().collect();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                open.extend(self.commits[at].parents.iter().filter_map(|parent| self.find(parent)));
            }
        }
        seen
    }

    /// What a merge brought: all that its further parents reach and the first does not. Of another commit nothing.
    fn brought(&self, merge: usize) -> Vec<usize> {
        let mut parents = self.commits[merge].parents.iter();
        let before = self.reached(parents.next().and_then(|first| self.find(first)));
        let others: Vec<usize> = parents.filter_map(|parent| self.find(parent)).collect();
        if others.is_empty() {
            return others;
        }
        let brought = self.reached(others).into_iter().enumerate();
        brought.filter(|(at, reached)| *reached && !before[*at]).map(|(at, _)| at).collect()
    }

    /// Which of the commits in `within` still stand. Children come before parents, so that what takes a revert back is
    /// seen before the revert. A revert of something outside stands: it changes what was there before.
    pub fn standing(&self, told: &[Vec<Change>], within: &[bool]) -> Vec<bool> {
        let mut standing = within.to_vec();
        let mut titles: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, commit) in self.commits.iter().enumerate().rev() {
            titles.entry(commit.message.trim_start().lines().next().unwrap_or("")).or_default().push(at);
        }
        for at in 0..self.commits.len() {
            if !standing[at] {
                continue;
            }
            let mut targets = Vec::new();
            let mut outside = false;
            let named = told[at].iter().flat_map(|change| &change.reverts);
            let mut any_named = false;
            for id in named {
                any_named = true;
                match self.find_short(id).filter(|target| *target > at && within[*target]) {
                    Some(target) => targets.push(target),
                    None => outside = true,
                }
            }
            let title = quoted_title(&self.commits[at].message).filter(|_| !any_named);
            if let Some(known) = title.and_then(|title| titles.get(title)) {
                // The newest of that title that is older than the revert and was not taken back already.
                targets.extend(known.iter().rev().copied().find(|target| *target > at && standing[*target]));
            }
            if targets.is_empty() {
                continue;
            }
            for target in targets {
                standing[target] = false;
                for brought in self.brought(target) {
                    standing[brought] = false;
                }
            }
            // A change that takes something back on the way is a change still: `fix: undo it`, a squash of several.
            standing[at] = outside || told[at].iter().any(Change::is_more_than_a_revert);
        }
        standing
    }
}
