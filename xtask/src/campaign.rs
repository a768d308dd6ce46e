//! `cargo xtask campaign NAME`: long trials of one promise, run before a release; each has a short sample (`--smoke`).

mod affected;
mod faults;
mod kill;
mod moments;
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

/// A campaign's name and what runs it.
type Campaign = (&'static str, fn(Extent) -> Outcome);

const CAMPAIGNS: &[Campaign] =
    &[("kill", kill::run), ("repro", repro::run), ("affected", affected::run), ("race", race::run)];

/// Runs the named campaign.
pub fn run(arguments: &[String]) -> Outcome {
    let (name, extent) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [name] => (name, Extent::Full),
        [name, "--smoke"] | ["--smoke", name] => (name, Extent::Smoke),
        _ => {
            return Err(Failure::usage(
                "error: which campaign?\nhint: cargo xtask campaign kill|repro|affected|race [--smoke]",
            ));
        }
    };
    let known = CAMPAIGNS.iter().map(|(name, _)| *name);
    let campaign = CAMPAIGNS.iter().find(|(known, _)| *known == name);
    let (_, campaign) = campaign
        .ok_or_else(|| Failure::unknown("campaign", name, known, "cargo xtask campaign kill|repro|affected|race"))?;
    // A tool of another system is not asked for.
    for tool in ["go", "strace", "faketime"] {
        tools::ready(tool)?;
    }
    campaign(extent)
}

/// Runs the samples that no end-to-end test stands for: those of `repro`, `affected` and `race` are
/// tests/e2e/reproducible.rs, affected.rs and refs.rs.
pub fn smoke() -> Outcome {
    eprintln!("== campaign kill --smoke");
    kill::run(Extent::Smoke)
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
    }
}
