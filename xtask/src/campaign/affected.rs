//! Random edits of a repository of four services: those whose binaries change are those that sealift names. The judge is
//! the go command with a build cache that holds the standard library and nothing else.
//!
//! An edit is *missed* when a binary changes on any target and its service is not named, and *needless* when a service is
//! named of which no binary changes. Kinds of edits come by their weights (`KINDS`), which the table shows. One kind names
//! too many by design, a comment in a source file: what a source file means only the compiler knows. How many of all edits
//! are needless follows from its weight, then: 1 in 75, less than the 2 % that are allowed. What is found out here is
//! that no edit of another kind is needless, and that none at all is missed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Extent;
use super::scene::{Scratch, build, expect};
use crate::failure::{Failure, Outcome};
use crate::run::{Program, root};

#[path = "../../../tests/fixtures/monorepo.rs"]
mod monorepo;

use monorepo::{COMMENT, KINDS, Monorepo, SERVICES, TARGETS, is_without_meaning};

/// The sum of the weights.
const ROUND: usize = 75;
/// How many edits: whole rounds of the weights.
const EDITS: usize = 4 * ROUND;
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
    let mut turns = Turns::default();
    for number in 1..=edits {
        let files = repository.files();
        let kind = turns.next(|kind| repository.is_possible(kind));
        repository.edit_of(kind);
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
    println!("{:<26}{:>8}{:>7}{:>10}{:>10}", "kind of edit", "weight", "edits", "changed", "needless");
    for (kind, weight) in KINDS {
        let Tally { edits, changed, needless } = tally.get(kind).copied().unwrap_or_default();
        println!("{kind:<26}{:>8}{edits:>7}{changed:>10}{needless:>10}", format!("{weight}/{ROUND}"));
    }
    let needless = |of: fn(&str) -> bool| -> usize {
        tally.iter().filter(|(kind, _)| of(kind)).map(|(_, tally)| tally.needless).sum()
    };
    println!(
        "{edits} edits: {} missed; {} with a service too many that change a comment alone, by their weight; {} others",
        missed.len(),
        needless(|kind| kind == COMMENT),
        needless(|kind| kind != COMMENT)
    );
    judge(edits, &tally, missed)
}

fn judge(edits: usize, tally: &BTreeMap<&str, Tally>, mut wrong: Vec<String>) -> Outcome {
    for (kind, weight) in KINDS {
        let Tally { edits: made, changed, needless } = tally.get(kind).copied().unwrap_or_default();
        // An edit that is not possible yet waits for the next turn.
        let least = (weight * edits / ROUND).saturating_sub(1);
        if made < least {
            wrong.push(format!("{made} edits of the kind {kind:?}, not {least}"));
        }
        if kind != COMMENT && needless > 0 {
            wrong.push(format!("{needless} edits of the kind {kind:?} name too many"));
        }
        // A kind that never changes what it is there to change tries nothing.
        if edits >= ROUND && (changed == 0) != is_without_meaning(kind) {
            wrong.push(format!("edits of the kind {kind:?} have changed {changed} binaries"));
        }
    }
    let needless: usize = tally.values().map(|tally| tally.needless).sum();
    if needless * 50 > edits {
        wrong.push(format!("{needless} of {edits} edits name a service too many: more than 2 %"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::refused(format!("error: {}", wrong.join("\n")))) }
}

/// What each kind of edit is owed: its weight comes with every edit, and its turn takes a whole round away.
#[derive(Default)]
struct Turns(BTreeMap<&'static str, isize>);

impl Turns {
    /// The kind that is owed most, of those that are possible, and of equal ones the first.
    fn next(&mut self, is_possible: impl Fn(&str) -> bool) -> &'static str {
        for (kind, weight) in KINDS {
            *self.0.entry(kind).or_default() += weight.cast_signed();
        }
        let possible = KINDS.iter().rev().map(|(kind, _)| *kind).filter(|kind| is_possible(kind));
        let kind = possible.max_by_key(|kind| self.0[kind]).expect("bodies can be changed always");
        *self.0.entry(kind).or_default() -= ROUND.cast_signed();
        kind
    }
}

#[derive(Clone, Copy, Default)]
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
                expect(go.envs([("GOOS", os), ("GOARCH", arch), ("CGO_ENABLED", "0")]).output(), 0)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds come as often as their weights say, so that the table can be read without the sources.
    #[test]
    fn kinds_of_edits_come_by_their_weights() {
        assert_eq!(KINDS.iter().map(|(_, weight)| weight).sum::<usize>(), ROUND);
        let mut repository = Monorepo::new("1.26.0", 1);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut turns = Turns::default();
        for _ in 0..EDITS {
            let kind = turns.next(|kind| repository.is_possible(kind));
            let files = repository.files();
            repository.edit_of(kind);
            assert_ne!(repository.files(), files, "{kind}");
            *counts.entry(kind).or_default() += 1;
        }
        for (kind, weight) in KINDS {
            let (made, owed) = (counts.get(kind).copied().unwrap_or(0), weight * EDITS / ROUND);
            assert!(made.abs_diff(owed) <= 1, "{kind}: {made}, not {owed}");
        }
    }

    #[test]
    fn what_is_counted_is_judged() {
        let right = |kind: &&'static str| {
            let weight = KINDS.iter().find(|(known, _)| known == kind).map_or(0, |(_, weight)| *weight);
            Tally { edits: weight * 4, changed: usize::from(!is_without_meaning(kind)), needless: 0 }
        };
        let with = |kind: &str, change: fn(&mut Tally)| {
            let mut tally: BTreeMap<&str, Tally> = KINDS.iter().map(|(kind, _)| (*kind, right(kind))).collect();
            change(tally.get_mut(kind).unwrap());
            judge(EDITS, &tally, Vec::new()).err().map(|failure| failure.message)
        };
        assert_eq!(with("body", |_| {}), None);
        assert_eq!(with(COMMENT, |tally| tally.needless = 4), None);
        assert!(with(COMMENT, |tally| tally.needless = 7).unwrap().contains("more than 2 %"));
        assert!(with("go.work changed", |tally| tally.needless = 1).unwrap().contains("name too many"));
        assert!(with("requirement changed", |tally| tally.edits = 2).unwrap().contains("not 15"));
        assert!(with("requirement changed", |tally| tally.changed = 0).unwrap().contains("0 binaries"));
        assert!(judge(EDITS, &KINDS.iter().map(|(kind, _)| (*kind, right(kind))).collect(), vec!["x".into()]).is_err());
    }
}
