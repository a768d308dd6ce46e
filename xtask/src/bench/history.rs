//! The next version of long histories, beside git-cliff. Histories are made here, the same ones every time: of a Go service
//! whose sources the commits change.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use super::Rounds;
use super::measure::{self, Cost, Memory, median};
use super::report::Row;
use super::scenario::mebibytes;
use crate::failure::{Failure, Outcome};
use crate::run::Program;
use crate::scratch::Scratch;
use crate::tools::Folder;

/// Its name in `--subject`.
pub const NAME: &str = "history";
/// The most milliseconds for the next version of the history that git-cliff sees too, and of a configured service in it.
const LIMIT: f64 = 50.0;
/// The most for the one that is as long as any.
const LONG_LIMIT: f64 = 300.0;
/// The most bytes of memory, in MiB.
const MEMORY: f64 = 128.0;
/// How often a figure of milliseconds is measured for each round of the others.
const TIMES: usize = 4;
/// The most milliseconds for the changelog of all versions.
const CHANGELOG_LIMIT: f64 = 300.0;
/// In how many rounds git-cliff is asked at most, once in each: it takes its time.
const PATIENCE: usize = 3;
/// What may be left of git-cliff's time.
const SHARE: f64 = 0.01;
/// The service's name, where it is configured.
const SERVICE: &str = "app";

const NEXT: &str = "next version, 8,000 commits, 600 tags";
const CHANGELOG: &str = "changelog of all its versions";

/// A history to make.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Commits, merges among them.
    pub commits: usize,
    /// Tags, spread evenly; the last one is near the end.
    pub tags: usize,
    /// Whether the service is configured, so that its tags have a prefix of its own.
    pub configured: bool,
}

/// The rows of all histories, and why some are missing.
pub fn rows(sealift: &Path, folder: &Folder, rounds: Rounds) -> Result<(Vec<Row>, Vec<String>), Failure> {
    if rounds.warm == 0 {
        return Ok((Vec::new(), vec!["histories (--rounds 0)".to_owned()]));
    }
    let dir = Scratch::new("history")?;
    let usual = Shape { commits: 8_000, tags: 600, configured: false };
    make(&dir.path().join("usual"), usual)?;
    make(&dir.path().join("service"), Shape { configured: true, ..usual })?;
    make(&dir.path().join("long"), Shape { commits: 200_000, tags: 2_000, configured: false })?;
    let lab = Lab { sealift, folder, dir: dir.path(), cliff: folder.installed("git-cliff"), rounds: rounds.warm };
    let missing = match lab.cliff {
        None => vec!["git-cliff is not installed (cargo xtask tools git-cliff): ratios to it".to_owned()],
        Some(_) => Vec::new(),
    };
    Ok((lab.rows()?, missing))
}

/// The histories, and the programs that are asked about them.
struct Lab<'a> {
    sealift: &'a Path,
    folder: &'a Folder,
    dir: &'a Path,
    cliff: Option<std::path::PathBuf>,
    rounds: usize,
}

impl Lab<'_> {
    fn rows(&self) -> Result<Vec<Row>, Failure> {
        let (next, cliffs_next) = self.in_turns(&[], &["--bumped-version"])?;
        let (all, cliffs_all) = self.in_turns(&["changelog", "--all"], &[])?;
        let mut service = self.version("service", &["-s", SERVICE])?;
        // Once to find out which files the service is made of: what is measured knows them.
        measure::run(&mut service)?;
        let service = times(&mut service, self.rounds * TIMES)?;
        let long = times(&mut self.version("long", &[])?, self.rounds * TIMES)?;
        let mut rows = vec![
            absolute(NEXT, &next, LIMIT),
            absolute(&format!("{NEXT}, of a service (-s) whose files are known"), &service, LIMIT),
            absolute(CHANGELOG, &all, CHANGELOG_LIMIT),
            absolute("next version, 200,000 commits, 2,000 tags", &long, LONG_LIMIT),
        ];
        rows.extend(memory(next.iter().chain(&all).chain(&service).chain(&long)));
        if self.cliff.is_some() {
            rows.push(Row::ratio(NAME, NEXT, "git-cliff --bumped-version", &next, &cliffs_next, Some(SHARE)));
            rows.push(Row::ratio(NAME, CHANGELOG, "git-cliff", &all, &cliffs_all, Some(SHARE)));
        }
        Ok(rows)
    }

    /// Sealift and, where it is installed, git-cliff on the usual history, round by round, each first in every other one.
    fn in_turns(&self, ours: &[&str], theirs: &[&str]) -> Result<(Vec<Cost>, Vec<Cost>), Failure> {
        let (mut our_costs, mut peer_costs) = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            let order = if round % 2 == 0 { [true, false] } else { [false, true] };
            for is_ours in order {
                match &self.cliff {
                    _ if is_ours => our_costs.extend(times(&mut self.version("usual", ours)?, TIMES)?),
                    Some(cliff) if round < PATIENCE => {
                        let mut command = Command::new(cliff);
                        command.current_dir(self.dir.join("usual")).arg("--offline").args(theirs);
                        peer_costs.push(measure::run(command.env("HOME", self.dir))?);
                    }
                    _ => {}
                }
            }
        }
        Ok((our_costs, peer_costs))
    }

    fn version(&self, project: &str, words: &[&str]) -> Result<Command, Failure> {
        let mut command = Command::new(self.sealift);
        command.current_dir(self.dir.join(project)).args(["--quiet", "version"]).args(words);
        command.env("PATH", self.folder.path()?).env("SEALIFT_CACHE", self.dir.join("cache"));
        // A job of a CI system would tell a branch of its own.
        for name in ["GITHUB_REF_TYPE", "GITHUB_REF_NAME", "CI_COMMIT_BRANCH", "CI_COMMIT_TAG", "SEALIFT_BRANCH"] {
            command.env_remove(name);
        }
        Ok(command)
    }
}

fn absolute(what: &str, costs: &[Cost], limit: f64) -> Row {
    Row::absolute(NAME, what, median(costs.iter().map(|cost| cost.wall * 1e3)), limit, "ms")
}

/// The greatest peaks: of the runs that are long enough to be sampled, and of the others.
fn memory<'a>(costs: impl Iterator<Item = &'a Cost>) -> Vec<Row> {
    let (mut own, mut resident) = (None, None);
    for cost in costs {
        match cost.memory() {
            Memory::Own(bytes) => own = own.max(Some(bytes)),
            Memory::Resident(bytes) => resident = resident.max(Some(bytes)),
        }
    }
    let own = ("memory of these, long runs: own anonymous, sampled", own);
    let resident = ("memory of these, short runs: all resident, git's if that is more", resident);
    let row = |(what, peak): (&str, Option<u64>)| Some(Row::absolute(NAME, what, mebibytes(peak?), MEMORY, "MiB"));
    [own, resident].into_iter().filter_map(row).collect()
}

fn times(command: &mut Command, times: usize) -> Result<Vec<Cost>, Failure> {
    (0..times).map(|_| measure::run(command)).collect()
}

/// Makes a repository with a history: every thirteenth commit merges a branch of two.
pub fn make(dir: &Path, shape: Shape) -> Outcome {
    std::fs::create_dir_all(dir).map_err(|error| at(dir, &error))?;
    Program::new("git").args(["init", "--quiet", "--initial-branch=main"]).dir(dir).stream()?;
    let stream = dir.with_extension("stream");
    let file = std::fs::File::create(&stream).map_err(|error| at(&stream, &error))?;
    // Straight into the file: memory that this program has had would count as that of the programs it measures.
    let mut out = BufWriter::new(file);
    written(shape, &mut out).and_then(|()| out.flush()).map_err(|error| at(&stream, &error))?;
    let script = r#"git fast-import --quiet <"$0" && git reset --quiet --hard"#;
    Program::new("sh").args(["-c", script]).args([&stream]).dir(dir).stream()?;
    std::fs::remove_file(&stream).map_err(|error| at(&stream, &error))
}

/// The files of the service that no commit changes.
const FILES: &[(&str, &str)] = &[
    ("go.mod", "module example.com/app\n\ngo 1.24\n"),
    (
        "main.go",
        "package main\n\nimport (\n\t\"example.com/app/store\"\n\t\"example.com/app/topic\"\n)\n\nfunc main() { println(store.Number, topic.Number) }\n",
    ),
];

/// The configuration of the service.
const CONFIGURATION: &str = "[build]\ntargets = [\"linux/amd64\"]\n\n[[service]]\nname = \"app\"\npath = \".\"\nversion.tag-prefix = \"app/v\"\n";

/// Writes the history as `git fast-import` reads it.
fn written(shape: Shape, out: &mut impl Write) -> std::io::Result<()> {
    const TYPES: [&str; 6] = ["fix", "docs", "feat", "chore", "fix(api)", "refactor(store)"];
    let prefix = if shape.configured { "app/v" } else { "v" };
    out.write_all(b"reset refs/heads/main\n")?;
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
        writeln!(out, "commit refs/heads/{branch}\nmark :{mark}\ncommitter A <a@example.com> {time} +0000")?;
        write!(out, "data {}\n{message}\n", message.len())?;
        if from > 0 {
            writeln!(out, "from :{from}")?;
        }
        if let Some(merged) = merged {
            writeln!(out, "merge :{merged}")?;
        }
        let (package, number) = match merged {
            // What the branch has changed is what the merge brings.
            Some(merged) => ("topic", merged),
            None if on_trunk => ("store", mark),
            None => ("topic", mark),
        };
        if from == 0 {
            let first = [("store/store.go", source("store", 0)), ("topic/topic.go", source("topic", 0))];
            for (path, text) in FILES {
                file(out, path, text)?;
            }
            for (path, text) in first {
                file(out, path, &text)?;
            }
            if shape.configured {
                file(out, "sealift.toml", CONFIGURATION)?;
            }
        } else {
            file(out, &format!("{package}/{package}.go"), &source(package, number))?;
        }
        if on_trunk {
            tip = mark;
        }
        if mark % every == 0 && minor < shape.tags {
            minor += 1;
            let tag = format!("{prefix}1.{minor}.0");
            write!(out, "tag {tag}\nfrom :{tip}\ntagger A <a@example.com> {time} +0000\ndata 1\nx\n")?;
        }
    }
    Ok(())
}

fn source(package: &str, number: usize) -> String {
    format!("package {package}\n\n// Number is that of the last change.\nconst Number = {number}\n")
}

fn file(out: &mut impl Write, path: &str, text: &str) -> std::io::Result<()> {
    write!(out, "M 100644 inline {path}\ndata {}\n{text}\n", text.len())
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_has_its_commits_tags_and_merges() {
        let mut text = Vec::new();
        written(Shape { commits: 260, tags: 20, configured: true }, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let count = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((count("commit "), count("tag "), count("merge ")), (260, 20, 20));
        let last = text.rfind("tag app/v1.20.0").unwrap();
        assert!(text[last..].matches("\ncommit ").count() >= 3, "something is left to release");
    }

    /// Short runs are not judged by samples that they were too short for.
    #[test]
    fn the_memory_of_short_runs_is_a_row_of_its_own() {
        let cost = |samples| Cost { samples, anonymous: 1 << 20, resident: 200 << 20, ..Cost::default() };
        let names = |costs: &[Cost]| memory(costs.iter()).iter().map(|row| format!("{row:?}")).collect::<Vec<_>>();
        let rows = names(&[cost(1), cost(1000)]);
        assert!(
            rows.len() == 2 && rows[0].contains("own anonymous") && rows[0].contains("passed: Some(true)"),
            "{rows:?}"
        );
        assert!(rows[1].contains("all resident") && rows[1].contains("passed: Some(false)"), "{rows:?}");
        assert_eq!(names(&[cost(1)]).len(), 1);
    }
}
