//! Places for a release that cannot be written, or must not be.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use super::{Released, nothing_half_made};
use crate::sandbox::{Run, Sandbox};

#[test]
fn dist_is_a_symbolic_link_or_a_file() {
    let sandbox = super::project();
    let elsewhere = sandbox.dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("precious"), "mine").unwrap();
    std::os::unix::fs::symlink(&elsewhere, sandbox.path("dist")).unwrap();
    for args in [&["release", "--snapshot"][..], &["release", "--snapshot", "--clean"], &["package", "--snapshot"]] {
        let run = sandbox.run(args).fails(11, "file.not-a-folder", &["dist is a symbolic link"]);
        run.hints("remove").quietly();
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 1);
        nothing_half_made(&sandbox);
    }
    std::fs::remove_file(sandbox.path("dist")).unwrap();
    sandbox.write("dist", "a file");
    sandbox.run(&["release", "--snapshot"]).fails(11, "file.not-a-folder", &["dist is a file"]).quietly();
    std::fs::remove_file(sandbox.path("dist")).unwrap();
    sandbox.ok(&["release", "--snapshot"]).quietly();
}

#[test]
fn somebody_elses_file_is_in_dist() {
    let released = Released::new();
    released.change("beside a note");
    released.sandbox.write("dist/notes.txt", "mine");
    let run = released.release().fails(12, "attest.foreign-file", &["notes.txt"]);
    run.hints("--clean").quietly();
    assert_eq!(released.sandbox.read("dist/notes.txt"), "mine");
    std::fs::remove_file(released.sandbox.path("dist/notes.txt")).unwrap();
    released.nothing_is_lost();
    released.recovers();
}

#[test]
fn dist_is_read_only() {
    let released = Released::new();
    let bind = "mount --bind dist dist\nmount -o remount,bind,ro dist";
    // With nothing to do it may be read-only.
    let run = mounted(&released.sandbox, bind, "release; echo $?");
    assert_eq!(run.stdout.lines().last(), Some("0"), "{}", run.stderr);
    released.change("that cannot be placed");
    let run = mounted(&released.sandbox, bind, "release").fails(6, "file.read-only", &["dist"]);
    run.hints("writable").quietly();
    released.nothing_is_lost();
    // By permission bits.
    set_mode(&released.sandbox.path("dist"), 0o555);
    released.bound_release().fails(6, "file.permission", &["dist"]).hints("writable").quietly();
    set_mode(&released.sandbox.path("dist"), 0o755);
    released.nothing_is_lost();
    released.recovers();
}

#[test]
fn the_store_cannot_be_looked_through() {
    let released = Released::new();
    let stage = released.sandbox.dir.path().join("cache/stage");
    // Whoever may write there and not list it would leave what killed runs left for ever.
    set_mode(&stage, 0o300);
    released.bound_release().fails(6, "file.permission", &["cannot list", "cache/stage"]).hints("readable").quietly();
    set_mode(&stage, 0o755);
    released.nothing_is_lost();
    released.recovers();
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn dist_is_on_a_full_disk() {
    let released = Released::new();
    let mounts = "mkdir disk\nmount -t tmpfs -o size=8m none disk\nmkdir disk/dist\nmount --bind disk/dist dist";
    let body = "release && verify || exit 90\n\
        dd if=/dev/urandom of=big bs=1M count=2 2>/dev/null\n\
        printf 'package main\\nimport _ \"embed\"\\n//go:embed big\\nvar big string\\nfunc init() { println(len(big)) }\\n' >big.go\n\
        dd if=/dev/zero of=disk/filler bs=4096 2>/dev/null\n\
        release; echo \"full $?\"\n\
        ls -a dist; test -e dist/release.json && echo half\n\
        rm disk/filler\n\
        release; echo \"free $?\"\n\
        verify; echo \"verified $?\"\n\
        ls -a dist";
    let run = mounted(&released.sandbox, mounts, body);
    let has = |line: &str| run.stdout.lines().any(|found| found == line);
    let shown = format!("{}\n{}", run.stdout, run.stderr);
    assert!(has("full 6") && run.stderr.contains("error[file.no-space]"), "{shown}");
    assert!(run.stderr.contains("hint: free some space"), "{shown}");
    assert!(has("free 0") && has("verified 0"), "{shown}");
    assert!(!has("half") && !run.stdout.contains(".staged"), "{shown}");
    nothing_half_made(&released.sandbox);
}

#[test]
fn the_store_is_on_a_full_disk() {
    let released = Released::new();
    released.change("more");
    let mounts = "mkdir small\nmount -t tmpfs -o size=1m none small";
    let body = "SEALIFT_CACHE=$PWD/small; export SEALIFT_CACHE\nrelease; echo \"full $?\"; ls small/stage; find small -name '.staged*'";
    let run = mounted(&released.sandbox, mounts, body);
    let shown = format!("{}\n{}", run.stdout, run.stderr);
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), ["full 6"], "{shown}");
    assert!(run.stderr.contains("no space left on device") || run.stderr.contains("file.no-space"), "{shown}");
    assert!(run.stderr.contains("hint: free some space"), "{shown}");
    released.nothing_is_lost();
    released.recovers();
}

#[test]
fn dist_is_on_another_filesystem_than_the_store() {
    let released = Released::new();
    let mounts = "mount -t tmpfs none dist";
    let body = "release || exit 90; verify || exit 91; sed -i s/well/again/ main.go; release || exit 92; verify || exit 93\n\
        find dist -type f -exec sha256sum {} + | sort -k2 >../sums; find dist -type f -exec stat -c '%h %a' {} + | sort -u";
    let run = mounted(&released.sandbox, mounts, body);
    assert_eq!(run.exit, 0, "{}\n{}", run.stdout, run.stderr);
    // No hard links into the store, and plain modes.
    assert_eq!(run.stdout.lines().last(), Some("1 644"), "{}", run.stdout);
    // The same bytes as on one filesystem. What lies there is of before, and no longer known as our own.
    let there = released.sandbox.read("../sums");
    std::fs::remove_dir_all(released.sandbox.path("dist")).unwrap();
    released.recovers();
    for (name, digest) in released.sandbox.digests("dist") {
        assert!(there.contains(&format!("{digest}  dist/{name}")), "{name}\n{there}");
    }
}

/// Runs a script in the project with filesystems of its own: `mounts` as root of a mount namespace, then `body`, where
/// `release` and `verify` run sealift.
pub fn mounted(sandbox: &Sandbox, mounts: &str, body: &str) -> Run {
    let (key, public) = sandbox.key();
    let body = format!(
        "release() {{ \"$SEALIFT\" release --snapshot --key {key} >&2; }}\n\
         verify() {{ \"$SEALIFT\" verify dist --key {public} >&2; }}\n{body}"
    );
    let mut command = match means() {
        Means::Namespace => {
            let mut command = Command::new("unshare");
            command
                .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
                .arg(format!("set -e\n{mounts}\nset +e\n{body}"));
            command
        }
        Means::Sudo => {
            let mut command = Command::new("sudo");
            let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
            let drop = format!("exec setpriv --reuid={user} --regid={group} --clear-groups sh -c \"$BODY\"");
            command
                .args(["-n", "-E", "unshare", "--mount", "sh", "-c"])
                .arg(format!("set -e\n{mounts}\nchown {user} dist\n{drop}"));
            command.env("BODY", body);
            command
        }
    };
    let environment = sandbox.command(&[]);
    for (name, value) in environment.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env("SEALIFT", env!("CARGO_BIN_EXE_sealift")).current_dir(sandbox.project());
    std::fs::create_dir_all(sandbox.path("dist")).unwrap();
    let output: Output = command.output().unwrap();
    Run::of(&output)
}

#[derive(Clone, Copy)]
enum Means {
    Namespace,
    Sudo,
}

/// How this machine lets filesystems be mounted. One that allows neither way fails these tests: they cannot say
/// anything there, and silence would look like success.
fn means() -> Means {
    static MEANS: OnceLock<Option<Means>> = OnceLock::new();
    let works = |program: &str, args: &[&str]| {
        Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
    };
    let found = MEANS.get_or_init(|| {
        let probe = "mount -t tmpfs none /mnt";
        if works("unshare", &["--user", "--map-root-user", "--mount", "sh", "-c", probe]) {
            Some(Means::Namespace)
        } else if works("sudo", &["-n", "unshare", "--mount", "sh", "-c", probe]) {
            Some(Means::Sudo)
        } else {
            None
        }
    });
    found.expect(
        "neither user namespaces nor sudo: full, read-only and foreign disks cannot be tried \
         (sysctl kernel.apparmor_restrict_unprivileged_userns=0 allows them)",
    )
}
