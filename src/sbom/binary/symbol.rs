//! The parts of a function's name.

/// A function's name as the Go vulnerability database has it: the package's import path, and the function with its
/// receiver but without `*`, parentheses and type arguments' package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    /// The import path, for example `net/http`.
    pub package: String,
    /// The function, for example `Client.Do`.
    pub name: String,
}
