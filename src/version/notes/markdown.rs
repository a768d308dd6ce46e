//! Text of commits as Markdown that says exactly this text, and does nothing else (A37).
//!
//! A backslash stops what the Markdown reader itself would do (CommonMark 0.31, "Backslash escapes"). A forge looks once
//! more at the text that comes out of it, for names of people and for addresses: there only code is left alone.

use std::fmt::Write;

use super::forge::Forge;
use crate::sanitize::sanitize_line;

/// The most characters that are shown of one text; a first line that is longer is no first line.
const MOST: usize = 600;

/// A text on one line. Commands to terminals, invisible and bidirectional characters are spelled out; pairs of backquotes
/// stay; what a forge would take for a person or an address is shown as code; references become links where the forge is
/// known.
pub fn line(text: &str, forge: Option<&Forge>) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut plain = sanitize_line(&folded).into_owned();
    if let Some((end, _)) = plain.char_indices().nth(MOST) {
        plain.truncate(end);
        plain.push('…');
    }
    let mut out = String::with_capacity(plain.len() + 16);
    let mut rest = plain.as_str();
    while !rest.is_empty() {
        let start = out.is_empty();
        match rest.as_bytes()[0] {
            b'`' => rest = backquotes(&mut out, rest),
            b' ' => {
                out.push(' ');
                rest = &rest[1..];
            }
            _ => {
                let end = rest.find([' ', '`']).unwrap_or(rest.len());
                word(&mut out, &rest[..end], forge, start);
                rest = &rest[end..];
            }
        }
    }
    out
}

/// A run of backquotes with the text up to an equal one is code (CommonMark 0.31, "Code spans"); without one it is text.
fn backquotes<'a>(out: &mut String, rest: &'a str) -> &'a str {
    let run = rest.len() - rest.trim_start_matches('`').len();
    let inside = &rest[run..];
    if let Some(end) = inside.find('`').filter(|end| *end > 0) {
        let close = inside[end..].len() - inside[end..].trim_start_matches('`').len();
        if close == run {
            code(out, inside[..end].trim());
            return &inside[end + run..];
        }
    }
    out.push_str(&"&#96;".repeat(run));
    inside
}

/// Puts a text without backquotes as code.
fn code(out: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    // Two spans that touch would be one.
    if out.ends_with('`') {
        out.push(' ');
    }
    write!(out, "`{text}`").expect("writing to a string");
}

fn word(out: &mut String, word: &str, forge: Option<&Forge>, start: bool) {
    let before = word.len() - word.trim_start_matches(['(', '[', '{', '<', '"', '\'']).len();
    let core = word[before..].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '>', '"', '\'']);
    let (open, close) = (&word[..before], &word[before + core.len()..]);
    if is_address(core) {
        escape(out, open, start);
        code(out, core);
        escape(out, close, false);
    } else if is_address(word) {
        code(out, word);
    } else if let Some(url) = forge.and_then(|forge| forge.reference(core)) {
        escape(out, open, start);
        out.push('[');
        escape(out, core, false);
        write!(out, "]({url})").expect("writing to a string");
        escape(out, close, false);
    } else {
        escape(out, word, start);
    }
}

/// What is taken for a person, a mail address or a link without any sign around it (GitHub Flavored Markdown 0.29,
/// "Autolinks (extension)").
fn is_address(word: &str) -> bool {
    word.contains('@') || word.contains("://") || word.to_ascii_lowercase().contains("www.")
}

/// Escapes what means something in Markdown, in HTML or to a generator of pages; at the `start` of a text also what
/// begins a list, a heading or a rule there.
fn escape(out: &mut String, text: &str, start: bool) {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut at = 0;
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Within a name it begins no emphasis.
            '_' if before.is_alphanumeric() && chars.peek().is_some_and(|c| c.is_alphanumeric()) => out.push(c),
            '{' if matches!(chars.peek(), Some('{' | '%' | '#')) => out.push_str("&#123;"),
            '\\' | '*' | '_' | '[' | ']' | '~' | '|' | '$' | '#' | '^' => {
                out.push('\\');
                out.push(c);
            }
            '-' | '+' | '=' | ':' if start && at == 0 => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if start && at == digits && digits > 0 => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = c;
        at += c.len_utf8();
    }
}
