//! Under which licence a module is: its licence files, compared word by word with the texts of the SPDX licence list.
//!
//! Programs that measure how alike two texts are take MIT with a sentence more for MIT. Here every word of a file is
//! accounted for: it is a word of a known text, a name in a place where that text has a name, a copyright line, or a
//! heading. A file with anything else is of no known licence, and the list says NOASSERTION.

mod compare;
mod known;
mod modules;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use spdx::Expression;

pub use modules::{Library, Licenses, Looked, of_folder};

/// The most bytes of a licence file that are looked at: the longest text of the licence list has 50 kB.
pub const TEXT_CAP: u64 = 256 << 10;

/// A text as an SPDX expression; nothing for `NOASSERTION`, `NONE`, names of licences that are not on the list, and texts
/// that are no expression.
pub fn valid(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = !text.is_empty() && text.len() <= 1024 && !text.contains("Ref-");
    let named = !matches!(text, "NOASSERTION" | "NONE");
    (plain && named && Expression::parse(text).is_ok()).then(|| text.to_owned())
}

/// Several expressions that are all in force, as one.
pub fn all(words: &[String]) -> Option<String> {
    let mut each = BTreeSet::new();
    for word in words {
        each.insert(valid(word)?);
    }
    match each.len() {
        0 => None,
        1 => each.pop_first(),
        _ => {
            let grouped = |word: &String| if word.contains(" OR ") { format!("({word})") } else { word.clone() };
            Some(each.iter().map(grouped).collect::<Vec<_>>().join(" AND "))
        }
    }
}

/// Whether a file in a module's root folder is a licence file by its name.
pub fn is_license_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let begins = ["license", "licence", "copying", "unlicense", "mit-license", "apache-license", "bsd-license"]
        .iter()
        .any(|word| name.starts_with(word));
    // What is no text: programs that check licences, lists of other projects' licences, pictures.
    let ends =
        [".go", ".csv", ".json", ".yml", ".yaml", ".tpl", ".tmpl", ".sh", ".py", ".html", ".svg", ".png", ".spdx"];
    begins && !ends.iter().any(|end| name.ends_with(end))
}

/// The licence that the files of a module's root folder give, by their names and texts: all that stand there are in force.
/// Nothing where any of them is not known, or where names say that there is a choice and nobody says between what.
pub fn of_files(files: &[(String, String)]) -> Option<String> {
    if files.is_empty() || is_choice(files) {
        return None;
    }
    let each: Option<Vec<String>> = files.iter().map(|(_, text)| of_text(text)).collect();
    all(&each?)
}

/// The licence that a text gives.
pub fn of_text(text: &str) -> Option<String> {
    let Some((said, rest)) = said(text) else { return compare::licenses(text).and_then(|found| all(&found)) };
    let said = valid(said)?;
    // The line is somebody's word, and what else stands there must not say otherwise.
    let own: BTreeSet<String> = Expression::parse(&said).ok()?.requirements().map(|one| one.req.to_string()).collect();
    let agrees = |found: Vec<String>| found.iter().all(|found| own.contains(found));
    (compare::says_nothing(&rest) || compare::licenses(&rest).is_some_and(agrees)).then_some(said)
}

/// `SPDX-License-Identifier: …` in one of the first lines, and the text without that line.
fn said(text: &str) -> Option<(&str, String)> {
    let (at, line) = text
        .lines()
        .take(20)
        .enumerate()
        .find_map(|(at, line)| Some((at, line.split_once("SPDX-License-Identifier:")?.1)))?;
    let rest = text.lines().enumerate().filter(|(number, _)| *number != at).map(|(_, line)| line);
    Some((line.trim().trim_end_matches("*/").trim_end_matches("-->").trim(), rest.collect::<Vec<_>>().join("\n")))
}

/// `LICENSE-MIT` beside `LICENSE-APACHE`: one of both, as far as their names tell; the files do not say it.
fn is_choice(files: &[(String, String)]) -> bool {
    let named = |word: &str| files.iter().any(|(name, _)| name.to_ascii_lowercase().contains(word));
    files.len() > 1 && ["mit", "apache", "bsd", "gpl", "mpl"].iter().filter(|word| named(word)).count() > 1
}
