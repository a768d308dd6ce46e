//! Strict JSON: I-JSON (RFC 7493) in, the JSON Canonicalization Scheme (RFC 8785) out.
//!
//! Readers that differ over a document let an attacker sign one meaning and show another: the first or the last of two
//! equal names, a number that rounds, bytes after the end. This reader refuses every document that another one could
//! read differently.

mod bridge;
mod canonical;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use bridge::{from_value, to_value};
pub use canonical::canonical;
pub use parse::{parse, parse_canonical};

/// How deep arrays and objects may stand in each other. The reader recurses, so this bounds its stack.
pub const MAX_DEPTH: usize = 64;

/// The largest integer, and negated the smallest, that every reader keeps exactly: 2^53 − 1 (RFC 7493 §2.2).
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The members of an object.
pub type Object = BTreeMap<String, Value>;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer within ±[`MAX_INTEGER`].
    Integer(i64),
    /// Any other number, as it was written; only read under [`Numbers::Any`].
    Number(String),
    /// A string without surrogates and noncharacters.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object; every name once.
    Object(Object),
}

impl Value {
    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Which numbers a document may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Integers within ±[`MAX_INTEGER`], written in the one shortest way: all that our own documents hold.
    IntegersOnly,
    /// Every JSON number; what is not such an integer is kept as text. For documents of other tools.
    Any,
}

/// What a document may cost. A value takes some tens of bytes however short its text is, so the count of values bounds
/// memory where the count of bytes alone does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest document, in bytes.
    pub bytes: usize,
    /// The most values: scalars, arrays and objects, without member names.
    pub values: usize,
    /// Which numbers.
    pub numbers: Numbers,
}

/// A document that is refused. Offsets count bytes from zero.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The document is longer than allowed.
    #[error("the document has {found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length.
        found: usize,
        /// What is allowed.
        limit: usize,
    },
    /// There are more values than allowed.
    #[error("more than {limit} values (at byte {at})")]
    TooManyValues {
        /// Where the first value too many begins.
        at: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Arrays and objects are nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} (at byte {at})")]
    TooDeep {
        /// Where.
        at: usize,
    },
    /// A byte order mark stands first.
    #[error("begins with a byte order mark")]
    ByteOrderMark,
    /// The bytes are not UTF-8.
    #[error("not UTF-8 (at byte {at})")]
    NotUtf8 {
        /// Where.
        at: usize,
    },
    /// The document ends in the middle.
    #[error("ends in the middle (at byte {at})")]
    Truncated {
        /// Its length.
        at: usize,
    },
    /// Bytes follow the value.
    #[error("bytes after the end of the value (at byte {at})")]
    Trailing {
        /// Where they begin.
        at: usize,
    },
    /// Something else stands where the grammar wants this.
    #[error("want {want} (at byte {at})")]
    Unexpected {
        /// Where.
        at: usize,
        /// What would be right.
        want: &'static str,
    },
    /// An object has one name twice.
    #[error("the name {name:?} stands twice in one object (at byte {at})")]
    DuplicateName {
        /// Where the second one begins.
        at: usize,
        /// At most 80 characters of it.
        name: String,
    },
    /// A string holds a lone surrogate or a noncharacter, or an escape that does not exist.
    #[error("{what} in a string (at byte {at})")]
    BadString {
        /// Where.
        at: usize,
        /// What.
        what: &'static str,
    },
    /// A number is written wrongly, is no integer, or is beyond what every reader keeps exactly.
    #[error("{what} (at byte {at})")]
    BadNumber {
        /// Where.
        at: usize,
        /// What.
        what: &'static str,
    },
    /// The document has the right value in other bytes than the canonical ones.
    #[error("not in canonical form (RFC 8785): the first difference is at byte {at}")]
    NotCanonical {
        /// Where the first difference is.
        at: usize,
    },
    /// The value has not the shape that is wanted.
    #[error("not what is wanted here: {0}")]
    Shape(String),
}

impl JsonError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            JsonError::TooLong { .. } => "json.too-long",
            JsonError::TooManyValues { .. } => "json.too-many-values",
            JsonError::TooDeep { .. } => "json.too-deep",
            JsonError::ByteOrderMark => "json.byte-order-mark",
            JsonError::NotUtf8 { .. } => "json.not-utf8",
            JsonError::Truncated { .. } => "json.truncated",
            JsonError::Trailing { .. } => "json.trailing-bytes",
            JsonError::Unexpected { .. } => "json.syntax",
            JsonError::DuplicateName { .. } => "json.duplicate-name",
            JsonError::BadString { .. } => "json.bad-string",
            JsonError::BadNumber { .. } => "json.bad-number",
            JsonError::NotCanonical { .. } => "json.not-canonical",
            JsonError::Shape(_) => "json.shape",
        }
    }
}

/// Whether Unicode says that a code point never stands for a character (RFC 7493 §2.1 forbids them in I-JSON).
fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE
}
