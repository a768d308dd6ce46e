//! Decisions: which findings close the gate, which are excused and by whom, and which statements hold no longer.

use serde::Serialize;

use super::matching::{Finding, Presence};
use super::severity::Score;
use super::subject::Subject;
use super::vex::{Statement, Status};

/// What closes the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fail {
    /// Nothing.
    None,
    /// A vulnerable version of anything that is linked.
    Module,
    /// A vulnerable function in the program, or one that cannot be known not to be.
    Symbol,
}

impl Fail {
    /// The words of the configuration.
    pub const WORDS: [&'static str; 3] = ["none", "module", "symbol"];

    /// Reads one of the words.
    pub fn read(word: &str) -> Option<Self> {
        [Self::None, Self::Module, Self::Symbol].into_iter().find(|fail| fail.word() == word)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Module => "module",
            Self::Symbol => "symbol",
        }
    }
}

/// The rule of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// What closes it.
    pub fail: Fail,
    /// The least score that counts. A vulnerability without a score counts.
    pub minimum: Option<Score>,
}

/// What is decided about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// It closes the gate.
    Closes,
    /// It is told and nothing more, since nothing closes the gate.
    Told,
    /// It is no vulnerability by itself.
    Informational,
    /// Its score is below the minimum.
    Minor,
    /// No vulnerable function is in the program.
    NotPresent,
    /// Somebody answers for it.
    Excused {
        /// Who.
        owner: String,
        /// Why.
        reason: String,
        /// Until when.
        expires: String,
        /// In which document.
        file: String,
    },
}

impl Decision {
    /// Whether somebody should do something about it.
    pub fn counts(&self) -> bool {
        matches!(self, Self::Closes | Self::Told)
    }

    /// For people.
    pub fn describe(&self) -> String {
        match self {
            Self::Closes => "closes the gate".to_owned(),
            Self::Told => "told".to_owned(),
            Self::Informational => "informational".to_owned(),
            Self::Minor => "below the minimum".to_owned(),
            Self::NotPresent => "not called for".to_owned(),
            Self::Excused { owner, expires, .. } => format!("excused by {owner} until {expires}"),
        }
    }
}

/// A statement that makes the gate close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lapse {
    /// In which document.
    pub file: String,
    /// About which vulnerability.
    pub vulnerability: String,
    /// Who answers for it.
    pub owner: String,
    /// What is wrong.
    #[serde(flatten)]
    pub why: Why,
}

/// Why a statement does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "lowercase")]
pub enum Why {
    /// Its time is over.
    Expired {
        /// When it was.
        at: String,
    },
    /// There is no such vulnerability in what was scanned.
    Orphaned,
}

impl Lapse {
    /// For people.
    pub fn describe(&self) -> String {
        let Self { file, vulnerability, owner, .. } = self;
        match &self.why {
            Why::Expired { at } => format!("{vulnerability} in {file} expired on {at}: ask {owner}"),
            Why::Orphaned => format!("{vulnerability} in {file} concerns nothing that was scanned: take it out"),
        }
    }
}

/// Decides about a finding in a program; `now` is in seconds since 1970.
pub fn decide(rule: Rule, statements: &[Statement], subject: &Subject, finding: &Finding, now: u64) -> Decision {
    if finding.informational.is_some() {
        return Decision::Informational;
    }
    let holds =
        |statement: &&Statement| !statement.is_expired(now) && statement.is_about(subject.product.as_ref(), finding);
    // Whoever says that it is affected is believed before all who say that it is not.
    let affected = statements.iter().filter(holds).any(|statement| statement.status == Status::Affected);
    let excuses = |statement: &&Statement| !affected && statement.status.excuses() && holds(statement);
    if let Some(statement) = statements.iter().find(excuses) {
        return Decision::Excused {
            owner: statement.owner.clone(),
            reason: statement.reason.clone(),
            expires: statement.expires.as_ref().map(|(text, _)| text.clone()).unwrap_or_default(),
            file: statement.file.clone(),
        };
    }
    let minor = finding.severity.as_ref().zip(rule.minimum).is_some_and(|(own, least)| own.score < least);
    match rule.fail {
        Fail::None => Decision::Told,
        Fail::Symbol if finding.presence == Presence::Absent => Decision::NotPresent,
        _ if minor => Decision::Minor,
        Fail::Module | Fail::Symbol => Decision::Closes,
    }
}

/// The statements that hold no longer, or that concern nothing.
pub fn lapses(statements: &[Statement], found: &[(&Subject, &[Finding])], now: u64) -> Vec<Lapse> {
    let lapse = |statement: &Statement| {
        let concerns = found.iter().any(|(subject, findings)| {
            findings.iter().any(|finding| statement.is_about(subject.product.as_ref(), finding))
        });
        let why = match &statement.expires {
            _ if !concerns => Why::Orphaned,
            Some((at, _)) if statement.is_expired(now) => Why::Expired { at: at.clone() },
            _ => return None,
        };
        let (file, vulnerability, owner) =
            (statement.file.clone(), statement.vulnerability.clone(), statement.owner.clone());
        Some(Lapse { file, vulnerability, owner, why })
    };
    statements.iter().filter_map(lapse).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::scan::database::Ecosystem;
    use crate::scan::{Finding, Severity};

    fn subject() -> Subject {
        Subject {
            name: "app".into(),
            digest: sealift_trust::Digest::of(b"app"),
            os: None,
            arch: None,
            toolchain: None,
            product: None,
            main_package: String::new(),
            packages: Vec::new(),
        }
    }

    fn finding(presence: Presence, score: Option<Score>) -> Finding {
        let severity = score.map(|score| Severity { score, vector: String::new() });
        let (id, package, version) = ("GO-2030-0001".to_owned(), "example.com/m".to_owned(), "v1.0.0".to_owned());
        Finding {
            id,
            aliases: Vec::new(),
            summary: String::new(),
            url: String::new(),
            ecosystem: Ecosystem::Go,
            package,
            version,
            fixed: None,
            severity,
            informational: None,
            presence,
            symbols: BTreeSet::new(),
        }
    }

    fn scores() -> impl Strategy<Value = Option<Score>> {
        prop::option::of(
            (0u8..=10, 0u8..=9).prop_filter_map("a score", |(whole, tenth)| Score::read(&format!("{whole}.{tenth}"))),
        )
    }

    #[test]
    fn who_says_that_it_is_affected_is_believed() {
        let said = |status: &str| {
            let text = serde_json::json!({ "@context": "https://openvex.dev/ns/v0.2.0", "author": "a", "statements": [{
                "vulnerability": "GO-2030-0001", "products": [{ "@id": "pkg:golang/example.com/app" }], "status": status,
                "justification": "inline_mitigations_already_exist", "expires": "2999-01-01T00:00:00Z",
            }] });
            crate::scan::vex::read("vex.json", text.to_string().as_bytes()).unwrap().remove(0)
        };
        let product = crate::scan::Product {
            ecosystem: Ecosystem::Go,
            name: "example.com/app".into(),
            version: "(devel)".into(),
        };
        let subject = Subject { product: Some(product), ..subject() };
        let rule = Rule { fail: Fail::Symbol, minimum: None };
        let decided =
            |statements: &[Statement]| decide(rule, statements, &subject, &finding(Presence::Present, None), 0);
        assert!(matches!(decided(&[said("not_affected")]), Decision::Excused { .. }));
        for statements in [[said("not_affected"), said("affected")], [said("affected"), said("not_affected")]] {
            assert_eq!(decided(&statements), Decision::Closes);
        }
    }

    proptest! {
        /// The laws of the gate: a stricter word closes more, a greater minimum closes less, and what is not known to be
        /// harmless closes it.
        #[test]
        fn a_stricter_rule_closes_more(own in scores(), low in scores(), high in scores(), which in 0usize..3) {
            let presence = [Presence::Present, Presence::Unknown, Presence::Absent][which];
            let finding = finding(presence, own);
            let closes = |fail, minimum| decide(Rule { fail, minimum }, &[], &subject(), &finding, 0) == Decision::Closes;
            prop_assert!(!closes(Fail::None, low));
            prop_assert!(!closes(Fail::Symbol, low) || closes(Fail::Module, low));
            let (low, high) = if low <= high { (low, high) } else { (high, low) };
            for fail in [Fail::Module, Fail::Symbol] {
                prop_assert!(!closes(fail, high) || closes(fail, low));
            }
            if own.is_none() && presence != Presence::Absent {
                prop_assert!(closes(Fail::Symbol, high));
            }
        }
    }
}
