//! Which modules syft and sealift list of a program, as sets that can be compared.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::run::Program;

/// Name, version and hash of modules; the last two are empty where they are not known.
type Modules = BTreeSet<[String; 3]>;

/// Compares the modules of a CycloneDX document of sealift's with those that syft lists of the program; says how many
/// there are.
pub fn compare(document: &Value, program: &Path, syft: &Path) -> Result<String, Failure> {
    let (ours, theirs) = (ours(document), theirs(program, syft)?);
    if theirs.len() < 2 {
        return Err(Failure::refused("error: syft lists nothing but the standard library"));
    }
    let first = |one: &Modules, other: &Modules| one.difference(other).next().map(|odd| odd.join(" "));
    match (first(&theirs, &ours), first(&ours, &theirs)) {
        (None, None) => Ok(format!("{} modules", ours.len())),
        (theirs, ours) => Err(Failure::refused(format!("error: syft alone lists {theirs:?}, sealift alone {ours:?}"))),
    }
}

/// The program's own module is the document's subject, the others are components. The toolchain is in no program, and
/// syft lists none.
fn ours(document: &Value) -> Modules {
    let components = std::iter::once(&document["metadata"]["component"]).chain(array(&document["components"]));
    let modules = components.filter(|part| {
        let purl = part["purl"].as_str().unwrap_or_default();
        purl.starts_with("pkg:golang/") && !purl.starts_with("pkg:golang/toolchain@")
    });
    modules
        .map(|part| {
            let sum = array(&part["properties"]).find(|property| property["name"] == "sealift:go:sum");
            [text(&part["name"]), text(&part["version"]), sum.map(|sum| text(&sum["value"])).unwrap_or_default()]
        })
        .collect()
}

fn theirs(program: &Path, syft: &Path) -> Result<Modules, Failure> {
    let told = Program::new(syft)
        .env("SYFT_CHECK_FOR_APP_UPDATE", "false")
        .args(["scan", "--quiet", "--output", "syft-json"])
        .args([format!("file:{}", program.display())])
        .output()?;
    let told: Value = serde_json::from_str(&told).map_err(|error| Failure::tool(format!("error: syft: {error}")))?;
    let modules = array(&told["artifacts"]).filter(|part| part["type"] == "go-module");
    Ok(modules
        .map(|part| [text(&part["name"]), text(&part["version"]), text(&part["metadata"]["h1Digest"])])
        .map(|[name, version, sum]| [name, if version == "UNKNOWN" { String::new() } else { version }, sum])
        .collect())
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
