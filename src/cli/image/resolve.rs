//! `sealift image resolve`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::project::{Project, Selection};
use super::World;
use crate::config::template::Variable;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::{files, staging};
use crate::image::{self, ImageError};
use crate::oci::Repository;
use crate::product;

/// No manifest of a cluster is larger.
const CAP: u64 = 16 << 20;

#[derive(Args)]
pub struct Resolve {
    /// A YAML file, or a folder of them (again for more)
    #[arg(short, long = "file", value_name = "FILE|DIR", required = true)]
    files: Vec<PathBuf>,
    /// Write the files here, under their own names, instead of one after the other to stdout
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Resolve {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let images = references(world)?;
        let mut resolved = Vec::new();
        for path in &self.files {
            let from = world.dir().join(path);
            for name in names(&from)? {
                let file = if name.as_os_str().is_empty() { from.clone() } else { from.join(&name) };
                let shown = if name.as_os_str().is_empty() { path.clone() } else { path.join(&name) };
                let text = files::read_text(&file, CAP)?;
                let text = image::resolve(&shown.display().to_string(), &text, &images)?;
                let name = if name.as_os_str().is_empty() { file.file_name().map(PathBuf::from) } else { Some(name) };
                resolved.push((name.unwrap_or_default(), text));
            }
        }
        let Some(output) = &self.output else {
            return Ok(Product::text(together(resolved.into_iter().map(|(_, text)| text))));
        };
        let mut written = Vec::new();
        for (name, text) in resolved {
            let path = world.dir().join(output).join(&name);
            if let Some(folder) = path.parent() {
                files::make_folder(folder)?;
            }
            staging::write(&path, text.as_bytes(), 0o644)?;
            written.push(output.join(&name).display().to_string());
        }
        Ok(Product::lines(written))
    }
}

/// Several documents after each other, each begun by a `---` of its own or by ours.
fn together(texts: impl Iterator<Item = String>) -> String {
    let mut all = String::new();
    for text in texts {
        if !all.is_empty() {
            if !all.ends_with('\n') {
                all.push('\n');
            }
            if !text.starts_with("---") {
                all += "---\n";
            }
        }
        all += &text;
    }
    all
}

/// The YAML files below a folder, sorted; of a file, the empty path.
fn names(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !files::is_folder(path) {
        return Ok(vec![PathBuf::new()]);
    }
    let (mut found, mut waiting) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = waiting.pop() {
        for name in files::names(&path.join(&folder))? {
            let below = folder.join(&name);
            match files::what(&path.join(&below))? {
                files::What::Folder => waiting.push(below),
                files::What::File { .. } if name.ends_with(".yaml") || name.ends_with(".yml") => found.push(below),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The images that were made last, by service: each in its repository, by its digest.
fn references(world: &World<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let project = Project::open(world, &Selection::default(), None)?;
    let path = project.config.root.join(".sealift/image.json");
    let bytes = files::read_if_present(&path, product::MAX_RECORD as u64)?.unwrap_or_default();
    let recorded = product::read_images(&bytes).ok().filter(|recorded| !recorded.indexes.is_empty());
    let Some(recorded) = recorded else {
        let hint = Some("sealift image --push".to_owned());
        return Err(super::super::usage("image.no-record", Kind::Nothing, "no image was made yet".into(), hint));
    };
    let config = &project.config;
    let mut found = BTreeMap::new();
    for index in recorded.indexes {
        let own = config.services.iter().find(|service| service.name == index.service);
        let settings = own.map_or(&config.defaults, |service| &service.settings);
        let service = index.service.to_string();
        let Some(template) = &settings.image.repository else {
            return Err(ImageError::NoRepository { service }.into());
        };
        let fill = |variable| match variable {
            Variable::Project => config.project.name.as_str(),
            _ => index.service.as_str(),
        };
        let repository: Repository = template.fill(fill).parse().map_err(Failure::from)?;
        found.insert(service, repository.pin(index.artifact.digest).to_string());
    }
    Ok(found)
}
