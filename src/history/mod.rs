//! The repository, read through the `git` program: one process for each question, never one for each commit.

mod log;
mod tags;
mod tree;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::command::Command;
use crate::error::{Fault, Kind};
use crate::host::Host;
use crate::host::process::ProcessError;

pub use log::{Concern, Logged, Touch, affecting, last_affecting, logged};
pub use tags::{Tag, nearest, reached, tags};
pub use tree::{changed_since, commit_of, extract};

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// Its full object name.
    pub id: String,
    /// The committer's time, in seconds since 1970.
    pub time: u64,
}

/// What is known of the repository before anything is decided.
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// The top of the work tree.
    pub top: PathBuf,
    /// The commit that is checked out.
    pub head: Commit,
    /// The branch that is checked out, if one is.
    pub branch: Option<String>,
    /// Paths, relative to the top, that differ from the commit or that git does not know and does not ignore.
    pub changes: Vec<String>,
}

/// What is wrong with a repository.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// No git program.
    #[error("git is not on PATH")]
    NoGit,
    /// Not a repository.
    #[error("{dir} is not in a git repository")]
    NoRepository {
        /// Where it was looked for.
        dir: String,
    },
    /// No commit yet.
    #[error("the repository has no commit yet")]
    NoCommit,
    /// History is cut off.
    #[error("the repository is a shallow clone: which commit last changed a service cannot be known")]
    Shallow,
    /// Git does not trust the folder's owner.
    #[error("git refuses to work in {dir}, which belongs to somebody else")]
    Owner {
        /// The folder.
        dir: String,
        /// What git said.
        stderr: String,
    },
    /// Words that name no commits.
    #[error("git knows no such commits")]
    Revision {
        /// What git said.
        stderr: String,
    },
    /// Git failed.
    #[error("git could not read the repository")]
    Git(#[source] ProcessError),
    /// Git answered in a form that it does not document.
    #[error("git answered in an unknown form: {0}")]
    Answer(String),
}

impl Fault for HistoryError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoGit => "repository.no-git",
            Self::NoRepository { .. } => "repository.none",
            Self::NoCommit => "repository.no-commit",
            Self::Shallow => "repository.shallow",
            Self::Owner { .. } => "repository.owner",
            Self::Revision { .. } => "repository.revision",
            Self::Git(ProcessError::Interrupted) => "repository.interrupted",
            Self::Git(_) => "repository.git",
            Self::Answer(_) => "repository.answer",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoGit => Kind::Tool,
            Self::Revision { .. } => Kind::Usage,
            Self::Git(error) => error.kind(),
            Self::Answer(_) => Kind::Tool,
            _ => Kind::Repository,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoGit => "install git".into(),
            Self::NoRepository { .. } => {
                "go to a clone of the repository, or start one: git init && git add -A && git commit".into()
            }
            Self::NoCommit => "make the first commit: git add -A && git commit".into(),
            Self::Shallow => "fetch the rest: git fetch --unshallow --tags (GitHub Actions: `fetch-depth: 0` at \
                              actions/checkout; GitLab CI: `GIT_DEPTH: 0`)"
                .into(),
            Self::Revision { .. } => "name a branch, a tag or a range: origin/main..HEAD".into(),
            Self::Owner { dir, .. } => format!("git config --global --add safe.directory {dir}"),
            Self::Git(_) | Self::Answer(_) => return None,
        })
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.detail(),
            Self::Owner { stderr, .. } | Self::Revision { stderr } => Some(stderr.trim_end().to_owned()),
            _ => None,
        }
    }
}

/// Variables that git, ssh and credential helpers read when they talk to a remote: when something is pushed, and while a
/// partial clone is read, which fetches what it has not.
pub fn is_for_remotes(name: &str) -> bool {
    const EXACT: &[&str] = &[
        "GIT_ASKPASS",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "SSH_ASKPASS",
        "SSH_ASKPASS_REQUIRE",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XDG_RUNTIME_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_SSL_CERT",
        "GIT_SSL_KEY",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GITLAB_TOKEN",
        "CI_JOB_TOKEN",
    ];
    let lower = name.to_ascii_lowercase();
    EXACT.contains(&name) || matches!(lower.as_str(), "http_proxy" | "https_proxy" | "all_proxy" | "no_proxy")
}

/// The git program in one repository.
#[derive(Clone)]
pub struct Git {
    program: PathBuf,
    dir: PathBuf,
    env: std::collections::BTreeMap<String, String>,
}

impl Git {
    /// Finds the program. Its environment holds what a user sets for credentials and configuration, but no `GIT_DIR` or
    /// `GIT_INDEX_FILE`, which a calling hook would set for a repository that need not be this one.
    pub fn find(host: &Host, dir: &Path) -> Result<Self, HistoryError> {
        let program = host.env.find_program("git").ok_or(HistoryError::NoGit)?;
        let keep = [
            "PATH",
            "HOME",
            "USERPROFILE",
            "XDG_CONFIG_HOME",
            "USER",
            "LOGNAME",
            "TMPDIR",
            "SSH_AUTH_SOCK",
            "SYSTEMROOT",
            "GIT_CONFIG_GLOBAL",
            "GIT_CONFIG_SYSTEM",
            "GIT_CONFIG_NOSYSTEM",
            "GIT_CEILING_DIRECTORIES",
        ];
        let mut env = host.env.select(|name| {
            keep.contains(&name)
                || name == "GIT_CONFIG_COUNT"
                || name.starts_with("GIT_CONFIG_KEY_")
                || name.starts_with("GIT_CONFIG_VALUE_")
                || is_for_remotes(name)
        });
        env.insert("LC_ALL".into(), "C".into());
        // A status must not write the index: another git may be at work, and a dry run writes nothing.
        env.insert("GIT_OPTIONAL_LOCKS".into(), "0".into());
        env.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
        Ok(Self { program, dir: dir.to_owned(), env })
    }

    /// A git command as data. File names come raw, and a program that the repository's configuration names to watch the
    /// file system is not started.
    pub fn command<S: Into<String>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let fixed = ["-c", "core.quotePath=false", "-c", "core.fsmonitor=false", "--no-pager"];
        Command::new(&self.program, &self.dir).args(fixed).args(args).envs(self.env.clone())
    }

    /// Runs git and gives its output as text.
    pub fn text<S: Into<String>>(
        &self,
        host: &Host,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, HistoryError> {
        let finished = host.run(&self.command(args)).map_err(|error| self.explain(error))?;
        Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
    }

    fn explain(&self, error: ProcessError) -> HistoryError {
        let ProcessError::Failed { stderr, .. } = &error else { return HistoryError::Git(error) };
        let dir = self.dir.display().to_string();
        if stderr.contains("dubious ownership") {
            HistoryError::Owner { dir, stderr: stderr.clone() }
        } else if stderr.contains("not a git repository") {
            HistoryError::NoRepository { dir }
        } else if stderr.contains("bad revision") {
            HistoryError::Revision { stderr: stderr.clone() }
        } else {
            HistoryError::Git(error)
        }
    }
}

/// Reads what is known of the repository around git's folder. `ours` names folders in that one whose content sealift
/// itself writes: they do not make a tree dirty.
pub fn read(host: &Host, git: &Git, ours: &[&str]) -> Result<History, HistoryError> {
    let facts = git.text(host, ["rev-parse", "--is-shallow-repository", "--show-toplevel", "--show-prefix"])?;
    let mut lines = facts.lines();
    let (shallow, top) = (lines.next(), lines.next());
    let top = top.ok_or_else(|| HistoryError::Answer(facts.clone()))?.to_owned();
    let prefix = lines.next().unwrap_or("");
    if shallow == Some("true") {
        return Err(HistoryError::Shallow);
    }
    let ours: Vec<String> = ours.iter().map(|name| format!("{prefix}{name}")).collect();
    let status =
        git.text(host, ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames"])?;
    let status = Status::parse(&status, &ours)?;
    let id = status.head.ok_or(HistoryError::NoCommit)?;
    let head = commit(host, git, &id)?;
    Ok(History { top: PathBuf::from(top), head, branch: status.branch, changes: status.changes })
}

fn commit(host: &Host, git: &Git, id: &str) -> Result<Commit, HistoryError> {
    let line = git.text(host, ["log", "-1", "--no-show-signature", "--format=%H %ct", "--end-of-options", id])?;
    log::parse_commit(line.trim()).ok_or(HistoryError::Answer(line))
}

/// The tags that a commit can reach, without `refs/tags/`.
pub fn reachable_tags(host: &Host, git: &Git, commit: &str) -> Result<Vec<String>, HistoryError> {
    let refs = git.text(host, ["for-each-ref", &format!("--merged={commit}"), "--format=%(refname)", "refs/tags"])?;
    Ok(refs.lines().filter_map(|line| line.strip_prefix("refs/tags/")).map(str::to_owned).collect())
}

/// Every tag, without `refs/tags/`.
pub fn all_tags(host: &Host, git: &Git) -> Result<Vec<String>, HistoryError> {
    let refs = git.text(host, ["for-each-ref", "--format=%(refname)", "refs/tags"])?;
    Ok(refs.lines().filter_map(|line| line.strip_prefix("refs/tags/")).map(str::to_owned).collect())
}

/// The URL of `origin`, as one that people can open: no credentials, `https` for `git@host:path`.
pub fn origin(host: &Host, git: &Git) -> Option<String> {
    // A repository without a remote is a normal case, and git says so by a failure.
    let url = git.text(host, ["config", "--get", "remote.origin.url"]).ok()?;
    let url = url.trim();
    if let Some((_, rest)) = url.split_once("://") {
        let scheme = if url.starts_with("http://") { "http" } else { "https" };
        if url.starts_with("file:") {
            return None;
        }
        let (authority, path) = rest.split_once('/')?;
        let name = authority.rsplit('@').next()?;
        return Some(format!("{scheme}://{name}/{}", path.trim_end_matches(".git")));
    }
    let (address, path) = url.split_once(':')?;
    let name = address.rsplit('@').next()?;
    (!name.contains('/') && name.len() > 1).then(|| format!("https://{name}/{}", path.trim_end_matches(".git")))
}

#[derive(Default)]
struct Status {
    head: Option<String>,
    branch: Option<String>,
    changes: Vec<String>,
}

impl Status {
    /// Reads `git status --porcelain=v2 --branch -z` (git-status(1), "Porcelain Format Version 2").
    fn parse(text: &str, ours: &[String]) -> Result<Self, HistoryError> {
        let mut status = Self::default();
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            let bad = || HistoryError::Answer(entry.chars().take(100).collect());
            if let Some(oid) = entry.strip_prefix("# branch.oid ") {
                status.head = (oid != "(initial)").then(|| oid.to_owned());
                continue;
            }
            if let Some(branch) = entry.strip_prefix("# branch.head ") {
                status.branch = (branch != "(detached)").then(|| branch.to_owned());
                continue;
            }
            // Ordinary entries have eight fields before the path, unmerged ones ten; untracked ones one.
            let fields = match entry.as_bytes()[0] {
                b'#' => continue,
                b'1' => 8,
                b'u' => 10,
                b'?' => 1,
                _ => return Err(bad()),
            };
            let path = entry.splitn(fields + 1, ' ').nth(fields).ok_or_else(bad)?;
            let inside = |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
            if !ours.iter().any(inside) {
                status.changes.push(path.to_owned());
            }
        }
        Ok(status)
    }
}

#[cfg(test)]
mod tests;
