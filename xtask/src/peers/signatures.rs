//! The table of programs that sign and verify.

use super::Verdicts;
use crate::failure::{Failure, Outcome};
use crate::run::cargo;
use crate::tools::Folder;

/// The table of programs that sign and verify: one test prints a line for each cell. Those that need no more than `test`
/// does belong to it, too.
pub(super) fn judge(verdicts: &mut Verdicts) -> Outcome {
    let folder = Folder::find()?;
    let run = |tests: &[&str]| -> Result<Vec<String>, Failure> {
        let told = cargo()?
            .args(["test", "--package", "sealift", "--test"])
            .args(tests)
            .args(["--nocapture", "--test-threads=1"])
            .env("SEALIFT_TEST_TOOLS", folder.dir())
            .env("PATH", folder.path()?)
            .output()?;
        Ok(told.lines().filter_map(cell).map(str::to_owned).collect())
    };
    let mut cells = run(&["e2e", "--", "interop::"])?;
    if folder.anywhere("cosign").is_some() {
        cells.extend(run(&["peers", "--", "cosign::"])?);
    } else {
        println!("NOT RUN   cosign: blob, image, attestation and identity: not installed (cargo xtask tools cosign)");
        verdicts.missing.push("cosign".to_owned());
    }
    println!("{}", cells.join("\n"));
    if cells.is_empty() { Err(Failure::refused("error: no signature was judged")) } else { Ok(()) }
}

/// A line of the table; the first of a test comes behind the test's own name.
fn cell(line: &str) -> Option<&str> {
    let line = line.rsplit_once(" ... ").map_or(line, |(_, told)| told);
    line.contains(" -> ").then_some(line)
}
