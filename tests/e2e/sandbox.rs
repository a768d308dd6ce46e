//! A project in a folder of its own, and sealift run on it with nothing of the surroundings but git and go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The commit time of every commit that a sandbox makes.
pub const EPOCH: u64 = 1_780_000_000;

pub struct Sandbox {
    pub dir: tempfile::TempDir,
    pub env: BTreeMap<String, String>,
}

/// What a run of sealift left.
#[must_use]
pub struct Run {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// An empty folder `project` with a home beside it.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["home", "project", "cache"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let path = |name: &str| dir.path().join(name).display().to_string();
        let env = [
            ("PATH", std::env::var("PATH").unwrap()),
            ("HOME", path("home")),
            ("SEALIFT_CACHE", path("cache")),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            // What is compiled of the standard library is shared by all tests; it is keyed by content.
            ("GOCACHE", shared().join("go-build").display().to_string()),
            ("GOMODCACHE", shared().join("go-mod").display().to_string()),
            ("GOPROXY", "off".into()),
            ("GOSUMDB", "off".into()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { dir, env }
    }

    /// The small service of `templates/service`, committed.
    pub fn service() -> Self {
        let sandbox = Self::empty();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/service"), &sandbox.project());
        sandbox.write("go.mod", &format!("module example.com/service\n\ngo {}\n", go_version()));
        sandbox.commit("first");
        sandbox
    }

    /// A project of given files, committed; `go.mod` is written where none is given.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let sandbox = Self::empty();
        sandbox.write("go.mod", &format!("module example.com/m\n\ngo {}\n", go_version()));
        for (path, text) in files {
            sandbox.write(path, text);
        }
        sandbox.commit("first");
        sandbox
    }

    pub fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.project().join(name)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(path)).unwrap()
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    pub fn git(&self, args: &[&str]) -> String {
        let date = format!("@{EPOCH} +0000");
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"])
            .args(args)
            .current_dir(self.project())
            .env_clear()
            .envs(&self.env)
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_AUTHOR_DATE", &date)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits everything; gives the commit's name.
    pub fn commit(&self, message: &str) -> String {
        if !self.path(".git").exists() {
            self.git(&["init", "-q", "-b", "main"]);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A folder with these programs of PATH and no others.
    pub fn tools(&self, names: &[&str]) -> PathBuf {
        let dir = self.dir.path().join("tools");
        std::fs::create_dir_all(&dir).unwrap();
        for name in names {
            let path = std::env::split_paths(&self.env["PATH"]).map(|dir| dir.join(name)).find(|path| path.is_file());
            std::os::unix::fs::symlink(path.unwrap_or_else(|| panic!("{name} is not on PATH")), dir.join(name))
                .unwrap();
        }
        dir
    }

    /// Runs the go command in the project.
    pub fn go(&self, args: &[&str]) {
        let mut command = Command::new("go");
        command.args(args).current_dir(self.project()).env_clear().envs(&self.env).env("GOTOOLCHAIN", "local");
        let output = command.output().unwrap();
        assert!(output.status.success(), "go {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A command of sealift that is ready to run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command.args(args).current_dir(self.project()).env_clear().envs(&self.env);
        command
    }

    /// Runs sealift.
    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).output().unwrap())
    }

    /// Runs sealift and expects it to succeed.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.exit, 0, "sealift {args:?}\n{}\n{}", run.stdout, run.stderr);
        run
    }

    /// A signing key, made once; gives the options that use it and the path of its public half.
    pub fn key(&self) -> (String, String) {
        let secret = self.dir.path().join("release.key");
        if !secret.exists() {
            self.ok(&["key", "generate", secret.to_str().unwrap()]).quietly();
        }
        (secret.display().to_string(), format!("{}.pub", secret.display()))
    }

    /// Digests of all files below a folder of the project.
    pub fn digests(&self, folder: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        collect(&self.path(folder), "", &mut found);
        found
    }
}

impl Drop for Sandbox {
    /// A module cache is read-only, and could not be removed by an ordinary user.
    fn drop(&mut self) {
        writable(&self.dir.path().join("home"));
    }
}

fn writable(dir: &Path) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    // Whatever cannot be removed stays in the system's folder for temporary files.
    std::fs::set_permissions(dir, permissions).ok();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            writable(&entry.path());
        }
    }
}

impl Run {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { exit: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The run is not looked at further.
    pub fn quietly(self) {}

    /// Expects an exit code, an error code, and words in the message.
    #[track_caller]
    pub fn fails(self, exit: i32, code: &str, words: &[&str]) -> Self {
        let shown = format!("exit {}\n{}\n{}", self.exit, self.stdout, self.stderr);
        assert_eq!(self.exit, exit, "{shown}");
        assert!(self.stderr.contains(&format!("error[{code}]")), "wanted {code}\n{shown}");
        for word in words {
            assert!(self.stderr.contains(word), "wanted {word:?}\n{shown}");
        }
        self
    }
}

fn collect(dir: &Path, prefix: &str, into: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), into);
        } else {
            let digest = sealift_trust::Digest::of(&std::fs::read(entry.path()).unwrap());
            into.insert(name, digest.hex());
        }
    }
}

/// Copies a folder with all it holds.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A folder that lives as long as the build folder.
pub fn shared() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The version of the `go` on PATH, without `go`: what the tests' modules ask for, so that nothing is downloaded.
pub fn go_version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let output = Command::new("go")
            .arg("version")
            .env("GOTOOLCHAIN", "local")
            .output()
            .expect("go is on PATH: cargo xtask test");
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().nth(2).unwrap().trim_start_matches("go").to_owned()
    })
}
