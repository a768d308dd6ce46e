//! The whole chain.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;

#[test]
fn nine_targets_signed_and_verified() {
    let sandbox = Sandbox::service();
    sandbox.git(&["tag", "v1.2.3"]);
    let (key, public) = sandbox.key();
    let run = sandbox.ok(&["release", "--key", &key]);
    assert_eq!(run.stdout.trim(), sandbox.path("dist/release.json").display().to_string());
    let (images, names): (Vec<String>, Vec<String>) =
        sandbox.digests("dist").into_keys().partition(|name| name.starts_with("image/"));
    // A layer for all, and for each of four platforms a layer, a configuration and a manifest; the index, two files.
    assert_eq!(images.len(), 1 + 4 * 3 + 1 + 2, "{images:?}");
    let (lists, names): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| name.ends_with("x.json"));
    let expected: Vec<String> = [
        "checksums.txt",
        "checksums.txt.sig",
        "notes.md",
        "provenance.json",
        "release.json",
        "service_1.2.3_darwin_amd64.tar.gz",
        "service_1.2.3_darwin_arm64.tar.gz",
        "service_1.2.3_linux_386.tar.gz",
        "service_1.2.3_linux_amd64.tar.gz",
        "service_1.2.3_linux_arm64.tar.gz",
        "service_1.2.3_linux_arm_v7.tar.gz",
        "service_1.2.3_windows_386.zip",
        "service_1.2.3_windows_amd64.zip",
        "service_1.2.3_windows_arm64.zip",
    ]
    .map(String::from)
    .into();
    assert_eq!(names, expected);
    let archives = names.iter().filter(|name| name.starts_with("service_"));
    let stems = archives.map(|name| name.trim_end_matches(".tar.gz").trim_end_matches(".zip"));
    // Two of each binary, and two of the image that each of Linux has.
    let kinds = |stem: &str| match stem.contains("_linux_") {
        true => vec!["cdx", "image.cdx", "image.spdx", "spdx"],
        false => vec!["cdx", "spdx"],
    };
    let expected: Vec<String> =
        stems.flat_map(|stem| kinds(stem).into_iter().map(move |kind| format!("{stem}.{kind}.json"))).collect();
    assert_eq!(lists, expected);
    sandbox.ok(&["verify", "dist", "--key", &public]).quietly();
    let sums = Command::new("sha256sum")
        .args(["-c", "--strict", "checksums.txt"])
        .current_dir(sandbox.path("dist"))
        .output()
        .unwrap();
    assert!(sums.status.success(), "{sums:?}");
    let openssl = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        &public,
        "-rawin",
        "-sigfile",
        "checksums.txt.sig",
        "-in",
        "checksums.txt",
    ];
    let openssl = Command::new("openssl").args(openssl).current_dir(sandbox.path("dist")).output().unwrap();
    assert!(openssl.status.success(), "{openssl:?}");
    answers_healthz(&sandbox, "dist/service_1.2.3_linux_amd64.tar.gz");
}

/// Unpacks the archive with the real tar, starts the service, asks it, and ends it.
fn answers_healthz(sandbox: &Sandbox, archive: &str) {
    let tar = Command::new("tar").args(["xzf", archive]).current_dir(sandbox.project()).status().unwrap();
    assert!(tar.success());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut service = Command::new(sandbox.path("service"))
        .args(["-addr", &address, "-grace", "0s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let answer = loop {
        let answer = ask(&address);
        if answer.is_some() || began.elapsed() > Duration::from_secs(20) {
            break answer.unwrap_or_default();
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let term = Command::new("kill").arg(service.id().to_string()).status().unwrap();
    let ended = service.wait().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    assert!(term.success() && ended.success(), "{ended:?}");
}

fn ask(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

const ONE: &[&str] = &["release", "--snapshot", "--target", "linux/amd64"];

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[build.hooks]\nbefore = [[\"touch\", \"hook-ran\"]]\n");
    sandbox.commit("a hook");
    let before = sandbox.digests(".");
    let run = sandbox.ok(&["release", "--snapshot", "--dry-run"]);
    for line in [
        "hook before: touch hook-ran",
        "check mod-verify",
        "build service windows/arm64",
        "package service linux/arm/v7 tar.gz",
    ] {
        assert!(run.stdout.contains(line), "{}", run.stdout);
    }
    let after = sandbox.digests(".");
    assert_eq!(after, before);
    assert!(!sandbox.path(".sealift").exists() && !sandbox.path("dist").exists());
}

#[test]
fn an_unrelated_commit_changes_no_binary() {
    let sandbox = Sandbox::service();
    sandbox.ok(ONE).quietly();
    let held = |sandbox: &Sandbox| sandbox.json(".sealift/package.json")["binaries"].clone();
    let (before, archives) = (held(&sandbox), sandbox.digests("dist"));
    sandbox.write("notes.txt", "of no account");
    sandbox.commit("an unrelated commit");
    sandbox.ok(ONE).quietly();
    assert_eq!(held(&sandbox), before);
    let archive = |files: &std::collections::BTreeMap<String, String>| {
        files.iter().find(|(name, _)| name.ends_with(".tar.gz")).map(|(name, digest)| (name.clone(), digest.clone()))
    };
    assert_eq!(archive(&sandbox.digests("dist")), archive(&archives));
}

#[test]
fn nothing_touched_writes_nothing() {
    let sandbox = Sandbox::service();
    let (key, _) = sandbox.key();
    let args: Vec<&str> = ONE.iter().copied().chain(["--key", &key]).collect();
    sandbox.ok(&args).quietly();
    let times = || -> Vec<_> {
        // A file that is replaced, made or removed shows in its folder too.
        let folders =
            ["", "image", "image/blobs", "image/blobs/sha256"].map(|folder| sandbox.path("dist").join(folder));
        let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let mut found: Vec<_> =
            entries.map(|entry| (entry.path(), entry.metadata().unwrap().modified().unwrap())).collect();
        found.sort();
        found
    };
    let before = times();
    sandbox.ok(&args).quietly();
    assert_eq!(times(), before);
}

#[test]
fn an_unsigned_snapshot_says_so_and_is_refused() {
    let sandbox = Sandbox::service();
    let (_, public) = sandbox.key();
    let run = sandbox.ok(ONE);
    assert!(run.stderr.contains("UNSIGNED"), "{}", run.stderr);
    assert!(sandbox.path("dist/release.unsigned.json").exists() && !sandbox.path("dist/release.json").exists());
    sandbox.run(&["verify", "--key", &public]).fails(8, "verify.unsigned", &["nobody signed"]).quietly();
}

#[test]
fn a_release_wants_something_to_release_and_a_clean_tree() {
    let sandbox = Sandbox::service();
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.commit("docs: only");
    sandbox.run(&["release"]).fails(4, "version.nothing", &["since v1.0.0"]).quietly();
    sandbox.git(&["checkout", "-q", "-b", "feature/x"]);
    sandbox.run(&["release"]).fails(4, "version.no-channel", &["feature/x", "--snapshot"]).quietly();
    sandbox.write("new.go", "package main\n");
    sandbox.run(&["release"]).fails(5, "repository.dirty", &["new.go"]).quietly();
}

/// Tag last: the commits decide, and the tag that comes afterwards changes nothing.
#[test]
fn a_commit_without_a_tag_is_released_under_its_next_version() {
    let sandbox = Sandbox::service();
    let release = ["release", "--target", "linux/amd64"];
    sandbox.ok(&release).quietly();
    let first = sandbox.digests("dist");
    assert!(first.contains_key("service_0.1.0_linux_amd64.tar.gz"), "{first:?}");
    sandbox.git(&["tag", "-a", "-m", "first", "v0.1.0"]);
    sandbox.ok(&release).quietly();
    assert_eq!(sandbox.digests("dist"), first, "tag first and tag last are the same release");
    sandbox.commit("feat: more");
    assert!(sandbox.ok(&["release", "--dry-run"]).stdout.contains("0.2.0"));
    sandbox.git(&["tag", "v0.1.1"]);
    sandbox.run(&["release"]).fails(5, "version.tag-too-small", &["0.2.0", "more"]).quietly();
}

#[test]
fn somebody_elses_files_are_not_removed() {
    let sandbox = Sandbox::service();
    sandbox.write("dist/mine.txt", "precious");
    sandbox.run(ONE).fails(12, "attest.foreign-file", &["mine.txt", "--clean"]).quietly();
    assert_eq!(sandbox.read("dist/mine.txt"), "precious");
    let args: Vec<&str> = ONE.iter().copied().chain(["--clean"]).collect();
    sandbox.ok(&args).quietly();
    assert!(!sandbox.path("dist/mine.txt").exists());
}

#[test]
fn hooks_run_around_the_release() {
    let sandbox = Sandbox::service();
    let hooks = "[build.hooks]\nbefore = [[\"sh\", \"-c\", \"echo 'package main\\n\\nvar made = 1' > made.go\"]]\nafter = [[\"sh\", \"-c\", \"ls dist > after.txt; echo $SEALIFT_VERSION >> after.txt\"]]\n";
    sandbox.write("sealift.toml", hooks);
    sandbox.write(".gitignore", "/after.txt\n/made.go\n/dist\n");
    sandbox.commit("hooks");
    sandbox.git(&["tag", "v3.0.0"]);
    sandbox.ok(&["release", "--target", "linux/amd64"]).quietly();
    let after = sandbox.read("after.txt");
    assert!(after.contains("service_3.0.0_linux_amd64.tar.gz") && after.ends_with("3.0.0\n"), "{after}");
}

#[test]
fn services_and_targets_are_selected() {
    let sandbox = Sandbox::with(&[
        ("cmd/api/main.go", "package main\n\nfunc main() {}\n"),
        ("cmd/worker/main.go", "package main\n\nfunc main() {}\n"),
    ]);
    sandbox.ok(&["release", "--snapshot", "-s", "worker", "--target", "linux/riscv64"]).quietly();
    let archives: Vec<String> = sandbox.digests("dist").into_keys().filter(|name| name.ends_with("gz")).collect();
    assert_eq!(archives.len(), 1);
    assert!(archives[0].starts_with("worker_") && archives[0].ends_with("_linux_riscv64.tar.gz"));
    sandbox
        .run(&["release", "--snapshot", "-s", "wroker"])
        .fails(2, "survey.no-service", &["did you mean worker?"])
        .quietly();
}
