//! How a task ends when it does not end well.

use crate::words;

/// What every task answers.
pub type Outcome = Result<(), Failure>;

/// A message for the developer and the exit code, with the meanings that sealift's own exit codes have.
#[derive(Debug)]
pub struct Failure {
    /// 1 a rule or step failed, 2 usage, 6 a tool is missing or failed.
    pub exit: u8,
    /// What, which, and what next.
    pub message: String,
}

impl Failure {
    /// A rule or a step says no.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { exit: 1, message: message.into() }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: 2, message: message.into() }
    }

    /// A tool or the machine is not what it must be.
    pub fn tool(message: impl Into<String>) -> Self {
        Self { exit: 6, message: message.into() }
    }

    /// A name that is not in a list, with the nearest one that is.
    pub fn unknown<'a>(what: &str, name: &str, names: impl IntoIterator<Item = &'a str>, list: &str) -> Self {
        let hint = match words::nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`{list}` lists them"),
        };
        Self::usage(format!("error: no {what} is called `{name}`\nhint: {hint}"))
    }
}
