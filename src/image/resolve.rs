//! `sealift://SERVICE` in anybody's YAML, replaced by an image's reference: textually, so that everything else stays.

use std::collections::BTreeMap;

use super::ImageError;

/// What stands before a service's name.
const SCHEME: &str = "sealift://";

/// Replaces every `sealift://SERVICE` of a text that is not in a comment. `file` is for messages.
///
/// # Errors
/// `image.unresolved` for a name that is no service.
pub fn resolve(file: &str, text: &str, images: &BTreeMap<String, String>) -> Result<String, ImageError> {
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let (mut rest, comment) = line.split_at(comment(line));
        while let Some(at) = rest.find(SCHEME) {
            out += &rest[..at];
            let after = &rest[at + SCHEME.len()..];
            let end = after.find(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).unwrap_or(after.len());
            let name = &after[..end];
            let reference = images.get(name).ok_or_else(|| ImageError::Unresolved {
                file: file.to_owned(),
                line: number + 1,
                name: name.chars().take(60).collect(),
                known: images.keys().cloned().collect(),
            })?;
            out += reference;
            rest = &after[end..];
        }
        out += rest;
        out += comment;
    }
    Ok(out)
}

/// Where a line's comment begins: at a `#` outside of quotes, at the start or after white space (YAML 1.2.2 §6.6).
fn comment(line: &str) -> usize {
    let mut quote = None;
    let mut before = ' ';
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return at,
            // A quote within a plain word is an apostrophe.
            (None, '"' | '\'') if before.is_whitespace() || "[{,:-(".contains(before) => quote = Some(c),
            // What is escaped ends nothing: `\"` in double quotes, a doubled quote in single ones.
            (Some('"'), '\\') => drop(chars.next()),
            (Some('\''), '\'') if chars.peek().is_some_and(|(_, next)| *next == '\'') => drop(chars.next()),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        before = c;
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Fault;

    fn images() -> BTreeMap<String, String> {
        [("api", "ghcr.io/a/api@sha256:aa"), ("web.v2", "r/web@sha256:bb")].map(|(a, b)| (a.into(), b.into())).into()
    }

    #[test]
    fn everything_else_stays() {
        let text = "# sealift://api is replaced\r\nspec:\n  - image: sealift://api # not 'sealift://api\n    \
                    name: 'it''s # \"sealift://web.v2\"'\n---\n\timage: [\"sealift://api\", sealift://web.v2,]\n  x: don't # sealift://no";
        let found = resolve("a.yaml", text, &images()).unwrap();
        assert_eq!(
            found,
            "# sealift://api is replaced\r\nspec:\n  - image: ghcr.io/a/api@sha256:aa # not 'sealift://api\n    \
             name: 'it''s # \"r/web@sha256:bb\"'\n---\n\timage: [\"ghcr.io/a/api@sha256:aa\", r/web@sha256:bb,]\n  x: don't # sealift://no"
        );
    }

    #[test]
    fn an_unknown_service_is_named_with_the_nearest() {
        let error = resolve("a.yaml", "a: 1\nimage: sealift://ap\n", &images()).unwrap_err();
        assert_eq!((error.code(), error.hint().unwrap().as_str()), ("image.unresolved", "did you mean sealift://api?"));
        assert!(error.to_string().starts_with("a.yaml:2: "), "{error}");
    }

    proptest! {
        #[test]
        fn a_text_without_services_is_the_same_text(text in "(?s)[ -~\n\r\t#'\"µ]{0,200}") {
            prop_assume!(!text.contains(SCHEME));
            prop_assert_eq!(resolve("a", &text, &images()).unwrap(), text);
        }
    }
}
