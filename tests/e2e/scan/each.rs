//! A release with everything that one can have, and a signature beside every file of it.

use std::collections::BTreeSet;

use super::project;
use crate::key::openssl;

#[test]
fn every_file_of_a_release_has_a_signature_that_openssl_verifies() {
    let sandbox = project();
    sandbox.write(
        "sealift.toml",
        "[project]\nname = \"app\"\n[build]\ntargets = [\"linux/amd64\"]\nmod-tidy = false\nmod-verify = false\n\
         [scan]\nfail = \"none\"\ndatabase = [\"db\"]\n\
         [attest]\nsignatures = \"each\"\nformats = [\"raw\", \"sigstore\"]\n",
    );
    sandbox.commit("feat: sign every file");
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.ok(&["key", "generate", "--type", "ecdsa-p256", "../release.key"]).quietly();
    sandbox.ok(&["release", "--key", "../release.key"]).quietly();
    let files: BTreeSet<String> = sandbox.digests("dist").into_keys().filter(|name| !name.contains('/')).collect();
    let signed: Vec<&str> = files.iter().filter_map(|name| name.strip_suffix(".sig")).collect();
    for end in ["checksums.txt", "notes.md", "_linux_amd64.tar.gz", ".cdx.json", ".spdx.json", ".vex.json"] {
        assert!(signed.iter().any(|name| name.ends_with(end)), "no signature of {end}: {files:?}");
    }
    for name in &signed {
        let (signature, file) = (format!("dist/{name}.sig"), format!("dist/{name}"));
        openssl(&sandbox, &["dgst", "-sha256", "-verify", "../release.key.pub", "-signature", &signature, &file]);
        assert!(files.contains(&format!("{name}.sigstore.json")), "{name}: {files:?}");
    }
    // Whatever has none is a signature itself, or is an envelope with its own inside.
    let bare: Vec<&String> = files.iter().filter(|name| !signed.contains(&name.as_str())).collect();
    let is_proof = |name: &str| {
        [".sig", ".sigstore.json"].iter().any(|end| name.ends_with(end))
            || ["provenance.json", "release.json"].contains(&name)
    };
    assert!(bare.iter().all(|name| is_proof(name)), "{bare:?}");
    sandbox.ok(&["verify", "--key", "../release.key.pub"]).quietly();
    let vex = signed.iter().find(|name| name.ends_with(".vex.json")).unwrap();
    std::fs::remove_file(sandbox.path(&format!("dist/{vex}.sig"))).unwrap();
    let missing = format!("{vex}.sig");
    sandbox.run(&["verify", "--key", "../release.key.pub"]).fails(8, "verify.missing-file", &[&missing]).quietly();
}
