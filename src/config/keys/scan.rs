//! The keys of `[scan]`.

use super::{Shape, Table, Text, key};

/// The most days of `scan.max-age`: ten years.
pub const MAX_AGE: i64 = 3650;

/// `[scan]`.
pub(super) static SCAN: Table = Table {
    text: "What known vulnerabilities do to a release.",
    keys: &[
        key("fail", Shape::Choice(&["none", "module", "symbol"]), "\"none\"", "\"symbol\"").says(
            "What closes the gate (exit 10): nothing, a vulnerable module, or a vulnerable function in the program.",
        ),
        key("minimum-cvss", Shape::Text(Text::Score), "none", "\"7.0\"")
            .says("The least CVSS score that closes the gate; a vulnerability without a score always counts."),
        key("database", Shape::List(Text::AnyPath), "[]", "[\"https://vuln.go.dev\"]").says(
            "Databases of vulnerabilities: folders, zips, or addresses in the Go vulnerability database's layout.",
        ),
        key("max-age", Shape::Number(MAX_AGE), "14", "3")
            .says("Days that a database may be old before the gate closes; 0 allows any age."),
        key("vex", Shape::List(Text::AnyPath), "[]", "[\"vex.json\"]")
            .says("OpenVEX documents with what does not concern the project: who says so, why, and until when."),
    ],
};
