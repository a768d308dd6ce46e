//! The compiler is an input too.

use std::path::{Path, PathBuf};

use super::{redone, steps, two_services};

/// The Go on PATH, but for one byte behind its compiler's end: it says the same version and makes the same programs.
fn altered(dir: &Path) -> PathBuf {
    let output = std::process::Command::new("go").args(["env", "GOROOT"]).env("GOTOOLCHAIN", "local").output().unwrap();
    let (from, to) = (PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()), dir.join("go"));
    let tools = std::fs::read_dir(from.join("pkg/tool")).unwrap().next().unwrap().unwrap().path();
    let tools = tools.strip_prefix(&from).unwrap();
    std::fs::create_dir_all(to.join(tools)).unwrap();
    std::fs::create_dir(to.join("bin")).unwrap();
    let link = |inside: &Path, but: &[&str]| {
        for entry in std::fs::read_dir(from.join(inside)).unwrap().flatten() {
            if !but.iter().any(|name| entry.file_name() == *name) {
                std::os::unix::fs::symlink(entry.path(), to.join(inside).join(entry.file_name())).unwrap();
            }
        }
    };
    link(Path::new(""), &["bin", "pkg"]);
    link(Path::new("pkg"), &["tool"]);
    link(tools, &["compile"]);
    // The go command finds its root by where it is itself.
    std::fs::copy(from.join("bin/go"), to.join("bin/go")).unwrap();
    let compiler = tools.join("compile");
    std::fs::copy(from.join(&compiler), to.join(&compiler)).unwrap();
    let mut file = std::fs::File::options().append(true).open(to.join(&compiler)).unwrap();
    std::io::Write::write_all(&mut file, b"\n").unwrap();
    to.join("bin")
}

#[test]
fn another_compiler_of_the_same_version_builds_everything_again() {
    let mut sandbox = two_services();
    redone(&sandbox);
    let dist = sandbox.digests("dist");
    let bin = altered(sandbox.dir.path());
    let path = format!("{}:{}", bin.display(), sandbox.env["PATH"]);
    sandbox.env.insert("PATH".into(), path);
    let done = redone(&sandbox);
    let builds: std::collections::BTreeSet<_> = done.into_iter().filter(|step| step.starts_with("build")).collect();
    assert_eq!(builds, steps(&["build a", "build b"]));
    let record = sandbox.json(".sealift/build.json")["toolchains"][0]["identity"].clone();
    assert!(record.as_str().is_some_and(|identity| identity.starts_with("sha256:")), "{record}");
    assert_eq!(sandbox.digests("dist"), dist, "it makes the same programs");
}
