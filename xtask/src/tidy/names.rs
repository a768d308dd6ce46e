//! Files and modules are named after what they hold, never after the fact that they hold something.

use super::Violation;
use super::sources::Sources;

const BANNED: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "core", "manager", "managers", "imp", "impl", "misc"];

const BANNED_ENDINGS: &[&str] = &["_util", "_utils", "_helper", "_helpers", "_common", "_misc"];

/// Checks file, folder and inline module names in `src/` and `xtask/`.
pub fn check(sources: &Sources<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, source) in sources.all().filter(|(path, _)| path.starts_with("src/") || path.starts_with("xtask/")) {
        let mut report = |line, name: &str| {
            let message = format!("`{name}` says nothing: name it after the noun that it holds");
            violations.push(Violation { path: path.into(), line, rule: "file-name", message });
        };
        for part in path.trim_end_matches(".rs").split('/').filter(|part| is_banned(part)) {
            report(0, part);
        }
        for tokens in [&source.tokens, &source.test_tokens] {
            for pair in tokens.windows(2).filter(|pair| pair[0].is("mod") && is_banned(pair[1].text)) {
                report(pair[1].line, pair[1].text);
            }
        }
    }
    violations
}

fn is_banned(name: &str) -> bool {
    BANNED.contains(&name) || BANNED_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let tree = Tree::of(&[(path, text)]);
        check(&Sources::read(&tree)).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn containers_are_refused_as_file_folder_and_module() {
        assert_eq!(lines("src/utils.rs", ""), [0]);
        assert_eq!(lines("src/common/mod.rs", ""), [0]);
        assert_eq!(lines("xtask/src/git_helpers.rs", ""), [0]);
        assert_eq!(lines("src/a.rs", "\nmod misc { }"), [2]);
        assert_eq!(lines("src/a.rs", "#[cfg(test)]\nmod helpers;"), [2]);
    }

    #[test]
    fn nouns_pass() {
        assert_eq!(lines("src/score.rs", "mod receipt; // mod utils"), [0usize; 0]);
        assert_eq!(lines("tests/common/mod.rs", ""), [0usize; 0]);
    }
}
