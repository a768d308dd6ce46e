//! A history as it is written down: commits, merges and tags in their order, made into a repository by `git fast-import`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::at;
use crate::failure::{Failure, Outcome};
use crate::run::Program;

/// One thing that happens. A commit is known by a number, which stays when the steps before it become others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The branch `topic` begins at the tip of `main`.
    Fork,
    /// A commit; `<:7>` in its message is the name of the commit with the number 7.
    Commit {
        /// Its number.
        mark: usize,
        /// Whether it is on `topic`.
        topic: bool,
        /// What it says.
        message: String,
    },
    /// `topic` comes to `main`.
    Merge {
        /// Its number.
        mark: usize,
        /// What it says.
        message: String,
    },
    /// A tag at the tip of `main`: the version that it names.
    Tag(String),
}

impl Step {
    /// The number and the message of a commit.
    pub fn told(&self) -> Option<(usize, &str)> {
        match self {
            Self::Commit { mark, message, .. } | Self::Merge { mark, message } => Some((*mark, message)),
            _ => None,
        }
    }

    /// The same commit with another message.
    #[must_use]
    pub fn saying(&self, text: &str) -> Self {
        let mut step = self.clone();
        if let Self::Commit { message, .. } | Self::Merge { message, .. } = &mut step {
            text.clone_into(message);
        }
        step
    }

    /// The version that a stable tag names.
    pub fn stable(&self) -> Option<[u64; 3]> {
        let Self::Tag(version) = self else { return None };
        numbers(version).filter(|_| !version.contains('-'))
    }
}

/// The numbers of a version, a prerelease or not.
pub fn numbers(version: &str) -> Option<[u64; 3]> {
    let core = version.split('-').next().unwrap_or(version);
    let numbers: Vec<u64> = core.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    numbers.try_into().ok()
}

/// A history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// What happens, from the first to the last.
    pub steps: Vec<Step>,
    /// The version that a prerelease announced which is a step no longer: what is released is no less.
    pub promised: Option<[u64; 3]>,
}

impl History {
    /// An answer without the tag's prefix; one that is tagged already is none.
    pub fn named(&self, answer: &str) -> String {
        let version = answer.trim_start_matches('v');
        let is_tagged = self.steps.iter().any(|step| matches!(step, Step::Tag(name) if name == version));
        if version.is_empty() || is_tagged {
            return "nothing".into();
        }
        match self.promised {
            Some(promised) if numbers(version).is_some_and(|numbers| numbers < promised) => {
                promised.map(|number| number.to_string()).join(".")
            }
            _ => version.into(),
        }
    }

    /// The greatest stable version that has a tag.
    pub fn stable(&self) -> Option<[u64; 3]> {
        self.steps.iter().filter_map(Step::stable).max()
    }

    /// Where the steps begin that are not released: behind the last stable tag.
    pub fn unreleased(&self) -> usize {
        self.steps.iter().rposition(|step| step.stable().is_some()).map_or(0, |at| at + 1)
    }

    /// The commits that are not released, the newest first: name and message. The names are made up.
    pub fn commits(&self) -> Vec<(String, String)> {
        let commits = self.steps[self.unreleased()..].iter().rev().filter_map(Step::told);
        let name = |mark: usize| format!("{mark:040x}");
        commits.map(|(mark, message)| (name(mark), named(message, |mark| Ok(name(mark))).expect("a name"))).collect()
    }

    /// Makes it a repository.
    pub fn lay(&self, dir: &Path) -> Outcome {
        std::fs::create_dir(dir).map_err(|error| at(dir, &error))?;
        Program::new("git").args(["init", "--quiet", "--initial-branch=main"]).dir(dir).stream()?;
        let mut git = Command::new("git");
        git.args(["fast-import", "--quiet"]).current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = git.spawn().map_err(|error| at(dir, &error))?;
        let mut import = Import {
            to: git.stdin.take().expect("its input is a pipe"),
            from: BufReader::new(git.stdout.take().expect("its output is a pipe")),
            tips: [0, 0],
            time: 1_700_000_000,
        };
        let written = self.steps.iter().try_for_each(|step| import.step(step));
        // What it reads ends here.
        drop(import);
        let status = git.wait().map_err(|error| at(dir, &error))?;
        written.map_err(|error| at(dir, &error))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::refused(format!("error: `git fast-import` ended with {status}\n{self}")))
    }

    /// One of tests/fixtures/histories, of commits and tags on `main` alone.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let mut steps = Vec::new();
        for line in text.lines() {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            match words[..] {
                ["commit", "main", message] => {
                    let (mark, message) = (steps.len() + 1, message.replace("\\n", "\n"));
                    steps.push(Step::Commit { mark, topic: false, message });
                }
                ["tag" | "annotate", name, "main"] if name.starts_with('v') => {
                    steps.push(Step::Tag(name[1..].to_owned()));
                }
                ["#" | "expect" | "peer", ..] => {}
                _ => return Err(Failure::refused(format!("error: a smallest history has the line {line:?}"))),
            }
        }
        Ok(Self { steps, promised: None })
    }
}

impl std::fmt::Display for History {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for step in &self.steps {
            match step {
                Step::Fork => writeln!(out, "fork")?,
                Step::Commit { mark, topic: true, message } => writeln!(out, "commit {mark} on topic: {message:?}")?,
                Step::Commit { mark, message, .. } => writeln!(out, "commit {mark}: {message:?}")?,
                Step::Merge { mark, message } => writeln!(out, "merge {mark}: {message:?}")?,
                Step::Tag(version) => writeln!(out, "tag v{version}")?,
            }
        }
        Ok(())
    }
}

/// A message with the names of commits in the places of their numbers.
fn named(message: &str, mut name: impl FnMut(usize) -> std::io::Result<String>) -> std::io::Result<String> {
    let mut text = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once("<:") {
        let (mark, after) = after.split_once('>').unwrap_or((after, ""));
        text += before;
        text += &name(mark.parse().map_err(std::io::Error::other)?)?;
        rest = after;
    }
    Ok(text + rest)
}

/// A running `git fast-import`.
struct Import {
    to: std::process::ChildStdin,
    from: BufReader<std::process::ChildStdout>,
    /// The tips of `main` and of `topic`.
    tips: [usize; 2],
    time: u64,
}

impl Import {
    fn step(&mut self, step: &Step) -> std::io::Result<()> {
        self.time += 60;
        match step {
            Step::Fork => self.tips[1] = self.tips[0],
            Step::Commit { mark, topic, message } => self.commit(*mark, usize::from(*topic), message, None)?,
            Step::Merge { mark, message } => self.commit(*mark, 0, message, Some(self.tips[1]))?,
            Step::Tag(version) => {
                let (tip, time) = (self.tips[0], self.time);
                write!(self.to, "tag v{version}\nfrom :{tip}\ntagger A <a@example.com> {time} +0000\ndata 1\nx\n")?;
            }
        }
        Ok(())
    }

    fn commit(&mut self, mark: usize, branch: usize, message: &str, merged: Option<usize>) -> std::io::Result<()> {
        let message = named(message, |mark| self.name(mark))?;
        let (time, name) = (self.time, ["main", "topic"][branch]);
        writeln!(self.to, "commit refs/heads/{name}\nmark :{mark}\ncommitter A <a@example.com> {time} +0000")?;
        write!(self.to, "data {}\n{message}\n", message.len())?;
        if self.tips[branch] > 0 {
            writeln!(self.to, "from :{}", self.tips[branch])?;
        }
        if let Some(merged) = merged {
            writeln!(self.to, "merge :{merged}")?;
        }
        self.tips[branch] = mark;
        Ok(())
    }

    /// The name that git gave a commit.
    fn name(&mut self, mark: usize) -> std::io::Result<String> {
        writeln!(self.to, "get-mark :{mark}")?;
        self.to.flush()?;
        let mut name = String::new();
        self.from.read_line(&mut name)?;
        Ok(name.trim_end().to_owned())
    }
}
