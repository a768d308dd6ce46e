//! `sealift sbom diff`.

use std::path::Path;

use clap::Args;

use super::{Asked, World, list};
use crate::console::Product;
use crate::error::Failure;
use crate::host::files;
use crate::sbom::{self, Component, LIST_CAP, Role, Sbom, Silent};

#[derive(Args)]
pub struct Diff {
    /// What was: an SBOM file, a release folder, an executable, a folder of some, or an image
    #[arg(value_name = "A")]
    before: String,
    /// What is
    #[arg(value_name = "B")]
    after: String,
}

impl Diff {
    pub fn run(&self, world: &World<'_>) -> Result<Product, Failure> {
        let (before, after) = (read(world, &self.before)?, read(world, &self.after)?);
        let difference = sbom::difference(&before, &after);
        let data = serde_json::to_value(&difference).expect("a difference is plain data");
        if difference.is_empty() {
            return Ok(Product::nothing().with_data(data).with_note("no component is different"));
        }
        Ok(Product::text(difference.table().to_string()).with_data(data))
    }
}

/// A list that somebody wrote, those of a release, or one that is made now.
fn read(world: &World<'_>, of: &str) -> Result<Sbom, Failure> {
    let path = world.path(Path::new(of));
    if files::is_file(&path)
        && let Some(sbom) = written(&path)?
    {
        return Ok(sbom);
    }
    if files::is_folder(&path) {
        let names = files::names(&path)?;
        let lists = |ending: &str| names.iter().filter(|name| name.ends_with(ending)).collect::<Vec<_>>();
        let found = [lists(".cdx.json"), lists(".spdx.json")].into_iter().find(|found| !found.is_empty());
        if let Some(found) = found {
            let mut all = Sbom::of(Component::new("release", Role::Folder, of), 0);
            for name in found {
                let Some(one) = written(&path.join(name))? else { continue };
                for mut part in one.parts.into_values().chain([one.root]) {
                    part.id = format!("{name} {}", part.id);
                    all.parts.insert(part.id.clone(), part);
                }
            }
            return Ok(all);
        }
    }
    list(world, &Asked { of, silent: Silent::Admit, platform: None })
}

fn written(path: &Path) -> Result<Option<Sbom>, Failure> {
    // What is longer is no list, and what is no text is an executable: both are looked at as such.
    match files::what(path)? {
        files::What::File { size, .. } if size <= LIST_CAP => {
            Ok(sbom::parse(&files::read(path, LIST_CAP)?, &path.display().to_string())?)
        }
        _ => Ok(None),
    }
}
