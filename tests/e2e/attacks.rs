//! Attacks by their id, through the whole program.

use std::path::Path;

use crate::sandbox::{Run, Sandbox};

const ONE: &[&str] = &["release", "--snapshot", "--target", "linux/amd64"];

fn assert_harmless(sandbox: &Sandbox, run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains('\r'), "{text:?}");
        assert!(
            !text.lines().any(|line| line.starts_with("::stop-commands") || line.starts_with("::set-output")),
            "{text}"
        );
    }
    for dir in [sandbox.project(), sandbox.dir.path().to_owned(), sandbox.dir.path().join("home")] {
        assert!(!dir.join("pwned").exists(), "something was executed");
    }
}

/// A34: refs, tags, branches and messages that are commands for a shell, for git or for a terminal.
#[test]
fn a34_hostile_refs_and_messages() {
    let sandbox = Sandbox::service().env("GITHUB_ACTIONS", "true");
    for branch in ["$(touch${IFS}pwned)", "`touch${IFS}pwned`", "a;touch${IFS}pwned", "a|touch${IFS}pwned", "a&touch"] {
        sandbox.git(&["checkout", "-q", "-b", branch]);
        for tag in [format!("v1.0.0-{branch}"), format!("v{branch}"), "v9.9.9+a\u{202e}b".to_owned()] {
            sandbox.git(&["tag", "-f", &tag]);
        }
        sandbox.commit("feat: \u{1b}[31mred\u{202e}\n\n::set-output name=x::y\n$(touch pwned)");
        let run = sandbox.ok(ONE);
        assert_harmless(&sandbox, &run);
        let run = sandbox.run(&["version"]).fails(4, "version.no-channel", &[]);
        assert_harmless(&sandbox, &run);
    }
}

/// A35: line feeds and workflow commands in the names of files, in what CI reads.
#[test]
fn a35_names_cannot_speak_to_the_ci_system() {
    let sandbox = Sandbox::service().env("GITHUB_ACTIONS", "true").env("CI", "true");
    sandbox.git(&["tag", "v1.0.0"]);
    for name in ["a\n::set-output name=x::y", "\u{1b}]0;title\u{7}", "b\r::stop-commands::x", "\u{202e}cod.exe"] {
        std::fs::write(sandbox.path(name), "").unwrap();
        let run = sandbox.run(&["release"]).fails(5, "repository.dirty", &[]);
        assert_harmless(&sandbox, &run);
        std::fs::remove_file(sandbox.path(name)).unwrap();
    }
}

/// A36: values that would become flags, other compilers or other files.
#[test]
fn a36_nothing_from_outside_becomes_a_flag() {
    let sandbox = Sandbox::service();
    sandbox.ok(ONE).quietly();
    let reference = sandbox.digests("dist");
    let evil = sandbox.dir.path().join("evil");
    std::fs::write(&evil, "#!/bin/sh\ntouch pwned\nexec \"$@\"\n").unwrap();
    std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let goenv = sandbox.dir.path().join("goenv");
    std::fs::write(&goenv, format!("GOFLAGS=-toolexec={}\nCC={0}\nGOTOOLCHAIN=path\n", evil.display())).unwrap();
    let toolexec = format!("-toolexec={}", evil.display());
    let hostile = [
        ("GOFLAGS", toolexec.as_str()),
        ("CC", evil.to_str().unwrap()),
        ("CGO_ENABLED", "1"),
        ("CGO_CFLAGS", "-fplugin=x"),
        ("GOENV", goenv.to_str().unwrap()),
        ("GOTOOLCHAIN", "go1.99.0"),
        ("GOWORK", "/nowhere/go.work"),
        ("GOROOT", "/nowhere"),
        ("GOEXPERIMENT", "nonsense"),
        ("GODEBUG", "x=y"),
        ("GIT_DIR", "/nowhere"),
        ("GIT_INDEX_FILE", "/nowhere"),
        ("GIT_EXTERNAL_DIFF", evil.to_str().unwrap()),
    ];
    let sandbox = hostile.iter().fold(sandbox, |sandbox, (name, value)| sandbox.env(name, value));
    // A store that knows nothing: everything is compiled under the hostile environment.
    let cold = sandbox.dir.path().join("cold").display().to_string();
    let sandbox = sandbox.env("SEALIFT_CACHE", &cold);
    std::fs::remove_dir_all(sandbox.path("dist")).unwrap();
    let run = sandbox.ok(ONE);
    assert_harmless(&sandbox, &run);
    assert_eq!(sandbox.digests("dist"), reference);
    for (line, code) in [
        ("toolchain go1.21.0/../../evil", "gomod."),
        ("toolchain ../evil", "gomod."),
        ("toolchain go1.99.0-evil", "gomod."),
    ] {
        sandbox.write("go.mod", &format!("module example.com/service\n\ngo 1.21\n\n{line}\n"));
        let run = sandbox.run(ONE);
        assert!(run.exit != 0 && run.exit != 1, "{line}: {}", run.stderr);
        assert!(
            run.stderr.contains("error[") && (run.stderr.contains(code) || run.stderr.contains("goproxy.")),
            "{line}: {}",
            run.stderr
        );
        assert_harmless(&sandbox, &run);
    }
}

/// A37: messages and names that are Markdown, HTML, mentions, links, or commands for a terminal or a CI system.
#[test]
fn a37_what_commits_say_is_only_text() {
    let sandbox = Sandbox::service().env("GITHUB_ACTIONS", "true");
    sandbox.git(&["config", "user.name", "Ann"]);
    sandbox.git(&["config", "user.email", "ann@example.com"]);
    sandbox.write("sealift.toml", "[version]\ngo-major = \"ignore\"\n");
    sandbox.commit("chore: nobody imports it");
    sandbox.git(&["tag", "v1.0.0"]);
    for (number, text) in [
        "<script>alert(1)</script> <img src=x onerror=alert(1)>",
        "![pixel](https://evil.example/p.png) [click](javascript:alert(1))",
        "thanks @everyone and @acme/team, see https://evil.example/x",
        "red \u{1b}[31m\u{1b}]8;;https://evil.example\u{7}link\u{9b}2J\u{7}",
        "user\u{202e}gpj.exe\u{2066} \u{200b}\u{feff}",
        "# heading | table $x$ ~~gone~~ **bold**",
        "::set-output name=x::y",
        "`unclosed @code",
    ]
    .iter()
    .enumerate()
    {
        let message =
            format!("fix({text}): {number} {text}\n\n{text}\n\nBREAKING CHANGE: {text}\n{text}\n::stop-commands::x");
        let name = format!("user.name=@boss {text}").replace(['<', '>'], "");
        sandbox.git(&["-c", &name, "commit", "-q", "--allow-empty", "-m", &message]);
        sandbox.git(&["-c", &name, "commit", "-q", "--allow-empty", "-m", &format!("feat: {number} {text}")]);
    }
    let mut pages = Vec::new();
    for words in [&["version"][..], &["version", "changelog"], &["version", "changelog", "--all"], &["version", "lint"]]
    {
        let run = sandbox.run(words);
        assert_harmless(&sandbox, &run);
        pages.extend((words.len() > 1 && words[1] == "changelog").then_some(run.stdout));
    }
    let run = sandbox.ok(&["release", "--target", "linux/amd64", "--tag"]);
    assert_harmless(&sandbox, &run);
    pages.push(sandbox.read("dist/notes.md"));
    let tag = sandbox.git(&["tag", "--list", "--format=%(contents)", "v2.0.0"]);
    let hazard = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    assert!(tag.lines().count() > 8 && !tag.contains(hazard), "{tag:?}");
    for page in &pages {
        assert!(page.len() > 1000 && !page.contains(hazard), "{page:?}");
        for event in pulldown_cmark::Parser::new_ext(page, pulldown_cmark::Options::all()) {
            match event {
                pulldown_cmark::Event::Html(_) | pulldown_cmark::Event::InlineHtml(_) => panic!("HTML: {event:?}"),
                pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { .. } | pulldown_cmark::Tag::Image { .. }) => {
                    panic!("a link of a commit's: {event:?}")
                }
                pulldown_cmark::Event::Text(text) => assert!(!text.contains('@') && !text.contains("://"), "{text}"),
                _ => {}
            }
        }
    }
}

/// A49: secrets in what is printed, recorded or released, also when things fail.
#[test]
fn a49_no_secret_is_printed_or_recorded() {
    const CANARY: &str = "c4n4ry5ecret";
    let plain = Sandbox::service();
    let passphrase = format!("pass-{CANARY}");
    let plain = plain.env("SEALIFT_KEY_PASSWORD", &passphrase);
    let (key, public) = plain.key();
    let pem = std::fs::read_to_string(&key).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    let proxy = format!("https://user:{CANARY}@127.0.0.1:1,off");
    let sandbox = plain
        .env("SEALIFT_KEY_PEM", &pem)
        .env("GOPROXY", &proxy)
        .env("GOAUTH", &format!("git {CANARY}"))
        .env("HTTPS_PROXY", &format!("http://user:{CANARY}@127.0.0.1:1"))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "http.extraHeader")
        .env("GIT_CONFIG_VALUE_0", &format!("Authorization: Bearer {CANARY}"));
    sandbox.git(&["remote", "add", "origin", &format!("https://user:{CANARY}@example.com/a.git")]);
    let mut said = String::new();
    let commands: &[&[&str]] = &[
        ONE,
        &["release", "--snapshot", "--dry-run"],
        &["plan", "--snapshot", "--json"],
        &["verify", "--key", &public],
        &["check"],
        &["version", "--snapshot"],
        &["build", "-v", "-o", "app"],
        &["key", "public"],
        &["key", "show", &public],
        &["cache", "stats"],
        &["attest", "--snapshot", "--target", "linux/amd64"],
    ];
    for words in commands {
        for more in [&["-v"][..], &["--json"]] {
            let args: Vec<&str> =
                words.iter().chain(more.iter().filter(|flag| !words.contains(flag))).copied().collect();
            let run = sandbox.run(&args);
            said += &format!("{args:?}\n{}{}", run.stdout, run.stderr);
        }
    }
    // Failures carry the words of others: the proxy, and a module that is not there.
    sandbox.write("go.mod", &(sandbox.read("go.mod") + "\nrequire example.com/missing v1.0.0\n"));
    sandbox.write("more.go", "package main\n\nimport _ \"example.com/missing\"\n");
    said += &sandbox.run(ONE).stderr;
    sandbox.write("go.mod", "module example.com/service\n\ngo 1.25.1\n");
    said += &sandbox.run(ONE).stderr;
    let mut texts = vec![said];
    for folder in [".sealift", "dist"] {
        read_all(&sandbox.path(folder), &mut texts);
    }
    for text in &texts {
        assert!(!text.contains(CANARY), "{}", &text[..text.len().min(20_000)]);
        assert!(!body.as_bytes().chunks(40).any(|part| text.contains(std::str::from_utf8(part).unwrap())));
    }
}

fn read_all(dir: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            read_all(&entry.path(), into);
        } else {
            into.push(String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned());
        }
    }
}
