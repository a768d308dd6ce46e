//! Only `host` touches the outside, only `console` prints, and the pure layers do neither (invariant 12).
//!
//! The linter refuses single functions; this rule refuses the names of whole modules and of crates that would do the same.

use super::Violation;
use super::paths::{Named, named};
use super::sources::{Sources, module_path};
use crate::source::{Token, closing};

/// Layers that hold values and decisions: no clock either.
const PURE: &[&str] = &["trust", "target", "artifact", "command", "event", "error", "version", "plan"];

/// Ways to the outside.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::os::unix::fs",
    "std::os::unix::net",
    "std::os::unix::process",
    "std::os::linux",
    "std::os::windows",
    "std::time::SystemTime::now",
    "cargo_metadata::MetadataCommand",
    "libc",
    "reqwest",
    "rustix",
    "signal_hook",
    "tempfile",
    "tokio",
];

/// Ways to the terminal.
const TERMINAL: &[&str] = &[
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::io::Stdin",
    "std::io::Stdout",
    "std::io::Stderr",
    "indicatif",
];

/// Clocks and chance, for the pure layers.
const IMPURE: &[&str] = &["std::time::SystemTime", "std::time::Instant", "getrandom"];

/// Constants, values and pure functions that live in those modules but touch nothing.
const HARMLESS: &[&str] =
    &["reqwest::Url", "std::env::consts", "std::env::join_paths", "std::env::split_paths", "std::process::ExitCode"];

const PRINTING: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];

/// Checks every module but `host` for I/O, and every module but `console` for printing.
pub fn check(sources: &Sources<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, tokens) in sources.product() {
        let module = module_path(path);
        let own = module.first().copied().unwrap_or("the crate root");
        for found in named(tokens, &module) {
            if let Some((rule, message)) = judge(own, &found) {
                violations.push(Violation { path: path.into(), line: found.line, rule, message });
            }
        }
        if own != "console" {
            violations.extend(printing(tokens).map(|token| Violation {
                path: path.into(),
                line: token.line,
                rule: "print",
                message: format!("`{}!` outside console: send an event, or return the value", token.text),
            }));
        }
    }
    violations
}

fn judge(own: &str, found: &Named<'_>) -> Option<(&'static str, String)> {
    let pure = PURE.contains(&own);
    let under = |list: &[&str]| list.iter().any(|path| found.is_under(path));
    let name = found.segments.join("::");
    if matches!(name.as_str(), "std" | "std::*") {
        return Some(("io", "`std` as a whole cannot be followed: name the module that is meant".into()));
    }
    if own != "trust" && under(HARMLESS) {
        return None;
    }
    if pure && (under(OUTSIDE) || under(IMPURE) || under(TERMINAL)) {
        return Some(("io", format!("`{own}` is pure and names `{name}`: let the caller hand the value in")));
    }
    // Whoever owns the terminal may ask how wide it is.
    let own_terminal = own == "console" && found.is_under("rustix::termios");
    if own != "host" && under(OUTSIDE) && !own_terminal {
        return Some(("io", format!("`{name}` outside host: use or extend crate::host")));
    }
    if !matches!(own, "console" | "host") && under(TERMINAL) {
        return Some(("print", format!("`{name}` outside console: send an event, or return the value")));
    }
    None
}

/// Calls of printing macros; a `macro_rules!` of that name has no `(` directly after its `!`.
fn printing<'t, 'a>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = &'t Token<'a>> {
    let call = |at: usize| tokens.get(at + 1).is_some_and(|t| t.is("!")) && closing(tokens, at + 2).is_some();
    (0..tokens.len())
        .filter(move |at| PRINTING.iter().any(|name| tokens[*at].is(name)) && call(*at))
        .map(|at| &tokens[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        let tree = Tree::of(&[(path, text)]);
        check(&Sources::read(&tree)).into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn only_host_touches() {
        let ways = [
            "use std::fs;",
            "use std::{io, net::TcpStream};",
            "use std::fs as disk;",
            "fn f() { ::std::process::Command::new(x) }",
            "use std::time::SystemTime as T; fn f() { T::now() }",
            "use std::os::unix::fs::PermissionsExt;",
            "use rustix::fs::open;",
            "use std as s;",
            "use std::*;",
        ];
        for way in ways {
            assert_eq!(rules("src/store/key.rs", way), ["io"], "{way}");
            if !way.contains("std as") && !way.contains('*') {
                assert_eq!(rules("src/host/files.rs", way), [""; 0], "{way}");
            }
        }
    }

    #[test]
    fn only_console_prints() {
        for way in ["fn f() { println!(\"x\") }", "fn f() { dbg!(1); }", "use std::io; fn f() { io::stderr(); }"] {
            assert_eq!(rules("src/store/key.rs", way), ["print"], "{way}");
            assert_eq!(rules("src/console/human.rs", way), [""; 0], "{way}");
        }
        assert_eq!(rules("src/main.rs", "fn main() { eprintln!() }"), ["print"]);
    }

    #[test]
    fn only_console_asks_for_the_terminals_width() {
        let text = "fn f() { rustix::termios::tcgetwinsize(fd) }";
        assert_eq!(rules("src/console/streams.rs", text), [""; 0]);
        assert_eq!(rules("src/store/key.rs", text), ["io"]);
    }

    #[test]
    fn the_pure_layers_have_no_clock_and_no_chance() {
        for path in ["src/trust/key.rs", "src/plan/mod.rs", "src/version/mod.rs", "src/command.rs"] {
            for way in
                ["use std::time::SystemTime;", "use std::time::Instant;", "use std::env;", "use getrandom::fill;"]
            {
                assert_eq!(rules(path, way), ["io"], "{path}: {way}");
            }
        }
        assert_eq!(rules("src/trust/key.rs", "use std::env::consts;"), ["io"]);
        assert_eq!(rules("src/target.rs", "use std::env::consts;"), [""; 0]);
        assert_eq!(rules("src/deploy/mod.rs", "use std::time::{Instant, SystemTime};"), [""; 0]);
    }

    #[test]
    fn values_and_tests_pass() {
        let text = "use std::{io::Read, path::Path, env::consts::OS, process::ExitCode};\n\
                    use reqwest::Url; use std::env::{join_paths, split_paths};\n\
                    fn f() { writeln!(out, \"println!\") } // std::fs::read\n\
                    #[cfg(test)]\nmod tests { use std::fs; fn f() { println!() } }\n";
        assert_eq!(rules("src/store/key.rs", text), [""; 0]);
        assert_eq!(rules("src/artifact.rs", "use std::io::{self, Read}; fn f() { io::Error::other(1) }"), [""; 0]);
    }
}
