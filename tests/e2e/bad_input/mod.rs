//! Input that is not what it should be: each is refused with a code, an exit code and a hint, an earlier release stays
//! whole, nothing half-made is left, and the next run with good input succeeds.

mod compile;
mod configuration;
mod dist;
mod hostile;
mod key;
mod repository;
mod signal;

pub use dist::mounted;

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use crate::sandbox::{Run, Sandbox};

pub const MAIN: &str = "package main\n\nfunc main() { println(\"well\") }\n";
/// By convention the user that owns nothing.
const NOBODY: u32 = 65534;
pub const CONFIG: &str = "[build]\ntargets = [\"linux/amd64\"]\n";

/// A project with one small command.
pub fn project() -> Sandbox {
    Sandbox::with(&[("main.go", MAIN), ("sealift.toml", CONFIG)])
}

/// A project with a signed release in `dist/`, which bad input must not cost.
pub struct Released {
    pub sandbox: Sandbox,
    key: String,
    public: String,
    dist: BTreeMap<String, String>,
}

impl Released {
    pub fn new() -> Self {
        Self::of(project())
    }

    pub fn of(sandbox: Sandbox) -> Self {
        let (key, public) = sandbox.key();
        sandbox.ok(&["release", "--snapshot", "--key", &key]).quietly();
        let dist = sandbox.digests("dist");
        assert!(dist.contains_key("release.json"), "{dist:?}");
        Self { sandbox, key, public, dist }
    }

    /// Changes the command, so that a release has something to do.
    pub fn change(&self, word: &str) {
        self.sandbox.write("main.go", &MAIN.replace("well", word));
        self.sandbox.commit(word);
    }

    pub fn release(&self) -> Run {
        self.sandbox.run(&["release", "--snapshot", "--key", &self.key])
    }

    /// Expects that a release is refused, with words and with a hint, and that nothing is lost by it.
    #[track_caller]
    pub fn refuses(&self, exit: i32, code: &str, words: &[&str], hint: &str) -> Run {
        let run = self.release().fails(exit, code, words).hints(hint);
        self.nothing_is_lost();
        run
    }

    /// The earlier release is there, byte for byte, and passes.
    #[track_caller]
    pub fn nothing_is_lost(&self) {
        assert_eq!(self.sandbox.digests("dist"), self.dist);
        self.sandbox.ok(&["verify", "dist", "--key", &self.public]).quietly();
        nothing_half_made(&self.sandbox);
    }

    /// Runs sealift as a user whom permission bits bind: where this is root, as another one, to whom everything in the
    /// sandbox belongs for that time.
    pub fn bound(&self, args: &[&str]) -> Run {
        let mut command = self.sandbox.command(args);
        if !rustix::process::geteuid().is_root() {
            return Run::of(&command.output().unwrap());
        }
        // What tests share belongs to root.
        command.env("GOCACHE", self.sandbox.dir.path().join("home/go-build"));
        command.env("GOMODCACHE", self.sandbox.dir.path().join("home/go-mod"));
        command.uid(NOBODY).gid(NOBODY);
        give(self.sandbox.dir.path(), NOBODY);
        let run = Run::of(&command.output().unwrap());
        give(self.sandbox.dir.path(), 0);
        run
    }

    /// What [`Released::release`] runs.
    pub fn bound_release(&self) -> Run {
        self.bound(&["release", "--snapshot", "--key", &self.key])
    }

    /// A release succeeds and passes.
    #[track_caller]
    pub fn recovers(&self) {
        let run = self.release();
        assert_eq!(run.exit, 0, "{}", run.stderr);
        self.sandbox.ok(&["verify", "dist", "--key", &self.public]).quietly();
        nothing_half_made(&self.sandbox);
    }
}

impl Run {
    /// Expects a hint that says this.
    #[track_caller]
    pub fn hints(self, words: &str) -> Self {
        let hint = self.stderr.lines().skip_while(|line| !line.starts_with("hint: ")).collect::<Vec<_>>().join("\n");
        assert!(hint.contains(words) && !hint.is_empty(), "wanted the hint {words:?}\n{}", self.stderr);
        self
    }
}

/// No staged file anywhere, and no folder of a run that has ended.
#[track_caller]
pub fn nothing_half_made(sandbox: &Sandbox) {
    let mut left = Vec::new();
    staged(&sandbox.project(), &mut left);
    staged(&sandbox.dir.path().join("cache"), &mut left);
    let stage = sandbox.dir.path().join("cache/stage");
    left.extend(std::fs::read_dir(stage).into_iter().flatten().flatten().map(|entry| entry.path()));
    assert_eq!(left, Vec::<PathBuf>::new());
}

fn staged(dir: &Path, left: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".staged") {
            left.push(entry.path());
        }
        if entry.file_type().unwrap().is_dir() {
            staged(&entry.path(), left);
        }
    }
}

/// Makes a user the owner of a path and of all below it.
fn give(path: &Path, user: u32) {
    std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
    if std::fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}
