//! A report as an in-toto statement of the predicate type `vulns` 0.1 (in-toto/attestation, `spec/predicates/vuln.md`): what a
//! policy of others reads. The programs that were scanned are its subjects.

use std::collections::BTreeMap;

use sealift_trust::statement::{STATEMENT_TYPE, Timestamp};
use serde_json::{Value, json};

use super::report::{Judged, Report};
use crate::sanitize::sanitize_line;

/// The predicate's type.
pub const VULNS_TYPE: &str = "https://in-toto.io/attestation/vulns/v0.1";

/// Makes the statement. A vulnerability stands there once for each package, whatever was decided about it: the annotations
/// say that, and in which programs it is.
pub fn vulns(report: &Report) -> Value {
    let mut results: BTreeMap<(&str, &str, &str), (Vec<&str>, &Judged)> = BTreeMap::new();
    for program in &report.programs {
        for judged in &program.findings {
            let finding = &judged.finding;
            let key = (finding.id.as_str(), finding.package.as_str(), finding.version.as_str());
            results.entry(key).or_insert((Vec::new(), judged)).0.push(&program.subject.name);
        }
    }
    let mut subjects = BTreeMap::new();
    for program in &report.programs {
        subjects.entry(program.subject.digest.hex()).or_insert(sanitize_line(&program.subject.name).into_owned());
    }
    let subjects: Vec<Value> =
        subjects.into_iter().map(|(digest, name)| json!({ "name": name, "digest": { "sha256": digest } })).collect();
    let results: Vec<Value> = results.into_values().map(|(programs, judged)| result(judged, &programs)).collect();
    let at = moment(report.at);
    json!({
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": VULNS_TYPE,
        "predicate": {
            "scanner": {
                "uri": "urn:sealift:scan",
                "version": env!("CARGO_PKG_VERSION"),
                "db": database(report),
                "result": results,
            },
            "metadata": { "scanStartedOn": at, "scanFinishedOn": at },
        },
    })
}

/// The oldest of the databases dates them all.
fn database(report: &Report) -> Value {
    let places: Vec<&str> = report.databases.iter().map(|database| database.place.as_str()).collect();
    let oldest = report.databases.iter().filter_map(|database| database.modified).min();
    json!({ "uri": sanitize_line(&places.join(" ")), "lastUpdate": moment(oldest.unwrap_or_default()) })
}

fn result(judged: &Judged, programs: &[&str]) -> Value {
    let finding = &judged.finding;
    let severity: Vec<Value> = finding
        .severity
        .iter()
        .flat_map(|severity| {
            let score = json!({ "method": "cvss_score", "score": severity.score.to_string() });
            [score, json!({ "method": "cvss_vector", "score": severity.vector })]
        })
        .collect();
    let note = |name: &str, value: &str| json!({ name: sanitize_line(value) });
    let mut annotations = vec![
        note("package", &finding.package),
        note("version", &finding.version),
        note("function", finding.presence.describe()),
        note("decision", &judged.decision.describe()),
    ];
    annotations.extend(finding.fixed.iter().map(|fixed| note("fixed", fixed)));
    annotations.extend(finding.aliases.iter().map(|alias| note("alias", alias)));
    annotations.extend(programs.iter().map(|program| note("program", program)));
    json!({ "id": finding.id, "severity": severity, "annotations": annotations })
}

fn moment(seconds: u64) -> String {
    Timestamp::from_unix(seconds).map(|at| at.to_string()).unwrap_or_default()
}
