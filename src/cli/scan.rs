//! `sealift scan`.

mod documents;
mod fix;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use semver::Version;
use serde_json::{Value, json};

use super::World;
use super::project::{self, Project};
use crate::config::Overrides;
use crate::config::settings::{ScanFail, ScanSettings};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::event::{Event, Events};
use crate::host::files;
use crate::image::Places;
use crate::oci::Place;
use crate::pipeline::Judge;
use crate::scan::database::Reach;
use crate::scan::{self, Decision, Fail, Gather, ProgramFile, Report, Request, Rule, Scanned, Scanner, Score};
use crate::store::{Records, Store};
use crate::survey::within;
use crate::table::Table;
use documents::Documents;

#[derive(Args)]
pub struct Scan {
    /// Programs, folders or archives with programs, images (repository@sha256:…, oci:FOLDER, …) [default: dist]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Verify this release first, with --key, and scan what is in it; nothing is built
    #[arg(long, value_name = "DIR", conflicts_with = "paths", requires = "key")]
    release: Option<PathBuf>,
    /// The public key that must have signed the release
    #[arg(long, value_name = "FILE", requires = "release")]
    key: Option<PathBuf>,
    /// A folder, a zip or an address with known vulnerabilities (again for more) [default: scan.database]
    #[arg(long = "database", value_name = "PLACE")]
    databases: Vec<String>,
    /// Use what was fetched before, and no network
    #[arg(long)]
    offline: bool,
    /// What closes the gate [default: scan.fail]
    #[arg(long, value_name = "WHAT")]
    fail: Option<FailWord>,
    /// The least CVSS score that closes the gate [default: scan.minimum-cvss]
    #[arg(long, value_name = "SCORE", value_parser = score)]
    minimum_cvss: Option<Score>,
    /// An OpenVEX document with what does not concern the project (again for more) [default: scan.vex]
    #[arg(long, value_name = "FILE")]
    vex: Vec<PathBuf>,
    #[command(flatten)]
    documents: Documents,
    /// Make the upgrades that fix it on a branch of its own, test them there, and commit them
    #[arg(long, conflicts_with_all = ["release", "format"])]
    fix: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum FailWord {
    /// Nothing
    None,
    /// A vulnerable module
    Module,
    /// A vulnerable function in a program
    Symbol,
}

impl Scan {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let dir = world.dir();
        let loaded = project::load(world, &Overrides::default())?;
        let config = loaded.config;
        let asked = self.asked(&dir, &config.scan);
        let record = |record: &Value| -> Result<(), Failure> {
            // Only in a project is there a place for a record; programs are scanned anywhere.
            if files::what(&dir.join(".sealift"))? == files::What::Folder {
                Records::note(&dir, "scan.json", record)?;
            }
            Ok(())
        };
        let Some(scanner) = Scanner::open(world.host, world.events, &asked.request(&config.cache))? else {
            record(&not_run())?;
            return Ok(Product::nothing().with_data(not_run()));
        };
        let store = Store::open(&config.cache)?;
        let places = Places::new(world.host, &config.registries, world.events);
        let programs = self.programs(world, &store, &places)?;
        let report = scanner.scan(world.events, &programs)?;
        record(&data(&report))?;
        let author = config.project.name.as_str();
        self.documents.write(world, &report, scanner.statements(), author)?;
        if self.fix {
            return fix::fix(world, &report);
        }
        let document = self.documents.shown(&report, scanner.statements(), author);
        if let (true, Some(text)) = (report.closed, &document) {
            world.events.send(Event::Document(text.clone()));
        }
        let product = conclude(world.events, &report)?;
        Ok(match document {
            Some(text) => Product::text(text).with_data(data(&report)),
            None => product,
        })
    }

    fn asked(&self, dir: &Path, settings: &ScanSettings) -> Asked {
        let mut asked = Asked::of(settings, self.offline);
        if !self.databases.is_empty() {
            let place = |place: &String| {
                if scan::database::is_address(place) { place.clone() } else { dir.join(place).display().to_string() }
            };
            asked.databases = self.databases.iter().map(place).collect();
        }
        if !self.vex.is_empty() {
            asked.vex = self.vex.iter().map(|path| dir.join(path)).collect();
        }
        asked.rule.fail = self.fail.map_or(asked.rule.fail, |word| match word {
            FailWord::None => Fail::None,
            FailWord::Module => Fail::Module,
            FailWord::Symbol => Fail::Symbol,
        });
        asked.rule.minimum = self.minimum_cvss.or(asked.rule.minimum);
        asked
    }

    /// Finds the programs: of a release only when it is what its signer released.
    fn programs(&self, world: &World<'_>, store: &Store, places: &Places<'_>) -> Result<Vec<ProgramFile>, Failure> {
        let dir = world.dir();
        let mut gather = Gather::new(store.stage());
        if let (Some(release), Some(key)) = (&self.release, &self.key) {
            let key = crate::verify::read_public(&dir.join(key))?;
            let version = super::verify::judge(world, &dir.join(release), key)?;
            gather = gather.released(version.to_string());
            gather.look(&dir.join(release), &release.display().to_string())?;
        }
        let default = ["dist".to_owned()];
        let paths = match (&self.release, self.paths.is_empty()) {
            (Some(_), _) => &[],
            (None, true) => &default[..],
            (None, false) => &self.paths[..],
        };
        for text in paths {
            match imaged(&dir, text)? {
                None => gather.look(&dir.join(text), text)?,
                Some(place) => {
                    let opened = places.open(&place)?;
                    let root = opened.named()?;
                    gather.images(opened.source(), vec![root.clone()], text)?;
                    world.events.info(format!("{text} is {}", root.digest));
                }
            }
        }
        let programs = gather.found();
        if programs.is_empty() {
            let release = self.release.iter().map(|path| path.display().to_string());
            let place = paths.iter().cloned().chain(release).collect::<Vec<_>>().join(", ");
            return Err(scan::ScanError::Nothing { place }.into());
        }
        Ok(programs)
    }
}

/// The image that a text names, unless there is a file or a folder of that name: those are looked at as they are.
pub fn imaged(dir: &Path, text: &str) -> Result<Option<Place>, Failure> {
    let there = files::what(&dir.join(text))? != files::What::Nothing;
    // A path that is not there is a path all the same, and not a repository of that name.
    let reads_as_image =
        ["oci:", "oci-archive:", "docker-archive:", "docker://"].iter().any(|kind| text.starts_with(kind))
            || text.contains('@')
            || text.split_once('/').is_some_and(|(host, rest)| {
                host.contains(['.', ':']) && rest.contains([':', '/']) && !host.starts_with('.')
            });
    if there || !reads_as_image {
        return Ok(None);
    }
    Ok(Some(within(dir, &super::image::read_place(text)?)))
}

/// What a configuration asks of a scan.
pub struct Asked {
    databases: Vec<String>,
    vex: Vec<PathBuf>,
    rule: Rule,
    max_age: u64,
    reach: Reach,
}

impl Asked {
    /// As `[scan]` says.
    pub fn of(settings: &ScanSettings, offline: bool) -> Self {
        let fail = match settings.fail {
            ScanFail::None => Fail::None,
            ScanFail::Module => Fail::Module,
            ScanFail::Symbol => Fail::Symbol,
        };
        let minimum = settings.minimum_cvss.as_deref().and_then(Score::read);
        Self {
            databases: settings.database.clone(),
            vex: settings.vex.clone(),
            rule: Rule { fail, minimum },
            max_age: settings.max_age,
            reach: if offline { Reach::Offline } else { Reach::Online },
        }
    }

    /// The same as the stage wants it.
    pub fn request<'a>(&'a self, cache: &'a Path) -> Request<'a> {
        let Self { databases, vex, rule, max_age, reach } = self;
        Request { databases, cache, reach: *reach, rule: *rule, max_age: *max_age, vex }
    }
}

/// Opens what a release is judged by; nothing where no database is named and no gate needs one.
pub fn open(project: &Project<'_>) -> Result<Option<Scanner>, Failure> {
    let asked = Asked::of(&project.config.scan, false);
    Scanner::open(project.host, project.events, &asked.request(&project.config.cache))
}

/// What judges the binaries of a release while they are built.
pub fn judge<'a>(project: &Project<'_>, scanner: Option<&'a Scanner>) -> Option<Judge<'a>> {
    // A prebuilt program need not tell what is in it, unless a gate must judge it.
    scanner.map(|scanner| Judge { scanner, strict: project.config.scan.fail != ScanFail::None })
}

/// What a scan of a release says.
pub struct Judged {
    /// The findings, for people.
    pub table: Table,
    /// The findings for those who scan the release later with other tools.
    pub openvex: Vec<u8>,
}

/// Judges what was found in the binaries of a release, and writes the record; nothing where nothing was scanned.
/// `created` is when the release was made, in seconds since 1970.
pub fn gate(
    project: &Project<'_>,
    records: &Records,
    scanner: Option<&Scanner>,
    (scanned, created): (Vec<Scanned>, u64),
) -> Result<Option<Judged>, Failure> {
    let Some(scanner) = scanner else {
        records.write("scan.json", &not_run())?;
        return Ok(None);
    };
    let report = scanner.conclude(project.events, scanned)?;
    records.write("scan.json", &data(&report))?;
    conclude(project.events, &report)?;
    // Not the moment of the scan: the same sources and the same databases make the same release.
    let dated = report.databases.iter().filter(|database| !database.dated_by_file).filter_map(|one| one.modified).max();
    let at = dated.unwrap_or_default().max(created);
    let openvex = scan::openvex(&report, scanner.statements(), project.config.project.name.as_str(), at);
    Ok(Some(Judged { table: scan::table(&report), openvex: pretty(&openvex).into_bytes() }))
}

/// Judges the archives of a release that was made before, each by its path and its name, as [`gate`] does; nothing where
/// nothing is scanned. `release` is its version and when it was made, in seconds since 1970.
pub fn recalled<'a>(
    project: &Project<'_>,
    records: &Records,
    archives: impl Iterator<Item = (&'a Path, &'a str)>,
    (version, created): (&Version, u64),
) -> Result<Option<Judged>, Failure> {
    let Some(scanner) = open(project)? else { return Ok(None) };
    let mut gather = Gather::new(project.store.stage()).released(version.to_string());
    for (path, name) in archives {
        gather.look(path, name)?;
    }
    gate(project, records, Some(&scanner), (scanner.look(&gather.found())?, created))
}

/// `.sealift/scan.json` where nothing was scanned.
pub fn not_run() -> Value {
    json!({ "run": false, "why": "no database" })
}

/// `.sealift/scan.json`.
pub fn data(report: &Report) -> Value {
    let mut data = json!(report);
    data["run"] = json!(true);
    data
}

/// The report for people and programs; a closed gate is a failure.
pub fn conclude(events: &Events, report: &Report) -> Result<Product, Failure> {
    let unjudged: usize = report.programs.iter().map(|program| program.unjudged.len()).sum();
    if unjudged > 0 {
        events.info(format!("{unjudged} packages have no version to judge by (--json names them)"));
    }
    for lapse in &report.lapses {
        events.warn("scan.vex-lapse", lapse.describe());
    }
    if report.closed {
        events.send(Event::Report { name: "scan", data: data(report) });
        return Err(closed(report));
    }
    let all = report.programs.iter().flat_map(|program| &program.findings);
    let told = all.filter(|judged| judged.decision == Decision::Told).map(|judged| {
        let finding = &judged.finding;
        format!("{} {}@{}", finding.id, finding.package, finding.version)
    });
    let told: std::collections::BTreeSet<String> = told.collect();
    let note = match (told.len(), report.programs.len()) {
        (0, programs) => format!("scanned {}: nothing that counts", plural(programs, "program")),
        (count, programs) => format!("scanned {}: {count} known vulnerabilities", plural(programs, "program")),
    };
    let product = Product::lines(told).with_data(data(report)).with_table(scan::table(report)).with_note(note);
    Ok(match advice(report) {
        Some(advice) => product.with_note(advice),
        None => product,
    })
}

fn closed(report: &Report) -> Failure {
    let (closing, lapses, hiding) = (report.closing(), report.lapses.len(), report.hiding().count());
    let message = match (closing, lapses) {
        (0, 0) => format!("the gate is closed by {} that nobody can look into", plural(hiding, "program")),
        (0, lapses) => format!("the gate is closed: {} of VEX no longer", holds(lapses)),
        (closing, 0) => format!("the gate is closed by {}", vulnerabilities(closing)),
        (closing, lapses) => {
            format!("the gate is closed by {}, and {} of VEX no longer", vulnerabilities(closing), holds(lapses))
        }
    };
    let lapses = report.lapses.iter().map(|lapse| format!("{}\n", lapse.describe()));
    let hiding = report.hiding().map(|silent| format!("{}\n", silent.describe()));
    let detail = format!("{}{}", scan::table(report), lapses.chain(hiding).collect::<String>());
    let hint = advice(report)
        .or_else(|| Some("sealift scan --help: a VEX document can excuse what does not concern you".into()));
    Failure { detail: Some(detail), ..super::usage("scan.gate", Kind::Gate, message, hint) }
}

fn advice(report: &Report) -> Option<String> {
    let alone = if report.toolchain_alone == Some(true) { " (a newer toolchain alone does it)" } else { "" };
    (!report.upgrade.is_empty()).then(|| format!("{}{alone}", report.upgrade.join("; ")))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn vulnerabilities(count: usize) -> String {
    if count == 1 { "one known vulnerability".to_owned() } else { format!("{count} known vulnerabilities") }
}

fn holds(count: usize) -> String {
    if count == 1 { "one statement holds".to_owned() } else { format!("{count} statements hold") }
}

fn score(text: &str) -> Result<Score, String> {
    Score::read(text).ok_or_else(|| "from 0 to 10, with one decimal at most".to_owned())
}
