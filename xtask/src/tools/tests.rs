use super::*;

fn folder() -> (tempfile::TempDir, Folder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder { dir: dir.path().to_owned() };
    (dir, folder)
}

fn tool(name: &str) -> &'static Tool {
    TOOLS.iter().find(|tool| tool.name == name).unwrap()
}

#[cfg(unix)]
fn put(folder: &Folder, tool: &Tool, stamp: &str) {
    use std::os::unix::fs::PermissionsExt;
    let file = make(&folder.bin()).unwrap().join(tool.name);
    std::fs::write(&file, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    make(folder.stamp(tool).parent().unwrap()).unwrap();
    std::fs::write(folder.stamp(tool), stamp).unwrap();
}

#[cfg(unix)]
#[test]
fn a_tool_is_remembered_by_name_and_version() {
    let (_dir, folder) = folder();
    let goreleaser = tool("goreleaser");
    assert!(!folder.has(goreleaser));
    put(&folder, goreleaser, "goreleaser v0.1.0\n");
    assert!(!folder.has(goreleaser), "another version");
    put(&folder, goreleaser, &stamp_text(goreleaser));
    assert!(folder.has(goreleaser));
    std::fs::remove_file(folder.bin().join("goreleaser")).unwrap();
    assert!(!folder.has(goreleaser), "a stamp without its program");
}

#[test]
fn names_and_tiers_select() {
    let bench: Vec<_> = select(&["bench", "openssl"]).unwrap().iter().map(|tool| tool.name).collect();
    assert_eq!(bench, ["openssl", "ko", "goreleaser"]);
    assert!(select(&["test"]).unwrap().iter().all(|tool| tool.tier == "test"));
    let failure = select(&["gorelaeser"]).map(|_| ()).unwrap_err();
    assert!(failure.exit == 2 && failure.message.contains("`goreleaser`"), "{}", failure.message);
}

#[test]
fn the_table_has_distinct_names_and_known_tiers() {
    let names: std::collections::BTreeSet<_> = TOOLS.iter().map(|tool| tool.name).collect();
    assert_eq!(names.len(), TOOLS.len());
    assert!(TOOLS.iter().all(|tool| TIERS.contains(&tool.tier) && !TIERS.contains(&tool.name)));
}

#[test]
fn go_versions_are_compared_by_number() {
    let minimum = Minimum { major: 1, minor: 26, exact: "1.26.8" };
    for met in [
        "go version go1.26.8 linux/amd64",
        "go version go1.26rc1 darwin/arm64",
        "go version go1.100 x",
        "go version go2.0 x",
    ] {
        assert!(minimum.is_met_by(met), "{met}");
    }
    for unmet in ["go version go1.9.1 linux/amd64", "go version go1.25.3 linux/amd64", "go version devel", "", "a b c"]
    {
        assert!(!minimum.is_met_by(unmet), "{unmet}");
    }
}

#[test]
fn what_cannot_be_installed_is_named_with_its_remedy() {
    let missing = Tool {
        name: "nosuch",
        how: How::Debian { package: "nosuch-package-here", program: "nosuch" },
        ..*tool("openssl")
    };
    assert!(debian_hint(&&missing).contains("apt-get install nosuch-package-here"));
    let hint = toolchain_hint(Minimum { major: 99, minor: 0, exact: "99.0" });
    assert!(hint.contains("go 99.0 or newer") && hint.contains("install go99.0"), "{hint}");
}

#[test]
fn the_workflow_installs_every_package_that_the_tests_need() {
    let workflow = include_str!("../../../.github/workflows/ci.yml");
    for tool in TOOLS.iter().filter(|tool| tool.tier == "test") {
        match tool.how {
            How::Debian { package, .. } => {
                assert!(workflow.split_whitespace().any(|word| word == package), "ci.yml does not install {package}");
            }
            How::Toolchain(minimum) => assert!(workflow.contains(&format!("go{}", minimum.exact)), "another Go"),
            How::Go { .. } | How::Python { .. } | How::Npm { .. } | How::Cargo => {}
        }
    }
}

#[test]
fn a_program_is_named_after_its_package() {
    assert_eq!(program_of("github.com/goreleaser/goreleaser/v2"), "goreleaser");
    assert_eq!(program_of("github.com/distribution/distribution/v3/cmd/registry"), "registry");
}
