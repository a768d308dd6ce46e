use crate::sandbox::Sandbox;

#[test]
fn the_tag_at_the_commit_is_the_version() {
    let sandbox = Sandbox::service();
    sandbox.run(&["version"]).fails(5, "version.no-tag", &["hint: tag the commit"]).quietly();
    sandbox.git(&["tag", "v1.2.3"]);
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.2.3\n");
    assert_eq!(sandbox.json(".sealift/version.json")["tag"], "v1.2.3");
    let snapshot = sandbox.ok(&["version", "--snapshot"]).stdout;
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(snapshot.trim(), format!("1.2.4-snapshot.g{}", &head[..12]));
    sandbox.write("main.go", "package main\n");
    sandbox.run(&["version"]).fails(5, "repository.dirty", &["main.go", "--snapshot"]).quietly();
}

#[test]
fn another_prefix_is_configured() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[version]\ntag-prefix = \"release-\"\n");
    sandbox.commit("configure");
    sandbox.git(&["tag", "v9.0.0"]);
    sandbox.git(&["tag", "release-2.0.0-rc.1"]);
    assert_eq!(sandbox.ok(&["version"]).stdout, "2.0.0-rc.1\n");
}

#[test]
fn a_tree_that_sealift_has_worked_in_is_clean() {
    let sandbox = Sandbox::service();
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.ok(&["version"]).quietly();
    std::fs::create_dir(sandbox.path("dist")).unwrap();
    sandbox.write("dist/x", "");
    assert_eq!(sandbox.ok(&["version"]).stdout, "1.0.0\n");
}
