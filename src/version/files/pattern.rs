//! Any file: the version within a text that the configuration names.

use semver::Version;

use super::{FilesError, replace};
use crate::config::settings::version::PLACE;

/// Writes a version wherever a text has the pattern with a version in the place of `{version}`.
///
/// # Errors
/// `version.no-place` when it has none.
pub fn pattern(file: &str, text: &str, pattern: &str, version: &Version) -> Result<String, FilesError> {
    let (before, after) = pattern.split_once(PLACE).unwrap_or((pattern, ""));
    let mut changes = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(before) {
        let start = at + found + before.len();
        let bounded = !before.is_empty() || !text[..start].ends_with(joins);
        match length(&text[start..], after).filter(|_| bounded) {
            Some(length) => {
                changes.push((start..start + length, version.to_string()));
                at = start + length;
            }
            None => at = (at + found + before.len().max(1)).min(text.len()),
        }
        while !text.is_char_boundary(at) {
            at += 1;
        }
        if at == text.len() {
            break;
        }
    }
    if changes.is_empty() {
        return Err(FilesError::NoPlace { file: file.to_owned(), pattern: pattern.to_owned() });
    }
    Ok(replace(text, changes))
}

/// How long the version is that a text begins with, when `after` follows it and no further part of a number or a word.
fn length(text: &str, after: &str) -> Option<usize> {
    let run = text.find(|c: char| !c.is_ascii_alphanumeric() && !".+-".contains(c)).unwrap_or(text.len());
    // A version has at most some hundred characters; a run of millions is none.
    (5..=run.min(300)).rev().find(|end| {
        let rest = &text[*end..];
        let ends = if after.is_empty() {
            let mut next = rest.chars();
            let first = next.next();
            let joined = first.is_some_and(|c| c.is_ascii_alphanumeric() || "+-".contains(c));
            let goes_on = first == Some('.') && next.next().is_some_and(|c| c.is_ascii_alphanumeric());
            !joined && !goes_on
        } else {
            rest.starts_with(after)
        };
        ends && Version::parse(&text[..*end]).is_ok()
    })
}

/// What joins a number to what stands before it.
fn joins(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".+-".contains(c)
}
