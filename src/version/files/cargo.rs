//! `Cargo.toml` and `Cargo.lock` of a workspace (The Cargo Book, "The Manifest Format", "Workspaces").

use std::collections::BTreeSet;

use semver::Version;
use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::FilesError;

/// Tables that name other packages.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// From which version to which, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The version that the packages have.
    pub from: &'a Version,
    /// The one that they get.
    pub to: &'a Version,
    /// The names of the packages of the workspace that have it.
    pub names: &'a BTreeSet<String>,
}

/// Brings a `Cargo.toml` along: the package's version, that which packages inherit, and what is asked of packages of the
/// workspace by path.
///
/// # Errors
/// `version.file-form` for what is not TOML.
pub fn manifest(file: &str, text: &str, change: &Change<'_>) -> Result<String, FilesError> {
    let mut document = parse(file, text)?;
    let root: &mut dyn TableLike = document.as_table_mut();
    own_version(root.get_mut("package"), change);
    if let Some(workspace) = table(root.get_mut("workspace")) {
        own_version(workspace.get_mut("package"), change);
        dependencies(workspace.get_mut("dependencies"), change);
    }
    tables(root, change);
    if let Some(targets) = table(root.get_mut("target")) {
        for (_, target) in targets.iter_mut() {
            if let Some(target) = target.as_table_like_mut() {
                tables(target, change);
            }
        }
    }
    Ok(document.to_string())
}

/// Brings a `Cargo.lock` along.
///
/// # Errors
/// As [`manifest`].
pub fn lock(file: &str, text: &str, change: &Change<'_>) -> Result<String, FilesError> {
    let mut document = parse(file, text)?;
    let (from, to) = (change.from.to_string(), change.to.to_string());
    let packages = document.get_mut("package").and_then(Item::as_array_of_tables_mut);
    for package in packages.into_iter().flat_map(|packages| packages.iter_mut()) {
        let name = package.get("name").and_then(Item::as_str).unwrap_or("");
        // What has a source is somebody else's, whatever its name.
        if change.names.contains(name) && package.get("source").is_none() {
            set(package.get_mut("version"), &from, &to);
        }
        let dependencies = package.get_mut("dependencies").and_then(Item::as_array_mut);
        for dependency in dependencies.into_iter().flat_map(|list| list.iter_mut()) {
            // A version stands there only where two packages have one name.
            let Some((name, version)) = dependency.as_str().and_then(|text| text.split_once(' ')) else { continue };
            if change.names.contains(name) && version == from {
                put(dependency, format!("{name} {to}"));
            }
        }
    }
    Ok(document.to_string())
}

fn parse(file: &str, text: &str) -> Result<DocumentMut, FilesError> {
    text.parse::<DocumentMut>().map_err(|error| FilesError::Form {
        file: file.to_owned(),
        why: error.message().lines().collect::<Vec<_>>().join("; "),
    })
}

fn table(item: Option<&mut Item>) -> Option<&mut dyn TableLike> {
    item.and_then(Item::as_table_like_mut)
}

fn own_version(package: Option<&mut Item>, change: &Change<'_>) {
    if let Some(package) = table(package) {
        set(package.get_mut("version"), &change.from.to_string(), &change.to.to_string());
    }
}

fn tables(root: &mut dyn TableLike, change: &Change<'_>) {
    for name in DEPENDENCIES {
        dependencies(root.get_mut(name), change);
    }
}

fn dependencies(item: Option<&mut Item>, change: &Change<'_>) {
    let Some(dependencies) = table(item) else { return };
    for (key, item) in dependencies.iter_mut() {
        let name = key.get().to_owned();
        let Some(dependency) = item.as_table_like_mut() else { continue };
        let name = dependency.get("package").and_then(Item::as_str).unwrap_or(&name).to_owned();
        if dependency.get("path").is_none() || !change.names.contains(&name) {
            continue;
        }
        if let Some(value) = dependency.get_mut("version").and_then(Item::as_value_mut)
            && let Some(new) = value.as_str().and_then(|text| requirement(text, change))
        {
            put(value, new);
        }
    }
}

/// A requirement with the new version, as exact as it was: `=0.1.0` becomes `=0.2.0`, `0.1` becomes `0.2`.
fn requirement(text: &str, change: &Change<'_>) -> Option<String> {
    let sign = text.len() - text.trim_start_matches(['^', '~', '=', ' ']).len();
    let (sign, number) = text.split_at(sign);
    let short = |version: &Version, parts: usize| {
        [version.major, version.minor].iter().take(parts).map(u64::to_string).collect::<Vec<_>>().join(".")
    };
    let parts = (1..=2).find(|parts| short(change.from, *parts) == number);
    match parts.filter(|_| change.to.pre.is_empty()) {
        Some(parts) => Some(format!("{sign}{}", short(change.to, parts))),
        None if parts.is_some() || change.from.to_string() == number => Some(format!("{sign}{}", change.to)),
        None => None,
    }
}

fn set(item: Option<&mut Item>, from: &str, to: &str) {
    if let Some(value) = item.and_then(Item::as_value_mut).filter(|value| value.as_str() == Some(from)) {
        put(value, to.to_owned());
    }
}

/// Puts a string in a value's place; the white space and the comment around it stay.
fn put(value: &mut Value, text: String) {
    let decor = value.decor().clone();
    *value = Value::from(text);
    *value.decor_mut() = decor;
}
