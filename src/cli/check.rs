//! `sealift check`.

use clap::Args;

use super::World;
use super::project::{self, Aim, Project, Selection};
use crate::build;
use crate::config::Overrides;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::history::Git;
use crate::plan::Hook;
use crate::survey::Images;
use crate::table::{Column, Table};

#[derive(Args)]
pub struct Check {
    /// Run the generate hooks and fail when committed files change
    #[arg(long)]
    generated: bool,
}

impl Check {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        if self.generated {
            return generated(world);
        }
        let loaded = project::load(world, &Overrides::default())?;
        let rows = loaded.origins.rows(&loaded.config);
        let mut table = Table::new([Column::text("key"), Column::text("value"), Column::text("from")]);
        for row in &rows {
            table.push([row.key.clone(), row.value.clone(), row.origin.clone()]);
        }
        Ok(Product::text(table.to_string()).with_data(serde_json::json!({ "settings": rows })))
    }
}

/// Runs the hooks that write committed files, and compares what git sees before and after.
fn generated(world: &World<'_>) -> Result<Product, Failure> {
    let selection = Selection::default();
    let project = Project::open(world, &selection, None)?;
    let _records = project.records()?;
    let (survey, mut plan) = project.plan(Aim::release(true, Images::Unwanted), &selection)?;
    let hooks = &project.config.defaults.build.hooks.generate;
    if hooks.is_empty() {
        let hint = Some("name the commands that write committed files in [build.hooks] generate".to_owned());
        return Err(super::usage("check.no-generate", Kind::Config, "no generate hook is configured".into(), hint));
    }
    let git = Git::find(project.host, &project.config.root)?;
    let state = || -> Result<String, Failure> {
        let status = git.text(project.host, ["status", "--porcelain=v2", "-z", "--untracked-files=all"])?;
        Ok(status + &git.text(project.host, ["diff", "--no-ext-diff", "--no-color", "--stat"])?)
    };
    let before = state()?;
    plan.hooks = hooks.iter().map(|args| Hook { when: "generate", args: args.clone() }).collect();
    build::hooks(&project.yard(&survey, &plan), &project.config.root, "generate")?;
    if before == state()? {
        return Ok(Product::nothing().with_note("the generated files are as they are committed"));
    }
    let diff = git.text(project.host, ["diff", "--no-ext-diff", "--no-color", "--stat"])?;
    let hint = Some("commit what was generated".to_owned());
    let failure =
        super::usage("check.stale", Kind::Repository, "committed files differ from what is generated".into(), hint);
    Err(Failure { detail: Some(diff), ..failure })
}
