//! The judge, on a release that the real chain made.

mod attached;
mod offline;

use crate::sandbox::Sandbox;

fn released() -> (Sandbox, String) {
    let sandbox = Sandbox::service();
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--snapshot", "--key", &key, "--target", "linux/amd64,windows/amd64"]).quietly();
    (sandbox, public)
}

#[test]
fn any_changed_byte_of_any_file_is_refused() {
    let (sandbox, public) = released();
    let verify = ["verify", "--key", public.as_str()];
    for name in sandbox.digests("dist").into_keys() {
        let path = sandbox.path(&format!("dist/{name}"));
        let good = std::fs::read(&path).unwrap();
        let places = [0, good.len() / 3, good.len() / 2, good.len() - 1];
        let flipped =
            places.map(|at| good.iter().enumerate().map(|(index, byte)| byte ^ u8::from(index == at)).collect());
        let removed = places.map(|at| [&good[..at], &good[at + 1..]].concat());
        let added = places.map(|at| [&good[..at], b"x", &good[at..]].concat());
        let appended = [&good[..], b"\n"].concat();
        for bytes in flipped.into_iter().chain(removed).chain(added).chain([appended, Vec::new()]) {
            std::fs::write(&path, &bytes).unwrap();
            let run = sandbox.run(&verify);
            assert_eq!(run.exit, 8, "{name}: {}", run.stderr);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(sandbox.run(&verify).exit, 8, "{name} removed");
        std::fs::write(&path, &good).unwrap();
    }
    sandbox.write("dist/extra", "");
    sandbox.run(&verify).fails(8, "verify.extra-file", &["extra"]).quietly();
    std::fs::remove_file(sandbox.path("dist/extra")).unwrap();
    let verified = sandbox.ok(&verify);
    assert!(verified.stderr.contains("passed    checksums-signature"), "{}", verified.stderr);
}

#[test]
fn single_files_are_verified_by_the_manifest_beside_them() {
    let (sandbox, public) = released();
    let name = sandbox.digests("dist").into_keys().find(|name| name.ends_with(".zip")).unwrap();
    let file = format!("dist/{name}");
    let run = sandbox.ok(&["verify", &file, "--key", &public]);
    assert!(run.stderr.contains("not run   nothing-extra"), "{}", run.stderr);
    // The other archive is not looked at.
    let other = sandbox.digests("dist").into_keys().find(|name| name.ends_with(".tar.gz")).unwrap();
    std::fs::remove_file(sandbox.path(&format!("dist/{other}"))).unwrap();
    sandbox.ok(&["verify", &file, "--key", &public]).quietly();
    sandbox.run(&["verify", "--key", &public]).fails(8, "verify.missing-file", &[&other]).quietly();
}

#[test]
fn the_verdict_is_data_too() {
    let (sandbox, public) = released();
    let run = sandbox.ok(&["verify", "--json", "--key", &public]);
    let last: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((last["type"].as_str(), &last["product"]["verified"]), (Some("result"), &true.into()));
    assert_eq!(sandbox.json(".sealift/verify.json")["verified"], true);
    sandbox.write("dist/extra", "");
    let run = sandbox.run(&["verify", "--json", "--key", &public]);
    let last: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((run.exit, last["code"].as_str(), &last["exit"]), (8, Some("verify.extra-file"), &8.into()));
}

#[test]
fn a_key_must_be_named_and_usable() {
    let (sandbox, public) = released();
    sandbox.run(&["verify"]).fails(2, "usage.arguments", &["--key"]).quietly();
    sandbox.run(&["verify", "--key", "nowhere.pub"]).fails(2, "verify.no-key", &["nowhere.pub"]).quietly();
    let secret = public.trim_end_matches(".pub");
    let run = sandbox.run(&["verify", "--key", secret]);
    assert_eq!(run.exit, 11, "{}", run.stderr);
    sandbox.run(&["verify", "nowhere", "--key", &public]).quietly();
    let empty = Sandbox::empty();
    let (_, public) = empty.key();
    empty.run(&["verify", "--key", &public]).fails(6, "verify.no-release", &["dist/", "sealift release"]).quietly();
}
