//! The compiler alone: `go build` as a good Makefile calls it, as many at once as sealift runs.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The default targets of sealift: GOOS, GOARCH, and a variable with its value.
const MATRIX: &[(&str, &str, &str)] = &[
    ("linux", "amd64", "GOAMD64=v1"),
    ("linux", "arm64", "GOARM64=v8.0"),
    ("linux", "arm", "GOARM=7"),
    ("linux", "386", "GO386=sse2"),
    ("darwin", "amd64", "GOAMD64=v1"),
    ("darwin", "arm64", "GOARM64=v8.0"),
    ("windows", "amd64", "GOAMD64=v1"),
    ("windows", "arm64", "GOARM64=v8.0"),
    ("windows", "386", "GO386=sse2"),
];

/// A project and the go command that builds it.
pub struct Bare {
    /// The go command.
    pub go: OsString,
    /// Its module cache, which is warm.
    pub modules: PathBuf,
    /// The project.
    pub dir: PathBuf,
    /// Its build cache.
    pub cache: PathBuf,
    /// The linker flags.
    pub ldflags: &'static str,
}

impl Bare {
    /// All nine targets, two or more at once by the number of cores.
    pub fn matrix(&self) -> Command {
        let mut lines = String::new();
        for (os, arch, variant) in MATRIX {
            writeln!(lines, "GOOS={os} GOARCH={arch} {variant} out/app_{os}_{arch}").expect("writing to a string");
        }
        // `xargs -P` starts the next one as soon as one has ended, like `make -j` and like sealift. It ends with 123
        // when one of them fails.
        let script = r#"printf '%s' "$LINES_" | xargs -P "$JOBS" -L 1 sh -c 'exec env "$0" "$1" "$2" "$GO" build -trimpath -buildvcs=false -mod=readonly -ldflags "$LDFLAGS" -o "$3" .'"#;
        let mut command = self.command("sh");
        command.args(["-c", script]);
        command.env("LINES_", lines).env("JOBS", cores().to_string()).env("GO", &self.go).env("LDFLAGS", self.ldflags);
        command
    }

    /// This machine's target alone.
    pub fn host(&self) -> Command {
        let mut command = self.command(&self.go);
        command.args(["build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", self.ldflags]);
        command.args(["-o", "bin/app", "."]);
        command
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.dir);
        command.env("GOENV", "off").env("GOFLAGS", "").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
        command.env("GOMODCACHE", &self.modules).env("GOPROXY", "off").env("GOCACHE", &self.cache);
        for name in ["GOOS", "GOARCH", "GOROOT", "GOAMD64", "GOARM64", "GOEXPERIMENT"] {
            command.env_remove(name);
        }
        command
    }

    /// What it has built.
    pub fn output(&self, name: &str) -> PathBuf {
        Path::new(&self.dir).join("out").join(name)
    }
}

/// How many builds run at once, here and in sealift.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
