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

    /// Without what a main module requires only for others: `go mod tidy` lists these modules in its `go.mod` too, and
    /// marks them with `// indirect` (Go Modules Reference, "go.mod files", "require directive").
    #[must_use]
    pub fn without_indirect(mut self, main: &str, go_mod: &str) -> Self {
        if let Some(required) = self.0.get_mut(main) {
            for line in go_mod.lines() {
                let Some((requirement, comment)) = line.split_once("//") else { continue };
                let marked = comment.trim().split(';').next().is_some_and(|first| first.trim() == "indirect");
                let mut words = requirement.split_whitespace().filter(|word| *word != "require");
                if let Some(path) = words.next().filter(|_| marked) {
                    required.remove(path.trim_matches(['"', '`']));
                }
            }
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_for_others_alone_is_not_direct() {
        let go_mod = "module m\n\nrequire a v1.0.0\nrequire b v1.0.0 // indirect\nrequire (\n\tc v1.0.0 // indirect; why\n\
                      \t\"d\" v1.0.0 // indirect\n\te v1.0.0 // not indirect\n)\n";
        let graph = Graph::parse("m a@v1.0.0\nm b@v1.0.0\nm c@v1.0.0\nm d@v1.0.0\nm e@v1.0.0\na@v1.0.0 b@v1.0.0\n");
        let graph = graph.without_indirect("m", go_mod);
        assert_eq!(graph.required("m", "").unwrap(), &["a", "e"].map(String::from).into());
        assert_eq!(graph.required("a", "v1.0.0").unwrap(), &["b".to_owned()].into());
    }
}
