//! `sealift version`.

mod changelog;

use clap::{Args, Subcommand};

use super::World;
use super::project::{Project, Selection};
use crate::console::Product;
use crate::error::Failure;
use crate::store::Records;
use crate::survey;
use crate::version::Mode;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Version {
    /// The version of a snapshot of this tree, whatever it is tagged
    #[arg(long)]
    snapshot: bool,
    #[command(subcommand)]
    word: Option<Word>,
}

#[derive(Subcommand)]
enum Word {
    /// Print what is new in the next version, or keep CHANGELOG.md
    Changelog(changelog::Changelog),
}

impl Version {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        match self.word {
            Some(Word::Changelog(changelog)) => return changelog.run(world),
            None => {}
        }
        let project = Project::open(world, &Selection::default(), None)?;
        let mode = if self.snapshot { Mode::Snapshot } else { Mode::Release };
        let (release, _next) = survey::release(project.host, &project.config, mode)?;
        Records::note(&project.config.root, "version.json", &release)?;
        let data = serde_json::to_value(&release).expect("a release is plain data");
        Ok(Product::lines([release.version.to_string()]).with_data(data))
    }
}
