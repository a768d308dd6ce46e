//! Bundles of an identity, complete and made here, against a trusted root: accepted as they are, and refused for each step
//! that does not hold. `cargo xtask peers` shows the same bundles to cosign.

pub mod authority;
mod der;

use sealift_trust::Digest;

use crate::sandbox::{Run, Sandbox};
use authority::{Authorities, IDENTITY, ISSUER, Lie, Signed};

const MESSAGE: &[u8] = b"an artifact\n";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

fn verify(sandbox: &Sandbox, more: &[&str]) -> Run {
    let args = ["verify", "message", "--signature", "bundle", "--trusted-root", "root.json"];
    sandbox.run(&[&args[..], more].concat())
}

fn by(sandbox: &Sandbox) -> Run {
    verify(sandbox, &["--identity", IDENTITY, "--issuer", ISSUER])
}

/// A folder with the message and the trusted root.
fn laid(authorities: &Authorities) -> Sandbox {
    let sandbox = Sandbox::empty();
    std::fs::write(sandbox.path("message"), MESSAGE).unwrap();
    sandbox.write("root.json", &authorities.trusted_root().to_string());
    sandbox
}

fn statement(predicate_type: &str) -> String {
    let digest = Digest::of(MESSAGE).hex();
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"message","digest":{{"sha256":"{digest}"}}}}],"predicateType":"{predicate_type}","predicate":{{}}}}"#
    )
}

#[test]
#[cfg(feature = "sigstore")]
fn a_bundle_of_an_identity_is_accepted_with_every_step_named() {
    let authorities = Authorities::new();
    let sandbox = laid(&authorities);
    sandbox.write("bundle", &authorities.bundle(Signed::Message(MESSAGE), Lie::None).to_string());
    let run = by(&sandbox);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    for step in ["certificate", "certificate log", "identity", "log", "time", "signature"] {
        assert!(run.stderr.contains(&format!("passed    {step}")), "{step}: {}", run.stderr);
    }
    assert_eq!(run.stdout.trim(), Digest::of(MESSAGE).to_string());
    // By a key it is not: there is none.
    let (_, public) = sandbox.key();
    let run = sandbox.run(&["verify", "message", "--signature", "bundle", "--key", &public]);
    run.fails(8, "bundle.keyless", &["--trusted-root"]).quietly();
}

#[test]
#[cfg(feature = "sigstore")]
fn each_step_that_does_not_hold_refuses() {
    let authorities = Authorities::new();
    let sandbox = laid(&authorities);
    let provenance = statement(PROVENANCE);
    for (lie, code) in [
        (Lie::OtherAuthority, "keyless.certificate"),
        (Lie::OtherUse, "keyless.certificate"),
        (Lie::Expired, "keyless.certificate"),
        (Lie::OtherCertificateLog, "keyless.sct"),
        (Lie::NoCertificateLog, "keyless.sct"),
        (Lie::OtherCertificate, "keyless.sct"),
        (Lie::OtherKey, "keyless.signature"),
        (Lie::OtherTree, "keyless.log"),
        (Lie::OtherCheckpoint, "keyless.log"),
        (Lie::NoEntry, "keyless.form"),
        (Lie::NoProof, "keyless.form"),
        (Lie::NoProofOnce, "keyless.not-run"),
        (Lie::NoProofUntold, "keyless.no-bundle"),
        (Lie::NoCheckpoint, "keyless.form"),
        (Lie::OtherPromise, "keyless.log"),
        (Lie::OtherTimestamp, "keyless.timestamp"),
        (Lie::NoTime, "keyless.timestamp"),
    ] {
        sandbox.write("bundle", &authorities.bundle(Signed::Message(MESSAGE), lie).to_string());
        eprintln!("{lie:?}");
        by(&sandbox).fails(8, code, &["refused: message"]).quietly();
        sandbox.write("bundle", &authorities.bundle(Signed::Statement(provenance.as_bytes()), lie).to_string());
        let args = ["--identity", IDENTITY, "--issuer", ISSUER, "--type", PROVENANCE];
        verify(&sandbox, &args).fails(8, code, &["refused: message"]).quietly();
    }
    // A27: an entry that is in the log, and of something else.
    sandbox.write("bundle", &authorities.bundle(Signed::Message(MESSAGE), Lie::OtherEntry).to_string());
    by(&sandbox).fails(8, "keyless.other-message", &[]).quietly();
    sandbox.write("bundle", &authorities.bundle(Signed::Message(b"another"), Lie::None).to_string());
    by(&sandbox).fails(8, "keyless.other-message", &[]).quietly();
}

#[test]
#[cfg(feature = "sigstore")]
fn who_signed_and_what_for_is_compared() {
    let authorities = Authorities::new();
    let sandbox = laid(&authorities);
    sandbox.write("bundle", &authorities.bundle(Signed::Message(MESSAGE), Lie::None).to_string());
    let other = ["--identity", "somebody@shop.example", "--issuer", ISSUER];
    verify(&sandbox, &other).fails(8, "keyless.identity", &[IDENTITY]).quietly();
    let other = ["--identity", IDENTITY, "--issuer", "https://login.example"];
    verify(&sandbox, &other).fails(8, "keyless.issuer", &[ISSUER]).quietly();
    let stated = ["--identity", IDENTITY, "--issuer", ISSUER, "--type", "slsaprovenance1"];
    verify(&sandbox, &stated).fails(8, "keyless.predicate-type", &["signature"]).quietly();
    // A26: whoever states something of a file does not sign it.
    let provenance = statement(PROVENANCE);
    sandbox.write("bundle", &authorities.bundle(Signed::Statement(provenance.as_bytes()), Lie::None).to_string());
    by(&sandbox).fails(8, "keyless.predicate-type", &[PROVENANCE]).quietly();
    let run = verify(&sandbox, &stated);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    let other = ["--identity", IDENTITY, "--issuer", ISSUER, "--type", "spdx"];
    verify(&sandbox, &other).fails(8, "keyless.predicate-type", &[PROVENANCE]).quietly();
}

#[test]
#[cfg(feature = "sigstore")]
fn what_two_readers_could_read_differently_is_refused() {
    let authorities = Authorities::new();
    let sandbox = laid(&authorities);
    let good = authorities.bundle(Signed::Message(MESSAGE), Lie::None).to_string();
    sandbox.write("bundle", &good.replacen("{\"mediaType\"", "{\"mediaType\":\"x\",\"mediaType\"", 1));
    by(&sandbox).fails(8, "keyless.json", &[]).quietly();
    sandbox.write("bundle", &good);
    let root = authorities.trusted_root().to_string();
    sandbox.write("root.json", &root.replacen("\"tlogs\"", "\"tlogs\":[],\"tlogs\"", 1));
    by(&sandbox).fails(11, "keyless.trusted-root", &[]).quietly();
    sandbox.write("root.json", "{}");
    by(&sandbox).fails(8, "keyless.trusted-root", &[]).quietly();
    // Nobody is trusted: nothing is accepted.
    let nobody = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;
    sandbox.write("root.json", nobody);
    assert_eq!(by(&sandbox).exit, 8);
    // A key's signature is no identity's.
    sandbox.write("root.json", &root);
    sandbox.write("bundle", "raw");
    by(&sandbox).fails(8, "keyless.no-bundle", &[]).quietly();
}

/// A22: what cannot be checked is not run, and refuses.
#[test]
#[cfg(not(feature = "sigstore"))]
fn without_the_feature_nothing_of_an_identity_is_accepted() {
    let authorities = Authorities::new();
    let sandbox = laid(&authorities);
    let provenance = statement(PROVENANCE);
    for content in [Signed::Message(MESSAGE), Signed::Statement(provenance.as_bytes())] {
        sandbox.write("bundle", &authorities.bundle(content, Lie::None).to_string());
        by(&sandbox).fails(8, "keyless.not-built", &["not run", "--features sigstore"]).quietly();
    }
}
