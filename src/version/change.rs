//! A change, as a commit tells it.

use semver::Version;
use serde::Serialize;

use super::message::{Header, Message};
use super::{Bump, Unconventional, VersionRules};
use crate::history::Logged;

/// One change. A commit tells one; a squashed commit may tell several, all under its own name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The commit's full object name.
    pub commit: String,
    /// The committer's time, in seconds since 1970.
    pub time: u64,
    /// The author's name, as the commit has it: any text.
    pub author: String,
    /// The type in small letters (`feat`); none when the message is not conventional.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The scope, as written.
    pub scope: Option<String>,
    /// What breaks: the text of each `BREAKING CHANGE` footer, else the description where `!` says so.
    pub breaking: Vec<String>,
    /// What was done: the first line without type and scope.
    pub description: String,
    /// The paragraphs between the first line and the footers; empty when there are none.
    pub body: String,
    /// The footers, in their order.
    pub footers: Vec<Footer>,
    /// Issues and merge requests that it names, as written: `#12`, `!7`, `group/project#3`.
    pub references: Vec<String>,
    /// Names (or their beginnings) of the commits that it reverts.
    pub reverts: Vec<String>,
    /// Whether it has several parents.
    pub merge: bool,
    /// How far it moves the version, by the rules of `[version]`; before 1.0.0 less may come of it.
    pub bump: Bump,
}

/// A footer of a message: `Reviewed-by: Z`, `Fixes #12`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Footer {
    /// Its token, as written.
    pub token: String,
    /// Whether ` #` stands between token and value, and not `: `.
    pub hash: bool,
    /// Its value, which may have several lines.
    pub value: String,
}

/// The most changes that one commit can tell.
const MOST_LINES: usize = 1000;

/// The line above the list that `git merge --squash` writes.
const SQUASHED: &str = "Squashed commit of the following:";

/// The footer that names the next version.
const RELEASE_AS: &str = "release-as";

impl Change {
    /// Everything that a commit tells: what its first line says, and each conventional line of a squashed commit's list.
    /// A merge tells what its first line says alone: what it brings are commits of their own.
    pub fn of(commit: &Logged, rules: &VersionRules) -> Vec<Self> {
        let lines = Told::of(&commit.message, commit.is_merge(), rules);
        let mut changes: Vec<Self> = lines.iter().map(|line| Self::read(commit, line, rules)).collect();
        let reverts = reverted(&commit.message, &changes);
        if let (Some(first), false) = (changes.first_mut(), reverts.is_empty()) {
            if first.kind.is_none() {
                first.bump = rules.of_type("revert");
            }
            first.reverts = reverts;
        }
        changes
    }

    fn read(commit: &Logged, text: &str, rules: &VersionRules) -> Self {
        let mut change = Self {
            commit: commit.id.clone(),
            time: commit.time,
            author: commit.author.clone(),
            kind: None,
            scope: None,
            breaking: Vec::new(),
            description: String::new(),
            body: String::new(),
            footers: Vec::new(),
            references: references(text),
            reverts: Vec::new(),
            merge: commit.is_merge(),
            bump: Bump::None,
        };
        let Ok(message) = Message::parse(text) else {
            let (first, rest) = text.trim_start().split_once('\n').unwrap_or((text.trim(), ""));
            (change.description, change.body) = (first.trim().to_owned(), rest.trim().to_owned());
            if rules.unconventional == Unconventional::Patch && !change.merge {
                change.bump = Bump::Patch;
            }
            return change;
        };
        change.breaking = message.breaking();
        change.bump = if change.breaking.is_empty() { rules.of_type(&message.kind) } else { Bump::Major };
        Self {
            kind: Some(message.kind),
            scope: message.scope,
            description: message.description,
            body: message.body,
            footers: message.footers,
            ..change
        }
    }

    /// Whether it only names a version, as the commit that a release makes does: nothing that anybody wants to be told.
    pub fn is_release(&self) -> bool {
        let named = || Version::parse(self.description.strip_prefix('v').unwrap_or(&self.description)).is_ok();
        self.kind.as_deref() == Some("chore") && self.scope.as_deref() == Some("release") && named()
    }

    /// Whether it says what it does, beside what it may take back.
    pub(super) fn is_more_than_a_revert(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind != "revert")
    }

    /// The text of a footer `Release-As`, if there is one: the version that somebody wants to be next.
    pub fn release_as(&self) -> Option<&str> {
        let mut footers = self.footers.iter().rev();
        footers.find(|footer| footer.token.eq_ignore_ascii_case(RELEASE_AS)).map(|footer| footer.value.as_str())
    }
}

/// The texts that a message falls into: one for each change.
struct Told<'a> {
    rules: &'a VersionRules,
    texts: Vec<String>,
}

impl<'a> Told<'a> {
    fn of(message: &str, merge: bool, rules: &'a VersionRules) -> Vec<String> {
        if merge {
            return vec![message.to_owned()];
        }
        let opened = message.contains(SQUASHED).then(|| unfold(message));
        let mut told = Self { rules, texts: Vec::new() };
        told.split(opened.as_deref().unwrap_or(message));
        told.texts
    }

    fn split(&mut self, message: &str) {
        let mut after_gap = false;
        for (index, line) in message.trim_start_matches(['\n', '\r']).lines().enumerate() {
            let bullet = line.strip_prefix("* ").or_else(|| line.strip_prefix("- "));
            let listed = bullet.or(after_gap.then_some(line)).filter(|line| self.is_change(line));
            after_gap = line.trim().is_empty();
            if let Some(listed) = listed.filter(|_| index > 0 && self.texts.len() < MOST_LINES) {
                self.texts.push(listed.to_owned());
            } else if let Some(last) = self.texts.last_mut() {
                last.push('\n');
                last.push_str(line);
            } else {
                self.texts.push(line.to_owned());
            }
        }
        if self.texts.is_empty() {
            self.texts.push(String::new());
        }
        self.settle();
    }

    /// A first line that a forge made of the list is not told twice, and one that is only a title above the list is no
    /// change beside it.
    fn settle(&mut self) {
        let Some((first, listed)) = self.texts.split_first().filter(|(_, listed)| !listed.is_empty()) else { return };
        let header = |text: &str| {
            Header::parse(text.lines().next().unwrap_or("")).ok().map(|header| {
                (
                    header.kind,
                    header.bang,
                    header.scope.map(str::to_owned),
                    without_reference(header.description).to_owned(),
                )
            })
        };
        match header(first) {
            None => drop(self.texts.remove(0)),
            Some(own) => {
                let twin = listed.iter().position(|text| header(text).is_some_and(|other| other == own));
                // What the repeated line explains belongs to the first.
                if let Some(twin) = twin {
                    let text = self.texts.remove(twin + 1);
                    if let (Some(rest), Some(first)) =
                        (text.split_once('\n').map(|(_, rest)| rest), self.texts.first_mut())
                    {
                        first.push_str("\n\n");
                        first.push_str(rest.trim_start_matches('\n'));
                    }
                }
            }
        }
    }

    /// Whether a line of a body is the first line of a change: of a type that is known, so that prose is not taken for
    /// one.
    fn is_change(&self, line: &str) -> bool {
        Header::parse(line).is_ok_and(|header| {
            // A type as it is written in prose begins a sentence: "Fix: …".
            line.starts_with(&header.kind) && self.rules.knows(&header.kind)
        })
    }
}

/// The description without the number that a forge puts behind the title of a merge request: ` (#12)`.
fn without_reference(description: &str) -> &str {
    let Some((before, number)) = description.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (#")) else {
        return description;
    };
    if !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()) { before } else { description }
}

/// Takes the headings out of the list that `git merge --squash` writes, and the four columns that it indents.
fn unfold(message: &str) -> String {
    let heading = |line: &str| {
        let id = line.strip_prefix("commit ").is_some_and(|id| is_id(id.trim(), 40));
        id || ["Author: ", "Date: ", "Merge: "].iter().any(|word| line.starts_with(word))
    };
    let line = |line: &str| {
        if heading(line) { String::new() } else { line.strip_prefix("    ").unwrap_or(line).to_owned() }
    };
    message.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn is_id(text: &str, least: usize) -> bool {
    (least..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// The names of the commits that a commit takes back: what `git revert` writes, and the footer `Refs` of a `revert:`.
fn reverted(message: &str, changes: &[Change]) -> Vec<String> {
    let mut found = Vec::new();
    let is_revert = changes.first().is_some_and(|change| change.kind.as_deref() == Some("revert"));
    for line in message.lines() {
        if let Some(rest) = line.trim_start().strip_prefix("This reverts commit ") {
            let id = rest.split(|c: char| !c.is_ascii_hexdigit()).next().unwrap_or("");
            found.extend(is_id(id, 7).then(|| id.to_ascii_lowercase()));
        } else if let Some(rest) = line.strip_prefix("Refs: ").filter(|_| is_revert) {
            let ids = rest.split([',', ' ']).map(str::trim).filter(|id| is_id(id, 7));
            found.extend(ids.map(str::to_ascii_lowercase));
        }
    }
    found
}

/// The first line that `git revert` quotes: of the commit that is taken back, where no name of it is written.
pub(super) fn quoted_title(message: &str) -> Option<&str> {
    let rest = message.trim_start().lines().next()?.strip_prefix("Revert \"")?;
    rest.rsplit_once('"').map(|(title, _)| title)
}

/// What looks like a number of an issue or of a merge request: `#12`, `!7`, with a path before it or without.
fn references(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || "()[],;".contains(c)) {
        let word = word.trim_end_matches(['.', ':']);
        let Some((path, number)) = word.rsplit_once(['#', '!']) else { continue };
        let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        let is_path = path.is_empty() || (plain && path.contains('/'));
        let is_number = !number.is_empty() && number.len() < 10 && number.bytes().all(|c| c.is_ascii_digit());
        if is_path && is_number && found.len() < MOST_LINES && !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests;
