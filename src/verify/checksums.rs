//! The lower rung: files against a list of digests that nobody signed. It tells damage from the whole, and says nothing of
//! where anything comes from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealift_trust::{Digest, FileName};

use super::VerifyError;
use super::finding::Flaw;
use crate::artifact::Artifact;
use crate::host::files;
use crate::host::machine;
use crate::host::regular::{self, Found};
use crate::sanitize::sanitize_line;

/// The longest list that is read, in bytes.
const MAX_LIST: u64 = 16 << 20;

/// How files compare with a list.
#[derive(Debug)]
#[must_use = "a comparison may be a refusal"]
pub struct Compared {
    /// Every file that was compared, with its digest.
    pub files: Vec<(FileName, Digest)>,
    /// What is wrong, by file.
    pub flaws: Vec<Flaw>,
}

/// Compares the named files, or without any all that the list names, with a list in the form of `sha256sum`; they lie
/// beside it. Runs on all cores.
///
/// # Errors
/// `checksums.weak` for MD5 and SHA-1, `checksums.form` for what is no list, and what cannot be read.
pub fn compare(list: &Path, named: &[PathBuf]) -> Result<Compared, VerifyError> {
    let Found::File(_) = regular::follow(list)? else {
        return Err(VerifyError::Absent { path: list.display().to_string() });
    };
    let wanted = parse(&files::read_text(list, MAX_LIST)?, list)?;
    let mut flaws = Vec::new();
    let mut work: Vec<(FileName, PathBuf, Digest)> = Vec::new();
    if named.is_empty() {
        work.extend(wanted.iter().map(|(name, digest)| (name.clone(), list.with_file_name(name.as_str()), *digest)));
    }
    for path in named {
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        // By its bytes: a name that only looks the same, or is spelled otherwise, is not in the list.
        match shown.parse::<FileName>().ok().and_then(|name| wanted.get_key_value(&name)) {
            Some((name, digest)) => work.push((name.clone(), path.clone(), *digest)),
            None => flaws.push(Flaw::NotListed(sanitize_line(&shown).into_owned())),
        }
    }
    let seen = machine::parallel(&work, machine::cores(), |(name, path, wanted)| examine(name, path, *wanted))?;
    flaws.extend(seen.into_iter().flatten());
    Ok(Compared { files: work.into_iter().map(|(name, _, digest)| (name, digest)).collect(), flaws })
}

fn examine(name: &FileName, path: &Path, wanted: Digest) -> Result<Option<Flaw>, VerifyError> {
    let found = match regular::open(path)? {
        Found::File(found) => found,
        Found::Nothing => return Ok(Some(Flaw::Missing(name.to_string()))),
        Found::Other(what) => return Ok(Some(Flaw::NotAFile { name: name.to_string(), what })),
    };
    let found = Artifact::measure(&found.file).map_err(files::at("read", path))?.digest();
    Ok((found != wanted).then(|| Flaw::Digest { name: name.to_string(), wanted, found }))
}

/// Reads a list: `<64 hex digits>  <name>` or `<64 hex digits> *<name>` a line, each name once and a plain one (A33).
fn parse(text: &str, list: &Path) -> Result<BTreeMap<FileName, Digest>, VerifyError> {
    let path = || list.display().to_string();
    let mut wanted = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let form = |why: &'static str| VerifyError::List { path: path(), line: index + 1, why };
        let (digest, name) = line.split_once([' ', '\t']).ok_or_else(|| form("it has no name"))?;
        if !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(form("it begins with no digest"));
        }
        match digest.len() {
            64 => {}
            32 => return Err(VerifyError::WeakDigest { path: path(), algorithm: "MD5" }),
            40 => return Err(VerifyError::WeakDigest { path: path(), algorithm: "SHA-1" }),
            _ => return Err(form("its digest has not the length of SHA-256")),
        }
        let digest = Digest::from_hex(&digest.to_ascii_lowercase()).map_err(|_| form("it begins with no digest"))?;
        let name = name.strip_prefix([' ', '*']).ok_or_else(|| form("between digest and name stand two characters"))?;
        let name = name.parse::<FileName>().map_err(|_| form("it names what is no plain file name"))?;
        if wanted.insert(name, digest).is_some() {
            return Err(form("it names a file for the second time"));
        }
    }
    if wanted.is_empty() {
        return Err(VerifyError::List { path: path(), line: 1, why: "it is empty" });
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;
    use crate::host::staging;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn lists_that_say_less_than_they_seem_to_are_refused() {
        let path = Path::new("SHA256SUMS");
        let code = |text: &str| parse(text, path).map_or_else(|error| error.code(), |_| "taken");
        assert_eq!(code(&format!("{EMPTY}  a\n{EMPTY} *b\n{}  c", EMPTY.to_uppercase())), "taken");
        assert_eq!(code("d41d8cd98f00b204e9800998ecf8427e  a\n"), "checksums.weak");
        assert_eq!(code("da39a3ee5e6b4b0d3255bfef95601890afd80709  a\n"), "checksums.weak");
        let bad = [
            String::new(),
            "\n".into(),
            format!("{EMPTY}\n"),
            format!("{EMPTY} a\n"),
            format!("{EMPTY}  a\n{EMPTY}  a\n"),
            format!("{EMPTY}  ../a\n"),
            format!("{EMPTY}  a/b\n"),
            format!("{EMPTY}0  a\n"),
            format!("\\{EMPTY}  a\\nb\n"),
            format!("{}  a\n", EMPTY.replace('e', "g")),
        ];
        for text in bad {
            assert_eq!(code(&text), "checksums.form", "{text:?}");
        }
    }

    #[test]
    fn a_name_in_another_spelling_is_not_in_the_list() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        // The same letter as one character, and as two.
        let (one, two) = ("\u{e4}.txt", "a\u{308}.txt");
        staging::write(&at("list"), format!("{EMPTY}  {one}\n").as_bytes(), 0o644).unwrap();
        staging::write(&at(one), b"", 0o644).unwrap();
        staging::write(&at(two), b"", 0o644).unwrap();
        assert!(compare(&at("list"), &[at(one)]).unwrap().flaws.is_empty());
        let codes: Vec<_> = compare(&at("list"), &[at(two)]).unwrap().flaws.iter().map(Flaw::code).collect();
        assert_eq!(codes, ["verify.not-listed"]);
    }
}
