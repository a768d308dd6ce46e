//! `sealift sbom`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::World;
use super::project::{Aim, Project, Selection};
use super::release::{clean, write_sbom_record};
use super::source::{Bumped, Trace};
use crate::attest::{self, Dist, Placement, Reach, Source};
use crate::console::Product;
use crate::error::Failure;
use crate::host::{files, staging};
use crate::pipeline::make;
use crate::product::{SbomFile, SbomFormat};
use crate::refs::Signing;
use crate::sbom::{self, Listed, Role, Silent};
use crate::survey::{self, Images};
use crate::table::{Column, Table, bytes, duration};

#[derive(Args)]
pub struct Sbom {
    /// An executable, or a folder that holds some; else the binaries of this tree, built where they are not yet
    #[arg(value_name = "PATH")]
    of: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    making: Making,
}

/// How something that others may have built is read.
#[derive(Args)]
struct Reading {
    /// How the SBOM is written
    #[arg(long, value_name = "FORMAT", default_value = "cyclonedx", requires = "of")]
    format: Word,
    /// Write the SBOM here instead of to stdout
    #[arg(short, long, value_name = "FILE", requires = "of")]
    output: Option<PathBuf>,
    /// Make an SBOM, marked as incomplete, also of executables that do not tell what is in them
    #[arg(long, requires = "of")]
    incomplete: bool,
}

/// How the SBOMs of this tree are made.
#[derive(Args)]
struct Making {
    /// List this tree as a snapshot, whatever it is tagged
    #[arg(long, conflicts_with = "of")]
    snapshot: bool,
    /// Remove files from dist/ that sealift did not make
    #[arg(long, conflicts_with = "of")]
    clean: bool,
    #[command(flatten)]
    selection: Selection,
}

#[derive(Clone, Copy, ValueEnum)]
enum Word {
    Cyclonedx,
    Spdx,
}

impl Sbom {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        match &self.of {
            Some(of) => self.reading.run(world, of),
            None => self.making.run(world),
        }
    }
}

impl Reading {
    fn run(&self, world: &World<'_>, of: &Path) -> Result<Product, Failure> {
        let (path, epoch) = (world.path(of), survey::epoch(world.host)?);
        let silent = if self.incomplete { Silent::Admit } else { Silent::Refuse };
        let sbom = if files::is_folder(&path) {
            sbom::folder(&path, epoch.unwrap_or_default(), silent)?
        } else {
            sbom::file(&path, epoch, silent)?
        };
        let format = match self.format {
            Word::Cyclonedx => SbomFormat::CycloneDx,
            Word::Spdx => SbomFormat::Spdx,
        };
        let bytes = sbom::write(&sbom, format);
        let data = serde_json::json!({
            "format": format,
            "incomplete": sbom.incomplete,
            "components": sbom.parts.len(),
            "output": self.output,
        });
        let Some(output) = &self.output else {
            return Ok(Product::text(String::from_utf8_lossy(&bytes)).with_data(data));
        };
        let output = world.path(output);
        staging::write(&output, &bytes, 0o644)?;
        Ok(Product::lines([output.display().to_string()]).with_data(data).with_table(parts(&sbom)))
    }
}

impl Making {
    fn run(&self, world: &World<'_>) -> Result<Product, Failure> {
        let mut project = Project::open(world, &self.selection, None)?;
        let records = project.records()?;
        let mut source = project.enter(self.snapshot, &self.selection, (Signing::Configured, Trace::Named))?;
        let aim = Aim::release(self.snapshot, Images::Unwanted);
        let (survey, mut plan) = project.plan_after_hooks(aim, &self.selection)?;
        plan.packages.clear();
        let made = make(&project.yard(&survey, &plan), &project.places())?;
        let placement = |listed: &Listed| Placement {
            path: listed.file.name.clone().into(),
            source: Source::File { path: listed.path.clone(), artifact: listed.file.artifact },
        };
        let placements: Vec<Placement> = made.sboms.iter().map(placement).collect();
        let journal = records.path("dist.json");
        let dist = Dist { folder: &project.dist(), journal: &journal, reach: Reach::Sboms, clean: clean(self.clean) };
        attest::place(project.host, &dist, &placements)?;
        source.iter_mut().for_each(Bumped::keep);
        let sboms: Vec<SbomFile> = made.sboms.iter().map(|listed| listed.file.clone()).collect();
        write_sbom_record(&records, &sboms)?;
        let paths = sboms.iter().map(|sbom| project.dist().join(sbom.name.as_str()).display().to_string());
        let data = serde_json::json!({ "sboms": sboms });
        Ok(Product::lines(paths).with_data(data).with_table(files_of(&made.sboms)))
    }
}

/// One line for each part of what is listed.
fn parts(sbom: &sbom::Sbom) -> Table {
    let mut table = Table::new([Column::text("component"), Column::text("version"), Column::text("")]);
    for part in sbom.parts.values() {
        let word = match part.role {
            Role::Program => "program",
            Role::Toolchain => "toolchain",
            _ => "library",
        };
        table.push([part.name.as_str(), part.version.as_deref().unwrap_or("-"), word]);
    }
    table
}

/// One line for each SBOM of this tree.
fn files_of(sboms: &[Listed]) -> Table {
    let mut table = Table::new([
        Column::text("sbom"),
        Column::text("target"),
        Column::number("size"),
        Column::text("digest"),
        Column::number("time"),
        Column::text(""),
    ]);
    for listed in sboms {
        table.push([
            listed.file.name.to_string(),
            listed.file.target.to_string(),
            bytes(listed.file.artifact.size()),
            listed.file.artifact.digest().short(),
            duration(listed.took),
            if listed.cached { "cached".into() } else { "made".to_owned() },
        ]);
    }
    table
}
