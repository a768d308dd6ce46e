//! What a subcommand gives: one value that every mode shows in its own way.

use serde_json::Value;

use crate::table::Table;

/// What goes to stdout when no program asked for events.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Output {
    Nothing,
    Lines(Vec<String>),
    Text(String),
    Json(Value),
}

/// What people read on stderr after the work.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Summary {
    Note(String),
    Table(Table),
}

/// The result of a subcommand: the machine-useful thing for stdout (paths, a version, `repo@sha256:…`), the same as data
/// for `--json`, and a summary for people on stderr.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    pub(super) output: Output,
    pub(super) data: Option<Value>,
    pub(super) summary: Vec<Summary>,
}

impl Product {
    /// Nothing for stdout; `null` as data.
    pub fn nothing() -> Self {
        Self::of(Output::Nothing)
    }

    /// One value a line: a line feed inside a value is spelled out, so that a reader can trust the lines. As data, an
    /// array of strings.
    pub fn lines<S: Into<String>>(lines: impl IntoIterator<Item = S>) -> Self {
        Self::of(Output::Lines(lines.into_iter().map(Into::into).collect()))
    }

    /// A document, byte for byte when a file or a program reads it; a line feed is added at its end if it has none. As
    /// data, a string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(Output::Text(text.into()))
    }

    /// A JSON document, indented; as data, itself.
    pub fn json(value: Value) -> Self {
        Self::of(Output::Json(value))
    }

    /// Sets what the last line of `--json` carries.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// Adds a sentence to the summary.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.summary.push(Summary::Note(note.into()));
        self
    }

    /// Adds a table to the summary.
    #[must_use]
    pub fn with_table(mut self, table: Table) -> Self {
        self.summary.push(Summary::Table(table));
        self
    }

    /// The result as data.
    pub fn data(&self) -> Value {
        match (&self.data, &self.output) {
            (Some(data), _) | (None, Output::Json(data)) => data.clone(),
            (None, Output::Nothing) => Value::Null,
            (None, Output::Lines(lines)) => lines.clone().into(),
            (None, Output::Text(text)) => text.clone().into(),
        }
    }

    fn of(output: Output) -> Self {
        Self { output, data: None, summary: Vec::new() }
    }
}
