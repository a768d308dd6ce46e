//! A change, as a commit tells it.

use serde::Serialize;

use super::Bump;

/// One change. A commit tells one; a squashed commit may tell several, all under its own name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The commit's full object name.
    pub commit: String,
    /// The committer's time, in seconds since 1970.
    pub time: u64,
    /// The author's name, as the commit has it: any text.
    pub author: String,
    /// The type in small letters (`feat`); none when the message is not conventional.
    pub kind: Option<String>,
    /// The scope, as written.
    pub scope: Option<String>,
    /// What breaks: the text of each `BREAKING CHANGE` footer, else the description where `!` says so.
    pub breaking: Vec<String>,
    /// What was done: the first line without type and scope.
    pub description: String,
    /// The paragraphs between the first line and the footers; empty when there are none.
    pub body: String,
    /// The footers, in their order.
    pub footers: Vec<Footer>,
    /// Issues and merge requests that it names, as written: `#12`, `!7`, `group/project#3`.
    pub references: Vec<String>,
    /// Names (or their beginnings) of the commits that it reverts.
    pub reverts: Vec<String>,
    /// Whether it has several parents.
    pub merge: bool,
    /// How far it moves the version, by the rules of `[version]`; before 1.0.0 less may come of it.
    pub bump: Bump,
}

/// A footer of a message: `Reviewed-by: Z`, `Fixes #12`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Footer {
    /// Its token, as written.
    pub token: String,
    /// Whether ` #` stands between token and value, and not `: `.
    pub hash: bool,
    /// Its value, which may have several lines.
    pub value: String,
}
