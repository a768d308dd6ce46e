//! What makes a binary large: asked only when it is over its budget.

use std::collections::BTreeMap;

use super::Yard;
use crate::command::Command;
use crate::host::staging;
use crate::plan::{Build, How};
use crate::table::{Column, Table, bytes};

/// How many contributors are shown.
const MOST: usize = 12;

/// A table of the packages whose symbols take most room. The step is linked once more with its symbol table, which
/// costs a link and no compiling, and `go tool nm` is asked. Where that cannot be done, the table says so.
pub fn table(yard: &Yard<'_>, step: &Build) -> String {
    let How::Compile { command, toolchain } = &step.how else {
        return "the binary was built elsewhere: its contributors are not known".into();
    };
    let toolchain = &yard.survey.toolchains[*toolchain];
    let out = yard.store.stage().join(staging::unique("symbols"));
    let mut link = yard.complete(command, toolchain, &out);
    for arg in &mut link.args {
        if let Some(flags) = arg.strip_prefix("-ldflags=-s -w ") {
            *arg = format!("-ldflags={flags}");
        }
    }
    let nm = Command::new(&toolchain.program, &toolchain.dir)
        .args(["tool".to_owned(), "nm".into(), "-size".into(), out.display().to_string()])
        .envs(link.env.clone());
    let listed = yard.host.run(&link).and_then(|_| yard.host.run(&nm));
    match listed {
        Ok(finished) => render(&by_package(&String::from_utf8_lossy(&finished.stdout))),
        Err(error) => format!("the contributors could not be listed: {error}"),
    }
}

/// Adds up symbol sizes by package. A line is `address size type name`; an undefined symbol has no address.
fn by_package(listing: &str) -> BTreeMap<String, u64> {
    let mut sizes = BTreeMap::new();
    for line in listing.lines() {
        let mut fields = line.split_whitespace();
        let (Some(_), Some(size), Some(_), Some(name)) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if let Ok(size) = size.parse::<u64>() {
            *sizes.entry(package_of(name)).or_default() += size;
        }
    }
    sizes
}

/// The package of a symbol `path/to/pkg.Name`: the dot that ends it is the first behind the last slash, where brackets
/// and quotes of instantiated types do not count.
fn package_of(symbol: &str) -> String {
    let symbol = symbol.strip_prefix("type:").map_or(symbol, |rest| rest.trim_start_matches(['.', '*']));
    let plain = symbol.split(['[', '(', '"', '{']).next().unwrap_or(symbol);
    let slash = plain.rfind('/').map_or(0, |at| at + 1);
    let name = match plain[slash..].find('.') {
        Some(dot) => &plain[..slash + dot],
        None => "",
    };
    if name.is_empty() || name.starts_with("go:") { "(runtime data)".into() } else { name.replace("%2e", ".") }
}

fn render(sizes: &BTreeMap<String, u64>) -> String {
    let mut rows: Vec<(&String, u64)> = sizes.iter().map(|(name, size)| (name, *size)).collect();
    rows.sort_by_key(|(name, size)| (std::cmp::Reverse(*size), *name));
    let mut table = Table::new([Column::text("package"), Column::number("symbols")]);
    for (name, size) in rows.into_iter().take(MOST) {
        table.push([name.clone(), bytes(size)]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::by_package;

    #[test]
    fn symbols_belong_to_packages() {
        let listing = "  401000   100 T example.com/a/b.(*T).M\n  401100    20 t example.com/a/b.F[example.com/c.X]\n\
                       \x20 401200  7 R type:*example.com/d%2ev2.S\n  401300 5 R go:string.*\n  U puts\n 401400 9 T main.main\n";
        let sizes = by_package(listing);
        let got: Vec<(&str, u64)> = sizes.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        assert_eq!(got, [("(runtime data)", 5), ("example.com/a/b", 120), ("example.com/d.v2", 7), ("main", 9)]);
    }
}
