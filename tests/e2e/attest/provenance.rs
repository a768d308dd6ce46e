//! What a provenance says, read by others: it is signed, claims nothing that was not so, and is enough to build again.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::words;
use crate::image::base::alpine_layout;
use crate::modules::{MAIN, Proxy, TARGET};
use crate::sandbox::Sandbox;

/// The statement in an envelope, as anybody reads it, and what its signature is over: the DSSE protocol by hand.
fn opened(sandbox: &Sandbox, name: &str) -> (Value, Vec<u8>, Vec<u8>) {
    let envelope = sandbox.json(name);
    let bytes = |value: &Value| Base64::decode_vec(value.as_str().unwrap()).unwrap();
    let (payload, signature) = (bytes(&envelope["payload"]), bytes(&envelope["signatures"][0]["sig"]));
    assert_eq!((envelope.as_object().unwrap().len(), envelope["signatures"].as_array().unwrap().len()), (3, 1));
    let kind = envelope["payloadType"].as_str().unwrap();
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    (serde_json::from_slice(&payload).unwrap(), [head.as_bytes(), &payload].concat(), signature)
}

fn statement(sandbox: &Sandbox) -> Value {
    opened(sandbox, "dist/provenance.json").0
}

/// The statement in an envelope whose signature openssl has verified, and would not if it were over something else.
pub fn verified_by_openssl(sandbox: &Sandbox, name: &str, public: &str) -> Value {
    let (statement, message, signature) = opened(sandbox, name);
    let verified = |message: &[u8]| {
        let (text, signed) = (sandbox.dir.path().join("message"), sandbox.dir.path().join("signature"));
        std::fs::write(&text, message).unwrap();
        std::fs::write(&signed, &signature).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-sigfile"]);
        openssl.arg(signed).arg("-in").arg(text).output().unwrap().status.success()
    };
    assert!(verified(&message) && !verified(&message[1..]), "{name}");
    statement
}

/// The dependency of that name.
fn dependency<'a>(statement: &'a Value, name: &str) -> &'a Value {
    let all = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    all.iter().find(|found| found["name"] == name).unwrap_or_else(|| panic!("{name} is not in {all:#?}"))
}

#[test]
fn openssl_verifies_what_it_is_signed_over() {
    let sandbox = Sandbox::service();
    let (key, public) = sandbox.key();
    sandbox.ok(&words("release", &["--key", &key])).quietly();
    let run = sandbox.ok(&["verify", "--key", &public]);
    assert!(run.stderr.contains("passed    provenance"), "{}", run.stderr);
    verified_by_openssl(&sandbox, "dist/release.json", &public);
    // The subjects are what lies there, by the digests that anybody measures.
    let statement = verified_by_openssl(&sandbox, "dist/provenance.json", &public);
    let files = sandbox.digests("dist");
    let subjects = statement["subject"].as_array().unwrap();
    let digest_of = |name: &str| {
        let subject = subjects.iter().find(|subject| subject["name"] == name).unwrap();
        subject["digest"]["sha256"].as_str().unwrap().to_owned()
    };
    for (name, digest) in files.iter().filter(|(name, _)| name.ends_with(".tar.gz") || *name == "release.json") {
        assert_eq!(digest_of(name), *digest, "{name}");
    }
}

#[test]
fn a_local_run_claims_nothing_and_says_the_same_again() {
    let sandbox = Sandbox::service().env("CI", "true").env("GITHUB_REPOSITORY", "acme/shop");
    let (key, _) = sandbox.key();
    sandbox.ok(&words("release", &["--key", &key])).quietly();
    let first = sandbox.digests("dist");
    let statement = statement(&sandbox);
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let run = &statement["predicate"]["runDetails"];
    assert_eq!((&run["builder"]["id"], run.get("metadata")), (&"urn:sealift:builder:local".into(), None));
    let text = statement.to_string();
    let project = sandbox.project().display().to_string();
    assert!(!text.contains(&project) && !text.contains("acme") && !text.contains("environment"), "{text}");
    sandbox.ok(&words("release", &["--key", &key])).quietly();
    assert_eq!(sandbox.digests("dist"), first);
}

#[test]
fn a_job_is_told_of_when_it_is_of_the_same_commit() {
    let mut sandbox = Sandbox::service();
    let commit = sandbox.git(&["rev-parse", "HEAD"]);
    for (name, value) in [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", commit.as_str()),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_TOKEN", "ghs_very_secret"),
    ] {
        sandbox.env.insert(name.into(), value.into());
    }
    let (key, public) = sandbox.key();
    sandbox.ok(&words("release", &["--key", &key])).quietly();
    let hosted = statement(&sandbox);
    let run = &hosted["predicate"]["runDetails"];
    assert_eq!(run["builder"]["id"], "urn:sealift:builder:github-actions");
    assert_eq!(run["metadata"]["invocationId"], "https://github.com/acme/shop/actions/runs/4711/attempts/1");
    assert!(run["metadata"]["finishedOn"].as_str().unwrap().ends_with('Z'), "{run}");
    assert!(!hosted.to_string().contains("secret"), "{hosted}");
    sandbox.ok(&["verify", "--key", &public]).quietly();
    // The job decides nothing of the manifest: only the provenance may carry time or machine.
    let manifest = sandbox.digests("dist")["release.json"].clone();

    sandbox.env.insert("GITHUB_SHA".into(), "1".repeat(40));
    let run = sandbox.ok(&words("release", &["--key", &key]));
    assert!(run.stderr.contains("attest.other-job") && run.stderr.contains("GITHUB_SHA"), "{}", run.stderr);
    let local = statement(&sandbox);
    assert_eq!(local["predicate"]["runDetails"]["builder"]["id"], "urn:sealift:builder:local");
    assert!(!local.to_string().contains("github.com"), "{local}");
    assert_eq!(sandbox.digests("dist")["release.json"], manifest);
    sandbox.ok(&["verify", "--key", &public]).quietly();
}

/// Nothing but the provenance, the repository and a module proxy: the same binary.
#[test]
fn it_is_enough_to_build_again() {
    let proxy = Proxy::new();
    proxy.module("example.com/dep", "v1.0.0", &[("dep.go", "package dep\n\nconst Text = \"served\"\n")]);
    let config = format!("{TARGET}ldflags = [\"-X=main.unused=1\"]\ntags = [\"netgo\"]\n");
    let sandbox = Sandbox::with(&[("cmd/app/main.go", MAIN), ("sealift.toml", &config)]).with_proxy(&proxy);
    sandbox.go(&["mod", "edit", "-require=example.com/dep@v1.0.0"]);
    sandbox.go(&["mod", "tidy"]);
    sandbox.commit("a dependency");
    sandbox.git(&["tag", "v1.0.0"]);
    let (key, _) = sandbox.key();
    sandbox.ok(&["release", "--key", &key]).quietly();
    let statement = statement(&sandbox);
    let definition = &statement["predicate"]["buildDefinition"];

    // The module by the hash that go.sum has, in hexadecimal digits.
    let sum = sandbox.read("go.sum");
    let sum = sum.lines().find_map(|line| line.strip_prefix("example.com/dep v1.0.0 h1:")).unwrap();
    let hex: String = Base64::decode_vec(sum).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let dep = dependency(&statement, "example.com/dep");
    assert_eq!((&dep["uri"], &dep["digest"]["dirHash"]), (&"pkg:golang/example.com/dep@v1.0.0".into(), &hex.into()));
    assert_eq!(definition["externalParameters"]["tag"], "v1.0.0");
    let told = format!("sha256:{}", sealift_trust::Digest::of(config.as_bytes()).hex());
    assert_eq!(definition["externalParameters"]["configuration"], told);

    let again = sandbox.dir.path().join("again");
    let commit = dependency(&statement, "source")["digest"]["gitCommit"].as_str().unwrap();
    sandbox.git(&["clone", "-q", "--no-checkout", ".", again.to_str().unwrap()]);
    sandbox.git(&["-C", again.to_str().unwrap(), "checkout", "-q", commit]);
    let step = &definition["internalParameters"]["builds"][0];
    let output = sandbox.dir.path().join("binary");
    build(&sandbox, &again, &step["from"]["go"], &output);
    let built = sealift_trust::Digest::of(&std::fs::read(&output).unwrap()).hex();
    let name = format!("binary:{}/{}", step["service"].as_str().unwrap(), step["target"].as_str().unwrap());
    let subjects = statement["subject"].as_array().unwrap();
    let subject = subjects.iter().find(|subject| subject["name"] == name.as_str()).unwrap();
    assert_eq!(subject["digest"]["sha256"], built);
}

/// Runs the go command as a step says, and with nothing else that decides its result.
fn build(sandbox: &Sandbox, tree: &Path, step: &Value, output: &Path) {
    let variables: BTreeMap<String, String> = serde_json::from_value(step["variables"].clone()).unwrap();
    let arguments = step["arguments"].as_array().unwrap().iter().map(|argument| match argument.as_str().unwrap() {
        "{output}" => output.display().to_string(),
        other => other.to_owned(),
    });
    let needed = ["PATH", "HOME", "GOPROXY", "GOSUMDB", "GOCACHE", "GOMODCACHE"];
    let surroundings = sandbox.env.iter().filter(|(name, _)| needed.contains(&name.as_str()));
    let mut go = Command::new("go");
    go.args(arguments).current_dir(tree.join(step["folder"].as_str().unwrap()));
    let done = go.env_clear().envs(surroundings).envs(variables).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_base_is_named_by_its_digests() {
    let sandbox = Sandbox::service();
    let config = "[image]\nbase = \"oci:bases/alpine:3.22\"\n[build]\ntargets = [\"linux/amd64\"]\n";
    sandbox.write("sealift.toml", config);
    sandbox.write(".gitignore", "bases\ndist\n");
    alpine_layout(&sandbox.path("bases/alpine"), "3.22.1");
    sandbox.ok(crate::image::UPDATE).quietly();
    sandbox.commit("a base");
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--snapshot", "--key", &key]).quietly();
    sandbox.ok(&["verify", "--key", &public]).quietly();
    let (statement, lock) = (statement(&sandbox), sandbox.read("sealift.lock"));
    let all = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    let bases: Vec<&Value> = all.iter().filter(|found| found["name"] == "oci:bases/alpine:3.22").collect();
    assert_eq!(bases.len(), 2, "the reference and one platform: {bases:#?}");
    for base in bases {
        let digest = base["digest"]["sha256"].as_str().unwrap();
        assert!(lock.contains(&format!("sha256:{digest}")), "{digest} is not in {lock}");
    }
}
