//! A file that needs a table of contents is two files.

use super::Violation;
use super::sources::Sources;

/// Lines that are always compiled, comments and blank lines included.
const LONGEST: usize = 450;

/// Files that may be longer, each with its reason.
const ALLOWED: &[(&str, &str)] = &[];

/// Checks the files of `src/` and `xtask/`.
pub fn check(sources: &Sources<'_>) -> Vec<Violation> {
    check_with(sources, ALLOWED)
}

fn check_with(sources: &Sources<'_>, allowed: &[(&str, &str)]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, source) in sources.all().filter(|(path, _)| path.starts_with("src/") || path.starts_with("xtask/")) {
        let lines = source.product_lines();
        let excused = allowed.iter().any(|(file, _)| *file == path);
        let message = match (lines > LONGEST && !sources.is_test(path), excused) {
            (true, false) => format!("{lines} lines without tests, {LONGEST} at most: split it where its nouns part"),
            (false, true) => "no longer too long: take it off the list in xtask/src/tidy/lengths.rs".to_owned(),
            _ => continue,
        };
        violations.push(Violation { path: path.into(), line: 0, rule: "file-length", message });
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn count(path: &str, text: &str, allowed: &[(&str, &str)]) -> usize {
        let tree = Tree::of(&[(path, text)]);
        check_with(&Sources::read(&tree), allowed).len()
    }

    #[test]
    fn the_limit_counts_what_is_not_test() {
        let lines = |n: usize| "// x\n".repeat(n);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}fn f() {{}}\n}}\n", lines(500));
        assert_eq!(count("src/a.rs", &lines(451), &[]), 1);
        assert_eq!(count("src/a.rs", &(lines(450) + &tests), &[]), 0);
        assert_eq!(count("tests/e2e/a.rs", &lines(451), &[]), 0);
    }

    #[test]
    fn an_excuse_must_be_needed() {
        assert_eq!(count("src/a.rs", &"\n".repeat(451), &[("src/a.rs", "a table")]), 0);
        assert_eq!(count("src/a.rs", "\n", &[("src/a.rs", "a table")]), 1);
    }
}
