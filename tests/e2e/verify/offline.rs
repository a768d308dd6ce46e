//! A judge needs no network: whatever is verified from files opens no socket.

use std::process::Command;

use crate::sandbox::{Run, Sandbox};

/// Runs sealift with every call written down without which nobody talks to a network, and gives these calls.
fn watched(sandbox: &Sandbox, args: &[&str]) -> (Run, Vec<String>) {
    let log = sandbox.dir.path().join("network.log");
    let command = sandbox.command(args);
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-qq", "-e", "trace=socket,connect,execve", "-e", "signal=none", "-o"]).arg(&log);
    tracer.arg(command.get_program()).args(command.get_args());
    tracer.current_dir(sandbox.project()).env_clear().envs(&sandbox.env);
    let run = Run::of(&tracer.output().expect("strace is on PATH: cargo xtask tools strace"));
    let calls = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
    // The start of the program is in it: what is not there was not looked for in vain.
    assert!(calls.contains("execve("), "{args:?}: nothing was traced");
    let network = calls.lines().filter(|line| !line.contains("execve("));
    (run, network.map(str::to_owned).collect())
}

#[track_caller]
fn offline(sandbox: &Sandbox, exit: i32, args: &[&str]) {
    let (run, network) = watched(sandbox, args);
    assert_eq!(run.exit, exit, "{args:?}: {}", run.stderr);
    assert_eq!(network, Vec::<String>::new(), "{args:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn verifying_opens_no_socket() {
    let sandbox = Sandbox::empty();
    sandbox.write("README.md", "x");
    sandbox.commit("first");
    let (key, public) = sandbox.key();
    sandbox.write("out/app.bin", "built elsewhere");
    sandbox.write(
        "sealift.toml",
        "[attest]\nsignatures = \"each\"\nformats = [\"raw\", \"minisign\", \"sigstore\", \"ssh\"]\n",
    );
    sandbox.ok(&["attest", "out", "--release", "1.0.0", "--product", "app", "--key", &key]).quietly();
    offline(&sandbox, 0, &["verify", "out", "--key", &public]);
    offline(&sandbox, 0, &["verify", "out/app.bin", "--key", &public]);
    offline(&sandbox, 0, &["verify", "out", "--checksums-only"]);
    for end in ["sig", "minisig", "sigstore.json", "ssh.sig"] {
        let signature = format!("out/app.bin.{end}");
        offline(&sandbox, 0, &["verify", "out/app.bin", "--signature", &signature, "--key", &public]);
        offline(&sandbox, 8, &["verify", "out/checksums.txt", "--signature", &signature, "--key", &public]);
    }
    sandbox.write("out/extra", "");
    offline(&sandbox, 8, &["verify", "out", "--key", &public]);
}

/// Nor for an identity: whom to trust is in a file, and so is everything that the logs said.
#[test]
#[cfg(all(target_os = "linux", feature = "sigstore"))]
fn verifying_an_identity_opens_no_socket() {
    use crate::keyless::authority::{Authorities, IDENTITY, ISSUER, Lie, Signed};
    let authorities = Authorities::new();
    let sandbox = Sandbox::empty();
    sandbox.write("message", "an artifact");
    sandbox.write("root.json", &authorities.trusted_root().to_string());
    let verify = ["verify", "message", "--signature", "bundle", "--trusted-root", "root.json"];
    let verify = [&verify[..], &["--identity", IDENTITY, "--issuer", ISSUER]].concat();
    for (lie, exit) in [(Lie::None, 0), (Lie::NoProof, 8)] {
        sandbox.write("bundle", &authorities.bundle(Signed::Message(b"an artifact"), lie).to_string());
        offline(&sandbox, exit, &verify);
    }
}

/// What finds nothing would find nothing of a program that does connect, too.
#[test]
#[cfg(target_os = "linux")]
fn a_program_that_connects_is_seen() {
    let sandbox = Sandbox::empty();
    sandbox.write("key.pub", &sealift_trust::SecretKey::generate(&zeroize::Zeroizing::new([1; 32])).public().to_pem());
    let image = format!("127.0.0.1:1/a@sha256:{}", "0".repeat(64));
    let (run, network) = watched(&sandbox, &["verify", &image, "--key", "key.pub"]);
    assert_eq!(run.exit, 7, "{}", run.stderr);
    assert!(network.iter().any(|call| call.contains("connect(")), "{network:?}");
}
