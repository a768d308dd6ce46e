//! Notes through a template of the user's, or the built-in one.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, filters, tests};

use super::{Edition, Forge, Teller, markdown};
use crate::config::settings::changelog::ChangelogSettings;
use crate::error::{Fault, Kind, Place};

/// What one version's notes look like unless a template says otherwise: a section of Keep a Changelog 1.1.0.
const BUILT_IN: &str = include_str!("../../../templates/notes.md.jinja");

/// The name of the built-in template in errors.
const BUILT_IN_NAME: &str = "the built-in template";

/// The name under which the one template is known.
const NAME: &str = "notes";

/// Steps that a template may take before it sees a change, and for each change: a template that never ends is stopped.
const FUEL: u64 = 100_000;
const FUEL_EACH: u64 = 2_000;

/// The longest notes of one version, in bytes.
const MOST: usize = 4 << 20;

/// Why there are no notes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotesError {
    /// The template.
    #[error("{message}")]
    Template {
        /// What is wrong.
        message: String,
        /// Where.
        place: Option<Place>,
    },
    /// More than forges take.
    #[error("the notes of {version} have {size} bytes; at most {MOST} are written")]
    TooLong {
        /// Of which version.
        version: String,
        /// How many they have.
        size: usize,
    },
}

impl Fault for NotesError {
    fn code(&self) -> &'static str {
        match self {
            Self::Template { .. } => "changelog.template",
            Self::TooLong { .. } => "changelog.too-long",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Config
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Template { .. } => {
                "a template knows version, tag, previous, date, compare, standalone, breaking, sections and \
                 contributors; a section has title and items, an item scope, text, links, commit and author"
                    .into()
            }
            Self::TooLong { .. } => "leave types of commits out: changelog.sections".into(),
        })
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Template { place, .. } => place.clone(),
            Self::TooLong { .. } => None,
        }
    }
}

/// How notes are written: template, headings, links.
pub struct Style<'a> {
    env: Environment<'a>,
    source: &'a str,
    file: &'a str,
    teller: Teller<'a>,
}

impl<'a> Style<'a> {
    /// Reads a template (its file's name and its text), or takes the built-in one.
    ///
    /// # Errors
    /// `changelog.template` with the place of what cannot be read.
    pub fn new(
        settings: &'a ChangelogSettings,
        forge: Option<&'a Forge>,
        template: Option<(&'a str, &'a str)>,
    ) -> Result<Self, NotesError> {
        let (file, source) = template.unwrap_or((BUILT_IN_NAME, BUILT_IN));
        let mut env = environment();
        let added = env.add_template(NAME, source);
        let style = Self { env, source, file, teller: Teller { settings, forge } };
        added.map_err(|error| style.explain(&error))?;
        Ok(style)
    }

    /// The notes of one version; `standalone` when they stand by themselves, and not in a list of versions.
    ///
    /// # Errors
    /// `changelog.template` for a name that does not exist or a template that does not end, `changelog.too-long`.
    pub fn notes(&mut self, edition: &Edition, standalone: bool) -> Result<String, NotesError> {
        let each = u64::try_from(edition.changes.len()).unwrap_or(u64::MAX);
        self.env.set_fuel(Some(FUEL.saturating_add(FUEL_EACH.saturating_mul(each))));
        let view = Value::from(Serde(self.teller.view(edition, standalone)));
        let template = self.env.get_template(NAME).map_err(|error| self.explain(&error))?;
        let text = template.render(view).map_err(|error| self.explain(&error))?;
        let text = tidy(&text);
        if text.len() > MOST {
            return Err(NotesError::TooLong { version: edition.version.to_string(), size: text.len() });
        }
        Ok(text)
    }

    fn explain(&self, error: &minijinja::Error) -> NotesError {
        let what = match error.kind() {
            ErrorKind::OutOfFuel => "the template takes too many steps".to_owned(),
            kind => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
        };
        let range = error.range().or_else(|| error.line().and_then(|line| line_range(self.source, line)));
        let place = range.map(|range| Place::of(self.file, self.source, range));
        NotesError::Template { message: format!("{}: {what}", self.file), place }
    }
}

fn line_range(source: &str, line: usize) -> Option<std::ops::Range<usize>> {
    let start: usize = source.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    Some(start..start + source.get(start..)?.lines().next().map_or(0, str::len))
}

/// What a template can use: a few filters that make no text longer, nothing that reads files, and no way around the
/// escaping of what is no Markdown yet.
fn environment<'a>() -> Environment<'a> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let lines = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    env.set_syntax(lines.expect("the usual signs with other white space are a syntax"));
    env.set_recursion_limit(50);
    env.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    env.set_formatter(|out, _, value| {
        if value.is_undefined() {
            return Err(minijinja::Error::from(ErrorKind::UndefinedError));
        }
        if value.is_safe() || value.is_number() {
            write!(out, "{value}")?;
        } else if !value.is_none() {
            write!(out, "{}", markdown::line(&value.to_string(), None))?;
        }
        Ok(())
    });
    env.add_filter("length", filters::length);
    env.add_filter("default", filters::default);
    env.add_filter("first", filters::first);
    env.add_filter("last", filters::last);
    env.add_filter("lower", filters::lower);
    env.add_filter("upper", filters::upper);
    env.add_filter("trim", filters::trim);
    env.add_test("defined", tests::is_defined);
    env.add_test("none", tests::is_none);
    env
}

/// Without white space at the ends of lines, with single empty lines, and with one line end behind it all.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() && empty {
            continue;
        }
        empty = line.is_empty();
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}
