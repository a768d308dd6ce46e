//! The Go that builds: exactly the one that the project names, fetched and verified when PATH has another or none.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::bad_input::nothing_half_made;
use crate::modules::{Proxy, proxy::zipped};
use crate::sandbox::{Run, Sandbox, go_version, shared};

/// A version that is on nobody's PATH.
const OTHER: &str = "1.99.7";
const MODULE: &str = "golang.org/toolchain";

fn platform() -> String {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    format!("{os}-{arch}")
}

fn module_version(version: &str) -> String {
    format!("v0.0.1-go{version}.{}", platform())
}

/// Files of a toolchain that says what it is and builds nothing.
fn tiny() -> Vec<(String, Vec<u8>)> {
    let prefix = format!("{MODULE}@{}", module_version(OTHER));
    let tools = format!("pkg/tool/{}", platform().replace('-', "_"));
    let script = "#!/bin/sh\n[ \"$*\" = 'tool dist list' ] && { echo linux/amd64; exit 0; }\necho 'the tiny go was run' >&2\nexit 1\n";
    let mut files = vec![("VERSION".to_owned(), format!("go{OTHER}\n").into_bytes()), ("bin/go".into(), script.into())];
    files.extend(["asm", "compile", "link"].map(|tool| (format!("{tools}/{tool}"), tool.into())));
    files.into_iter().map(|(name, bytes)| (format!("{prefix}/{name}"), bytes)).collect()
}

/// A project that asks for that version, on a machine whose proxy serves these bytes for it.
fn asking(zip: &[u8]) -> (Sandbox, Proxy) {
    let proxy = Proxy::new();
    proxy.file(MODULE, &format!("{}.zip", module_version(OTHER)), zip);
    let sandbox = Sandbox::with(&[
        ("go.mod", &format!("module example.com/m\n\ngo {OTHER}\n")),
        ("main.go", crate::bad_input::MAIN),
        ("sealift.toml", crate::modules::TARGET),
    ])
    .with_proxy(&proxy);
    (sandbox, proxy)
}

fn release(sandbox: &Sandbox) -> Run {
    sandbox.run(&["release", "--snapshot"])
}

/// Nothing of a refused toolchain stays, and it was not run.
#[track_caller]
fn refused(sandbox: &Sandbox, exit: i32, code: &str, words: &[&str]) -> Run {
    let run = release(sandbox);
    // A code, or the area of one where several tell the same truth.
    let told = [format!("error[{code}]"), format!("error[{code}.")].iter().any(|start| run.stderr.contains(start));
    assert!(run.exit == exit && told, "exit {}\n{}", run.exit, run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "wanted {word:?}\n{}", run.stderr);
    }
    assert!(!run.stderr.contains("the tiny go was run"), "{}", run.stderr);
    let folder = sandbox.dir.path().join("cache/toolchains");
    let left = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let left: Vec<_> = left.filter(|name| !name.to_string_lossy().ends_with(".lock")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!sandbox.path("dist").exists());
    nothing_half_made(sandbox);
    run
}

fn lock_with(sandbox: &Sandbox, hash: &str) {
    sandbox.write("sealift.lock", &format!("[go.\"{OTHER}\"]\n{} = \"{hash}\"\n", platform()));
}

#[test]
fn another_hash_than_the_locked_one() {
    let (sandbox, _proxy) = asking(&zipped(&tiny()));
    let wrong = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    lock_with(&sandbox, wrong);
    let words = ["has the hash h1:", "sealift.lock", wrong];
    refused(&sandbox, 8, "toolchain.hash-mismatch", &words).hints("").quietly();
    // The right one is used: its own words come through.
    std::fs::remove_file(sandbox.path("sealift.lock")).unwrap();
    sandbox.ok(&["update"]).quietly();
    assert!(sandbox.read("sealift.lock").contains(&platform()));
    let run = release(&sandbox).fails(6, "source.package", &["the tiny go was run"]);
    assert!(!run.stderr.contains("unverified"), "{}", run.stderr);
    // A toolchain in the cache is measured by a lock that comes later.
    lock_with(&sandbox, wrong);
    release(&sandbox).fails(8, "toolchain.hash-mismatch", &[wrong]).quietly();
}

#[test]
fn a_cut_off_or_damaged_archive() {
    let whole = zipped(&tiny());
    for (length, what) in [(whole.len() - 1, "one byte"), (whole.len() / 2, "half"), (0, "all")] {
        let (sandbox, _proxy) = asking(&whole[..length]);
        let run = refused(&sandbox, 11, "archive", &["is not a sound archive"]);
        assert!(run.stderr.contains("fetching"), "{what} is missing: {}", run.stderr);
    }
    let mut flipped = whole;
    let at = flipped.windows(4).position(|four| four == b"the ").unwrap();
    flipped[at] ^= 1;
    refused(&asking(&flipped).0, 11, "archive", &["is not a sound archive"]).quietly();
}

#[test]
fn the_go_command_of_a_release_is_printed() {
    let (sandbox, _proxy) = asking(&zipped(&tiny()));
    let run = sandbox.ok(&["toolchain", OTHER]);
    let program = run.stdout.trim();
    let place = format!("toolchains/go{OTHER}.{}/go/bin/go", platform());
    assert!(program.ends_with(&place) && Path::new(program).is_file(), "{program}");
    assert!(run.stderr.contains("warning[toolchain.unverified]"), "{}", run.stderr);
    // The second time from the cache, by its other name.
    let again = sandbox.ok(&["toolchain", &format!("go{OTHER}")]);
    assert!(again.stdout.trim() == program && !again.stderr.contains("fetching"), "{}", again.stderr);
    let stats = sandbox.ok(&["cache", "stats"]).stdout;
    assert!(stats.contains(&format!("toolchain go{OTHER}.{}, ", platform())), "{stats}");
    sandbox.run(&["toolchain", "1.26"]).fails(2, "usage.toolchain", &["1.26"]).hints("sealift toolchain go1").quietly();
}

#[test]
fn where_nothing_is_pinned_there_is_no_lock() {
    let sandbox = Sandbox::empty();
    let run = sandbox.ok(&["update"]);
    assert!(run.stderr.contains("nothing to pin"), "{}", run.stderr);
    assert!(!sandbox.path("sealift.lock").exists());
}

#[test]
fn a_path_that_escapes() {
    let prefix = format!("{MODULE}@{}", module_version(OTHER));
    for (name, code) in [
        (format!("{prefix}/../../../evil"), "archive.path-parent"),
        ("/tmp/evil-of-sealift".to_owned(), "archive.path-absolute"),
        ("other/evil".to_owned(), "toolchain.prefix"),
        (format!("{prefix}/src/a\\..\\evil"), "archive.path-backslash"),
    ] {
        let mut files = tiny();
        files.push((name.clone(), b"evil".to_vec()));
        let (sandbox, _proxy) = asking(&zipped(&files));
        refused(&sandbox, 11, code, &[]).hints("").quietly();
        assert!(!Path::new("/tmp/evil-of-sealift").exists());
    }
}

#[test]
fn a_toolchain_that_is_another_or_not_there() {
    let mut files = tiny();
    files[0].1 = b"go1.99.6\n".to_vec();
    refused(&asking(&zipped(&files)).0, 11, "toolchain.content", &["go1.99.6"]).quietly();
    let (mut sandbox, _proxy) = asking(&zipped(&tiny()));
    sandbox.write("go.mod", "module example.com/m\n\ngo 1.99.8\n");
    refused(&sandbox, 6, "toolchain.unavailable", &["1.99.8"]).hints("").quietly();
    sandbox.env.insert("GOPROXY".into(), "off".into());
    refused(&sandbox, 6, "goproxy.off", &["GOPROXY=off"]).hints("GOPROXY").quietly();
}

/// A module zip of the Go that is on PATH, made once for each version: what is needed to build a service.
fn real_zip() -> PathBuf {
    let path = shared().join(format!("toolchain-{}.zip", go_version()));
    if path.exists() {
        return path;
    }
    let output = std::process::Command::new("go").args(["env", "GOROOT"]).env("GOTOOLCHAIN", "local").output().unwrap();
    let root = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let mut names = Vec::new();
    for part in ["VERSION", "go.env", "bin/go", "pkg", "src"] {
        walk(&root, Path::new(part), &mut names);
    }
    let file = tempfile::NamedTempFile::new_in(shared()).unwrap();
    let mut writer = zip::ZipWriter::new(std::io::BufWriter::new(file));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in names {
        let text = name.display().to_string();
        // A module's zip holds no other modules: their go.mod files have another name there.
        let text = if text.ends_with("/go.mod") { text.replace("/go.mod", "/_go.mod") } else { text };
        writer.start_file(format!("{MODULE}@{}/{text}", module_version(go_version())), options).unwrap();
        writer.write_all(&std::fs::read(root.join(name)).unwrap()).unwrap();
    }
    let file = writer.finish().unwrap().into_inner().unwrap();
    file.persist(&path).unwrap();
    path
}

fn walk(root: &Path, name: &Path, names: &mut Vec<PathBuf>) {
    let text = name.to_string_lossy();
    let commands = ["dist", "internal", "vendor", "go.mod", "go.sum"];
    let foreign = name.strip_prefix("src/cmd").ok().and_then(|inner| inner.components().next());
    let foreign = foreign.is_some_and(|part| !commands.contains(&&*part.as_os_str().to_string_lossy()));
    if text.ends_with("_test.go") || text.ends_with("/testdata") || foreign {
        return;
    }
    let path = root.join(name);
    if path.is_dir() {
        let mut entries: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        entries.sort();
        entries.iter().for_each(|entry| walk(root, &name.join(entry), names));
    } else {
        names.push(name.to_owned());
    }
}

/// The service on a machine that has no Go at all; a proxy serves the one that it asks for.
#[test]
fn without_go_on_path_the_digests_are_the_same() {
    let mut sandbox = Sandbox::service();
    sandbox.write("sealift.toml", crate::modules::TARGET);
    sandbox.commit("one target");
    sandbox.ok(&["release", "--snapshot"]).quietly();
    let with_go = sandbox.digests("dist");
    assert_eq!(sandbox.json(".sealift/build.json")["toolchains"][0]["trust"], "path");

    std::fs::remove_dir_all(sandbox.path("dist")).unwrap();
    std::fs::remove_dir_all(sandbox.dir.path().join("cache")).unwrap();
    let proxy = Proxy::new();
    proxy.link(MODULE, &format!("{}.zip", module_version(go_version())), &real_zip());
    sandbox = sandbox.with_proxy(&proxy);
    let tools = sandbox.tools(&["git"]);
    sandbox.env.insert("PATH".into(), tools.display().to_string());
    let run = sandbox.ok(&["release", "--snapshot"]);
    assert_eq!(sandbox.digests("dist"), with_go, "with and without a Go on PATH");

    // Nobody vouched for it: said on the way, and written down.
    assert!(run.stderr.contains("is unverified: GOSUMDB=off; `sealift update`"), "{}", run.stderr);
    let toolchain = sandbox.json(".sealift/build.json")["toolchains"][0].clone();
    assert_eq!(toolchain["trust"]["unverified"]["why"], "GOSUMDB=off", "{toolchain}");
    assert_eq!(toolchain["source"]["fetched"]["from"], proxy.url(), "{toolchain}");
    let hash = toolchain["hash"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("h1:"), "{hash}");

    // Pinned, it is what the lock says.
    let run = sandbox.ok(&["update"]);
    assert!(run.stdout.contains(&hash), "{}", run.stdout);
    assert!(sandbox.read("sealift.lock").contains(&hash));
    let run = sandbox.ok(&["release", "--snapshot"]);
    assert!(!run.stderr.contains("unverified"), "{}", run.stderr);
    assert_eq!(sandbox.json(".sealift/build.json")["toolchains"][0]["trust"], "locked");
    assert_eq!(sandbox.json(".sealift/build.json")["toolchains"][0]["source"], "cached");
    assert!(sandbox.ok(&["update"]).stdout.is_empty(), "a second update changes nothing");
}
