use std::time::Instant;

use super::super::env::Env;
use super::*;

fn host() -> Host {
    Host::with_env(Env::real())
}

fn sh(script: &str) -> Command {
    Command::new("/bin/sh", "/").args(["-c", script])
}

#[test]
fn a_child_sees_only_its_own_environment() {
    let finished = host().run(&Command::new("/usr/bin/env", "/").envs([("A", "1")])).unwrap();
    assert_eq!(finished.stdout, b"A=1\n");
    assert!(finished.peak > 0);
}

#[test]
fn a_failure_keeps_the_words_of_the_child() {
    let error = host().run(&sh("echo why >&2; exit 3")).unwrap_err();
    assert_eq!((error.code(), error.detail().as_deref()), ("process.failed", Some("why")));
}

#[test]
fn a_failure_that_is_told_on_stdout_is_shown_too() {
    let error = host().run(&sh("echo diff; exit 1")).unwrap_err();
    assert_eq!(error.detail().as_deref(), Some("diff"));
}

#[test]
fn a_reader_that_has_its_answer_ends_the_child() {
    let mut line = String::new();
    let answer = host().stream(&sh("while :; do echo yes; done"), &[], &mut |reader| {
        io::BufRead::read_line(reader, &mut line).map(drop)
    });
    assert!(answer.is_ok());
    assert_eq!(line, "yes\n");
}

#[test]
fn a_child_that_takes_too_long_is_ended_with_its_children() {
    let error = host().run_within(&sh("sleep 60 & wait"), text("x"), Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.code(), "process.slow");
    let finished = host().run_within(&sh("cat; echo y >&2"), text("x"), Duration::from_secs(60)).unwrap();
    assert_eq!((&finished.stdout[..], &finished.stderr[..]), (&b"x"[..], &b"y\n"[..]));
    let written = Input::Written(Box::new(|to| to.write_all(b"z")));
    assert_eq!(host().run_within(&sh("cat"), written, Duration::from_secs(60)).unwrap().stdout, b"z");
    let error = host().run_within(&sh("echo why; exit 3"), text(""), Duration::from_secs(60)).unwrap_err();
    assert_eq!((error.code(), error.detail().as_deref()), ("process.failed", Some("why")));
}

/// A child that leaves a group of its own behind, which holds all three pipes: more is written to it than they take.
#[test]
fn nobody_waits_for_what_a_child_left_behind() {
    let since = Instant::now();
    for script in ["setsid sleep 30", "setsid sleep 30 & exit 0", "exec >/dev/null 2>&1; sleep 30"] {
        let input = Input::Bytes(vec![b'x'; 1 << 20]);
        let error = host().run_within(&sh(script), input, Duration::from_millis(300)).unwrap_err();
        assert_eq!(error.code(), "process.slow", "{script}");
    }
    assert!(since.elapsed() < Duration::from_secs(25), "{:?}", since.elapsed());
}

fn text(text: &str) -> Input {
    Input::Bytes(text.as_bytes().to_vec())
}

#[test]
fn stopping_ends_a_child_and_its_children() {
    let host = host();
    let children = host.children.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        children.stop();
    });
    let error = host.run(&sh("sleep 60 & wait")).unwrap_err();
    stopper.join().unwrap();
    assert_eq!(error.kind(), Kind::Interrupted);
}
