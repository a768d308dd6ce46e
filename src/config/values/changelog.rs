//! The rules for the values of `[changelog]`.

use super::{line, quoted};
use crate::config::error::Wrong;

/// The words of `forge`.
pub const FORGES: &[&str] = &["github", "gitlab", "gitea", "none"];

/// A type of commits with the heading under which it is told; an empty heading tells nothing.
pub fn section(kind: &str, title: &str) -> Result<(), Wrong> {
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || "-_./+".contains(c);
    if kind.is_empty() || kind.len() > 60 || !kind.chars().all(fits) {
        let wrong = Wrong::new("config.value", format!("{} is not a type of commits", quoted(kind)));
        return Err(wrong.hint("one word in small letters, or \"other\" for commits without a type"));
    }
    if title.is_empty() { Ok(()) } else { line(title).map(drop) }
}
