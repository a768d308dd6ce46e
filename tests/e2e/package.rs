//! Archives.

use std::process::Command;

use crate::sandbox::{EPOCH, Sandbox};

const ONE: &[&str] = &["package", "--snapshot", "--target", "linux/amd64", "--target", "windows/amd64"];

fn archive(sandbox: &Sandbox, ending: &str) -> String {
    let name = sandbox.digests("dist").into_keys().find(|name| name.ends_with(ending));
    name.map(|name| format!("dist/{name}")).unwrap_or_else(|| panic!("no {ending}"))
}

fn tar(sandbox: &Sandbox, args: &[&str]) -> String {
    let output = Command::new("tar").args(args).env("TZ", "UTC").current_dir(sandbox.project()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_archive_holds_the_binary_and_the_papers() {
    let sandbox = Sandbox::service();
    let run = sandbox.ok(ONE);
    assert_eq!(run.stdout.lines().count(), 2);
    let listed = tar(&sandbox, &["-tvzf", &archive(&sandbox, "_linux_amd64.tar.gz"), "--full-time", "--numeric-owner"]);
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let rows: Vec<(&str, &str, &str)> = lines.iter().map(|line| (line[0], line[1], line[5])).collect();
    assert_eq!(
        rows,
        [("-rw-r--r--", "0/0", "LICENSE"), ("-rw-r--r--", "0/0", "README.md"), ("-rwxr-xr-x", "0/0", "service")]
    );
    let epoch = tar(&sandbox, &["-tvzf", &archive(&sandbox, "_linux_amd64.tar.gz"), "--full-time"]);
    let date = Command::new("date").args(["-u", "-d", &format!("@{EPOCH}"), "+%Y-%m-%d %H:%M:%S"]).output().unwrap();
    assert!(epoch.contains(String::from_utf8_lossy(&date.stdout).trim()), "{epoch}");
    let zip = std::fs::File::open(sandbox.path(&archive(&sandbox, "_windows_amd64.zip"))).unwrap();
    let zip = zip::ZipArchive::new(zip).unwrap();
    let mut names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    names.sort_unstable();
    assert_eq!(names, ["LICENSE", "README.md", "service.exe"]);
    // Without a manifest this is no release.
    assert!(!sandbox.path("dist/release.json").exists());
}

#[test]
fn an_archive_is_hardly_larger_than_gzip_makes_it() {
    let sandbox = Sandbox::service();
    sandbox.ok(ONE).quietly();
    let path = archive(&sandbox, "_linux_amd64.tar.gz");
    let ours = std::fs::metadata(sandbox.path(&path)).unwrap().len();
    let script = format!("gzip -dc {path} | gzip -6 -n | wc -c");
    let theirs = Command::new("sh").args(["-c", &script]).current_dir(sandbox.project()).output().unwrap();
    let theirs: u64 = String::from_utf8(theirs.stdout).unwrap().trim().parse().unwrap();
    assert!(ours * 100 <= theirs * 102, "{ours} against {theirs}");
}

#[test]
fn formats_names_files_and_a_source_archive_are_configured() {
    let sandbox = Sandbox::service();
    sandbox.write(
        "sealift.toml",
        "[package]\nformats = { \"windows/*\" = [\"zip\"], \"*\" = [\"tar.zst\", \"tar.gz\"] }\nfiles = [\"go.mod\", \"internal/**/*.html\"]\n\
         name = \"{project}-{os}-{arch}\"\nsource = true\n[sbom]\nformats = []\n[project]\nname = \"thing\"\n",
    );
    sandbox.commit("configure");
    sandbox.ok(ONE).quietly();
    let names: Vec<String> = sandbox.digests("dist").into_keys().collect();
    let expected = ["thing-linux-amd64.tar.gz", "thing-linux-amd64.tar.zst", "thing-windows-amd64.zip"];
    assert_eq!(names[..3], expected, "{names:?}");
    let listed = tar(&sandbox, &["-tzf", "dist/thing-linux-amd64.tar.gz"]);
    assert_eq!(listed, "go.mod\ninternal/page/index.html\nservice\n");
    let source = tar(&sandbox, &["-tzf", &archive(&sandbox, "_source.tar.gz")]);
    let tracked = sandbox.git(&["ls-files"]);
    assert_eq!(source.lines().count(), tracked.lines().count());
    assert!(source.lines().all(|line| line.starts_with("thing-0.0.1-snapshot.g")), "{source}");
}

#[test]
fn several_binaries_share_an_archive_when_asked() {
    let sandbox = Sandbox::with(&[
        ("sealift.toml", "[project]\nname = \"suite\"\n[package]\ntogether = true\nfiles = []\n"),
        ("cmd/api/main.go", "package main\n\nfunc main() {}\n"),
        ("cmd/worker/main.go", "package main\n\nfunc main() { println(1) }\n"),
    ]);
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--snapshot", "--key", &key, "--target", "linux/amd64"]).quietly();
    assert_eq!(tar(&sandbox, &["-tzf", &archive(&sandbox, ".tar.gz")]), "api\nworker\n");
    assert!(archive(&sandbox, ".tar.gz").starts_with("dist/suite_"));
    sandbox.ok(&["verify", "--key", &public]).quietly();
}

#[test]
fn an_archive_over_its_budget_fails_with_its_largest_files() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[package.budget]\narchive = \"100 kB\"\n");
    let run = sandbox.run(ONE).fails(10, "package.budget", &["budget of 100", "package.budget.archive"]);
    assert!(run.stderr.contains("README.md") && run.stderr.contains("uncompressed"), "{}", run.stderr);
    assert!(!sandbox.path("dist").exists());
}

#[test]
fn a_configured_file_that_is_missing_is_named() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[package]\nfiles = [\"NOTICE\"]\n");
    sandbox.run(ONE).fails(3, "survey.no-file", &["NOTICE"]).quietly();
    std::os::unix::fs::symlink("/etc/hostname", sandbox.path("NOTICE")).unwrap();
    sandbox.run(ONE).fails(11, "survey.not-regular", &["NOTICE"]).quietly();
}

#[test]
fn binaries_that_something_else_built_are_packaged() {
    let sandbox = Sandbox::with(&[
        (
            "sealift.toml",
            "[[service]]\nname = \"tool\"\nkind = \"prebuilt\"\npath = \"bin/{os}_{arch}/tool\"\n[service.build]\ntargets = [\"linux/amd64\"]\n",
        ),
        ("bin/linux_amd64/tool", "#!/bin/sh\necho prebuilt\n"),
    ]);
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--snapshot", "--key", &key]).quietly();
    assert_eq!(tar(&sandbox, &["-xOzf", &archive(&sandbox, ".tar.gz"), "tool"]), "#!/bin/sh\necho prebuilt\n");
    sandbox.ok(&["verify", "--key", &public]).quietly();
    std::fs::remove_file(sandbox.path("bin/linux_amd64/tool")).unwrap();
    sandbox.run(&["release", "--snapshot"]).fails(11, "survey.no-binary", &["bin/linux_amd64/tool"]).quietly();
}

#[test]
fn upx_is_used_only_when_it_is_there() {
    let sandbox = Sandbox::service().env("PATH", "/usr/bin:/bin");
    let go = Command::new("go").args(["env", "GOROOT"]).output().unwrap();
    let root = String::from_utf8(go.stdout).unwrap();
    let bin = sandbox.dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    // A PATH with nothing but what is needed: whatever this machine has installed does not decide the test.
    for (name, target) in [("go", format!("{}/bin/go", root.trim())), ("git", which("git"))] {
        std::os::unix::fs::symlink(target, bin.join(name)).unwrap();
    }
    let sandbox = sandbox.env("PATH", bin.to_str().unwrap());
    sandbox.write("sealift.toml", "[package]\nupx = true\n");
    sandbox.run(ONE).fails(6, "build.no-upx", &["install upx"]).quietly();
}

/// A stand-in for upx with its interface: it keeps the first hundred thousand bytes. What upx itself makes is upx's matter;
/// here it counts that its output is what is packaged and recorded, and that it runs once.
#[test]
fn what_upx_made_is_packaged_and_recorded() {
    let sandbox = Sandbox::service();
    let bin = sandbox.dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let log = sandbox.dir.path().join("runs");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo 'upx 9.9.9'; exit; }}\necho run >> {}\nhead -c 100000 \"$5\" > \"$3\"\n",
        log.display()
    );
    std::fs::write(bin.join("upx"), script).unwrap();
    std::fs::set_permissions(bin.join("upx"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), sandbox.env["PATH"]);
    let sandbox = sandbox.env("PATH", &path);
    sandbox.write("sealift.toml", "[package]\nupx = true\nfiles = []\n");
    let (key, public) = sandbox.key();
    for _ in 0..2 {
        sandbox.ok(&["release", "--snapshot", "--target", "linux/amd64", "--key", &key]).quietly();
    }
    let binary = &sandbox.json(".sealift/build.json")["binaries"][0];
    assert_eq!(binary["artifact"]["size"], 100_000);
    assert!(binary["before_upx"]["size"].as_u64().unwrap() > 1_000_000, "{binary}");
    assert_eq!(std::fs::read_to_string(log).unwrap(), "run\n");
    sandbox.ok(&["verify", "--key", &public]).quietly();
}

fn which(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.exists());
    found.unwrap().display().to_string()
}
