//! The cells of the table of signatures that need cosign.

use std::path::PathBuf;
use std::process::Command;

use base64ct::{Base64, Encoding};
use sealift_trust::Digest;
use serde_json::Value;

use crate::authority::{Authorities, IDENTITY, ISSUER, Lie, Signed};
use crate::program::{Program, crane, in_memory};
use crate::sandbox::Sandbox;

/// What is changed, one thing at a time.
const MUTATIONS: [&str; 8] =
    ["signature bit", "message bit", "other key", "other type", "truncated", "empty", "doubled", "other purpose"];

/// One bit in the middle changed.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

/// Of all keys here.
const PASSPHRASE: &str = "correct horse";
const MESSAGE: &[u8] = b"0000  service_1.0.0_linux_amd64.tar.gz\n";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// No log, no authority: only the key counts. Nothing is asked of anybody.
const OFFLINE: [&str; 3] = ["--insecure-ignore-tlog", "--trusted-root", "root.json"];

struct Bench {
    sandbox: Sandbox,
    registry: Program,
}

impl Bench {
    /// Keys of both: `key` and `other` are cosign's, `key.pem` is the first one imported; `foreign` is of another kind.
    fn new() -> Self {
        let mut sandbox = Sandbox::empty();
        sandbox.env.insert("SEALIFT_KEY_PASSWORD".into(), PASSPHRASE.into());
        let bench = Self { sandbox, registry: in_memory() };
        let empty = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;
        bench.put("root.json", empty);
        bench.put("message", MESSAGE);
        bench.put("changed", flipped(MESSAGE));
        bench.put(
            "predicate.json",
            r#"{"buildDefinition":{"buildType":"x","externalParameters":{}},"runDetails":{"builder":{"id":"x"}}}"#,
        );
        for name in ["key", "other"] {
            bench.ok(&["generate-key-pair", "--output-key-prefix", name]);
        }
        bench.sandbox.ok(&["key", "import", "key.key", "key.pem"]).quietly();
        bench.sandbox.ok(&["key", "generate", "foreign"]).quietly();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn cosign(&self, args: &[&str]) -> (bool, String) {
        let mut command = Command::new("cosign");
        command.args(args).current_dir(self.sandbox.project()).env("HOME", self.sandbox.dir.path());
        command.env("COSIGN_PASSWORD", PASSPHRASE).stdin(std::process::Stdio::null());
        let output = command.output().unwrap_or_else(|error| panic!("cosign: {error}; cargo xtask tools cosign"));
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn ok(&self, args: &[&str]) {
        let (success, said) = self.cosign(args);
        assert!(success, "cosign {args:?}: {said}");
    }

    /// Whether sealift accepts; it refuses with exit 8 and in no other way.
    fn sealift(&self, args: &[&str]) -> bool {
        let run = self.sandbox.run(&[&["verify"], args].concat());
        assert!(matches!(run.exit, 0 | 8), "{args:?}: {}: {}", run.exit, run.stderr);
        run.exit == 0
    }

    /// A repository of its own with a small image; gives the image by its digest.
    fn image(&self, name: &str) -> String {
        let layer = self.path("layer.tar");
        let mut tar = Command::new("tar");
        tar.args(["-cf", "layer.tar", "message"]).current_dir(self.sandbox.project());
        assert!(tar.status().unwrap().success());
        let to = format!("{}/acme/{name}:1", self.registry.address);
        let digest = self.crane(&["append", "--oci-empty-base", "-f", layer.to_str().unwrap(), "-t", &to]);
        digest.trim().to_owned()
    }

    fn crane(&self, args: &[&str]) -> String {
        crane(args, self.sandbox.dir.path())
    }

    /// The bundles that are referrers of an image.
    fn bundles(&self, image: &str) -> Vec<Vec<u8>> {
        let (repository, digest) = image.split_once('@').unwrap();
        let listed = self.crane(&["manifest", &format!("{repository}:{}", digest.replace(':', "-"))]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let bundle = |entry: &Value| {
            let at = format!("{repository}@{}", entry["digest"].as_str().unwrap());
            let manifest: Value = serde_json::from_str(&self.crane(&["manifest", &at])).unwrap();
            let layer = format!("{repository}@{}", manifest["layers"][0]["digest"].as_str().unwrap());
            self.crane(&["blob", &layer]).into_bytes()
        };
        listed["manifests"].as_array().unwrap().iter().map(bundle).collect()
    }

    /// The same image in a repository of its own, with one bundle beside it.
    fn with_bundle(&self, image: &str, name: &str, bundle: &[u8]) -> String {
        let to = format!("{}/acme/{name}", self.registry.address);
        let digest = image.split_once('@').unwrap().1;
        self.crane(&["copy", image, &format!("{to}:1")]);
        let put = |kind: &str, bytes: &[u8]| {
            let digest = Digest::of(bytes).to_string();
            upload(&self.registry.address, &format!("acme/{name}"), bytes);
            serde_json::json!({ "mediaType": kind, "digest": digest, "size": bytes.len() })
        };
        let subject = self.crane(&["manifest", image]);
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": BUNDLE,
            "config": put("application/vnd.oci.empty.v1+json", b"{}"),
            "layers": [put(BUNDLE, bundle)],
            "subject": {
                "mediaType": serde_json::from_str::<Value>(&subject).unwrap()["mediaType"],
                "digest": digest,
                "size": subject.len(),
            },
            "annotations": { "dev.sigstore.bundle.content": "dsse-envelope" },
        })
        .to_string();
        let digest_of = Digest::of(manifest.as_bytes());
        document(&self.registry.address, &format!("acme/{name}/manifests/{digest_of}"), &manifest, "manifest");
        let index = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "artifactType": BUNDLE,
                "digest": digest_of.to_string(),
                "size": manifest.len(),
            }],
        })
        .to_string();
        let tag = digest.replace(':', "-");
        document(&self.registry.address, &format!("acme/{name}/manifests/{tag}"), &index, "index");
        format!("{to}@{digest}")
    }
}

/// One request to the registry; gives the answer's head.
fn asked(address: &str, head: &str, body: &[u8]) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n").unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{head}: {answer}");
    answer
}

/// Sends a blob as it is, whatever it should have been.
fn upload(address: &str, repository: &str, bytes: &[u8]) {
    let begun = asked(address, &format!("POST /v2/{repository}/blobs/uploads/ HTTP/1.1"), b"");
    let place = begun.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().trim().to_owned();
    let place = place.split_once("/v2/").unwrap().1.to_owned();
    let digest = Digest::of(bytes);
    asked(address, &format!("PUT /v2/{place}?digest={digest} HTTP/1.1"), bytes);
}

fn document(address: &str, path: &str, text: &str, kind: &str) {
    let head = format!("PUT /v2/{path} HTTP/1.1\r\nContent-Type: application/vnd.oci.image.{kind}.v1+json");
    asked(address, &head, text.as_bytes());
}

/// A bundle with one bit of its signature changed.
fn other_signature(bundle: &[u8]) -> Vec<u8> {
    let mut bundle: Value = serde_json::from_slice(bundle).unwrap();
    let signature = match bundle.pointer("/messageSignature/signature").is_some() {
        true => &mut bundle["messageSignature"]["signature"],
        false => &mut bundle["dsseEnvelope"]["signatures"][0]["sig"],
    };
    let bytes = Base64::decode_vec(signature.as_str().unwrap()).unwrap();
    *signature = Base64::encode_string(&flipped(&bytes)).into();
    bundle.to_string().into_bytes()
}

/// What becomes of a file that holds the signature, one change at a time, by the names of [`MUTATIONS`].
fn mutants(good: &[u8], purpose: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let is_bundle = good.starts_with(b"{");
    let signature = if is_bundle { other_signature(good) } else { flipped(good) };
    vec![
        ("signature bit", signature),
        ("truncated", good[..good.len() - 8].to_vec()),
        ("empty", Vec::new()),
        ("doubled", [good, good].concat()),
        ("other purpose", purpose.to_vec()),
    ]
}

/// Tells a cell, and what of it was accepted that should not have been.
/// What cosign itself (2.6) takes for a signature: any statement of the key about the same blob or image, whatever it says.
/// Asked for a statement it looks at the type, and so does sealift, which is asked for a signature, too.
const LENIENT: [&str; 1] = ["other purpose"];

fn tell(from: &str, to: &str, accepted: &[&'static str]) {
    let refused = MUTATIONS.len() - accepted.len();
    let more = if accepted.is_empty() { String::new() } else { format!(" (lets pass: {})", accepted.join(", ")) };
    println!("{from:<18} -> {to:<18} verifies, refuses {refused} of {}{more}", MUTATIONS.len());
}

/// Judges one file in eight ways; `judge` is told message, signature and key.
fn file_cell(bench: &Bench, purpose: &[u8], judge: &dyn Fn(&str, &str, &str) -> bool) -> Vec<&'static str> {
    assert!(judge("message", "good", "key.pub"));
    let mut accepted = Vec::new();
    for (name, bytes) in mutants(&bench.get("good"), purpose) {
        bench.put("mutant", bytes);
        accepted.extend(judge("message", "mutant", "key.pub").then_some(name));
    }
    for (name, message, key) in [
        ("message bit", "changed", "key.pub"),
        ("other key", "message", "other.pub"),
        ("other type", "message", "foreign.pub"),
    ] {
        accepted.extend(judge(message, "good", key).then_some(name));
    }
    accepted
}

const SIGN: [&str; 5] = ["--yes", "--tlog-upload=false", "--key", "key.key", "--new-bundle-format"];
/// The same in the older form.
const SIGN_OLD: [&str; 4] = ["--yes", "--tlog-upload=false", "--key", "key.key"];

fn attested(bench: &Bench, kind: &str, to: &str) {
    let predicate = ["--predicate", "predicate.json", "--type", kind, "--bundle", to, "message"];
    bench.ok(&[&["attest-blob"], &SIGN[..], &predicate].concat());
}

#[test]
fn blobs_that_cosign_signed_verify_here() {
    let bench = Bench::new();
    attested(&bench, "slsaprovenance1", "statement");
    attested(&bench, "https://example.com/other", "other-statement");
    let (statement, other) = (bench.get("statement"), bench.get("other-statement"));
    let signature =
        |file: &str, signature: &str, key: &str| bench.sealift(&[file, "--signature", signature, "--key", key]);

    bench.ok(&[&["sign-blob"], &SIGN[..], &["--bundle", "good", "message"]].concat());
    let accepted = file_cell(&bench, &statement, &signature);
    tell("cosign blob", "sealift", &accepted);
    assert_eq!(accepted, [""; 0]);

    bench.ok(&[&["sign-blob"], &SIGN_OLD[..], &["--output-signature", "good", "message"]].concat());
    let accepted = file_cell(&bench, &statement, &signature);
    tell("cosign blob .sig", "sealift", &accepted);
    assert_eq!(accepted, [""; 0]);

    bench.put("good", &statement);
    let statement = |file: &str, signature: &str, key: &str| {
        bench.sealift(&[file, "--signature", signature, "--key", key, "--type", "slsaprovenance1"])
    };
    let accepted = file_cell(&bench, &other, &statement);
    tell("cosign statement", "sealift", &accepted);
    assert_eq!(accepted, [""; 0]);
}

#[test]
fn blobs_that_sealift_signed_verify_with_cosign() {
    let bench = Bench::new();
    attested(&bench, "slsaprovenance1", "statement");
    let statement = bench.get("statement");
    for (name, key) in [("sealift p256", "key.pem"), ("sealift ed25519", "foreign")] {
        // What a release puts beside its files.
        bench.sandbox.write(
            "sealift.toml",
            "[project]\nname = \"app\"\n[attest]\nformats = [\"sigstore\"]\nsignatures = \"each\"\n",
        );
        let folder = format!("out-{key}");
        std::fs::create_dir(bench.path(&folder)).unwrap();
        std::fs::copy(bench.path("message"), bench.path(&format!("{folder}/message"))).unwrap();
        if !bench.path(".git/HEAD").exists() || bench.sandbox.git(&["log", "--oneline", "--all"]).is_empty() {
            bench.sandbox.commit("first");
        }
        bench.sandbox.ok(&["attest", &folder, "--release", "1.0.0", "--key", key]).quietly();
        bench.put("good", bench.get(&format!("{folder}/message.sigstore.json")));
        let (own, foreign) = if key == "foreign" { ("foreign.pub", "key.pub") } else { ("key.pub", "foreign.pub") };
        let judge = |file: &str, signature: &str, key: &str| {
            let key = match key {
                "key.pub" => own,
                "foreign.pub" => foreign,
                other => other,
            };
            let args = ["verify-blob", "--key", key, "--bundle", signature, "--new-bundle-format"];
            bench.cosign(&[&args[..], &OFFLINE, &[file]].concat()).0
        };
        let accepted = file_cell(&bench, &statement, &judge);
        tell(name, "cosign blob", &accepted);
        // The statement is by the P-256 key, and another key's for the other.
        let expected = if key == "key.pem" { &LENIENT[..] } else { &[] };
        assert_eq!(accepted, expected, "{name}");
    }
}

/// Judges one image in eight ways; `judge` is told the image and the key.
fn image_cell(
    bench: &Bench,
    (image, cell): (&str, &str),
    (good, purpose): (&[u8], &[u8]),
    judge: &dyn Fn(&str, &str) -> bool,
) -> Vec<&'static str> {
    let at = bench.with_bundle(image, &format!("{cell}-good"), good);
    assert!(judge(&at, "key.pub"), "{cell}");
    let mut accepted = Vec::new();
    for (name, bytes) in mutants(good, purpose) {
        let at = bench.with_bundle(image, &format!("{cell}-{}", name.replace(' ', "-")), &bytes);
        accepted.extend(judge(&at, "key.pub").then_some(name));
    }
    // The bundle of one image beside another.
    bench.put("message", flipped(MESSAGE));
    let other = bench.image(&format!("{cell}-another"));
    bench.put("message", MESSAGE);
    let other = bench.with_bundle(&other, &format!("{cell}-moved"), good);
    accepted.extend(judge(&other, "key.pub").then_some("message bit"));
    accepted.extend(judge(&at, "other.pub").then_some("other key"));
    accepted.extend(judge(&at, "foreign.pub").then_some("other type"));
    accepted
}

const INSECURE: [&str; 1] = ["--allow-insecure-registry"];

#[test]
fn images_that_cosign_signed_verify_here() {
    let bench = Bench::new();
    let image = bench.image("signed");
    bench.ok(&[&["sign"], &SIGN[..], &INSECURE, &[&image]].concat());
    let stated = bench.image("stated");
    let attest = ["--predicate", "predicate.json", "--type", "slsaprovenance1"];
    bench.ok(&[&["attest"], &SIGN[..], &INSECURE, &attest, &[&stated]].concat());
    let (signature, statement) = (bench.bundles(&image).remove(0), bench.bundles(&stated).remove(0));

    let signed = |image: &str, key: &str| bench.sealift(&[image, "--key", key]);
    let accepted = image_cell(&bench, (&image, "to-sign"), (&signature, &statement), &signed);
    tell("cosign image", "sealift", &accepted);
    assert_eq!(accepted, [""; 0]);
    let stated = |image: &str, key: &str| bench.sealift(&[image, "--key", key, "--type", "slsaprovenance1"]);
    let accepted = image_cell(&bench, (&image, "to-state"), (&statement, &signature), &stated);
    tell("cosign attestation", "sealift", &accepted);
    assert_eq!(accepted, [""; 0]);
}

/// The tags of before there were referrers.
#[test]
fn images_that_cosign_signed_in_the_older_form_verify_here() {
    let bench = Bench::new();
    let image = bench.image("old");
    bench.ok(&[&["sign"], &SIGN_OLD[..], &INSECURE, &[&image]].concat());
    let attest = ["--predicate", "predicate.json", "--type", "slsaprovenance1"];
    bench.ok(&[&["attest"], &SIGN_OLD[..], &INSECURE, &attest, &[&image]].concat());
    let mut accepted = Vec::new();
    assert!(bench.sealift(&[&image, "--key", "key.pub"]));
    assert!(bench.sealift(&[&image, "--key", "key.pub", "--type", "slsaprovenance1"]));
    let (repository, digest) = image.split_once('@').unwrap();
    let tag = digest.replace(':', "-");
    for (name, key, kind) in [
        ("other key", "other.pub", None),
        ("other type", "foreign.pub", None),
        ("other purpose", "key.pub", Some("spdx")),
    ] {
        let kind: Vec<&str> = kind.into_iter().flat_map(|kind| ["--type", kind]).collect();
        accepted.extend(bench.sealift(&[&[&image, "--key", key], &kind[..]].concat()).then_some(name));
    }
    // What lies under the tag, changed: one thing at a time, in a repository of its own.
    let manifest: Value =
        serde_json::from_str(&bench.crane(&["manifest", &format!("{repository}:{tag}.sig")])).unwrap();
    let layer = &manifest["layers"][0];
    let claim = bench.crane(&["blob", &format!("{repository}@{}", layer["digest"].as_str().unwrap())]).into_bytes();
    let note = "dev.cosignproject.cosign/signature";
    let signature = layer["annotations"][note].as_str().unwrap().to_owned();
    let bits = Base64::encode_string(&flipped(&Base64::decode_vec(&signature).unwrap()));
    let changes: [(&'static str, Vec<u8>, String); 6] = [
        ("", claim.clone(), signature.clone()),
        ("signature bit", claim.clone(), bits),
        ("message bit", flipped(&claim), signature.clone()),
        ("truncated", claim.clone(), signature[..signature.len() - 8].to_owned()),
        ("empty", claim.clone(), String::new()),
        ("doubled", claim.clone(), signature.repeat(2)),
    ];
    for (name, claim, signature) in changes {
        let place = format!("acme/old{}", name.replace(' ', "-"));
        bench.crane(&["copy", &image, &format!("{}/{place}:1", bench.registry.address)]);
        let config =
            bench.crane(&["blob", &format!("{repository}@{}", manifest["config"]["digest"].as_str().unwrap())]);
        upload(&bench.registry.address, &place, config.as_bytes());
        upload(&bench.registry.address, &place, &claim);
        let mut changed = manifest.clone();
        changed["layers"][0]["digest"] = Digest::of(&claim).to_string().into();
        changed["layers"][0]["size"] = claim.len().into();
        changed["layers"][0]["annotations"][note] = signature.into();
        document(&bench.registry.address, &format!("{place}/manifests/{tag}.sig"), &changed.to_string(), "manifest");
        let at = format!("{}/{place}@{digest}", bench.registry.address);
        let is_accepted = bench.sealift(&[&at, "--key", "key.pub"]);
        assert!(is_accepted || !name.is_empty(), "as it was, elsewhere");
        accepted.extend((is_accepted && !name.is_empty()).then_some(name));
    }
    tell("cosign image .sig", "sealift", &accepted);
    assert_eq!(accepted, [""; 0]);
}

/// A service whose image sealift pushed, signed, and described.
#[test]
fn images_that_sealift_signed_verify_with_cosign() {
    let bench = Bench::new();
    let mut service = Sandbox::service();
    service.env.insert("SEALIFT_KEY_PASSWORD".into(), PASSPHRASE.into());
    let repository = format!("{}/acme/service", bench.registry.address);
    let config = format!("[build]\ntargets = [\"linux/amd64\"]\n[image]\nrepository = \"{repository}\"\n");
    service.write("sealift.toml", &config);
    service.commit("configured");
    service.ok(&["package", "--snapshot"]).quietly();
    let image = service.ok(&["image", "--push"]).stdout.trim().to_owned();
    service.ok(&["sbom", "--snapshot"]).quietly();
    let key = bench.path("key.pem").display().to_string();
    service.ok(&["attest", "--snapshot", "--key", &key, "--push"]).quietly();
    let bundles = bench.bundles(&image);
    let of = |kind: &str| {
        let payload = |bundle: &Value| Base64::decode_vec(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        let is = |bundle: &&Vec<u8>| {
            let bundle: Value = serde_json::from_slice(bundle).unwrap();
            serde_json::from_slice::<Value>(&payload(&bundle)).unwrap()["predicateType"] == kind
        };
        bundles.iter().find(is).unwrap_or_else(|| panic!("no {kind}")).clone()
    };
    let (signature, statement) = (of("https://sigstore.dev/cosign/sign/v1"), of(PROVENANCE));
    let format = ["--new-bundle-format"];
    let signed = |image: &str, key: &str| {
        bench.cosign(&[&["verify", "--key", key], &format[..], &OFFLINE, &INSECURE, &[image]].concat()).0
    };
    assert!(signed(&image, "key.pub"), "where it was laid");
    let accepted = image_cell(&bench, (&image, "by-sign"), (&signature, &statement), &signed);
    tell("sealift", "cosign image", &accepted);
    assert_eq!(accepted, LENIENT);
    let stated = |image: &str, key: &str| {
        let args = ["verify-attestation", "--key", key, "--type", "slsaprovenance1"];
        bench.cosign(&[&args[..], &format, &OFFLINE, &INSECURE, &[image]].concat()).0
    };
    assert!(stated(&image, "key.pub"), "where it was laid");
    let accepted = image_cell(&bench, (&image, "by-state"), (&statement, &signature), &stated);
    tell("sealift", "cosign attestation", &accepted);
    assert_eq!(accepted, [""; 0]);
    // And what is in it, beside the image of its platform.
    let index: Value = serde_json::from_str(&bench.crane(&["manifest", &image])).unwrap();
    let platform = format!("{repository}@{}", index["manifests"][0]["digest"].as_str().unwrap());
    for kind in ["cyclonedx", "spdxjson"] {
        let args = ["verify-attestation", "--key", "key.pub", "--type", kind];
        let (success, said) = bench.cosign(&[&args[..], &format, &OFFLINE, &INSECURE, &[&platform]].concat());
        assert!(success, "{kind}: {said}");
        assert!(bench.sealift(&[&platform, "--key", "key.pub", "--type", kind]));
    }
}

/// The bundles of an identity that `keyless` makes are complete: cosign takes them, and refuses the same lies.
#[test]
fn cosign_judges_identities_as_sealift_does() {
    let bench = Bench::new();
    let authorities = Authorities::new();
    bench.put("authorities.json", authorities.trusted_root().to_string());
    let lies = [
        Lie::OtherAuthority,
        Lie::OtherUse,
        Lie::Expired,
        Lie::OtherCertificateLog,
        Lie::NoCertificateLog,
        Lie::OtherKey,
        Lie::OtherEntry,
        Lie::OtherTree,
        Lie::OtherCheckpoint,
        Lie::NoEntry,
        Lie::OtherTimestamp,
    ];
    let judged = |lie: Lie| {
        bench.put("bundle", authorities.bundle(Signed::Message(MESSAGE), lie).to_string());
        let who = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER];
        let what = ["verify-blob", "--bundle", "bundle", "--new-bundle-format", "--trusted-root", "authorities.json"];
        let (theirs, said) = bench.cosign(&[&what[..], &who, &["message"]].concat());
        let who = ["--identity", IDENTITY, "--issuer", ISSUER];
        let what = ["message", "--signature", "bundle", "--trusted-root", "authorities.json"];
        (theirs, bench.sealift(&[&what[..], &who].concat()), said)
    };
    let (theirs, ours, said) = judged(Lie::None);
    assert!(theirs && ours, "cosign {theirs}, sealift {ours}: {said}");
    let (mut by_cosign, mut by_sealift) = (Vec::new(), Vec::new());
    for lie in lies {
        let (theirs, ours, _) = judged(lie);
        by_cosign.extend(theirs.then_some(lie));
        by_sealift.extend(ours.then_some(lie));
    }
    for (who, accepted) in [("cosign", &by_cosign), ("sealift", &by_sealift)] {
        let (count, all) = (lies.len() - accepted.len(), lies.len());
        println!("{:<18} -> {who:<18} verifies, refuses {count} of {all} (lets pass: {accepted:?})", "an identity");
    }
    assert_eq!(by_sealift, []);
    // To cosign the time of the log is enough: a timestamp by nobody it knows is left out of account.
    assert_eq!(by_cosign, [Lie::OtherTimestamp]);
}
