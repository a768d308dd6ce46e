//! Which services a change affects: judged by what the compiler makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::sandbox::{Sandbox, go_version};

#[path = "../fixtures/monorepo.rs"]
mod monorepo;

use monorepo::{COMMENT, KINDS, Monorepo, SERVICES, TARGETS, is_without_meaning};

fn monorepo(seed: u64) -> (Sandbox, Monorepo) {
    let sandbox = Sandbox::empty();
    let repository = Monorepo::new(go_version(), seed);
    repository.write(&sandbox.project(), &BTreeMap::new());
    sandbox.commit("feat: everything");
    (sandbox, repository)
}

/// The services whose binary is another one on any target, by what the go command makes.
fn binaries(sandbox: &Sandbox) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::new();
    for (name, folder) in SERVICES {
        for (os, arch) in TARGETS {
            let file = sandbox.dir.path().join("program");
            let mut go = Command::new("go");
            go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o"]).arg(&file).arg(".");
            go.current_dir(sandbox.path(folder)).env_clear().envs(&sandbox.env);
            let output = go
                .envs([("GOOS", os), ("GOARCH", arch), ("CGO_ENABLED", "0"), ("GOTOOLCHAIN", "local")])
                .output()
                .unwrap();
            assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
            let digest = sealift_trust::Digest::of(&std::fs::read(&file).unwrap()).hex();
            all.entry(name).or_insert_with(Vec::new).push(digest);
        }
    }
    all
}

fn affected(sandbox: &Sandbox, since: &str) -> BTreeSet<String> {
    sandbox.ok(&["version", "--affected", "--since", since]).stdout.lines().map(str::to_owned).collect()
}

#[test]
fn the_affected_services_are_those_whose_binaries_change() {
    let (sandbox, mut repository) = monorepo(5);
    let mut before = binaries(&sandbox);
    // Every kind but the one in which a service is named without need; and again what puts something back the other way.
    let kinds = KINDS.iter().map(|(kind, _)| *kind).filter(|kind| *kind != COMMENT);
    let back = ["package with its import", "requirement of no package", "go.work changed", "go.work changed"];
    for kind in kinds.chain(back) {
        let files = repository.files();
        assert!(repository.is_possible(kind), "{kind}");
        repository.edit_of(kind);
        repository.write(&sandbox.project(), &files);
        sandbox.commit(kind);
        let after = binaries(&sandbox);
        let changed: BTreeSet<String> = SERVICES
            .iter()
            .filter(|(name, _)| before[name] != after[name])
            .map(|(name, _)| (*name).to_owned())
            .collect();
        assert_eq!(affected(&sandbox, "HEAD~1"), changed, "{kind}");
        assert!(changed.is_empty() || !is_without_meaning(kind), "{kind}: {changed:?}");
        assert_ne!(repository.files(), files, "{kind}");
        if ["requirement changed", "go.work changed", "go.work removed", "go.work added"].contains(&kind) {
            assert!(!changed.is_empty() && changed.len() < SERVICES.len(), "{kind}: {changed:?}");
        }
        before = after;
    }
}

#[test]
fn each_service_is_compared_with_its_own_last_version() {
    let (sandbox, _) = monorepo(1);
    let names = |words: &[&str]| sandbox.ok(words).stdout;
    assert_eq!(names(&["version", "--affected"]), "api\nweb\nworker\nreport\n", "nothing has a version yet");
    for (name, _) in SERVICES {
        sandbox.git(&["tag", &format!("{name}/v1.0.0")]);
    }
    assert_eq!(names(&["version", "--affected"]), "");
    sandbox.write("shared/auth/auth.go", &sandbox.read("shared/auth/auth.go").replace("seed = 1", "seed = 7"));
    sandbox.commit("fix: the seed");
    assert_eq!(names(&["version", "--affected"]), "api\nweb\n");
    let json = names(&["version", "--affected", "--json"]);
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert!(last.to_string().contains(r#""affected":["api","web"]"#), "{last}");
    assert!(last.to_string().contains(r#""reason":"changed","targets":["linux/amd64","windows/amd64"]"#), "{last}");
    sandbox.git(&["tag", "api/v1.0.1"]);
    assert_eq!(names(&["version", "--affected"]), "web\n");
    assert_eq!(names(&["version", "--affected", "--since", "HEAD~1"]), "api\nweb\n");
    sandbox
        .run(&["version", "--affected", "--since", "nowhere"])
        .fails(2, "survey.no-revision", &["nowhere"])
        .quietly();
    sandbox.run(&["version", "--affected", "--since=--output=pwned"]).fails(2, "survey.no-revision", &[]).quietly();
    assert!(!sandbox.path("pwned").exists());
}

#[test]
fn what_cannot_be_compared_is_affected_and_files_can_be_added() {
    let (sandbox, _) = monorepo(1);
    let good = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.write("cmd/web/main.go", "package main\n\nimport \"example.com/shop/nowhere\"\n");
    sandbox.commit("break web");
    let broken = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.git(&["checkout", "-q", &good, "--", "cmd/web"]);
    sandbox.commit("mend web");
    assert_eq!(sandbox.ok(&["version", "--affected", "--since", &broken]).stdout, "web\n");
    let text = sandbox.read("sealift.toml");
    let text = text.replace("\"worker/v\"\n", "\"worker/v\"\nversion.paths = [\"deploy/worker\", \"**/*.md\"]\n");
    sandbox.write("sealift.toml", &text);
    sandbox.write("deploy/worker/unit.service", "1");
    sandbox.commit("more of the worker");
    sandbox.write("deploy/worker/unit.service", "2");
    sandbox.commit("change it");
    assert_eq!(sandbox.ok(&["version", "--affected", "--since", "HEAD~1"]).stdout, "worker\n");
    std::fs::remove_file(sandbox.path("README.md")).unwrap();
    sandbox.commit("nothing to read");
    assert_eq!(sandbox.ok(&["version", "--affected", "--since", "HEAD~1"]).stdout, "worker\n");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "comparing leaves no trace");
}

#[test]
fn services_have_versions_and_tags_of_their_own() {
    let (sandbox, _) = monorepo(1);
    let there = sandbox.dir.path().join("there.git").display().to_string();
    sandbox.git(&["init", "-q", "--bare", &there]);
    sandbox.git(&["remote", "add", "origin", &there]);
    sandbox.git(&["config", "user.name", "a"]);
    sandbox.git(&["config", "user.email", "a@example.com"]);
    let run = sandbox.ok(&["version", "--each", "--push"]);
    assert_eq!(run.stdout, "api 0.1.0\nweb 0.1.0\nworker 0.1.0\nreport 0.1.0\n");
    let tags = sandbox.git(&["ls-remote", "--tags", "origin"]);
    assert_eq!(tags.lines().filter(|line| line.ends_with("/v0.1.0")).count(), 4, "{tags}");
    sandbox.write("shared/auth/auth.go", &sandbox.read("shared/auth/auth.go").replace("seed = 1", "seed = 7"));
    sandbox.commit("feat: another seed");
    sandbox.write("tools/report/main.go", &sandbox.read("tools/report/main.go").replace("seed = 1", "seed = 7"));
    sandbox.commit("fix: the report");
    std::fs::remove_file(sandbox.path("cmd/worker/signal_windows.go")).unwrap();
    sandbox.write("cmd/worker/signal_windows_amd64.go", "package main\n");
    sandbox.commit("fix!: no signal on windows");
    assert_eq!(sandbox.ok(&["version", "-s", "api"]).stdout, "0.2.0\n");
    let run = sandbox.ok(&["version", "--each", "--push", "--dry-run"]);
    assert_eq!(
        run.stdout,
        "refs/tags/api/v0.2.0\nrefs/tags/web/v0.2.0\nrefs/tags/worker/v0.2.0\nrefs/tags/report/v0.1.1\n"
    );
    assert_eq!(sandbox.git(&["ls-remote", "--tags", "origin"]), tags, "a dry run moves nothing");
    sandbox.git(&["tag", "-am", "api", "api/v0.2.0"]);
    let run = sandbox.ok(&["version", "--each", "--push"]);
    assert_eq!(run.stdout, "api 0.2.0\nweb 0.2.0\nworker 0.2.0\nreport 0.1.1\n");
    let run = sandbox.ok(&["release", "-s", "report", "--target", "linux/amd64", "--push"]);
    assert!(run.stderr.contains("report_0.1.1_linux_amd64.tar.gz"), "{}", run.stderr);
    sandbox.run(&["version", "-s", "reprot"]).fails(3, "survey.no-prefix", &["reprot"]).quietly();
    sandbox.write("README.md", "more");
    sandbox.commit("feat: words");
    sandbox.run(&["release", "-s", "report", "--target", "linux/amd64"]).fails(4, "version.nothing", &[]).quietly();
    sandbox.run(&["version", "--each"]).fails(4, "version.nothing", &[]).quietly();
    // What a go.mod asks for is for those that are made of it: for one, and for all that the language is for.
    let with = |from: &str, to: &str| sandbox.write("go.mod", &sandbox.read("go.mod").replace(from, to));
    with("clock v0.0.0\n", "clock v0.1.0\n");
    let bumped = sandbox.commit("feat(deps): another clock");
    assert_eq!(sandbox.ok(&["version", "--each", "--dotenv", "out.env"]).stdout, "web 0.3.0\n");
    let told = "SEALIFT_RELEASE=true\nSEALIFT_SERVICES=web\nSEALIFT_VERSIONS=0.3.0\nSEALIFT_TAGS=web/v0.3.0\n";
    assert_eq!(sandbox.read("out.env"), format!("{told}SEALIFT_COMMIT={bumped}\n"));
    std::fs::remove_file(sandbox.path("out.env")).unwrap();
    let stamped = |service: &str| {
        let run = sandbox.ok(&["--json", "plan", "--snapshot", "-s", service, "-t", "linux/amd64"]);
        run.stdout.contains(&format!("\"commit\":\"{bumped}\""))
    };
    assert!(stamped("web"), "{}", sandbox.ok(&["--json", "plan", "--snapshot", "-s", "web"]).stdout);
    assert!(!stamped("report"));
    let changelog = |service: &str| sandbox.ok(&["version", "changelog", "--all", "-s", service]).stdout;
    let (web, report) = (changelog("web"), changelog("report"));
    assert!(web.contains("another clock") && web.contains("another seed") && !web.contains("the report"), "{web}");
    assert!(report.contains("## [0.1.1]") && report.contains("the report") && !report.contains("seed"), "{report}");
    sandbox.run(&["version", "changelog", "-s", "shop"]).fails(3, "survey.no-prefix", &["shop"]).quietly();
    with("\nrequire", "\ngodebug http2client=0\n\nrequire");
    sandbox.commit("fix: without http2");
    assert_eq!(sandbox.ok(&["version", "--each"]).stdout, "api 0.2.1\nweb 0.3.0\nworker 0.2.1\nreport 0.1.2\n");
    // Several versions are no release.
    let own = "api, web, worker, report have versions of their own";
    sandbox.run(&["release", "--dry-run"]).fails(2, "version.own", &[own, "-s api"]).quietly();
    sandbox.run(&["release", "-s", "web", "-s", "api", "--dry-run"]).fails(2, "version.own", &["-s api"]).quietly();
}

/// A tag `lib/v2.0.0` is a version of the module in `lib` too.
#[test]
fn the_version_of_a_service_is_one_that_go_takes() {
    let go = go_version();
    let sandbox = Sandbox::with(&[
        ("sealift.toml", "[[service]]\nname = \"lib\"\npath = \"lib\"\nversion.tag-prefix = \"lib/v\"\n"),
        ("lib/go.mod", &format!("module example.com/lib\n\ngo {go}\n\nretract v1.0.1\n")),
        ("lib/main.go", "package main\n\nfunc main() {}\n"),
    ]);
    sandbox.git(&["tag", "lib/v1.0.0"]);
    let change = |text: &str, message: &str| {
        sandbox.write("lib/main.go", &format!("package main\n\nfunc main() {{ {text} }}\n"));
        sandbox.commit(message);
        sandbox.run(&["version", "-s", "lib"])
    };
    change("println()", "fix: a").fails(3, "version.retracted", &["lib/go.mod:5"]).quietly();
    let run = change("println(1)", "fix!: b");
    run.fails(3, "version.module-path", &["lib/go.mod: module example.com/lib", "-> module example.com/lib/v2"])
        .quietly();
    sandbox.run(&["release", "--dry-run"]).fails(3, "version.module-path", &[]).quietly();
}
