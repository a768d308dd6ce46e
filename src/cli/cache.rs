//! `sealift cache`.

use clap::{Args, Subcommand};

use super::World;
use super::project;
use crate::config::{self, Overrides};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::store::Store;
use crate::table::bytes;

#[derive(Args)]
pub struct Cache {
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Say where the store is and what it holds
    Stats,
    /// Remove what was written longest ago
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
                let text = format!("{place}\n{} blobs, {}, {} steps", stats.blobs, bytes(stats.bytes), stats.steps);
                let data = serde_json::json!({ "path": place, "blobs": stats.blobs, "bytes": stats.bytes, "steps": stats.steps });
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
                    "removed {} blobs ({}) and {} steps; {} left",
                    gone.blobs,
                    bytes(gone.bytes),
                    gone.steps,
                    bytes(pruned.left.bytes)
                );
                Ok(Product::text(text).with_data(data))
            }
        }
    }
}
