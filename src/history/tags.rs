//! Tags, and which of them a commit reaches.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::{Git, HistoryError};
use crate::host::Host;

/// How many names fit into one command line without thinking about it.
const MOST_NAMES: usize = 1000;

/// A tag that leads to a commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Its name without `refs/tags/`.
    pub name: String,
    /// The full object name of the commit.
    pub commit: String,
}

/// Every tag that leads to a commit, by name. One that leads to another kind of object, or to one that is not there, is
/// left out: somebody else's broken tag is no reason to stop.
pub fn tags(host: &Host, git: &Git) -> Result<Vec<Tag>, HistoryError> {
    if let Some(tags) = plain(host, git) {
        return Ok(tags);
    }
    // The objects themselves are not looked at here: git ends badly where one is missing.
    let refs = git.text(host, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"])?;
    let refs: Vec<(&str, &str)> = refs
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(id, name)| Some((id, name.strip_prefix("refs/tags/")?)))
        .collect();
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: String = refs.iter().map(|(id, _)| format!("{id}^{{commit}}\n")).collect();
    let command = git.command(["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
    let finished = host.run_with_input(&command, wanted.as_bytes()).map_err(|error| git.explain(error))?;
    let answers = String::from_utf8_lossy(&finished.stdout).into_owned();
    let tag = |((_, name), answer): (&(&str, &str), &str)| {
        let commit = answer.strip_suffix(" commit")?;
        Some(Tag { name: (*name).to_owned(), commit: commit.to_owned() })
    };
    let mut tags: Vec<Tag> = refs.iter().zip(answers.lines()).filter_map(tag).collect();
    tags.sort();
    Ok(tags)
}

/// The same by one question, where every tag leads to a commit at once or through one annotation; nothing where that is not
/// so, or where git could not look at all of them.
fn plain(host: &Host, git: &Git) -> Option<Vec<Tag>> {
    let format = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)";
    let refs = git.text(host, ["for-each-ref", format, "refs/tags"]).ok()?;
    let tag = |line: &str| {
        let fields: Vec<&str> = line.splitn(5, ' ').collect();
        let [own, object, peeled, inner, name] = fields[..] else { return None };
        let commit = match (own, peeled) {
            ("commit", _) => object,
            ("tag", "commit") => inner,
            _ => return None,
        };
        Some(Tag { name: name.strip_prefix("refs/tags/")?.to_owned(), commit: commit.to_owned() })
    };
    let mut tags = refs.lines().map(tag).collect::<Option<Vec<Tag>>>()?;
    tags.sort();
    Some(tags)
}

/// The first commit, going back from another, for which `wanted` says yes. The stream ends there.
pub fn nearest(
    host: &Host,
    git: &Git,
    from: &str,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Option<String>, HistoryError> {
    let mut found = None;
    let command = git.command(["rev-list", "--end-of-options", from]);
    host.stream(&command, &[], &mut |reader| {
        let mut line = String::new();
        while reader.read_line(&mut line)? > 0 {
            if wanted(line.trim_end()) {
                found = Some(line.trim_end().to_owned());
                return Ok(());
            }
            line.clear();
        }
        Ok(())
    })
    .map_err(|error| git.explain(error))?;
    Ok(found)
}

/// Those of some tags that a commit reaches: exactly, however old they are.
pub fn reached<'a>(host: &Host, git: &Git, commit: &str, tags: &[&'a Tag]) -> Result<Vec<&'a Tag>, HistoryError> {
    let merged = format!("--merged={commit}");
    let names: BTreeMap<String, &Tag> = tags.iter().map(|tag| (format!("refs/tags/{}", tag.name), *tag)).collect();
    let mut reached = Vec::new();
    for names in names.keys().collect::<Vec<_>>().chunks(MOST_NAMES) {
        let args = ["for-each-ref", &merged, "--format=%(refname)"].into_iter().map(str::to_owned);
        let found = git.text(host, args.chain(names.iter().map(|name| (*name).clone())))?;
        reached.extend(found.lines().map(str::to_owned));
    }
    Ok(reached.iter().filter_map(|name| names.get(name).copied()).collect())
}
