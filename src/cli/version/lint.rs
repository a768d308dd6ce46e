//! `sealift version lint`.

use std::fmt::Write;

use clap::Args;
use serde_json::json;

use super::super::{World, project, usage};
use crate::config::Overrides;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::history::{self, Git};
use crate::host::files;
use crate::sanitize::sanitize_line;
use crate::survey;
use crate::version::{self, Problem};

/// No message that a person writes is longer.
const CAP: u64 = 1 << 20;

#[derive(Args)]
pub struct Lint {
    /// Commits, for example main..HEAD, or - for a message on stdin; else those since the last version
    #[arg(value_name = "RANGE|-", allow_hyphen_values = true)]
    range: Option<String>,
}

impl Lint {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let config = project::load(world, &Overrides::default())?.config;
        let rules = &config.version;
        let messages: Vec<(String, String, bool)> = if self.range.as_deref() == Some("-") {
            vec![("message".to_owned(), version::without_comments(&files::stdin(CAP)?), false)]
        } else {
            let commits = match &self.range {
                Some(range) => history::logged(world.host, &Git::find(world.host, &world.dir())?, &[range])?,
                None => survey::unreleased(world.host, &config)?,
            };
            let message = |commit: history::Logged| {
                (commit.id.chars().take(12).collect(), commit.message.clone(), commit.is_merge())
            };
            commits.into_iter().map(message).collect()
        };
        let wrong: Vec<(&str, &str, Vec<Problem>)> = messages
            .iter()
            .filter(|(_, _, merge)| !merge)
            .map(|(name, message, _)| (name.as_str(), message.as_str(), version::lint(message, rules)))
            .filter(|(_, _, problems)| !problems.is_empty())
            .collect();
        if wrong.is_empty() {
            let data = json!({ "checked": messages.len() });
            let plural = if messages.len() == 1 { " is" } else { "s are" };
            return Ok(Product::nothing()
                .with_data(data)
                .with_note(format!("{} message{plural} conventional", messages.len())));
        }
        let mut detail = String::new();
        for (name, message, problems) in &wrong {
            let title: String = message.trim_start().lines().next().unwrap_or("").chars().take(100).collect();
            writeln!(detail, "{name} {}", sanitize_line(&title)).expect("writing to a string");
            for Problem { text, hint } in problems {
                let hint = hint.as_ref().map_or_else(String::new, |hint| format!(" ({})", sanitize_line(hint)));
                writeln!(detail, "  {}{hint}", sanitize_line(text)).expect("writing to a string");
            }
        }
        let text = match (wrong.len(), messages.len()) {
            (1, 1) => "the message is not conventional".to_owned(),
            (wrong, all) => {
                format!("{wrong} of {all} messages {} not conventional", if wrong == 1 { "is" } else { "are" })
            }
        };
        let hint = Some("https://www.conventionalcommits.org/en/v1.0.0/ is the format".to_owned());
        Err(Failure { detail: Some(detail), ..usage("version.lint", Kind::Input, text, hint) })
    }
}
