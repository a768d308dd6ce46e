//! What stays of a run: records for programs, a table for people.

use serde_json::{Value, json};

use crate::build::Built;
use crate::image::Made;
use crate::package::Packed;
use crate::survey::Survey;
use crate::table::{Column, Table, bytes, duration};

/// `.sealift/build.json`: which compiler built what. Written for people and for later stages; nothing in it is signed.
pub fn build_record(survey: &Survey, built: &[Built]) -> Value {
    let toolchains: Vec<Value> = survey
        .toolchains
        .iter()
        .map(|toolchain| {
            json!({
                "version": toolchain.version,
                "source": toolchain.facts.source,
                "trust": toolchain.facts.trust,
                "hash": toolchain.facts.hash,
                "identity": toolchain.identity,
            })
        })
        .collect();
    json!({ "toolchains": toolchains, "binaries": built })
}

/// One line for each platform of each image: compressed size, budget, digest, time, and whether it was made or found.
pub fn images(made: &[Made]) -> Table {
    let mut table = Table::new([
        Column::text("image"),
        Column::text("platform"),
        Column::number("size"),
        Column::number("budget"),
        Column::text("digest"),
        Column::number("time"),
        Column::text(""),
    ]);
    for (image, one) in made.iter().flat_map(|image| image.platforms.iter().map(move |one| (image, one))) {
        table.push([
            image.index.service.to_string(),
            one.image.target.to_string(),
            bytes(one.size),
            one.budget.map_or_else(|| "-".into(), bytes),
            one.image.artifact.digest().short(),
            duration(one.took),
            if one.cached { "cached".into() } else { "made".to_owned() },
        ]);
    }
    table
}

/// One line for each archive: target, size, budget, digest, time, and whether it was made or found.
pub fn table(packed: &[Packed], built: &[Built]) -> Table {
    let mut table = Table::new([
        Column::text("archive"),
        Column::text("target"),
        Column::number("size"),
        Column::number("budget"),
        Column::text("digest"),
        Column::number("time"),
        Column::text(""),
    ]);
    for one in packed {
        let binaries: Vec<&Built> = built
            .iter()
            .filter(|built| Some(&built.binary.target) == one.archive.target.as_ref())
            .filter(|built| one.archive.services.contains(&built.binary.service))
            .collect();
        let took = binaries.iter().map(|built| built.took).max().unwrap_or_default() + one.took;
        let cached = one.cached && binaries.iter().all(|built| built.cached);
        table.push([
            one.archive.name.to_string(),
            one.archive.target.as_ref().map_or_else(|| "source".into(), ToString::to_string),
            bytes(one.archive.artifact.size()),
            one.budget.map_or_else(|| "-".into(), bytes),
            one.archive.artifact.digest().short(),
            duration(took),
            if cached { "cached".into() } else { "built".to_owned() },
        ]);
    }
    table
}
