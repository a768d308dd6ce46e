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
    /// What stands before the version in its tag: headings may name the tag.
    pub prefix: &'a str,
    /// The notes, as a section of the file.
    pub text: &'a str,
    /// The full names of the commits that the notes may tell of.
    pub commits: &'a [&'a str],
}

/// Puts notes into the text of a file; without one a new file is begun.
///
/// A version that is there already gets the lines of those commits that its section does not name anywhere, and keeps
/// everything else: to leave a commit out, its section may name it in a comment. A new version takes along what stands
/// under `Unreleased`. A prerelease is told under `Unreleased`, so that the release after it tells everything once.
pub fn update(file: Option<&str>, notes: &Notes<'_>) -> String {
    let text = file.filter(|text| !text.trim().is_empty()).unwrap_or(PREAMBLE);
    let mut document = Document::parse(text, notes.prefix);
    let wanted = if notes.version.pre.is_empty() {
        Heading::Version(notes.version.clone())
    } else {
        Heading::Unreleased
    };
    let told = Told::read(notes);
    if let Some(section) = document.sections.iter_mut().find(|section| section.heading == wanted) {
        complete(section, &told);
    } else if wanted == Heading::Unreleased {
        document.insert(Section::new(UNRELEASED.to_owned(), Heading::Unreleased, told.body(Vec::new())));
    } else {
        let waiting = document.sections.iter_mut().find(|section| section.heading == Heading::Unreleased);
        let written = waiting.map(Section::take).unwrap_or_default();
        let body = told.body(written);
        document.insert(Section::new(told.line.clone(), wanted, body));
    }
    document.print()
}

/// Notes as they were rendered, in parts.
struct Told<'a> {
    /// The heading's line.
    line: String,
    blocks: Vec<Block>,
    commits: Vec<&'a str>,
}

impl<'a> Told<'a> {
    fn read(notes: &Notes<'a>) -> Self {
        let mut lines: Vec<String> = notes.text.lines().map(str::to_owned).collect();
        let own = Heading::Version(notes.version.clone());
        let is_heading = lines.first().and_then(|line| Heading::parse(line, notes.prefix)).is_some_and(|it| it == own);
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
        for block in &mut blocks {
            if !text.trim().is_empty() {
                block.drop_items(|item| self.is_told(item, &text));
            }
        }
        for block in Block::split(written) {
            match blocks.iter_mut().find(|known| known.is_like(&block)) {
                Some(known) => known.append(block.lines),
                None if block.title.is_none() => blocks.insert(0, block),
                None => blocks.push(block),
            }
        }
        blocks.iter().filter(|block| !block.is_empty()).flat_map(Block::print).collect()
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
