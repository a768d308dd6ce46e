//! Sealing what is packaged already.

use crate::sandbox::Sandbox;

const TARGET: &[&str] = &["--snapshot", "--target", "linux/amd64"];

fn words<'a>(first: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[first], TARGET, more].concat()
}

#[test]
fn package_then_attest_is_release() {
    let sandbox = Sandbox::service();
    let (key, public) = sandbox.key();
    sandbox.ok(&words("release", &["--key", &key])).quietly();
    let reference = sandbox.digests("dist");
    std::fs::remove_dir_all(sandbox.path("dist")).unwrap();
    sandbox.ok(&words("package", &[])).quietly();
    sandbox.ok(&words("attest", &["--key", &key])).quietly();
    assert_eq!(sandbox.digests("dist"), reference);
    sandbox.ok(&["verify", "--key", &public]).quietly();
    let record = sandbox.json(".sealift/attest.json");
    assert_eq!(record["signed"], true);
}

#[test]
fn what_changed_since_it_was_packaged_is_not_sealed() {
    let sandbox = Sandbox::service();
    let (key, _) = sandbox.key();
    sandbox.run(&words("attest", &["--key", &key])).fails(11, "attest.missing", &[]).quietly();
    sandbox.ok(&words("package", &[])).quietly();
    let name = sandbox.digests("dist").into_keys().next().unwrap();
    let path = sandbox.path(&format!("dist/{name}"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    sandbox.run(&words("attest", &["--key", &key])).fails(11, "attest.changed", &[&name]).quietly();
    sandbox.ok(&words("package", &[])).quietly();
    sandbox.write("main.go", &(sandbox.read("main.go") + "\nvar x = 1\n"));
    sandbox.run(&words("attest", &["--key", &key])).fails(11, "attest.other-state", &["sealift package"]).quietly();
}
