//! What a scan says: findings with what was decided about each, what could not be judged, and how to get rid of them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::database::State;
use super::fix::{Fix, commands, fixes};
use super::gate::{Decision, Fail, Lapse, Rule, decide, lapses};
use super::matching::{Finding, Found};
use super::subject::Subject;
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
    /// Executables about which nothing can be said.
    pub silent: Vec<Silent>,
    /// The statements that hold no longer.
    pub lapses: Vec<Lapse>,
    /// Commands that get rid of what closes the gate, or of all that is told where nothing closes it.
    pub upgrade: Vec<String>,
    /// Whether a newer Go toolchain alone gets rid of the same; nothing where there is nothing to get rid of.
    pub toolchain_alone: Option<bool>,
}

/// An executable that does not tell what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silent {
    /// Which, as a user finds it.
    pub name: String,
    /// Why.
    pub why: String,
    /// Whether it may hold what a scan looks for: it is damaged or packed. It closes a gate. A program of another
    /// language does not.
    pub closes: bool,
}

impl Silent {
    /// For people.
    pub fn describe(&self) -> String {
        format!("{} does not tell what is in it: {}", self.name, self.why)
    }
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
        (found, silent): (Vec<(Subject, Found)>, Vec<Silent>),
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
        let (fixes, toolchain_alone) = fixes(&programs);
        let upgrade = commands(&fixes);
        let mut report =
            Self { rule, at: now, databases, closed: false, programs, silent, lapses, upgrade, toolchain_alone };
        report.closed = closes || !report.lapses.is_empty() || report.hiding().next().is_some();
        report
    }

    /// The upgrades that get rid of what was found.
    pub fn fixes(&self) -> Vec<Fix> {
        fixes(&self.programs).0
    }

    /// Executables that close the gate because nobody can say what is in them.
    pub fn hiding(&self) -> impl Iterator<Item = &Silent> {
        self.silent.iter().filter(|silent| silent.closes && self.rule.fail != Fail::None)
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
