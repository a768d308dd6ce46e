//! The parts of a changelog: what stands above, versions, and in each the blocks under their headings.

use semver::Version;

/// How many digits name a commit.
pub const SHORT: usize = 7;

/// What a heading is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heading {
    /// `## [Unreleased]`.
    Unreleased,
    /// `## [1.2.3] - 2026-01-31`, `## v1.2.3`, `# [1.2.3](https://…)`.
    Version(Version),
}

impl Heading {
    /// Whether it is about nothing above a version.
    pub fn is_below(&self, version: &Version) -> bool {
        match self {
            Self::Unreleased => true,
            Self::Version(own) => own.cmp_precedence(version).is_lt(),
        }
    }

    /// Reads a line that is a heading of the first three levels and begins with a version, or with its tag.
    pub fn parse(line: &str, prefix: &str) -> Option<Self> {
        let level = line.len() - line.trim_start_matches('#').len();
        let rest = line.get(level..).filter(|rest| (1..=3).contains(&level) && rest.starts_with(' '))?;
        let rest = rest.trim_start().trim_start_matches('[');
        let word = rest.split(|c: char| c.is_whitespace() || "]()".contains(c)).next()?;
        if word.eq_ignore_ascii_case("unreleased") {
            return Some(Self::Unreleased);
        }
        let candidates = [Some(word), word.strip_prefix(prefix), word.strip_prefix('v')];
        candidates.into_iter().flatten().find_map(|word| Version::parse(word).ok()).map(Self::Version)
    }
}

/// A version's part of the file.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is about.
    pub heading: Heading,
    /// The line of the heading.
    line: String,
    /// What stands under it.
    pub body: Vec<String>,
}

/// A whole file.
#[derive(Clone, Debug)]
pub struct Document {
    /// A byte order mark and the line ends that the file has.
    mark: bool,
    windows: bool,
    above: Vec<String>,
    /// In the order of the file.
    pub sections: Vec<Section>,
    /// Definitions of links at the end (CommonMark 0.31, "Link reference definitions").
    below: Vec<String>,
}

/// Which lines are text, and not code or a comment that only looks like a heading. What is opened and never closed is
/// text: the next version must not vanish in it.
fn text_lines<S: AsRef<str>>(lines: &[S]) -> Vec<bool> {
    let mut text = vec![true; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].as_ref();
        let rest = lines[at + 1..].iter().map(AsRef::as_ref);
        let end = match fence(line) {
            Some((mark, length, _)) => {
                let closes = |line: &str| fence(line).is_some_and(|(m, l, bare)| m == mark && l >= length && bare);
                { rest }.position(closes)
            }
            None if line.rfind("<!--").is_some_and(|open| !line[open..].contains("-->")) => {
                { rest }.position(|line| line.contains("-->"))
            }
            None => None,
        };
        if let Some(end) = end {
            // The line that opens is no heading if it is a fence; before a comment it may be one.
            text[at + 1..=at + 1 + end].fill(false);
            text[at] = fence(line).is_none();
            at += end + 1;
        }
        at += 1;
    }
    text
}

/// The sign of a line that opens or closes code, how often it stands there, and whether nothing else does (CommonMark
/// 0.31, "Fenced code blocks").
fn fence(line: &str) -> Option<(char, usize, bool)> {
    let line = line.trim();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == mark).count();
    let rest = &line[length..];
    (length >= 3 && !(mark == '`' && rest.contains('`'))).then_some((mark, length, rest.is_empty()))
}

impl Document {
    /// Takes a text apart; printed again it is the same.
    pub fn parse(text: &str, prefix: &str) -> Self {
        let (mark, text) = match text.strip_prefix('\u{feff}') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let windows = text.contains("\r\n") && text.matches("\r\n").count() * 2 > text.matches('\n').count();
        let mut document = Self { mark, windows, above: Vec::new(), sections: Vec::new(), below: Vec::new() };
        let end = text.strip_suffix('\n').map_or(text, |text| if windows { text.trim_end_matches('\r') } else { text });
        let lines: Vec<&str> =
            end.split('\n').map(|line| line.strip_suffix('\r').filter(|_| windows).unwrap_or(line)).collect();
        for (line, is_text) in lines.iter().copied().zip(text_lines(&lines)) {
            match is_text.then(|| Heading::parse(line, prefix)).flatten() {
                Some(heading) => document.sections.push(Section::new(line.to_owned(), heading, Vec::new())),
                None => document.last().push(line.to_owned()),
            }
        }
        let lines = document.last();
        let is_below = |line: &String| line.trim().is_empty() || (line.starts_with('[') && line.contains("]: "));
        let mut from = lines.len() - lines.iter().rev().take_while(|line| is_below(line)).count();
        if lines[from..].iter().all(|line| line.trim().is_empty()) {
            from = lines.len();
        }
        document.below = document.last().split_off(from);
        document
    }

    fn last(&mut self) -> &mut Vec<String> {
        match self.sections.last_mut() {
            Some(section) => &mut section.body,
            None => &mut self.above,
        }
    }

    /// Puts a section before the first of a lower version, and behind what is unreleased.
    pub fn insert(&mut self, section: Section) {
        let unreleased = self.sections.iter().position(|section| section.heading == Heading::Unreleased);
        let lower = |(at, other): (usize, &Section)| match (&section.heading, &other.heading) {
            (Heading::Unreleased, _) => true,
            (_, Heading::Unreleased) => unreleased.is_some_and(|first| at > first),
            (Heading::Version(own), Heading::Version(other)) => other.cmp_precedence(own).is_lt(),
        };
        let at = self.sections.iter().enumerate().position(lower).unwrap_or(self.sections.len());
        let before = if at == 0 { &mut self.above } else { &mut self.sections[at - 1].body };
        if before.last().is_some_and(|line| !line.trim().is_empty()) || (at > 0 && before.is_empty()) {
            before.push(String::new());
        }
        self.sections.insert(at, section);
    }

    /// The text.
    pub fn print(&self) -> String {
        let mut lines: Vec<&str> = self.above.iter().map(String::as_str).collect();
        for section in &self.sections {
            lines.push(&section.line);
            lines.extend(section.body.iter().map(String::as_str));
        }
        lines.extend(self.below.iter().map(String::as_str));
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        let mut text = lines.join(if self.windows { "\r\n" } else { "\n" });
        text.push_str(if self.windows { "\r\n" } else { "\n" });
        if self.mark {
            text.insert(0, '\u{feff}');
        }
        text
    }
}

impl Section {
    /// A section with what stands in it.
    pub fn new(line: String, heading: Heading, body: Vec<String>) -> Self {
        let mut section = Self { heading, line, body: Vec::new() };
        if !body.is_empty() {
            section.body.push(String::new());
            section.body.extend(body);
        }
        section
    }

    /// Takes away what stands in it, and leaves an empty section.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::replace(&mut self.body, vec![String::new()])
    }

    /// Adds lines under the heading of a block; one that is not there comes before those of `later`, or at the end.
    pub fn add(&mut self, block: &Block, lines: Vec<String>, later: &[Block]) {
        let headings = titles(&self.body);
        let own = headings.iter().position(|(_, title)| Some(key(title)) == block.title.as_deref().map(key));
        if block.title.is_none() {
            let end = headings.first().map_or(self.body.len(), |(at, _)| *at);
            return self.put(self.filled(0, end), lines);
        }
        if let Some(own) = own {
            let (from, _) = headings[own];
            let end = headings.get(own + 1).map_or(self.body.len(), |(at, _)| *at);
            let at = self.filled(from, end);
            let lines = if at == from + 1 { [vec![String::new()], lines].concat() } else { lines };
            return self.put(at, lines);
        }
        let next = headings.iter().find(|(_, title)| later.iter().any(|block| block.has_title(title)));
        let at = next.map_or_else(|| self.filled(0, self.body.len()), |(at, _)| *at);
        let mut new: Vec<String> = block.title.clone().into_iter().chain([String::new()]).chain(lines).collect();
        if next.is_some() {
            new.push(String::new());
        } else {
            new.insert(0, String::new());
        }
        self.put(at, new);
    }

    /// The end of what is written in a range of lines.
    fn filled(&self, from: usize, end: usize) -> usize {
        self.body[from..end].iter().rposition(|line| !line.trim().is_empty()).map_or(from, |at| from + at + 1)
    }

    fn put(&mut self, at: usize, mut lines: Vec<String>) {
        if at == 0 && lines.first().is_some_and(|line| !line.is_empty()) {
            lines.insert(0, String::new());
        }
        if self.body.get(at).is_some_and(|line| line.starts_with('#')) && lines.last().is_some_and(|l| !l.is_empty()) {
            lines.push(String::new());
        }
        if at == self.body.len() {
            lines.push(String::new());
        }
        self.body.splice(at..at, lines);
    }
}

/// A heading below a version's, with what stands under it.
#[derive(Clone, Debug)]
pub struct Block {
    /// The line of the heading; none for what stands before the first.
    pub title: Option<String>,
    /// The lines under it.
    pub lines: Vec<String>,
}

/// The headings in some lines, each with where it stands.
fn titles(lines: &[String]) -> Vec<(usize, &str)> {
    let is_title = |line: &str| line.starts_with('#') && line.trim_start_matches('#').starts_with(' ');
    let text = lines.iter().enumerate().zip(text_lines(lines)).filter(|(_, is_text)| *is_text);
    text.filter(|((_, line), _)| is_title(line)).map(|((at, line), _)| (at, line.as_str())).collect()
}

/// A heading without its level: `## Fixed` and `### fixed` are one.
fn key(title: &str) -> String {
    title.trim_start_matches('#').trim().to_lowercase()
}

impl Block {
    /// Takes lines apart at their headings.
    pub fn split(lines: Vec<String>) -> Vec<Self> {
        let starts: Vec<usize> = titles(&lines).into_iter().map(|(at, _)| at).collect();
        let mut blocks = vec![Self { title: None, lines: Vec::new() }];
        for (at, line) in lines.into_iter().enumerate() {
            match blocks.last_mut() {
                Some(last) if !starts.contains(&at) => last.lines.push(line),
                _ => blocks.push(Self { title: Some(line), lines: Vec::new() }),
            }
        }
        blocks.retain(|block| block.title.is_some() || !block.is_empty());
        blocks
    }

    fn has_title(&self, title: &str) -> bool {
        self.title.as_deref().is_some_and(|own| key(own) == key(title))
    }

    /// Whether two blocks have the same heading.
    pub fn is_like(&self, other: &Self) -> bool {
        self.title.as_deref().map(key) == other.title.as_deref().map(key)
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.trim().is_empty())
    }

    /// The items of its lists, each with the lines that belong to it.
    pub fn items(&self) -> Vec<Vec<String>> {
        let mut items: Vec<Vec<String>> = Vec::new();
        let mut inside = false;
        for line in &self.lines {
            if is_item(line) {
                items.push(vec![line.clone()]);
                inside = true;
            } else if line.trim().is_empty() {
                inside = false;
            } else if let (true, Some(item)) = (inside, items.last_mut()) {
                item.push(line.clone());
            }
        }
        items
    }

    /// Takes items away.
    pub fn drop_items(&mut self, told: impl Fn(&[String]) -> bool) {
        for item in self.items().into_iter().filter(|item| told(item)) {
            let found = self.lines.windows(item.len()).position(|lines| lines == item);
            if let Some(at) = found {
                self.lines.drain(at..at + item.len());
            }
        }
    }

    /// Adds lines behind those that are there.
    pub fn append(&mut self, lines: Vec<String>) {
        let end = self.lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |at| at + 1);
        self.lines.truncate(end);
        let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(lines.len());
        let list =
            self.lines.last().is_some_and(|line| is_item(line)) && lines.get(first).is_some_and(|line| is_item(line));
        if !list && !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.extend(lines.into_iter().skip(first));
    }

    /// The lines, with one empty line behind the heading and one at the end.
    pub fn print(&self) -> Vec<String> {
        let first = self.lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(0);
        let last = self.lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |at| at + 1);
        let mut lines = Vec::new();
        if let Some(title) = &self.title {
            lines.extend([title.clone(), String::new()]);
        }
        lines.extend_from_slice(&self.lines[first..last.max(first)]);
        lines.push(String::new());
        lines
    }
}

fn is_item(line: &str) -> bool {
    line.starts_with("- ") || line.starts_with("* ")
}

/// What may be the name of a commit in a text: the first digits of every run of seven hexadecimal digits or more.
pub fn ids(text: &str) -> Vec<&str> {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_id =
        |run: &&str| (SHORT..=64).contains(&run.len()) && run.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    runs.filter(is_id).filter_map(|run| run.get(..SHORT)).collect()
}
