//! `sealift scan`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::World;
use super::project::{self, Project};
use crate::build::Built;
use crate::config::Overrides;
use crate::config::settings::{ScanFail, ScanSettings};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::event::{Event, Events};
use crate::host::{files, staging};
use crate::scan::database::Reach;
use crate::scan::vex::Statement;
use crate::scan::{self, Decision, Fail, Gather, ProgramFile, Report, Request, Rule, Scanner, Score};
use crate::store::{Records, Store};
use crate::table::Table;

#[derive(Args)]
pub struct Scan {
    /// Programs, folders or archives with programs, image layouts [default: dist]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
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
    /// Write the findings as SARIF, for code scanning
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write the findings as Markdown, for a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the findings as an OpenVEX document, for those who scan the release later
    #[arg(long, value_name = "FILE")]
    openvex: Option<PathBuf>,
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
        let mut asked = Asked::of(&config.scan, self.offline);
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
        let mut gather = Gather::new(store.stage());
        let default = [PathBuf::from("dist")];
        let paths = if self.paths.is_empty() { &default[..] } else { &self.paths };
        for path in paths {
            gather.look(&dir.join(path), &path.display().to_string())?;
        }
        let programs = gather.found();
        if programs.is_empty() {
            let place = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            return Err(scan::ScanError::Nothing { place }.into());
        }
        let (report, statements) = scanner.scan(world.events, &programs)?;
        record(&data(&report))?;
        let documents = [
            (&self.sarif, pretty(&scan::sarif(&report))),
            (&self.markdown, scan::markdown(&report)),
            (&self.openvex, pretty(&openvex(&report, &statements, config.project.name.as_str()))),
        ];
        for (path, text) in documents {
            if let Some(path) = path {
                staging::write(&dir.join(path), text.as_bytes(), 0o644)?;
            }
        }
        conclude(world.events, &report)
    }
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

/// Scans the binaries of a release, as they were before upx packed them, and writes the record. Gives the findings;
/// nothing where nothing was scanned.
pub fn gate(
    project: &Project<'_>,
    records: &Records,
    scanner: Option<Scanner>,
    built: &[Built],
) -> Result<Option<Table>, Failure> {
    let Some(scanner) = scanner else {
        records.write("scan.json", &not_run())?;
        return Ok(None);
    };
    let program = |built: &Built| ProgramFile {
        name: format!("{} {}", built.binary.service, built.binary.target),
        path: built.before_upx.map_or_else(|| built.file.clone(), |before| project.store.path_of(before.digest)),
        // A prebuilt program need not tell what is in it, unless a gate must judge it.
        named: project.config.scan.fail != ScanFail::None,
    };
    let programs: Vec<ProgramFile> = built.iter().map(program).collect();
    let (report, _) = scanner.scan(project.events, &programs)?;
    records.write("scan.json", &data(&report))?;
    conclude(project.events, &report)?;
    Ok(Some(scan::table(&report)))
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
    let (closing, lapses) = (report.closing(), report.lapses.len());
    let message = match (closing, lapses) {
        (0, lapses) => format!("the gate is closed: {} of VEX no longer", holds(lapses)),
        (closing, 0) => format!("the gate is closed by {}", vulnerabilities(closing)),
        (closing, lapses) => {
            format!("the gate is closed by {}, and {} of VEX no longer", vulnerabilities(closing), holds(lapses))
        }
    };
    let lapses = report.lapses.iter().map(|lapse| format!("{}\n", lapse.describe()));
    let detail = format!("{}{}", scan::table(report), lapses.collect::<String>());
    let hint = advice(report)
        .or_else(|| Some("sealift scan --help: a VEX document can excuse what does not concern you".into()));
    Failure { detail: Some(detail), ..super::usage("scan.gate", Kind::Gate, message, hint) }
}

fn advice(report: &Report) -> Option<String> {
    let alone = if report.toolchain_alone == Some(true) { " (a newer toolchain alone does it)" } else { "" };
    (!report.upgrade.is_empty()).then(|| format!("{}{alone}", report.upgrade.join("; ")))
}

/// The findings for others, at the moment of the scan.
fn openvex(report: &Report, statements: &[Statement], author: &str) -> Value {
    scan::openvex(report, statements, author, report.at)
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
