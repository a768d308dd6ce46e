//! The next version of long histories, beside git-cliff. Histories are made here, the same ones every time.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use super::Rounds;
use super::measure::{self, Cost, median};
use super::report::Row;
use super::scenario::mebibytes;
use crate::failure::{Failure, Outcome};
use crate::run::Program;
use crate::scratch::Scratch;
use crate::tools::Folder;

/// Its name in `--subject`.
pub const NAME: &str = "history";
/// The most milliseconds for the next version of the history that git-cliff sees too.
const LIMIT: f64 = 50.0;
/// The most for the one that is as long as any.
const LONG_LIMIT: f64 = 300.0;
/// The most bytes of own anonymous memory, in MiB.
const MEMORY: f64 = 128.0;
/// How often a figure of milliseconds is measured for each round of the others.
const TIMES: usize = 4;
/// The most milliseconds for the changelog of all versions.
const CHANGELOG_LIMIT: f64 = 300.0;
/// How often git-cliff is asked at most: it takes its time.
const PATIENCE: usize = 1;
/// What may be left of git-cliff's time.
const SHARE: f64 = 0.01;

/// A history to make.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Commits, merges among them.
    pub commits: usize,
    /// Tags, spread evenly; the last one is near the end.
    pub tags: usize,
}

/// The rows of both histories.
pub fn rows(sealift: &Path, folder: &Folder, rounds: Rounds) -> Result<Result<Vec<Row>, String>, Failure> {
    if rounds.warm == 0 {
        return Ok(Err("histories (--rounds 0)".to_owned()));
    }
    let dir = Scratch::new("history")?;
    let mut rows = Vec::new();
    let shape = Shape { commits: 8_000, tags: 600 };
    let usual = dir.path().join("usual");
    make(&usual, shape)?;
    let next = times(&mut version(sealift, dir.path(), &usual, &[]), rounds.warm * TIMES)?;
    rows.push(absolute(NEXT, &next, LIMIT));
    let all = times(&mut version(sealift, dir.path(), &usual, &["changelog", "--all"]), rounds.warm * TIMES)?;
    rows.push(absolute(CHANGELOG, &all, CHANGELOG_LIMIT));
    let long = dir.path().join("long");
    make(&long, Shape { commits: 200_000, tags: 2_000 })?;
    let costs = times(&mut version(sealift, dir.path(), &long, &[]), rounds.warm * TIMES)?;
    rows.push(absolute("next version, 200,000 commits, 2,000 tags", &costs, LONG_LIMIT));
    let peak = costs.iter().chain(&next).chain(&all).map(|cost| mebibytes(cost.anonymous)).fold(0.0, f64::max);
    rows.push(Row::absolute(NAME, "peak anonymous memory of these", peak, MEMORY, "MiB"));
    let Some(cliff) = folder.installed("git-cliff") else {
        println!("not run: git-cliff is not installed (cargo xtask tools git-cliff)");
        return Ok(Ok(rows));
    };
    for (what, peer, args, ours) in
        [(NEXT, "git-cliff --bumped-version", &["--bumped-version"][..], &next), (CHANGELOG, "git-cliff", &[], &all)]
    {
        let mut command = Command::new(&cliff);
        command.current_dir(&usual).arg("--offline").args(args).env("HOME", dir.path());
        let theirs = times(&mut command, rounds.warm.min(PATIENCE))?;
        rows.push(Row::ratio(NAME, what, peer, ours, &theirs, Some(SHARE)));
    }
    Ok(Ok(rows))
}

const NEXT: &str = "next version, 8,000 commits, 600 tags";
const CHANGELOG: &str = "changelog of all its versions";

fn absolute(what: &str, costs: &[Cost], limit: f64) -> Row {
    Row::absolute(NAME, what, median(costs.iter().map(|cost| cost.wall * 1e3)), limit, "ms")
}

fn times(command: &mut Command, times: usize) -> Result<Vec<Cost>, Failure> {
    (0..times).map(|_| measure::run(command)).collect()
}

fn version(sealift: &Path, dir: &Path, project: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(sealift);
    command.current_dir(project).args(["--quiet", "version"]).args(words).env("SEALIFT_CACHE", dir.join("cache"));
    // A job of a CI system would tell a branch of its own.
    for name in ["GITHUB_REF_TYPE", "GITHUB_REF_NAME", "CI_COMMIT_BRANCH", "CI_COMMIT_TAG", "SEALIFT_BRANCH"] {
        command.env_remove(name);
    }
    command
}

/// Makes a repository with a history: every thirteenth commit merges a branch of two.
pub fn make(dir: &Path, shape: Shape) -> Outcome {
    std::fs::create_dir_all(dir).map_err(|error| at(dir, &error))?;
    Program::new("git").args(["init", "--quiet", "--initial-branch=main"]).dir(dir).stream()?;
    let stream = dir.with_extension("stream");
    std::fs::write(&stream, written(shape)).map_err(|error| at(&stream, &error))?;
    let script = r#"exec git fast-import --quiet <"$0""#;
    Program::new("sh").args(["-c", script]).args([&stream]).dir(dir).stream()?;
    std::fs::remove_file(&stream).map_err(|error| at(&stream, &error))
}

/// The history as `git fast-import` reads it.
fn written(shape: Shape) -> String {
    const TYPES: [&str; 6] = ["fix", "docs", "feat", "chore", "fix(api)", "refactor(store)"];
    let mut text = String::from("reset refs/heads/main\n");
    // Tags stand so that a handful of commits follow the last one.
    let every = shape.commits.saturating_sub(7) / shape.tags.max(1);
    let (mut tip, mut minor) = (0, 0);
    for mark in 1..=shape.commits {
        let kind = TYPES[mark % TYPES.len()];
        let (from, merged, message) = match mark % 13 {
            // The branch begins where the trunk is, and the trunk waits for it.
            11 => (tip, None, format!("{kind}: the first of a branch, number {mark}")),
            12 => (
                mark - 1,
                None,
                format!("{kind}: the second of a branch, number {mark}\n\nWhy it is so.\n\nRefs: #{mark}"),
            ),
            0 if mark > 2 => (tip, Some(mark - 1), format!("Merge branch 'topic-{mark}'")),
            _ => (tip, None, format!("{kind}: change number {mark}\n\nA paragraph that says why.\n\nRefs: #{mark}")),
        };
        let on_trunk = !matches!(mark % 13, 11 | 12);
        let branch = if on_trunk { "main" } else { "topic" };
        let time = 1_700_000_000 + mark * 60;
        write!(
            text,
            "commit refs/heads/{branch}\nmark :{mark}\ncommitter A <a@example.com> {time} +0000\ndata {}\n{message}\n",
            message.len()
        )
        .expect("writing to a string");
        if from > 0 {
            writeln!(text, "from :{from}").expect("writing to a string");
        }
        if let Some(merged) = merged {
            writeln!(text, "merge :{merged}").expect("writing to a string");
        }
        if on_trunk {
            tip = mark;
        }
        if mark % every == 0 && minor < shape.tags {
            minor += 1;
            write!(text, "tag v1.{minor}.0\nfrom :{tip}\ntagger A <a@example.com> {time} +0000\ndata 1\nx\n")
                .expect("writing to a string");
        }
    }
    text
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_has_its_commits_tags_and_merges() {
        let text = written(Shape { commits: 260, tags: 20 });
        let count = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((count("commit "), count("tag "), count("merge ")), (260, 20, 20));
        let last = text.rfind("tag v1.20.0").unwrap();
        assert!(text[last..].matches("\ncommit ").count() >= 3, "something is left to release");
    }
}
