//! Documents that carry signatures: strict JSON, envelopes, statements, bundles.

use sealift_trust::bundle::{Bundle, SignedMessage, of_envelope};
use sealift_trust::dsse::{Envelope, Opened, PayloadType};
use sealift_trust::json::{self, Limits, Numbers, Value};
use sealift_trust::name::plain_file;
use sealift_trust::statement::{Artifact, ArtifactKind, Foreign, Held, Release, Service, Statement};
use sealift_trust::{Digest, PublicKey, SecretKey};
use zeroize::Zeroizing;

use crate::of_vectors;

pub const WORDS: &[&[u8]] = &[
    b"\"payload\":\"",
    b"\"payloadType\":\"",
    b"\"signatures\":[{\"sig\":\"",
    b"application/vnd.in-toto+json",
    b"https://in-toto.io/Statement/v1",
    b"urn:sealift:release:1",
    b"https://slsa.dev/provenance/v1",
    b"\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\"",
    b"\"verificationMaterial\":{",
    b"\"publicKey\":{",
    b"\"certificate\":{\"rawBytes\":\"",
    b"\"tlogEntries\":[",
    b"\"messageSignature\":{",
    b"\"messageDigest\":{\"algorithm\":\"SHA2_256\",\"digest\":\"",
    b"\"dsseEnvelope\":{",
    b"\"subject\":[{\"digest\":{\"sha256\":\"",
    b"\"predicate\":{",
    b"\\u0000",
    b"\\ud83d\\ude00",
    b"\\udc00",
    b"9007199254740991",
    b"-0",
    b"1e999",
];

/// What the signatures of the seeds are over.
const MESSAGE: &[u8] = b"sealed and shipped\n";

fn secret() -> SecretKey {
    SecretKey::generate(&Zeroizing::new([1; 32]))
}

fn limits(numbers: Numbers) -> Limits {
    Limits { bytes: 1 << 20, values: 100_000, numbers }
}

/// Strict JSON: what is accepted has one canonical form, which is accepted and means the same, to other readers too.
pub fn json(bytes: &[u8]) {
    for numbers in [Numbers::IntegersOnly, Numbers::Any] {
        let Ok(value) = json::parse(bytes, &limits(numbers)) else { continue };
        let canonical = json::canonical(&value);
        assert_eq!(json::parse(&canonical, &limits(numbers)).as_ref(), Ok(&value), "canonical form");
        if numbers == Numbers::IntegersOnly {
            assert_eq!(json::parse_canonical(&canonical, &limits(numbers)).as_ref(), Ok(&value));
            let other: serde_json::Value = serde_json::from_slice(bytes).expect("another reader takes it too");
            assert!(means(&value, &other), "another reader has another value");
        }
    }
    if let Ok(value) = json::parse_canonical(bytes, &limits(Numbers::IntegersOnly)) {
        assert_eq!(json::canonical(&value), bytes);
    }
}

fn means(value: &Value, other: &serde_json::Value) -> bool {
    match (value, other) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(one), serde_json::Value::Bool(other)) => one == other,
        (Value::Integer(one), serde_json::Value::Number(other)) => other.as_i64() == Some(*one),
        (Value::String(one), serde_json::Value::String(other)) => one == other,
        (Value::Array(one), serde_json::Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| means(one, other))
        }
        (Value::Object(one), serde_json::Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| means(one, other)))
        }
        _ => false,
    }
}

/// Documents at the edges of RFC 8259 and RFC 7493.
pub fn documents() -> Vec<Vec<u8>> {
    let mut documents: Vec<Vec<u8>> = [
        "null",
        " [ true , false , null ] ",
        "{\"a\":1,\"b\":[{}],\"c\":{\"d\":\"\\u00e9\\ud83d\\ude00\\n\"}}",
        "[9007199254740991,-9007199254740991,0]",
        "[1e3,-0.5,1E-7,123456789012345678901234567890]",
        "{\"a\":1,\"\\u0061\":2}",
        "\"\u{fdd0}\"",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    documents.push([b"[".repeat(64), b"]".repeat(64)].concat());
    documents.extend(statements().into_iter().filter(|statement| statement.len() < 8 << 10));
    documents
}

/// Envelopes: one form each, and none opens that nobody signed.
pub fn envelope(bytes: &[u8]) {
    let Ok(envelope) = Envelope::parse(bytes) else { return };
    assert_eq!(envelope.to_bytes(), bytes, "an envelope has one form");
    let stranger = SecretKey::generate(&Zeroizing::new([2; 32])).public();
    assert!(envelope.clone().verify(&[stranger]).is_err(), "nobody has signed with that key");
    if let Ok(opened) = envelope.verify(&[secret().public()]) {
        // What was signed is in the seeds, and nothing else was.
        assert!(payloads().iter().any(|payload| payload == opened.payload()), "a payload that nobody signed");
        drop(Statement::parse(&opened));
    }
}

fn payloads() -> Vec<Vec<u8>> {
    [vec![b"{}".to_vec(), Vec::new()], statements()].concat()
}

fn sealed(payload: &[u8]) -> Envelope {
    Envelope::sign(PayloadType::InToto, payload.to_vec(), &secret()).expect("short")
}

pub fn envelopes() -> Vec<Vec<u8>> {
    let short = payloads().into_iter().filter(|payload| payload.len() < 8 << 10);
    let mut envelopes: Vec<Vec<u8>> = short.map(|payload| sealed(&payload).to_bytes()).collect();
    let text = String::from_utf8(envelopes[0].clone()).expect("JSON");
    envelopes.push(text.replace("{\"sig\"", "{\"keyid\":\"a\",\"sig\"").into_bytes());
    envelopes
}

#[cfg(test)]
pub fn opens(bytes: &[u8]) -> bool {
    Envelope::parse(bytes).and_then(|envelope| envelope.verify(&[secret().public()])).is_ok()
}

/// Statements, our own and those of others. The bytes are signed here, so that they are read as after a signature.
pub fn statement(payload: &[u8]) {
    if let Ok(statement) = Statement::parse(&opened(payload)) {
        assert_eq!(statement.to_payload().expect("it was read"), payload, "a statement has one form");
    }
    let bundle = of_envelope(&sealed(payload), &secret().public());
    let envelope = Bundle::parse(&bundle).and_then(Bundle::into_envelope).expect("our own bundle");
    let opened = envelope.verify(&[secret().public()]).expect("signed");
    if let Ok(foreign) = Foreign::parse(&opened) {
        assert!(!foreign.predicate_type().is_empty() && !foreign.is_about(Digest::of(b"never named")));
    }
}

fn opened(payload: &[u8]) -> Opened {
    sealed(payload).verify(&[secret().public()]).expect("signed")
}

#[cfg(test)]
pub fn is_statement(payload: &[u8]) -> bool {
    Statement::parse(&opened(payload)).is_ok()
}

/// Releases of two sizes, a statement of cosign, and one of nobody.
pub fn statements() -> Vec<Vec<u8>> {
    let own = |release| Statement::release(release).and_then(|statement| statement.to_payload()).expect("a release");
    vec![
        own(release(&[])),
        own(release(&["linux/amd64", "windows/arm64"])),
        sealift_trust::statement::cosign_payload(Digest::of(MESSAGE)),
        br#"{"_type":"https://in-toto.io/Statement/v0.1","predicate":{"buildType":"x"},"predicateType":"https://slsa.dev/provenance/v0.2","subject":[{"digest":{"sha1":"00"},"name":"a"}]}"#.to_vec(),
    ]
}

fn release(targets: &[&str]) -> Release {
    let name = |text: &str| plain_file(text).expect("a name");
    let artifact = |text: &str, kind, target: Option<&str>, bytes: &str| Artifact {
        name: text.parse().expect("a name"),
        kind,
        service: target.map(|_| name("api")),
        target: target.map(|target| target.parse().expect("a target")),
        digest: Digest::of(bytes.as_bytes()),
        size: bytes.len() as u64,
        media_type: "application/octet-stream".parse().expect("a media type"),
        holds: Vec::new(),
    };
    let mut artifacts = vec![artifact("notes.md", ArtifactKind::Notes, None, "notes")];
    for target in targets {
        let stem = format!("api_1.2.3_{}", target.replace('/', "_"));
        let held = Held { path: "api".parse().expect("a path"), digest: Digest::of(target.as_bytes()) };
        let archive = artifact(&format!("{stem}.tar.gz"), ArtifactKind::Archive, None, &stem);
        artifacts.push(Artifact { holds: vec![held], ..archive });
        artifacts.push(artifact(&format!("binary:api/{target}"), ArtifactKind::Binary, Some(target), target));
    }
    let commit = || "a".repeat(40).parse().expect("a commit");
    Release {
        product: name("shop"),
        version: "1.2.3-rc.1+build.5".parse().expect("a version"),
        channel: Some(name("rc")),
        snapshot: false,
        commit: commit(),
        source: Some("https://example.com/shop.git".parse().expect("a URL")),
        created: "2026-01-31T12:00:00Z".parse().expect("a moment"),
        services: vec![Service {
            name: name("api"),
            version: "1.2.3".parse().expect("a version"),
            commit: commit(),
            modified: None,
        }],
        artifacts,
        companions: vec![name("checksums.txt")],
    }
}

/// Bundles of sigstore, and what lies in their envelopes.
pub fn bundle(bytes: &[u8]) {
    let _ = Bundle::is_meant(bytes);
    let Ok(bundle) = Bundle::parse(bytes) else { return };
    let keys = [secret().public()];
    if let Ok(signed) = bundle.message() {
        let written = signed.to_bytes(&keys[0]);
        let again = Bundle::parse(&written).expect("our own");
        assert_eq!(again.message().expect("a message"), signed, "written and read it is another");
        drop(signed.verify(MESSAGE, &keys));
        assert!(signed.verify(b"another", &keys).is_err(), "nobody has signed that");
    }
    if let Ok(envelope) = bundle.into_envelope()
        && let Ok(opened) = envelope.verify(&keys)
    {
        drop(Foreign::parse(&opened));
    }
}

pub fn bundles() -> Vec<Vec<u8>> {
    let key: PublicKey = secret().public();
    let signature = secret().sign(MESSAGE).expect("signed");
    let message = SignedMessage { digest: Digest::of(MESSAGE), signature }.to_bytes(&key);
    let envelopes = statements().into_iter().filter(|payload| payload.len() < 8 << 10);
    let envelopes = envelopes.map(|payload| of_envelope(&sealed(&payload), &key));
    [vec![message], envelopes.collect(), of_vectors("bundle", "bundle")].concat()
}
