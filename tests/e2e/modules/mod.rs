//! Where modules come from: workspaces, nested and vendored modules, no network at all, a private repository.

pub mod origin;
mod private;
pub mod proxy;

use std::path::Path;

use crate::sandbox::{Sandbox, go_version};

pub use proxy::Proxy;

pub const TARGET: &str = "[build]\ntargets = [\"linux/amd64\"]\n";

/// A command that prints what a dependency says.
pub const MAIN: &str = "package main\n\nimport \"example.com/dep\"\n\nfunc main() { print(dep.Text) }\n";

pub fn go_mod(path: &str, rest: &str) -> String {
    format!("module {path}\n\ngo {}\n{rest}", go_version())
}

/// What a built command prints.
pub fn says(program: &Path) -> String {
    let output = std::process::Command::new(program).output().unwrap();
    // The built-in `print` writes to standard error.
    String::from_utf8(output.stderr).unwrap()
}

/// A file in a module cache can be changed only by who first makes it and its folder writable.
pub fn make_writable(file: &Path) {
    for path in [file.parent().unwrap(), file] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
}

/// Releases, and gives the names of the archives.
fn released(sandbox: &Sandbox) -> Vec<String> {
    sandbox.ok(&["release", "--snapshot"]).quietly();
    let names = sandbox.digests("dist").into_keys();
    names.filter_map(|name| Some(name.strip_suffix("_linux_amd64.tar.gz")?.split('_').next()?.to_owned())).collect()
}

#[test]
fn a_workspace_with_two_modules_and_a_replacement() {
    let work = format!("go {}\n\nuse (\n\t./api\n\t./lib\n)\n", go_version());
    let sandbox = Sandbox::with(&[
        ("sealift.toml", TARGET),
        ("go.work", &work),
        (
            "api/go.mod",
            &go_mod("example.com/api", "\nrequire example.com/dep v1.0.0\n\nreplace example.com/dep => ../dep\n"),
        ),
        (
            "api/main.go",
            "package main\n\nimport (\n\t\"example.com/dep\"\n\t\"example.com/lib\"\n)\n\nfunc main() { print(dep.Text, lib.Text) }\n",
        ),
        ("lib/go.mod", &go_mod("example.com/lib", "")),
        ("lib/lib.go", "package lib\n\nconst Text = \"lib\"\n"),
        ("lib/cmd/tool/main.go", "package main\n\nfunc main() { print(\"tool\") }\n"),
        ("dep/go.mod", &go_mod("example.com/dep", "")),
        ("dep/dep.go", "package dep\n\nconst Text = \"dep+\"\n"),
    ]);
    std::fs::remove_file(sandbox.path("go.mod")).unwrap();
    sandbox.commit("a workspace");
    assert_eq!(released(&sandbox), ["api", "tool"]);
    sandbox.ok(&["build", "-s", "api", "-o", "bin/api"]).quietly();
    assert_eq!(says(&sandbox.path("bin/api")), "dep+lib");
    // Neither the workspace's module nor the replacement is read from anywhere but the tree.
    sandbox.write("dep/dep.go", "package dep\n\nconst Text = \"changed+\"\n");
    sandbox.ok(&["build", "-s", "api", "-o", "bin/api"]).quietly();
    assert_eq!(says(&sandbox.path("bin/api")), "changed+lib");
    let cached = |sandbox: &Sandbox| sandbox.json(".sealift/build.json")["binaries"][0]["cached"].clone();
    sandbox.ok(&["build", "-s", "api", "-o", "bin/api"]).quietly();
    assert_eq!(cached(&sandbox), true);
    // What go.work uses is what is built, and only that file says so.
    sandbox.write("other/go.mod", &go_mod("example.com/lib", ""));
    sandbox.write("other/lib.go", "package lib\n\nconst Text = \"other\"\n");
    sandbox.write("go.work", &work.replace("./lib", "./other"));
    sandbox.ok(&["build", "-s", "api", "-o", "bin/api"]).quietly();
    assert_eq!((cached(&sandbox), says(&sandbox.path("bin/api"))), (false.into(), "changed+other".to_owned()));
}

#[test]
fn nested_modules_are_found_each_by_itself() {
    let main = "package main\n\nfunc main() { print(\"nested\") }\n";
    let sandbox = Sandbox::with(&[
        ("sealift.toml", TARGET),
        ("cmd/outer/main.go", main),
        ("tools/inner/go.mod", &go_mod("example.com/tools/inner", "")),
        ("tools/inner/main.go", main),
        // What the go command passes over is no place for a service.
        ("testdata/other/go.mod", &go_mod("example.com/other", "")),
        ("testdata/other/main.go", main),
        ("_old/go.mod", &go_mod("example.com/old", "")),
        ("_old/main.go", main),
    ]);
    assert_eq!(released(&sandbox), ["inner", "outer"]);
    sandbox.ok(&["build", "-s", "inner", "-o", "inner"]).quietly();
    assert_eq!(says(&sandbox.path("inner")), "nested");
    let run = sandbox.run(&["release", "--snapshot", "-s", "other"]);
    run.fails(2, "survey.no-service", &["other"]).hints("inner").quietly();
}

/// A project that needs `example.com/dep`, which a folder serves.
fn dependent(proxy: &Proxy) -> Sandbox {
    proxy.module("example.com/dep", "v1.0.0", &[("dep.go", "package dep\n\nconst Text = \"served\"\n")]);
    let sandbox = Sandbox::with(&[("main.go", MAIN), ("sealift.toml", TARGET)]).with_proxy(proxy);
    sandbox.go(&["mod", "edit", "-require=example.com/dep@v1.0.0"]);
    sandbox.go(&["mod", "tidy"]);
    sandbox.commit("a dependency");
    sandbox
}

#[test]
fn offline_with_a_folder_for_a_proxy() {
    let proxy = Proxy::new();
    let mut sandbox = dependent(&proxy);
    sandbox.forget_modules();
    sandbox.ok(&["build", "-o", "app"]).quietly();
    assert_eq!(says(&sandbox.path("app")), "served");
    sandbox.ok(&["release", "--snapshot"]).quietly();
    // What was downloaded is enough from now on.
    sandbox.env.insert("GOPROXY".into(), "off".into());
    std::fs::remove_dir_all(sandbox.dir.path().join("cache")).unwrap();
    sandbox.ok(&["release", "--snapshot"]).quietly();
    // Without it there is a clear word.
    sandbox.forget_modules();
    std::fs::remove_dir_all(sandbox.dir.path().join("cache")).unwrap();
    let run = sandbox.run(&["release", "--snapshot"]);
    run.fails(7, "source.network", &["module lookup disabled by GOPROXY=off"]).hints("GOPROXY").quietly();
}

#[test]
fn what_go_mod_tidy_would_change_is_refused_and_asked_about_once() {
    let proxy = Proxy::new();
    let sandbox = dependent(&proxy);
    let tidy = |sandbox: &Sandbox| {
        let run = sandbox.ok(&["release", "--snapshot", "--json"]);
        let events = run.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut ended = events.filter(|event| event["type"] == "finished" && event["step"] == "check mod-tidy");
        ended.next().map(|event| event["cached"] == true)
    };
    assert_eq!(tidy(&sandbox), Some(false));
    // Another body is no question for go; another import is.
    sandbox.write("main.go", &MAIN.replace("dep.Text", "dep.Text + dep.Text"));
    assert_eq!(tidy(&sandbox), Some(true));
    sandbox.write("more.go", "package main\n\nimport _ \"example.com/dep\"\n");
    assert_eq!(tidy(&sandbox), Some(false));
    let before = sandbox.digests("dist");
    proxy.module("example.com/idle", "v1.0.0", &[("idle.go", "package idle\n")]);
    sandbox.go(&["get", "example.com/idle@v1.0.0"]);
    let run = sandbox.run(&["release", "--snapshot"]);
    run.fails(5, "build.mod-tidy", &["example.com/idle v1.0.0"]).hints("go mod tidy && git commit").quietly();
    assert_eq!(sandbox.digests("dist"), before);
    sandbox.write("sealift.toml", &format!("{TARGET}mod-tidy = false\n"));
    assert_eq!(tidy(&sandbox), None, "turned off by name");
}

#[test]
fn a_vendored_module_needs_nobody() {
    let proxy = Proxy::new();
    let mut sandbox = dependent(&proxy);
    sandbox.go(&["mod", "vendor"]);
    sandbox.write("LICENSE", "yours\n");
    sandbox.commit("vendored");
    sandbox.forget_modules();
    sandbox.env.insert("GOPROXY".into(), "off".into());
    let run = sandbox.ok(&["release", "--snapshot"]);
    // `go mod tidy` cannot be asked without the modules; that it was not is said.
    assert!(run.stderr.contains("mod-tidy not run: the module is vendored"), "{}", run.stderr);
    sandbox.ok(&["build", "-o", "app"]).quietly();
    assert_eq!(says(&sandbox.path("app")), "served");
    assert!(!sandbox.dir.path().join("home/mod/example.com").exists(), "nothing was downloaded");
    // A vendored file counts as a source.
    sandbox.write("vendor/example.com/dep/dep.go", "package dep\n\nconst Text = \"patched\"\n");
    sandbox.ok(&["build", "-o", "app"]).quietly();
    assert_eq!(says(&sandbox.path("app")), "patched");
    // A vendor folder that does not fit go.mod is refused in the words of go.
    sandbox.write("vendor/modules.txt", "");
    let run = sandbox.run(&["release", "--snapshot"]).fails(6, "source.vendor", &["inconsistent vendoring"]);
    run.hints("go mod vendor").quietly();
}
