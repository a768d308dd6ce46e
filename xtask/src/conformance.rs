//! `cargo xtask conformance DIR`: sealift and govulncheck answer the same about real programs by a real database.
//!
//! DIR holds `go-vulndb.zip`, the Go vulnerability database as files. The programs are old releases from the module
//! proxy for several platforms; of each the set of (record, module, package, function) is compared, and the stripped
//! program must answer as the other one. `cargo xtask peers --data DIR` does the same with many more.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::run::{built, cargo, root};
use crate::scratch::Scratch;
use crate::specimen::findings::{DATABASE, Judge, govulncheck};
use crate::specimen::{PLATFORMS, SERVICES, Workshop};
use crate::tools;

/// The platforms that every commit is judged on: one of each form of executables. Twelve pairs with the quick services.
const EACH_FORM: usize = 3;

/// Runs every comparison; one that differs makes the run fail.
pub fn run(arguments: &[String]) -> Outcome {
    let [data] = arguments else {
        return Err(Failure::usage("error: which folder of data?\nhint: cargo xtask conformance DIR"));
    };
    judge(Path::new(data))
}

/// The folder of data that may lie beside a checkout.
pub fn beside() -> Result<Option<PathBuf>, Failure> {
    let data = root()?.join("../shared/data");
    Ok(data.join(DATABASE).is_file().then_some(data))
}

/// Compares by the database of a folder. The program is the one that the tests have just built too.
pub fn judge(data: &Path) -> Outcome {
    tools::ready("unzip")?;
    tools::ready("govulncheck")?;
    cargo()?.args(["build", "--package", "sealift"]).stream()?;
    let scratch = Scratch::new("conformance")?;
    let judge = Judge::open(data, scratch.path(), &built("debug")?, &govulncheck()?)?;
    let workshop = Workshop::open(scratch.path())?;
    let mut differing = Vec::new();
    for service in SERVICES.iter().filter(|service| service.quick) {
        for platform in PLATFORMS.into_iter().take(EACH_FORM) {
            let pair = service.on(platform);
            match judge.pair(&workshop, service, platform) {
                Ok(told) => println!("agreed    {pair}: {told}"),
                Err(failure) => {
                    println!("DIFFERS   {pair}: {}", failure.message);
                    differing.push(pair);
                }
            }
        }
    }
    match differing.is_empty() {
        true => Ok(()),
        false => Err(Failure::refused(format!("error: not as govulncheck: {}", differing.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_is_judged_by_twelve_pairs() {
        assert_eq!(SERVICES.iter().filter(|service| service.quick).count() * EACH_FORM, 12);
    }
}
