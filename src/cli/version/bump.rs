//! `sealift version bump`.

use clap::Args;
use semver::Version;
use serde_json::json;

use crate::cli::World;
use crate::cli::project::{Project, Selection};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::{files, staging};
use crate::survey::{self, Paths, Reach};
use crate::version::Edit;

#[derive(Args)]
pub struct Bump {
    /// This version in place of the next one
    #[arg(value_name = "VERSION")]
    to: Option<String>,
    /// Change the module path and all imports where the major version asks for it (Go)
    #[arg(long)]
    fix: bool,
    /// Print the files, and change none
    #[arg(long)]
    dry_run: bool,
}

impl Bump {
    /// Writes a version into the files of the project, and prints those that change.
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let project = Project::open(world, &Selection::default(), None)?;
        let config = &project.config;
        let version = match &self.to {
            Some(text) => Version::parse(text).map_err(|why| {
                let hint = Some("for example 1.4.0, without the tag's prefix".to_owned());
                crate::cli::usage("version.argument", Kind::Usage, format!("{text:?} is not a version: {why}"), hint)
            })?,
            None => match survey::chronicle(project.host, config, Reach::Next)? {
                (Some(next), _) => next.version,
                (None, _) => return Ok(Product::nothing()),
            },
        };
        let paths = if self.fix { Paths::Fix } else { Paths::Check };
        let bump = survey::bump(project.host, config, &version, paths)?;
        if !self.dry_run {
            write(&project, &bump.edits)?;
        }
        let names: Vec<String> = bump.edits.iter().map(|edit| edit.path.to_string()).collect();
        let data = json!({ "version": version, "edits": bump.edits, "moduleTags": bump.module_tags });
        let product = Product::lines(names).with_data(data);
        Ok(if bump.edits.is_empty() {
            product.with_note(format!("every file says {version} already"))
        } else {
            product
        })
    }
}

/// Writes edits into the work tree. A file that somebody has changed since it was read is left, with all that follow.
fn write(project: &Project<'_>, edits: &[Edit]) -> Result<(), Failure> {
    for edit in edits {
        let path = project.config.root.join(edit.path.as_str());
        let now = if files::is_file(&path) { Some(files::measure(&path)?.digest()) } else { None };
        if now != edit.before {
            let message = format!("{} was changed meanwhile", edit.path);
            let hint = Some("run the same command again".to_owned());
            return Err(crate::cli::usage("version.changed", Kind::Conflict, message, hint));
        }
        let mode = if now.is_some() { files::mode(&path)? } else { 0o644 };
        staging::write(&path, &edit.after, mode & 0o777)?;
    }
    Ok(())
}
