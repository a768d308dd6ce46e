#![allow(clippy::disallowed_methods)]

use super::*;
use crate::host::Host;
use crate::host::env::Env;

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

const FILES: &[(&str, &str)] = &[
    ("go.mod", "module example.com/m\n\ngo 1.21\n\nrequire example.com/r v1.0.0\nreplace example.com/r => ./r\n"),
    ("r/go.mod", "module example.com/r\n\ngo 1.21\n"),
    ("r/r.go", "package r\n\nconst R = 1\n"),
    (
        "cmd/a/main.go",
        "package main\n\nimport (\n\t_ \"embed\"\n\t\"example.com/m/shared\"\n\t\"example.com/r\"\n)\n\n//go:embed x.txt\nvar x string\n\nfunc main() { println(shared.S, r.R, x) }\n",
    ),
    ("cmd/a/x.txt", "x"),
    ("cmd/a/only_windows.go", "package main\n"),
    ("cmd/b/main.go", "package main\n\nfunc main() {}\n"),
    ("shared/s.go", "package shared\n\nconst S = 1\n"),
    ("broken/main.go", "package main\n\nimport _ \"example.com/missing\"\n\nfunc main() {}\n"),
];

fn listing(root: &Path) -> Listing {
    let path = std::env::var("PATH").unwrap();
    let host = Host::with_env(Env::of(root.to_owned(), [("PATH", path.as_str())]));
    let env = [
        ("PATH", path.clone()),
        ("HOME", std::env::var("HOME").unwrap()),
        ("GOENV", "off".into()),
        ("GOFLAGS", String::new()),
        ("GOTOOLCHAIN", "local".into()),
        ("GOPROXY", "off".into()),
        ("GOOS", "linux".into()),
        ("GOARCH", "arm64".into()),
    ];
    let query = Query {
        program: host.env.find_program("go").expect("go is on PATH for the tests"),
        dir: root.to_owned(),
        env: env.map(|(name, value)| (name.to_owned(), value)).into(),
        flags: vec!["-mod=readonly".into()],
        patterns: vec!["./...".into()],
    };
    list(&host, &query).unwrap()
}

#[test]
fn a_command_is_made_of_what_it_imports_and_embeds() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    write(&root, FILES);
    let listing = listing(&root);
    let mains: Vec<&str> = listing.mains().map(|package| package.import_path.as_str()).collect();
    assert_eq!(mains, ["example.com/m/broken", "example.com/m/cmd/a", "example.com/m/cmd/b"]);
    let inputs = listing.inputs("example.com/m/cmd/a", "linux/arm64", &[&root]).unwrap();
    let files: Vec<&str> = inputs.files.keys().map(String::as_str).collect();
    let expected =
        ["example.com/m/cmd/a/main.go", "example.com/m/cmd/a/x.txt", "example.com/m/shared/s.go", "example.com/r/r.go"];
    assert_eq!(files, expected);
    assert!(inputs.folders[&root.join("cmd/a")] && !inputs.folders[&root.join("shared")]);
    assert_eq!(listing.inputs("example.com/m/cmd/b", "", &[&root]).unwrap().files.len(), 1);
    let broken = listing.inputs("example.com/m/broken", "linux/arm64", &[&root]).unwrap_err();
    assert!(broken.to_string().contains("example.com/m"), "{broken}");
}

#[test]
fn the_shape_follows_what_the_list_follows() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), FILES);
    let shape = || Tree::read(&[dir.path().to_owned()], &[dir.path().join("dist")]).unwrap().shape();
    let first = shape();
    write(dir.path(), &[("cmd/b/main.go", "package main\n\nfunc main() { println(1) }\n"), ("dist/x", "")]);
    assert_eq!(shape(), first, "a body or our own output");
    write(dir.path(), &[("cmd/b/main.go", "package main\n\nimport _ \"fmt\"\n\nfunc main() {}\n")]);
    let second = shape();
    assert_ne!(second, first, "an import");
    write(dir.path(), &[("cmd/a/y.txt", "")]);
    assert_ne!(shape(), second, "a file that an embed may name");
}

#[test]
fn the_words_of_go_are_understood() {
    for (said, code, kind) in [
        ("verifying x: checksum mismatch\n SECURITY ERROR", "source.checksum", Kind::Trust),
        ("Get \"https://p\": dial tcp 127.0.0.1:1: connect: connection refused", "source.network", Kind::Network),
        ("missing go.sum entry for module", "source.go-sum", Kind::Tool),
        ("build constraints exclude all Go files in /x", "source.excluded", Kind::Tool),
    ] {
        assert_eq!((words::code(said), words::kind(said)), (code, kind));
        assert!(words::hint(said).is_some());
    }
}

#[test]
fn commands_are_named_as_go_names_them() {
    for (path, name) in
        [("example.com/a/cmd/api", "api"), ("github.com/x/server/v2", "server"), ("v2", "v2"), ("m", "m")]
    {
        assert_eq!(command_name(path), name);
    }
}
