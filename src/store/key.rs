//! A step's key: the digest of everything that its result depends on.

use sealift_trust::{Digest, Hasher};

/// Names a step's result before it is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Digest);

impl Key {
    /// The digest.
    pub fn digest(&self) -> Digest {
        self.0
    }
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Collects inputs. Each name and value is preceded by its length, so that no two lists of inputs run together.
pub struct KeyBuilder(Hasher);

impl KeyBuilder {
    /// Starts with what kind of step it is and the version of how the step is done: a change in either changes all keys.
    pub fn new(kind: &str, version: u32) -> Self {
        Self(Hasher::new()).with("step", kind).with("version", &version.to_string())
    }

    /// Adds an input.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.add(name, value);
        self
    }

    /// Adds an input.
    pub fn add(&mut self, name: &str, value: &str) {
        for part in [name.as_bytes(), value.as_bytes()] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    /// The key.
    pub fn finish(self) -> Key {
        Key(self.0.finish().0)
    }
}
