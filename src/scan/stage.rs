//! The stage: programs, databases and a rule become a report.

use std::path::{Path, PathBuf};

use super::database::{Database, Reach, State};
use super::error::ScanError;
use super::gate::{Fail, Rule};
use super::gather::ProgramFile;
use super::matching::{self, find};
use super::report::Report;
use super::show::days;
use super::subject::Subject;
use super::vex::{self, Statement, VEX_CAP};
use crate::error::Failure;
use crate::event::Events;
use crate::host::regular::{self, Found};
use crate::host::{Host, clock, files, machine, map};
use crate::sbom::binary::{self, Functions, Symbol};

const DAY: u64 = 86_400;

/// What is asked of a scan.
pub struct Request<'a> {
    /// Databases: folders, zips, addresses.
    pub databases: &'a [String],
    /// Where what comes from the network is kept.
    pub cache: &'a Path,
    /// Whether the network may be asked.
    pub reach: Reach,
    /// The rule of the gate.
    pub rule: Rule,
    /// Days that a database may be old; 0 is any age.
    pub max_age: u64,
    /// OpenVEX documents.
    pub vex: &'a [PathBuf],
}

/// Databases and statements, opened before anything is scanned: what is missing is better known early.
pub struct Scanner {
    rule: Rule,
    databases: Vec<Database>,
    statements: Vec<Statement>,
    now: u64,
}

impl Scanner {
    /// Opens everything; nothing where no database is named and no gate needs one.
    ///
    /// # Errors
    /// A gate without a database, a database that is missing, damaged or too old for the gate, a VEX document that cannot
    /// be believed.
    pub fn open(host: &Host, events: &Events, request: &Request<'_>) -> Result<Option<Self>, Failure> {
        let Request { rule, databases, .. } = *request;
        if databases.is_empty() {
            if rule.fail != Fail::None {
                return Err(ScanError::NoDatabase { fail: rule.fail.word() }.into());
            }
            events.warn("scan.not-run", "scan not run: no database (scan.database names one)");
            return Ok(None);
        }
        let now = clock::now();
        let open = |place: &String| Database::open(host, request.cache, place, request.reach);
        let databases = databases.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        for database in &databases {
            judge_age(events, database.state(), request, now)?;
        }
        let mut statements = Vec::new();
        for path in request.vex {
            let file = files::seen_from(host.env.dir(), path);
            statements.extend(vex::read(&file, &files::read(path, VEX_CAP)?)?);
        }
        Ok(Some(Self { rule, databases, statements, now }))
    }

    /// Scans programs, several at once.
    ///
    /// # Errors
    /// A program that the user named and that cannot be read or says nothing, none that says anything, a database whose
    /// records are damaged, a statement about another product.
    pub fn scan(self, events: &Events, programs: &[ProgramFile]) -> Result<(Report, Vec<Statement>), Failure> {
        let scanned = machine::parallel(programs, machine::cores(), |program| self.program(program))?;
        let mut found = Vec::new();
        for (program, one) in programs.iter().zip(scanned) {
            match one {
                Scanned::Found(all) => found.extend(all),
                Scanned::Silent(why) => {
                    events.warn("scan.silent-program", format!("{} does not tell what is in it: {why}", program.name));
                }
            }
        }
        // Prebuilt programs that say nothing are warned of, and no reason to stop where there is no gate.
        if found.is_empty() && self.rule.fail != Fail::None {
            let place = programs.first().map_or_else(String::new, |program| program.name.clone());
            return Err(ScanError::Nothing { place }.into());
        }
        let subjects: Vec<&Subject> = found.iter().map(|(subject, _)| subject).collect();
        vex::check_products(&self.statements, &subjects)?;
        let states = self.databases.iter().map(|database| database.state().clone()).collect();
        let report = Report::of(self.rule, states, found, &self.statements, self.now);
        Ok((report, self.statements))
    }

    fn program(&self, program: &ProgramFile) -> Result<Scanned, Failure> {
        let file = || program.name.clone();
        let Found::File(regular) = regular::follow(&program.path)? else {
            return Err(ScanError::Silent { file: file(), why: "it is no file" }.into());
        };
        let bytes = map::map(&regular, &program.path)?;
        let binaries = match binary::read(&bytes) {
            Ok(binaries) => binaries,
            Err(error) if program.named => return Err(ScanError::Program { file: file(), source: error }.into()),
            Err(error) => return Ok(Scanned::Silent(error.to_string())),
        };
        let several = binaries.len() > 1;
        let mut found = Vec::new();
        for binary in &binaries {
            let name = if several { format!("{} ({})", program.name, binary.arch) } else { file() };
            let Some(subject) = Subject::of(name, binary) else {
                let why = match binary.packed {
                    true => "it is packed by UPX",
                    false => "it has no build information of Go or of cargo-auditable",
                };
                if program.named {
                    return Err(ScanError::Silent { file: file(), why }.into());
                }
                return Ok(Scanned::Silent(why.to_owned()));
            };
            let functions = match &binary.functions {
                Functions::Known(names) => Some(names.iter().filter_map(Symbol::of)),
                Functions::Unknown(_) => None,
            };
            let findings = find(&subject, functions, &self.databases, self.now)?;
            found.push((subject, findings));
        }
        Ok(Scanned::Found(found))
    }
}

enum Scanned {
    Found(Vec<(Subject, matching::Found)>),
    Silent(String),
}

/// Says how old a database is; one that is too old ends the scan where there is a gate, and is warned of otherwise.
fn judge_age(events: &Events, state: &State, request: &Request<'_>, now: u64) -> Result<(), ScanError> {
    let place = || state.place.clone();
    let age = state.age(now);
    let shown = age.map_or_else(|| "of unknown age".to_owned(), |age| format!("{} old", days(age)));
    let by = if state.dated_by_file { " by the time of its file" } else { "" };
    events.info(format!("database {}: {} packages, {shown}{by}", state.place, state.packages));
    if request.max_age == 0 {
        return Ok(());
    }
    let fault = match age {
        None => ScanError::Ageless { place: place() },
        Some(age) if age > request.max_age * DAY => {
            ScanError::Stale { place: place(), days: age / DAY, most: request.max_age }
        }
        Some(_) => return Ok(()),
    };
    if request.rule.fail != Fail::None {
        return Err(fault);
    }
    events.warn("scan.stale", fault.to_string());
    Ok(())
}
