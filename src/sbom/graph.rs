//! Which module requires which: what `go mod graph` prints.

use std::collections::{BTreeMap, BTreeSet};

/// Requirements among modules.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    /// Reads lines of two modules, the second required by the first: `path@version`, or `path` for a main module. Which
    /// version of the second one is taken in the end is decided for all modules together, so only its path is kept.
    pub fn parse(text: &str) -> Self {
        let mut graph = BTreeMap::<String, BTreeSet<String>>::new();
        for (from, to) in text.lines().filter_map(|line| line.split_once(' ')) {
            let path = to.split('@').next().unwrap_or(to);
            graph.entry(from.to_owned()).or_default().insert(path.to_owned());
        }
        Self(graph)
    }

    /// The paths that a module requires; `None` for one that the graph does not have. A main module has no version.
    pub(super) fn required(&self, path: &str, version: &str) -> Option<&BTreeSet<String>> {
        self.0.get(&format!("{path}@{version}")).or_else(|| self.0.get(path))
    }

    /// Whether the graph has edges.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
