//! Error codes are an interface: each has the form `area.what-is-wrong` and belongs to one function, `fn code` of one enum.

use std::collections::BTreeMap;

use super::Violation;
use super::sources::Sources;
use crate::source::{Kind, Token, closing};

/// Functions whose first argument may be the value.
const CARRIERS: &[&str] = &["map_or", "unwrap_or", "Some"];

/// Checks every string literal that the body of a `fn code` can give.
pub fn check(sources: &Sources<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut owners: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for (path, tokens) in sources.product() {
        for body in bodies(tokens) {
            let start = body.first().map_or(0, |token| token.line);
            for token in literals(body) {
                let mut report = |message| {
                    violations.push(Violation { path: path.into(), line: token.line, rule: "error-code", message });
                };
                if !is_code(token.text) {
                    report(format!("`{}` is no error code: write `area.what-is-wrong` in small letters", token.text));
                }
                let owner = *owners.entry(token.text).or_insert((path, start));
                if owner != (path, start) {
                    report(format!("`{}` is already a code in {}:{}", token.text, owner.0, owner.1));
                }
            }
        }
    }
    violations
}

/// The bodies of the functions called `code`.
fn bodies<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let starts = (0..tokens.len().saturating_sub(2))
        .filter(|at| tokens[*at].is("fn") && tokens[at + 1].is("code") && tokens[at + 2].is("("));
    let body = |at: usize| {
        let open = closing(tokens, at + 2)?;
        let open = open + tokens[open..].iter().position(|token| token.is("{") || token.is(";"))?;
        tokens[open].is("{").then(|| closing(tokens, open).map(|close| &tokens[open..close]))?
    };
    starts.filter_map(body).collect()
}

/// The string literals that stand where a value stands: not in a pattern, not in a comparison, not handed to a call.
fn literals<'t, 'a>(body: &'t [Token<'a>]) -> impl Iterator<Item = &'t Token<'a>> {
    let sign = |at: Option<usize>, text: &str| at.and_then(|at| body.get(at)).is_some_and(|token| token.is(text));
    let is_value = move |at: usize| {
        let before = |back: usize| at.checked_sub(back);
        let arm = sign(before(1), ">") && sign(before(2), "=");
        let bound = sign(before(1), "=") && before(2).is_some_and(|two| body[two].kind == Kind::Word);
        let carried = sign(before(1), "(") && CARRIERS.iter().any(|name| sign(before(2), name));
        let begins = ["{", "}", ";", "return"].iter().any(|text| sign(before(1), text));
        let pattern = ["=", "|", "if"].iter().any(|text| sign(Some(at + 1), text));
        (arm || bound || carried || begins) && !pattern
    };
    let found = body.iter().enumerate().filter(|(_, token)| token.kind == Kind::Text);
    found.filter(move |(at, _)| is_value(*at)).map(|(_, token)| token)
}

/// `^[a-z]+(\.[a-z0-9-]+)+$`
fn is_code(text: &str) -> bool {
    let mut parts = text.split('.');
    let area = parts.next().is_some_and(|area| !area.is_empty() && area.bytes().all(|b| b.is_ascii_lowercase()));
    let rest: Vec<&str> = parts.collect();
    let word = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    area && !rest.is_empty() && rest.iter().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::of(files);
        check(&Sources::read(&tree)).into_iter().map(|violation| violation.to_string()).collect()
    }

    fn function(body: &str) -> String {
        format!("impl E {{ fn code(&self) -> &'static str {{ match self {{ {body} }} }} }}")
    }

    #[test]
    fn the_form_of_a_code() {
        for good in ["a.b", "file.no-space", "trust.key.weak-2"] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "a", "a.", ".b", "A.b", "a.b_c", "a..b", "a1.b", "a.b "] {
            assert!(!is_code(bad), "{bad}");
        }
    }

    #[test]
    fn a_bad_form_is_caught_at_its_line() {
        let text = function("A => \"file.missing\",\nB => \"Missing\",");
        let found = messages(&[("src/a.rs", &text)]);
        assert!(
            found.len() == 1 && found[0].starts_with("src/a.rs:2: ") && found[0].contains("`Missing`"),
            "{found:?}"
        );
    }

    #[test]
    fn two_enums_may_not_share_a_code_but_two_arms_may() {
        let one = function("A => \"file.missing\", B => \"file.missing\"");
        assert_eq!(messages(&[("src/a.rs", &one)]), [""; 0]);
        let found = messages(&[("src/a.rs", &one), ("src/b.rs", &function("A => \"file.missing\""))]);
        assert!(found.len() == 1 && found[0].contains("already a code in src/a.rs:1"), "{found:?}");
        let same_file = format!("{one}\n{}", function("A => \"file.missing\""));
        assert_eq!(messages(&[("src/a.rs", &same_file)]).len(), 1);
    }

    #[test]
    fn every_place_of_a_value_counts_and_no_other() {
        let values = [
            "\"X\"",
            "return \"X\";",
            "match self { A => \"X\", }",
            "match self { A => { \"X\" } }",
            "if a { b } else { \"X\" }",
            "let c = \"X\"; c",
            "self.0.map_or(\"X\", E::code)",
        ];
        for value in values {
            assert_eq!(messages(&[("src/a.rs", &format!("fn code() {{ {value} }}"))]).len(), 1, "{value}");
        }
        let others = [
            "if w.contains(\"X\") { a }",
            "match a { \"X\" => b, \"Y\" | \"Z\" => c, \"W\" if d => e }",
            "match a { A { name: \"X\", .. } => b, }",
            "if a == \"X\" { b }",
        ];
        for other in others {
            assert_eq!(messages(&[("src/a.rs", &format!("fn code() {{ {other} }}"))]), [""; 0], "{other}");
        }
    }

    #[test]
    fn declarations_delegations_and_tests_pass() {
        let text = "trait F { fn code(&self) -> &'static str; }\nfn other() { \"Not a code\"; }\n\
                    fn code(&self) -> u16 { self.0.code() }\n\
                    fn code(w: &str) -> &str { if w.contains(\"Some words\") { \"a.b\" } else { \"a.c\" } }\n\
                    #[cfg(test)]\nmod tests { fn code() -> &'static str { \"X\" } }\n";
        assert_eq!(messages(&[("src/a.rs", text)]), [""; 0]);
    }
}
