//! The scenarios: cold, one file touched, nothing touched; for the whole matrix and for this machine alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Rounds;
use super::bare::Bare;
use super::measure::{self, Cost};
use super::report::Row;
use super::sizes;
use super::subject::Lay;
use crate::demo::copy;
use crate::failure::{Failure, Outcome};
use crate::run::Program;
use crate::tools::Folder;

/// A subject laid out twice: once for sealift, once for the compiler alone.
pub struct Lab {
    /// What is built.
    pub lay: &'static Lay,
    sealift: PathBuf,
    path: OsString,
    dir: PathBuf,
    bare: Bare,
    /// Sealift's largest sample of anonymous memory.
    peak: u64,
    touches: usize,
}

/// Makes the command of one side.
type Make = fn(&Lab) -> Command;

/// What a round does before it measures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Empties build cache and store.
    Clear,
    /// Changes a string of main.go.
    Touch,
    /// Nothing.
    Nothing,
}

impl Before {
    /// The scenarios in the order in which each leaves what the next one needs, with the rounds of each.
    pub fn all(rounds: Rounds) -> [(Self, &'static str, usize); 3] {
        let Rounds { cold, warm } = rounds;
        [(Self::Clear, "cold", cold), (Self::Touch, "touched", warm), (Self::Nothing, "untouched", warm)]
    }
}

impl Lab {
    /// Lays the subject out and runs everything once: modules and toolchain are then there.
    pub fn prepare(lay: &'static Lay, sealift: &Path, folder: &Folder) -> Result<Self, Failure> {
        let dir = std::env::temp_dir().join(format!("sealift-bench-{}-{}", lay.name, std::process::id()));
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        let path = folder.path()?;
        let go: OsString = folder.go().map_or_else(|| "go".into(), PathBuf::into_os_string);
        let modules = Program::new(&go).args(["env", "GOMODCACHE"]).output()?.trim_end().into();
        let (cache, bare_dir) = (dir.join("bare-cache"), dir.join("bare"));
        let bare = Bare { go: go.clone(), modules, dir: bare_dir, cache, ldflags: lay.ldflags };
        let mut lab = Self { lay, sealift: sealift.to_owned(), path, dir, bare, peak: 0, touches: 0 };
        eprintln!("{}: laying it out and running it once", lay.name);
        lay.lay(&lab.project(), &go)?;
        lay.lay(&lab.bare.dir, &go)?;
        Program::new(sealift).args(["--quiet", "key", "generate"]).args([lab.key()]).output()?;
        measure::run(&mut lab.release())?;
        lab.bare.go = lab.same_go()?;
        Ok(lab)
    }

    /// The go command that sealift has built with.
    fn same_go(&self) -> Result<OsString, Failure> {
        let path = self.project().join(".sealift/build.json");
        let text = std::fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        let record: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let version = record.pointer("/toolchains/0/version").and_then(serde_json::Value::as_str);
        let version = version.ok_or_else(|| Failure::refused("error: build.json names no toolchain"))?;
        let program = Program::new(&self.sealift).args(["--quiet", "toolchain", version]).env("PATH", &self.path);
        Ok(program.env("SEALIFT_CACHE", self.store()).output()?.trim_end().into())
    }

    /// Runs every scenario.
    pub fn rows(&mut self, rounds: Rounds) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        // Without a cold round both sides still start from the same: everything compiled and linked once.
        if rounds.cold == 0 {
            copy(&self.dir.join("cache"), &self.bare.cache)?;
            measure::run(&mut self.bare.matrix())?;
        }
        for ((before, name, rounds), limit) in Before::all(rounds).into_iter().zip([1.05, 1.3, 0.4]) {
            if rounds == 0 {
                continue;
            }
            let what = format!("release, {name}");
            let (ours, peer) = self.compare(&what, before, rounds, (Self::release, |lab| lab.bare.matrix()))?;
            rows.push(Row::ratio(self.lay.name, &what, "go build ×9", &ours, &peer, Some(limit)));
        }
        rows.push(sizes::row(self.lay.name, &self.project().join("dist"))?);
        for (before, name, rounds) in Before::all(rounds).into_iter().filter(|(_, _, rounds)| *rounds > 0) {
            let what = format!("build -o, {name}");
            let (ours, peer) = self.compare(&what, before, rounds, (Self::build, |lab| lab.bare.host()))?;
            rows.push(Row::ratio(self.lay.name, &what, "go build -o", &ours, &peer, None));
        }
        let mib = mebibytes(self.peak);
        rows.push(Row::absolute(self.lay.name, "peak anonymous memory", mib, 64.0, "MiB"));
        Ok(rows)
    }

    /// Interleaves two commands.
    fn compare(
        &mut self,
        what: &str,
        before: Before,
        rounds: usize,
        (ours, peer): (Make, Make),
    ) -> Result<(Vec<Cost>, Vec<Cost>), Failure> {
        let (mut our_costs, mut peer_costs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            self.before(before)?;
            let order = if round % 2 == 0 { [true, false] } else { [false, true] };
            for is_ours in order {
                let cost = measure::run(&mut if is_ours { ours(self) } else { peer(self) })?;
                if is_ours { &mut our_costs } else { &mut peer_costs }.push(cost);
            }
            let (ours, peer) = (our_costs[round], peer_costs[round]);
            self.peak = self.peak.max(ours.anonymous);
            eprintln!(
                "{}: {what}: round {}: {:.2} s ({:.2} s CPU), peer {:.2} s ({:.2} s CPU)",
                self.lay.name,
                round + 1,
                ours.wall,
                ours.cpu,
                peer.wall,
                peer.cpu
            );
        }
        Ok((our_costs, peer_costs))
    }

    /// Prepares a round, the same on both sides.
    pub fn before(&mut self, before: Before) -> Outcome {
        match before {
            Before::Nothing => Ok(()),
            Before::Touch => {
                self.touches += 1;
                self.lay.touch(&self.project(), self.touches)?;
                self.lay.touch(&self.bare.dir, self.touches)
            }
            Before::Clear => {
                for folder in [self.dir.join("cache"), self.bare.cache.clone()] {
                    remove(&folder)?;
                }
                // A toolchain that was fetched stays: the compiler is there on both sides.
                let entries = std::fs::read_dir(self.store()).map_err(|error| at(&self.store(), &error))?;
                for entry in entries.flatten().filter(|entry| entry.file_name() != "toolchains") {
                    remove(&entry.path())?;
                }
                remove(&self.bare.output(""))?;
                remove(&self.bare.dir.join("bin"))?;
                remove(&self.project().join("dist"))
            }
        }
    }

    /// What sealift is measured with: packed, signed, and placed in `dist/`.
    pub fn release(&self) -> Command {
        let mut command = self.sealift();
        command.args(["--plain", "release", "--snapshot", "--key"]).arg(self.key());
        command
    }

    fn build(&self) -> Command {
        let mut command = self.sealift();
        command.args(["--plain", "build", "-o", "bin/app"]);
        command
    }

    fn sealift(&self) -> Command {
        self.sealift_in(&self.project())
    }

    /// Sealift in another project, with the same store and caches.
    pub fn sealift_in(&self, project: &Path) -> Command {
        let mut command = Command::new(&self.sealift);
        command.current_dir(project).env("PATH", &self.path);
        command.env("SEALIFT_CACHE", self.store()).env("GOCACHE", self.dir.join("cache"));
        command.env("GOMODCACHE", &self.bare.modules);
        command
    }

    /// The folder of everything.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// PATH with the go command of both sides first.
    pub fn path_with_go(&self) -> Result<OsString, Failure> {
        let dir = Path::new(&self.bare.go).parent().map(Path::to_owned);
        std::env::join_paths(dir.into_iter().chain(std::env::split_paths(&self.path)))
            .map_err(|error| Failure::tool(format!("error: PATH: {error}")))
    }

    /// The go command of both sides.
    pub fn go(&self) -> &std::ffi::OsStr {
        &self.bare.go
    }

    fn project(&self) -> PathBuf {
        self.dir.join("sealift")
    }

    fn store(&self) -> PathBuf {
        self.dir.join("store")
    }

    fn key(&self) -> PathBuf {
        self.dir.join("release.key")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Err(failure) = remove(&self.dir) {
            eprintln!("warning: {}", failure.message);
        }
    }
}

/// Removes a folder or a file, there or not.
pub fn remove(path: &Path) -> Outcome {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(path, &error)),
        _ => Ok(()),
    }
}

/// Bytes as MiB.
#[allow(clippy::cast_precision_loss)]
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}
