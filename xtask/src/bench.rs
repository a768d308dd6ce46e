//! `cargo xtask bench`: sealift and its peers side by side, interleaved in one run, as ratios.
//!
//! Every figure is the median of rounds in which both sides ran one after the other, each first in every other round.
//! Cold means an empty build cache and an empty store; modules and toolchains are there.

mod bare;
mod goreleaser;
mod history;
mod images;
mod measure;
mod report;
mod sbom;
mod scenario;
mod sizes;
mod subject;
mod trust;

use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::run::{built, cargo};
use crate::tools::Folder;
use report::{Report, Row};
use scenario::Lab;
pub use subject::{Lay, SUBJECTS, commit, tag};

const USAGE: &str = "cargo xtask bench [--subject service|nats|history|sbom|trust|all] [--rounds N] [--cold N] [--data DIR] [--json FILE]";

struct Wanted {
    subjects: Vec<&'static Lay>,
    history: bool,
    sbom: bool,
    trust: bool,
    rounds: Rounds,
    /// A folder with databases of vulnerabilities.
    data: Option<PathBuf>,
    json: Option<PathBuf>,
}

/// How often each scenario is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// With empty caches; 0 leaves these scenarios out.
    cold: usize,
    /// With warm ones; 0 leaves these out.
    warm: usize,
}

/// Measures, prints the table and writes the JSON; a missed limit is a failure.
pub fn run(arguments: &[String]) -> Outcome {
    let wanted = wanted(arguments)?;
    cargo()?.args(["build", "--release", "--package", "sealift"]).stream()?;
    let (sealift, folder) = (built("release")?, Folder::find()?);
    let mut report = Report::new();
    report.add(version(&sealift)?);
    if wanted.rounds.cold == 0 {
        report.extend(Err("cold scenarios (--cold 0)".to_owned()));
    }
    if wanted.rounds.warm == 0 {
        report.extend(Err("warm scenarios (--rounds 0)".to_owned()));
    }
    for lay in &wanted.subjects {
        let mut lab = Lab::prepare(lay, &sealift, &folder)?;
        for row in lab.rows(wanted.rounds)? {
            report.add(row);
        }
        if lay.name == "service" {
            report.extend(goreleaser::rows(&mut lab, &folder, wanted.rounds)?);
            if wanted.rounds.warm > 0 {
                report.extend(images::beside_ko(&mut lab, &folder, wanted.rounds)?);
                report.extend(images::beside_crane(&mut lab, &folder, wanted.rounds)?);
            }
        }
    }
    if wanted.history {
        let (rows, missing) = history::rows(&sealift, &folder, wanted.rounds)?;
        report.extend(Ok(rows));
        missing.into_iter().for_each(|why| report.extend(Err(why)));
    }
    if wanted.sbom {
        sbom::rows(&sealift, &folder, wanted.rounds, wanted.data.as_deref(), &mut report)?;
    }
    if wanted.trust {
        let (rows, missing) = trust::rows(&sealift, &folder, wanted.rounds)?;
        report.extend(Ok(rows));
        missing.into_iter().for_each(|why| report.extend(Err(why)));
    }
    report.print();
    if let Some(path) = &wanted.json {
        report.write(path)?;
    }
    report.verdict()
}

/// `sealift --version`, from before it is started until it has ended.
fn version(sealift: &std::path::Path) -> Result<Row, Failure> {
    let mut costs = Vec::new();
    for _ in 0..50 {
        let mut command = std::process::Command::new(sealift);
        costs.push(measure::run(command.arg("--version"))?);
    }
    Ok(Row::absolute("sealift", "--version", measure::median(costs.iter().map(|cost| cost.wall * 1e3)), 10.0, "ms"))
}

fn wanted(arguments: &[String]) -> Result<Wanted, Failure> {
    let rounds = Rounds { cold: 3, warm: 5 };
    let (subjects, data, json) = (SUBJECTS.iter().collect(), None, None);
    let mut wanted = Wanted { subjects, history: true, sbom: true, trust: true, rounds, data, json };
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(option) = rest.next() {
        let usage = || Failure::usage(format!("error: `{option}` is not understood here\nhint: {USAGE}"));
        let value = rest.next().ok_or_else(usage)?;
        match option {
            "--subject" => {
                let of = |name: &str| value == "all" || value == name;
                wanted.subjects = SUBJECTS.iter().filter(|lay| of(lay.name)).collect();
                (wanted.history, wanted.sbom, wanted.trust) = (of(history::NAME), of(sbom::NAME), of(trust::NAME));
                if wanted.subjects.is_empty() && !wanted.history && !wanted.sbom && !wanted.trust {
                    let names = SUBJECTS.iter().map(|lay| lay.name).chain([history::NAME, sbom::NAME, trust::NAME]);
                    return Err(Failure::unknown("subject", value, names, USAGE));
                }
            }
            "--data" => wanted.data = Some(std::path::absolute(value).map_err(|_| usage())?),
            "--cold" => wanted.rounds.cold = value.parse().map_err(|_| usage())?,
            "--rounds" => wanted.rounds.warm = value.parse().map_err(|_| usage())?,
            "--json" => wanted.json = Some(value.into()),
            _ => return Err(usage()),
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Wanted, Failure> {
        wanted(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        let wanted = of(&["--subject", "nats", "--rounds", "3", "--cold", "0", "--json", "a.json"]).unwrap();
        assert_eq!((wanted.subjects[0].name, wanted.subjects.len()), ("nats", 1));
        assert_eq!(wanted.rounds, Rounds { cold: 0, warm: 3 });
        for all in [of(&[]).unwrap(), of(&["--subject", "all"]).unwrap()] {
            assert!(all.subjects.len() == SUBJECTS.len() && all.history && all.sbom);
        }
        let history = of(&["--subject", "history"]).unwrap();
        assert!(history.subjects.is_empty() && history.history && !history.sbom && !wanted.history && !wanted.sbom);
        let sbom = of(&["--subject", "sbom", "--data", "/d"]).unwrap();
        assert!(sbom.sbom && !sbom.history && sbom.data == Some("/d".into()));
        let trust = of(&["--subject", "trust"]).unwrap();
        assert!(trust.subjects.is_empty() && trust.trust && !trust.history && !trust.sbom && !sbom.trust);
        for wrong in [&["--rounds", "x"][..], &["--rounds"], &["--cold", "-1"], &["--subject", "nets"], &["x", "y"]] {
            assert_eq!(of(wrong).map(|_| ()).unwrap_err().exit, 2, "{wrong:?}");
        }
    }
}
