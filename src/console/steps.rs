//! The lines of stages, steps and checks.

use std::time::Duration;

use super::options::Color;
use super::style::{Paint, paint};
use crate::sanitize::{sanitize, sanitize_line};
use crate::table::{Room, bytes, duration, truncate};

/// The verbs that begin a step's name, and what is said when it is done.
const VERBS: [(&str, &str); 21] = [
    ("attest", "attested"),
    ("build", "built"),
    ("bundle", "bundled"),
    ("check", "checked"),
    ("deploy", "deployed"),
    ("download", "fetched"),
    ("fetch", "fetched"),
    ("image", "imaged"),
    ("list", "listed"),
    ("mount", "mounted"),
    ("package", "packaged"),
    ("publish", "published"),
    ("pull", "pulled"),
    ("push", "pushed"),
    ("rebuild", "rebuilt"),
    ("sbom", "listed"),
    ("scan", "scanned"),
    ("seal", "sealed"),
    ("sign", "signed"),
    ("upload", "uploaded"),
    ("verify", "verified"),
];

/// The width of the first column: the longest of the words above.
const WORD: usize = 9;

/// The width of sizes and of times: the longest are `999.9 MB` and `59m 59s`.
const SIZE: usize = 8;
const TIME: usize = 7;

/// What stands before a step's name: the margin, the word, a size and a time with their gaps.
const BESIDE: usize = 2 + WORD + 1 + SIZE + 2 + TIME + 2;

/// The name of a step without its verb, and the word that says that it is done.
pub(super) fn done(step: &str) -> (&'static str, &str) {
    let known = step
        .split_once(' ')
        .and_then(|(verb, subject)| VERBS.iter().find(|(known, _)| *known == verb).map(|(_, done)| (*done, subject)));
    known.unwrap_or(("done", step))
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Done now, in that time.
    Done(Duration),
    /// Its result came from the store.
    Cached,
    /// It failed.
    Failed,
}

/// Draws the lines of steps and checks. A step's name comes last: how long the names of those to come will be is not
/// known, and numbers stand below each other all the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub(super) color: Color,
}

impl Lines {
    /// `  built       6.1 MB     4.2s  api linux/amd64`
    pub(super) fn step(&self, step: &str, end: End, size: u64, room: Room) -> String {
        let (word, subject) = done(step);
        let (word, color, time) = match end {
            End::Done(took) => (word, Paint::Good, duration(took)),
            End::Cached => (word, Paint::Dim, "cached".to_owned()),
            // A failed step keeps its verb: nothing was done that a past tense could name.
            End::Failed => return self.plain("failed", Paint::Error, step),
        };
        let size = if size == 0 { String::new() } else { bytes(size) };
        let most = room.width.map_or(usize::MAX, |width| width.saturating_sub(BESIDE).max(NARROWEST));
        let subject = sanitize_line(subject);
        let subject = truncate(&subject, most, room.charset);
        format!("  {} {size:>SIZE$}  {time:>TIME$}  {subject}\n", self.word(color, word))
    }

    /// `  failed    signature: no key matches`
    pub(super) fn check(&self, name: &str, outcome: &str, why: &str) -> String {
        let color = match outcome {
            "passed" => Paint::Good,
            "failed" => Paint::Error,
            _ => Paint::Warning,
        };
        let why = if why.is_empty() { String::new() } else { format!(": {}", sanitize(why).replace('\n', "\n    ")) };
        format!("  {} {}{why}\n", self.word(color, outcome), sanitize_line(name))
    }

    fn plain(&self, word: &str, color: Paint, text: &str) -> String {
        format!("  {} {}\n", self.word(color, word), sanitize_line(text))
    }

    fn word(&self, color: Paint, word: &str) -> String {
        let blank = " ".repeat(WORD.saturating_sub(word.len()));
        paint(self.color, color, word) + &blank
    }
}

/// A name is not cut below this, however narrow the terminal: a line that wraps says more than one that says nothing.
const NARROWEST: usize = 12;

/// `build (9 steps)`, or `build 9, package 9, image 4 (22 steps)`.
pub(super) fn title(stages: &[(&str, usize)]) -> String {
    let named = |(name, steps): &(&str, usize)| match stages.len() {
        1 => (*name).to_owned(),
        _ => format!("{name} {steps}"),
    };
    let names = stages.iter().map(named).collect::<Vec<_>>().join(", ");
    match stages.iter().map(|(_, steps)| steps).sum() {
        0 => names,
        1 => format!("{names} (1 step)"),
        n => format!("{names} ({n} steps)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::Charset;
    use crate::table::display_width;

    #[test]
    fn steps_stand_in_columns() {
        let lines = Lines { color: Color::Off };
        let step = |step, end, size| lines.step(step, end, size, Room::UNLIMITED);
        assert_eq!(
            step("build nats-server linux/amd64", End::Done(Duration::from_millis(4210)), 6_100_000),
            "  built       6.1 MB     4.2s  nats-server linux/amd64\n"
        );
        assert_eq!(
            step("build api linux/386", End::Cached, 5_900_000),
            "  built       5.9 MB   cached  api linux/386\n"
        );
        assert_eq!(step("build api a\nb", End::Failed, 0), "  failed    build api a\\u{a}b\n");
        assert_eq!(
            step("polish\u{1b} it", End::Done(Duration::from_millis(12)), 0),
            "  done                   12ms  polish\\u{1b} it\n"
        );
    }

    #[test]
    fn long_names_are_cut_to_the_terminal() {
        let lines = Lines { color: Color::Off };
        let step = "build a-service-with-a-very-long-name-indeed-that-goes-on linux/amd64";
        for width in [44, 60, 80] {
            let room = Room { width: Some(width), charset: Charset::Unicode };
            let line = lines.step(step, End::Done(Duration::from_secs(3661)), 123_456_789, room);
            assert!(display_width(line.trim_end()) <= width, "{line:?}");
        }
    }

    #[test]
    fn stages_side_by_side_have_one_title() {
        assert_eq!(title(&[("verify", 0)]), "verify");
        assert_eq!(title(&[("build", 1)]), "build (1 step)");
        assert_eq!(title(&[("build", 9)]), "build (9 steps)");
        assert_eq!(title(&[("build", 9), ("package", 9), ("image", 4)]), "build 9, package 9, image 4 (22 steps)");
    }

    #[test]
    fn checks_say_their_outcome_in_words() {
        let lines = Lines { color: Color::Off };
        assert_eq!(lines.check("signature", "passed", ""), "  passed    signature\n");
        assert_eq!(lines.check("expiry", "not run", "no clock\n::x"), "  not run   expiry: no clock\n    ::x\n");
    }

    #[test]
    fn every_word_fits_its_column() {
        assert!(VERBS.iter().all(|(_, done)| done.len() <= WORD));
        assert!(VERBS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
