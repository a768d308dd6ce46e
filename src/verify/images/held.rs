//! The binary in an image: the file that a container of it finds, compared with the one that the manifest says.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use sealift_trust::statement::Held;

use super::documents::WalkedImage;
use crate::artifact::Artifact;
use crate::error::Failure;
use crate::host::files;
use crate::oci::layer::{self, LayerEntry, LayerLimits};
use crate::oci::{EntryKind, Source, from_stream};
use crate::sanitize::sanitize_line;
use crate::verify::archives::Known;
use crate::verify::finding::Flaw;

/// Before the name of what a layer takes away from those below it (image-spec, `layer.md`, "Whiteouts").
const WHITEOUT: &str = ".wh.";

/// As the name of a file: the layer takes away all that those below it have in its folder.
const OPAQUE: &str = ".wh..wh..opq";

/// Goes through the layers from the highest down to the one that has the binary: what lies below it cannot change what a
/// container finds. Nothing is unpacked.
pub(super) fn judge(layout: &dyn Source, image: &WalkedImage<'_>, known: &Known<'_>) -> Vec<Flaw> {
    let name = image.entry.name.to_string();
    let mut wanted: BTreeMap<&str, &Held> = image.entry.holds.iter().map(|held| (held.path.as_str(), held)).collect();
    let mut flaws = Vec::new();
    for (layer, diff_id) in image.layers.iter().zip(&image.diff_ids).rev() {
        if wanted.is_empty() {
            break;
        }
        let mut view = View::of(wanted.keys().copied(), known);
        let read = layer::visit(layout, layer, &LayerLimits::usual(), &mut |entry, body| view.take(entry, body));
        match read {
            Err(Failure { code, message, .. }) => {
                let why = sanitize_line(&message).into_owned();
                flaws.push(Flaw::Document { name: format!("{name}: {layer}"), code, why });
                return flaws;
            }
            Ok(read) if read.unpacked.digest() != *diff_id => {
                let why = format!("has a {layer} that unpacks to {}, not {diff_id}", read.unpacked.digest());
                flaws.push(Flaw::Image { name, why });
                return flaws;
            }
            Ok(_) => {}
        }
        let flaw =
            |path: &str, what| Flaw::Binary { holder: name.clone(), path: sanitize_line(path).into_owned(), what };
        flaws.extend(view.unsaid.iter().map(|path| flaw(path, "is a binary of which the manifest does not speak")));
        for (path, sight) in view.sights {
            if let Some(held) = wanted.get(path).copied().filter(|_| sight != Sight::Nothing) {
                wanted.remove(path);
                flaws.extend(sight.judge(held, known).map(|what| flaw(path, what)));
            }
        }
    }
    flaws.extend(wanted.keys().map(|path| Flaw::Binary {
        holder: name.clone(),
        path: (*path).to_owned(),
        what: "is missing",
    }));
    flaws
}

/// What a layer has at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// Nothing: those below it decide.
    Nothing,
    /// A regular file.
    File(Artifact),
    /// Something else, or what tools do not agree about.
    Other(&'static str),
    /// It takes away what those below it have there.
    Hidden,
}

impl Sight {
    fn judge(self, held: &Held, known: &Known<'_>) -> Option<&'static str> {
        match self {
            Sight::File(found) if found.digest() != held.digest => Some("is not the binary that the manifest says"),
            Sight::File(found) if known.size(held.digest) != Some(found.size()) => {
                Some("has not the size that the manifest says")
            }
            Sight::File(_) => None,
            Sight::Other(what) => Some(what),
            Sight::Nothing | Sight::Hidden => Some("is taken away by a higher layer"),
        }
    }
}

/// A layer, as far as it concerns the paths that are looked for.
struct View<'a> {
    sights: BTreeMap<&'a str, Sight>,
    /// Where binaries of the release lie that nobody looks for.
    unsaid: Vec<String>,
    known: &'a Known<'a>,
}

impl<'a> View<'a> {
    fn of(paths: impl Iterator<Item = &'a str>, known: &'a Known<'a>) -> Self {
        Self { sights: paths.map(|path| (path, Sight::Nothing)).collect(), unsaid: Vec::new(), known }
    }

    fn take(&mut self, entry: &LayerEntry, body: &mut dyn Read) -> Result<(), Failure> {
        let content = match entry.kind {
            EntryKind::File => {
                let measured = Artifact::measure(body);
                Some(measured.map_err(|error| from_stream(error, |error| unreadable(entry, error)))?)
            }
            _ => None,
        };
        let is_wanted = self.sights.contains_key(entry.path.as_str());
        if content.is_some_and(|content| self.known.has(content.digest())) && !is_wanted {
            self.unsaid.push(entry.path.clone());
        }
        for (path, sight) in &mut self.sights {
            *sight = see(path, *sight, entry, content);
        }
        Ok(())
    }
}

/// What is known about a path after one more entry, whatever the order of the entries.
fn see(path: &str, before: Sight, entry: &LayerEntry, content: Option<Artifact>) -> Sight {
    let is_below =
        |folder: &str| path.strip_prefix(folder).is_some_and(|rest| folder.is_empty() || rest.starts_with('/'));
    if entry.path.split('/').any(|part| part == "..") {
        return Sight::Other("is in a layer with a name that leads out of it");
    }
    if entry.path == path {
        return match (before, content) {
            (Sight::Nothing | Sight::Hidden, Some(content)) => Sight::File(content),
            (Sight::Nothing | Sight::Hidden, None) => Sight::Other("is not a regular file"),
            (Sight::File(_), _) => Sight::Other("stands in one layer more than once"),
            (Sight::Other(why), _) => Sight::Other(why),
        };
    }
    if is_below(&entry.path) && entry.kind != EntryKind::Folder {
        return Sight::Other("lies below what is no folder");
    }
    let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
    let is_taken = match name.strip_prefix(WHITEOUT) {
        None => false,
        Some(_) if name == OPAQUE => is_below(folder),
        Some(gone) => {
            let gone = if folder.is_empty() { gone.to_owned() } else { format!("{folder}/{gone}") };
            gone == path || is_below(&gone)
        }
    };
    // What a layer itself has stays, also where it takes away what is below.
    if is_taken && before == Sight::Nothing { Sight::Hidden } else { before }
}

fn unreadable(entry: &LayerEntry, error: std::io::Error) -> Failure {
    files::at("read", Path::new(&entry.shown()))(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind) -> LayerEntry {
        LayerEntry { path: path.to_owned(), at: 0, kind, mode: 0o755, uid: 0, gid: 0, size: 0, link: None }
    }

    fn seen(entries: &[(&str, EntryKind)]) -> Sight {
        entries.iter().fold(Sight::Nothing, |sight, (path, kind)| {
            see("usr/bin/api", sight, &entry(path, *kind), (*kind == EntryKind::File).then(|| Artifact::of(b"")))
        })
    }

    #[test]
    fn a_path_is_seen_as_a_container_finds_it() {
        use EntryKind::{Device, File, Folder, HardLink, Link};
        let file = Sight::File(Artifact::of(b""));
        let other = Sight::Other;
        for (entries, want) in [
            (&[("usr", Folder), ("usr/bin", Folder), ("usr/bin/api", File)][..], file),
            (&[("usr/bin/api", Link)], other("is not a regular file")),
            (&[("usr/bin/api", HardLink)], other("is not a regular file")),
            (&[("usr/bin/api", Device)], other("is not a regular file")),
            (&[("usr/bin/api", File), ("usr/bin/api", File)], other("stands in one layer more than once")),
            (&[("usr/bin/api", File), ("usr/bin/api", Link)], other("stands in one layer more than once")),
            (&[("usr/bin", Link), ("usr/bin/api", File)], other("lies below what is no folder")),
            (&[("usr/bin/api", File), ("usr/bin", Link)], other("lies below what is no folder")),
            (&[("usr", HardLink)], other("lies below what is no folder")),
            (&[("usr/../usr/bin/api", File)], other("is in a layer with a name that leads out of it")),
            // A layer takes away what is below it, and nothing of its own.
            (&[("usr/bin/.wh.api", File)], Sight::Hidden),
            (&[("usr/.wh..wh..opq", File), ("usr/bin/api", File)], file),
            (&[("usr/bin/api", File), ("usr/.wh..wh..opq", File)], file),
            (&[("usr/bin/.wh.ap", File), ("usr/bin2", File), ("us", File), ("usr/bin/api2", File)], Sight::Nothing),
            (&[("usr/bin/api/x", File), ("bin", Link)], Sight::Nothing),
        ] {
            assert_eq!(seen(entries), want, "{entries:?}");
        }
    }
}
