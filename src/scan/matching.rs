//! Which vulnerabilities a program has: by the versions of what is linked into it, and by the functions in it.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::database::{Database, Ecosystem};
use super::error::ScanError;
use super::osv::{Advisory, Affected, Import};
use super::range::{affects, fixed_in};
use super::severity::Severity;
use super::subject::{Linked, STDLIB, Subject};
use crate::sbom::binary::Symbol;

/// Whether a vulnerable function is in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It is in the program's table of functions.
    Present,
    /// It cannot be known: the program has no such table, or its language none that could be asked.
    Unknown,
    /// The package is linked, and no vulnerable function of it.
    Absent,
}

impl Presence {
    /// For people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Present => "in this program",
            Self::Unknown => "not known",
            Self::Absent => "module only",
        }
    }
}

/// A vulnerability of a package that is linked into a program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// `GO-2024-2687`, `RUSTSEC-2020-0070`.
    pub id: String,
    /// The same in other databases.
    pub aliases: Vec<String>,
    /// One line.
    pub summary: String,
    /// A page about it.
    pub url: String,
    /// Where the package comes from.
    pub ecosystem: Ecosystem,
    /// The package: a module's path, `stdlib`, or a crate.
    pub package: String,
    /// Its version as the program has it.
    pub version: String,
    /// The earliest version that is not affected, as the ecosystem writes it.
    pub fixed: Option<String>,
    /// How severe it is, where the database says so.
    pub severity: Option<Severity>,
    /// Why it is no vulnerability by itself, in the database's word (`unmaintained`).
    pub informational: Option<String>,
    /// Whether a vulnerable function is in the program.
    pub presence: Presence,
    /// The vulnerable functions that are in the program; of a package with exported ones, those.
    pub symbols: BTreeSet<Function>,
}

/// A function of a Go package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Function {
    /// The import path, as the program has it.
    pub package: String,
    /// The function with its receiver: `Client.Do`.
    pub name: String,
}

/// What was found in one program.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of package and identifier.
    pub findings: Vec<Finding>,
    /// Records that were taken back and would have counted.
    pub withdrawn: BTreeSet<String>,
}

/// Finds the vulnerabilities of a program. Its functions are gone through once; without them (`None`) presence is not
/// known. `now` is in seconds since 1970.
pub fn find<'a>(
    subject: &Subject,
    functions: Option<impl Iterator<Item = Symbol<'a>>>,
    databases: &[Database],
    now: u64,
) -> Result<Found, ScanError> {
    let mut found = Found::default();
    let known: Vec<(usize, &Linked)> =
        subject.packages.iter().enumerate().filter(|(_, linked)| linked.version.is_some()).collect();
    let names: Vec<(Ecosystem, &str)> =
        known.iter().map(|(_, linked)| (linked.ecosystem, linked.name.as_str())).collect();
    let mut search = Search::of(subject);
    let mut seen = HashSet::new();
    for database in databases {
        for (at, advisory) in database.advisories(&names)? {
            let (place, linked) = known[at];
            let Some(candidate) = Candidate::of(subject, place, &advisory) else { continue };
            if advisory.is_withdrawn(now) {
                found.withdrawn.insert(advisory.id);
                continue;
            }
            // Two databases may have the same record.
            if seen.insert((advisory.id.clone(), place)) {
                let finding = finding(linked, &candidate.statements, &advisory);
                search.add(candidate.place, candidate.imports, finding);
            }
        }
    }
    found.findings = match functions {
        Some(functions) => search.through(functions),
        None => search.findings,
    };
    found.findings.sort_by(|one, other| (&one.package, &one.id).cmp(&(&other.package, &other.id)));
    Ok(found)
}

/// What of a record concerns one package of a program.
struct Candidate<'a> {
    place: usize,
    statements: Vec<&'a Affected>,
    /// `None` when some statement names no package: then all are affected.
    imports: Option<Vec<&'a Import>>,
}

impl<'a> Candidate<'a> {
    fn of(subject: &Subject, place: usize, advisory: &'a Advisory) -> Option<Self> {
        let linked = &subject.packages[place];
        let version = linked.version.as_ref()?;
        let about = |affected: &&Affected| {
            affected.package.name == linked.name && affected.package.ecosystem == linked.ecosystem.word()
        };
        let here = |affected: &&Affected| {
            affects(affected, version)
                && applies(subject, affected)
                && !imports_here(subject, affected).is_some_and(|imports| imports.is_empty())
        };
        let statements: Vec<&Affected> = advisory.affected.iter().filter(about).filter(here).collect();
        if statements.is_empty() {
            return None;
        }
        let imports: Option<Vec<Vec<&Import>>> =
            statements.iter().map(|affected| imports_here(subject, affected)).collect();
        Some(Self { place, statements, imports: imports.map(|imports| imports.into_iter().flatten().collect()) })
    }
}

/// The packages that a statement names and that are affected on this platform; `None` where it names none at all.
fn imports_here<'a>(subject: &Subject, affected: &'a Affected) -> Option<Vec<&'a Import>> {
    let imports = &affected.ecosystem_specific.imports;
    let fits = |list: &[String], own: &Option<String>| {
        list.is_empty() || own.as_ref().is_none_or(|own| list.iter().any(|one| one == own))
    };
    let here = imports.iter().filter(|import| fits(&import.goos, &subject.os) && fits(&import.goarch, &subject.arch));
    (!imports.is_empty()).then(|| here.collect())
}

/// Whether RustSec's conditions hold. Where the system or the processor is not known they do.
fn applies(subject: &Subject, affected: &Affected) -> bool {
    let affects = &affected.ecosystem_specific.affects;
    let os = subject.os.as_deref().map(|os| if os == "darwin" { "macos" } else { os });
    let arch = subject.arch.as_deref().map(|arch| match arch {
        "amd64" => "x86_64",
        "386" => "x86",
        "arm64" => "aarch64",
        "ppc64le" => "powerpc64",
        other => other,
    });
    let fits =
        |list: &[String], own: Option<&str>| list.is_empty() || own.is_none_or(|own| list.iter().any(|one| one == own));
    fits(&affects.os, os) && fits(&affects.arch, arch)
}

fn finding(linked: &Linked, statements: &[&Affected], advisory: &Advisory) -> Finding {
    let about = advisory.affected.iter().filter(|affected| affected.package.name == linked.name);
    let all: Vec<&Affected> = about.collect();
    // A fix that another statement of the record takes back is none.
    let version = linked.version.as_ref();
    let fixed = version.and_then(|version| fixed_in(&all, version).or_else(|| fixed_in(statements, version)));
    let fixed = fixed.map(|fixed| match (linked.ecosystem, linked.name.as_str()) {
        (Ecosystem::Go, STDLIB) => fixed.as_toolchain(),
        (Ecosystem::Go, _) if linked.written.ends_with("+incompatible") => {
            format!("{}+incompatible", fixed.as_module())
        }
        (Ecosystem::Go, _) => fixed.as_module(),
        (Ecosystem::Crates, _) => fixed.to_string(),
    });
    let page = advisory.database_specific.url.clone().filter(|url| url.starts_with("https://"));
    Finding {
        id: advisory.id.clone(),
        aliases: advisory.aliases.clone(),
        summary: advisory.summary.clone(),
        url: page.unwrap_or_else(|| format!("https://osv.dev/vulnerability/{}", advisory.id)),
        ecosystem: linked.ecosystem,
        package: linked.name.clone(),
        version: linked.written.clone(),
        fixed,
        severity: Severity::of(&advisory.severity),
        informational: advisory.informational().map(str::to_owned),
        presence: Presence::Unknown,
        symbols: BTreeSet::new(),
    }
}

/// Leaves the exported functions of each package, where it has some: the others are parts of what those do.
fn keep_exported(symbols: &mut BTreeSet<Function>) {
    let exported = |function: &Function| {
        let last = function.name.rsplit('.').next().unwrap_or(&function.name);
        last.starts_with(|c: char| c.is_uppercase())
    };
    let packages: HashSet<String> = symbols.iter().filter(|one| exported(one)).map(|one| one.package.clone()).collect();
    symbols.retain(|one| exported(one) || !packages.contains(&one.package));
}

/// The functions of a package that count; `None` for all of them.
type Wanted = Option<HashSet<String>>;

/// What is looked for among the functions.
struct Search<'a> {
    subject: &'a Subject,
    findings: Vec<Finding>,
    /// Where in the subject's packages each finding belongs.
    places: Vec<usize>,
    /// By import path: the findings, and the functions that count.
    packages: HashMap<String, Vec<(usize, Wanted)>>,
    /// By place: the findings to which every function of the module counts.
    whole: HashMap<usize, Vec<usize>>,
}

impl<'a> Search<'a> {
    fn of(subject: &'a Subject) -> Self {
        Self { subject, findings: Vec::new(), places: Vec::new(), packages: HashMap::new(), whole: HashMap::new() }
    }

    fn add(&mut self, place: usize, imports: Option<Vec<&Import>>, finding: Finding) {
        let at = self.findings.len();
        self.findings.push(finding);
        self.places.push(place);
        let linked = &self.subject.packages[place];
        match imports {
            None => self.whole.entry(place).or_default().push(at),
            Some(imports) => {
                for import in imports {
                    // The record speaks of the module that it really is, the program of the one that was replaced.
                    let rest = import.path.strip_prefix(linked.name.as_str()).filter(|_| linked.name != STDLIB);
                    let path = rest.map_or_else(|| import.path.clone(), |rest| format!("{}{rest}", linked.prefix));
                    let symbols = (!import.symbols.is_empty()).then(|| import.symbols.iter().cloned().collect());
                    self.packages.entry(path).or_default().push((at, symbols));
                }
            }
        }
    }

    /// Goes through the functions of the program.
    fn through<'b>(mut self, functions: impl Iterator<Item = Symbol<'b>>) -> Vec<Finding> {
        let linked_go = |place: &usize| self.subject.packages[*place].ecosystem == Ecosystem::Go;
        let asked: Vec<bool> = self.places.iter().map(linked_go).collect();
        let mut owners: HashMap<String, Option<usize>> = HashMap::new();
        for symbol in functions {
            let is_main = symbol.package == "main" && !self.subject.main_package.is_empty();
            let package = if is_main { self.subject.main_package.as_str() } else { &*symbol.package };
            let owner = match owners.get(package) {
                Some(owner) => *owner,
                None => {
                    let owner = self.subject.owner(package);
                    owners.insert(package.to_owned(), owner);
                    owner
                }
            };
            let Some(owner) = owner else { continue };
            let named = self.packages.get(package).into_iter().flatten();
            let named = named.filter(|(_, symbols)| symbols.as_ref().is_none_or(|all| all.contains(&*symbol.name)));
            let named = named.map(|(at, _)| *at).filter(|at| self.places[*at] == owner);
            let whole = self.whole.get(&owner).into_iter().flatten().copied();
            for at in named.chain(whole) {
                let function = Function { package: package.to_owned(), name: symbol.name.clone().into_owned() };
                self.findings[at].symbols.insert(function);
            }
        }
        for (finding, asked) in self.findings.iter_mut().zip(asked) {
            keep_exported(&mut finding.symbols);
            finding.presence = match (asked, finding.symbols.is_empty()) {
                (false, _) => Presence::Unknown,
                (true, true) => Presence::Absent,
                (true, false) => Presence::Present,
            };
        }
        self.findings
    }
}
