//! `sealift image`.

mod copy;
pub mod explain;
mod resolve;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::World;
use super::project::{Aim, Project, Selection};
use super::release::{clean, write_image_record};
use super::summary;
use crate::attest::{self, Dist, Reach};
use crate::console::Product;
use crate::error::Failure;
use crate::image::{self, ImageError, Made, Stored};
use crate::oci::{self, Copy, Layout};
use crate::pipeline::make;
use crate::plan::Plan;
use crate::survey::{Images, Repository};
use crate::table::counted;
use crate::target::Target;
use crate::version::Mode;
pub use explain::read as read_place;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Image {
    #[command(subcommand)]
    word: Option<Word>,
    #[command(flatten)]
    making: Making,
}

#[derive(Subcommand)]
enum Word {
    /// Show an image's layers: what put them there, their sizes, what is shared, the largest files
    Explain(explain::Explain),
    /// Copy an image by its digest, with all platforms: registries, oci:FOLDER, oci-archive:FILE, docker-archive:FILE
    Copy(copy::CopyImage),
    /// Replace sealift://SERVICE in YAML by the image's reference
    Resolve(resolve::Resolve),
}

#[derive(Args)]
struct Making {
    /// Make the image for this machine's architecture alone
    #[arg(long)]
    host: bool,
    /// Send the images to their repositories, by digest
    #[arg(long)]
    push: bool,
    /// After pushing, let the tags lead to the new images
    #[arg(long, requires = "push")]
    tag: bool,
    /// Give the image to podman or docker
    #[arg(long)]
    load: bool,
    /// Write the OCI layout here instead of to dist/image
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Remove files from dist/ that sealift did not make
    #[arg(long)]
    clean: bool,
    #[command(flatten)]
    selection: Selection,
}

impl Image {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        match self.word {
            Some(Word::Explain(explain)) => explain.run(world),
            Some(Word::Copy(copy)) => copy.run(world),
            Some(Word::Resolve(resolve)) => resolve.run(world),
            None => self.making.run(world),
        }
    }
}

impl Making {
    fn run(mut self, world: &World<'_>) -> Result<Product, Failure> {
        if self.host {
            let own = Target::host();
            let variant = own.variant().map(|variant| format!("/{variant}")).unwrap_or_default();
            self.selection.targets = vec![format!("linux/{}{variant}", own.arch())];
        }
        let project = Project::open(world, &self.selection, None)?;
        let records = project.records()?;
        let aim = Aim { mode: Mode::Any, repository: Repository::Optional, images: Images::Wanted };
        let (survey, mut plan) = project.plan_after_hooks(aim, &self.selection)?;
        if plan.images.is_empty() {
            let why = "no Linux target is selected, or image.platforms is empty".to_owned();
            return Err(ImageError::Nothing { why }.into());
        }
        if self.push {
            image::destined(&plan.images)?;
        }
        let imaged = |build: &crate::plan::Build| {
            let mut images = plan.images.iter().filter(|image| image.service == build.service);
            images.any(|image| image.platforms.iter().any(|platform| platform.target == build.target))
        };
        plan.builds = plan.builds.iter().filter(|build| imaged(build)).cloned().collect();
        plan.packages.clear();
        plan.sboms.clear();
        let places = project.places();
        let made = make(&project.yard(&survey, &plan), &places, &project.released_layers(), None)?;
        records.write("build.json", &summary::build_record(&survey, &made.built))?;
        let stored = Stored::new(&project.store);
        let dist = project.dist().join("image");
        let to = self.to.as_ref().map_or(dist.clone(), |to| world.dir().join(to));
        if self.to.is_some() {
            let layout = Layout::create(&to)?;
            for image in &made.images {
                oci::copy(&image.descriptor, &stored, &layout, &Copy::default(), world.events)?;
                layout.name(&image.descriptor, Some(image.index.service.as_str()))?;
            }
        } else {
            let indexes: Vec<_> = made.images.iter().map(|image| image.index.clone()).collect();
            let placements = attest::layout(&indexes, &|digest| project.store.path_of(digest));
            let journal = records.path("dist.json");
            let place =
                Dist { folder: &project.dist(), journal: &journal, reach: Reach::Images, clean: clean(self.clean) };
            attest::place(project.host, &place, &placements)?;
            write_image_record(&records, &indexes)?;
        }
        if self.load {
            for (image, planned) in made.images.iter().zip(&plan.images) {
                for name in image::load((world.host, world.events), &project.store, image, &local_names(planned))? {
                    world.events.info(format!("loaded {name}"));
                }
            }
        }
        let both: Vec<_> = plan.images.iter().zip(&made.images).collect();
        if self.push {
            for pair in &both {
                let (reference, copied) = image::push(&places, &project.store, world.events, *pair)?;
                let text =
                    format!("{reference}: {} sent, {} there already", counted(copied.blobs, "blob"), copied.skipped);
                world.events.info(text);
            }
        }
        if self.tag {
            for moved in image::move_tags(&places, &project.store, &both)? {
                let how = if moved.known { "leads there already" } else { "leads there now" };
                world.events.info(format!("{}:{} {how}", moved.repository, moved.tag));
            }
        }
        let folder = self.to.clone().unwrap_or_else(|| PathBuf::from("dist/image"));
        let lines = references(&plan, &made.images, &folder);
        let data = serde_json::json!({
            "images": made.images.iter().map(|image| &image.index).collect::<Vec<_>>(),
            "references": lines.iter().cloned().collect::<BTreeMap<_, _>>(),
        });
        let lines = lines.into_iter().map(|(_, reference)| reference);
        Ok(Product::lines(lines).with_data(data).with_table(summary::images(&made.images)))
    }
}

/// What each image is known by: its repository and digest, else where it lies.
fn references(plan: &Plan, made: &[Made], folder: &std::path::Path) -> Vec<(String, String)> {
    let reference = |image: &Made| {
        let digest = image.index.artifact.digest();
        let planned = plan.images.iter().find(|planned| planned.service == image.index.service);
        match planned.and_then(|planned| planned.repository.as_ref()) {
            Some(repository) => repository.pin(digest).to_string(),
            None => format!("oci:{}:@{digest}", folder.display()),
        }
    };
    made.iter().map(|image| (image.index.service.to_string(), reference(image))).collect()
}

/// Names for a local runtime: those of the repository, else the service's own.
fn local_names(image: &crate::plan::Image) -> Vec<String> {
    let tags = image.tags.iter().map(|named| &named.tag);
    match &image.repository {
        Some(repository) => tags.map(|tag| repository.tagged(tag.clone()).to_string()).collect(),
        None => vec![format!("localhost/{}:latest", image.service.as_str().to_lowercase())],
    }
}
