//! A commit's message by Conventional Commits 1.0.0. Rules are named by their number in that specification.

use std::fmt;

use super::Footer;
use crate::config::settings::version::WELL_KNOWN;

/// The token of a footer that says what breaks (rule 12).
const BREAKING: &str = "BREAKING CHANGE";
/// The same with the hyphen that other tokens have (rule 16).
const BREAKING_HYPHEN: &str = "BREAKING-CHANGE";

/// A conventional message. Printed and read again it is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The type, in small letters: it is the same in any case (rule 15).
    pub kind: String,
    /// The scope, as written.
    pub scope: Option<String>,
    /// Whether `!` stands before the colon (rule 13).
    pub bang: bool,
    /// What stands behind the colon.
    pub description: String,
    /// Everything up to the footers, without the empty lines around it.
    pub body: String,
    /// The footers.
    pub footers: Vec<Footer>,
}

/// Why a message is not conventional.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// Nothing is written.
    #[error("the message is empty")]
    Empty,
    /// No colon.
    #[error("the first line has no type")]
    NoType,
    /// Something else than a word stands before the colon.
    #[error("what stands before the colon is no type")]
    NotAType,
    /// `feat(: x`, `feat(): x`.
    #[error("the scope is empty or not closed")]
    Scope,
    /// `feat:x` (rules 1 and 5).
    #[error("no space follows the colon")]
    NoSpace,
    /// `feat: `.
    #[error("no description follows the colon")]
    NoDescription,
}

impl Message {
    /// Reads a message. What a strict reader would only complain about, the missing empty line behind the first line
    /// (rule 6), is no reason to lose a release: `gap_is_missing` tells it.
    pub fn parse(text: &str) -> Result<Self, Unlike> {
        let text = text.trim_start_matches(['\n', '\r']);
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let header = Header::parse(first)?;
        let (body, footers) = body_and_footers(rest);
        let Header { kind, scope, bang, description } = header;
        Ok(Self { kind, scope: scope.map(str::to_owned), bang, description: description.to_owned(), body, footers })
    }

    /// What breaks, in the words of the footers, else in those of the description (rules 11 to 13).
    pub fn breaking(&self) -> Vec<String> {
        let told: Vec<String> =
            self.footers.iter().filter(|footer| is_breaking(footer)).map(|footer| footer.value.clone()).collect();
        if told.is_empty() && self.bang { vec![self.description.clone()] } else { told }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if let Some(scope) = &self.scope {
            write!(f, "({scope})")?;
        }
        write!(f, "{}: {}", if self.bang { "!" } else { "" }, self.description)?;
        if !self.body.is_empty() {
            write!(f, "\n\n{}", self.body)?;
        }
        for (index, footer) in self.footers.iter().enumerate() {
            let separator = if footer.hash { " #" } else { ": " };
            write!(f, "{}{}{separator}{}", if index == 0 { "\n\n" } else { "\n" }, footer.token, footer.value)?;
        }
        Ok(())
    }
}

/// The first line of a conventional message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub kind: String,
    pub scope: Option<&'a str>,
    pub bang: bool,
    pub description: &'a str,
}

impl<'a> Header<'a> {
    /// Reads `type(scope)!: description` (rules 1, 4, 5 and 13).
    pub fn parse(line: &'a str) -> Result<Self, Unlike> {
        let line = line.trim_end();
        if line.is_empty() {
            return Err(Unlike::Empty);
        }
        let end = line.find(['(', '!', ':']).ok_or(Unlike::NoType)?;
        let (kind, mut rest) = line.split_at(end);
        let noun = |c: char| c.is_alphanumeric() || "-_./+".contains(c);
        if kind.is_empty() || !kind.chars().all(noun) {
            return Err(if line.contains(':') { Unlike::NotAType } else { Unlike::NoType });
        }
        let mut scope = None;
        if let Some(inner) = rest.strip_prefix('(') {
            let (name, behind) = inner.split_once(')').ok_or(Unlike::Scope)?;
            if name.trim().is_empty() || name.contains('(') {
                return Err(Unlike::Scope);
            }
            (scope, rest) = (Some(name.trim()), behind);
        }
        let bang = rest.starts_with('!');
        rest = rest.strip_prefix('!').unwrap_or(rest);
        let description = rest.strip_prefix(':').ok_or(Unlike::NotAType)?;
        if description.is_empty() {
            return Err(Unlike::NoDescription);
        }
        if !description.starts_with(' ') {
            return Err(Unlike::NoSpace);
        }
        Ok(Self { kind: kind.to_lowercase(), scope, bang, description: description.trim() })
    }
}

/// Whether a message has text directly under its first line (rule 6).
pub fn gap_is_missing(text: &str) -> bool {
    text.trim_start_matches(['\n', '\r']).lines().nth(1).is_some_and(|second| !second.trim().is_empty())
}

/// Splits what follows the first line (rules 6 to 10). Footers begin at the first paragraph whose first line is one, and
/// at a line that tells what breaks wherever it stands: to miss that would be worse than to bend rule 8.
fn body_and_footers(rest: &str) -> (String, Vec<Footer>) {
    let mut body = String::new();
    let mut footers: Vec<Footer> = Vec::new();
    let mut after_gap = false;
    for line in rest.lines() {
        let found = footer(line).filter(|footer| !footers.is_empty() || after_gap || is_breaking(footer));
        match (found, footers.last_mut()) {
            (Some(found), _) => footers.push(found),
            // A value goes on until the next token (rule 10).
            (None, Some(last)) => {
                last.value.push('\n');
                last.value.push_str(line);
            }
            (None, None) => {
                body.push_str(line);
                body.push('\n');
            }
        }
        after_gap = line.trim().is_empty();
    }
    for footer in &mut footers {
        footer.value = footer.value.trim().to_owned();
    }
    (body.trim_matches(['\n', '\r']).trim_end().to_owned(), footers)
}

/// Reads `token: value` or `token #value` (rules 8, 9, 12 and 16). A line that begins with a type that everybody knows
/// is a change of a squashed commit and no footer.
fn footer(line: &str) -> Option<Footer> {
    let line = line.trim_end();
    let make =
        |token: &str, hash, value: &str| Some(Footer { token: token.to_owned(), hash, value: value.trim().to_owned() });
    for token in [BREAKING, BREAKING_HYPHEN] {
        if let Some(value) = line.strip_prefix(token).and_then(|rest| rest.strip_prefix(':')) {
            // Git takes the space at a line's end away, so that the text may begin on the next line.
            return if value.is_empty() || value.starts_with(' ') { make(token, false, value) } else { None };
        }
    }
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))?;
    let (token, rest) = line.split_at(end);
    if token.is_empty() || token.starts_with('-') || WELL_KNOWN.contains(&token) {
        return None;
    }
    let (hash, value) = match rest.strip_prefix(": ") {
        Some(value) => (false, value),
        None => (true, rest.strip_prefix(" #")?),
    };
    if value.trim().is_empty() { None } else { make(token, hash, value) }
}

/// Whether a footer says what breaks: in capitals only (rule 15).
fn is_breaking(footer: &Footer) -> bool {
    !footer.hash && (footer.token == BREAKING || footer.token == BREAKING_HYPHEN)
}

#[cfg(test)]
mod tests;
