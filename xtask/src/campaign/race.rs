//! Sixteen releases of one version race against one bare remote: one wins, the others are refused, and no tag is half
//! pushed. In every other round the release makes a commit in which a file names the version, and branch and tag move
//! together.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::Extent;
use super::scene::{Scratch, broken, build, expect};
use crate::failure::{Failure, Outcome};

const ROUNDS: usize = 100;
const SMOKE: usize = 3;
const RACERS: usize = 16;

/// The exit code of a conflict.
const CONFLICT: i32 = 12;

/// Runs the campaign.
pub fn run(extent: Extent) -> Outcome {
    let rounds = if extent == Extent::Full { ROUNDS } else { SMOKE };
    let (_, sealift) = build()?;
    let course = Course { scratch: Scratch::new("race")?, sealift };
    course.prepare()?;
    let mut refused = 0;
    for round in 0..rounds {
        refused += course.round(round)?;
    }
    println!(
        "{rounds} rounds of {RACERS}: {rounds} winners, {refused} refused with exit {CONFLICT}, no tag half pushed"
    );
    Ok(())
}

struct Course {
    scratch: Scratch,
    sealift: PathBuf,
}

impl Course {
    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs([("HOME", self.path("home")), ("SEALIFT_CACHE", self.path("cache"))]);
        // One robot, as in CI: name and address are the same everywhere.
        command.envs([("GIT_COMMITTER_NAME", "robot"), ("GIT_COMMITTER_EMAIL", "robot@example.com")]);
        command.envs([
            ("GIT_AUTHOR_NAME", "robot"),
            ("GIT_AUTHOR_EMAIL", "robot@example.com"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn git(&self, arguments: &[&str], folder: &Path) -> Result<String, Failure> {
        let output = expect(self.command("git", arguments, folder).output(), 0)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn prepare(&self) -> Outcome {
        for folder in ["home", "cache", "origin"] {
            std::fs::create_dir_all(self.path(folder)).map_err(|error| broken(&self.path(folder), &error))?;
        }
        let (origin, there) = (self.path("origin"), self.path("there.git").display().to_string());
        self.git(&["init", "-q", "--bare", "-b", "main", &there], &origin)?;
        self.git(&["init", "-q", "-b", "main"], &origin)?;
        self.git(&["remote", "add", "origin", &there], &origin).map(drop)
    }

    /// Runs one race; gives how many were refused.
    fn round(&self, round: usize) -> Result<usize, Failure> {
        let (origin, there) = (self.path("origin"), self.path("there.git"));
        let files = round % 2 == 1;
        if round > 0 {
            self.git(&["pull", "-q", "--ff-only", "origin", "main"], &origin)?;
        }
        let names = if files { "[version]\nfiles = { version = \"{version}\" }\n" } else { "" };
        for (name, text) in [("version", "0.0.0\n"), ("sealift.toml", names)] {
            std::fs::write(origin.join(name), text).map_err(|error| broken(&origin, &error))?;
        }
        self.git(&["add", "-A"], &origin)?;
        self.git(&["commit", "-q", "--allow-empty", "-m", &format!("fix: {round}")], &origin)?;
        let before = self.git(&["rev-parse", "HEAD"], &origin)?;
        self.git(&["push", "-q", "origin", "main"], &origin)?;
        let clones: Vec<PathBuf> = (0..RACERS).map(|number| self.path(&format!("clone-{number}"))).collect();
        for clone in &clones {
            std::fs::remove_dir_all(clone)
                .or_else(|error| if clone.exists() { Err(broken(clone, &error)) } else { Ok(()) })?;
            self.git(&["clone", "-q", &there.display().to_string(), &clone.display().to_string()], &origin)?;
        }
        let mut runs = Vec::new();
        for clone in &clones {
            runs.push(
                self.command(&self.sealift, &["version", "--push"], clone)
                    .spawn()
                    .map_err(|error| broken(clone, &error))?,
            );
        }
        let runs: Vec<Output> = runs
            .into_iter()
            .map(|run| run.wait_with_output().map_err(|error| broken(&self.sealift, &error)))
            .collect::<Result<_, _>>()?;
        let wrong = |text: String| Failure::refused(format!("error: round {round}: {text}"));
        let winners: Vec<usize> = (0..RACERS).filter(|number| runs[*number].status.success()).collect();
        let [winner] = winners[..] else { return Err(wrong(format!("{} winners", winners.len()))) };
        let tag = format!("refs/tags/v0.1.{round}");
        let object = self.git(&["rev-parse", &tag], &there)?;
        if self.git(&["rev-parse", &tag], &clones[winner])? != object {
            return Err(wrong("the remote has not the winner's tag".into()));
        }
        let commit = self.git(&["rev-parse", &format!("{tag}^{{commit}}")], &there)?;
        let main = self.git(&["rev-parse", "main"], &there)?;
        if commit != main || (main == before) == files {
            return Err(wrong(format!("the tag leads to {commit}, the branch to {main}, and it was {before}")));
        }
        for number in (0..RACERS).filter(|number| *number != winner) {
            let said = String::from_utf8_lossy(&runs[number].stderr);
            if runs[number].status.code() != Some(CONFLICT) {
                return Err(wrong(format!("a loser ended with {}\n{said}", runs[number].status)));
            }
            let left = self.git(&["for-each-ref", "--format=%(refname)", &tag, "refs/sealift"], &clones[number])?;
            if !left.is_empty() {
                return Err(wrong(format!("a loser keeps {left}")));
            }
            if self.git(&["rev-parse", "main"], &clones[number])? != before {
                return Err(wrong("a loser's branch has moved".into()));
            }
        }
        let tags = self.git(&["for-each-ref", "refs/tags"], &there)?.lines().count();
        if tags == round + 1 { Ok(RACERS - 1) } else { Err(wrong(format!("{tags} tags at the remote"))) }
    }
}
