//! `sealift version changelog`.

use clap::Args;
use serde_json::json;

use crate::cli::World;
use crate::cli::project::{Project, Selection};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::{files, staging};
use crate::survey::{self, House, Reach};
use crate::version::Edit;
use crate::version::changelog::{self, Notes};
use crate::version::notes::Edition;

/// The longest changelog that is read.
const CAP: u64 = 64 << 20;

#[derive(Args)]
pub struct Changelog {
    /// Every version, not only the next one
    #[arg(long)]
    all: bool,
    /// Put it into the file that changelog.file names, where it keeps what others have written
    #[arg(long)]
    write: bool,
    /// What is new in this service, which has versions of its own
    #[arg(short, long, value_name = "NAME", conflicts_with = "write")]
    service: Option<String>,
}

impl Changelog {
    /// Prints what is new in the next version (or in the tagged one), or the whole changelog; with `--write` the file is
    /// brought up to date, and its path is printed when that changed it.
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let project = Project::open(world, &Selection::default(), None)?;
        let config = &project.config;
        let reach = if self.all { Reach::All } else { Reach::Next };
        let (next, past) = match &self.service {
            Some(name) => {
                let stage = (&project.store, &project.lock);
                survey::part_chronicle((project.host, project.events), config, stage, (name, reach))?
            }
            None => survey::chronicle(project.host, config, reach)?,
        };
        let house = House::read(config)?;
        let mut style = house.style()?;
        if let (false, false, Some(next)) = (self.all, self.write, &next) {
            let text = style.notes(next, true).map_err(survey::SurveyError::from)?;
            let data = json!({ "version": next.version, "tag": next.tag, "previous": next.previous, "notes": text });
            return Ok(Product::text(text).with_data(data));
        }
        let editions: Vec<&Edition> = past.iter().rev().chain(&next).collect();
        let mut told = Vec::with_capacity(editions.len());
        for edition in editions {
            let text = style.notes(edition, false).map_err(survey::SurveyError::from)?;
            told.push((edition, text, edition.commits()));
        }
        let notes = told.iter().map(|(edition, text, commits)| Notes { version: &edition.version, text, commits });
        let prefix = survey::tag_prefix(config, self.service.as_deref());
        if !self.write {
            return Ok(Product::text(changelog::update(None, prefix, notes)));
        }
        let name = &config.changelog.file;
        let path = config.root.join(name);
        let inner = name.parse().map_err(|why: sealift_trust::name::NameError| {
            let hint = Some("changelog.file names one file in the project".to_owned());
            crate::cli::usage("changelog.file", Kind::Config, format!("changelog.file: {why}"), hint)
        })?;
        let before = if files::is_file(&path) { Some(files::read_text(&path, CAP)?) } else { None };
        let after = changelog::update(before.as_deref(), prefix, notes);
        let Some(edit) = Edit::of(inner, before.as_deref(), after, "changelog") else {
            return Ok(Product::lines([] as [&str; 0]).with_note(format!("{name} tells all of it already")));
        };
        let mode = files::mode(&path).unwrap_or(0o644);
        staging::write(&path, &edit.after, mode)?;
        Ok(Product::lines([name.clone()]).with_data(json!({ "edits": [edit] })))
    }
}
