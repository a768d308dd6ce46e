//! Changes to the verifying core, one at a time, by cargo-mutants: whatever no test notices must be listed with the
//! reason why it changes nothing (`survivors.txt`), and that may be one change in fifty.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Extent, Trial};
use crate::failure::{Failure, Outcome};
use crate::run::{self, Program, root};
use crate::tools::Folder;

/// Survivors with their reasons.
const SURVIVORS: &str = include_str!("survivors.txt");

/// Of a hundred changes that compile, so many may survive.
const MOST_IN_HUNDRED: usize = 2;

/// The most changes that a commit is tried with: some minutes.
const MOST_PER_COMMIT: usize = 40;

/// Tries the parts that are named (`json`, `key`, …), or all of `src/trust`; a sample of one in forty with `--smoke`.
pub fn run(trial: &Trial<'_>) -> Outcome {
    let mut words: Vec<String> = Vec::new();
    for part in trial.only {
        let path = format!("src/trust/{part}");
        let at = root()?.join(&path);
        let files = if at.is_dir() { format!("{path}/**") } else { format!("{path}.rs") };
        if !at.is_dir() && !at.with_extension("rs").is_file() {
            return Err(Failure::usage(format!("error: there is neither {path}.rs nor {path}/")));
        }
        words.extend(["--file".to_owned(), files]);
    }
    if trial.extent == Extent::Smoke {
        words.extend(["--shard".to_owned(), "0/40".to_owned()]);
    }
    let tried = Tried::make(&words)?;
    let whole = trial.extent == Extent::Full && trial.only.is_empty();
    tried.judge(&listed(SURVIVORS)?, whole).map(|line| println!("{line}"))
}

/// Tries the changes of `src/trust` since the base commit that the CI system names; says why it does not.
pub fn changed() -> Outcome {
    let not_run = |why: &str| {
        eprintln!("mutants: not run: {why}");
        Ok(())
    };
    let Some(base) = base() else {
        return not_run("no base commit is known (SEALIFT_BASE, or a request to merge on GitHub, Gitea or GitLab)");
    };
    let diff =
        Program::new("git").args(["diff", &format!("{base}...HEAD"), "--", "src/trust"]).dir(root()?).output()?;
    if diff.is_empty() {
        return not_run("src/trust is as it was");
    }
    if Folder::find()?.installed("cargo-mutants").is_none() {
        return not_run("cargo-mutants is not installed: cargo xtask tools cargo-mutants");
    }
    let file = folder()?.join("base.diff");
    std::fs::write(&file, diff).map_err(|error| at(&file, &error))?;
    let mut words = vec!["--in-diff".to_owned(), file.display().to_string()];
    let count = command(&words)?.arg("--list").output().map_err(|error| at(&file, &error))?;
    let shards = String::from_utf8_lossy(&count.stdout).lines().count().div_ceil(MOST_PER_COMMIT);
    if shards == 0 {
        return not_run("nothing that changed can be changed again");
    }
    if shards > 1 {
        eprintln!("mutants: one change in {shards}: cargo xtask campaign mutants tries all");
        words.extend(["--shard".to_owned(), format!("0/{shards}")]);
    }
    Tried::make(&words)?.judge(&listed(SURVIVORS)?, false).map(|line| println!("{line}"))
}

/// The commit that this one is to be merged into.
fn base() -> Option<String> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let branch = || named("GITHUB_BASE_REF").map(|branch| format!("origin/{branch}"));
    named("SEALIFT_BASE").or_else(branch).or_else(|| named("CI_MERGE_REQUEST_DIFF_BASE_SHA"))
}

/// Where results and compiled dependencies lie.
fn folder() -> Result<PathBuf, Failure> {
    let folder = run::built("debug")?.with_file_name("mutants");
    std::fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
    Ok(folder)
}

fn command(words: &[String]) -> Result<Command, Failure> {
    let tool = Folder::find()?;
    let program = tool.installed("cargo-mutants").ok_or_else(|| Failure::tool("error: cargo-mutants is missing"))?;
    let mut command = Command::new(program);
    command
        .args(["mutants", "--package", "sealift-trust", "--gitignore=true", "--no-shuffle", "--colors=never"])
        .args(words)
        .current_dir(root()?)
        .env("PATH", tool.path()?)
        // Laws are tried on fewer examples: a change that a law notices is noticed by most of them.
        .env("PROPTEST_CASES", "64")
        // Nobody will debug these.
        .envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_TEST_DEBUG", "0")])
        .stdin(Stdio::null());
    Ok(command)
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}

/// What became of changes in one run of cargo-mutants.
struct Pass {
    caught: Vec<String>,
    missed: Vec<String>,
    timeout: Vec<String>,
}

impl Pass {
    fn make(words: &[String]) -> Result<Self, Failure> {
        let folder = folder()?;
        let mut command = command(words)?;
        command.arg("--output").arg(&folder).env("CARGO_TARGET_DIR", folder.join("target"));
        let status = command.status().map_err(|error| at(&folder, &error))?;
        // 2 and 3 say that something was missed, or took too long: that is judged here.
        if !matches!(status.code(), Some(0 | 2 | 3)) {
            return Err(Failure::refused(format!("error: cargo mutants ended with {status}")));
        }
        let lines = |name: &str| {
            let file = folder.join("mutants.out").join(name);
            let text = std::fs::read_to_string(&file).map_err(|error| at(&file, &error))?;
            Ok::<Vec<String>, Failure>(text.lines().map(str::to_owned).collect())
        };
        Ok(Self { caught: lines("caught.txt")?, missed: lines("missed.txt")?, timeout: lines("timeout.txt")? })
    }
}

/// A text as a regular expression has it that matches it alone.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| ['\\', c].into_iter().skip(usize::from(!r"\.+*?()|[]{}^$#&-~".contains(c)))).collect()
}

/// What became of the changes, by their descriptions without line and column.
#[derive(Default)]
struct Tried {
    caught: usize,
    /// With the place, for whoever looks.
    missed: Vec<String>,
}

impl Tried {
    /// Tries the changes that the words choose: with the unit tests, which notice most, and what these miss with all
    /// tests. Examples that must not compile take a compiler each, and are no tests of what was changed.
    fn make(words: &[String]) -> Result<Self, Failure> {
        let unit = Pass::make(&[words, &["--cargo-arg=--lib".to_owned()]].concat())?;
        let left: Vec<&String> = unit.missed.iter().chain(&unit.timeout).collect();
        if left.is_empty() {
            return Ok(Self { caught: unit.caught.len(), missed: Vec::new() });
        }
        let mut again: Vec<String> = ["--cargo-arg=--lib", "--cargo-arg=--tests"].map(str::to_owned).to_vec();
        again.extend(left.iter().flat_map(|change| ["--re".to_owned(), format!("^{}$", escaped(change))]));
        let all = Pass::make(&again)?;
        // What no longer ends is noticed as well as what fails.
        let caught = unit.caught.len() + all.caught.len() + all.timeout.len();
        Ok(Self { caught, missed: all.missed })
    }

    /// The line that sums it up, or the survivors that nobody has explained. `whole` says that everything was tried, so
    /// that what is listed must have survived.
    fn judge(&self, listed: &BTreeMap<String, usize>, whole: bool) -> Result<String, Failure> {
        let mut left = listed.clone();
        let mut wrong = Vec::new();
        for survivor in &self.missed {
            match left.get_mut(&placeless(survivor)) {
                Some(count) if *count > 0 => *count -= 1,
                _ => wrong.push(format!("{survivor}: no test notices it")),
            }
        }
        if whole {
            let stale = left.iter().filter(|(_, count)| **count > 0);
            wrong.extend(stale.map(|(change, _)| format!("{change}: listed, and does not survive")));
        }
        let (missed, all) = (self.missed.len(), self.missed.len() + self.caught);
        if missed * 100 > all * MOST_IN_HUNDRED && whole {
            wrong.push(format!("{missed} of {all} changes survive, more than {MOST_IN_HUNDRED} in a hundred"));
        }
        if wrong.is_empty() {
            return Ok(format!(
                "{all} changes: {} noticed, {missed} survive, each listed with its reason",
                self.caught
            ));
        }
        let hint = "hint: a test that fails with it, or its line and reason in xtask/src/campaign/survivors.txt";
        Err(Failure::refused(format!("error: {} of {all} changes\n  {}\n{hint}", wrong.len(), wrong.join("\n  "))))
    }
}

/// Reads the list: a change a line, its reason in indented lines below. A change that stands twice in one function stands
/// twice in the list.
fn listed(text: &str) -> Result<BTreeMap<String, usize>, Failure> {
    let mut listed = BTreeMap::new();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with(' ')) {
        if !lines.get(at + 1).is_some_and(|next| next.starts_with(' ')) {
            return Err(Failure::refused(format!("error: survivors.txt gives no reason for `{line}`")));
        }
        *listed.entry((*line).to_owned()).or_default() += 1;
    }
    Ok(listed)
}

/// `src/a.rs:12:5: replace …` without line and column, which every change above would move.
fn placeless(change: &str) -> String {
    match change.splitn(4, ':').collect::<Vec<_>>()[..] {
        [file, _, _, what] => format!("{file}:{what}"),
        _ => change.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(caught: usize, missed: &[&str]) -> Tried {
        Tried { caught, missed: missed.iter().map(|&change| change.to_owned()).collect() }
    }

    const LIST: &str = "# a comment\nsrc/a.rs: replace < with <= in f\n    both are never equal\n";

    #[test]
    fn survivors_are_listed_or_refused() {
        let list = listed(LIST).unwrap();
        let line = tried(99, &["src/a.rs:7:9: replace < with <= in f"]).judge(&list, true).unwrap();
        assert!(line.starts_with("100 changes: 99 noticed, 1 survive"), "{line}");
        let twice = tried(99, &["src/a.rs:7:9: replace < with <= in f", "src/a.rs:8:9: replace < with <= in f"]);
        assert!(twice.judge(&list, false).unwrap_err().message.contains("src/a.rs:8:9"));
        let other = tried(99, &["src/a.rs:7:9: replace g -> bool with true"]).judge(&list, false).unwrap_err();
        assert!(other.message.contains("no test notices it"), "{}", other.message);
    }

    #[test]
    fn what_is_listed_must_survive_and_be_rare() {
        let list = listed(LIST).unwrap();
        assert!(tried(99, &[]).judge(&list, true).unwrap_err().message.contains("does not survive"));
        assert!(tried(99, &[]).judge(&list, false).is_ok());
        let many = tried(10, &["src/a.rs:7:9: replace < with <= in f"]).judge(&list, true).unwrap_err();
        assert!(many.message.contains("more than 2 in a hundred"), "{}", many.message);
    }

    #[test]
    fn a_change_is_asked_for_by_its_own_name() {
        assert_eq!(
            escaped("a.rs:1:2: replace f -> Vec<u8> with vec![]"),
            r"a\.rs:1:2: replace f \-> Vec<u8> with vec!\[\]"
        );
    }

    #[test]
    fn every_line_has_a_reason() {
        assert!(listed(SURVIVORS).is_ok());
        assert!(listed("src/a.rs: replace < with <= in f\nsrc/b.rs: x\n    why\n").is_err());
    }
}
