//! One error model: every stage owns an enum of its faults; here is what all of them have in common.

use std::fmt;

/// What went wrong in kind; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A bug in sealift.
    Bug,
    /// The command line.
    Usage,
    /// `sealift.toml`, or what it names.
    Config,
    /// Nothing to release.
    Nothing,
    /// The repository: dirty, shallow, no tag.
    Repository,
    /// A tool or the machine: missing, failed, no space, not permitted.
    Tool,
    /// The network, after retries.
    Network,
    /// Digest, signature or policy refused.
    Trust,
    /// A rollout is unhealthy.
    Unhealthy,
    /// A gate is closed: budget, vulnerability.
    Gate,
    /// An input is not what it should be: archive, binary, manifest.
    Input,
    /// Somebody else's release, tag or lease.
    Conflict,
    /// Interrupted by a signal.
    Interrupted,
}

impl Kind {
    /// Every kind, in the order of the exit codes.
    pub const ALL: [Kind; 13] = [
        Kind::Bug,
        Kind::Usage,
        Kind::Config,
        Kind::Nothing,
        Kind::Repository,
        Kind::Tool,
        Kind::Network,
        Kind::Trust,
        Kind::Unhealthy,
        Kind::Gate,
        Kind::Input,
        Kind::Conflict,
        Kind::Interrupted,
    ];

    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Bug => 1,
            Kind::Usage => 2,
            Kind::Config => 3,
            Kind::Nothing => 4,
            Kind::Repository => 5,
            Kind::Tool => 6,
            Kind::Network => 7,
            Kind::Trust => 8,
            Kind::Unhealthy => 9,
            Kind::Gate => 10,
            Kind::Input => 11,
            Kind::Conflict => 12,
            Kind::Interrupted => 130,
        }
    }

    /// One line for the exit-code table.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Bug => "a bug in sealift",
            Kind::Usage => "usage: the command line",
            Kind::Config => "configuration: `sealift.toml`, or what it names",
            Kind::Nothing => "nothing to release",
            Kind::Repository => "repository: dirty, shallow, no commit, no tag",
            Kind::Tool => "a tool or the machine: missing, failed (its own words are shown), no space, not permitted",
            Kind::Network => "network, after retries",
            Kind::Trust => "trust: digest, signature or policy refused",
            Kind::Unhealthy => "rollout unhealthy (says whether rolled back)",
            Kind::Gate => "gate closed: budget, vulnerability",
            Kind::Input => "an input is not what it should be: archive, binary, manifest",
            Kind::Conflict => "conflict: somebody else's release, tag or lease",
            Kind::Interrupted => "interrupted",
        }
    }
}

/// Where in a text file something is wrong. Lines and columns count from one; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the user names it.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The text of that line.
    pub text: String,
    /// How many characters are meant.
    pub length: usize,
}

impl Place {
    /// Finds the place of a byte range in a file's text.
    pub fn of(file: &str, source: &str, span: std::ops::Range<usize>) -> Self {
        let mut start = span.start.min(source.len());
        while !source.is_char_boundary(start) {
            start -= 1;
        }
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let text = source[line_start..].lines().next().unwrap_or("");
        let column = source[line_start..start].chars().count() + 1;
        let length = source.get(start..span.end).map_or(1, |t| t.lines().next().unwrap_or("").chars().count().max(1));
        let line = source[..line_start].matches('\n').count() + 1;
        Self { file: file.to_owned(), line, column, text: text.to_owned(), length }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What every stage's error enum answers.
pub trait Fault: std::error::Error {
    /// A stable code, `stage.what-is-wrong`.
    fn code(&self) -> &'static str;
    /// The kind, which decides the exit code.
    fn kind(&self) -> Kind;
    /// What to do next, ideally a runnable command.
    fn hint(&self) -> Option<String> {
        None
    }
    /// The place in a file.
    fn place(&self) -> Option<Place> {
        None
    }
    /// A tool's own words, or a table, shown as it is.
    fn detail(&self) -> Option<String> {
        None
    }
}

/// A fault on its way to the user, with nothing lost.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Stable code.
    pub code: &'static str,
    /// Decides the exit code.
    pub kind: Kind,
    /// One sentence.
    pub message: String,
    /// The chain of causes, outermost first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// Where.
    pub place: Option<Place>,
    /// A tool's own words, or a table.
    pub detail: Option<String>,
}

impl<E: Fault> From<E> for Failure {
    fn from(fault: E) -> Self {
        if fault.kind() == Kind::Interrupted {
            // What was under way when the user said stop did not fail.
            return Self::interrupted(fault.code(), fault.hint());
        }
        let message = fault.to_string();
        let mut causes = Vec::new();
        let mut cause = fault.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // An error that repeats its source in its own text says nothing new.
            if !message.contains(&text) {
                causes.push(text);
            }
            cause = error.source();
        }
        Self {
            code: fault.code(),
            kind: fault.kind(),
            message,
            causes,
            hint: fault.hint(),
            place: fault.place(),
            detail: fault.detail(),
        }
    }
}

impl Failure {
    fn interrupted(code: &'static str, hint: Option<String>) -> Self {
        let (kind, message) = (Kind::Interrupted, "interrupted".to_owned());
        let hint = hint.or_else(|| Some("run the same command again".to_owned()));
        Self { code, kind, message, causes: Vec::new(), hint, place: None, detail: None }
    }
}

/// The nearest of some names to a mistyped one, if any is near: at most a third of its letters differ.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance * 3 <= name.chars().count().max(candidate.chars().count()).max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two names: insert, delete, replace, or swap two neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_distinct_and_documented() {
        let codes: std::collections::BTreeSet<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| !kind.meaning().is_empty()));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the compiler was killed")]
    struct Stopped;

    impl Fault for Stopped {
        fn code(&self) -> &'static str {
            "test.interrupted"
        }

        fn kind(&self) -> Kind {
            Kind::Interrupted
        }
    }

    #[test]
    fn an_interruption_is_no_fault_and_says_what_next() {
        let failure = Failure::from(Stopped);
        assert_eq!((failure.message.as_str(), failure.causes.len()), ("interrupted", 0));
        assert_eq!(failure.hint.as_deref(), Some("run the same command again"));
    }

    #[test]
    fn a_place_counts_characters_from_one() {
        let place = Place::of("f", "a = 1\nµ = bad\n", 11..14);
        assert_eq!((place.line, place.column, place.length, place.text.as_str()), (2, 5, 3, "µ = bad"));
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("tragets", ["flags", "targets", "tags"]), Some("targets"));
        assert_eq!(nearest("zzz", ["flags", "targets"]), None);
    }
}
