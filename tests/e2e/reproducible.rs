//! Same inputs, same bytes, whatever the machine is like. The same trials on a large service:
//! `cargo xtask campaign repro`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::sandbox::{Sandbox, copy};

#[path = "../../xtask/src/campaign/variation.rs"]
mod variation;

use variation::{Tree, USER, Variation};

/// The targets of the trials: both formats, and a target with a variant.
const TARGETS: &str = "[build]\ntargets = [\"linux/amd64\", \"linux/arm/v7\", \"windows/amd64\"]\n";

#[test]
fn two_builds_that_differ_in_everything_around_them_have_the_same_bytes() {
    let origin = Sandbox::service();
    origin.write("sealift.toml", TARGETS);
    origin.commit("configured");
    let (key, _) = origin.key();
    let reference = release(&origin, &key, None);
    let images = reference.keys().filter(|name| name.starts_with("image/")).count();
    // Three archives, two lists of each and of the two images, and what seals them.
    assert_eq!((reference.len() - images, images), (17, 10), "{reference:?}");
    let root = variation::is_root();
    for variation in variation::variations(root) {
        if !root && variation.around.first().is_some_and(|word| word == "unshare") && !variation::has_namespaces() {
            eprintln!("NOT RUN: {}: neither root nor user namespaces here", variation.name);
            continue;
        }
        let trial = trial(&origin, variation.tree);
        let released = release(&trial, &key, Some(&variation));
        if variation.tree == Tree::GivenAway {
            let archive = released.iter().find(|(name, _)| name.ends_with(".tar.gz")).unwrap();
            assert_eq!(reference.get(archive.0), Some(archive.1), "{}", variation.name);
        } else {
            assert_eq!(released, reference, "{}", variation.name);
        }
        // Once more, with a store that has everything.
        if variation.name == "path, HOME, store" {
            std::fs::remove_dir_all(trial.path("dist")).unwrap();
            assert_eq!(release(&trial, &key, None), reference, "warm store");
        }
    }
}

#[test]
fn a_commit_that_touches_only_the_readme_changes_no_binary() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", TARGETS);
    sandbox.commit("configured");
    let binaries = |sandbox: &Sandbox| {
        sandbox.ok(&["release", "--snapshot"]).quietly();
        let record = sandbox.json(".sealift/build.json");
        let binaries = record["binaries"].as_array().unwrap_or_else(|| panic!("{record}")).clone();
        let digest = |binary: &serde_json::Value| (binary["target"].to_string(), binary["artifact"].to_string());
        binaries.iter().map(digest).collect::<BTreeMap<_, _>>()
    };
    let before = binaries(&sandbox);
    assert!(before.len() == 3 && before.values().all(|digest| digest.len() > 64), "{before:?}");
    sandbox.write("README.md", "Other words.\n");
    sandbox.commit("words");
    assert_eq!(binaries(&sandbox), before);
    // The counter-proof: a source that matters does change them.
    sandbox.write("extra.go", "package main\n\nimport \"os\"\n\nfunc init() { _ = os.Getenv(\"EXTRA\") }\n");
    sandbox.commit("source");
    let after = binaries(&sandbox);
    assert!(before.iter().all(|(target, digest)| after[target] != *digest), "{after:?}");
}

/// A copy of the project in a folder with another name, with a HOME and a store of its own.
fn trial(origin: &Sandbox, tree: Tree) -> Sandbox {
    let mut trial = Sandbox::empty();
    trial.env.insert("GOCACHE".into(), origin.env["GOCACHE"].clone());
    let from = origin.dir.path().join("origin");
    if !from.exists() {
        copy(&origin.project(), &from);
        for made in ["dist", ".sealift"] {
            std::fs::remove_dir_all(from.join(made)).unwrap();
        }
    }
    std::fs::remove_dir(trial.project()).unwrap();
    match tree {
        Tree::Reversed => copy_reversed(&from, &trial.project()),
        Tree::Plain => copy(&from, &trial.project()),
        Tree::GivenAway => {
            copy(&from, &trial.project());
            // The other user neither reads our Go build cache nor the key's folder.
            let cache = trial.dir.path().join("go-build").display().to_string();
            trial.env.insert("GOCACHE".into(), cache);
        }
    }
    trial
}

/// Copies a folder so that what is made last comes first in the order of names.
fn copy_reversed(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mut entries: Vec<_> = std::fs::read_dir(from).unwrap().flatten().map(|entry| entry.file_name()).collect();
    entries.sort();
    for name in entries.into_iter().rev() {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_reversed(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// Releases under a variation; gives the digests of `dist/`.
fn release(trial: &Sandbox, key: &str, variation: Option<&Variation>) -> BTreeMap<String, String> {
    let own = trial.dir.path().join("trial.key");
    std::fs::copy(key, &own).unwrap();
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut arguments = vec!["release", "--snapshot", "--plain", "--key", own.to_str().unwrap()];
    if variation.is_some_and(|variation| variation.tree == Tree::GivenAway) {
        // This one compiles the standard library anew, and one target is enough to see another user's hand.
        arguments.extend(["--target", "linux/amd64"]);
    }
    let plain = trial.command(&arguments);
    let mut command = match variation {
        None => plain,
        Some(variation) => {
            let program = program(trial, variation);
            let mut command = variation.command(&program);
            command.args(&arguments).current_dir(trial.project()).env_clear().envs(&trial.env);
            command.envs(variation.env.iter().copied());
            command
        }
    };
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{variation:?}\n{stderr}");
    if variation.is_some_and(|variation| variation.name == "clock") {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(variation::shows_shifted_clock(&stderr, now), "the clock was not shifted for sealift\n{stderr}");
        assert!(!variation::shows_shifted_clock(&stderr, now - variation::SHIFT), "the proof proves nothing");
    }
    trial.digests("dist")
}

/// The program as the variation's user can run it: another user gets a copy of it, and the whole trial.
fn program(trial: &Sandbox, variation: &Variation) -> std::path::PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_sealift"));
    if variation.tree != Tree::GivenAway {
        return built.to_owned();
    }
    let program = trial.dir.path().join("sealift");
    std::fs::copy(built, &program).unwrap();
    let owner = format!("{USER}:{USER}");
    let given = Command::new("chown").args(["-R", &owner]).arg(trial.dir.path()).status().unwrap();
    assert!(given.success());
    program
}
