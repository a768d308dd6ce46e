//! What is new in a version, for people: grouped, what breaks first, every text of a commit made harmless.

mod forge;
mod markdown;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use minijinja::Value;
use sealift_trust::statement::Timestamp;
use semver::Version;
use serde::Serialize;

use super::{Change, Next};
use crate::config::settings::changelog::{ChangelogSettings, OTHER};

pub use forge::Forge;
pub use template::{NotesError, Style};

/// How many digits of a commit are shown.
const SHORT: usize = 7;

/// A version and what is new in it.
#[derive(Clone, Debug)]
pub struct Edition {
    /// The version.
    pub version: Version,
    /// The name of its tag.
    pub tag: String,
    /// The tag of the version before it; none for the first.
    pub previous: Option<String>,
    /// When, in seconds since 1970.
    pub time: u64,
    /// What is new, newest first.
    pub changes: Vec<Change>,
}

impl Edition {
    /// The edition that a next version will be; `time` in seconds since 1970.
    pub fn of(next: &Next, time: u64) -> Self {
        Self {
            version: next.version.clone(),
            tag: next.tag.clone(),
            previous: next.previous_tag.clone(),
            time,
            changes: next.changes.clone(),
        }
    }

    /// The full names of the commits that it tells of.
    pub fn commits(&self) -> Vec<&str> {
        self.changes.iter().map(|change| change.commit.as_str()).collect()
    }
}

/// What a template is given. Texts are Markdown already: a template cannot undo that.
#[derive(Serialize)]
struct View {
    version: Value,
    tag: Value,
    previous: Option<Value>,
    date: Value,
    compare: Option<Value>,
    standalone: bool,
    breaking: Vec<Item>,
    sections: Vec<Group>,
    contributors: Vec<Value>,
}

/// A heading with what stands under it.
#[derive(Serialize)]
struct Group {
    title: Value,
    items: Vec<Item>,
}

/// One line.
#[derive(Clone, Serialize)]
struct Item {
    scope: Option<Value>,
    text: Value,
    links: Value,
    commit: Value,
    author: Value,
}

/// Turns changes into what a template is given.
struct Teller<'a> {
    settings: &'a ChangelogSettings,
    forge: Option<&'a Forge>,
}

impl Teller<'_> {
    fn view(&self, edition: &Edition, standalone: bool) -> View {
        let date =
            Timestamp::from_unix(edition.time).map_or_else(String::new, |time| time.to_string()[..10].to_owned());
        View {
            version: safe(edition.version.to_string()),
            tag: self.line(&edition.tag),
            previous: edition.previous.as_deref().map(|tag| self.line(tag)),
            date: safe(date),
            compare: self.forge.map(|forge| safe(forge.compare(edition.previous.as_deref(), &edition.tag))),
            standalone,
            breaking: self.breaking(&edition.changes),
            sections: self.groups(&edition.changes),
            contributors: self.contributors(&edition.changes),
        }
    }

    fn line(&self, text: &str) -> Value {
        safe(markdown::line(text, self.forge))
    }

    fn breaking(&self, changes: &[Change]) -> Vec<Item> {
        changes.iter().flat_map(|change| change.breaking.iter().map(|text| self.item(change, text))).collect()
    }

    /// By heading: each where the first of its types stands in the built-in order, further ones by their names.
    fn groups(&self, changes: &[Change]) -> Vec<Group> {
        let mut found: BTreeMap<(usize, &str), Vec<Item>> = BTreeMap::new();
        for change in changes {
            let kind = change.kind.as_deref().unwrap_or(OTHER);
            // What breaks without a text of its own was told above with this very description.
            let told = change.breaking.contains(&change.description);
            let Some(title) = self.settings.sections.get(kind).filter(|title| !title.is_empty() && !told) else {
                continue;
            };
            found.entry((rank(title), title)).or_default().push(self.item(change, &change.description));
        }
        let group = |((_, title), items): ((usize, &str), Vec<Item>)| Group { title: self.line(title), items };
        found.into_iter().map(group).collect()
    }

    fn item(&self, change: &Change, text: &str) -> Item {
        let commit = self.commit(change);
        let mut links = commit.clone();
        for reference in &change.references {
            // One that the text names is a link there.
            let url =
                self.forge.and_then(|forge| forge.reference(reference)).filter(|_| !text.contains(reference.as_str()));
            if let Some(url) = url {
                links += &format!(", [{}]({url})", markdown::line(reference, None));
            }
        }
        Item {
            scope: change.scope.as_deref().filter(|scope| !scope.trim().is_empty()).map(|scope| self.line(scope)),
            text: self.line(text),
            links: safe(links),
            commit: safe(commit),
            author: self.line(&change.author),
        }
    }

    fn commit(&self, change: &Change) -> String {
        let short: String = change.commit.chars().filter(char::is_ascii_hexdigit).take(SHORT).collect();
        match self.forge {
            Some(forge) => format!("[`{short}`]({})", forge.commit(&change.commit)),
            None => format!("`{short}`"),
        }
    }

    /// Everybody once, who did most first.
    fn contributors(&self, changes: &[Change]) -> Vec<Value> {
        let mut commits: BTreeMap<&str, usize> = BTreeMap::new();
        for change in changes.iter().filter(|change| !change.author.trim().is_empty()) {
            *commits.entry(change.author.as_str()).or_default() += 1;
        }
        let mut names: Vec<(&str, usize)> = commits.into_iter().collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        names.into_iter().map(|(name, _)| self.line(name)).collect()
    }
}

/// The order of Keep a Changelog 1.1.0; what it does not know comes behind, and what has no type last.
fn rank(title: &str) -> usize {
    let known = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Reverted"];
    match known.iter().position(|name| *name == title) {
        Some(at) => at,
        None if title == "Other changes" => known.len() + 1,
        None => known.len(),
    }
}

/// A value that is Markdown already.
fn safe(text: String) -> Value {
    Value::from_safe_string(text)
}
