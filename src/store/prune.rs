//! What the store weighs, and how it is made smaller.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Store;
use crate::host::files::{self, FileError};
use crate::host::tree;

/// What the store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Recorded steps.
    pub steps: u64,
}

/// What a pruning removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// What was removed.
    pub removed: Stats,
    /// What is left.
    pub left: Stats,
}

impl Store {
    /// Counts blobs and steps.
    pub fn stats(&self) -> Result<Stats, FileError> {
        let mut stats = Stats::default();
        for (_, (_, size)) in self.aged("blobs")? {
            stats.blobs += 1;
            stats.bytes += size;
        }
        stats.steps = self.aged("steps")?.len() as u64;
        Ok(stats)
    }

    /// Removes the blobs that were written longest ago until at most `keep` bytes are left, and every step older than
    /// the youngest blob that went. A step whose blob is gone is simply done again.
    pub fn prune(&self, keep: u64) -> Result<Pruned, FileError> {
        let before = self.stats()?;
        let mut blobs: Vec<_> = self.aged("blobs")?.into_iter().collect();
        blobs.sort_by_key(|(_, (age, _))| std::cmp::Reverse(*age));
        let (mut left, mut youngest_gone) = (before.bytes, None);
        for (path, (age, size)) in blobs {
            if left <= keep {
                break;
            }
            files::remove(&self.root.join("blobs").join(path))?;
            left -= size;
            youngest_gone = Some(age);
        }
        if let Some(limit) = youngest_gone {
            for (path, _) in self.aged("steps")?.into_iter().filter(|(_, (age, _))| *age >= limit) {
                files::remove(&self.root.join("steps").join(path))?;
            }
        }
        let after = self.stats()?;
        let removed = Stats {
            blobs: before.blobs - after.blobs,
            bytes: before.bytes - after.bytes,
            steps: before.steps - after.steps,
        };
        Ok(Pruned { removed, left: after })
    }

    /// Every file below a folder of the store, with its age in nanoseconds and its size.
    fn aged(&self, folder: &str) -> Result<BTreeMap<String, (u128, u64)>, FileError> {
        let root = self.root.join(folder);
        let mut found = BTreeMap::new();
        let mut failed = None;
        tree::walk(&root, &mut |_| true, &mut |path| match files::age_and_size(&root.join(path)) {
            Ok(aged) => drop(found.insert(path.to_owned(), aged)),
            Err(error) => failed = Some(error),
        })?;
        failed.map_or(Ok(found), Err)
    }
}
