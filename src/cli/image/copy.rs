//! `sealift image copy`.

use clap::Args;

use super::super::project;
use super::World;
use super::explain::read;
use crate::config::Overrides;
use crate::console::Product;
use crate::error::Failure;
use crate::image::Places;
use crate::oci::{Copy, Referrers};
use crate::survey::within;
use crate::table::counted;

#[derive(Args)]
pub struct CopyImage {
    /// Where the image lies
    #[arg(value_name = "FROM")]
    from: String,
    /// Where it goes
    #[arg(value_name = "TO")]
    to: String,
    /// Copy what is about the image too: signatures, SBOMs, provenance
    #[arg(long)]
    referrers: bool,
}

impl CopyImage {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let (from, to) = (within(&world.dir(), &read(&self.from)?), within(&world.dir(), &read(&self.to)?));
        let config = project::load(world, &Overrides::default())?.config;
        let places = Places::new(world.host, &config.registries, world.events);
        let referrers = if self.referrers { Referrers::Follow } else { Referrers::Leave };
        let opened = places.open(&from)?;
        let root = opened.named()?;
        let options = Copy { referrers, ..Copy::default() };
        let (reference, copied) = places.copy(&opened, &root, &to, &options)?;
        let note = format!(
            "{} and {} sent, {} there already",
            counted(copied.blobs + copied.mounted, "blob"),
            counted(copied.documents, "document"),
            copied.skipped
        );
        let data = serde_json::json!({ "digest": root.digest, "copied": copied });
        Ok(Product::lines([reference]).with_data(data).with_note(note))
    }
}
