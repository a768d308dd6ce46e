//! `sealift version --affected`.

use std::path::Path;

use serde_json::json;

use crate::cli::World;
use crate::cli::project::{self, Project};
use crate::config::settings::Config;
use crate::console::Product;
use crate::error::Failure;
use crate::survey::{self, Since};
use crate::table::{Column, Table};

/// Names the services that are made of other things than at a commit, one a line.
pub fn affected(world: &World<'_>, project: &Project<'_>, revision: Option<&str>) -> Result<Product, Failure> {
    let configured = |folder: &Path| -> Result<Config, Failure> {
        Ok(project::load_elsewhere(world, &project.config.root, folder)?.config)
    };
    let since = Since { revision, configured: &configured };
    let all =
        survey::affected((project.host, project.events), &project.config, &project.store, (&project.lock, &since))?;
    let mut table = Table::new([Column::text("service"), Column::text("since"), Column::text("affected")]);
    for one in &all {
        let since = one.since.as_ref().map_or_else(|| "-".to_owned(), |id| id.chars().take(12).collect());
        let why = one.why.as_ref().map_or_else(|| "no".to_owned(), |why| format!("yes: {}", why.words()));
        table.push([one.service.to_string(), since, why]);
    }
    let names: Vec<String> = all.iter().filter(|one| one.why.is_some()).map(|one| one.service.to_string()).collect();
    let data = json!({ "affected": names, "services": all });
    Ok(Product::lines(names).with_data(data).with_table(table))
}
