//! `cargo xtask demo`: the main job from end to end on a fresh machine. A commit of a small Go service becomes a signed
//! release of nine targets, is verified, and the program from its archive answers.

mod answers;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::run::{Program, built, cargo, root};
use answers::Service;

/// Builds sealift, makes a release in a folder of its own, and shows what came of it. `--keep` leaves the folder.
pub fn run(arguments: &[String]) -> Outcome {
    let keep = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--keep"] => true,
        _ => return Err(Failure::usage("error: unknown argument\nhint: cargo xtask demo [--keep]")),
    };
    let began = Instant::now();
    say("build", "sealift itself (the development profile: it compiles fastest)");
    cargo()?.args(["build", "--package", "sealift"]).stream()?;
    let place = Place::make(keep)?;
    let outcome = Demo { sealift: built("debug")?, place: &place }.run();
    if outcome.is_ok() {
        say("done", &format!("in {:.0} s", began.elapsed().as_secs_f64()));
    }
    if keep {
        say("kept", &place.dir.display().to_string());
    }
    outcome
}

fn say(word: &str, text: &str) {
    println!("{word:<10}{text}");
}

struct Demo<'a> {
    sealift: PathBuf,
    place: &'a Place,
}

impl Demo<'_> {
    fn run(&self) -> Outcome {
        self.commit()?;
        let key = self.place.dir.join("release.key");
        let public = self.place.dir.join("release.key.pub");
        self.sealift().args(["key", "generate"]).args([&key]).stream()?;
        say("release", "nine targets, packed and signed");
        self.sealift().args(["--plain", "release", "--snapshot", "--key"]).args([&key]).stream()?;
        say("verify", "every file of dist/ against the public key");
        self.sealift().args(["verify", "dist", "--key"]).args([&public]).stream()?;
        self.answer()
    }

    /// The service as a repository with one commit.
    fn commit(&self) -> Outcome {
        let project = self.place.project();
        say("commit", &format!("templates/service as a repository in {}", project.display()));
        copy(&root()?.join("templates/service"), &project)?;
        let git = |words: &[&str]| {
            // A hook or a signing key of the developer's own has no part in this.
            let settings = ["user.name=Demo", "user.email=demo@example.com", "commit.gpgsign=false", "core.hooksPath="];
            let git = settings.iter().fold(Program::new("git"), |git, setting| git.args(["-c", setting]));
            git.args(words).dir(&project).stream()
        };
        git(&["init", "--quiet", "--initial-branch=main"])?;
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "--message", "A small service"])
    }

    fn sealift(&self) -> Program {
        let dir = &self.place.dir;
        Program::new(&self.sealift)
            .dir(self.place.project())
            .env("SEALIFT_CACHE", dir.join("cache"))
            .env("GOCACHE", dir.join("go-build"))
            .env("GOMODCACHE", dir.join("go-mod"))
    }

    /// Starts this machine's program, taken from its archive, asks it, and asks it to stop.
    fn answer(&self) -> Outcome {
        let archive = self.archive()?;
        say("start", &format!("the program in {}", name(&archive)));
        let unpacked = self.place.dir.join("unpacked");
        make(&unpacked)?;
        Program::new("tar").args(["-xf"]).args([&archive]).dir(&unpacked).stream()?;
        let mut service = Service::start(&unpacked.join(format!("service{}", std::env::consts::EXE_SUFFIX)))?;
        for path in ["/healthz", "/version"] {
            say("GET", &format!("{path:<10}{}", service.get(path)?));
        }
        say("SIGTERM", &format!("ended after {:.1} s with exit status 0", service.stop()?.as_secs_f64()));
        Ok(())
    }

    /// The archive for this machine.
    fn archive(&self) -> Result<PathBuf, Failure> {
        let dist = self.place.project().join("dist");
        let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "arm" => "arm_v7",
            other => other,
        };
        let entries = std::fs::read_dir(&dist).map_err(|error| at(&dist, &error))?;
        let mut files = entries.flatten().map(|entry| entry.path()).filter(|path| is_archive(&name(path), os, arch));
        files.next().ok_or_else(|| Failure::refused(format!("error: no archive in dist/ is for {os}/{arch}")))
    }
}

/// Whether a file of a release is the archive for a platform: beside it lie lists of what is in it, and signatures.
fn is_archive(name: &str, os: &str, arch: &str) -> bool {
    ["tar.gz", "zip"].iter().any(|ending| name.ends_with(&format!("_{os}_{arch}.{ending}")))
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The folder in which everything happens, gone at the end unless it is kept.
struct Place {
    dir: PathBuf,
    keep: bool,
}

impl Place {
    fn make(keep: bool) -> Result<Self, Failure> {
        let dir = std::env::temp_dir().join(format!("sealift-demo-{}", std::process::id()));
        // Not create_dir_all: a folder that somebody else has put there is not ours to use or remove.
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        Ok(Self { dir, keep })
    }

    fn project(&self) -> PathBuf {
        self.dir.join("service")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = std::fs::remove_dir_all(&self.dir)
        {
            eprintln!("warning: {} is still there: {error}", self.dir.display());
        }
    }
}

/// Copies a folder with all it holds.
pub fn copy(from: &Path, to: &Path) -> Outcome {
    make(to)?;
    for entry in std::fs::read_dir(from).map_err(|error| at(from, &error))? {
        let entry = entry.map_err(|error| at(from, &error))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            std::fs::copy(&path, &target).map_err(|error| at(&path, &error))?;
        }
    }
    Ok(())
}

fn make(dir: &Path) -> Outcome {
    std::fs::create_dir_all(dir).map_err(|error| at(dir, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_told_from_what_lies_beside_it() {
        let is_ours = |name: &str| is_archive(name, "linux", "amd64");
        assert!(is_ours("service_1.0.0_linux_amd64.tar.gz"));
        let others = ["cdx.json", "spdx.json", "tar.gz.sig", "tar.gz.minisig", "image.cdx.json"];
        for ending in others {
            assert!(!is_ours(&format!("service_1.0.0_linux_amd64.{ending}")), "{ending}");
        }
        assert!(!is_ours("service_1.0.0_linux_arm64.tar.gz") && !is_ours("service_1.0.0_darwin_amd64.tar.gz"));
        assert!(is_archive("service_1.0.0_windows_386.zip", "windows", "386"));
    }
}
