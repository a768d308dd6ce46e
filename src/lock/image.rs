//! `[image."REFERENCE"]`: a base image by its digest, and by that of each platform's manifest.

use std::collections::BTreeMap;
use std::ops::Range;

use sealift_trust::Digest;
use toml_edit::{InlineTable, Item, Table, value};

use super::LockError;

/// A base image as it was when it was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePin {
    /// The digest of what the reference names: an index, or one manifest.
    pub digest: Digest,
    /// The digests of its manifests, by platform (`linux/arm/v7`).
    pub platforms: BTreeMap<String, Digest>,
}

/// Reads the table `image`.
pub(super) fn read(
    item: &Item,
    wrong: &dyn Fn(Option<Range<usize>>, &'static str) -> LockError,
) -> Result<BTreeMap<String, ImagePin>, LockError> {
    let table = item.as_table_like().ok_or_else(|| wrong(item.span(), "image must be a table of references"))?;
    let mut pins = BTreeMap::new();
    for (reference, item) in table.iter() {
        let digest = |item: &Item| {
            let digest = item.as_str().and_then(|text| text.parse::<Digest>().ok());
            digest.ok_or_else(|| wrong(item.span(), "not a digest of the form sha256:…"))
        };
        let pin = item.as_table_like().ok_or_else(|| wrong(item.span(), "a base image's pin must be a table"))?;
        if let Some((key, _)) = pin.iter().find(|(key, _)| !matches!(*key, "digest" | "platforms")) {
            let span = pin.key(key).and_then(toml_edit::Key::span);
            return Err(wrong(span, "a base image's pin has the keys digest and platforms"));
        }
        let at = table.key(reference).and_then(toml_edit::Key::span);
        let (Some(own), Some(platforms)) = (pin.get("digest"), pin.get("platforms")) else {
            return Err(wrong(at, "a base image's pin needs the keys digest and platforms"));
        };
        let listed = platforms.as_table_like().ok_or_else(|| wrong(platforms.span(), "platforms must be a table"))?;
        let platforms = listed
            .iter()
            .map(|(platform, item)| {
                let span = listed.key(platform).and_then(toml_edit::Key::span);
                if is_platform(platform) {
                    Ok((platform.to_owned(), digest(item)?))
                } else {
                    Err(wrong(span, "not a platform, as linux/arm64"))
                }
            })
            .collect::<Result<_, _>>()?;
        pins.insert(reference.to_owned(), ImagePin { digest: digest(own)?, platforms });
    }
    Ok(pins)
}

fn is_platform(text: &str) -> bool {
    let word = |word: &str| {
        (1..=32).contains(&word.len()) && word.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
    };
    matches!(text.split('/').count(), 2 | 3) && text.split('/').all(word)
}

/// Writes the table, in the order of the references.
pub(super) fn write(pins: &BTreeMap<String, ImagePin>) -> Item {
    let mut all = Table::new();
    all.set_implicit(true);
    for (reference, pin) in pins {
        let mut platforms = InlineTable::new();
        for (platform, digest) in &pin.platforms {
            platforms.insert(platform, digest.to_string().into());
        }
        let mut table = Table::new();
        table.insert("digest", value(pin.digest.to_string()));
        table.insert("platforms", value(platforms));
        all.insert(reference, Item::Table(table));
    }
    Item::Table(all)
}

#[cfg(test)]
mod tests {
    use super::super::Lock;
    use super::*;
    use crate::error::Fault;

    #[test]
    fn what_is_pinned_is_read_again() {
        let mut lock = Lock::default();
        let platforms = ["linux/amd64", "linux/arm/v7"].map(|text| (text.to_owned(), Digest::of(text.as_bytes())));
        let pin = ImagePin { digest: Digest::of(b"index"), platforms: platforms.into() };
        lock.pin_image("alpine:3.22", pin.clone());
        let text = lock.text();
        let read = Lock::parse(&text).unwrap();
        assert_eq!((read.image("alpine:3.22"), read.text()), (Some(&pin), text));
        assert_eq!(read.images().collect::<Vec<_>>(), ["alpine:3.22"]);
        let mut read = read;
        read.unpin_image("alpine:3.22");
        assert!(!read.text().contains("image"), "{}", read.text());
    }

    #[test]
    fn wrong_pins_are_refused_at_their_place() {
        let digest = Digest::of(b"");
        for (text, line) in [
            ("image = 1".to_owned(), 1),
            ("[image]\na = 1".to_owned(), 2),
            ("[image.\"a:1\"]\ndigest = \"sha256:x\"\nplatforms = {}".to_owned(), 2),
            (format!("[image.\"a:1\"]\ndigest = \"{digest}\""), 1),
            (format!("[image.\"a:1\"]\ndigest = \"{digest}\"\nplatforms = {{ linux = \"{digest}\" }}"), 3),
            (format!("[image.\"a:1\"]\ndigest = \"{digest}\"\nplatforms = {{ \"linux/arm64\" = 1 }}"), 3),
            (format!("[image.\"a:1\"]\ndigest = \"{digest}\"\nplatforms = {{}}\nmore = 1"), 4),
        ] {
            let error = Lock::parse(&text).unwrap_err();
            assert_eq!((error.code(), error.place().unwrap().line), ("lock.pin", line), "{text:?}");
        }
    }
}
