//! `[changelog]`, resolved: what notes look like and where they are kept.

use std::collections::BTreeMap;

use serde::Serialize;

/// The name under which commits without a type stand in `changelog.sections`.
pub const OTHER: &str = "other";

/// `[changelog]`.
#[derive(Clone, Debug, Serialize)]
pub struct ChangelogSettings {
    /// The file that is kept, relative to the project.
    pub file: String,
    /// A template for what is told of one version, relative to the project; else the built-in one.
    pub template: Option<String>,
    /// Which forge the source is on, where its host's name does not tell.
    pub forge: Option<ForgeKind>,
    /// Whether a release brings the file along, in the commit that it makes.
    pub commit: bool,
    /// The heading under which each type of commit is told; a type without one is not told.
    pub sections: BTreeMap<String, String>,
}

/// A kind of forge: what its addresses look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ForgeKind {
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea and Forgejo.
    Gitea,
    /// None: no links.
    None,
}

impl ForgeKind {
    /// Every kind, by its word in the configuration.
    pub const WORDS: [(&str, ForgeKind); 4] = [
        ("github", ForgeKind::Github),
        ("gitlab", ForgeKind::Gitlab),
        ("gitea", ForgeKind::Gitea),
        ("none", ForgeKind::None),
    ];
}

impl ChangelogSettings {
    /// What holds when nothing is written: the headings of Keep a Changelog 1.1.0.
    pub fn built_in() -> Self {
        let sections = [
            ("feat", "Added"),
            ("perf", "Changed"),
            ("deprecate", "Deprecated"),
            ("remove", "Removed"),
            ("fix", "Fixed"),
            ("revert", "Reverted"),
            ("security", "Security"),
            (OTHER, "Other changes"),
        ];
        Self {
            file: "CHANGELOG.md".to_owned(),
            template: None,
            forge: None,
            commit: false,
            sections: sections.into_iter().map(|(kind, title)| (kind.to_owned(), title.to_owned())).collect(),
        }
    }
}
