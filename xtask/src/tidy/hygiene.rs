//! What must not be in any tracked file: one machine's paths, conflict markers, unfinished code, switched-off tests.

use super::Violation;
use super::sources::Sources;
use crate::source::Token;
use crate::tree::Tree;

/// Folders of one machine; written in two parts, so that this file passes its own rule.
const MACHINE: &[&str] = &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];

/// Names that belong to no person: a home folder of theirs is an example.
const NOBODY: &[&str] = &["me", "nobody", "nonroot", "somebody"];

/// Files that may name such a folder, each with its reason.
const ALLOWED: &[(&str, &str)] = &[];

const UNFINISHED: &[&str] = &["todo", "unimplemented"];

/// Checks every tracked file's text, and the tokens of every Rust file.
pub fn check(tree: &Tree, sources: &Sources<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut report = |path: &str, line, message| {
        violations.push(Violation { path: path.into(), line, rule: "hygiene", message });
    };
    for (path, text) in tree.files() {
        for (index, line) in text.lines().enumerate() {
            if is_conflict(line) {
                report(path, index + 1, "a conflict marker: finish the merge".to_owned());
            }
            if let Some(folder) = machine_path(line).filter(|_| !ALLOWED.iter().any(|(file, _)| *file == path)) {
                report(path, index + 1, format!("`{folder}` is a path of one machine: use a relative one"));
            }
        }
    }
    for (path, source) in sources.all() {
        for tokens in [&source.tokens, &source.test_tokens] {
            for token in unfinished(tokens) {
                report(path, token.line, format!("`{}!` is unfinished code: write it", token.text));
            }
            for token in ignored(tokens) {
                report(path, token.line, "an ignored test proves nothing: mend it or remove it".to_owned());
            }
        }
    }
    violations
}

/// Git writes seven signs and a space, or the seven alone between the sides; `=======` alone also underlines headings.
fn is_conflict(line: &str) -> bool {
    ["<", ">", "|"].iter().any(|sign| {
        let rest = line.strip_prefix(sign.repeat(7).as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

/// A machine's folder that starts a path: what stands before it is no part of a longer path or of an address.
fn machine_path(line: &str) -> Option<&'static str> {
    MACHINE.iter().copied().find(|folder| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let name = line[at + folder.len()..].split(|c: char| !c.is_alphanumeric()).next();
            let example = *folder == MACHINE[1] && name.is_some_and(|name| NOBODY.contains(&name));
            !example && !before.is_some_and(|c| c.is_alphanumeric() || "_-.}*/".contains(c))
        })
    })
}

fn unfinished<'t, 'a>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = &'t Token<'a>> {
    let found = tokens.windows(2).filter(|pair| UNFINISHED.iter().any(|name| pair[0].is(name)) && pair[1].is("!"));
    found.map(|pair| &pair[0])
}

/// `#[ignore…]`, and `ignore` as what a `cfg_attr` switches on.
fn ignored<'t, 'a>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = &'t Token<'a>> {
    let plain = tokens.windows(3).filter(|w| w[0].is("#") && w[1].is("[") && w[2].is("ignore")).map(|w| &w[2]);
    let starts = tokens.iter().enumerate().filter(|(_, token)| token.is("cfg_attr"));
    let conditional = starts.flat_map(|(at, _)| {
        let close = crate::source::closing(tokens, at + 1).unwrap_or(at);
        tokens[at..close].windows(2).filter(|w| w[0].is(",") && w[1].is("ignore")).map(|w| &w[1])
    });
    plain.chain(conditional)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let tree = Tree::of(&[(path, text)]);
        check(&tree, &Sources::read(&tree)).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn machine_paths_are_caught_in_any_file() {
        for folder in MACHINE {
            assert_eq!(lines("README.md", &format!("a\nsee {folder}x\n")), [2]);
            assert_eq!(lines("a.rs", &format!("\"{folder}x\"")), [1]);
            assert_eq!(
                lines("a.rs", &format!("https://example.com{folder}x $HOME{folder}y ../z{folder}")),
                [0usize; 0]
            );
        }
    }

    #[test]
    fn conflict_markers_are_caught_and_headings_are_not() {
        let marker = |sign: &str, rest: &str| format!("{}{rest}\n", sign.repeat(7));
        let text = marker("<", " HEAD") + "a\n" + &marker("=", "") + "b\n" + &marker(">", " branch");
        assert_eq!(lines("a.md", &text), [1, 5]);
        assert_eq!(lines("a.md", &(marker("=", "") + &marker("<", "<"))), [0usize; 0]);
    }

    #[test]
    fn unfinished_code_and_ignored_tests_are_caught() {
        assert_eq!(lines("src/a.rs", "fn f() {\n todo!() }\nfn g() { unimplemented!(\"x\") }"), [2, 3]);
        assert_eq!(lines("tests/a.rs", "#[cfg(test)]\nmod t {\n #[ignore = \"slow\"]\n fn f() {} }"), [3]);
        assert_eq!(lines("tests/a.rs", "#[cfg_attr(unix, ignore)]\nfn f() {}"), [1]);
    }

    #[test]
    fn words_in_prose_pass() {
        let text = "// todo!() and #[ignore]\nfn f() { \"todo!()\"; let todo = 1; ignore(); }";
        assert_eq!(lines("src/a.rs", text), [0usize; 0]);
    }
}
