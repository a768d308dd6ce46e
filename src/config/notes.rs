//! What is found wrong while a file is read, and where what is right is written.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use super::error::{Problem, Problems, Wrong};
use crate::error::Place;

/// How many problems are kept; a hostile file could make one of every byte.
const MAX_PROBLEMS: usize = 50;

/// The file's text and what was found to be wrong with it.
pub(super) struct Notes<'a> {
    file: &'a str,
    text: &'a str,
    found: RefCell<Vec<Problem>>,
    dropped: Cell<usize>,
}

impl<'a> Notes<'a> {
    /// Begins with nothing wrong. The file is named as the user names it.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, found: RefCell::default(), dropped: Cell::new(0) }
    }

    /// Notes what is wrong at a range of bytes.
    pub fn add(&self, span: Range<usize>, wrong: Wrong) {
        let mut found = self.found.borrow_mut();
        if found.len() == MAX_PROBLEMS {
            return self.dropped.set(self.dropped.get() + 1);
        }
        let Wrong { code, message, hint, .. } = wrong;
        found.push(Problem { code, message, hint, place: Place::of(self.file, self.text, span) });
    }

    /// Notes what is wrong within a string: at the part that is meant, or at the whole value where escapes make positions
    /// differ.
    pub fn add_within(&self, span: &Range<usize>, wrong: Wrong) {
        let raw = self.text.get(span.clone()).unwrap_or("");
        let plain = raw.len() >= 2 && !raw.contains('\\') && !raw.starts_with("\"\"\"") && !raw.starts_with("'''");
        let at = match &wrong.at {
            Some(at) if plain => span.start + 1 + at.start..span.start + 1 + at.end,
            _ => span.clone(),
        };
        self.add(at, wrong);
    }

    /// All that is wrong, if anything is.
    pub fn problems(self) -> Option<Problems> {
        Problems::of(self.found.into_inner(), self.dropped.get())
    }
}

/// A value and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Written<T> {
    pub value: T,
    /// The key's range of bytes.
    pub key: Range<usize>,
    /// The value's range of bytes.
    pub span: Range<usize>,
}
