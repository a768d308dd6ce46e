//! What users see.

use crate::sandbox::Sandbox;

#[test]
fn help_version_and_documents_are_products() {
    let sandbox = Sandbox::empty();
    assert!(sandbox.ok(&["--version"]).stdout.starts_with("sealift "));
    assert!(sandbox.ok(&["--help"]).stdout.contains("release"));
    assert!(sandbox.ok(&["completions", "bash"]).stdout.contains("complete -F"));
    assert!(sandbox.ok(&["man"]).stdout.starts_with(".ie"));
    let schema: serde_json::Value = serde_json::from_str(&sandbox.ok(&["schema"]).stdout).unwrap();
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn wrong_words_are_explained() {
    let sandbox = Sandbox::empty();
    sandbox.run(&["relaese"]).fails(2, "usage.arguments", &["relaese", "release"]).quietly();
    sandbox
        .run(&["release", "--snapshto"])
        .fails(2, "usage.arguments", &["did you mean --snapshot? sealift release --help"])
        .quietly();
    for (typed, hidden) in [("relese", "reference"), ("refrence", "reference"), ("toolchian", "toolchain")] {
        let run = sandbox.run(&[typed]).fails(2, "usage.arguments", &[typed, "sealift --help shows what there is"]);
        assert!(!run.stderr.contains(hidden), "{}", run.stderr);
    }
    let run = sandbox.run(&["relese"]).fails(2, "usage.arguments", &["hint: did you mean release? sealift --help"]);
    assert!(!run.stderr.contains("tip:"), "one hint is enough: {}", run.stderr);
    let words = ["'alwasy'", "hint: did you mean always? sealift --help"];
    sandbox.run(&["check", "--color", "alwasy"]).fails(2, "usage.arguments", &words).quietly();
    let run =
        sandbox.run(&["key", "genrate"]).fails(2, "usage.arguments", &["did you mean generate? sealift key --help"]);
    assert!(!run.stderr.contains("For more information"), "{}", run.stderr);
    sandbox.run(&["-C", "nowhere", "plan"]).fails(2, "usage.folder", &["nowhere"]).quietly();
    sandbox.run(&["key", "show", "absent"]).fails(2, "verify.no-key", &["absent", "sealift key public"]).quietly();
    sandbox.run(&["--config", "absent.toml", "plan"]).fails(3, "config.missing-file", &["absent.toml"]).quietly();
    sandbox.run(&[]).fails(2, "usage.incomplete", &["sealift --help"]).quietly();
}

#[test]
fn check_explains_every_value() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[build]\ntags = [\"netgo\"]\n");
    let table = sandbox.ok(&["check"]).stdout;
    let row = table.lines().find(|line| line.starts_with("build.tags")).unwrap();
    assert!(row.contains("netgo") && row.contains("sealift.toml:2:"), "{row}");
    assert!(table.lines().any(|line| line.starts_with("project.name") && line.contains("go.mod")), "{table}");
    sandbox.write("sealift.toml", "[build]\ntag = [\"netgo\"]\n");
    sandbox.run(&["check"]).fails(3, "config.unknown-key", &["sealift.toml:2:1", "tags"]).quietly();
}

#[test]
fn stale_generated_files_are_found() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[build.hooks]\ngenerate = [[\"cp\", \"source.txt\", \"generated.txt\"]]\n");
    sandbox.write("source.txt", "1\n");
    sandbox.write("generated.txt", "1\n");
    sandbox.commit("generated");
    sandbox.ok(&["check", "--generated"]).quietly();
    sandbox.write("source.txt", "2\n");
    sandbox.commit("changed, and not generated");
    sandbox.run(&["check", "--generated"]).fails(5, "check.stale", &["generated.txt"]).quietly();
}

#[test]
fn a_log_has_no_bars_and_no_colour() {
    let sandbox = Sandbox::service().env("CI", "true").env("GITHUB_ACTIONS", "true");
    let run = sandbox.ok(&["release", "--snapshot", "--target", "linux/amd64"]);
    assert!(run.stderr.contains("::group::") && run.stderr.contains("::warning"), "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}') && !run.stderr.contains('\r'));
    let colour = sandbox.run(&["release", "--color", "always", "--plain", "nothing"]);
    assert_eq!(colour.exit, 2);
}

#[test]
fn every_event_is_a_line_of_json() {
    let sandbox = Sandbox::service();
    let run = sandbox.ok(&["release", "--snapshot", "--target", "linux/amd64", "--json"]);
    let types: Vec<String> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    for kind in ["stage", "started", "finished", "warning"] {
        assert!(types.iter().any(|found| found == kind), "{types:?}");
    }
    assert_eq!(types.last().map(String::as_str), Some("result"));
}
