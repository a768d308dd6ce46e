//! Tasks of this repository: `cargo xtask help`.

// These are the developer's own tools: they start programs, read the tree and print. Invariant 12 is the product's.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod bench;
mod campaign;
mod ci;
mod conformance;
mod demo;
mod failure;
mod generate;
mod loopback;
mod peers;
mod run;
mod scratch;
mod service;
mod source;
mod specimen;
mod test;
mod tidy;
mod tools;
mod tree;
mod words;

use std::process::ExitCode;

use failure::{Failure, Outcome};

/// One word of `cargo xtask`.
struct Task {
    word: &'static str,
    arguments: &'static str,
    line: &'static str,
    run: fn(&[String]) -> Outcome,
}

const TASKS: &[Task] = &[
    Task {
        word: "bench",
        arguments: "[OPTION…]",
        line: "sealift beside its peers: --subject service|nats|history|sbom|trust|all, --rounds N, --cold N, --data DIR, --json FILE",
        run: bench::run,
    },
    Task {
        word: "campaign",
        arguments: "NAME [--smoke]",
        line: "a long trial of one promise, or a sample of it: kill, repro, affected, race, fuzz, mutants",
        run: campaign::run,
    },
    Task {
        word: "ci",
        arguments: "",
        line: "what every commit must pass: fmt, clippy, tidy, test, doc, generated files, conformance where data lies beside",
        run: ci::run,
    },
    Task {
        word: "conformance",
        arguments: "DIR",
        line: "sealift scan and govulncheck answer the same about real services, by the database in DIR",
        run: conformance::run,
    },
    Task {
        word: "demo",
        arguments: "[--keep]",
        line: "a commit of a small Go service becomes a signed, verified release that runs",
        run: demo::run,
    },
    Task {
        word: "gen",
        arguments: "[--check]",
        line: "write the generated parts of README.md, or say which are stale",
        run: generate::run,
    },
    Task { word: "help", arguments: "", line: "this list", run: help },
    Task {
        word: "peers",
        arguments: "[OPTION…]",
        line: "other programs judge what sealift makes: --installed, --only PART, --data DIR (a vulnerability database)",
        run: peers::run,
    },
    Task {
        word: "test",
        arguments: "[ARGUMENT…]",
        line: "install what the tests need, then `cargo test --workspace` with these arguments",
        run: test::run,
    },
    Task {
        word: "tidy",
        arguments: "",
        line: "the rules of the source tree: layers, names, error codes, lengths, generated parts",
        run: tidy::run,
    },
    Task {
        word: "tools",
        arguments: "[NAME|TIER…]",
        line: "install the programs that the tests (or a tier: test, peers, bench, campaign) need into .tools/",
        run: tools::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.message.trim_end());
            ExitCode::from(failure.exit)
        }
    }
}

/// Runs the task that the first word names; no word is a question for help.
fn dispatch(arguments: &[String]) -> Outcome {
    let Some((word, rest)) = arguments.split_first() else { return help(&[]) };
    let word = if matches!(word.as_str(), "--help" | "-h") { "help" } else { word };
    match TASKS.iter().find(|task| task.word == word) {
        Some(task) => (task.run)(rest),
        None => Err(Failure::unknown("task", word, TASKS.iter().map(|task| task.word), "cargo xtask help")),
    }
}

fn help(_: &[String]) -> Outcome {
    println!("cargo xtask TASK\n");
    for task in TASKS {
        println!("  {:<22}{}", format!("{} {}", task.word, task.arguments), task.line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_task_names_the_nearest_and_is_a_usage_error() {
        let failure = dispatch(&["tydi".to_owned()]).unwrap_err();
        assert_eq!(failure.exit, 2);
        assert!(failure.message.contains("did you mean `tidy`"), "{}", failure.message);
    }

    #[test]
    fn an_unknown_task_that_is_near_nothing_points_at_help() {
        let failure = dispatch(&["zzzzzzzz".to_owned()]).unwrap_err();
        assert_eq!(failure.exit, 2);
        assert!(failure.message.contains("cargo xtask help"), "{}", failure.message);
    }

    #[test]
    fn tasks_are_sorted_and_distinct() {
        assert!(TASKS.windows(2).all(|pair| pair[0].word < pair[1].word));
    }
}
