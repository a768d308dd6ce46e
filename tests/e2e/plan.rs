//! The plan, printed.

use crate::sandbox::Sandbox;

#[test]
fn the_plan_is_complete_and_keeps_secrets() {
    let sandbox = Sandbox::service().env("GOPROXY", "https://user:hunter2@proxy.invalid,off").env("GOAUTH", "hunter2");
    let run = sandbox.ok(&["plan", "--snapshot", "--json"]);
    let last: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let plan = &last["product"];
    assert_eq!(plan["builds"].as_array().unwrap().len(), 9);
    let command = &plan["builds"][0]["how"]["compile"]["command"];
    assert!(command["args"].as_array().unwrap().contains(&"-trimpath".into()), "{command}");
    assert_eq!(command["env"]["GOTOOLCHAIN"], "local");
    assert_eq!(plan["packages"][0]["members"].as_array().unwrap().len(), 3);
    assert!(!run.stdout.contains("hunter2") && !sandbox.read(".sealift/plan.json").contains("hunter2"));
    assert_eq!(sandbox.json(".sealift/plan.json")["product"], "service");
}

#[test]
fn two_archives_of_one_name_are_refused_before_anything_is_built() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[package]\nname = \"{service}\"\n");
    sandbox.run(&["plan", "--snapshot"]).fails(3, "plan.same-name", &["service.tar.gz", "{target}"]).quietly();
}

#[test]
fn targets_are_resolved_by_the_toolchain() {
    let sandbox = Sandbox::service();
    let run = sandbox.ok(&["plan", "--snapshot", "--target", "all"]);
    let builds = run.stdout.lines().filter(|line| line.starts_with("build ")).count();
    let left_out = ["android/386", "android/amd64", "android/arm/v7", "ios/amd64", "ios/arm64"];
    assert!(run.stderr.contains(&left_out.join(", ")), "{}", run.stderr);
    let listed = std::process::Command::new("go").args(["tool", "dist", "list"]).output().unwrap();
    assert_eq!(builds, String::from_utf8_lossy(&listed.stdout).lines().count() - left_out.len());
    let plan =
        sandbox.ok(&["plan", "--snapshot", "--target", "linux/mips/softfloat", "--target", "linux/amd64/v3"]).stdout;
    assert!(plan.contains("GOMIPS=softfloat") && plan.contains("GOAMD64=v3"), "{plan}");
    sandbox
        .run(&["plan", "--snapshot", "--target", "linux/adm64"])
        .fails(2, "target.unknown", &["did you mean linux/amd64?"])
        .quietly();
}

#[test]
fn checks_can_be_turned_off_by_name_and_say_so() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[build]\nmod-verify = false\n");
    let run = sandbox.ok(&["release", "--snapshot", "--target", "linux/amd64"]);
    assert!(run.stderr.contains("mod-verify not run: turned off in [build]"), "{}", run.stderr);
    let plan = sandbox.ok(&["plan", "--snapshot"]).stdout;
    assert!(plan.contains("check mod-tidy") && !plan.contains("check mod-verify"), "{plan}");
}
