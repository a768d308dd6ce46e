//! The few colours, each beside a word that says the same.

use super::options::Color;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// The word `error`.
    Error,
    /// The word `warning`.
    Warning,
    /// The word `hint`.
    Hint,
    /// What went well.
    Good,
    /// What may be overlooked.
    Dim,
    /// A heading.
    Strong,
}

/// Colours a text by SGR sequences (ECMA-48 §8.3.117).
pub(super) fn paint(color: Color, paint: Paint, text: &str) -> String {
    let code = match (color, paint) {
        (Color::Off, _) => return text.to_owned(),
        (Color::On, Paint::Error) => "1;31",
        (Color::On, Paint::Warning) => "33",
        (Color::On, Paint::Hint) => "36",
        (Color::On, Paint::Good) => "32",
        (Color::On, Paint::Dim) => "2",
        (Color::On, Paint::Strong) => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
