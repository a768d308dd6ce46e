//! `cargo xtask ci`: what every commit must pass, cheapest first, stopped at the first failure.

use std::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::run::cargo;
use crate::{campaign, generate, service, test, tidy};

/// One step: its name and what it does.
type Step = (&'static str, fn() -> Outcome);

const STEPS: &[Step] = &[
    ("fmt", || cargo()?.args(["fmt", "--all", "--check"]).stream()),
    ("tidy", tidy::sources),
    ("clippy", || cargo()?.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).stream()),
    ("generated", generate::check),
    ("service", service::check),
    ("test", || test::run(&[])),
    ("mutants", campaign::changed),
    ("doc", || cargo()?.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").stream()),
];

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
        if let Err(failure) = outcome {
            let rest: Vec<_> = steps[at + 1..].iter().map(|(name, _)| *name).collect();
            let rest = if rest.is_empty() { String::new() } else { format!("; not run: {}", rest.join(", ")) };
            let message = format!("{}\nci: failed at {name} after {seconds:.1} s{rest}", failure.message.trim_end());
            return Err(Failure { message, ..failure });
        }
        done.push(format!("{name} {seconds:.1}"));
    }
    Ok(format!("ci: passed in {:.1} s ({})", start.elapsed().as_secs_f64(), done.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_ends_it_and_names_what_was_not_run() {
        let list: [Step; 4] = [
            ("a", || Ok(())),
            ("b", || Err(Failure::tool("error: no b"))),
            ("c", || panic!("runs after a failure")),
            ("d", || Ok(())),
        ];
        let failure = steps(&list).unwrap_err();
        assert_eq!(failure.exit, 6);
        assert!(failure.message.starts_with("error: no b\nci: failed at b after "), "{}", failure.message);
        assert!(failure.message.ends_with("; not run: c, d"), "{}", failure.message);
    }

    #[test]
    fn the_summary_names_every_step() {
        let summary = steps(&[("a", || Ok(())), ("b", || Ok(()))]).unwrap();
        assert!(summary.starts_with("ci: passed in ") && summary.contains("(a 0.0, b 0.0)"), "{summary}");
    }
}
