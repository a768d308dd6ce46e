//! Programs that others wrote: govulncheck judges what is found in them, syft which modules are listed, and the official
//! validators the documents.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Peers, Verdicts, at};
use crate::failure::{Failure, Outcome};
use crate::run::Program;
use crate::specimen::findings::{DATABASE, Judge};
use crate::specimen::{PLATFORMS, SERVICES, Symbols, Workshop, modules};
use crate::tools::Folder;

impl Peers {
    /// Judges every pair of a service and a platform, and then all documents together. `data` holds the database.
    pub(super) fn programs(&self, data: Option<&Path>, verdicts: &mut Verdicts) -> Outcome {
        let dir = self.dir.join("programs");
        let documents = dir.join("documents");
        std::fs::create_dir_all(&documents).map_err(|error| at(&documents, &error))?;
        let folder = Folder::find()?;
        let judge = match (folder.anywhere("govulncheck"), data) {
            (Some(program), Some(data)) => Some(Judge::open(data, &dir, &self.sealift, &program)?),
            (Some(_), None) => {
                let why = format!("no database (--data DIR, with {DATABASE} in it)");
                verdicts.not_run("govulncheck", "finds the same functions in programs", &why);
                None
            }
            (None, _) => {
                verdicts.ask("govulncheck", "finds the same functions in programs", |_| Ok(String::new()));
                None
            }
        };
        let workshop = Workshop::open(&dir)?;
        for service in SERVICES {
            for platform in PLATFORMS {
                let pair = service.on(platform);
                let program = workshop.build(service, platform, Symbols::Kept)?;
                if let Some(judge) = &judge {
                    let stripped = workshop.build(service, platform, Symbols::Stripped)?;
                    let what = format!("finds the same in {pair}");
                    verdicts.ask("govulncheck", &what, |_| judge.compare(&program, &stripped));
                    remove(&stripped)?;
                }
                let cyclonedx = self.document(&program, &documents, "cyclonedx", "cdx")?;
                self.document(&program, &documents, "spdx", "spdx")?;
                verdicts.ask("syft", &format!("lists the same modules of {pair}"), |syft| {
                    modules::compare(&parsed(&cyclonedx)?, &program, syft)
                });
                remove(&program)?;
            }
        }
        valid(&documents, verdicts)
    }

    /// Writes an SBOM of a program.
    fn document(&self, program: &Path, into: &Path, format: &str, ending: &str) -> Result<PathBuf, Failure> {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let path = into.join(format!("{name}.{ending}.json"));
        let sbom = self.sealift(into)?.args(["--quiet", "sbom", "--format", format, "--output"]);
        sbom.args([path.as_path(), program]).output()?;
        Ok(path)
    }
}

/// Has the official validators judge all documents of a folder: CycloneDX strictly, SPDX with every rule.
pub(super) fn valid(folder: &Path, verdicts: &mut Verdicts) -> Outcome {
    let (cyclonedx, spdx) = (documents(folder, ".cdx.json")?, documents(folder, ".spdx.json")?);
    verdicts.ask("cyclonedx-python", "CycloneDX documents are strictly valid", |python| {
        // An environment is known by the path of its own python, not by a link to it.
        let python = std::fs::read_link(python).map_err(|error| at(python, &error))?;
        let script = ["-c", include_str!("validate.py")];
        some(&cyclonedx)?;
        Program::new(python).args(script).args(&cyclonedx).output().map(|told| told.trim().to_owned())
    });
    verdicts.ask("pyspdxtools", "SPDX documents are valid", |program| {
        some(&spdx)?;
        for document in &spdx {
            Program::new(program).args(["--infile"]).args([document]).output()?;
        }
        Ok(format!("{} documents", spdx.len()))
    });
    Ok(())
}

/// No document is no judgement.
fn some(documents: &[PathBuf]) -> Outcome {
    if documents.is_empty() { Err(Failure::refused("error: there is no document")) } else { Ok(()) }
}

/// The files of a folder whose names end so.
fn documents(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| at(folder, &error))?.flatten().map(|entry| entry.path());
    Ok(entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect())
}

fn parsed(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read(path).map_err(|error| at(path, &error))?;
    serde_json::from_slice(&text).map_err(|error| Failure::refused(format!("error: {}: {error}", path.display())))
}

fn remove(path: &Path) -> Outcome {
    std::fs::remove_file(path).map_err(|error| at(path, &error))
}
