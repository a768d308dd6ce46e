//! A report in SARIF 2.1.0 (OASIS), as code scanning of forges reads it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::gate::Decision;
use super::matching::Finding;
use super::report::{Judged, Report, Silent};
use crate::sanitize::sanitize_line;

/// Functions that a result names.
const NAMED: usize = 20;

/// The report as a SARIF log. Findings that do not close the gate are notes or warnings; excused ones are suppressed,
/// with the reason.
pub fn sarif(report: &Report) -> Value {
    let mut rules: BTreeMap<&str, &Finding> = BTreeMap::new();
    let mut results = Vec::new();
    for program in &report.programs {
        for judged in &program.findings {
            rules.entry(&judged.finding.id).or_insert(&judged.finding);
            results.push((judged, program.subject.name.as_str()));
        }
    }
    let places: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, id)| (*id, at)).collect();
    let results: Vec<Value> =
        results.into_iter().map(|(judged, file)| result(judged, file, places[judged.finding.id.as_str()])).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "sealift",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().map(|finding| rule(finding)).collect::<Vec<_>>(),
            } },
            "columnKind": "utf16CodeUnits",
            "invocations": [{
                "executionSuccessful": report.hiding().next().is_none(),
                "toolExecutionNotifications": report.silent.iter().map(notification).collect::<Vec<_>>(),
            }],
            "results": results,
        }],
    })
}

/// What could not be looked into (SARIF 2.1.0, §3.20.21).
fn notification(silent: &Silent) -> Value {
    json!({
        "level": if silent.closes { "error" } else { "note" },
        "message": { "text": text(&silent.describe()) },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&silent.name) } } }],
    })
}

fn rule(finding: &Finding) -> Value {
    let summary = text(if finding.summary.is_empty() { &finding.id } else { &finding.summary });
    let mut tags = BTreeSet::from(["security".to_owned()]);
    tags.extend(finding.aliases.iter().cloned());
    let mut properties = json!({ "tags": tags });
    if let Some(severity) = &finding.severity {
        properties["security-severity"] = json!(severity.score.to_string());
    }
    json!({
        "id": finding.id,
        "shortDescription": { "text": summary },
        "fullDescription": { "text": summary },
        "helpUri": finding.url,
        "help": { "text": format!("{summary}: {}", finding.url) },
        "properties": properties,
    })
}

fn result(judged: &Judged, file: &str, rule: usize) -> Value {
    let finding = &judged.finding;
    let fix = finding.fixed.as_ref().map_or_else(|| "no fix is known".to_owned(), |fixed| format!("fixed in {fixed}"));
    let functions: Vec<String> =
        finding.symbols.iter().take(NAMED).map(|one| format!("{}.{}", one.package, one.name)).collect();
    let functions = if functions.is_empty() { finding.presence.describe().to_owned() } else { functions.join(", ") };
    let message = format!("{} in {} {} ({fix}): {functions}", finding.id, finding.package, finding.version);
    let mut result = json!({
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": level(&judged.decision),
        "message": { "text": text(&message) },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(file) }, "region": { "startLine": 1 } } }],
        "partialFingerprints": { "vulnerability/v1": format!("{} {}", finding.id, finding.package) },
    });
    if let Decision::Excused { owner, reason, expires, .. } = &judged.decision {
        let justification = text(&format!("{reason} ({owner}, until {expires})"));
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": justification }]);
    }
    result
}

fn level(decision: &Decision) -> &'static str {
    match decision {
        Decision::Closes => "error",
        Decision::Told | Decision::Minor => "warning",
        Decision::Informational | Decision::NotPresent | Decision::Excused { .. } => "note",
    }
}

fn text(text: &str) -> String {
    sanitize_line(text).into_owned()
}

/// A path as a relative reference (RFC 3986 §4.2): a colon in its first part would make a scheme of it.
fn uri(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
