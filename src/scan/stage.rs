//! The stage: programs, databases and a rule become a report.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use super::database::{Database, Reach, State};
use super::error::ScanError;
use super::gate::{Fail, Rule};
use super::gather::ProgramFile;
use super::matching::{self, find};
use super::report::{Report, Silent};
use super::show::days;
use super::subject::Subject;
use super::vex::{self, Statement, VEX_CAP};
use crate::error::Failure;
use crate::event::{Event, Events};
use crate::host::regular::{self, Found};
use crate::host::{Host, clock, files, machine, map};
use crate::sbom::binary::{self, BinaryError, Functions, Symbol};

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
    /// As [`Scanner::conclude`], and a program that the user named and that cannot be read or says nothing.
    pub fn scan(&self, events: &Events, programs: &[ProgramFile]) -> Result<Report, Failure> {
        self.conclude(events, self.look(programs)?)
    }

    /// Looks into programs, several at once, and judges nothing yet.
    ///
    /// # Errors
    /// As [`Scanner::scan_as_they_come`].
    pub fn look(&self, programs: &[ProgramFile]) -> Result<Vec<Scanned>, Failure> {
        machine::parallel(programs, machine::cores(), |program| self.program(program))
    }

    /// Scans programs while they come, each as soon as it is there; gives what was found in the order of their places.
    ///
    /// # Errors
    /// A program that must say what is in it and does not; a database whose records are damaged.
    pub fn scan_as_they_come(
        &self,
        events: &Events,
        programs: &Receiver<(usize, ProgramFile)>,
    ) -> Result<Vec<Scanned>, Failure> {
        let feed = |give: &Sender<(usize, ProgramFile)>| {
            for job in programs {
                give.send(job).expect("workers wait until the sender is gone");
            }
        };
        let work = |_: &usize, program: ProgramFile| {
            let (step, began) = (format!("scan {}", program.name), Instant::now());
            events.send(Event::Started { step: step.clone() });
            let scanned = self.program(&program);
            events.send(match &scanned {
                Ok(_) => Event::Finished { step, cached: false, took: began.elapsed(), bytes: size(&program) },
                Err(_) => Event::Failed { step },
            });
            scanned
        };
        // Each takes milliseconds, and compilers want the cores.
        machine::as_they_come(machine::cores().min(2), feed, work).into_iter().collect()
    }

    /// Judges what was found.
    ///
    /// # Errors
    /// No program that says anything where there is a gate; a statement about another product.
    pub fn conclude(&self, events: &Events, scanned: Vec<Scanned>) -> Result<Report, Failure> {
        let (mut found, mut silent) = (Vec::new(), Vec::new());
        for one in scanned {
            match one {
                Scanned::Found(all) => found.extend(all),
                Scanned::Silent(one) => {
                    events.warn("scan.silent-program", one.describe());
                    silent.push(one);
                }
            }
        }
        // Prebuilt programs that say nothing are warned of, and no reason to stop where there is no gate.
        if found.is_empty() && self.rule.fail != Fail::None {
            let place = silent.into_iter().next().map(|silent| silent.name).unwrap_or_default();
            return Err(ScanError::Nothing { place }.into());
        }
        let subjects: Vec<&Subject> = found.iter().map(|(subject, _)| subject).collect();
        vex::check_products(&self.statements, &subjects)?;
        let states = self.databases.iter().map(|database| database.state().clone()).collect();
        Ok(Report::of(self.rule, states, (found, silent), &self.statements, self.now))
    }

    /// What the project says of vulnerabilities.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
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
            Err(error) => {
                // What only begins as an executable is none.
                let closes = !matches!(error, BinaryError::NotABinary);
                return Ok(Scanned::Silent(Silent { name: file(), why: error.to_string(), closes }));
            }
        };
        let several = binaries.len() > 1;
        let mut found = Vec::new();
        for binary in &binaries {
            let name = if several { format!("{} ({})", program.name, binary.arch) } else { file() };
            let released = program.released.as_deref();
            let Some(subject) = Subject::of(name, (program.digest, released), binary) else {
                let why = match binary.packed {
                    true => "it is packed by UPX",
                    false => "it has no build information of Go or of cargo-auditable",
                };
                if program.named {
                    return Err(ScanError::Silent { file: file(), why }.into());
                }
                return Ok(Scanned::Silent(Silent { name: file(), why: why.to_owned(), closes: binary.packed }));
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

/// Bytes of a program, for people.
fn size(program: &ProgramFile) -> u64 {
    match files::what(&program.path) {
        Ok(files::What::File { size, .. }) => size,
        _ => 0,
    }
}

/// What was found in a file.
#[derive(Debug)]
pub enum Scanned {
    /// What is in it, for each of its executables.
    Found(Vec<(Subject, matching::Found)>),
    /// It does not tell what is in it.
    Silent(Silent),
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
