//! What is in large programs, beside syft and govulncheck, and what SBOMs and a scan cost a release.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::images::noise;
use super::measure::{self, Cost, median};
use super::report::{Report, Row};
use super::scenario::{mebibytes, remove};
use super::{Rounds, SUBJECTS};
use crate::failure::{Failure, Outcome};
use crate::run::Program;
use crate::scratch::Scratch;
use crate::specimen::findings::DATABASE;
use crate::tools::Folder;

/// Its name in `--subject`.
pub const NAME: &str = "sbom";
/// A file of loose records in a folder of data.
const LOOSE: &str = "rustsec-osv.zip";
/// The most milliseconds for an SBOM beyond those for the digest of the program.
const BEYOND: f64 = 20.0;
/// The most milliseconds for opening a database.
const OPENED: f64 = 30.0;
/// The most bytes of own anonymous memory, in MiB.
const MEMORY: f64 = 64.0;
/// The most that SBOMs and a scan may add to a cold release, in hundredths of it.
const ADDED: f64 = 2.0;
/// The program that memory is measured with has this many bytes and some more.
const HUGE: u64 = 500_000_000;
/// How often a figure of milliseconds is measured for each round of the others.
const TIMES: usize = 4;
/// How often a peer that takes seconds is asked at most.
const PATIENCE: usize = 3;

/// A program that does little, with some bytes in it.
const MAIN: &str = "package main\n\nimport (\n\t_ \"embed\"\n\t\"fmt\"\n\t\"net/http\"\n\t\"os\"\n)\n\n//go:embed noise\nvar noise string\n\n\
                    func main() { fmt.Println(len(noise), http.StatusText(len(os.Args))) }\n";

/// Adds the rows. `data` is a folder with databases.
pub fn rows(sealift: &Path, folder: &Folder, rounds: Rounds, data: Option<&Path>, report: &mut Report) -> Outcome {
    let scratch = Scratch::new(NAME)?;
    let lab = Lab { sealift, folder, rounds, dir: scratch.path() };
    let database = data.map(|data| data.join(DATABASE)).filter(|database| database.is_file());
    if rounds.warm > 0 {
        lab.large(database.as_deref(), report)?;
        lab.opened(data, report)?;
        lab.huge(database.as_deref(), report)?;
    } else {
        report.extend(Err("sbom: programs (--rounds 0)".to_owned()));
    }
    match (rounds.cold, &database) {
        (0, _) => report.extend(Err("sbom: a cold release (--cold 0)".to_owned())),
        (_, None) => report.extend(Err(no_database("what SBOMs and a scan add to a release"))),
        (_, Some(database)) => report.add(lab.added(database)?),
    }
    Ok(())
}

fn no_database(what: &str) -> String {
    format!("sbom: {what}: no database (--data DIR, with {DATABASE} in it)")
}

struct Lab<'a> {
    sealift: &'a Path,
    folder: &'a Folder,
    rounds: Rounds,
    dir: &'a Path,
}

impl Lab<'_> {
    /// A real program of the size that is spoken of: syft itself.
    fn large(&self, database: Option<&Path>, report: &mut Report) -> Outcome {
        let Some(syft) = self.folder.installed("syft") else {
            report.extend(Err("sbom: a large program: syft is not installed (cargo xtask tools peers)".to_owned()));
            return Ok(());
        };
        let times = self.rounds.warm * TIMES;
        // Both use the processor's instructions for SHA-256; sha256sum of many systems does not.
        let mut hash = Command::new("openssl");
        hash.args(["dgst", "-sha256"]).arg(&syft);
        let [ours, hashed] = interleaved(times, &mut [self.sbom(&syft), hash])?;
        let size = syft.metadata().map_err(|error| at(&syft, &error))?.len() / 1_000_000;
        let beyond = milliseconds(&ours) - milliseconds(&hashed);
        report.add(Row::absolute(NAME, &format!("SBOM of {size} MB beyond openssl dgst"), beyond, BEYOND, "ms"));
        let mut peer = Command::new(&syft);
        peer.args(["scan", "--quiet", "--output", "cyclonedx-json"]).arg(format!("file:{}", syft.display()));
        peer.env("SYFT_CHECK_FOR_APP_UPDATE", "false");
        let [ours, theirs] = interleaved(self.rounds.warm.min(PATIENCE), &mut [self.sbom(&syft), peer])?;
        report.add(Row::ratio(NAME, &format!("SBOM of {size} MB"), "syft", &ours, &theirs, Some(0.1)));
        let (Some(govulncheck), Some(database)) = (self.folder.installed("govulncheck"), database) else {
            let what = "a scan beside govulncheck";
            report.extend(Err(match database {
                None => no_database(what),
                Some(_) => format!("sbom: {what}: it is not installed (cargo xtask tools peers)"),
            }));
            return Ok(());
        };
        let unpacked = self.dir.join("database");
        Program::new("unzip").args(["-q", "-d"]).args([unpacked.as_path(), database]).output()?;
        let mut peer = Command::new(govulncheck);
        peer.args(["-mode", "binary", "-format", "json", "-db", &format!("file://{}", unpacked.display())]).arg(&syft);
        let [ours, theirs] = interleaved(self.rounds.warm.min(PATIENCE), &mut [self.scan(&syft, &unpacked), peer])?;
        let peer = "govulncheck -mode binary";
        report.add(Row::ratio(NAME, &format!("scan of {size} MB"), peer, &ours, &theirs, Some(0.5)));
        Ok(())
    }

    /// How much longer a scan of a small program takes with a database than with an empty one, the second and every later
    /// time: the database is opened, and what concerns the program is read.
    fn opened(&self, data: Option<&Path>, report: &mut Report) -> Outcome {
        let small = self.program("small", 0)?;
        let empty = self.dir.join("empty");
        std::fs::create_dir_all(empty.join("index")).map_err(|error| at(&empty, &error))?;
        for (file, text) in [("db.json", r#"{"modified":"2026-01-01T00:00:00Z"}"#), ("modules.json", "[]")] {
            std::fs::write(empty.join("index").join(file), text).map_err(|error| at(&empty, &error))?;
        }
        for (file, what) in [(DATABASE, "with an index"), (LOOSE, "of loose records")] {
            let Some(database) = data.map(|data| data.join(file)).filter(|database| database.is_file()) else {
                report.extend(Err(format!("sbom: a database {what}: --data DIR has no {file}")));
                continue;
            };
            measure::run(&mut self.scan(&small, &database))?;
            let mut commands = [self.scan(&small, &database), self.scan(&small, &empty)];
            let [with, without] = interleaved(self.rounds.warm * TIMES, &mut commands)?;
            let what = format!("database {what} opened, a small program scanned");
            report.add(Row::absolute(NAME, &what, milliseconds(&with) - milliseconds(&without), OPENED, "ms"));
        }
        Ok(())
    }

    /// Own memory beside a huge program.
    fn huge(&self, database: Option<&Path>, report: &mut Report) -> Outcome {
        let huge = self.program("huge", HUGE)?;
        let mut peak = measure::run(&mut self.sbom(&huge))?.anonymous;
        match database {
            Some(database) => peak = peak.max(measure::run(&mut self.scan(&huge, database))?.anonymous),
            None => report.extend(Err(no_database("a scan of 500 MB"))),
        }
        report.add(Row::absolute(NAME, "500 MB, peak anonymous memory", mebibytes(peak), MEMORY, "MiB"));
        remove(&huge)
    }

    /// What SBOMs and a scan of nine platforms add to a cold release of the small service. Both releases are of one
    /// commit and differ in the configuration that they are told, so that the second finds the programs of the first.
    fn added(&self, database: &Path) -> Result<Row, Failure> {
        let project = self.dir.join("service");
        let go = self.folder.go().unwrap_or_else(|| "go".into());
        SUBJECTS.iter().find(|lay| lay.name == "service").expect("it is one").lay(&project, go.as_os_str())?;
        // The folder of a configuration is its project; the two are no part of the commit.
        let exclude = project.join(".git/info/exclude");
        std::fs::write(&exclude, "/with.toml\n/without.toml\n").map_err(|error| at(&exclude, &error))?;
        let key = self.dir.join("release.key");
        Program::new(self.sealift).args(["--quiet", "key", "generate"]).args([&key]).output()?;
        let release = |word: &str, text: &str| -> Result<Command, Failure> {
            let config = project.join(format!("{word}.toml"));
            std::fs::write(&config, text).map_err(|error| at(&config, &error))?;
            let mut command = self.sealift(&project)?;
            command.args(["--plain", "release", "--snapshot", "--key"]).arg(&key).arg("--config").arg(&config);
            Ok(command)
        };
        let mut without = release("without", "[sbom]\nformats = []\n")?;
        let mut with = release("with", &format!("[scan]\ndatabase = [{:?}]\n", database.display().to_string()))?;
        let mut shares = Vec::new();
        for round in 0..self.rounds.cold {
            for folder in [self.dir.join("go-build"), self.dir.join("store"), project.join("dist")] {
                remove(&folder)?;
            }
            let cold = measure::run(&mut without)?.wall;
            let untouched = median(times(&mut without, TIMES)?.iter().map(|cost| cost.wall));
            let added = measure::run(&mut with)?.wall - untouched;
            eprintln!("{NAME}: release, cold: round {}: {cold:.2} s, SBOMs and scan {added:.3} s", round + 1);
            shares.push(100.0 * added / cold);
        }
        let what = "added to a cold release by SBOMs and scan";
        Ok(Row::absolute(NAME, what, median(shares), ADDED, "%"))
    }

    fn sealift(&self, dir: &Path) -> Result<Command, Failure> {
        let mut command = Command::new(self.sealift);
        command.current_dir(dir).env("PATH", self.folder.path()?);
        command.env("SEALIFT_CACHE", self.dir.join("store")).env("GOCACHE", self.dir.join("go-build"));
        Ok(command)
    }

    fn quiet(&self) -> Command {
        let mut command = Command::new(self.sealift);
        command.current_dir(self.dir).env("SEALIFT_CACHE", self.dir.join("store")).arg("--quiet");
        command
    }

    fn sbom(&self, program: &Path) -> Command {
        let mut command = self.quiet();
        command.arg("sbom").arg(program).args(["--output", "sbom.json"]);
        command
    }

    fn scan(&self, program: &Path, database: &Path) -> Command {
        let mut command = self.quiet();
        command.args(["scan", "--fail", "none", "--database"]).arg(database).arg(program);
        command
    }

    /// Builds a program with so many bytes of payload.
    fn program(&self, name: &str, size: u64) -> Result<PathBuf, Failure> {
        let dir = self.dir.join(name);
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        noise(&dir.join("noise"), size)?;
        for (file, text) in [("main.go", MAIN), ("go.mod", "module example.com/large\n\ngo 1.26.0\n")] {
            std::fs::write(dir.join(file), text).map_err(|error| at(&dir, &error))?;
        }
        let to = self.dir.join(format!("{name}-program"));
        let go = self.folder.go().unwrap_or_else(|| "go".into());
        // A cache of its own: nobody wants this in his.
        let cache = self.dir.join("large-cache");
        Program::new(go).dir(&dir).env("GOCACHE", cache).args(["build", "-o"]).args([&to]).output()?;
        remove(&dir)?;
        Ok(to)
    }
}

/// Runs two commands in turns, each first in every other round.
fn interleaved(rounds: usize, commands: &mut [Command; 2]) -> Result<[Vec<Cost>; 2], Failure> {
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            costs[side].push(measure::run(&mut commands[side])?);
        }
    }
    Ok(costs)
}

fn times(command: &mut Command, times: usize) -> Result<Vec<Cost>, Failure> {
    (0..times).map(|_| measure::run(command)).collect()
}

fn milliseconds(costs: &[Cost]) -> f64 {
    median(costs.iter().map(|cost| cost.wall * 1e3))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}
