//! What CI logs understand beyond lines: GitHub's workflow commands and GitLab's sections.

use std::borrow::Cow;

use super::options::Log;
use crate::error::Place;
use crate::sanitize::sanitize;

/// How bad an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Warning,
    Error,
}

/// The collapsible groups of a log, at most one of them open.
#[derive(Debug)]
pub(super) struct Sections {
    log: Log,
    clock: fn() -> u64,
    open: Option<String>,
    count: usize,
}

impl Sections {
    /// Begins with no group; `clock` gives Unix seconds, which GitLab's markers carry.
    pub(super) fn new(log: Log, clock: fn() -> u64) -> Self {
        Self { log, clock, open: None, count: 0 }
    }

    /// Ends the group before and begins one. `name` is the words of its stages; `title` is one line of ours.
    pub(super) fn open(&mut self, name: &str, title: &str) -> String {
        let end = self.close();
        self.count += 1;
        // GitLab folds by name, so a name is used once in a job; its letters are [a-zA-Z0-9_.-].
        let id = format!("sealift_{name}_{}", self.count);
        let start = match self.log {
            Log::Lines => format!("{title}\n"),
            Log::GitHub => format!("::group::{}\n", data(title)),
            Log::GitLab => format!("\u{1b}[0Ksection_start:{}:{id}\r\u{1b}[0K{title}\n", (self.clock)()),
        };
        self.open = Some(id);
        end + &start
    }

    /// Ends the open group, if any.
    pub(super) fn close(&mut self) -> String {
        match (self.open.take(), self.log) {
            (None, _) | (_, Log::Lines) => String::new(),
            (Some(_), Log::GitHub) => "::endgroup::\n".to_owned(),
            (Some(id), Log::GitLab) => format!("\u{1b}[0Ksection_end:{}:{id}\r\u{1b}[0K\n", (self.clock)()),
        }
    }
}

/// A GitHub annotation: `::error file=…,line=…,col=…,endColumn=…,title=…::message`.
pub(super) fn annotation(severity: Severity, title: &str, message: &str, place: Option<&Place>) -> String {
    let command = match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let place = place.map_or_else(String::new, |place| {
        let end = place.column.saturating_add(place.length.max(1));
        format!("file={},line={},col={},endColumn={end},", property(&place.file), place.line, place.column)
    });
    format!("::{command} {place}title={}::{}\n", property(title), data(message))
}

/// Makes one line harmless for a GitHub runner, which obeys `::command::` at the start of a line, spaces aside, and the
/// older `##[command]` anywhere in it.
pub(super) fn defuse(line: &str) -> Cow<'_, str> {
    let start = line.len() - line.trim_start().len();
    let mut line = Cow::Borrowed(line);
    if line[start..].starts_with("::") {
        line = Cow::Owned(format!("{}\\u{{3a}}{}", &line[..start], &line[start + 1..]));
    }
    if line.contains("##[") {
        line = Cow::Owned(line.replace("##[", "#\\u{23}["));
    }
    line
}

fn data(text: &str) -> String {
    sanitize(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn github_annotations_are_escaped() {
        let place = Place { file: "a,b:c.toml".into(), line: 3, column: 5, text: String::new(), length: 2 };
        assert_eq!(
            annotation(Severity::Error, "error[x.y]", "100%\n::warning::no\u{1b}", Some(&place)),
            "::error file=a%2Cb%3Ac.toml,line=3,col=5,endColumn=7,title=error[x.y]::100%25%0A::warning::no\\u{1b}\n"
        );
        assert_eq!(annotation(Severity::Warning, "a:b", "c", None), "::warning title=a%3Ab::c\n");
    }

    #[test]
    fn gitlab_sections_are_marked_and_named_once() {
        let mut sections = Sections::new(Log::GitLab, || 17);
        assert_eq!(sections.open("build", "build"), "\u{1b}[0Ksection_start:17:sealift_build_1\r\u{1b}[0Kbuild\n");
        let next = sections.open("build", "build");
        assert!(next.starts_with("\u{1b}[0Ksection_end:17:sealift_build_1\r\u{1b}[0K\n"), "{next:?}");
        assert!(next.contains("section_start:17:sealift_build_2"));
        assert!(sections.close().contains("section_end:17:sealift_build_2"));
        assert_eq!(sections.close(), "");
    }

    #[test]
    fn commands_in_text_are_broken_up() {
        assert_eq!(defuse("::add-mask::x"), "\\u{3a}:add-mask::x");
        assert_eq!(defuse(" \u{a0}\t::error::x"), " \u{a0}\t\\u{3a}:error::x");
        assert_eq!(defuse("a ##[error]b"), "a #\\u{23}[error]b");
        assert_eq!(defuse("std::fs and ## [x]"), "std::fs and ## [x]");
    }

    proptest! {
        #[test]
        fn no_line_is_obeyed_and_no_annotation_is_two(line in r"[ \t]*(::|##\[|#|:|%|\n|x|\r){0,12}") {
            let annotated = annotation(Severity::Warning, &line, &line, None);
            prop_assert_eq!(annotated.matches('\n').count(), 1);
            prop_assert!(!annotated.contains('\r'));
            for line in sanitize(&line).split('\n') {
                let safe = defuse(line);
                prop_assert!(!safe.trim_start().starts_with("::") && !safe.contains("##["), "{safe:?}");
            }
        }
    }
}
