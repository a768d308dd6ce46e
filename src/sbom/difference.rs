//! What is different between two lists: what a release changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::document::{Component, Role, Sbom};
use crate::table::{Column, Table};

/// What a second list has otherwise than a first one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Only in the second.
    pub added: Vec<Item>,
    /// Only in the first.
    pub removed: Vec<Item>,
    /// In both, and of other versions or of other content.
    pub changed: Vec<Change>,
    /// In both, under another licence.
    pub licenses: Vec<Change>,
}

/// A component of one list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is: `program`, `library`, `package`, `toolchain`, `image`, …
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its versions, `-` for one without.
    pub version: String,
    /// Its licence as an SPDX expression, where it is known.
    pub license: Option<String>,
}

/// A component of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What the first list says.
    pub before: String,
    /// What the second one says.
    pub after: String,
}

/// What of a list is compared, by what a component is and is called.
type Known<'a> = BTreeMap<(&'static str, String), Vec<&'a Component>>;

/// Compares two lists, component by component; which form either had does not matter.
pub fn difference(first: &Sbom, second: &Sbom) -> Difference {
    let (before, after) = (known(first), known(second));
    let mut difference = Difference::default();
    for (key, old) in &before {
        let Some(new) = after.get(key) else {
            difference.removed.push(item(key, old));
            continue;
        };
        let change = |before: String, after: String| Change { kind: key.0, name: key.1.clone(), before, after };
        let (was, is) = (versions(old), versions(new));
        if was != is {
            difference.changed.push(change(was, is));
        } else if let (Some(was_of), Some(is_of)) = (content(old), content(new))
            && was_of != is_of
        {
            // The same version with other bytes: a program that was built again, or a tag that was moved.
            difference.changed.push(change(format!("{was} {was_of}"), format!("{is} {is_of}")));
        }
        let (was, is) = (license(old), license(new));
        if was != is {
            let unknown = || "not known".to_owned();
            difference.licenses.push(change(was.unwrap_or_else(unknown), is.unwrap_or_else(unknown)));
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        difference.added.push(item(key, new));
    }
    difference
}

impl Difference {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && self.licenses.is_empty()
    }

    /// One line for each difference.
    pub fn table(&self) -> Table {
        let mut table = Table::new([
            Column::text("change"),
            Column::text("kind"),
            Column::text("component"),
            Column::text("before"),
            Column::text("after"),
        ]);
        let dash = || "-".to_owned();
        for one in &self.changed {
            table.push([
                "changed".to_owned(),
                one.kind.into(),
                one.name.clone(),
                one.before.clone(),
                one.after.clone(),
            ]);
        }
        for one in &self.added {
            table.push(["added".to_owned(), one.kind.into(), one.name.clone(), dash(), told(one)]);
        }
        for one in &self.removed {
            table.push(["removed".to_owned(), one.kind.into(), one.name.clone(), told(one), dash()]);
        }
        for one in &self.licenses {
            table.push([
                "license".to_owned(),
                one.kind.into(),
                one.name.clone(),
                one.before.clone(),
                one.after.clone(),
            ]);
        }
        table
    }

    /// The same in one line for each change of a component: `openssl 3.0.1 -> 3.0.2`.
    pub fn lines(&self) -> Vec<String> {
        let changed = self.changed.iter().map(|one| format!("{} {} -> {}", one.name, one.before, one.after));
        let added = self.added.iter().map(|one| format!("{} {} is new", one.name, one.version));
        let removed = self.removed.iter().map(|one| format!("{} {} is gone", one.name, one.version));
        changed.chain(added).chain(removed).collect()
    }
}

fn told(item: &Item) -> String {
    match &item.license {
        Some(license) => format!("{} ({license})", item.version),
        None => item.version.clone(),
    }
}

fn known(sbom: &Sbom) -> Known<'_> {
    let mut known = Known::new();
    for part in std::iter::once(&sbom.root).chain(sbom.parts.values()) {
        // What a list is of counts as a program or an image, and not as a file or a folder that holds some.
        let holder = std::ptr::eq(part, &sbom.root) && matches!(part.role, Role::File | Role::Folder);
        if !holder {
            known.entry((part.role.word(), name(part))).or_default().push(part);
        }
    }
    known
}

/// By what two components are the same one: kind and name of the package URL, else the name.
fn name(part: &Component) -> String {
    // Programs and images are told by their names: a package URL has the system, and the name of a repository moves.
    let purl = part.purl.as_deref().filter(|_| matches!(part.role, Role::Library | Role::Package));
    let plain = |purl: &str| {
        let end = purl.find(['@', '?', '#']).unwrap_or(purl.len());
        let (kind, name) = purl[..end].strip_prefix("pkg:")?.split_once('/')?;
        // A module's name is written in lower case in a package URL, and as it is in the list.
        Some(if kind == "golang" { part.name.clone() } else { name.to_owned() })
    };
    purl.and_then(plain).unwrap_or_else(|| part.name.clone())
}

fn versions(parts: &[&Component]) -> String {
    let all: BTreeSet<&str> = parts.iter().map(|part| part.version.as_deref().unwrap_or("-")).collect();
    all.into_iter().collect::<Vec<_>>().join(", ")
}

/// The digests of all of them, where all have one.
fn content(parts: &[&Component]) -> Option<String> {
    let all: Option<BTreeSet<String>> = parts.iter().map(|part| Some(part.digest?.short())).collect();
    all.map(|all| all.into_iter().collect::<Vec<_>>().join(", "))
}

fn license(parts: &[&Component]) -> Option<String> {
    let all: Option<BTreeSet<&str>> = parts.iter().map(|part| part.license.as_deref()).collect();
    all.map(|all| all.into_iter().collect::<Vec<_>>().join(", "))
}

fn item(key: &(&'static str, String), parts: &[&Component]) -> Item {
    Item { kind: key.0, name: key.1.clone(), version: versions(parts), license: license(parts) }
}
