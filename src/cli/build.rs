//! `sealift build`.

use std::path::PathBuf;

use clap::Args;

use super::World;
use super::project::{Aim, Project, Selection};
use super::summary;
use crate::build::{self, Built, executable_name};
use crate::console::Product;
use crate::error::Failure;
use crate::event::Event;
use crate::host::files;
use crate::survey::{Images, Repository};
use crate::version::Mode;

#[derive(Args)]
pub struct Build {
    /// Write the binary here (a file for one binary, a folder for several); builds for this machine unless --target says otherwise
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
}

impl Build {
    pub fn run(mut self, world: &World<'_>) -> Result<Product, Failure> {
        if self.output.is_some() && self.selection.targets.is_empty() {
            self.selection.targets = vec!["host".to_owned()];
        }
        let project = Project::open(world, &self.selection, None)?;
        let records = project.records()?;
        let aim = Aim { mode: Mode::Any, repository: Repository::Optional, images: Images::Unwanted };
        let (survey, plan) = project.plan_after_hooks(aim, &self.selection)?;
        world.events.send(Event::Stages(vec![("build", plan.builds.len())]));
        let built = build::build(&project.yard(&survey, &plan), &|_| {})?;
        let paths = match &self.output {
            Some(output) => place(&built, &world.dir().join(output))?,
            None => built.iter().map(|built| built.file.clone()).collect(),
        };
        records.write("build.json", &summary::build_record(&survey, &built))?;
        let product = Product::lines(paths.iter().map(|path| path.display().to_string()));
        Ok(product.with_data(serde_json::json!({ "binaries": built })))
    }
}

/// One binary goes where the path says, unless that is a folder; several go into a folder for each target.
fn place(built: &[Built], output: &std::path::Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = files::is_folder(output) || output.to_string_lossy().ends_with(std::path::MAIN_SEPARATOR);
    let several_targets = built.iter().any(|one| one.binary.target != built[0].binary.target);
    let mut paths = Vec::new();
    for one in built {
        let name = executable_name(&one.binary.service, &one.binary.target);
        let path = match (built.len(), several_targets) {
            (1, _) if !folder => output.to_owned(),
            (_, true) => output.join(one.binary.target.stem()).join(name),
            _ => output.join(name),
        };
        build::place(one, &path)?;
        paths.push(path);
    }
    Ok(paths)
}
