//! The upgrade that fixes it, on a branch of its own.

use serde_json::{Value, json};

use super::{database, record};
use crate::modules::{Proxy, TARGET, go_mod};
use crate::sandbox::Sandbox;

const USER: &str = "package main\n\nimport (\n\t\"os\"\n\n\t\"example.com/parse\"\n)\n\nfunc answer() int { return parse.Parse(os.Args[0]) }\n\n\
                    func main() { println(answer()) }\n";
const TEST: &str = "package main\n\nimport (\n\t\"testing\"\n\n\t\"example.com/parse\"\n)\n\n\
                    func TestParse(t *testing.T) {\n\tif parse.Parse(\"a\") != 97 {\n\t\tt.Fatal(\"another answer\")\n\t}\n}\n";

/// `Parse` of a module, which adds something to the right answer.
fn parse(wrong: u8) -> String {
    format!(
        "package parse\n\nfunc Parse(text string) (sum int) {{\n\tfor _, c := range text {{\n\t\tsum += int(c)\n\t}}\n\treturn sum + {wrong}\n}}\n"
    )
}

/// A project that takes a vulnerable module; the fixed one answers as it is told.
fn project(proxy: &Proxy, wrong: u8) -> Sandbox {
    proxy.module("example.com/parse", "v1.2.0", &[("parse.go", &parse(0))]);
    proxy.module("example.com/parse", "v1.2.5", &[("parse.go", &parse(wrong))]);
    proxy.file("example.com/parse", "list", b"v1.2.0\nv1.2.5\n");
    let sandbox =
        Sandbox::with(&[("main.go", USER), ("main_test.go", TEST), ("sealift.toml", TARGET)]).with_proxy(proxy);
    sandbox.go(&["mod", "edit", "-require=example.com/parse@v1.2.0"]);
    sandbox.go(&["mod", "tidy"]);
    sandbox.commit("a module");
    let zero = |fixed: &str| json!([{ "introduced": "0" }, { "fixed": fixed }]);
    let imports = json!([{ "path": "example.com/parse", "symbols": ["Parse"] }]);
    let unfixed = record("GO-2030-0002", "example.com/parse", &json!([{ "introduced": "0" }]), &imports);
    database(&sandbox, &[record("GO-2030-0001", "example.com/parse", &zero("1.2.5"), &imports), unfixed]);
    sandbox.go(&["build", "-o", "app", "."]);
    sandbox.git(&["config", "user.name", "a"]);
    sandbox.git(&["config", "user.email", "a@example.com"]);
    sandbox
}

/// Everything that may change: files and refs.
fn state(sandbox: &Sandbox) -> (std::collections::BTreeMap<String, String>, String, String) {
    let mut files = sandbox.digests("");
    files.retain(|name, _| !name.starts_with(".git/") && !name.starts_with(".sealift/"));
    (files, sandbox.git(&["for-each-ref"]), sandbox.git(&["status", "--porcelain"]))
}

const FIX: &[&str] = &["scan", "app", "--database", "db", "--fix"];

#[test]
fn the_upgrade_is_made_tested_and_kept_as_a_branch() {
    let proxy = Proxy::new();
    let sandbox = project(&proxy, 0);
    // What somebody is at is not touched and not taken along.
    sandbox.write("main.go", &format!("{USER}\nvar unfinished int\n"));
    let before = state(&sandbox);
    let run = sandbox.ok(&[&["--json"], FIX].concat());
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let product = &last["product"];
    let branch = product["branch"].as_str().unwrap();
    assert!(branch.starts_with("sealift/fix-"), "{product}");
    assert_eq!(product["fixes"][0]["ids"], json!(["GO-2030-0001"]));
    assert_eq!(product["left"], json!(["GO-2030-0002"]));
    let after = state(&sandbox);
    assert_eq!((&after.0, &after.2), (&before.0, &before.2), "the work tree is as it was");
    let changed = sandbox.git(&["diff", "--name-only", "HEAD", branch]);
    assert_eq!(changed, "go.mod\ngo.sum");
    assert!(sandbox.git(&["show", &format!("{branch}:go.mod")]).contains("example.com/parse v1.2.5"));
    assert_eq!(sandbox.git(&["rev-parse", &format!("{branch}^")]), sandbox.git(&["rev-parse", "HEAD"]));
    let message = sandbox.git(&["log", "-1", "--format=%B", branch]);
    assert!(message.starts_with("fix: example.com/parse v1.2.5\n") && message.contains("GO-2030-0001"), "{message}");
    sandbox.run(FIX).fails(12, "scan.fix-branch", &[branch]).quietly();
    // On that branch there is nothing left to upgrade.
    sandbox.git(&["checkout", "-q", "-f", branch]);
    sandbox.run(FIX).fails(4, "scan.fix-nothing", &["already"]).quietly();
}

#[test]
fn tests_that_fail_leave_nothing_behind() {
    let proxy = Proxy::new();
    let sandbox = project(&proxy, 1);
    let before = state(&sandbox);
    let run = sandbox.run(FIX).fails(6, "scan.fix-failed", &["go test ./...", "another answer"]);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    assert_eq!(state(&sandbox), before);
    assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn only_what_an_upgrade_can_fix_in_this_project() {
    let proxy = Proxy::new();
    let sandbox = project(&proxy, 0);
    sandbox.write("db/ID/GO-2030-0001.json", &sandbox.read("db/ID/GO-2030-0002.json").replace("-0002", "-0001"));
    sandbox.run(FIX).fails(4, "scan.fix-nothing", &["no"]).quietly();
    let other = project(&proxy, 0);
    other.write("go.mod", &go_mod("example.com/elsewhere", "\nrequire example.com/parse v1.2.0\n"));
    other.commit("another name");
    other.run(FIX).fails(11, "scan.fix-module", &["example.com/m"]).quietly();
}
