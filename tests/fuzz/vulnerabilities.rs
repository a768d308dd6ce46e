//! Records of vulnerabilities and statements about them.

use sealift::artifact::Artifact;
use sealift::scan::osv::{Advisory, moment};
use sealift::scan::range::{affects, fixed_in};
use sealift::scan::{GoVersion, Purl, Severity, Subject, vex};

use crate::go;

pub const WORDS: &[&[u8]] = &[
    b"\"affected\":[{\"package\":{\"name\":\"",
    b"\"ecosystem\":\"Go\"",
    b"\"ecosystem\":\"crates.io\"",
    b"\"ranges\":[{\"type\":\"SEMVER\",\"events\":[",
    b"{\"introduced\":\"0\"}",
    b"{\"fixed\":\"1.2.3\"}",
    b"{\"last_affected\":\"1.2.3\"}",
    b"{\"limit\":\"1.2.3\"}",
    b"\"ecosystem_specific\":{\"imports\":[{\"path\":\"",
    b"\"symbols\":[\"",
    b"\"withdrawn\":\"",
    b"\"severity\":[{\"score\":\"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"}]",
    b"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
    b"\"@context\":\"https://openvex.dev/ns/v0.2.0\"",
    b"\"statements\":[{",
    b"\"vulnerability\":{\"name\":\"",
    b"\"products\":[{\"@id\":\"pkg:golang/",
    b"\"subcomponents\":[{\"@id\":\"pkg:cargo/",
    b"\"status\":\"not_affected\"",
    b"\"justification\":\"vulnerable_code_not_present\"",
    b"\"expires\":\"2999-01-01T00:00:00Z\"",
    b"null",
];

/// A record: every version is affected or not, and a fix is a version that is not.
pub fn osv(bytes: &[u8]) {
    let Ok(record) = Advisory::read(bytes) else { return };
    let _ = (record.is_withdrawn(1_700_000_000), record.informational(), moment(&record.modified));
    drop(Severity::of(&record.severity));
    let versions = ["v0.0.0", "v1.2.3-rc.1", "v1.2.3", "v2.0.0+incompatible", "v0.0.0-20240101000000-abcdefabcdef"];
    for version in versions.into_iter().filter_map(GoVersion::module) {
        let hit: Vec<_> = record.affected.iter().filter(|affected| affects(affected, &version)).collect();
        if let Some(fixed) = fixed_in(&hit, &version) {
            assert!(fixed > version, "{fixed} mends {version}");
            assert!(!hit.iter().any(|affected| affects(affected, &fixed)), "{fixed} is affected itself");
        }
    }
}

/// A document of statements: each that is read has an answer for a program.
pub fn vex(bytes: &[u8]) {
    let Ok(statements) = vex::read("vex.json", bytes) else { return };
    let program = go::in_an_executable(&go::build_infos()[0]);
    let binaries = sealift::sbom::binary::read(&program).expect("our own");
    let subject = Subject::of("program".to_owned(), (Artifact::of(&program).digest(), None), &binaries[0])
        .expect("it tells of itself");
    drop(vex::check_products(&statements, &[&subject]));
    for statement in &statements {
        let _ = statement.is_expired(1_700_000_000);
        assert!(!statement.status.excuses() || (!statement.owner.is_empty() && !statement.reason.is_empty()));
    }
    let text = String::from_utf8_lossy(bytes);
    // Whatever it is, it names itself.
    for purl in text.split('"').filter_map(Purl::read) {
        assert!(
            purl.names(purl.ecosystem, &purl.name, purl.version.as_deref().unwrap_or("v1.0.0")),
            "not its own name"
        );
    }
}

#[cfg(test)]
pub fn is_record(bytes: &[u8]) -> bool {
    Advisory::read(bytes).is_ok()
}

#[cfg(test)]
pub fn is_document(bytes: &[u8]) -> bool {
    vex::read("vex.json", bytes).is_ok_and(|statements| !statements.is_empty())
}

pub fn records() -> Vec<Vec<u8>> {
    [
        r#"{"schema_version":"1.3.1","id":"GO-2030-0001","modified":"2030-01-02T03:04:05Z","published":"2030-01-01T00:00:00Z","aliases":["CVE-2030-1","GHSA-a-b-c"],"summary":"One line","details":"More","affected":[{"package":{"name":"golang.org/x/net","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"},{"introduced":"1.5.0-0"},{"fixed":"1.5.2"}]}],"ecosystem_specific":{"imports":[{"path":"golang.org/x/net/http2","goos":["linux"],"goarch":["amd64"],"symbols":["Framer.ReadFrame","Server.ServeConn"]}]}}],"references":[{"type":"FIX","url":"https://go.dev/cl/1"}],"credits":[{"name":"a"}],"database_specific":{"url":"https://pkg.go.dev/vuln/GO-2030-0001","review_status":"REVIEWED"}}"#,
        r#"{"id":"RUSTSEC-2030-0001","modified":"2030-01-02T03:04:05.5+01:00","withdrawn":"2030-02-01T00:00:00Z","affected":[{"package":{"ecosystem":"crates.io","name":"a","purl":"pkg:cargo/a"},"ecosystem_specific":{"affects":{"arch":["x86_64"],"os":[],"functions":["a::b"]},"affected_functions":null},"database_specific":{"categories":["memory-corruption"],"cvss":null,"informational":"unsound"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0.0.0-0"},{"last_affected":"0.3.1"}]}],"versions":["0.4.0"]}],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]}"#,
        r#"{"id":"GO-2030-0002","aliases":null,"affected":[{"package":{"name":"stdlib","ecosystem":"Go"},"ranges":null,"versions":null,"ecosystem_specific":null}]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub fn documents() -> Vec<Vec<u8>> {
    [
        r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/vex/1","author":"Ada <ada@example.com>","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"GO-2030-0001","aliases":["CVE-2030-1"]},"products":[{"@id":"pkg:golang/example.com/m@v1.2.3","subcomponents":[{"@id":"pkg:golang/golang.org/x/net@v0.1.0"}]}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path","impact_statement":"never called","expires":"2999-01-01T00:00:00Z"}]}"#,
        r#"{"@context":"https://openvex.dev/ns","author":"","statements":[{"vulnerability":"GO-2030-0001","products":["pkg:golang/example.com/m"],"status":"fixed","supplier":"a","status_notes":"b","expires":"2030-01-01T00:00:00.5-12:30"},{"vulnerability":{"name":"x"},"products":[{"identifiers":{"purl":"pkg:cargo/a@1.0.0"}}],"status":"under_investigation"}]}"#,
        r#"{"@context":"https://openvex.dev/ns/v0.2.0","author":"a","statements":[{"vulnerability":{"name":"GO-1"},"products":[{"@id":"pkg:golang/example.com/m"}],"status":"affected","action_statement":"wait"}]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
