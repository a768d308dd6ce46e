//! The part of a Go file that decides which packages and files belong to a build.

use std::ops::Range;

/// The bytes of a Go file that `go list` looks at: everything up to the end of the last import declaration (build
/// constraints, package clause, cgo preamble, imports), and the lines that embed files. A change elsewhere in the file
/// cannot change the answer of `go list`. A file that cannot be scanned is taken whole.
pub fn header(source: &[u8]) -> Vec<u8> {
    let end = scan(source).unwrap_or(source.len());
    let mut header = source[..end].to_vec();
    for line in source[end..].split(|byte| *byte == b'\n') {
        if find(line, b"//go:embed").is_some() {
            header.push(b'\n');
            header.extend_from_slice(line);
        }
    }
    header
}

/// Where the import paths of a Go file stand, without their quotes; none for a file that cannot be scanned.
pub fn imports(source: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut scanner = Scanner { source, at: 0, imports: Vec::new() };
    scanner.declarations()?;
    Some(scanner.imports)
}

/// Whether a Go file says `package main` and is not kept out of every build by the customary `//go:build ignore`. The
/// last word is that of `go list`; this tells where asking it is worth while.
pub fn may_be_command(source: &[u8]) -> bool {
    let mut scanner = Scanner { source, at: 0, imports: Vec::new() };
    let main = scanner.word(b"package").is_some() && scanner.skip(false).is_some() && scanner.word(b"main").is_some();
    main && find(&source[..scanner.at], b"//go:build ignore").is_none()
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

/// Finds where the import declarations end (Go specification, "Source file organization": package clause, imports,
/// then all other declarations).
fn scan(source: &[u8]) -> Option<usize> {
    Scanner { source, at: 0, imports: Vec::new() }.declarations()
}

struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
    /// Where import paths were seen.
    imports: Vec<Range<usize>>,
}

impl Scanner<'_> {
    /// Passes over the package clause and the imports; gives their end.
    fn declarations(&mut self) -> Option<usize> {
        self.word(b"package")?;
        self.identifier()?;
        let mut end = self.at;
        loop {
            self.skip(true)?;
            if self.word(b"import").is_none() {
                // Comments behind the last import may be a cgo preamble only if an import follows; none does.
                return Some(end);
            }
            self.skip(true)?;
            if self.eat(b'(') {
                self.group()?;
            } else {
                self.spec()?;
            }
            end = self.at;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Skips white space and comments, and semicolons where one may stand.
    fn skip(&mut self, semicolons: bool) -> Option<()> {
        loop {
            let rest = &self.source[self.at..];
            match rest {
                [b' ' | b'\t' | b'\r' | b'\n', ..] => self.at += 1,
                [b';', ..] if semicolons => self.at += 1,
                [0xEF, 0xBB, 0xBF, ..] if self.at == 0 => self.at += 3,
                [b'/', b'/', ..] => self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
                [b'/', b'*', ..] => self.at += find(&rest[2..], b"*/")? + 4,
                _ => return Some(()),
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.skip(false)?;
        let rest = self.source[self.at..].strip_prefix(word)?;
        if rest.first().is_some_and(|byte| is_identifier(*byte)) {
            return None;
        }
        self.at += word.len();
        Some(())
    }

    fn identifier(&mut self) -> Option<()> {
        self.skip(false)?;
        let length = self.source[self.at..].iter().take_while(|byte| is_identifier(**byte)).count();
        self.at += length;
        (length > 0).then_some(())
    }

    /// One import: an optional name, `.` or `_`, and a string.
    fn spec(&mut self) -> Option<()> {
        self.skip(false)?;
        if !self.eat(b'.') && self.peek().is_some_and(is_identifier) {
            self.identifier()?;
        }
        self.skip(false)?;
        let quote = self.peek().filter(|byte| matches!(byte, b'"' | b'`'))?;
        self.at += 1;
        let length =
            self.source[self.at..].iter().position(|byte| *byte == quote || (quote == b'"' && *byte == b'\n'))?;
        self.imports.push(self.at..self.at + length);
        self.at += length;
        self.eat(quote).then_some(())
    }

    fn group(&mut self) -> Option<()> {
        loop {
            self.skip(true)?;
            if self.eat(b')') {
                return Some(());
            }
            self.spec()?;
        }
    }
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::{header, may_be_command};

    fn text(source: &str) -> String {
        String::from_utf8(header(source.as_bytes())).unwrap()
    }

    #[test]
    fn bodies_do_not_count() {
        let head = "//go:build linux\n\n// Package a does.\npackage a\n\n/* #include <x.h> */\nimport \"C\"\n\
                    import (\n\t\"fmt\" // why\n\t. \"b\"\n\t_ `c`; d \"e\"\n)";
        assert_eq!(text(&format!("{head}\n\nfunc f() {{ fmt.Println(\"import (\") }}\n")), head);
    }

    #[test]
    fn commands_are_told_by_their_package_clause() {
        assert!(may_be_command(b"// Package x\n/* main */ package /* the */ main // yes\n"));
        for source in ["package mainly", "//go:build ignore\n\npackage main", "package a // main", "", "package"] {
            assert!(!may_be_command(source.as_bytes()), "{source}");
        }
    }

    #[test]
    fn embeds_count_wherever_they_stand() {
        assert_eq!(
            text("package a\nimport _ \"embed\"\nvar x int\n//go:embed a.txt\nvar y string\n"),
            "package a\nimport _ \"embed\"\n//go:embed a.txt"
        );
    }

    #[test]
    fn what_cannot_be_scanned_counts_whole() {
        for source in ["", "packag a", "package a\nimport (\n\"x", "package a /* x", "package a\nimport x\nvar y"] {
            assert_eq!(text(source), source);
        }
        assert_eq!(text("package a\nvar importer = 1\n"), "package a");
    }
}
