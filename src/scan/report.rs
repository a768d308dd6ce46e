//! What a scan says: findings with what was decided about each, what could not be judged, and how to get rid of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::database::{Ecosystem, State};
use super::gate::{Decision, Lapse, Rule, decide, lapses};
use super::matching::{Finding, Found};
use super::subject::{STDLIB, Subject};
use super::version::GoVersion;
use super::vex::Statement;

/// The answer of a scan.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The rule it was judged by.
    pub rule: Rule,
    /// Seconds since 1970 when it was made.
    pub at: u64,
    /// What it was judged by.
    pub databases: Vec<State>,
    /// Whether the gate is closed.
    pub closed: bool,
    /// The programs.
    pub programs: Vec<Program>,
    /// The statements that hold no longer.
    pub lapses: Vec<Lapse>,
    /// Commands that get rid of what closes the gate, or of all that is told where nothing closes it.
    pub upgrade: Vec<String>,
    /// Whether a newer Go toolchain alone gets rid of the same; nothing where there is nothing to get rid of.
    pub toolchain_alone: Option<bool>,
}

/// A program and what was found in it.
#[derive(Clone, Debug, Serialize)]
pub struct Program {
    /// Which.
    #[serde(flatten)]
    pub subject: Subject,
    /// Packages whose version is not known, so that nothing can be said about them.
    pub unjudged: Vec<Unjudged>,
    /// Records that were taken back and would have counted.
    pub withdrawn: BTreeSet<String>,
    /// The findings in the order of package and identifier.
    pub findings: Vec<Judged>,
}

/// A package about which nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unjudged {
    /// Which.
    pub package: String,
    /// Its version as the program has it.
    pub version: String,
}

/// A finding and what was decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// What was decided.
    #[serde(flatten)]
    pub decision: Decision,
}

impl Report {
    /// Judges what was found; `now` is in seconds since 1970.
    pub fn of(
        rule: Rule,
        databases: Vec<State>,
        found: Vec<(Subject, Found)>,
        statements: &[Statement],
        now: u64,
    ) -> Self {
        let seen: Vec<(&Subject, &[Finding])> =
            found.iter().map(|(subject, found)| (subject, found.findings.as_slice())).collect();
        let lapses = lapses(statements, &seen, now);
        let programs: Vec<Program> = found
            .into_iter()
            .map(|(subject, found)| {
                let judge = |finding: Finding| {
                    let decision = decide(rule, statements, &subject, &finding, now);
                    Judged { finding, decision }
                };
                let findings = found.findings.into_iter().map(judge).collect();
                Program { unjudged: unjudged(&subject), withdrawn: found.withdrawn, findings, subject }
            })
            .collect();
        let closes =
            programs.iter().flat_map(|program| &program.findings).any(|judged| judged.decision == Decision::Closes);
        let (upgrade, toolchain_alone) = upgrade(&programs);
        let closed = closes || !lapses.is_empty();
        Self { rule, at: now, databases, closed, programs, lapses, upgrade, toolchain_alone }
    }

    /// Findings that close the gate, each vulnerability of a package once.
    pub fn closing(&self) -> usize {
        let all = self.programs.iter().flat_map(|program| &program.findings);
        let closing = all.filter(|judged| judged.decision == Decision::Closes);
        closing.map(|judged| (&judged.finding.id, &judged.finding.package)).collect::<BTreeSet<_>>().len()
    }
}

fn unjudged(subject: &Subject) -> Vec<Unjudged> {
    let unknown = subject.packages.iter().filter(|linked| linked.version.is_none());
    unknown.map(|linked| Unjudged { package: linked.name.clone(), version: linked.written.clone() }).collect()
}

/// The highest fix of each package, as commands; and whether all of them are the toolchain's.
fn upgrade(programs: &[Program]) -> (Vec<String>, Option<bool>) {
    let all = || programs.iter().flat_map(|program| &program.findings);
    let closing = || all().filter(|judged| judged.decision == Decision::Closes);
    let told = || all().filter(|judged| judged.decision == Decision::Told);
    let wanted: Vec<&Finding> =
        if closing().next().is_some() { closing().collect::<Vec<_>>() } else { told().collect() }
            .into_iter()
            .map(|judged| &judged.finding)
            .collect();
    if wanted.is_empty() {
        return (Vec::new(), None);
    }
    let alone = wanted.iter().all(|finding| is_toolchain(finding) && finding.fixed.is_some());
    let mut fixes: BTreeMap<(Ecosystem, &str), (GoVersion, &str)> = BTreeMap::new();
    let products: BTreeSet<&str> = programs
        .iter()
        .filter_map(|program| program.subject.product.as_ref())
        .map(|product| product.name.as_str())
        .collect();
    // What a program is a build of is not among its requirements: there is nothing to get.
    for finding in wanted.iter().filter(|finding| !products.contains(finding.package.as_str())) {
        let Some(written) = finding.fixed.as_deref() else { continue };
        let version = if is_toolchain(finding) { GoVersion::toolchain(written) } else { GoVersion::module(written) };
        let Some(version) = version else { continue };
        let fix = fixes.entry((finding.ecosystem, &finding.package)).or_insert((version.clone(), written));
        if version > fix.0 {
            *fix = (version, written);
        }
    }
    let go = fixes.iter().filter(|((ecosystem, _), _)| *ecosystem == Ecosystem::Go).map(|((_, name), (_, written))| {
        if *name == STDLIB { format!("toolchain@{written}") } else { format!("{name}@{written}") }
    });
    let go: Vec<String> = go.collect();
    let go = (!go.is_empty()).then(|| format!("go get {}", go.join(" ")));
    let crates = fixes.iter().filter(|((ecosystem, _), _)| *ecosystem == Ecosystem::Crates);
    let crates = crates.map(|((_, name), (_, written))| format!("cargo update {name} --precise {written}"));
    (go.into_iter().chain(crates).collect(), Some(alone))
}

fn is_toolchain(finding: &Finding) -> bool {
    finding.ecosystem == Ecosystem::Go && finding.package == STDLIB
}
