//! What an installed toolchain really is: the digest of the programs that make binaries, and what they can build for.

use std::path::{Path, PathBuf};

use sealift_trust::{Digest, Hasher};
use serde::{Deserialize, Serialize};

use super::fault::GoError;
use crate::host::files;
use crate::host::staging;
use crate::host::stamp::stamp;
use crate::target::Target;

/// The most that is read of a memo.
const CAP: u64 = 64 * 1024;

/// What was found out before, and of which files.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memo {
    stamps: Vec<String>,
    identity: Digest,
}

/// The digest over `VERSION` and the programs that decide the bytes of a binary, by their names and digests: an altered
/// compiler is another toolchain. Remembered in `memos` as long as no file has changed.
///
/// # Errors
/// `file.missing` when the folder lacks one of them.
pub fn identity(root: &Path, memos: &Path) -> Result<Digest, GoError> {
    let names = names();
    let paths: Vec<PathBuf> = names.iter().map(|name| root.join(name)).collect();
    let stamps = paths.iter().map(|path| stamp(path)).collect::<Result<Vec<_>, _>>()?;
    let memo = memos.join(format!("{}.json", Digest::of(root.to_string_lossy().as_bytes()).hex()));
    // A memo that cannot be read, or is of other files, is made anew.
    if let Ok(Some(bytes)) = files::read_if_present(&memo, CAP)
        && let Ok(known) = serde_json::from_slice::<Memo>(&bytes)
        && known.stamps == stamps
    {
        return Ok(known.identity);
    }
    let mut hasher = Hasher::new();
    for (name, path) in names.iter().zip(&paths) {
        hasher.update(format!("{}  {name}\n", files::measure(path)?.digest().hex()).as_bytes());
    }
    let (identity, _) = hasher.finish();
    let memory = serde_json::to_vec(&Memo { stamps, identity }).expect("strings and a digest have a JSON form");
    staging::remember(&memo, &memory)?;
    Ok(identity)
}

fn names() -> Vec<String> {
    let (host, exe) = (Target::host(), std::env::consts::EXE_SUFFIX);
    let tools = format!("pkg/tool/{}_{}", host.os(), host.arch());
    let programs = ["asm", "compile", "link"].map(|tool| format!("{tools}/{tool}{exe}"));
    ["VERSION".to_owned(), format!("bin/go{exe}")].into_iter().chain(programs).collect()
}

/// The `os/arch` pairs of `go tool dist list`, remembered by the toolchain's identity.
pub fn targets(
    identity: &Digest,
    memos: &Path,
    ask: impl FnOnce() -> Result<Vec<u8>, GoError>,
) -> Result<Vec<String>, GoError> {
    let memo = memos.join(format!("{}.targets", identity.hex()));
    if let Ok(Some(bytes)) = files::read_if_present(&memo, CAP)
        && let Some(pairs) = pairs(&bytes)
    {
        return Ok(pairs);
    }
    let answer = ask()?;
    let listed = pairs(&answer).ok_or_else(|| GoError::Unusable {
        program: "go".into(),
        why: "`go tool dist list` does not list targets".into(),
    })?;
    staging::remember(&memo, &answer)?;
    Ok(listed)
}

/// Lines of the form `os/arch`, at least one.
fn pairs(text: &[u8]) -> Option<Vec<String>> {
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let pair = |line: &&str| line.split_once('/').is_some_and(|(os, arch)| word(os) && word(arch));
    let lines: Vec<&str> = std::str::from_utf8(text).ok()?.lines().collect();
    let sound = !lines.is_empty() && lines.iter().all(pair);
    sound.then(|| lines.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;

    fn toolchain(dir: &Path) -> PathBuf {
        let root = dir.join("go");
        for name in names() {
            let path = root.join(&name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        root
    }

    #[test]
    fn each_program_counts_and_a_memo_is_no_excuse() {
        let dir = tempfile::tempdir().unwrap();
        let (root, memos) = (toolchain(dir.path()), dir.path().join("memos"));
        let first = identity(&root, &memos).unwrap();
        assert_eq!(identity(&root, &memos).unwrap(), first);
        for name in names() {
            let path = root.join(&name);
            // Same size, so that only times can tell.
            std::thread::sleep(std::time::Duration::from_millis(15));
            std::fs::write(&path, name.chars().rev().collect::<String>()).unwrap();
            assert_ne!(identity(&root, &memos).unwrap(), first, "{name}");
            std::fs::write(&path, name).unwrap();
        }
        assert_eq!(identity(&root, &memos).unwrap(), first);
        for entry in std::fs::read_dir(&memos).unwrap() {
            std::fs::write(entry.unwrap().path(), "{}").unwrap();
        }
        assert_eq!(identity(&root, &memos).unwrap(), first);
        std::fs::remove_file(root.join("VERSION")).unwrap();
        assert!(identity(&root, &memos).is_err());
    }

    #[test]
    fn targets_are_asked_for_once_and_checked() {
        let dir = tempfile::tempdir().unwrap();
        let id = Digest::of(b"x");
        assert!(targets(&id, dir.path(), || Ok(b"usage: go tool".to_vec())).is_err());
        let asked = targets(&id, dir.path(), || Ok(b"linux/amd64\njs/wasm\n".to_vec())).unwrap();
        assert_eq!(asked, ["linux/amd64", "js/wasm"]);
        assert_eq!(targets(&id, dir.path(), || panic!("asked twice")).unwrap(), asked);
    }
}
