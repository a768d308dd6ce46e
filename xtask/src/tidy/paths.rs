//! The paths that a file names: `use` trees unfolded, `self` and `super` followed, renamed imports put back.

use std::collections::BTreeMap;

use crate::source::{Kind, Token};

/// A path as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written<'a> {
    segments: Vec<&'a str>,
    line: usize,
    /// Inline modules (`mod x { … }`) around it, below the file's own module.
    inside: Vec<&'a str>,
    /// The name that a `use` gives it, if it is one.
    import: Option<&'a str>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// This crate; the segments start below the crate root.
    Crate,
    /// Another crate, a local name or a type; the segments start with its name.
    Outside,
}

/// A path followed to its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// Where it leads.
    pub root: Root,
    /// Its segments; a glob's last one is `*`.
    pub segments: Vec<&'a str>,
    /// The line.
    pub line: usize,
}

impl Named<'_> {
    /// Whether the path is, or lies below, another one.
    pub fn is_under(&self, path: &str) -> bool {
        let mut own = self.segments.iter();
        self.root == Root::Outside && path.split("::").all(|segment| own.next() == Some(&segment))
    }
}

/// Finds every path of a file whose own module is `module`.
pub fn named<'a>(tokens: &[Token<'a>], module: &[&'a str]) -> Vec<Named<'a>> {
    let written = written(tokens);
    let mut imports: BTreeMap<&str, &Written<'a>> = BTreeMap::new();
    for path in &written {
        if let Some(name) = path.import.filter(|name| !matches!(*name, "*" | "_")) {
            imports.insert(name, path);
        }
    }
    written.iter().map(|path| follow(path, module, &imports)).collect()
}

/// Follows `crate`, `self`, `super` and the file's own imports.
fn follow<'a>(path: &Written<'a>, module: &[&'a str], imports: &BTreeMap<&'a str, &Written<'a>>) -> Named<'a> {
    let mut segments = path.segments.clone();
    let mut inside = path.inside.clone();
    // An import may go through another import; a cycle of them does not compile, and ends here.
    for _ in 0..8 {
        let Some(import) = segments.first().and_then(|first| imports.get(first)) else { break };
        if import.segments == segments || (path.import.is_some() && import.segments == path.segments) {
            break;
        }
        segments.splice(..1, import.segments.iter().copied());
        inside.clone_from(&import.inside);
        if import.segments.first() == segments.first() && import.segments.first().copied() == import.import {
            break;
        }
    }
    let mut place: Vec<&str> = module.iter().copied().chain(inside).collect();
    let mut rest = &segments[..];
    let mut root = Root::Outside;
    while let [first, after @ ..] = rest {
        match *first {
            "crate" => place.clear(),
            "super" => _ = place.pop(),
            "self" if root == Root::Crate || rest.len() > 1 => {}
            _ => break,
        }
        root = Root::Crate;
        rest = after;
    }
    let segments = match root {
        Root::Crate => place.into_iter().chain(rest.iter().copied()).collect(),
        Root::Outside => rest.to_vec(),
    };
    Named { root, segments, line: path.line }
}

/// Finds every path as it is written, single words other than in a `use` left out.
fn written<'a>(tokens: &[Token<'a>]) -> Vec<Written<'a>> {
    let mut reader = Reader { tokens, at: 0, found: Vec::new(), modules: Vec::new() };
    let mut depth = 0usize;
    while let Some(token) = reader.peek(0) {
        if token.is("mod") && reader.peek(2).is_some_and(|token| token.is("{")) {
            depth += 1;
            reader.modules.push((reader.tokens[reader.at + 1].text, depth));
            reader.at += 3;
        } else if token.is("{") {
            depth += 1;
            reader.at += 1;
        } else if token.is("}") {
            reader.modules.retain(|(_, opened)| *opened < depth);
            depth = depth.saturating_sub(1);
            reader.at += 1;
        } else if token.is("use") && !reader.peek(1).is_some_and(|token| token.is("<")) {
            reader.at += 1;
            reader.tree(&[]);
        } else if token.is("extern") && reader.peek(1).is_some_and(|token| token.is("crate")) {
            reader.extern_crate();
        } else if token.kind == Kind::Word {
            reader.path();
        } else {
            reader.attribute_text(token);
            reader.at += 1;
        }
    }
    reader.found
}

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    found: Vec<Written<'a>>,
    /// Inline modules that are open, with the brace depth of each.
    modules: Vec<(&'a str, usize)>,
}

impl<'a> Reader<'_, 'a> {
    fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.peek(0).is_some_and(|token| token.is(text));
        self.at += usize::from(found);
        found
    }

    fn record(&mut self, segments: Vec<&'a str>, line: usize, import: Option<&'a str>) {
        let inside = self.modules.iter().map(|(name, _)| *name).collect();
        self.found.push(Written { segments, line, inside, import });
    }

    /// Words joined by `::`.
    fn segments(&mut self) -> Vec<&'a str> {
        let mut segments = Vec::new();
        while let Some(token) = self.peek(0).filter(|token| token.kind == Kind::Word) {
            segments.push(token.text);
            self.at += 1;
            let more = self.peek(0).is_some_and(|token| token.is("::"))
                && self.peek(1).is_some_and(|token| token.kind == Kind::Word);
            if !more {
                break;
            }
            self.at += 1;
        }
        segments
    }

    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        let segments = self.segments();
        // The field or method after a dot is no path; `println!` and its kin are words of their own.
        if segments.len() > 1 {
            self.record(segments, line, None);
        }
    }

    /// One tree of a `use` (Rust reference, "Use declarations"), below a prefix.
    fn tree(&mut self, prefix: &[&'a str]) {
        self.eat("::");
        let line = self.peek(0).map_or(0, |token| token.line);
        let path: Vec<&str> = prefix.iter().copied().chain(self.use_segments()).collect();
        if self.eat("{") {
            while self.peek(0).is_some_and(|token| !token.is("}")) {
                let before = self.at;
                self.tree(&path);
                self.eat(",");
                // Text that is no Rust must not hold the reader in place.
                self.at += usize::from(self.at == before);
            }
            self.eat("}");
        } else if self.eat("*") {
            self.record(path.into_iter().chain(["*"]).collect(), line, Some("*"));
        } else if !path.is_empty() {
            let is_self = path.last() == Some(&"self") && path.len() > 1;
            let path = if is_self { path[..path.len() - 1].to_vec() } else { path };
            let renamed = if self.eat("as") { self.peek(0) } else { None };
            self.at += usize::from(renamed.is_some());
            let name = renamed.map(|token| token.text).or_else(|| path.last().copied());
            self.record(path, line, name);
        }
    }

    /// Like [`Self::segments`], and a `::` before `{` or `*` is passed.
    fn use_segments(&mut self) -> Vec<&'a str> {
        let stop = self.peek(0).is_none_or(|token| token.is("as"));
        let segments = if stop { Vec::new() } else { self.segments() };
        self.eat("::");
        segments
    }

    fn extern_crate(&mut self) {
        let line = self.tokens[self.at].line;
        self.at += 2;
        let name = self.peek(0).map_or("", |token| token.text);
        self.at += 1;
        let renamed = if self.eat("as") { self.peek(0) } else { None };
        // `extern crate self as x` makes the crate root reachable under another name.
        let segments = if name == "self" { vec!["crate"] } else { vec![name] };
        self.record(segments, line, Some(renamed.map_or(name, |token| token.text)));
    }

    /// A path in a string, as serde's attributes have them: `#[serde(with = "crate::x")]`.
    fn attribute_text(&mut self, token: Token<'a>) {
        let path = token.kind == Kind::Text && ["crate::", "super::"].iter().any(|start| token.text.starts_with(start));
        if path && token.text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            self.record(token.text.split("::").collect(), token.line, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tokens;

    fn found(text: &str, module: &[&'static str]) -> Vec<String> {
        let tokens = tokens(text);
        let paths = named(&tokens, module).into_iter().map(|path| {
            let start = if path.root == Root::Crate { "@" } else { "" };
            format!("{start}{}", path.segments.join("::"))
        });
        paths.collect()
    }

    #[test]
    fn groups_nest_and_self_names_the_prefix() {
        let text = "pub(crate) use crate::{a, b::{self, c as d, e::*}, f as g,};\nfn x() {}";
        assert_eq!(found(text, &["m"]), ["@a", "@b", "@b::c", "@b::e::*", "@f"]);
    }

    #[test]
    fn super_counts_inline_modules() {
        let text = "super::super::a::b; mod inner { fn f() { if x { super::super::super::c::d } } } self::e::f;";
        assert_eq!(found(text, &["m", "n"]), ["@a::b", "@c::d", "@m::n::e::f"]);
        assert_eq!(found("use super::super::{a, b as c}; use super::*;", &["m", "n"]), ["@a", "@b", "@m::*"]);
    }

    #[test]
    fn renamed_imports_are_put_back() {
        let text = "use std::io as x; use x::stdout as out; use crate::host as h; fn f() { x::stdin(); h::env::y(); }";
        assert_eq!(found(text, &["m"]), ["std::io", "std::io::stdout", "@host", "std::io::stdin", "@host::env::y"]);
        assert_eq!(found("use serde; use serde::de; de::x();", &["m"]), ["serde", "serde::de", "serde::de::x"]);
    }

    #[test]
    fn the_root_itself_under_another_name() {
        assert_eq!(found("extern crate self as me;", &["m"]), ["@"]);
        assert_eq!(found("use crate::{self as c}; c::a::b();", &["m"]), ["@", "@a::b"]);
        assert_eq!(found("use super as up; up::a();", &["m"]), ["@", "@a"]);
    }

    #[test]
    fn expressions_macros_generics_and_attributes() {
        let text = "fn f() -> impl X + use<'a> { <T as crate::a::B>::c(); $crate::d!(); ::std::fs::read; x.y.z(); }";
        assert_eq!(found(text, &["m"]), ["@a::B", "@d", "std::fs::read"]);
        assert_eq!(found("#[serde(with = \"crate::a::b\")] x: \"crate::a is prose\"", &["m"]), ["@a::b"]);
    }

    #[test]
    fn broken_uses_end() {
        for text in ["use", "use {", "use a::{b", "use a::{;}", "use a as", "use ::", "extern crate", "use a::{+ - }"] {
            let _ = found(text, &["m"]);
        }
    }
}
