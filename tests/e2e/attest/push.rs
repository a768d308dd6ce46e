//! What is said of images, beside them on a registry: read by crane and openssl.

use base64ct::{Base64, Encoding};
use serde_json::Value;

use crate::registry::program::{Program, crane, in_memory};
use crate::sandbox::Sandbox;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A service whose image was pushed, and the image by its digest.
fn pushed(registry: &Program) -> (Sandbox, String) {
    let sandbox = Sandbox::service();
    let config = format!(
        "[build]\ntargets = [\"linux/amd64\"]\n[image]\nrepository = \"{}/acme/{{service}}\"\n",
        registry.address
    );
    sandbox.write("sealift.toml", &config);
    sandbox.commit("configured");
    sandbox.ok(&["package", "--snapshot"]).quietly();
    let run = sandbox.ok(&["image", "--push"]);
    let reference = run.stdout.trim().to_owned();
    (sandbox, reference)
}

#[test]
fn signature_and_provenance_lie_beside_the_image() {
    let registry = in_memory();
    let (sandbox, reference) = pushed(&registry);
    let (key, public) = sandbox.key();
    let attest = ["attest", "--snapshot", "--key", &key, "--push"];
    sandbox.ok(&attest).quietly();
    sandbox.ok(&["verify", "--key", &public]).quietly();
    let crane = |args: &[&str]| crane(args, sandbox.dir.path());
    let (repository, digest) = reference.split_once('@').unwrap();
    let tag = format!("{repository}:{}", digest.replace(':', "-"));
    let listed: Value = serde_json::from_str(&crane(&["manifest", &tag])).unwrap();
    let listed = listed["manifests"].as_array().unwrap().clone();
    let mut kinds: Vec<&str> = listed
        .iter()
        .map(|entry| entry["annotations"]["dev.sigstore.bundle.predicateType"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1"]);
    for entry in &listed {
        assert_eq!(entry["artifactType"], BUNDLE);
        let at = format!("{repository}@{}", entry["digest"].as_str().unwrap());
        let manifest: Value = serde_json::from_str(&crane(&["manifest", &at])).unwrap();
        assert_eq!((&manifest["artifactType"], &manifest["subject"]["digest"]), (&BUNDLE.into(), &digest.into()));
        let layer = format!("{repository}@{}", manifest["layers"][0]["digest"].as_str().unwrap());
        let bundle: Value = serde_json::from_str(&crane(&["blob", &layer])).unwrap();
        assert_eq!(bundle["mediaType"], BUNDLE);
        sandbox.write("bundle-envelope.json", &bundle["dsseEnvelope"].to_string());
        let statement = super::provenance::verified_by_openssl(&sandbox, "bundle-envelope.json", &public);
        let subjects = statement["subject"].as_array().unwrap();
        let hex = digest.strip_prefix("sha256:").unwrap();
        assert!(subjects.iter().any(|subject| subject["digest"]["sha256"] == hex), "{statement}");
    }
    std::fs::remove_file(sandbox.path("bundle-envelope.json")).unwrap();
    // Once more, nothing is added.
    sandbox.ok(&attest).quietly();
    let again: Value = serde_json::from_str(&crane(&["manifest", &tag])).unwrap();
    assert_eq!(again["manifests"].as_array().unwrap(), &listed);
    // The judge finds both, and the SBOMs beside the image of the platform.
    sandbox.ok(&["verify", &reference, "--key", &public]).quietly();
    sandbox.ok(&["verify", &reference, "--key", &public, "--type", "slsaprovenance1"]).quietly();
    sandbox.ok(&["sbom", "--snapshot"]).quietly();
    sandbox.ok(&attest).quietly();
    let index: Value = serde_json::from_str(&crane(&["manifest", &reference])).unwrap();
    let platform = format!("{repository}@{}", index["manifests"][0]["digest"].as_str().unwrap());
    for kind in ["cyclonedx", "spdx"] {
        sandbox.ok(&["verify", &platform, "--key", &public, "--type", kind]).quietly();
        sandbox
            .run(&["verify", &reference, "--key", &public, "--type", kind])
            .fails(8, "attached.not-meant", &[])
            .quietly();
    }
    // The provenance there is the one that lies in dist/.
    let own = sandbox.json("dist/provenance.json");
    let provenance = Base64::decode_vec(own["payload"].as_str().unwrap()).unwrap();
    let provenance: Value = serde_json::from_slice(&provenance).unwrap();
    assert_eq!(provenance["predicateType"], kinds[1]);
}

#[test]
fn what_is_not_there_or_not_signed_is_not_spoken_of() {
    let registry = in_memory();
    let (sandbox, _) = pushed(&registry);
    sandbox.run(&["attest", "--snapshot", "--push"]).fails(2, "attest.push-unsigned", &["without a key"]).quietly();
    // Made again and not pushed.
    sandbox.write("main.go", &(sandbox.read("main.go") + "\nfunc init() { println(1) }\n"));
    sandbox.ok(&["package", "--snapshot"]).quietly();
    sandbox.ok(&["image"]).quietly();
    let (key, _) = sandbox.key();
    let run = sandbox.run(&["attest", "--snapshot", "--key", &key, "--push"]);
    run.fails(7, "registry.not-found", &["sealift image --push"]).quietly();
}
