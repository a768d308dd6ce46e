//! Findings as documents, on stdout and signed.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use super::built;

#[test]
fn every_form_comes_on_stdout_and_the_gate_decides_the_exit() {
    let sandbox = built();
    let scan =
        |form: &str, fail: &str| sandbox.run(&["scan", "app", "--database", "db", "--format", form, "--fail", fail]);
    for (fail, exit) in [("none", 0), ("symbol", 10)] {
        let document = |form: &str| {
            let run = scan(form, fail);
            assert_eq!(run.exit, exit, "{form}: {}", run.stderr);
            run.stdout
        };
        let json = |form: &str| {
            serde_json::from_str::<Value>(&document(form)).unwrap_or_else(|error| panic!("{form}: {error}"))
        };
        assert_eq!(json("json")["closed"], json!(exit == 10));
        assert_eq!(json("sarif")["version"], "2.1.0");
        assert_eq!(json("vex")["@context"], "https://openvex.dev/ns/v0.2.0");
        assert!(document("markdown").starts_with("### Known vulnerabilities"));
        let vulns = json("vulns");
        assert_eq!(vulns["predicateType"], "https://in-toto.io/attestation/vulns/v0.1");
        let digest = sealift_trust::Digest::of(&std::fs::read(sandbox.path("app")).unwrap()).hex();
        assert_eq!(vulns["subject"], json!([{ "name": "app", "digest": { "sha256": digest } }]));
        let scanner = &vulns["predicate"]["scanner"];
        let ids: Vec<&str> =
            scanner["result"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["GO-2030-0001", "GO-2030-0002", "GO-2030-0005", "GO-2030-0006"]);
        assert_eq!(scanner["result"][0]["severity"][0], json!({ "method": "cvss_score", "score": "5.4" }));
        for member in [&scanner["uri"], &scanner["db"]["lastUpdate"], &vulns["predicate"]["metadata"]["scanFinishedOn"]]
        {
            assert!(member.as_str().is_some_and(|text| !text.is_empty()), "{vulns}");
        }
    }
    // With nothing but events on stdout the document is one of them.
    let run = sandbox.run(&["--json", "scan", "app", "--database", "db", "--format", "sarif", "--fail", "symbol"]);
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["type"] == "document"), "{}", run.stdout);
}

#[test]
fn statements_are_signed_so_that_others_can_verify_them() {
    let sandbox = built();
    let (key, public) = sandbox.key();
    let files = ["--openvex", "app.vex.json", "--vulns", "app.vulns.json", "--sign", key.as_str()];
    sandbox.ok(&[&["scan", "app", "--database", "db"], &files[..]].concat()).quietly();
    for (name, kind) in
        [("app.vex.json", "https://openvex.dev/ns"), ("app.vulns.json", "https://in-toto.io/attestation/vulns/v0.1")]
    {
        let bundle = sandbox.json(&format!("{name}.sigstore.json"));
        assert_eq!(bundle["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
        sandbox.write("envelope.json", &bundle["dsseEnvelope"].to_string());
        let statement = crate::attest::verified_by_openssl(&sandbox, "envelope.json", &public);
        assert_eq!(statement["predicateType"], kind);
        let payload = Base64::decode_vec(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), statement);
    }
    let signed = sandbox.json("app.vex.json.sigstore.json");
    let payload = Base64::decode_vec(signed["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    let statement: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(statement["predicate"], sandbox.json("app.vex.json"));
    let run = sandbox.run(&["scan", "app", "--database", "db", "--sign", key.as_str()]);
    run.fails(2, "usage.scan-sign", &["--openvex"]).quietly();
}
