//! `cargo xtask campaign NAME`: long trials of one promise, run before a release; each has a short sample (`--smoke`).

mod affected;
mod faults;
mod fuzz;
mod kill;
mod moments;
mod mutants;
mod points;
mod race;
mod repro;
mod scene;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trace;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "campaign/untraced.rs"]
mod trace;
mod variation;

use crate::failure::{Failure, Outcome};
use crate::tools;

/// How much of a campaign is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    Full,
    /// A sample, fixed by a seed, for every commit.
    Smoke,
}

/// What is asked of a campaign.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// How much.
    pub extent: Extent,
    /// The only parts of it to run, by their names; none means all.
    pub only: &'a [&'a str],
}

/// A campaign: its name, the tools that it needs (one of another system is not asked for), and what runs it.
struct Campaign {
    name: &'static str,
    tools: &'static [&'static str],
    run: fn(&Trial<'_>) -> Outcome,
}

const CAMPAIGNS: &[Campaign] = &[
    Campaign { name: "kill", tools: BUILDS, run: |trial| kill::run(trial.whole()?) },
    Campaign { name: "repro", tools: BUILDS, run: |trial| repro::run(trial.whole()?) },
    Campaign { name: "affected", tools: BUILDS, run: |trial| affected::run(trial.whole()?) },
    Campaign { name: "race", tools: BUILDS, run: |trial| race::run(trial.whole()?) },
    Campaign { name: "fuzz", tools: &["c++", "openssl"], run: fuzz::run },
    Campaign { name: "mutants", tools: &["openssl", "cargo-mutants"], run: mutants::run },
];

/// What a campaign needs that builds services.
const BUILDS: &[&str] = &["go", "strace", "faketime"];

const USAGE: &str = "cargo xtask campaign kill|repro|affected|race|fuzz|mutants [PART…] [--smoke]";

impl Trial<'_> {
    /// The extent of a campaign that has no parts.
    fn whole(&self) -> Result<Extent, Failure> {
        match self.only.first() {
            None => Ok(self.extent),
            Some(part) => Err(Failure::usage(format!("error: this campaign has no part `{part}`\nhint: {USAGE}"))),
        }
    }
}

/// Runs the named campaign.
pub fn run(arguments: &[String]) -> Outcome {
    let (flags, words): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|word| word.starts_with('-'));
    let extent = match flags[..] {
        [] => Extent::Full,
        ["--smoke"] => Extent::Smoke,
        _ => return Err(Failure::usage(format!("error: `{}` is no option here\nhint: {USAGE}", flags.join(" ")))),
    };
    let Some((name, only)) = words.split_first() else {
        return Err(Failure::usage(format!("error: which campaign?\nhint: {USAGE}")));
    };
    let campaign = CAMPAIGNS.iter().find(|campaign| campaign.name == *name);
    let known = CAMPAIGNS.iter().map(|campaign| campaign.name);
    let campaign = campaign.ok_or_else(|| Failure::unknown("campaign", name, known, USAGE))?;
    for tool in campaign.tools {
        tools::ready(tool)?;
    }
    (campaign.run)(&Trial { extent, only })
}

/// Runs the samples that no end-to-end test stands for: those of `repro`, `affected` and `race` are
/// tests/e2e/reproducible.rs, affected.rs and refs.rs, and `mutants` is of the changes alone (`cargo xtask ci`).
pub fn smoke() -> Outcome {
    eprintln!("== campaign kill --smoke");
    kill::run(Extent::Smoke)?;
    eprintln!("== campaign fuzz --smoke");
    fuzz::run(&Trial { extent: Extent::Smoke, only: &[] })
}

/// Tries the changes that a commit makes to the verifying core, where that is possible.
pub fn changed() -> Outcome {
    mutants::changed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_named() {
        let failure = |words: &[&str]| run(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()).unwrap_err();
        assert_eq!(failure(&[]).exit, 2);
        assert_eq!(failure(&["kill", "--fast"]).exit, 2);
        assert!(failure(&["kil"]).message.contains("did you mean `kill`"), "{}", failure(&["kil"]).message);
        let trial = Trial { extent: Extent::Full, only: &["fresh"] };
        assert_eq!(trial.whole().unwrap_err().exit, 2);
    }
}
