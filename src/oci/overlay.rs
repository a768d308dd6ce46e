//! A few files as all layers together give them (image-spec, `layer.md`, "Whiteouts").

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use super::layer::{self, LayerEntry, LayerLimits, plain};
use super::tar::EntryKind;
use super::{Descriptor, LayerError, Source};
use crate::error::Failure;

/// The most bytes of one file: a bundle of certificates has 250 kB.
const MOST_FILE: u64 = 4 << 20;
/// How many links may follow each other, as on Linux.
const MOST_LINKS: usize = 40;
/// How often the layers are read: once, and again where links lead to what was not looked at.
const MOST_PASSES: usize = 4;

/// A file as a container of the image sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveFile {
    /// Where it really lies, when a link led there; without `/` before it.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: u64,
    /// Its group.
    pub gid: u64,
}

/// What a container finds at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effective {
    /// Nothing.
    Nothing,
    /// A regular file.
    File(EffectiveFile),
    /// A folder.
    Folder,
    /// A device, a FIFO, or a file with holes.
    Other,
}

/// Gives what the layers, the lowest first, have at some paths. Links are followed within the image, whiteouts hide what
/// lies below them. No more is kept in memory than these files and what is on the way to them.
///
/// # Errors
/// As [`layer::visit`]; `layer.escapes` when any name leaves the image; `layer.through-link` when a layer puts something
/// below a link, which tools do not agree about; `layer.links` for links without end; `layer.file-too-large`.
pub fn read_files(
    source: &dyn Source,
    layers: &[Descriptor],
    paths: &[&str],
    limits: &LayerLimits,
) -> Result<BTreeMap<String, Effective>, Failure> {
    let mut watched = BTreeSet::new();
    paths.iter().for_each(|path| watch(&mut watched, &plain(path)));
    for _ in 0..MOST_PASSES {
        let tree = Tree::read(source, layers, &watched, limits)?;
        let mut found = BTreeMap::new();
        let mut further = Vec::new();
        for path in paths {
            match tree.find(&plain(path))? {
                Step::Found(effective) => drop(found.insert((*path).to_owned(), effective)),
                Step::LookAt(path) => further.push(path),
            }
        }
        if further.is_empty() {
            return Ok(found);
        }
        further.iter().for_each(|path| watch(&mut watched, path));
    }
    Err(LayerError::Links { path: paths.join(", ") }.into())
}

/// Adds a path and the folders above it.
fn watch(watched: &mut BTreeSet<String>, path: &str) {
    watched.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
    watched.insert(path.to_owned());
}

#[derive(Clone, Debug)]
enum Node {
    Folder,
    File { content: Arc<[u8]>, mode: u32, uid: u64, gid: u64 },
    Link(String),
    HardLink(String),
    Other,
}

enum Step {
    Found(Effective),
    /// A link leads where nobody has looked.
    LookAt(String),
}

/// The watched paths that exist.
struct Tree<'a> {
    watched: &'a BTreeSet<String>,
    nodes: BTreeMap<String, Node>,
}

impl<'a> Tree<'a> {
    fn read(
        source: &dyn Source,
        layers: &[Descriptor],
        watched: &'a BTreeSet<String>,
        limits: &LayerLimits,
    ) -> Result<Self, Failure> {
        let mut tree = Self { watched, nodes: BTreeMap::new() };
        for descriptor in layers {
            let mut upper = Upper::default();
            layer::visit(source, descriptor, limits, &mut |entry, body| upper.take(entry, body, watched))?;
            tree.lay(upper)?;
        }
        Ok(tree)
    }

    /// Lays a layer over those below it. Whiteouts hide what is below, whatever their order in the layer.
    fn lay(&mut self, upper: Upper) -> Result<(), Failure> {
        for gone in &upper.gone {
            self.nodes.retain(|path, _| path != gone && !is_below(path, gone));
        }
        for emptied in &upper.opaque {
            self.nodes.retain(|path, _| !is_below(path, emptied));
        }
        for (path, node) in &upper.nodes {
            if !matches!(node, Node::Folder) {
                self.nodes.retain(|below, _| !is_below(below, path));
            }
        }
        self.nodes.extend(upper.nodes);
        for path in upper.named {
            let through =
                path.match_indices('/').any(|(at, _)| matches!(self.nodes.get(&path[..at]), Some(Node::Link(_))));
            if through {
                return Err(LayerError::ThroughLink { path }.into());
            }
        }
        Ok(())
    }

    /// Goes to a path from the root, through links.
    fn find(&self, path: &str) -> Result<Step, Failure> {
        let mut at = path.to_owned();
        for _ in 0..MOST_LINKS {
            let prefixes = at.match_indices('/').map(|(end, _)| end).chain([at.len()]);
            let link =
                prefixes.map(|end| (&at[..end], &at[end..])).find_map(|(prefix, rest)| match self.nodes.get(prefix) {
                    Some(Node::Link(target)) => Some(join(prefix, target) + rest),
                    Some(Node::HardLink(target)) => Some(plain(target) + rest),
                    _ => None,
                });
            let Some(next) = link else { return Ok(self.at(at)) };
            at = plain(&next);
            if !at.is_empty() && !self.watched.contains(&at) {
                return Ok(Step::LookAt(at));
            }
        }
        Err(LayerError::Links { path: path.to_owned() }.into())
    }

    fn at(&self, path: String) -> Step {
        Step::Found(match self.nodes.get(&path) {
            Some(Node::File { content, mode, uid, gid }) => {
                Effective::File(EffectiveFile { path, content: content.to_vec(), mode: *mode, uid: *uid, gid: *gid })
            }
            Some(Node::Folder) => Effective::Folder,
            Some(_) => Effective::Other,
            // A folder need not be listed for files to be in it.
            None if path.is_empty() || self.nodes.keys().any(|other| is_below(other, &path)) => Effective::Folder,
            None => Effective::Nothing,
        })
    }
}

/// One layer's share of the watched paths.
#[derive(Default)]
struct Upper {
    nodes: BTreeMap<String, Node>,
    /// Watched paths that the layer holds something at or below.
    named: BTreeSet<String>,
    gone: Vec<String>,
    opaque: Vec<String>,
}

impl Upper {
    fn take(&mut self, entry: &LayerEntry, body: &mut dyn Read, watched: &BTreeSet<String>) -> Result<(), Failure> {
        let path = &entry.path;
        if path.split('/').any(|part| part == "..") {
            return Err(LayerError::Escapes { path: entry.shown() }.into());
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if let Some(hidden) = name.strip_prefix(".wh.") {
            match hidden {
                ".wh..opq" if folder.is_empty() || watched.contains(folder) => self.opaque.push(folder.to_owned()),
                // What aufs notes for itself.
                _ if hidden.starts_with(".wh.") => {}
                _ => {
                    let hidden = plain(&format!("{folder}/{hidden}"));
                    if watched.contains(&hidden) {
                        self.gone.push(hidden);
                    }
                }
            }
            return Ok(());
        }
        if !watched.contains(path) {
            return Ok(());
        }
        let link = || entry.link.clone().unwrap_or_default();
        let node = match entry.kind {
            EntryKind::Folder => Node::Folder,
            EntryKind::File => {
                if entry.size > MOST_FILE {
                    return Err(LayerError::FileTooLarge { path: entry.shown(), cap: MOST_FILE }.into());
                }
                let mut content = Vec::new();
                body.read_to_end(&mut content).map_err(|error| layer::unreadable(error, entry.at))?;
                Node::File { content: content.into(), mode: entry.mode, uid: entry.uid, gid: entry.gid }
            }
            EntryKind::Link => Node::Link(link()),
            EntryKind::HardLink => Node::HardLink(link()),
            _ => Node::Other,
        };
        if !matches!(node, Node::Folder) {
            self.nodes.retain(|below, _| !is_below(below, path));
        }
        self.named.insert(path.clone());
        self.nodes.insert(path.clone(), node);
        Ok(())
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Where a link leads, from the root of the image, out of which no `..` leads.
fn join(link: &str, target: &str) -> String {
    let folder = link.rsplit_once('/').map_or("", |(folder, _)| folder);
    let start = if target.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
