//! Settings and names that are refused, with the place in the file where there is one.

use super::{CONFIG, MAIN, Released, nothing_half_made};
use crate::sandbox::{Run, Sandbox};

/// A text of `sealift.toml` and what is expected: code, place, words of the message and of the hint.
struct Case {
    toml: &'static str,
    code: &'static str,
    place: &'static str,
    hint: &'static str,
}

const fn case(toml: &'static str, code: &'static str, place: &'static str, hint: &'static str) -> Case {
    Case { toml, code, place, hint }
}

const CASES: &[Case] = &[
    case("[build]\ntargets = [\"linux/adm64\"]\n", "config.target", "sealift.toml:2:12", "linux/amd64"),
    case("[build]\ntargets = [\"linux/arm/v9\"]\n", "config.target", "sealift.toml:2:12", "v7"),
    case("[build]\ntragets = []\n", "config.unknown-key", "sealift.toml:2:1", "targets"),
    case("[biuld]\n", "config.unknown-key", "sealift.toml:1:2", "build"),
    case(
        "[[service]]\nname = \"api\"\n\n[[service]]\nname = \"api\"\n",
        "config.duplicate-service",
        "sealift.toml:5:8",
        "unique",
    ),
    case("[[service]]\nname = \"..\"\n", "config.service-name", "sealift.toml:2:8", ""),
    case("[[service]]\nname = \"a/b\"\n", "config.service-name", "sealift.toml:2:8", ""),
    case("[[service]]\nname = \"a\\nb\"\n", "config.service-name", "sealift.toml:2:8", ""),
    case("[[service]]\nname = \"aux\"\n", "config.service-name", "sealift.toml:2:8", ""),
    case("[[service]]\nname = \"NUL.txt\"\n", "config.service-name", "sealift.toml:2:8", ""),
    case("[package]\nfiles = [\"../x\"]\n", "config.path", "sealift.toml:2:10", "within the project"),
    case("[package]\nfiles = [\"/etc/passwd\"]\n", "config.path", "sealift.toml:2:10", ""),
    case("[package]\nfiles = [\"a\\nb\"]\n", "config.path", "sealift.toml:2:10", ""),
    case("[package]\nname = \"{servce}\"\n", "config.template", "sealift.toml:2:9", "{service}"),
    case("[package]\nname = \"../{service}\"\n", "config.template", "sealift.toml:2:11", "letters, digits"),
];

#[test]
fn wrong_settings_are_shown_where_they_are() {
    let released = Released::new();
    for Case { toml, code, place, hint } in CASES {
        released.sandbox.write("sealift.toml", toml);
        released.refuses(3, code, &[place], hint).quietly();
    }
    released.sandbox.write("sealift.toml", CONFIG);
    released.change("corrected");
    released.recovers();
}

#[test]
fn a_wrong_go_mod_is_named_once_and_from_the_project() {
    let sandbox = super::project();
    sandbox.write("api/go.mod", "module example.com/api\n\ngo latest\n");
    sandbox.write("api/main.go", super::MAIN);
    for (name, text, hint) in [
        ("api/go.mod", "module a\n\ngo latest\n", "go 1.26"),
        ("go.mod", "module a\n\ntoolchain 1.26.8\n", "toolchain go1"),
    ] {
        sandbox.write(name, text);
        let run = sandbox.run(&["release", "--snapshot"]).fails(3, "gomod.version", &[&format!("--> {name}:3:")]);
        assert_eq!(run.stderr.matches("go.mod").count(), 1, "{}", run.stderr);
        run.hints(hint).quietly();
    }
}

#[test]
fn wrong_words_on_the_command_line() {
    let released = Released::new();
    let run = |args: &[&str]| released.sandbox.run(args);
    run(&["release", "--snapshot", "-t", "linux/adm64"])
        .fails(2, "target.unknown", &["linux/adm64"])
        .hints("linux/amd64")
        .quietly();
    run(&["release", "--snapshot", "-t", "windows/mips"]).fails(2, "target.unknown", &["windows/mips"]).quietly();
    run(&["release", "--snapshot", "-s", "mm"])
        .fails(2, "survey.no-service", &["mm"])
        .hints("did you mean m?")
        .quietly();
    run(&["release", "--snapshto"]).fails(2, "usage.arguments", &["--snapshot"]).quietly();
    released.nothing_is_lost();
}

fn refused(sandbox: &Sandbox, exit: i32, code: &str, words: &[&str]) -> Run {
    let run = sandbox.run(&["release", "--snapshot"]).fails(exit, code, words);
    assert!(!sandbox.path("dist").exists());
    nothing_half_made(sandbox);
    run
}

#[test]
fn two_services_with_one_name_are_told_apart_by_the_user() {
    let sandbox = Sandbox::with(&[("a/api/main.go", MAIN), ("b/api/main.go", MAIN)]);
    let words = ["two services would be called api", "example.com/m/a/api", "example.com/m/b/api"];
    refused(&sandbox, 3, "survey.same-name", &words).hints("[[service]]").quietly();
    let config = "[build]\ntargets = [\"linux/amd64\"]\n[[service]]\nname = \"a\"\npath = \"a/api\"\n\
        [[service]]\nname = \"b\"\npath = \"b/api\"\n";
    sandbox.write("sealift.toml", config);
    sandbox.ok(&["release", "--snapshot"]).quietly();
}

#[test]
fn a_found_service_whose_name_windows_reserves() {
    let sandbox = Sandbox::with(&[("cmd/aux/main.go", MAIN), ("sealift.toml", CONFIG)]);
    // To Go it is no package at all, under whatever name it is released.
    refused(&sandbox, 3, "survey.no-main", &["no main package"]).quietly();
    sandbox.write("sealift.toml", &format!("{CONFIG}[[service]]\nname = \"auxiliary\"\npath = \"cmd/aux\"\n"));
    refused(&sandbox, 6, "source.package", &["cmd/aux"]).hints("go build").quietly();
}

#[test]
fn files_whose_names_or_kinds_no_archive_can_hold() {
    let files = |pattern: &str| format!("{CONFIG}[package]\nfiles = [\"{pattern}\"]\n");
    let sandbox = Sandbox::with(&[("main.go", MAIN), ("docs/well.md", "")]);
    let refuses = |pattern: &str, exit, code| {
        sandbox.write("sealift.toml", &files(pattern));
        refused(&sandbox, exit, code, &[]).hints("").quietly();
    };
    for (name, code) in [
        ("docs/a\nb.md", "archive.path-control"),
        ("docs/con.md", "archive.path-reserved"),
        ("docs/a\\b.md", "archive.path-backslash"),
        ("docs/a:b.md", "archive.path-reserved"),
    ] {
        sandbox.write(name, "");
        refuses("docs/*.md", 11, code);
        std::fs::remove_file(sandbox.path(name)).unwrap();
    }
    refuses("docs/absent.md", 3, "survey.no-file");
    refuses("docs", 11, "survey.not-regular");
    std::os::unix::fs::symlink("/etc/hostname", sandbox.path("docs/link.md")).unwrap();
    refuses("docs/link.md", 11, "survey.not-regular");
    std::os::unix::fs::symlink("/etc", sandbox.path("etc")).unwrap();
    refuses("etc/hostname", 11, "survey.not-regular");
    std::fs::remove_file(sandbox.path("docs/link.md")).unwrap();
    sandbox.write("sealift.toml", &files("docs/*.md"));
    sandbox.ok(&["release", "--snapshot"]).quietly();
}
