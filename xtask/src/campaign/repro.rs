//! The same bytes on a large service, nine targets, whatever surrounds the build; `--smoke` takes the small service.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Extent;
use super::scene::{Files, Scratch, broken, build, copy, difference, expect, files};
use super::variation::{self, SHIFT, Tree, USER, Variation};
use crate::failure::{Failure, Outcome};
use crate::run::{Program, root};

/// The large service, as the module proxy serves it.
const LARGE: &str = "github.com/nats-io/nats-server/v2@v2.15.2";

/// Runs the campaign.
pub fn run(extent: Extent) -> Outcome {
    let yard = Yard::open(extent)?;
    let reference = yard.release("reference", None)?;
    println!("{:<24}verdict   ({} files)", "variation", reference.len());
    let mut differing = Vec::new();
    let mut verdict = |name: &str, found: &Files| {
        let told = difference(&reference, found);
        println!("{name:<24}{}", told.as_deref().unwrap_or("same bytes"));
        differing.extend(told.map(|told| format!("{name}: {told}")));
    };
    verdict("warm store", &yard.again("reference")?);
    let is_root = variation::is_root();
    for variation in variation::variations(is_root) {
        if !is_root && variation.around.first().is_some_and(|word| word == "unshare") && !variation::has_namespaces() {
            println!("{:<24}NOT RUN: neither root nor user namespaces here", variation.name);
            continue;
        }
        verdict(variation.name, &yard.release("trial", Some(&variation))?);
    }
    verdict("no go on PATH", &yard.release("trial", Some(&without_go(&yard)?))?);
    let readme = yard.readme()?;
    println!("{:<24}{readme}", "only README touched");
    if differing.is_empty() { Ok(()) } else { Err(Failure::refused(format!("error: {}", differing.join("\n")))) }
}

/// A folder with the project as it is copied for each trial.
struct Yard {
    scratch: Scratch,
    sealift: PathBuf,
}

impl Yard {
    fn open(extent: Extent) -> Result<Self, Failure> {
        let (_, sealift) = build()?;
        let yard = Self { scratch: Scratch::new("repro")?, sealift };
        let origin = match extent {
            Extent::Smoke => root()?.join("templates/service"),
            Extent::Full => PathBuf::from(large()?),
        };
        let project = yard.dir().join("origin");
        copy(&origin, &project)?;
        Program::new("chmod").args(["-R", "u+w"]).args([&project]).stream()?;
        git(&project, &["init", "-q", "-b", "main"])?;
        commit(&project, "first")?;
        let key = yard.dir().join("release.key");
        expect(Command::new(&yard.sealift).args(["key", "generate"]).arg(key).output(), 0)?;
        Ok(yard)
    }

    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// Releases a fresh copy of the project with a HOME and a store of its own.
    fn release(&self, name: &str, variation: Option<&Variation>) -> Result<Files, Failure> {
        let trial = self.dir().join(name);
        Program::new("rm").args(["-rf"]).args([&trial]).stream()?;
        let (home, project) = (trial.join("home"), trial.join("project"));
        std::fs::create_dir_all(&home).map_err(|error| broken(&home, &error))?;
        let tree = variation.map_or(Tree::Plain, |variation| variation.tree);
        if tree == Tree::Reversed {
            reversed(&self.dir().join("origin"), &project)?;
        } else {
            copy(&self.dir().join("origin"), &project)?;
        }
        for file in ["release.key", "release.key.pub"] {
            copy(&self.dir().join(file), &trial.join(file))?;
        }
        copy(&self.sealift, &trial.join("sealift"))?;
        if tree == Tree::GivenAway {
            Program::new("chown").args(["-R", &format!("{USER}:{USER}")]).args([&trial]).stream()?;
        }
        self.run(&trial, variation)
    }

    /// Releases the same copy once more.
    fn again(&self, name: &str) -> Result<Files, Failure> {
        self.run(&self.dir().join(name), None)
    }

    fn run(&self, trial: &Path, variation: Option<&Variation>) -> Result<Files, Failure> {
        let program = trial.join("sealift");
        let mut command = variation.map_or_else(|| Command::new(&program), |variation| variation.command(&program));
        command.args(["release", "--snapshot", "--plain", "--key"]).arg(trial.join("release.key"));
        command.current_dir(trial.join("project")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", trial.join("home"));
        command.env("SEALIFT_CACHE", trial.join("cache"));
        let given = variation.is_some_and(|variation| variation.tree == Tree::GivenAway);
        // Another user cannot write into our build cache, and compiles everything anew.
        let shared = if given { trial } else { self.dir() };
        command.env("GOCACHE", shared.join("go-build")).env("GOMODCACHE", shared.join("go-mod"));
        if let Some(variation) = variation {
            command.envs(variation.env.iter().copied());
        }
        let output = expect(command.output(), 0)?;
        if variation.is_some_and(|variation| variation.name == "clock") {
            let log = String::from_utf8_lossy(&output.stderr);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            if !variation::shows_shifted_clock(&log, now) {
                return Err(Failure::refused(format!("error: sealift's clock was not shifted by {SHIFT} s\n{log}")));
            }
        }
        files(&trial.join("project/dist"))
    }

    /// Whether a commit that touches nothing but the README leaves every binary as it was.
    fn readme(&self) -> Result<&'static str, Failure> {
        let trial = self.dir().join("reference");
        let before = binaries(&trial)?;
        let readme = trial.join("project/README.md");
        std::fs::write(&readme, "Other words.\n").map_err(|error| broken(&readme, &error))?;
        commit(&trial.join("project"), "words")?;
        self.again("reference")?;
        if before.is_empty() || binaries(&trial)? != before {
            return Err(Failure::refused("error: a commit that touches only the README changed a binary"));
        }
        Ok("same binaries")
    }
}

/// Targets and digests of the binaries of the last run.
fn binaries(trial: &Path) -> Result<Vec<String>, Failure> {
    let path = trial.join("project/.sealift/build.json");
    let text = std::fs::read(&path).map_err(|error| broken(&path, &error))?;
    let record: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?;
    let all = record["binaries"].as_array().into_iter().flatten();
    Ok(all.map(|binary| format!("{} {}", binary["target"], binary["artifact"])).collect())
}

/// The programs on PATH but for Go's.
fn without_go(yard: &Yard) -> Result<Variation, Failure> {
    let bin = yard.dir().join("bin");
    std::fs::create_dir_all(&bin).map_err(|error| broken(&bin, &error))?;
    for name in ["git", "sh", "env"] {
        let program = crate::run::find(name).ok_or_else(|| Failure::tool(format!("error: no {name} on PATH")))?;
        std::os::unix::fs::symlink(&program, bin.join(name)).map_err(|error| broken(&bin, &error))?;
    }
    let path = format!("PATH={}", bin.display());
    let around = vec!["env".to_owned(), path];
    Ok(Variation { name: "no go on PATH", around, env: Vec::new(), tree: Tree::Plain })
}

fn large() -> Result<String, Failure> {
    let text = Program::new("go").args(["mod", "download", "-json", LARGE]).dir(std::env::temp_dir()).output()?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Failure::tool(format!("error: go mod download: {error}")))?;
    json["Dir"].as_str().map(str::to_owned).ok_or_else(|| Failure::tool(format!("error: {LARGE} has no folder")))
}

fn commit(project: &Path, message: &str) -> Outcome {
    git(project, &["add", "-A"])?;
    git(project, &["commit", "-q", "-m", message])
}

fn git(project: &Path, arguments: &[&str]) -> Outcome {
    let date = "@1780000000 +0000";
    let program = Program::new("git").args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(arguments);
    program.dir(project).env("GIT_COMMITTER_DATE", date).env("GIT_AUTHOR_DATE", date).stream()
}

/// Copies a folder so that what is made last comes first in the order of names.
fn reversed(from: &Path, to: &Path) -> Outcome {
    std::fs::create_dir_all(to).map_err(|error| broken(to, &error))?;
    let entries = std::fs::read_dir(from).map_err(|error| broken(from, &error))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names.into_iter().rev() {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() { reversed(&from, &to)? } else { copy(&from, &to)? }
    }
    Ok(())
}
