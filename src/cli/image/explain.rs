//! `sealift image explain`.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use sealift_trust::Digest;

use super::super::project;
use super::World;
use crate::config::Overrides;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::files;
use crate::image::{self, Places};
use crate::oci::Place;
use crate::product;
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
        let explained = image::explain(opened.source(), &opened.named()?, &released(&root))?;
        let data = serde_json::to_value(&explained).expect("an explanation is plain data");
        let text = format!("{}\n{}", explained.table(), explained.files());
        Ok(Product::text(text).with_data(data))
    }
}

/// A place as the command line has it.
pub fn read(text: &str) -> Result<Place, Failure> {
    text.parse::<Place>().map_err(|error| Failure { kind: Kind::Usage, ..Failure::from(error) })
}

/// The layers of the images that were made last, if there is a record of them.
fn released(root: &Path) -> BTreeSet<Digest> {
    let path = root.join(".sealift/image.json");
    let bytes = files::read_if_present(&path, product::MAX_RECORD as u64).ok().flatten();
    let recorded = bytes.and_then(|bytes| product::read_images(&bytes).ok());
    let images = recorded.into_iter().flat_map(|recorded| recorded.indexes).flat_map(|index| index.images);
    images.flat_map(|image| image.layers).map(|layer| layer.digest).collect()
}
