//! A small project in a folder of its own, its state kept so that every trial starts from the same one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::failure::{Failure, Outcome};
use crate::run::{Program, cargo, root};
pub use crate::scratch::Scratch;

/// The files of a release by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The build folder, and the debug sealift in it, built now. It is dynamically linked, as faketime needs it.
pub fn build() -> Result<(PathBuf, PathBuf), Failure> {
    cargo()?.args(["build", "--quiet", "--bin", "sealift"]).stream()?;
    let text = cargo()?.args(["metadata", "--no-deps", "--format-version=1"]).output()?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Failure::tool(format!("error: cargo metadata: {error}")))?;
    let target = json["target_directory"]
        .as_str()
        .map_or_else(|| root().map(|root| root.join("target")), |dir| Ok(dir.into()))?;
    let sealift = target.join("debug/sealift");
    Ok((target, sealift))
}

/// The project, its store, and what sealift is told.
pub struct Scene {
    scratch: Scratch,
    sealift: PathBuf,
    go_build: PathBuf,
}

impl Scene {
    /// A tiny service, committed, with a key and a Go build cache that already holds all of it but the service itself.
    pub fn tiny(name: &str) -> Result<Self, Failure> {
        let (target, built) = build()?;
        let scratch = Scratch::new(name)?;
        // A campaign is long: what is built in the meantime is no part of it.
        let sealift = scratch.path().join("sealift");
        copy(&built, &sealift)?;
        let scene = Self { scratch, sealift, go_build: target.join("tmp").join("campaign-go-build") };
        for folder in ["state/project", "state/cache", "home"] {
            std::fs::create_dir_all(scene.dir().join(folder)).map_err(|error| broken(scene.dir(), &error))?;
        }
        let go = Program::new("go").args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output()?;
        scene.write("go.mod", &format!("module example.com/tiny\n\ngo {}\n", go.trim().trim_start_matches("go")))?;
        scene.write("main.go", &program("first"))?;
        scene.write("LICENSE", "A licence.\n")?;
        scene.write("sealift.toml", "[build]\ntargets = [\"linux/amd64\", \"windows/amd64\"]\n")?;
        scene.commit("first")?;
        let key = scene.key().display().to_string();
        expect(scene.sealift(&["key", "generate", &key]).output(), 0)?;
        Ok(scene)
    }

    /// The folder of everything.
    pub fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// The project.
    pub fn project(&self) -> PathBuf {
        self.dir().join("state/project")
    }

    fn key(&self) -> PathBuf {
        self.dir().join("release.key")
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) -> Outcome {
        let path = self.project().join(path);
        std::fs::write(&path, text).map_err(|error| broken(&path, &error))
    }

    /// Commits everything at a fixed time.
    pub fn commit(&self, message: &str) -> Outcome {
        let commands: [&[&str]; 3] =
            [&["init", "-q", "-b", "main"], &["add", "-A"], &["commit", "-q", "--allow-empty", "-m", message]];
        for arguments in commands {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]);
            git.args(arguments).current_dir(self.project()).env_clear().envs(self.env());
            git.envs([("GIT_COMMITTER_DATE", "@1780000000 +0000"), ("GIT_AUTHOR_DATE", "@1780000000 +0000")]);
            expect(git.output(), 0)?;
        }
        Ok(())
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        let path = |name: &str| self.dir().join(name).display().to_string();
        vec![
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", path("home")),
            ("SEALIFT_CACHE", path("state/cache")),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GOCACHE", self.go_build.display().to_string()),
            ("GOMODCACHE", path("home/go/pkg/mod")),
            ("GOPROXY", "off".into()),
            ("GOSUMDB", "off".into()),
        ]
    }

    /// A command of sealift.
    pub fn sealift(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.sealift);
        command.args(arguments).current_dir(self.project()).env_clear().envs(self.env());
        command.stdin(Stdio::null());
        command
    }

    /// The release that all trials make.
    pub fn release(&self) -> Command {
        self.sealift(&["release", "--snapshot", "--plain", "--key", &self.key().display().to_string()])
    }

    /// Makes the release and gives its files.
    pub fn released(&self) -> Result<Files, Failure> {
        expect(self.release().output(), 0)?;
        self.dist()
    }

    /// The same with a Go build cache of its own: what is compiled for the reference is not there for the trial.
    pub fn reference(&self) -> Result<Files, Failure> {
        let cache = self.go_build.with_extension("reference");
        if !cache.exists() {
            copy(&self.go_build, &cache)?;
        }
        expect(self.release().env("GOCACHE", cache).output(), 0)?;
        self.dist()
    }

    /// Verifies the release.
    pub fn verify(&self) -> Result<Output, Failure> {
        let key = format!("{}.pub", self.key().display());
        let output = self.sealift(&["verify", "dist", "--key", &key]).output();
        output.map_err(|error| Failure::tool(format!("error: sealift could not be started: {error}")))
    }

    /// Keeps the state of project and store under a name.
    pub fn keep(&self, name: &str) -> Outcome {
        copy(&self.dir().join("state"), &self.dir().join(name))
    }

    /// Goes back to a kept state.
    pub fn restore(&self, name: &str) -> Outcome {
        copy(&self.dir().join(name), &self.dir().join("state"))
    }

    /// The files in `dist/`.
    pub fn dist(&self) -> Result<Files, Failure> {
        files(&self.project().join("dist"))
    }
}

/// The service's only file; `word` is in its binary, and enough functions that compiling takes a while.
pub fn program(word: &str) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "package main\n\nimport \"os\"\n\nvar version = \"dev\"\n\nfunc main() {{\n\tos.Stdout.WriteString(\"{word} \" + version + \"\\n\")\n}}\n"
    );
    for n in 0..300 {
        write!(
            text,
            "\nfunc F{n}(a, b int) int {{\n\tfor i := 0; i < a; i++ {{\n\t\tb = b*{n} + i\n\t}}\n\treturn b\n}}\n"
        )
        .expect("a string grows");
    }
    text
}

/// All files of a folder and of those in it, by their paths there; a folder that is not there has none.
pub fn files(folder: &Path) -> Result<Files, Failure> {
    let mut found = Files::new();
    collect(folder, "", &mut found)?;
    Ok(found)
}

fn collect(folder: &Path, inside: &str, found: &mut Files) -> Outcome {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(|error| broken(folder, &error))?;
        let (path, name) = (entry.path(), format!("{inside}{}", entry.file_name().to_string_lossy()));
        if entry.file_type().map_err(|error| broken(&path, &error))?.is_dir() {
            collect(&path, &format!("{name}/"), found)?;
        } else {
            found.insert(name, std::fs::read(&path).map_err(|error| broken(&path, &error))?);
        }
    }
    Ok(())
}

/// Whether a path is of a file that has no final name yet.
pub fn is_staged(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with(".staged."))
}

/// What differs between two sets of files, in words.
pub fn difference(wanted: &Files, found: &Files) -> Option<String> {
    let names = wanted.keys().chain(found.keys().filter(|name| !wanted.contains_key(*name)));
    let differs = names.filter(|name| wanted.get(*name) != found.get(*name));
    let told = differs.map(|name| match (wanted.get(name), found.get(name)) {
        (Some(_), None) => format!("{name} is missing"),
        (None, _) => format!("{name} is too much"),
        _ => format!("{name} has other bytes"),
    });
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// Expects an exit code.
pub fn expect(output: std::io::Result<Output>, exit: i32) -> Result<Output, Failure> {
    let output = output.map_err(|error| Failure::tool(format!("error: a program could not be started: {error}")))?;
    if output.status.code() == Some(exit) {
        return Ok(output);
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::refused(format!("error: ended with {} where exit {exit} was expected\n{stderr}", output.status)))
}

/// Copies a folder with modes and times, in place of what is there.
pub fn copy(from: &Path, to: &Path) -> Outcome {
    Program::new("rm").args(["-rf"]).args([to]).stream()?;
    Program::new("cp").args(["-a", "--reflink=auto"]).args([from, to]).stream()
}

/// An I/O failure of the campaign itself.
pub fn broken(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_folders_too() {
        let scratch = Scratch::new("files").unwrap();
        let folder = scratch.path().join("image/blobs");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(".staged.1-2"), "half").unwrap();
        std::fs::write(scratch.path().join("release.json"), "whole").unwrap();
        let found = files(scratch.path()).unwrap();
        let names: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["image/blobs/.staged.1-2", "release.json"]);
        assert!(is_staged(names[0]) && !is_staged(names[1]));
        assert_eq!(files(&folder.join("nowhere")).unwrap(), Files::new());
    }
}
