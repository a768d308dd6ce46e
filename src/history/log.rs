//! One pass over `git log`, ended as soon as the answer is found.

use std::io::{self, BufRead};

use super::{Commit, Git, HistoryError};
use crate::host::Host;

/// The most that one field of the log may have; a longer one is not a path or a commit.
const FIELD_CAP: u64 = 1 << 20;

/// Finds the newest commit, from `HEAD` on, that touched a path for which `affects` says yes; paths are relative to the
/// top. A merge is compared with its first parent. With no such commit (all files are new and uncommitted) the answer
/// is `None`.
pub fn last_affecting(host: &Host, git: &Git, affects: &dyn Fn(&str) -> bool) -> Result<Option<Commit>, HistoryError> {
    let args = [
        "log",
        "--no-show-signature",
        "--format=%x01%H %ct",
        "--name-only",
        "-z",
        "--no-renames",
        "-m",
        "--first-parent",
    ];
    let command = git.command(args);
    let mut found = None;
    let mut bad = None;
    host.stream(&command, &[], &mut |reader| {
        let mut current = None;
        while let Some(field) = next_field(reader)? {
            // `-z` separates with NUL, and the list of names begins after a newline behind the header.
            let field = field.trim_start_matches('\n');
            if let Some(header) = field.strip_prefix('\u{1}') {
                current = parse_commit(header.trim_end());
                if current.is_none() {
                    bad = Some(header.chars().take(100).collect::<String>());
                    return Ok(());
                }
            } else if !field.is_empty() && affects(field) {
                found = current.take();
                return Ok(());
            }
        }
        Ok(())
    })
    .map_err(|error| git.explain(error))?;
    match bad {
        Some(answer) => Err(HistoryError::Answer(answer)),
        None => Ok(found),
    }
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

/// Reads `<object name> <seconds>`.
pub(super) fn parse_commit(line: &str) -> Option<Commit> {
    let (id, time) = line.split_once(' ')?;
    let hex = matches!(id.len(), 40 | 64) && id.bytes().all(|c| c.is_ascii_hexdigit());
    Some(Commit { id: hex.then(|| id.to_owned())?, time: time.parse().ok()? })
}
