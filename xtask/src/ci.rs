//! `cargo xtask ci`: what every commit must pass, cheapest first, stopped at the first failure.

use std::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::run::cargo;
use crate::{campaign, conformance, demo, generate, service, test, tidy};

/// One step: its name and what it does.
type Step = (&'static str, fn() -> Result<Ran, Failure>);

/// Whether a step that did not fail was run.
enum Ran {
    /// It was.
    Whole,
    /// It was not, and why.
    Not(&'static str),
}

const STEPS: &[Step] = &[
    ("fmt", || cargo()?.args(["fmt", "--all", "--check"]).stream().map(whole)),
    ("tidy", || tidy::sources().map(whole)),
    ("clippy", || {
        cargo()?.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).stream().map(whole)
    }),
    ("generated", || generate::check().map(whole)),
    ("service", || service::check().map(whole)),
    ("test", || test::run(&[]).map(whole)),
    // The first thing that a newcomer runs: it must never be the first to find out.
    ("demo", || demo::run(&[]).map(whole)),
    ("mutants", || campaign::changed().map(whole)),
    ("conformance", || match conformance::beside()? {
        Some(data) => conformance::judge(&data).map(whole),
        None => Ok(Ran::Not("there is no ../shared/data")),
    }),
    ("doc", || {
        cargo()?.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").stream().map(whole)
    }),
];

fn whole(_: ()) -> Ran {
    Ran::Whole
}

/// Runs every step and says how long each took.
pub fn run(arguments: &[String]) -> Outcome {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!("error: ci takes no arguments, found `{argument}`")));
    }
    let summary = steps(STEPS)?;
    eprintln!("{summary}");
    Ok(())
}

/// Runs steps in order; gives the line that sums them up, or the first failure with the steps that were not run.
fn steps(steps: &[Step]) -> Result<String, Failure> {
    let start = Instant::now();
    let mut done = Vec::new();
    for (at, (name, step)) in steps.iter().enumerate() {
        eprintln!("== {name}");
        let begin = Instant::now();
        let outcome = step();
        let seconds = begin.elapsed().as_secs_f64();
        eprintln!("== {name}: {seconds:.1} s");
        let ran = outcome.map_err(|failure| {
            let rest: Vec<_> = steps[at + 1..].iter().map(|(name, _)| *name).collect();
            let rest = if rest.is_empty() { String::new() } else { format!("; not run: {}", rest.join(", ")) };
            let message = format!("{}\nci: failed at {name} after {seconds:.1} s{rest}", failure.message.trim_end());
            Failure { message, ..failure }
        })?;
        done.push(match ran {
            Ran::Whole => format!("{name} {seconds:.1}"),
            Ran::Not(why) => {
                eprintln!("== {name}: not run: {why}");
                format!("{name} not run: {why}")
            }
        });
    }
    Ok(format!("ci: passed in {:.1} s ({})", start.elapsed().as_secs_f64(), done.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_ends_it_and_names_what_was_not_run() {
        let list: [Step; 4] = [
            ("a", || Ok(Ran::Whole)),
            ("b", || Err(Failure::tool("error: no b"))),
            ("c", || panic!("runs after a failure")),
            ("d", || Ok(Ran::Whole)),
        ];
        let failure = steps(&list).unwrap_err();
        assert_eq!(failure.exit, 6);
        assert!(failure.message.starts_with("error: no b\nci: failed at b after "), "{}", failure.message);
        assert!(failure.message.ends_with("; not run: c, d"), "{}", failure.message);
    }

    #[test]
    fn the_summary_names_every_step_and_those_that_were_not_run() {
        let summary = steps(&[("a", || Ok(Ran::Whole)), ("b", || Ok(Ran::Not("why")))]).unwrap();
        assert!(summary.starts_with("ci: passed in ") && summary.contains("(a 0.0, b not run: why)"), "{summary}");
    }
}
