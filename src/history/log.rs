//! One pass over `git log`, ended as soon as the answer is found.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read as _};
use std::ops::ControlFlow;

use super::{Commit, Git, HistoryError};
use crate::host::Host;

/// The most that one field of the log may have; a longer one is not a path or a commit.
const FIELD_CAP: u64 = 1 << 20;

/// What it says of something that a path was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Nothing.
    No,
    /// It is another thing now.
    Yes,
    /// That depends on what was touched in the file.
    Look,
}

/// What something is made of: which paths, relative to the top, are a part of it.
pub struct Concern<'a> {
    /// By the path alone.
    pub touch: &'a dyn Fn(&str) -> Touch,
    /// Whether it is another thing with the second text in a file in the place of the first.
    pub differs: &'a dyn Fn(&str, &str) -> bool,
}

/// Finds the newest commit, from `HEAD` on, that affected something. A merge is compared with its first parent. With no
/// such commit (all files are new and uncommitted) the answer is `None`.
pub fn last_affecting(host: &Host, git: &Git, concern: &Concern<'_>) -> Result<Option<Commit>, HistoryError> {
    let mut found = None;
    let mut open: Vec<(Commit, String)> = Vec::new();
    touched(host, git, &["--first-parent"], &mut |commit, path| {
        match (concern.touch)(path) {
            Touch::No => {}
            Touch::Look => open.push((commit.clone(), path.to_owned())),
            Touch::Yes => {
                found = Some(commit.clone());
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    let first = differing(host, git, &open, concern)?.into_iter().next();
    Ok(first.or(found))
}

/// The names of those commits of a range (words of gitrevisions(7)) that affected something. A merge is compared with its
/// first parent: it brings what the merged commits changed.
pub fn affecting(
    host: &Host,
    git: &Git,
    range: &[&str],
    concern: &Concern<'_>,
) -> Result<BTreeSet<String>, HistoryError> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(Commit, String)> = Vec::new();
    let words: Vec<&str> = ["--end-of-options"].into_iter().chain(range.iter().copied()).collect();
    touched(host, git, &words, &mut |commit, path| {
        if !found.contains(&commit.id) {
            match (concern.touch)(path) {
                Touch::No => {}
                Touch::Look => open.push((commit.clone(), path.to_owned())),
                Touch::Yes => drop(found.insert(commit.id.clone())),
            }
        }
        ControlFlow::Continue(())
    })?;
    open.retain(|(commit, _)| !found.contains(&commit.id));
    found.extend(differing(host, git, &open, concern)?.into_iter().map(|commit| commit.id));
    Ok(found)
}

/// Those of some commits that changed a file in a way that counts: each is compared with its first parent. One process
/// gives all of the texts.
fn differing(
    host: &Host,
    git: &Git,
    touched: &[(Commit, String)],
    concern: &Concern<'_>,
) -> Result<Vec<Commit>, HistoryError> {
    // A line for git ends where such a name goes on.
    let is_named = |path: &str| !path.contains('\n');
    let wanted: String = touched
        .iter()
        .filter(|(_, path)| is_named(path))
        .map(|(commit, path)| format!("{id}^:{path}\n{id}:{path}\n", id = commit.id))
        .collect();
    let mut differing: Vec<Commit> = Vec::new();
    let mut judge = |texts: &mut dyn FnMut() -> io::Result<Option<String>>| {
        for (commit, path) in touched {
            let differs = if is_named(path) {
                // One that is not there at one end, or is no text that is read, is another thing.
                let (before, after) = (texts()?, texts()?);
                before.zip(after).is_none_or(|(before, after)| (concern.differs)(&before, &after))
            } else {
                true
            };
            if differs && differing.last().is_none_or(|last| last.id != commit.id) {
                differing.push(commit.clone());
            }
        }
        Ok(())
    };
    if wanted.is_empty() {
        judge(&mut || Ok(None)).expect("nothing is read");
        return Ok(differing);
    }
    let command = git.command(["cat-file", "--batch"]);
    host.stream(&command, wanted.as_bytes(), &mut |reader| judge(&mut || object(reader)))
        .map_err(|error| git.explain(error))?;
    Ok(differing)
}

/// The next answer of `git cat-file --batch` (git-cat-file(1), "Batch Output"), if it is a text of at most 1 MiB.
fn object(reader: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut header = String::new();
    io::Read::take(&mut *reader, FIELD_CAP).read_line(&mut header)?;
    let mut words = header.trim_end().rsplitn(3, ' ');
    let (size, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let Some(size) = size.parse::<u64>().ok().filter(|_| matches!(kind, "blob" | "tree" | "commit" | "tag")) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let mut whole = io::Read::take(&mut *reader, size);
    whole.by_ref().take(FIELD_CAP).read_to_end(&mut bytes)?;
    io::copy(&mut whole, &mut io::sink())?;
    io::copy(&mut io::Read::take(&mut *reader, 1), &mut io::sink())?;
    let text = String::from_utf8(bytes).ok();
    Ok(text.filter(|_| kind == "blob" && size <= FIELD_CAP))
}

/// Tells each path that a commit touched, the newest commit first, until it is told to stop.
fn touched(
    host: &Host,
    git: &Git,
    words: &[&str],
    see: &mut dyn FnMut(&Commit, &str) -> ControlFlow<()>,
) -> Result<(), HistoryError> {
    let fixed = ["log", "--no-show-signature", "--format=%x00%H %ct", "--name-only", "-z", "--no-renames"];
    let merges = ["--diff-merges=first-parent"];
    let command = git.command(fixed.iter().chain(&merges).chain(words).copied().chain(["--"]));
    let mut bad = None;
    host.stream(&command, &[], &mut |reader| {
        let mut current = None;
        let mut first = false;
        while let Some(field) = next_field(reader)? {
            // `-z` separates with NUL. A name is never empty, whatever else may be in one: an empty field announces a
            // header. The list of names begins after a newline behind that.
            if field.is_empty() {
                let header = next_field(reader)?.unwrap_or_default();
                current = parse_commit(&header);
                if current.is_none() {
                    bad = Some(header.chars().take(100).collect::<String>());
                    return Ok(());
                }
                first = true;
                continue;
            }
            let path = if std::mem::take(&mut first) { field.strip_prefix('\n').unwrap_or(&field) } else { &field };
            if let Some(commit) = &current
                && see(commit, path).is_break()
            {
                return Ok(());
            }
        }
        Ok(())
    })
    .map_err(|error| git.explain(error))?;
    bad.map_or(Ok(()), |answer| Err(HistoryError::Answer(answer)))
}

fn next_field(reader: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut limited = io::Read::take(reader, FIELD_CAP);
    if limited.read_until(0, &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.pop_if(|last| *last == 0).is_none() && bytes.len() as u64 == FIELD_CAP {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a field of git log is over 1 MiB"));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The most that is kept of one message; what comes after it has no say in a version.
const MESSAGE_CAP: usize = 256 << 10;

/// A commit with what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its full object name.
    pub id: String,
    /// Those of its parents.
    pub parents: Vec<String>,
    /// The committer's time, in seconds since 1970; a time before that is 0.
    pub time: u64,
    /// The author's name, by the repository's mailmap: any text.
    pub author: String,
    /// Its message: any text, of which what is over 256 KiB is left out.
    pub message: String,
}

impl Logged {
    /// Whether it has several parents.
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }
}

/// The commits that a range of revisions means (gitrevisions(7)), children before their parents, the newest first.
/// `range` holds words for `git log`; one that is not safe as a word must not come in.
pub fn logged(host: &Host, git: &Git, range: &[&str]) -> Result<Vec<Logged>, HistoryError> {
    // A message cannot hold a NUL, nor can a name.
    let form = "--format=%H%x00%P%x00%ct%x00%aN%x00%B";
    let fixed = ["log", "--topo-order", "--no-show-signature", "--no-color", "--encoding=UTF-8", "-z", form];
    let command = git.command(fixed.into_iter().chain(["--end-of-options"]).chain(range.iter().copied()).chain(["--"]));
    let mut all = Vec::new();
    let mut bad = None;
    host.stream(&command, &[], &mut |reader| {
        while let Some(id) = capped_field(reader)? {
            let mut rest = [const { String::new() }; 4];
            for field in &mut rest {
                *field = capped_field(reader)?.unwrap_or_default();
            }
            let [parents, time, author, message] = rest;
            if parse_commit(&format!("{id} 0")).is_none() {
                bad = Some(id.chars().take(100).collect::<String>());
                return Ok(());
            }
            let parents = parents.split_whitespace().map(str::to_owned).collect();
            all.push(Logged { id, parents, time: time.parse().unwrap_or(0), author, message });
        }
        Ok(())
    })
    .map_err(|error| git.explain(error))?;
    bad.map_or(Ok(all), |answer| Err(HistoryError::Answer(answer)))
}

/// Reads up to a NUL, and keeps the beginning.
fn capped_field(reader: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut kept = Vec::new();
    let mut any = false;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == 0);
        let part = &buffer[..end.unwrap_or(buffer.len())];
        kept.extend_from_slice(&part[..part.len().min(MESSAGE_CAP - kept.len())]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(any.then(|| String::from_utf8_lossy(&kept).into_owned()))
}

/// Reads `<object name> <seconds>`.
pub(super) fn parse_commit(line: &str) -> Option<Commit> {
    let (id, time) = line.split_once(' ')?;
    let hex = matches!(id.len(), 40 | 64) && id.bytes().all(|c| c.is_ascii_hexdigit());
    Some(Commit { id: hex.then(|| id.to_owned())?, time: time.parse().ok()? })
}
