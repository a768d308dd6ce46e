//! Text from outside, made safe to show: what a terminal would obey or hide is spelled out instead (invariant 10).

use std::borrow::Cow;
use std::fmt::Write;

/// Which characters the other side can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Only ASCII is sure to arrive.
    Ascii,
    /// UTF-8.
    Unicode,
}

impl Charset {
    /// What stands for text that was left out.
    pub fn ellipsis(self) -> &'static str {
        match self {
            Self::Ascii => "...",
            Self::Unicode => "…",
        }
    }
}

/// Whether a character commands a terminal, reorders text or cannot be seen: C0 (but tab and line feed), DEL, C1, the
/// bidirectional controls and isolates (Unicode UAX #9, the "Trojan Source" characters), line and paragraph separators,
/// zero-width fillers, and the invisible tag characters.
pub fn is_hazard(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Spells out every hazard as `\u{…}`; line feeds and tabs stay, and a Windows line end becomes a line feed.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        return Cow::Owned(spell_out(&text.replace("\r\n", "\n"), is_hazard).into_owned());
    }
    spell_out(text, is_hazard)
}

/// Like [`sanitize`], and line feeds and tabs are spelled out too, so that one value stays on one line.
pub fn sanitize_line(text: &str) -> Cow<'_, str> {
    spell_out(text, |c| c == '\n' || c == '\t' || is_hazard(c))
}

/// Spells out everything that is not ASCII. A terminal that is not in UTF-8 may read the second byte of an innocent
/// letter as a C1 control (0x9B is its `ESC [`).
pub fn ascii(text: &str) -> Cow<'_, str> {
    spell_out(text, |c| !c.is_ascii())
}

fn spell_out(text: &str, refuse: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&refuse) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if refuse(c) {
            write!(out, "{}", c.escape_unicode()).expect("writing to a string");
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_to_a_terminal_are_spelled_out() {
        assert_eq!(sanitize("a\u{1b}[2Jb\rc\u{9b}31m\u{7f}"), r"a\u{1b}[2Jb\u{d}c\u{9b}31m\u{7f}");
        assert_eq!(
            sanitize("user\u{202e}gpj.exe \u{2066}\u{61c}\u{200f}"),
            r"user\u{202e}gpj.exe \u{2066}\u{61c}\u{200f}"
        );
        assert_eq!(sanitize("one\r\ntwo\tµ 漢 👩‍🚀"), "one\ntwo\tµ 漢 👩‍🚀");
        assert_eq!(sanitize_line("one\ntwo\t"), r"one\u{a}two\u{9}");
        assert_eq!(ascii("µm"), r"\u{b5}m");
    }

    #[test]
    fn every_character_named_in_the_contract_is_a_hazard() {
        let named = ('\0'..='\u{1f}').filter(|c| !"\n\t".contains(*c)).chain('\u{7f}'..='\u{9f}');
        let bidi = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain(['\u{200e}', '\u{200f}', '\u{61c}']);
        assert!(named.chain(bidi).all(is_hazard));
        assert!(!(' '..='~').chain(['\n', '\t', 'é', '漢', '\u{200d}']).any(is_hazard));
    }

    proptest! {
        #[test]
        fn nothing_hazardous_is_left_and_twice_is_once(text in hostile()) {
            let safe = sanitize(&text).into_owned();
            prop_assert!(!safe.chars().any(is_hazard), "{safe:?}");
            prop_assert_eq!(sanitize(&safe), safe.as_str());
            let line = sanitize_line(&text);
            prop_assert!(!line.chars().any(|c| c.is_control() || is_hazard(c)));
            prop_assert!(ascii(&line).is_ascii());
        }

        #[test]
        fn harmless_text_is_untouched(text in "[ -~\n\té漢ß]{0,60}") {
            prop_assert!(matches!(sanitize(&text), Cow::Borrowed(same) if same == text));
        }
    }

    /// Any characters, with hazards far more often than chance would bring them.
    fn hostile() -> impl Strategy<Value = String> {
        let hazard =
            prop::sample::select(vec!['\u{1b}', '\r', '\n', '\u{9b}', '\u{202e}', '\u{2028}', '\u{e0041}', '\0']);
        prop::collection::vec(prop_oneof![any::<char>(), hazard], 0..40).prop_map(|chars| chars.into_iter().collect())
    }
}
