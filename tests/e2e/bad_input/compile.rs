//! Sources that do not compile, modules that are not what they were, hooks that fail.

use super::{MAIN, Released, nothing_half_made};
use crate::sandbox::{Run, Sandbox};

const TWO: &str = "[build]\ntargets = [\"linux/amd64\", \"linux/arm64\"]\n";
const BROKEN: &str = "package main\n\nfunc init() { undeclared() }\n";

fn events(run: &Run) -> Vec<serde_json::Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn finished(run: &Run, step: &str) -> bool {
    events(run).iter().any(|event| event["type"] == "finished" && event["step"] == step)
}

#[test]
fn one_target_does_not_compile() {
    let released = Released::of(Sandbox::with(&[("main.go", MAIN), ("sealift.toml", TWO)]));
    let sandbox = &released.sandbox;
    released.change("other");
    sandbox.write("broken_arm64.go", BROKEN);
    sandbox.commit("broken for one target");
    let words = ["m does not compile for linux/arm64", "broken_arm64.go:3:15: undefined: undeclared"];
    let run = sandbox.run(&["release", "--snapshot"]).fails(6, "build.compile", &words);
    assert!(!run.stderr.contains("error[build.several]"), "{}", run.stderr);
    released.nothing_is_lost();

    // Going on, the other target is built, and the release is not made all the same.
    sandbox.write("sealift.toml", &format!("{TWO}keep-going = true\n"));
    sandbox.write("broken_arm64.go", &BROKEN.replace("undeclared", "unknown"));
    released.change("kept");
    let run = sandbox.run(&["release", "--snapshot", "--json"]);
    assert_eq!(run.exit, 6, "{}", run.stdout);
    assert!(finished(&run, "build m linux/amd64"), "{}", run.stdout);
    assert_eq!(events(&run).last().unwrap()["code"], "build.compile", "{}", run.stdout);
    released.nothing_is_lost();

    // Mended, what was built stays built.
    std::fs::remove_file(sandbox.path("broken_arm64.go")).unwrap();
    released.recovers();
}

#[test]
fn all_targets_do_not_compile() {
    let sandbox = Sandbox::with(&[("main.go", BROKEN), ("sealift.toml", &format!("{TWO}keep-going = true\n"))]);
    sandbox.write("main.go", &format!("{BROKEN}\nfunc main() {{}}\n"));
    let words = ["2 builds failed", "linux/amd64", "linux/arm64", "main.go:3:15: undefined: undeclared"];
    sandbox.run(&["release", "--snapshot"]).fails(6, "build.several", &words).quietly();
    assert!(!sandbox.path("dist").exists());
    nothing_half_made(&sandbox);
}

#[test]
fn a_syntax_error_and_a_missing_package() {
    let released = Released::new();
    released.sandbox.write("main.go", "package main\n\nfunc main( {}\n");
    released
        .refuses(6, "build.compile", &["main.go:3:12: syntax error"], "sealift build --target linux/amd64")
        .quietly();
    released.sandbox.write("main.go", "package main\n\nimport _ \"example.com/m/absent\"\n\nfunc main() {}\n");
    released.refuses(6, "source.package", &["example.com/m/absent"], "go build").quietly();
    released.sandbox.write("main.go", "package main\n\nimport _ \"example.com/elsewhere\"\n\nfunc main() {}\n");
    released
        .refuses(6, "source.package", &["cannot find module providing package example.com/elsewhere"], "go build")
        .quietly();
    released.change("mended");
    released.recovers();
}

#[test]
fn cgo_is_needed() {
    let released = Released::new();
    let c = "package main\n\n// int one() { return 1; }\nimport \"C\"\n\nfunc main() { println(C.one()) }\n";
    released.sandbox.write("main.go", c);
    // The go command passes over it without a word; the configured one it names.
    let words = ["builds without cgo: main.go imports \"C\""];
    released.refuses(3, "survey.needs-cgo", &words, "cgo = true").quietly();
    released.sandbox.write("sealift.toml", &format!("{}[[service]]\nname = \"m\"\npath = \".\"\n", super::CONFIG));
    released.refuses(6, "source.excluded", &["build constraints exclude all Go files"], "cgo = true").quietly();
    released.sandbox.write("sealift.toml", super::CONFIG);
    released.change("without");
    released.recovers();
}

#[test]
fn go_sum_does_not_match() {
    let proxy = crate::modules::Proxy::new();
    proxy.module("example.com/dep", "v1.0.0", &[("dep.go", "package dep\n\nconst D = 1\n")]);
    let main = "package main\n\nimport \"example.com/dep\"\n\nfunc main() { println(dep.D) }\n";
    let sandbox = Sandbox::with(&[("main.go", main), ("sealift.toml", super::CONFIG)]).with_proxy(&proxy);
    sandbox.go(&["mod", "edit", "-require=example.com/dep@v1.0.0"]);
    sandbox.go(&["mod", "tidy"]);
    sandbox.commit("a dependency");
    let released = Released::of(sandbox);
    let sum = released.sandbox.read("go.sum");
    let line = sum.lines().next().unwrap();
    let (start, hash) = line.split_once("h1:").unwrap();
    let wrong = format!("{start}h1:{}", hash.chars().rev().skip(1).collect::<String>() + "=");
    released.sandbox.write("go.sum", &sum.replace(line, &wrong));
    released.sandbox.write("main.go", &format!("{main}\nvar _ = 1\n"));
    released.refuses(8, "source.checksum", &["checksum mismatch"], "find out who").quietly();
    // A line that is missing is an oversight, not an attack.
    released.sandbox.write("go.sum", "");
    released.refuses(6, "source.go-sum", &["go.sum"], "go mod tidy").quietly();
    released.sandbox.write("go.sum", &sum);
    released.recovers();
    // What was downloaded before is changed on disk: go mod verify sees it.
    let cached = released.sandbox.dir.path().join("home/mod/example.com/dep@v1.0.0/dep.go");
    crate::modules::make_writable(&cached);
    std::fs::write(&cached, "package dep\n\nconst D = 2\n").unwrap();
    std::fs::remove_dir_all(released.sandbox.dir.path().join("cache")).unwrap();
    let run = released.release().fails(8, "build.mod-verify", &["dir has been modified"]);
    run.hints("go clean -modcache").quietly();
}

#[test]
fn the_module_proxy_refuses_connections() {
    let released = Released::new();
    // A port that was free a moment ago, and that nobody listens to.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Released { sandbox, .. } = &released;
    let main = "package main\n\nimport \"example.com/dep\"\n\nfunc main() { println(dep.D) }\n";
    sandbox.write("main.go", main);
    let module = sandbox.read("go.mod");
    sandbox.write("go.mod", &format!("{module}\nrequire example.com/dep v1.0.0\n"));
    let sum = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    sandbox.write("go.sum", &format!("example.com/dep v1.0.0 h1:{sum}\nexample.com/dep v1.0.0/go.mod h1:{sum}\n"));
    let mut command = sandbox.command(&["release", "--snapshot"]);
    command.env("GOPROXY", format!("http://127.0.0.1:{port}"));
    let run = Run::of(&command.output().unwrap()).fails(7, "source.network", &["connection refused"]);
    run.hints("GOPROXY").quietly();
    released.nothing_is_lost();
}

#[test]
fn a_hook_fails() {
    let released = Released::new();
    released.change("hooked");
    let hook = |when: &str, command: &str| {
        released.sandbox.write("sealift.toml", &format!("{}[build.hooks]\n{when} = [{command}]\n", super::CONFIG));
    };
    hook("before", "[\"ls\", \"no-such-file\"]");
    released
        .refuses(
            6,
            "build.hook",
            &["the before hook failed: ls no-such-file", "No such file or directory"],
            "build.hooks.before",
        )
        .quietly();
    hook("before", "[\"no-such-program\", \"x\"]");
    released.refuses(6, "build.hook", &["no-such-program"], "install no-such-program").quietly();
    // After the release is placed it is there and whole, and the failure is told all the same.
    hook("after", "[\"false\"]");
    released.release().fails(6, "build.hook", &["the after hook failed: false"]).quietly();
    nothing_half_made(&released.sandbox);
    let public = released.sandbox.key().1;
    released.sandbox.ok(&["verify", "dist", "--key", &public]).quietly();
    released.sandbox.write("sealift.toml", super::CONFIG);
    released.recovers();
}
