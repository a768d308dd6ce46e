//! `sealift sbom`.

mod diff;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::World;
use super::project::{self, Aim, Project, Selection};
use super::release::{clean, write_sbom_record};
use super::source::{Bumped, Trace};
use crate::attest::{self, Dist, Placement, Reach, Source};
use crate::config::Overrides;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::{files, staging};
use crate::image::Places;
use crate::pipeline::make;
use crate::product::{SbomFile, SbomFormat};
use crate::refs::Signing;
use crate::sbom::{self, Listed, Silent};
use crate::store::Store;
use crate::survey::{self, Images};
use crate::table::{Column, Table, bytes, duration};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sbom {
    #[command(subcommand)]
    word: Option<Word>,
    /// An executable, a folder that holds some, or an image (repository@sha256:…, oci:FOLDER[:NAME], oci-archive:FILE,
    /// docker-archive:FILE); else the binaries of this tree, built where they are not yet
    #[arg(value_name = "PATH")]
    of: Option<String>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    making: Making,
}

#[derive(Subcommand)]
enum Word {
    /// Say what is different between two of them: SBOM files, release folders, executables, folders, images
    Diff(diff::Diff),
}

/// How something that others may have built is read.
#[derive(Args)]
struct Reading {
    /// How the SBOM is written
    #[arg(long, value_name = "FORMAT", default_value = "cyclonedx", requires = "of")]
    format: Form,
    /// Write the SBOM here instead of to stdout
    #[arg(short, long, value_name = "FILE", requires = "of")]
    output: Option<PathBuf>,
    /// Make an SBOM, marked as incomplete, also of executables that do not tell what is in them
    #[arg(long, requires = "of")]
    incomplete: bool,
    /// Of an image for several platforms only the one for this
    #[arg(long, value_name = "OS/ARCH", requires = "of")]
    platform: Option<String>,
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
enum Form {
    Cyclonedx,
    Spdx,
}

impl Sbom {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        match (&self.word, &self.of) {
            (Some(Word::Diff(diff)), _) => diff.run(world),
            (None, Some(of)) => self.reading.run(world, of),
            (None, None) => self.making.run(world),
        }
    }
}

/// What a user asks to be listed.
struct Asked<'a> {
    of: &'a str,
    silent: Silent,
    platform: Option<&'a str>,
}

/// Lists an executable, a folder or an image.
fn list(world: &World<'_>, asked: &Asked<'_>) -> Result<sbom::Sbom, Failure> {
    let epoch = survey::epoch(world.host)?;
    let path = world.path(Path::new(asked.of));
    if let Some(place) = super::scan::imaged(&world.dir(), asked.of)? {
        let config = project::load(world, &Overrides::default())?.config;
        let (store, places) = (Store::open(&config.cache)?, Places::new(world.host, &config.registries, world.events));
        let opened = places.open(&place)?;
        let (root, source) = (opened.named()?, opened.source());
        let (name, platform, stage) = (asked.of, asked.platform, store.stage());
        return sbom::image(&sbom::Look { source, root: &root, name, platform, stage, created: epoch });
    }
    if asked.platform.is_some() {
        let message = format!("{} is no image, and --platform chooses one of an image's", asked.of);
        return Err(super::usage("usage.sbom-platform", Kind::Usage, message, None));
    }
    Ok(if files::is_folder(&path) {
        sbom::folder(&path, epoch.unwrap_or_default(), asked.silent)?
    } else {
        sbom::file(&path, epoch, asked.silent)?
    })
}

impl Reading {
    fn run(&self, world: &World<'_>, of: &str) -> Result<Product, Failure> {
        let silent = if self.incomplete { Silent::Admit } else { Silent::Refuse };
        let sbom = list(world, &Asked { of, silent, platform: self.platform.as_deref() })?;
        if sbom.incomplete && !self.incomplete {
            let text = format!("the SBOM of {of} is incomplete: it holds executables that do not tell what is in them");
            world.events.warn("sbom.incomplete", text);
        }
        let format = match self.format {
            Form::Cyclonedx => SbomFormat::CycloneDx,
            Form::Spdx => SbomFormat::Spdx,
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
        // Images that are in dist/ keep their lists, too.
        let imaged = !attest::recall_images(&project.dist(), &records.path("image.json"))?.is_empty();
        let aim = Aim::release(self.snapshot, if imaged { Images::Wanted } else { Images::Unwanted });
        let (survey, mut plan) = project.plan_after_hooks(aim, &self.selection)?;
        plan.packages.clear();
        let made = make(&project.yard(&survey, &plan), &project.places(), &project.released_layers(), None)?;
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
    let mut table =
        Table::new([Column::text("component"), Column::text("version"), Column::text(""), Column::text("license")]);
    for part in sbom.parts.values() {
        let license = part.license.as_deref().unwrap_or("-");
        table.push([part.name.as_str(), part.version.as_deref().unwrap_or("-"), part.role.word(), license]);
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
