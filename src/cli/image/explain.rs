//! `sealift image explain`.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use sealift_trust::Digest;

use super::super::project::{self, recorded_images};
use super::World;
use crate::config::Overrides;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::image::{self, Places};
use crate::oci::Place;
use crate::product::RecordedImages;
use crate::survey::within;

#[derive(Args)]
pub struct Explain {
    /// A reference in a registry, oci:FOLDER[:NAME], oci-archive:FILE or docker-archive:FILE; else dist/image
    #[arg(value_name = "IMAGE")]
    image: Option<String>,
}

impl Explain {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let config = project::load(world, &Overrides::default())?.config;
        let (root, places) = (config.root, Places::new(world.host, &config.registries, world.events));
        let place = match &self.image {
            Some(text) => within(&world.dir(), &read(text)?),
            None => Place::Layout { folder: root.join("dist/image"), name: None },
        };
        let opened = places.open(&place)?;
        let named = opened.named()?;
        let explained = image::explain(opened.source(), &named, &released(&root, named.digest))?;
        let data = serde_json::to_value(&explained).expect("an explanation is plain data");
        let text = format!("{}\n{}", explained.table(), explained.files());
        Ok(Product::text(text).with_data(data))
    }
}

/// A place as the command line has it.
pub fn read(text: &str) -> Result<Place, Failure> {
    text.parse::<Place>().map_err(|error| Failure { kind: Kind::Usage, ..Failure::from(error) })
}

/// The layers of the release that an image is compared with: the last one, and for the images of that one the release
/// before it.
fn released(root: &Path, explained: Digest) -> BTreeSet<Digest> {
    let last = recorded_images(root, "image.json");
    let with = match &last {
        Some(own) if own.names(explained) => recorded_images(root, "image-before.json"),
        _ => last,
    };
    with.iter().flat_map(RecordedImages::layers).collect()
}
