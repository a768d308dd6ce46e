//! What a scan found as an OpenVEX document: for those who scan the release later with other tools.

use std::collections::BTreeMap;

use sealift_trust::Digest;
use sealift_trust::statement::Timestamp;
use serde_json::{Value, json};

use super::gate::Decision;
use super::matching::{Finding, Presence};
use super::report::{Judged, Report};
use super::vex::{Statement, Status, component, named};

/// What in-toto calls a statement whose predicate is such a document (sigstore/cosign, `--type openvex`).
pub const OPENVEX_TYPE: &str = "https://openvex.dev/ns";

/// Makes the document. The same findings at the same moment are the same bytes: its name is made of what it says.
///
/// A function that is in the program makes it affected; a table of functions without it makes it not affected, since the
/// vulnerable code is not there; what a project's own statement says comes before both. `at` is in seconds since 1970.
pub fn openvex(report: &Report, statements: &[Statement], author: &str, at: u64) -> Value {
    let mut all: BTreeMap<(String, String, String), Value> = BTreeMap::new();
    for program in &report.programs {
        let Some(product) = &program.subject.product else { continue };
        let purl = named(product).to_string();
        for judged in &program.findings {
            let finding = &judged.finding;
            let part = component(finding).to_string();
            let own = statements
                .iter()
                .find(|statement| !statement.is_expired(report.at) && statement.is_about(Some(product), finding));
            let statement = statement(judged, own, &purl, &part);
            let key = (finding.id.clone(), purl.clone(), part);
            // Of several platforms the one that is affected speaks for the product.
            let weight = |value: &Value| {
                ["affected", "under_investigation"].iter().position(|word| value["status"] == **word).unwrap_or(2)
            };
            match all.get(&key) {
                Some(known) if weight(known) <= weight(&statement) => {}
                _ => drop(all.insert(key, statement)),
            }
        }
    }
    let statements: Vec<Value> = all.into_values().collect();
    let timestamp = Timestamp::from_unix(at).map(|at| at.to_string()).unwrap_or_default();
    let digest = Digest::of(format!("{timestamp} {author} {}", json!(statements)).as_bytes());
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("urn:sealift:vex:{}", digest.hex()),
        "author": author,
        "timestamp": timestamp,
        "version": 1,
        "tooling": concat!("sealift ", env!("CARGO_PKG_VERSION")),
        "statements": statements,
    })
}

fn statement(judged: &Judged, own: Option<&Statement>, product: &str, part: &str) -> Value {
    let finding = &judged.finding;
    let mut statement = json!({
        "vulnerability": { "name": finding.id, "aliases": finding.aliases },
        "products": [{ "@id": product, "identifiers": { "purl": product },
            "subcomponents": [{ "@id": part, "identifiers": { "purl": part } }] }],
    });
    if let Some(own) = own {
        statement["status"] = json!(own.status.word());
        statement["supplier"] = json!(own.owner);
        match (own.status, &own.justification) {
            (Status::NotAffected, Some(word)) => {
                statement["justification"] = json!(word);
                statement["impact_statement"] = json!(own.reason);
            }
            (Status::NotAffected, None) => statement["impact_statement"] = json!(own.reason),
            (Status::Affected, _) => statement["action_statement"] = json!(action(finding)),
            (Status::Fixed | Status::UnderInvestigation, _) if own.reason.is_empty() => {}
            (Status::Fixed | Status::UnderInvestigation, _) => statement["status_notes"] = json!(own.reason),
        }
        if let Some((expires, _)) = &own.expires {
            statement["expires"] = json!(expires);
        }
        return statement;
    }
    match finding.presence {
        _ if judged.decision == Decision::Informational => statement["status"] = json!("under_investigation"),
        Presence::Present => {
            statement["status"] = json!("affected");
            statement["action_statement"] = json!(action(finding));
        }
        Presence::Absent => {
            statement["status"] = json!("not_affected");
            statement["justification"] = json!("vulnerable_code_not_present");
        }
        Presence::Unknown => statement["status"] = json!("under_investigation"),
    }
    statement
}

fn action(finding: &Finding) -> String {
    let package = &finding.package;
    finding
        .fixed
        .as_ref()
        .map_or_else(|| format!("no fix of {package} is known"), |fixed| format!("update {package} to {fixed}"))
}
