//! Keys that another process holds: it is given one statement and a purpose, and its answer is not believed.

use crate::key::openssl;
use crate::sandbox::Sandbox;

const HONEST: &str = "tail -n +2 | openssl dgst -sha256 -sign ../signer.pem";

/// A folder with files that something else built, and a key that only a program has.
fn with(script: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("app.bin", "built elsewhere");
    sandbox.write("project.txt", "");
    sandbox.write("sealift.toml", &format!(
        "[project]\nname = \"app\"\n[attest]\nkey = \"signer.pub\"\nsigner = [\"sh\", \"-c\", '''{script}''']\n{more}"
    ));
    openssl(&sandbox, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "../signer.pem"]);
    openssl(&sandbox, &["pkey", "-in", "../signer.pem", "-pubout", "-out", "signer.pub"]);
    sandbox.commit("first");
    std::fs::create_dir(sandbox.path("out")).unwrap();
    std::fs::rename(sandbox.path("app.bin"), sandbox.path("out/app.bin")).unwrap();
    sandbox
}

const ATTEST: [&str; 4] = ["attest", "out", "--release", "1.0.0"];

#[test]
fn a_process_signs_and_openssl_verifies_word_for_word() {
    let log = "tee -a ../asked.log | tail -n +2 | openssl dgst -sha256 -sign ../signer.pem";
    let sandbox = with(log, "signatures = \"each\"\nformats = [\"raw\", \"ssh\"]\n");
    let sandbox = sandbox.env("SEALIFT_KEY_PASSWORD", "canary-passphrase");
    sandbox.ok(&ATTEST).quietly();
    sandbox.ok(&["verify", "out", "--key", "signer.pub"]).quietly();
    for name in ["app.bin", "checksums.txt"] {
        let (signature, file) = (format!("out/{name}.sig"), format!("out/{name}"));
        openssl(&sandbox, &["dgst", "-sha256", "-verify", "signer.pub", "-signature", &signature, &file]);
    }
    let asked = String::from_utf8_lossy(&std::fs::read(sandbox.dir.path().join("asked.log")).unwrap()).into_owned();
    for purpose in ["checksums", "artifact", "statement"] {
        assert!(asked.contains(&format!("sealift-sign 1 {purpose} ecdsa-p256-sha256 ")), "{purpose}: {asked}");
    }
    assert!(!asked.contains("canary"), "{asked}");
}

#[test]
fn a_passphrase_does_not_reach_a_signer() {
    let sandbox = with(&format!("env > ../environment.log; {HONEST}"), "");
    let sandbox = sandbox.env("SEALIFT_KEY_PASSWORD", "canary-passphrase").env("AWS_PROFILE", "release");
    sandbox.ok(&ATTEST).quietly();
    let seen = std::fs::read_to_string(sandbox.dir.path().join("environment.log")).unwrap();
    assert!(seen.contains("AWS_PROFILE=release") && !seen.contains("canary"), "{seen}");
}

#[test]
fn signers_that_lie_hang_or_fail_sign_nothing() {
    let other = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null > ../o.pem";
    let cases = [
        // Garbage, nothing, the right key over something else, another key over the right thing, too much.
        ("cat >/dev/null; echo garbage", 8, "signer.answer"),
        ("cat >/dev/null", 8, "signer.answer"),
        ("openssl dgst -sha256 -sign ../signer.pem", 8, "signer.answer"),
        (&format!("{other}; tail -n +2 | openssl dgst -sha256 -sign ../o.pem"), 8, "signer.answer"),
        (&format!("{HONEST}; printf x"), 8, "signer.answer"),
        ("cat >/dev/null; head -c 100000 /dev/zero", 8, "signer.answer"),
        ("echo no such slot >&2; exit 3", 6, "process.failed"),
        ("sleep 600", 6, "process.slow"),
    ];
    for (script, exit, code) in cases {
        // Only who hangs is hurried: the others take the time that a busy machine gives them.
        let sandbox = with(script, if code == "process.slow" { "signer-timeout = 1\n" } else { "" });
        let run = sandbox.run(&ATTEST).fails(exit, code, &[]);
        assert!(code != "process.failed" || run.stderr.contains("no such slot"), "{}", run.stderr);
        let left: Vec<String> = sandbox.digests("out").into_keys().collect();
        assert_eq!(left, ["app.bin"], "{script}");
    }
    // Who answers and leaves something behind that holds the pipes is not waited for beyond the limit.
    let since = std::time::Instant::now();
    for script in ["setsid sleep 120", &format!("setsid sleep 120 & {HONEST}")] {
        with(script, "signer-timeout = 1\n").run(&ATTEST).fails(6, "process.slow", &["signer-timeout"]).quietly();
    }
    assert!(since.elapsed().as_secs() < 90, "{:?}", since.elapsed());
    let sandbox = with(HONEST, "");
    sandbox.write("sealift.toml", "[attest]\nsigner = [\"no-such-signer\"]\n");
    sandbox.run(&ATTEST).fails(3, "signer.no-key", &["attest.key"]).quietly();
    sandbox.write("sealift.toml", "[attest]\nkey = \"signer.pub\"\nsigner = [\"no-such-signer\"]\n");
    sandbox.run(&ATTEST).fails(6, "process.start", &["no-such-signer"]).quietly();
}
