//! `CHANGELOG.md`, kept by hand and by machine (Keep a Changelog 1.1.0): what is new is put in its place, what somebody
//! has written stays, and a second time changes nothing.

mod document;
#[cfg(test)]
mod tests;

use semver::Version;

use document::{Block, Document, Heading, Section};

/// What stands above the first version of a new file.
const PREAMBLE: &str = "# Changelog\n\nWhat has changed for users, the newest version first.\n";

/// The heading of what has no stable version yet.
const UNRELEASED: &str = "## [Unreleased]";

/// The notes of a version, and what they were made from.
#[derive(Clone, Copy, Debug)]
pub struct Notes<'a> {
    /// The version.
    pub version: &'a Version,
    /// The notes, as a section of the file.
    pub text: &'a str,
    /// The full names of the commits that the notes may tell of.
    pub commits: &'a [&'a str],
}

/// Puts notes into the text of a file; without one a new file is begun. `prefix` is what stands before a version in its
/// tag: headings may name the tag.
///
/// A version that is there already gets the lines of those commits that its section does not name anywhere, and keeps
/// everything else: to leave a commit out, its section may name it in a comment. A new version takes along what stands
/// under `Unreleased`. A prerelease is told under `Unreleased`, so that the release after it tells everything once.
pub fn update<'a>(file: Option<&str>, prefix: &str, notes: impl IntoIterator<Item = Notes<'a>>) -> String {
    let text = file.filter(|text| !text.trim().is_empty()).unwrap_or(PREAMBLE);
    let mut document = Document::parse(text, prefix);
    for notes in notes {
        put(&mut document, &Told::read(&notes, prefix), notes.version);
    }
    document.print()
}

fn put(document: &mut Document, told: &Told<'_>, version: &Version) {
    let wanted = if version.pre.is_empty() { Heading::Version(version.clone()) } else { Heading::Unreleased };
    if let Some(section) = document.sections.iter_mut().find(|section| section.heading == wanted) {
        complete(section, told);
    } else if wanted == Heading::Unreleased {
        let is_news = told.blocks.iter().any(|block| !block.items().is_empty());
        let body = if is_news { told.body(Vec::new()) } else { Vec::new() };
        document.insert(Section::new(UNRELEASED.to_owned(), Heading::Unreleased, body));
    } else {
        let is_latest = document.sections.iter().all(|section| section.heading.is_below(version));
        let waiting = document.sections.iter_mut().find(|section| section.heading == Heading::Unreleased);
        // What waits belongs to the newest, not to a fix of an older line.
        let written = waiting.filter(|_| is_latest).map(Section::take).unwrap_or_default();
        let body = told.body(written);
        document.insert(Section::new(told.line.clone(), wanted, body));
    }
}

/// Notes as they were rendered, in parts.
struct Told<'a> {
    /// The heading's line.
    line: String,
    blocks: Vec<Block>,
    commits: Vec<&'a str>,
}

impl<'a> Told<'a> {
    fn read(notes: &Notes<'a>, prefix: &str) -> Self {
        let mut lines: Vec<String> = notes.text.lines().map(str::to_owned).collect();
        let own = Heading::Version(notes.version.clone());
        let is_heading = lines.first().and_then(|line| Heading::parse(line, prefix)).is_some_and(|it| it == own);
        // A template may begin differently; without its heading the section would not be found the next time.
        let line = if is_heading { lines.remove(0) } else { format!("## [{}]", notes.version) };
        let commits = notes.commits.iter().filter_map(|id| id.get(..document::SHORT)).collect();
        Self { line, blocks: Block::split(lines), commits }
    }

    /// The section of a version that is new: the notes, with what somebody has written already. Of a commit that was
    /// written about, that text is the one.
    fn body(&self, written: Vec<String>) -> Vec<String> {
        let mut blocks = self.blocks.clone();
        let text = written.join("\n");
        if !text.trim().is_empty() {
            blocks.iter_mut().for_each(|block| block.drop_items(|item| self.is_told(item, &text)));
            // Without an item a template says that there is nothing.
            blocks.retain(|block| !block.items().is_empty());
        }
        let mut joined = Vec::new();
        for block in Block::split(written) {
            let like = blocks.iter().position(|known| known.is_like(&block));
            match like.filter(|at| !joined.contains(at)) {
                Some(at) => {
                    joined.push(at);
                    blocks[at].title = block.title;
                    blocks[at].append(block.lines);
                }
                None if block.title.is_none() => {
                    blocks.insert(0, block);
                    joined = vec![0];
                }
                None => {
                    joined.push(blocks.len());
                    blocks.push(block);
                }
            }
        }
        blocks.iter().flat_map(Block::print).collect()
    }

    /// Whether a text tells of an item: it names its commit, or has the same line.
    fn is_told(&self, item: &[String], text: &str) -> bool {
        let ids = item.iter().flat_map(|line| document::ids(line));
        match ids.into_iter().find(|id| self.commits.contains(id)) {
            Some(id) => document::ids(text).contains(&id),
            None => text.lines().any(|line| item.first().is_some_and(|first| line.trim() == first.trim())),
        }
    }
}

/// Adds to a section what it does not tell of.
fn complete(section: &mut Section, told: &Told<'_>) {
    let before = section.body.join("\n");
    for (at, block) in told.blocks.iter().enumerate() {
        let mut lines = block.items();
        lines.retain(|item| !told.is_told(item, &before));
        if !lines.is_empty() {
            let later = &told.blocks[at + 1..];
            section.add(block, lines.concat(), later);
        }
    }
}
