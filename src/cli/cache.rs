//! `sealift cache`.

use std::collections::BTreeMap;
use std::path::Path;

use clap::{Args, Subcommand};

use super::World;
use super::project;
use crate::config::{self, Overrides};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::files::{self, FileError, What};
use crate::host::tree;
use crate::store::Store;
use crate::table::{bytes, counted};

#[derive(Args)]
pub struct Cache {
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Say where the store is and what it holds
    Stats,
    /// Remove what was written longest ago; fetched toolchains stay
    Prune {
        /// How much to keep
        #[arg(long, value_name = "SIZE", default_value = "5 GB")]
        keep: String,
    },
}

impl Cache {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let loaded = project::load(world, &Overrides::default())?;
        let store = Store::open(&loaded.config.cache)?;
        let place = store.root().display().to_string();
        match self.word {
            Word::Stats => {
                let stats = store.stats()?;
                let mut text = format!(
                    "{place}\n{}, {}, {}",
                    counted(stats.blobs, "blob"),
                    bytes(stats.bytes),
                    counted(stats.steps, "step")
                );
                let toolchains = toolchains(store.root())?;
                for (name, size) in &toolchains {
                    text += &format!("\ntoolchain {name}, {}", bytes(*size));
                }
                let (blobs, size, steps) = (stats.blobs, stats.bytes, stats.steps);
                let data = serde_json::json!({
                    "path": place, "blobs": blobs, "bytes": size, "steps": steps, "toolchains": toolchains,
                });
                Ok(Product::text(text).with_data(data))
            }
            Word::Prune { keep } => {
                let size = config::parse_size(&keep).ok_or_else(|| {
                    let hint = Some("for example --keep 500MB".to_owned());
                    super::usage("usage.size", Kind::Usage, format!("{keep:?} is not a size"), hint)
                })?;
                let pruned = store.prune(size)?;
                let data = serde_json::to_value(pruned).expect("numbers");
                let gone = pruned.removed;
                let text = format!(
                    "removed {} ({}) and {}; {} left",
                    counted(gone.blobs, "blob"),
                    bytes(gone.bytes),
                    counted(gone.steps, "step"),
                    bytes(pruned.left.bytes)
                );
                Ok(Product::text(text).with_data(data))
            }
        }
    }
}

/// The toolchains that were fetched, with their bytes: they lie beside the store, and outweigh it.
fn toolchains(cache: &Path) -> Result<BTreeMap<String, u64>, FileError> {
    let all = cache.join("toolchains");
    if !files::is_folder(&all) {
        return Ok(BTreeMap::new());
    }
    let complete = files::names(&all)?.into_iter().filter(|name| !name.starts_with('.'));
    let weighed = complete.map(|name| Ok((name.clone(), weight(&all.join(&name))?)));
    weighed.collect()
}

fn weight(folder: &Path) -> Result<u64, FileError> {
    let mut paths = Vec::new();
    tree::walk(folder, &mut |_| true, &mut |path| paths.push(path.to_owned()))?;
    paths.iter().try_fold(0, |sum, path| match files::what(&folder.join(path))? {
        What::File { size, .. } => Ok(sum + size),
        _ => Ok(sum),
    })
}
