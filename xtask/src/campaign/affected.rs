//! Random edits of a repository of four services: those whose binaries change are those that sealift names. The judge is
//! the go command with a build cache that holds the standard library and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Extent;
use super::scene::{Scratch, build, expect};
use crate::failure::{Failure, Outcome};
use crate::run::{Program, root};

#[path = "../../../tests/fixtures/monorepo.rs"]
mod monorepo;

use monorepo::{COMMENT, KINDS, Monorepo, SERVICES, TARGETS};

/// How many edits.
const EDITS: usize = 300;
const SMOKE: usize = 20;

/// Programs by service.
type Programs = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// Runs the campaign.
pub fn run(extent: Extent) -> Outcome {
    let edits = if extent == Extent::Full { EDITS } else { SMOKE };
    let ground = Ground::new()?;
    let mut repository = Monorepo::new(&ground.go, 2026);
    repository.write(&ground.project(), &BTreeMap::new());
    ground.git(&["init", "-q", "-b", "main"])?;
    ground.commit("feat: everything")?;
    let mut before = ground.programs()?;
    let mut tally: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut missed = Vec::new();
    for number in 1..=edits {
        let files = repository.files();
        let kind = repository.edit();
        repository.write(&ground.project(), &files);
        ground.commit(kind)?;
        let after = ground.programs()?;
        let changed: BTreeSet<String> = SERVICES
            .iter()
            .filter(|(name, _)| before[name] != after[name])
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let named = ground.affected()?;
        let tally = tally.entry(kind).or_default();
        tally.edits += 1;
        tally.changed += changed.len();
        tally.needless += usize::from(!named.is_subset(&changed));
        missed.extend(changed.difference(&named).map(|name| format!("edit {number} ({kind}): {name} is not named")));
        before = after;
    }
    println!("{:<26}{:>6}{:>10}{:>10}", "kind of edit", "edits", "changed", "needless");
    for (kind, Tally { edits, changed, needless }) in &tally {
        println!("{kind:<26}{edits:>6}{changed:>10}{needless:>10}");
    }
    let needless: usize = tally.values().map(|tally| tally.needless).sum();
    println!("{edits} edits: {} missed, {needless} with a service too many", missed.len());
    judge(edits, &tally, missed)
}

fn judge(edits: usize, tally: &BTreeMap<&str, Tally>, mut wrong: Vec<String>) -> Outcome {
    // Each kind takes its turn; a comment now and then takes one away.
    let least = edits / KINDS.len() - 1;
    wrong.extend(KINDS.iter().filter_map(|kind| {
        let made = tally.get(kind).map_or(0, |tally| tally.edits);
        (made < least).then(|| format!("{made} edits of the kind {kind:?}, not {least}"))
    }));
    let unexplained = tally.iter().filter(|(kind, tally)| **kind != COMMENT && tally.needless > 0);
    wrong.extend(
        unexplained.map(|(kind, tally)| format!("{} edits of the kind {kind:?} name too many", tally.needless)),
    );
    let needless: usize = tally.values().map(|tally| tally.needless).sum();
    if needless * 50 > edits {
        wrong.push(format!("{needless} of {edits} edits name a service too many: more than 2 %"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::refused(format!("error: {}", wrong.join("\n")))) }
}

#[derive(Default)]
struct Tally {
    edits: usize,
    changed: usize,
    needless: usize,
}

/// The project, and what is around it.
struct Ground {
    scratch: Scratch,
    sealift: PathBuf,
    go: String,
}

impl Ground {
    fn new() -> Result<Self, Failure> {
        let (_, sealift) = build()?;
        let go = Program::new("go").args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output()?;
        let ground =
            Self { scratch: Scratch::new("affected")?, sealift, go: go.trim().trim_start_matches("go").to_owned() };
        for folder in ["project", "home", "cache"] {
            let path = ground.dir().join(folder);
            std::fs::create_dir_all(&path).map_err(|error| super::scene::broken(&path, &error))?;
        }
        for (os, arch) in TARGETS {
            let mut go = ground.command("go", &["build", "embed", "runtime"]);
            go.current_dir(root()?).envs([
                ("GOOS", os),
                ("GOARCH", arch),
                ("CGO_ENABLED", "0"),
                ("GO111MODULE", "off"),
            ]);
            expect(go.env("GOCACHE", ground.dir().join("standard")).output(), 0)?;
        }
        Ok(ground)
    }

    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    fn project(&self) -> PathBuf {
        self.dir().join("project")
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
        let path = |name: &str| self.dir().join(name);
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.project()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs([("HOME", path("home")), ("SEALIFT_CACHE", path("cache")), ("GOCACHE", path("home/go-build"))]);
        command.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GOPROXY", "off"), ("GOSUMDB", "off"), ("GOTOOLCHAIN", "local")]);
        command
    }

    fn git(&self, arguments: &[&str]) -> Outcome {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        let arguments: Vec<&str> = identity.iter().chain(arguments).copied().collect();
        expect(self.command("git", &arguments).output(), 0).map(drop)
    }

    fn commit(&self, message: &str) -> Outcome {
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "-m", message])
    }

    /// Compiles every service for every target from nothing but the standard library.
    fn programs(&self) -> Result<Programs, Failure> {
        let cache = self.dir().join("fresh");
        Program::new("rm").args(["-rf"]).args([&cache]).stream()?;
        Program::new("cp").args(["-al"]).args([&self.dir().join("standard"), &cache]).stream()?;
        let mut programs = Programs::new();
        for (name, folder) in SERVICES {
            for (os, arch) in TARGETS {
                let file = self.dir().join("program");
                let output = file.display().to_string();
                let words = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", &output, "."];
                let mut go = self.command("go", &words);
                go.current_dir(self.project().join(folder)).env("GOCACHE", &cache);
                expect(go.envs([("GOOS", os), ("GOARCH", arch), ("CGO_ENABLED", "0"), ("GOWORK", "off")]).output(), 0)?;
                let bytes = std::fs::read(&file).map_err(|error| super::scene::broken(&file, &error))?;
                programs.entry(name).or_default().push(bytes);
            }
        }
        Ok(programs)
    }

    fn affected(&self) -> Result<BTreeSet<String>, Failure> {
        let words = ["version", "--affected", "--since", "HEAD~1", "--quiet"];
        let output = expect(self.command(&self.sealift, &words).output(), 0)?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }
}
