//! The keys of `[changelog]`.

use super::{Shape, Table, Text, key};
use crate::config::values::changelog::FORGES;

pub(super) static CHANGELOG: Table = Table {
    text: "What is told of a version.",
    keys: &[
        key("file", Shape::Text(Text::Path), "\"CHANGELOG.md\"", "\"docs/changes.md\"")
            .says("The file that `sealift version changelog --write` keeps."),
        key("template", Shape::Text(Text::Path), "none: Keep a Changelog", "\"notes.md.jinja\"").says(
            "Jinja template of what is told of one version; what comes from commits is Markdown that does nothing.",
        ),
        key("forge", Shape::Choice(FORGES), "by the name of the source's host", "\"gitea\"")
            .says("What the links to commits, issues and comparisons look like."),
        key("commit", Shape::Bool, "false", "true").says(
            "A release brings the file along: the commit in which files name the version has it too, and where no file \
             does, it is a commit of its own.",
        ),
        key("sections", Shape::Strings, SECTIONS, "{ docs = \"Documentation\" }").says(
            "Heading by type of commit, `other` for commits without one; \"\" leaves them out. Added to the defaults, \
             type by type; what breaks is told first and always.",
        ),
    ],
};

const SECTIONS: &str = "feat: Added; fix: Fixed; perf: Changed; deprecate: Deprecated; remove: Removed; \
                        security: Security; revert: Reverted; other: Other changes";
