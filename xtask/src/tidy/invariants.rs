//! Every numbered invariant in lib.rs's documentation names what enforces it, and that exists.
//!
//! The form is `//! 4. Nothing half-made is visible. Enforced by: host::files::tests::name, tests/e2e/build.rs`, on as many
//! lines as it needs; backticks are optional. A name is a file of the tree, `file.rs::function`, or a path to a function.

use super::Violation;
use super::sources::{Sources, module_path};
use crate::tree::Tree;

const LIB: &str = "src/lib.rs";

/// One numbered item.
struct Invariant {
    number: usize,
    line: usize,
    text: String,
}

/// Checks numbering and names. A program that has commands has invariants.
pub fn check(tree: &Tree, sources: &Sources<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut report = |line, message| violations.push(Violation { path: LIB.into(), line, rule: "invariant", message });
    let invariants = invariants(tree.text(LIB).unwrap_or(""));
    if invariants.is_empty() && tree.has_folder("src/cli") {
        report(0, "the crate's documentation numbers no invariants".to_owned());
    }
    for (at, invariant) in invariants.iter().enumerate() {
        let number = invariant.number;
        if number != at + 1 {
            report(invariant.line, format!("invariant {number} stands where {} is due", at + 1));
        }
        let checks = checks(&invariant.text);
        if checks.is_empty() {
            report(invariant.line, format!("invariant {number} does not say `Enforced by: ` and a test or file"));
        }
        for check in checks.iter().filter(|check| !exists(check, tree, sources)) {
            report(invariant.line, format!("invariant {number} is enforced by `{check}`, which does not exist"));
        }
    }
    violations
}

/// The numbered items of a file's `//!` lines; an item ends at the next number, an empty line or a heading.
fn invariants(lib: &str) -> Vec<Invariant> {
    let mut found: Vec<Invariant> = Vec::new();
    let mut open = false;
    for (index, line) in lib.lines().enumerate() {
        let Some(doc) = line.trim_start().strip_prefix("//!").map(str::trim) else { break };
        if let Some((number, text)) = doc.split_once(". ").and_then(|(n, text)| Some((n.parse().ok()?, text))) {
            found.push(Invariant { number, line: index + 1, text: text.to_owned() });
            open = true;
        } else if doc.is_empty() || doc.starts_with('#') {
            open = false;
        } else if let Some(last) = found.last_mut().filter(|_| open) {
            last.text = format!("{} {doc}", last.text);
        }
    }
    found
}

/// The names after "enforced by:".
fn checks(text: &str) -> Vec<&str> {
    let Some(at) = text.to_ascii_lowercase().find("enforced by:") else { return Vec::new() };
    let names = text[at + "enforced by:".len()..].split([',', ';', ' ']);
    let names = names.map(|name| name.trim_matches(|c: char| "`.()[]".contains(c)));
    names.filter(|name| !name.is_empty() && *name != "and").collect()
}

fn exists(check: &str, tree: &Tree, sources: &Sources<'_>) -> bool {
    if tree.text(check).is_some() {
        return true;
    }
    let Some((place, function)) = check.rsplit_once("::") else { return false };
    if place.ends_with(".rs") {
        return sources.get(place).is_some_and(|_| defines(place, function, sources));
    }
    sources.all().any(|(path, _)| is_at(path, place, sources) && defines(path, function, sources))
}

/// Whether a file is where a module path says: every segment is a folder, the file, or a module inside the file.
fn is_at(path: &str, place: &str, sources: &Sources<'_>) -> bool {
    let folders = module_path(path);
    let inside = |name: &str| {
        sources.get(path).is_some_and(|source| {
            [&source.tokens, &source.test_tokens]
                .iter()
                .any(|tokens| tokens.windows(2).any(|pair| pair[0].is("mod") && pair[1].is(name)))
        })
    };
    place.split("::").all(|segment| {
        matches!(segment, "crate" | "sealift" | "sealift_trust") || folders.contains(&segment) || inside(segment)
    })
}

fn defines(path: &str, function: &str, sources: &Sources<'_>) -> bool {
    sources.get(path).is_some_and(|source| {
        [&source.tokens, &source.test_tokens]
            .iter()
            .any(|tokens| tokens.windows(2).any(|pair| pair[0].is("fn") && pair[1].is(function)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[(&str, &str)] = &[
        ("src/host/files.rs", "#[cfg(test)]\nmod tests { fn renames() {} }"),
        ("tests/e2e/plan.rs", "fn dry_run_writes_nothing() {} // fn commented() {}"),
        ("clippy.toml", ""),
    ];

    fn messages(lib: &str) -> Vec<String> {
        let files: Vec<_> = FILES.iter().copied().chain([(LIB, lib)]).collect();
        let tree = Tree::of(&files);
        check(&tree, &Sources::read(&tree)).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn every_form_of_name_that_exists_passes() {
        let lib = "//! Title.\n//!\n//! 1. One thing. Enforced by: `host::files::tests::renames`,\n//!    `clippy.toml`.\n\
                   //! 2. Two. enforced by: tests/e2e/plan.rs::dry_run_writes_nothing and e2e::plan::dry_run_writes_nothing\n\
                   //!\n//! Prose.\npub mod host;\n// 9. no documentation\n";
        assert_eq!(messages(lib), [""; 0]);
    }

    #[test]
    fn a_name_that_does_not_exist_is_caught() {
        for name in [
            "host::files::tests::gone",
            "store::tests::renames",
            "tests/e2e/gone.rs",
            "tests/e2e/plan.rs::commented",
            "renames",
        ] {
            let found = messages(&format!("//! 1. One. Enforced by: `{name}`\n"));
            assert!(found.len() == 1 && found[0].contains(name), "{name}: {found:?}");
        }
    }

    #[test]
    fn silence_and_gaps_are_caught() {
        assert!(messages("//! 1. One thing.\n")[0].contains("does not say"));
        assert!(messages("//! 1. One. Enforced by:\n")[0].contains("does not say"));
        assert!(messages("//! 2. Two. Enforced by: clippy.toml\n")[0].contains("stands where 1 is due"));
    }

    #[test]
    fn a_program_with_commands_has_invariants() {
        let tree = Tree::of(&[(LIB, "//! Title.\n"), ("src/cli/mod.rs", "")]);
        assert_eq!(check(&tree, &Sources::read(&tree)).len(), 1);
        assert_eq!(messages("//! Title.\n"), [""; 0]);
    }
}
