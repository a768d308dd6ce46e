//! Bases: what a reference leads to today, and what is different from the day before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sealift_trust::Digest;

use super::{ImageError, Opened};
use crate::lock::ImagePin;
use crate::oci::{Descriptor, Document, Image, Source, media};
use crate::sanitize::sanitize_line;
use crate::table::{bytes, counted};

/// A pin that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The reference as it is written.
    pub reference: String,
    /// What it was pinned to before.
    pub from: Option<Digest>,
    /// What it is pinned to now; nothing when no service names it any more.
    pub to: Option<Digest>,
    /// What is different, for people.
    pub changes: Vec<String>,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reference, from, to, .. } = self;
        match (from, to) {
            (Some(from), Some(to)) => write!(f, "{reference} {from} -> {to}"),
            (None, Some(to)) => write!(f, "{reference} {to}"),
            (_, None) => write!(f, "{reference} is no longer pinned"),
        }
    }
}

/// Resolves a base: what it names now, and the manifest of each Linux platform.
///
/// # Errors
/// `image.base` for an index of indexes, or without an image for Linux; `oci.schema1`; what the place says.
pub fn pin(opened: &Opened<'_>, reference: &str) -> Result<ImagePin, ImageError> {
    let root = opened.named()?;
    let refuse = |why: &str| ImageError::Base { base: reference.to_owned(), why: why.to_owned() };
    let mut platforms = BTreeMap::new();
    match Document::parse(&opened.source().document(&root)?, &root.media_type)? {
        Document::Manifest(_) => {
            let image = Image::read(opened.source(), &root)?;
            platforms.insert(image.platform().to_string(), root.digest);
        }
        Document::Index(index) => {
            if index.manifests.iter().any(|entry| media::is_index(&entry.media_type)) {
                return Err(refuse("an index of indexes, and which image of them is meant cannot be known"));
            }
            for entry in index.manifests.iter().filter(|entry| entry.artifact_type.is_none()) {
                let Some(platform) = &entry.platform else { continue };
                // Of several for one platform the first is taken, as runtimes do.
                platforms.entry(platform.to_string()).or_insert(entry.digest);
            }
        }
    }
    platforms.retain(|platform, _| platform.starts_with("linux/"));
    if platforms.is_empty() {
        return Err(refuse("no image for Linux"));
    }
    Ok(ImagePin { digest: root.digest, platforms })
}

/// Says what is different between two pins of a base, platform by platform. A base that is gone cannot be compared.
pub fn changes(opened: &Opened<'_>, from: &ImagePin, to: &ImagePin) -> Vec<String> {
    let names = |pin: &ImagePin| pin.platforms.keys().cloned().collect::<BTreeSet<_>>();
    let (before, after) = (names(from), names(to));
    let mut lines: Vec<String> = Vec::new();
    lines.extend(before.difference(&after).map(|platform| format!("{platform} is gone")));
    lines.extend(after.difference(&before).map(|platform| format!("{platform} is new")));
    for platform in before.intersection(&after) {
        let (old, new) = (from.platforms[platform], to.platforms[platform]);
        if old == new {
            lines.push(format!("{platform} is the same"));
            continue;
        }
        match (read(opened, from.digest, old), read(opened, to.digest, new)) {
            (Ok(old), Ok(new)) => lines.push(format!("{platform}: {}", compared(&old, &new))),
            _ => lines.push(format!("{platform}: {old} is no longer there to compare with")),
        }
    }
    lines
}

/// Reads a platform's image, through the index if there is one.
fn read(opened: &Opened<'_>, root: Digest, digest: Digest) -> Result<Image, ImageError> {
    let source: &dyn Source = opened.source();
    let direct = opened.pinned(digest);
    let descriptor = direct.or_else(|error| {
        let root = opened.pinned(root)?;
        let Document::Index(index) = Document::parse(&source.document(&root)?, &root.media_type)? else {
            return Err(error);
        };
        index.manifests.into_iter().find(|entry| entry.digest == digest).ok_or(error)
    })?;
    Ok(Image::read(source, &descriptor)?)
}

/// Layers, configuration and labels.
fn compared(old: &Image, new: &Image) -> String {
    let digests = |image: &Image| image.layers().iter().map(|layer| layer.digest).collect::<BTreeSet<_>>();
    let size = |layers: &[Descriptor], of: &BTreeSet<Digest>| {
        layers.iter().filter(|layer| of.contains(&layer.digest)).map(|layer| layer.size).sum::<u64>()
    };
    let (before, after) = (digests(old), digests(new));
    let added: BTreeSet<Digest> = after.difference(&before).copied().collect();
    let removed = before.difference(&after).count();
    let shared = before.intersection(&after).count();
    let mut text = format!(
        "{} added ({}), {removed} removed, {shared} shared",
        counted(added.len() as u64, "layer"),
        bytes(size(new.layers(), &added))
    );
    let (was, is) = (&old.config().config, &new.config().config);
    let fields = [
        ("user", was.user != is.user),
        ("env", was.env != is.env),
        ("entrypoint", was.entrypoint != is.entrypoint),
        ("cmd", was.cmd != is.cmd),
        ("workdir", was.working_dir != is.working_dir),
        ("ports", was.exposed_ports != is.exposed_ports),
        ("volumes", was.volumes != is.volumes),
        ("stop-signal", was.stop_signal != is.stop_signal),
    ];
    let changed: Vec<&str> = fields.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    if !changed.is_empty() {
        text += &format!("; configuration: {}", changed.join(", "));
    }
    let names: BTreeSet<&String> = was.labels.keys().chain(is.labels.keys()).collect();
    let differ = names.into_iter().filter(|name| was.labels.get(*name) != is.labels.get(*name));
    let labels: Vec<String> = differ.map(|name| sanitize_line(name).into_owned()).collect();
    if !labels.is_empty() {
        text += &format!("; labels: {}", labels.join(", "));
    }
    text
}
