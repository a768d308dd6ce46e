//! What is said of an image beside it: as referrers and under the tags of cosign, and everything there that fools whoever
//! looks less closely.

use std::collections::BTreeMap;
use std::io::Read;

use base64ct::{Base64, Encoding};
use sealift::error::Failure;
use sealift::oci::{Checked, Descriptor, Layout, Manifest, Sink, media};
use sealift_trust::bundle::{BUNDLE_TYPE, SignedMessage, of_envelope};
use sealift_trust::claim::{CLAIM_MEDIA_TYPE, CLAIM_SIGNATURE};
use sealift_trust::statement::{cosign_payload, document_payload};
use sealift_trust::{Digest, Envelope, PayloadType, SecretKey};
use zeroize::Zeroizing;

use crate::registry::program::in_memory;
use crate::sandbox::{Run, Sandbox};

const SPDX: &str = "https://spdx.dev/Document";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

/// A layout with an image that is nearly nothing, and the keys that speak of it.
struct Beside {
    sandbox: Sandbox,
    layout: Layout,
    image: Descriptor,
    key: SecretKey,
}

fn put(layout: &Layout, kind: &str, bytes: &[u8]) -> Descriptor {
    let blob = Descriptor::of(kind, bytes);
    let open = || -> Result<Box<dyn Read + Send + '_>, Failure> { Ok(Box::new(Checked::new(bytes, &blob))) };
    layout.put_blob(&blob, &open).unwrap();
    blob
}

impl Beside {
    fn new() -> Self {
        let sandbox = Sandbox::empty();
        let layout = Layout::create(&sandbox.path("layout")).unwrap();
        let config = br#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#;
        let config = put(&layout, media::OCI_CONFIG, config);
        let image = Manifest::new(config, Vec::new()).encode();
        let described = Descriptor::of(media::OCI_MANIFEST, &image);
        layout.put_document(&described, &image).unwrap();
        layout.name(&described, Some("app")).unwrap();
        let key = SecretKey::generate_ecdsa(&Zeroizing::new([7; 32])).unwrap();
        sandbox.write("key.pub", &key.public().to_pem());
        Self { sandbox, layout, image: described, key }
    }

    fn other() -> SecretKey {
        SecretKey::generate(&Zeroizing::new([8; 32]))
    }

    /// Lays a bundle beside the image.
    fn refer(&self, bundle: &[u8]) {
        let empty = put(&self.layout, media::EMPTY, b"{}");
        let mut manifest = Manifest::new(empty, vec![put(&self.layout, BUNDLE_TYPE, bundle)]);
        manifest.artifact_type = Some(BUNDLE_TYPE.to_owned());
        manifest.subject = Some(self.image.bare());
        let bytes = manifest.encode();
        self.layout.put_document(&Descriptor::of(media::OCI_MANIFEST, &bytes), &bytes).unwrap();
    }

    /// Lays layers under a tag of the image, as cosign did before there were referrers.
    fn tag(&self, end: &str, layers: &[(&str, Vec<u8>, Option<String>)]) {
        let layer = |(kind, bytes, signature): &(&str, Vec<u8>, Option<String>)| {
            let mut layer = put(&self.layout, kind, bytes);
            let notes: BTreeMap<String, String> =
                signature.iter().map(|text| (CLAIM_SIGNATURE.to_owned(), text.clone())).collect();
            layer.annotations = notes;
            layer
        };
        let config = put(&self.layout, media::OCI_CONFIG, b"{}");
        let bytes = Manifest::new(config, layers.iter().map(layer).collect()).encode();
        let described = Descriptor::of(media::OCI_MANIFEST, &bytes);
        self.layout.put_document(&described, &bytes).unwrap();
        self.layout.name(&described, Some(&format!("sha256-{}.{end}", self.image.digest.hex()))).unwrap();
    }

    fn statement(&self, of: Digest, predicate_type: &str, key: &SecretKey) -> Envelope {
        let payload = document_payload(of, predicate_type, b"{}").unwrap();
        Envelope::sign(PayloadType::InToto, payload, key).unwrap()
    }

    fn bundle(&self, payload: Vec<u8>, key: &SecretKey) -> Vec<u8> {
        of_envelope(&Envelope::sign(PayloadType::InToto, payload, key).unwrap(), &key.public())
    }

    fn verify(&self, more: &[&str]) -> Run {
        self.sandbox.run(&[&["verify", "oci:layout:app", "--key", "key.pub"], more].concat())
    }
}

fn claim(of: Digest, kind: &str) -> Vec<u8> {
    format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"localhost/app"}},"image":{{"docker-manifest-digest":"{of}"}},"type":"{kind}"}},"optional":null}}"#
    )
    .into_bytes()
}

const CLAIM: &str = "cosign container image signature";

fn signature(key: &SecretKey, message: &[u8]) -> Option<String> {
    Some(Base64::encode_string(key.sign(message).unwrap().as_bytes()))
}

/// A22: nothing beside the image, or nothing that counts, is a refusal.
#[test]
fn an_image_is_accepted_for_a_signature_about_it_and_for_nothing_else() {
    let beside = Beside::new();
    beside.verify(&[]).fails(8, "attached.nothing", &["sealift attest --push"]).quietly();
    let (image, other) = (beside.image.digest, Digest::of(b"another image"));
    // What does not count, one after the other: none of them ever makes the image a signed one.
    let bad: [(Vec<u8>, &str); 6] = [
        (b"{}".to_vec(), "bundle.shape"),
        (beside.bundle(cosign_payload(image), &Beside::other()), "bundle.not-signed"),
        (beside.bundle(cosign_payload(other), &beside.key), "signature.other-subject"),
        (beside.bundle(b"{}".to_vec(), &beside.key), "statement.type"),
        (
            SignedMessage { digest: image, signature: beside.key.sign(b"x").unwrap() }.to_bytes(&beside.key.public()),
            "bundle.content",
        ),
        (vec![b' '; 10], "bundle.json"),
    ];
    for (bundle, code) in &bad {
        let beside = Beside::new();
        beside.refer(bundle);
        beside.verify(&[]).fails(8, code, &["refused: oci:"]).quietly();
    }
    // A26: a statement of another type is no signature, and a signature no statement.
    beside.refer(&of_envelope(&beside.statement(image, SPDX, &beside.key), &beside.key.public()));
    beside.verify(&[]).fails(8, "attached.not-meant", &["a signature"]).quietly();
    assert_eq!(beside.verify(&["--type", "spdx"]).exit, 0);
    beside.verify(&["--type", "cyclonedx"]).fails(8, "attached.not-meant", &["cyclonedx.org"]).quietly();
    // Anybody may lay something beside an image: that takes nothing from what counts.
    bad.iter().for_each(|(bundle, _)| beside.refer(bundle));
    assert_eq!(beside.verify(&[]).exit, 8);
    beside.refer(&beside.bundle(cosign_payload(image), &beside.key));
    let run = beside.verify(&["--json"]);
    assert_eq!(run.exit, 0, "{}{}", run.stdout, run.stderr);
    let told: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let data = &told["product"];
    let counts = ["accepted", "others", "distrusted"].map(|name| data[name].as_array().unwrap().len());
    assert_eq!(counts, [1, 1, bad.len()], "{told}");
    assert_eq!(data["digest"], image.to_string());
}

/// The older form: a claim under a tag, which names the image by its digest and says what it is.
#[test]
fn a_claim_under_a_tag_is_compared_with_the_image() {
    let good = claim(Beside::new().image.digest, CLAIM);
    let other = claim(Digest::of(b"another image"), CLAIM);
    let purpose = claim(Beside::new().image.digest, "atomic container signature");
    let key = &Beside::new().key;
    let layer = |claim: &[u8], by: &SecretKey| (CLAIM_MEDIA_TYPE, claim.to_vec(), signature(by, claim));
    let stranger = Beside::other();
    let refused = [
        (vec![layer(&good, &stranger)], "claim.not-signed"),
        (vec![layer(&other, key)], "claim.other-image"),
        (vec![layer(&purpose, key)], "claim.type"),
        (vec![(CLAIM_MEDIA_TYPE, good.clone(), signature(key, &other))], "claim.not-signed"),
        (vec![(CLAIM_MEDIA_TYPE, good.clone(), None)], "attached.form"),
        (vec![("application/octet-stream", good.clone(), signature(key, &good))], "attached.form"),
        (Vec::new(), "attached.nothing"),
    ];
    for (layers, code) in refused {
        let beside = Beside::new();
        beside.tag("sig", &layers);
        beside.verify(&[]).fails(8, code, &[]).quietly();
    }
    let beside = Beside::new();
    beside.tag("sig", &[layer(&good, &stranger), layer(&good, key)]);
    let run = beside.verify(&[]);
    assert!(run.exit == 0 && run.stderr.contains("claim under a tag"), "{}", run.stderr);
    // It says that it is signed, and states nothing.
    assert_eq!(beside.verify(&["--type", "spdx"]).exit, 8);
}

#[test]
fn statements_under_a_tag_are_read_by_their_type() {
    let beside = Beside::new();
    let (image, key) = (beside.image.digest, &beside.key);
    let layer = |envelope: Envelope| (ENVELOPE, envelope.to_bytes(), None);
    beside.tag(
        "att",
        &[
            layer(beside.statement(image, SPDX, &Beside::other())),
            layer(beside.statement(Digest::of(b"another image"), SPDX, key)),
            layer(beside.statement(image, "https://slsa.dev/provenance/v1", key)),
        ],
    );
    beside.verify(&["--type", "spdx"]).fails(8, "bundle.not-signed", &["about other files"]).quietly();
    assert_eq!(beside.verify(&["--type", "slsaprovenance1"]).exit, 0);
    beside.verify(&[]).fails(8, "bundle.not-signed", &[]).quietly();
}

/// The same through a registry, by digest and by tag; the fallback tag is all that this registry has.
#[test]
fn an_image_in_a_registry_is_judged_by_its_digest() {
    let beside = Beside::new();
    let registry = in_memory();
    let image = beside.image.digest;
    let good = claim(image, CLAIM);
    let claims = format!("sha256-{}.sig", image.hex());
    beside.tag("sig", &[(CLAIM_MEDIA_TYPE, good.clone(), signature(&beside.key, &good))]);
    let repository = format!("{}/acme/app", registry.address);
    let copy = |name: &str, to: &str| {
        let from = format!("oci:layout:{name}");
        beside.sandbox.ok(&["image", "copy", "--referrers", &from, &format!("docker://{repository}:{to}")]).quietly();
    };
    copy("app", "1");
    let pinned = format!("{repository}@{image}");
    let verify =
        |place: &str, more: &[&str]| beside.sandbox.run(&[&["verify", place, "--key", "key.pub"], more].concat());
    verify(&pinned, &[]).fails(8, "attached.nothing", &[&repository]).quietly();
    copy(&claims, &claims);
    let run = verify(&pinned, &[]);
    assert_eq!((run.exit, run.stdout.trim()), (0, pinned.as_str()), "{}", run.stderr);
    beside.refer(&of_envelope(&beside.statement(image, SPDX, &beside.key), &beside.key.public()));
    copy("app", "1");
    assert_eq!(verify(&pinned, &["--type", "spdx"]).exit, 0);
    // A tag is a hint: what is accepted, and printed, is the digest.
    let run = verify(&format!("docker://{repository}:1"), &[]);
    assert_eq!((run.exit, run.stdout.trim()), (0, pinned.as_str()), "{}", run.stderr);
    // What cannot be asked is no acceptance.
    drop(registry);
    verify(&pinned, &[]).fails(7, "http.no-answer", &[]).quietly();
}

#[test]
fn an_identity_or_a_type_is_of_one_file_or_an_image() {
    let beside = Beside::new();
    let sandbox = &beside.sandbox;
    sandbox.write("root.json", "{}");
    let identity = ["--trusted-root", "root.json", "--identity", "a", "--issuer", "b"];
    let run = sandbox.run(&[&["verify", "layout"], &identity[..]].concat());
    run.fails(2, "usage.verify-identity", &[]).quietly();
    let run = sandbox.run(&["verify", "layout", "--key", "key.pub", "--type", "spdx"]);
    run.fails(2, "usage.verify-type", &[]).quietly();
    assert_eq!(sandbox.run(&["verify", "layout", "--trusted-root", "root.json"]).exit, 2);
    // A claim knows no identity.
    let good = claim(beside.image.digest, CLAIM);
    beside.tag("sig", &[(CLAIM_MEDIA_TYPE, good.clone(), signature(&beside.key, &good))]);
    let run = sandbox.run(&[&["verify", "oci:layout:app"], &identity[..]].concat());
    run.fails(8, "keyless.no-bundle", &[]).quietly();
}

/// A bundle of an identity beside an image: the same steps as for a file, and besides that it is about this image.
#[test]
#[cfg(feature = "sigstore")]
fn an_image_is_accepted_for_an_identity_with_every_step_done() {
    use crate::keyless::authority::{Authorities, IDENTITY, ISSUER, Lie, Signed};
    let authorities = Authorities::new();
    let with = |payload: &[u8], lie: Lie| {
        let beside = Beside::new();
        beside.sandbox.write("root.json", &authorities.trusted_root().to_string());
        beside.refer(authorities.bundle(Signed::Statement(payload), lie).to_string().as_bytes());
        beside
    };
    let verify = |beside: &Beside, who: [&str; 2], more: &[&str]| {
        let args =
            ["verify", "oci:layout:app", "--trusted-root", "root.json", "--identity", who[0], "--issuer", who[1]];
        beside.sandbox.run(&[&args[..], more].concat())
    };
    let (image, known) = (Beside::new().image.digest, [IDENTITY, ISSUER]);
    let beside = with(&cosign_payload(image), Lie::None);
    let run = verify(&beside, known, &[]);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    for step in ["certificate", "certificate log", "identity", "log", "time", "signature"] {
        assert!(run.stderr.contains(&format!("passed    {step}")), "{step}: {}", run.stderr);
    }
    verify(&beside, ["somebody@shop.example", ISSUER], &[]).fails(8, "keyless.identity", &[IDENTITY]).quietly();
    verify(&beside, [IDENTITY, "https://login.example"], &[]).fails(8, "keyless.issuer", &[ISSUER]).quietly();
    verify(&beside, known, &["--type", "spdx"]).fails(8, "keyless.predicate-type", &["sign/v1"]).quietly();
    // A27: of another image, everything else being as it should.
    let other = with(&cosign_payload(Digest::of(b"another image")), Lie::None);
    verify(&other, known, &[]).fails(8, "keyless.other-message", &[]).quietly();
    // A26: what is stated of an image is no signature of it.
    let spdx = with(&document_payload(image, SPDX, b"{}").unwrap(), Lie::None);
    verify(&spdx, known, &[]).fails(8, "keyless.predicate-type", &["spdx"]).quietly();
    assert_eq!(verify(&spdx, known, &["--type", "spdx"]).exit, 0);
    for (lie, code) in [
        (Lie::OtherAuthority, "keyless.certificate"),
        (Lie::NoCertificateLog, "keyless.sct"),
        (Lie::OtherKey, "keyless.signature"),
        (Lie::NoEntry, "keyless.form"),
        (Lie::NoProof, "keyless.form"),
        (Lie::NoProofOnce, "keyless.not-run"),
        (Lie::NoProofUntold, "keyless.not-run"),
        (Lie::OtherTree, "keyless.log"),
        (Lie::NoTime, "keyless.timestamp"),
    ] {
        verify(&with(&cosign_payload(image), lie), known, &[]).fails(8, code, &["refused: oci:"]).quietly();
    }
}
