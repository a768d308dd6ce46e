//! Interrupted runs, and two runs at once.

use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{CONFIG, Released, nothing_half_made};
use crate::sandbox::{Run, Sandbox};

/// A hook that says that it runs, leaves a child that ignores every request to end, and waits.
const HOOK: &str = "#!/bin/sh\n\
    (trap '' TERM INT HUP; exec sleep 60 >/dev/null 2>&1 </dev/null) &\n\
    : >started\nn=0; while ! test -e go-on && test $n -lt 1200; do n=$((n+1)); sleep 0.05; done\nkill -KILL $!\n";

fn with_hook() -> Released {
    let released = Released::new();
    released.sandbox.write("hook.sh", HOOK);
    released.sandbox.write("sealift.toml", &format!("{CONFIG}[build.hooks]\nbefore = [[\"sh\", \"hook.sh\"]]\n"));
    released.change("with a hook");
    released
}

/// Starts a release and waits until a file is there or a line is printed.
fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command = sandbox.command(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for something that will be so: a run that ends before it fails the test.
fn until(child: &mut Child, mut so: impl FnMut() -> bool) {
    while !so() {
        if let Some(status) = child.try_wait().unwrap() {
            let mut stderr = String::new();
            std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut stderr).unwrap();
            assert!(so(), "it ended too early, with {status}\n{stderr}");
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Processes that were started on behalf of a sandbox: their environment names its folder.
fn alive(sandbox: &Sandbox) -> Vec<String> {
    let mark = sandbox.dir.path().display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(&mark) {
            found
                .push(String::from_utf8_lossy(&std::fs::read(entry.path().join("cmdline")).unwrap_or_default()).into());
        }
    }
    found
}

/// A process that was killed takes a moment to go; one that was not never goes, and the test then fails by its end.
#[track_caller]
fn nobody_is_left(sandbox: &Sandbox) {
    for _ in 0..1000 {
        if alive(sandbox).is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("still there: {:?}", alive(sandbox));
}

#[track_caller]
fn interrupted(child: Child, released: &Released) -> Run {
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.exit, 130, "{}\n{}", run.stdout, run.stderr);
    nobody_is_left(&released.sandbox);
    released.nothing_is_lost();
    run
}

#[test]
fn an_interrupted_hook_takes_its_children_with_it() {
    let released = with_hook();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut child = start(&released.sandbox, &["release", "--snapshot"]);
        let stubborn = || alive(&released.sandbox).iter().any(|line| line.starts_with("sleep\x0060"));
        until(&mut child, || released.sandbox.path("started").exists() && stubborn());
        send(&child, signal);
        let run = interrupted(child, &released);
        assert!(run.stderr.contains("error[build.interrupted]"), "{}", run.stderr);
        run.hints("again").quietly();
        std::fs::remove_file(released.sandbox.path("started")).unwrap();
    }
    released.sandbox.write("go-on", "");
    released.recovers();
}

#[test]
fn a_second_request_does_not_wait() {
    let released = with_hook();
    let stubborn = "#!/bin/sh\ntrap '' TERM INT HUP\n: >started\nn=0; while ! test -e go-on && test $n -lt 1200; do n=$((n+1)); sleep 0.05; done\n";
    released.sandbox.write("hook.sh", stubborn);
    let mut child = start(&released.sandbox, &["release", "--snapshot"]);
    until(&mut child, || released.sandbox.path("started").exists());
    send(&child, Signal::INT);
    send(&child, Signal::INT);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    nobody_is_left(&released.sandbox);
    released.sandbox.write("go-on", "");
    released.recovers();
}

#[test]
fn an_interrupted_compilation_is_finished_by_the_next_run() {
    let mut released = Released::new();
    released.change("half compiled");
    // With nothing compiled before, the compiler has work for long enough.
    let cold = released.sandbox.dir.path().join("home/go-build").display().to_string();
    released.sandbox.env.insert("GOCACHE".into(), cold);
    for signal in [Signal::INT, Signal::TERM] {
        let mut child = start(&released.sandbox, &["release", "--snapshot"]);
        let sandbox = &released.sandbox;
        until(&mut child, || alive(sandbox).iter().any(|line| is_compiler(line)));
        send(&child, signal);
        let run = interrupted(child, &released).hints("again");
        assert!(!run.stderr.contains("failed"), "nothing failed: {}", run.stderr);
    }
    released.recovers();
}

fn is_compiler(line: &str) -> bool {
    let program = Path::new(line.split('\0').next().unwrap_or_default());
    program.file_name().is_some_and(|name| name == "compile")
}

#[test]
fn two_runs_at_once() {
    let released = with_hook();
    let mut first = start(&released.sandbox, &["release", "--snapshot"]);
    until(&mut first, || released.sandbox.path("started").exists());
    for args in [&["release", "--snapshot"][..], &["package", "--snapshot"], &["build"], &["update"]] {
        let run = released.sandbox.run(args).fails(12, "file.locked", &["another sealift is at work"]);
        run.hints("wait").quietly();
    }
    // A reader that writes nothing is let through.
    released.sandbox.ok(&["release", "--snapshot", "--dry-run"]).quietly();
    released.sandbox.write("go-on", "");
    let run = Run::of(&first.wait_with_output().unwrap());
    assert_eq!(run.exit, 0, "the first goes on: {}", run.stderr);
    nobody_is_left(&released.sandbox);
    nothing_half_made(&released.sandbox);
    released.recovers();
}
