//! Variables and files outside the project that would change a build: they have no effect.

use super::project;

#[test]
fn what_is_set_outside_changes_nothing() {
    let mut sandbox = project();
    sandbox.ok(&["release", "--snapshot"]).quietly();
    let reference = sandbox.digests("dist");

    // Everything is made anew, under a hostile environment and a hostile file of Go's.
    std::fs::remove_dir_all(sandbox.path("dist")).unwrap();
    std::fs::remove_dir_all(sandbox.dir.path().join("cache")).unwrap();
    let file = "GOFLAGS=-tags=evil -ldflags=-X=main.v=evil\nCGO_ENABLED=1\nCC=false\nGOAMD64=v4\nGOOS=plan9\n";
    let config = sandbox.dir.path().join("home/.config/go");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("env"), file).unwrap();
    // The program that would be run in place of the compiler leaves a trace.
    let trace = sandbox.dir.path().join("trace");
    let evil = sandbox.dir.path().join("evil.sh");
    std::fs::write(&evil, format!("#!/bin/sh\ntouch {}\nexec \"$@\"\n", trace.display())).unwrap();
    std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let evil = evil.display().to_string();
    for (name, value) in [
        ("GOFLAGS", format!("-toolexec={evil}")),
        ("CC", evil.clone()),
        ("CGO_ENABLED", "1".into()),
        ("CGO_CFLAGS", "-O3 -DEVIL".into()),
        ("CGO_LDFLAGS", "-levil".into()),
        ("GOOS", "plan9".into()),
        ("GOARCH", "arm".into()),
        ("GOAMD64", "v4".into()),
        ("GOEXPERIMENT", "nosuch".into()),
        ("GODEBUG", "evil=1".into()),
        ("GOWORK", "/nowhere/go.work".into()),
        ("GO111MODULE", "off".into()),
        ("GOTOOLCHAIN", "go1.99.0".into()),
        ("GIT_DIR", "/nowhere".into()),
        ("GIT_EXTERNAL_DIFF", evil),
        ("LD_PRELOAD", "/nowhere.so".into()),
    ] {
        sandbox.env.insert(name.into(), value);
    }
    // A workspace above the project would change what is built, and is not the project's.
    std::fs::write(sandbox.dir.path().join("go.work"), "go 1.0\n\nuse ./elsewhere\n").unwrap();
    sandbox.ok(&["release", "--snapshot"]).quietly();
    assert_eq!(sandbox.digests("dist"), reference);
    assert!(!trace.exists(), "a foreign program was run");
}
