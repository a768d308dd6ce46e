//! Every target of `tests/fuzz` under libFuzzer, as many at once as there are processors: 30 seconds each with `--smoke`,
//! ten minutes each without. No input may make one panic, take 256 MiB of memory, or ten seconds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::{Extent, Trial};
use crate::failure::{Failure, Outcome};
use crate::run::{self, cargo, root};
use crate::tools::Folder;

/// The longest that one input may take, in seconds; far more than any needs, for machines that do other work too.
const SLOWEST: u32 = 10;

/// The most memory that the whole process may take, in MiB; one input is counted by the target itself.
const MEMORY: u32 = 256;

/// Runs the targets that are named, or all.
pub fn run(trial: &Trial<'_>) -> Outcome {
    let program = build()?;
    let known = targets(&program)?;
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    if let Some(name) = trial.only.iter().find(|name| !known.contains(name)) {
        return Err(Failure::unknown("fuzz target", name, known, "tests/fuzz/lib.rs"));
    }
    let chosen: Vec<&str> =
        known.into_iter().filter(|name| trial.only.is_empty() || trial.only.contains(name)).collect();
    let seconds = match trial.extent {
        Extent::Full => 600,
        Extent::Smoke => 30,
    };
    let queue = Mutex::new(chosen.iter());
    let broken = Mutex::new(Vec::new());
    println!("{:<14}{:>12} inputs{:>10} /s{:>8} MiB{:>8} kept   {seconds} s each", "target", "", "", "", "");
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(chosen.len()) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.next().copied());
                    let Some(name) = next else { return };
                    let told = one(&program, name, seconds, trial.extent);
                    match told {
                        Ok(line) => println!("{line}"),
                        Err(failure) => broken.lock().expect("no worker panics").push(failure.message),
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().expect("no worker panics");
    if broken.is_empty() { Ok(()) } else { Err(Failure::refused(broken.join("\n"))) }
}

/// Builds the targets; their dependencies are those of every other build.
fn build() -> Result<PathBuf, Failure> {
    cargo()?
        .args(["build", "--package", "sealift-fuzz", "--bin", "sealift-fuzz", "--features", "libfuzzer"])
        .env("RUSTC_WORKSPACE_WRAPPER", root()?.join("tests/fuzz/counted-rustc"))
        .stream()?;
    Ok(run::built("debug")?.with_file_name("sealift-fuzz"))
}

/// The names of the targets: the program tells them when it is asked for one that there is not.
fn targets(program: &Path) -> Result<Vec<String>, Failure> {
    let output = Command::new(program).env("SEALIFT_FUZZ_TARGET", "").output();
    let output = output.map_err(|error| Failure::tool(format!("error: {}: {error}", program.display())))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let list = told.split_once("not one of ").map(|(_, list)| list.trim());
    let list = list.ok_or_else(|| Failure::refused(format!("error: the fuzz targets tell no names: {told}")))?;
    Ok(list.split(", ").map(str::to_owned).collect())
}

/// Runs one target and gives its line of the table; what broke it is left in its folder and named.
fn one(program: &Path, name: &str, seconds: u32, extent: Extent) -> Result<String, Failure> {
    let folder = program.with_file_name("fuzz").join(name);
    let at = |error: std::io::Error| Failure::tool(format!("error: {}: {error}", folder.display()));
    // A sample begins anew each time; a campaign goes on where the last one ended.
    let corpus = folder.join(if extent == Extent::Smoke { "sample" } else { "corpus" });
    if extent == Extent::Smoke && corpus.is_dir() {
        std::fs::remove_dir_all(&corpus).map_err(at)?;
    }
    let (seeds, broken) = (folder.join("seeds"), folder.join("broken"));
    for dir in [&corpus, &seeds, &broken] {
        std::fs::create_dir_all(dir).map_err(at)?;
    }
    let words = folder.join("words");
    let mut command = Command::new(program);
    command
        .env("SEALIFT_FUZZ_TARGET", name)
        .env("SEALIFT_FUZZ_SEEDS", &seeds)
        .env("SEALIFT_FUZZ_WORDS", &words)
        // Some seeds are of the Go programs in there.
        .env("SEALIFT_TEST_TOOLS", Folder::find()?.dir())
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={SLOWEST}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg(format!("-dict={}", words.display()))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .args(["-print_final_stats=1", "-seed=1"])
        .args([&corpus, &seeds])
        .stdin(Stdio::null());
    let output = command.output().map_err(at)?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let lines: Vec<&str> = told.lines().collect();
        let end = lines[lines.len().saturating_sub(40)..].join("\n");
        return Err(Failure::refused(format!(
            "{end}\nerror: the fuzz target {name} broke ({})\nhint: mend it, and keep the input of {} as \
             tests/vectors/fuzz/{name}/WHAT-IT-WAS",
            output.status,
            broken.display()
        )));
    }
    let figure = |word: &str| statistic(&told, word).unwrap_or(0);
    let executed = figure("number_of_executed_units");
    if executed == 0 {
        return Err(Failure::refused(format!("error: the fuzz target {name} tried nothing:\n{told}")));
    }
    let kept = std::fs::read_dir(&corpus).map_err(at)?.count();
    Ok(format!(
        "{name:<14}{executed:>12} inputs{:>10} /s{:>8} MiB{kept:>8} kept",
        figure("average_exec_per_sec"),
        figure("peak_rss_mb"),
    ))
}

/// A figure of libFuzzer's last lines: `stat::peak_rss_mb:  83`.
fn statistic(told: &str, word: &str) -> Option<u64> {
    let line = told.lines().find(|line| line.strip_prefix("stat::").is_some_and(|rest| rest.starts_with(word)))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_last_lines() {
        let told =
            "Done 12 runs in 31 second(s)\nstat::number_of_executed_units: 12\nstat::peak_rss_mb:              83\n";
        assert_eq!(statistic(told, "number_of_executed_units"), Some(12));
        assert_eq!(statistic(told, "peak_rss_mb"), Some(83));
        assert_eq!(statistic(told, "slowest_unit_time_sec"), None);
    }
}
