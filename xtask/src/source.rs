//! Rust source as tokens, without comments, and which of it is compiled for tests alone.
//!
//! A rule that reads plain text finds its own examples in strings and comments; a rule that reads tokens does not.

use std::ops::RangeInclusive;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword; `r#` is left off.
    Word,
    /// A string literal of any form; the text is what stands between the quotes.
    Text,
    /// `::`, or one other sign.
    Sign,
    /// A number, character or lifetime.
    Other,
}

/// One token and its line, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub text: &'a str,
    /// Its first line.
    pub line: usize,
}

impl Token<'_> {
    /// Whether it is this sign or word.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Sign | Kind::Word) && self.text == text
    }
}

/// One file of Rust, cut into what is always compiled and what `#[cfg(test)]` guards.
pub struct Source<'a> {
    /// The tokens that are not guarded.
    pub tokens: Vec<Token<'a>>,
    /// The guarded ones.
    pub test_tokens: Vec<Token<'a>>,
    /// The lines of guarded items, attributes included.
    pub test_lines: Vec<RangeInclusive<usize>>,
    /// Names of guarded modules that are files of their own (`#[cfg(test)] mod tests;`).
    pub test_modules: Vec<&'a str>,
    /// How many lines the file has.
    pub lines: usize,
}

impl<'a> Source<'a> {
    /// Reads a file. Text that is not Rust gives some tokens, never an error.
    pub fn read(text: &'a str) -> Self {
        let tokens = tokens(text);
        let mut source = Self {
            tokens: Vec::new(),
            test_tokens: Vec::new(),
            test_lines: Vec::new(),
            test_modules: Vec::new(),
            lines: text.lines().count(),
        };
        let mut at = 0;
        while at < tokens.len() {
            if let Some((after, reach)) = guard(&tokens, at) {
                let end = if reach == Reach::File { tokens.len() } else { item_end(&tokens, after) };
                source.guarded(&tokens[at..end]);
                at = end;
            } else {
                source.tokens.push(tokens[at]);
                at += 1;
            }
        }
        source
    }

    fn guarded(&mut self, item: &[Token<'a>]) {
        let (Some(first), Some(last)) = (item.first(), item.last()) else { return };
        self.test_lines.push(first.line..=last.line);
        self.test_tokens.extend_from_slice(item);
        if let [.., word, name, end] = item
            && word.is("mod")
            && end.is(";")
        {
            self.test_modules.push(name.text);
        }
    }

    /// The lines that are always compiled, comments and blank lines included.
    pub fn product_lines(&self) -> usize {
        self.lines - self.test_lines.iter().map(|lines| lines.end() - lines.start() + 1).sum::<usize>().min(self.lines)
    }
}

/// What an attribute speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// `#[…]`: the item that follows.
    Item,
    /// `#![…]`: the module that it stands in; here that is the file.
    File,
}

/// If a `#[cfg(test)]` or `#![cfg(test)]` starts here: where it ends. `cfg(all(test, …))` is one too, `not` and `any` are not.
fn guard(tokens: &[Token<'_>], at: usize) -> Option<(usize, Reach)> {
    let mut next = at;
    let mut expect = |text: &str| -> bool {
        let found = tokens.get(next).is_some_and(|token| token.is(text));
        next += usize::from(found);
        found
    };
    if !expect("#") {
        return None;
    }
    let reach = if expect("!") { Reach::File } else { Reach::Item };
    if !(expect("[") && expect("cfg") && expect("(")) {
        return None;
    }
    let all = expect("all") && expect("(");
    let close = closing(tokens, next - 1)?;
    let test = if all {
        tokens[next..close].split(|token| token.is(",")).any(|part| part.len() == 1 && part[0].is("test"))
    } else {
        tokens[next..close].len() == 1 && tokens[next].is("test")
    };
    let end = close + if all { 3 } else { 2 };
    test.then_some((end.min(tokens.len()), reach))
}

/// Where the item that starts here ends: after its `;`, or after its braces.
fn item_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        if token.is(";") {
            return at + 1;
        }
        if token.is("{") {
            return closing(tokens, at).map_or(tokens.len(), |close| close + 1);
        }
        at = if token.is("(") || token.is("[") { closing(tokens, at).map_or(tokens.len(), |c| c + 1) } else { at + 1 };
    }
    tokens.len()
}

/// The index of the bracket that closes the one at `open`.
pub fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.kind != Kind::Sign {
            continue;
        }
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Cuts text into tokens (Rust reference, "Lexical structure"); comments and white space are left out.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, line: 1 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        let line = self.line;
        let (kind, text, length) = if let Some((content, length)) = string(rest) {
            (Kind::Text, content, length)
        } else if first == '\'' {
            let length = character(rest);
            (Kind::Other, &rest[..length], length)
        } else if first.is_ascii_digit() {
            let length = run(rest, is_word);
            (Kind::Other, &rest[..length], length)
        } else if is_word(first) {
            let raw = if rest.starts_with("r#") { 2 } else { 0 };
            let length = raw + run(&rest[raw..], is_word);
            (Kind::Word, &rest[raw..length], length)
        } else {
            let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            (Kind::Sign, &rest[..length], length)
        };
        self.line += rest[..length].matches('\n').count();
        self.at += length;
        Some(Token { kind, text, line })
    }

    /// Passes white space and comments.
    fn skip(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                block_comment(rest)
            } else {
                run(rest, char::is_whitespace)
            };
            if length == 0 {
                return;
            }
            self.line += rest[..length].matches('\n').count();
            self.at += length;
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// If a string literal starts here: what stands between its quotes, and its whole length.
fn string(text: &str) -> Option<(&str, usize)> {
    let prefix = ["", "b", "c", "r", "br", "cr"].into_iter().rev().find(|prefix| {
        let after = text.strip_prefix(prefix).map(|rest| rest.trim_start_matches('#'));
        after.is_some_and(|rest| rest.starts_with('"'))
    })?;
    let rest = &text[prefix.len()..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    if !prefix.ends_with('r') {
        return (hashes == 0).then(|| escaped(text, prefix.len() + 1));
    }
    let start = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = text[start..].find(&end).unwrap_or(text.len() - start);
    Some((&text[start..start + length], (start + length + end.len()).min(text.len())))
}

fn escaped(text: &str, start: usize) -> (&str, usize) {
    let mut at = start;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => return (&text[start..at], at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    (&text[start..], text.len())
}

/// The length of a character literal or of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, escape))) => {
            let from = at + escape.len_utf8();
            from + text[from..].find('\'').map_or(0, |close| close + 1)
        }
        (Some(_), Some((close, '\''))) => close + 1,
        _ => 1 + run(&text[1..], is_word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_are_left_out_and_lines_are_counted() {
        let text = "a // b\n/* c /* d */ \n e */ f /// g\nh";
        let found: Vec<_> = tokens(text).iter().map(|token| (token.text, token.line)).collect();
        assert_eq!(found, [("a", 1), ("f", 3), ("h", 4)]);
    }

    #[test]
    fn strings_keep_their_content_and_hide_it() {
        let text = r####"x("a\"b", r"c\", br#"d"e"#, b'"', '\'', 'µ', 'static, "line
two") y"####;
        let texts: Vec<_> = tokens(text).into_iter().filter(|token| token.kind == Kind::Text).map(|t| t.text).collect();
        assert_eq!(texts, ["a\\\"b", "c\\", "d\"e", "line\ntwo"]);
        let last = tokens(text).pop().unwrap();
        assert_eq!((last.text, last.line), ("y", 2));
    }

    #[test]
    fn paths_and_raw_words() {
        assert_eq!(words("crate::r#gen::x<'a>"), ["crate", "::", "gen", "::", "x", "<", "'a", ">"]);
        assert_eq!(words("0..10 r\"\" 'x'"), ["0", ".", ".", "10", "", "'x'"]);
    }

    #[test]
    fn broken_text_ends() {
        for text in ["\"open", "r#\"open", "/* open", "'", "'\\", "#[cfg(test)", "#![cfg(test", "\"\\"] {
            let _ = Source::read(text).product_lines();
        }
    }

    #[test]
    fn guarded_items_are_cut_out() {
        let text =
            "use a;\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n  use b;\n}\nfn c() {}\n#[cfg(all(test, unix))]\nmod d;\n";
        let source = Source::read(text);
        assert!(source.tokens.iter().any(|token| token.is("c")) && !source.tokens.iter().any(|token| token.is("b")));
        assert_eq!(source.test_lines, [2..=6, 8..=9]);
        assert_eq!((source.lines, source.product_lines()), (9, 2));
        assert_eq!(source.test_modules, ["d"]);
    }

    #[test]
    fn what_is_not_test_alone_stays() {
        for text in ["#[cfg(not(test))] mod a { b }", "#[cfg(any(test, unix))] mod a { b }", "#[cfg(unix)] mod a { b }"]
        {
            assert!(Source::read(text).tokens.iter().any(|token| token.is("b")), "{text}");
        }
        assert!(Source::read("#![cfg(test)] mod a { b }").tokens.is_empty());
    }
}
