//! `cargo xtask tidy`: what holds for the source tree as a whole, checked by reading it as text.
//!
//! Each rule is a function from a tree in memory to its violations, with tests that a violation is caught and that good
//! input passes. Code that is compiled for tests alone may name any module, touch files and print.

mod codes;
mod hygiene;
mod invariants;
mod io;
mod layers;
mod lengths;
mod names;
mod paths;
mod sources;
mod stages;

use std::fmt;

use crate::failure::{Failure, Outcome};
use crate::tree::Tree;
use crate::{generate, run};
use sources::Sources;

/// One place that breaks one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file.
    pub path: String,
    /// The line, counted from one; zero speaks of the whole file.
    pub line: usize,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.path, self.line.max(1), self.rule, self.message)
    }
}

/// Checks the tree, its generated parts included.
pub fn run(arguments: &[String]) -> Outcome {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!("error: tidy takes no arguments, found `{argument}`")));
    }
    sources()?;
    generate::check()
}

/// Checks what can be known from the text alone.
pub fn sources() -> Outcome {
    let violations = check(&Tree::read(&run::root()?)?);
    if violations.is_empty() {
        return Ok(());
    }
    let list = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let noun = if violations.len() == 1 { "violation" } else { "violations" };
    Err(Failure::refused(format!("{list}\nerror: {} {noun} of the rules in xtask/src/tidy.rs", violations.len())))
}

/// Applies every rule, sorted by place.
fn check(tree: &Tree) -> Vec<Violation> {
    let sources = Sources::read(tree);
    let mut violations = [
        layers::check(&sources),
        io::check(&sources),
        stages::check(tree, &sources),
        names::check(&sources),
        codes::check(&sources),
        lengths::check(&sources),
        invariants::check(tree, &sources),
        hygiene::check(tree, &sources),
    ]
    .concat();
    violations.sort();
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_runs_and_places_are_sorted() {
        let tree = Tree::of(&[
            ("src/lib.rs", "//! 1. Small. Enforced by: `no::such::test`\npub mod host;\npub mod cli;\n"),
            ("src/host/mod.rs", "use crate::cli::x;\nfn a() { println!(); todo!() }\n"),
            ("src/cli/plan.rs", "fn code(&self) -> &str { \"Bad Code\" }"),
            ("src/utils.rs", ""),
            ("xtask/src/long.rs", &"\n".repeat(451)),
        ]);
        let found = check(&tree);
        let rules: std::collections::BTreeSet<_> = found.iter().map(|violation| violation.rule).collect();
        let all = ["error-code", "file-length", "file-name", "hygiene", "invariant", "layer", "print", "stage"];
        assert_eq!(rules.into_iter().collect::<Vec<_>>(), all);
        assert!(found.is_sorted());
    }
}
