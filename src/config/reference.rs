//! The reference of `sealift.toml` in Markdown, for the README.

use std::fmt::Write;

use super::keys::{ROOT, Shape, Table, tables};

/// The reference, from the table of keys: one section for each table, one row for each key. What a service can set for
/// itself is described once, at the top tables.
pub fn reference() -> String {
    let mut text = String::new();
    for (header, table) in tables() {
        if header.starts_with("service.") && header != "service.version" {
            // These are the keys of the top tables again; the table's line says so. What is versioned by itself has keys of
            // its own.
            continue;
        }
        let several = ROOT.key(&header).is_some_and(|key| matches!(key.shape, Shape::Tables(_)));
        let title = if several { format!("[[{header}]]") } else { format!("[{header}]") };
        let mut section = format!("### `{title}`\n\n{}\n\n", table.text);
        section.push_str(&rows(table));
        text.push_str(&section);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn rows(table: &Table) -> String {
    let mut rows = String::from("| key | type | default | example | meaning |\n|---|---|---|---|---|\n");
    for key in table.keys.iter().filter(|key| key.table().is_none()) {
        let kind = match key.shape {
            Shape::Choice(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or "),
            shape => shape.describe().to_owned(),
        };
        let literal = key.default.parse::<toml_edit::Value>().is_ok();
        let default = if literal { format!("`{}`", key.default) } else { key.default.to_owned() };
        let cells = [&format!("`{}`", key.name), &kind, &default, &format!("`{}`", key.example), key.text];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        writeln!(rows, "| {} |", cells.join(" | ")).expect("a string takes what is written");
    }
    for key in table.keys.iter().filter(|key| key.table().is_some()) {
        writeln!(rows, "| `{}` | {} | | | {} |", key.name, key.shape.describe(), key.text)
            .expect("a string takes what is written");
    }
    rows
}
