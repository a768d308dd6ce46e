//! What can be wrong with a configuration.

use std::fmt;
use std::ops::Range;

use crate::error::{Fault, Kind, Place};
use crate::host::files::FileError;

/// One thing that is wrong in the file, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable code.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Where, with the text of the line.
    pub place: Place,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

/// All that is wrong in the file, in its order: at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    first: Box<Problem>,
    others: Vec<Problem>,
    /// How many more there are than were kept.
    dropped: usize,
}

impl Problems {
    /// Puts problems in the order of the file; `None` when there is none.
    pub(super) fn of(mut found: Vec<Problem>, dropped: usize) -> Option<Self> {
        found.sort_by_key(|problem| (problem.place.line, problem.place.column));
        let mut found = found.into_iter();
        let first = Box::new(found.next()?);
        Some(Self { first, others: found.collect(), dropped })
    }

    /// The first in the file.
    pub fn first(&self) -> &Problem {
        &self.first
    }

    /// All that were kept, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(&*self.first).chain(&self.others)
    }

    fn further(&self) -> Option<String> {
        let mut lines: Vec<String> = self.others.iter().map(Problem::to_string).collect();
        if self.dropped > 0 {
            lines.push(format!("and {} more", self.dropped));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file says something that it must not.
    #[error("{}", .0.first().message)]
    Invalid(Problems),
    /// The file that was asked for is not there.
    #[error("there is no file {path}")]
    Missing {
        /// As the user names it.
        path: String,
    },
    /// There is something, and it is no file.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// As the user names it.
        path: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A name that was found, not written, cannot name files.
    #[error("{name:?} (from {from}) cannot be the project's name: {why}")]
    ProjectName {
        /// What was found.
        name: String,
        /// Where: `go.mod`, `git remote`.
        from: &'static str,
        /// The rule.
        why: String,
    },
    /// `SEALIFT_CACHE` is no path.
    #[error("SEALIFT_CACHE holds a control character")]
    CacheVariable,
    /// Neither `SEALIFT_CACHE` nor `cache.dir` nor the user has a folder.
    #[error("there is no folder for the step store: neither SEALIFT_CACHE, nor cache.dir, nor HOME is set")]
    NoCache,
    /// A service that was asked for is not configured.
    #[error("no service is named {name:?}")]
    NoService {
        /// As the user names it.
        name: String,
        /// The nearest that is there.
        nearest: Option<String>,
        /// All that are there.
        known: Vec<String>,
    },
}

impl Fault for ConfigError {
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(problems) => problems.first().code,
            Self::Missing { .. } => "config.missing-file",
            Self::NotAFile { .. } => "config.not-a-file",
            Self::File(error) => error.code(),
            Self::ProjectName { .. } => "config.project-name",
            Self::CacheVariable => "config.cache-variable",
            Self::NoCache => "config.no-cache",
            Self::NoService { .. } => "config.no-service",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::File(FileError::System { .. }) => Kind::Tool,
            Self::NoService { .. } => Kind::Usage,
            _ => Kind::Config,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid(problems) => problems.first().hint.clone(),
            Self::Missing { .. } => Some("name one that is there, or leave --config out: a project needs none".into()),
            Self::NotAFile { .. } => Some("--config takes the path of a TOML file".into()),
            Self::File(error) => error.hint(),
            Self::ProjectName { .. } => Some("write a name into sealift.toml: [project] name = \"…\"".into()),
            Self::CacheVariable | Self::NoCache => Some("SEALIFT_CACHE=/path/to/a/folder sealift …".into()),
            Self::NoService { nearest: Some(near), .. } => Some(format!("did you mean {near}?")),
            Self::NoService { known, .. } => Some(format!("the services are {}", known.join(", "))),
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Invalid(problems) => Some(problems.first().place.clone()),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Invalid(problems) => problems.further(),
            _ => None,
        }
    }
}

/// Why a single value is refused; the reader adds the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
    /// The part of the text that is meant, in bytes; `None` for the whole.
    pub at: Option<Range<usize>>,
}

impl Wrong {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, at: None }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// The beginning of an offending text, quoted.
pub(super) fn quoted(text: &str) -> String {
    let cut = text.char_indices().nth(60).map_or(text.len(), |(at, _)| at);
    format!("{:?}{}", &text[..cut], if cut < text.len() { "…" } else { "" })
}
