//! Child programs: started with an argument vector, named in full when they fail.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};

/// The repository's top folder. Asked at run time, because a copied target folder would remember another one.
pub fn root() -> Result<PathBuf, Failure> {
    if let Some(package) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)
        && let Some(root) = package.parent()
    {
        return Ok(root.to_owned());
    }
    let top = Program::new("git").args(["rev-parse", "--show-toplevel"]).output()?;
    Ok(PathBuf::from(top.trim_end()))
}

/// The cargo that runs this task, without what it told this task of this package: build scripts (ring's) look at these
/// variables, and would run again whenever cargo is called once from here and once from a shell.
pub fn cargo() -> Result<Program, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut program = Program::new(cargo).dir(root()?);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(speaks_of_a_package) {
            program.command.env_remove(name);
        }
    }
    Ok(program)
}

/// Whether cargo sets a variable for one package (doc.rust-lang.org/cargo/reference/environment-variables.html).
fn speaks_of_a_package(name: &str) -> bool {
    let whole = ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || whole.contains(&name)
}

/// Where cargo has put sealift for a profile's folder (`debug`, `release`).
pub fn built(profile: &str) -> Result<PathBuf, Failure> {
    // This program lies in `TARGET/debug/`, wherever the developer's target folder is.
    let own = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.parent()?.to_owned()));
    let target = own.ok_or_else(|| Failure::tool("error: the target folder cannot be found"))?;
    Ok(target.join(profile).join(format!("sealift{}", std::env::consts::EXE_SUFFIX)))
}

/// Finds a program on PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| is_program(file))
}

/// Whether a path is a file that may be run.
#[cfg(unix)]
pub fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Whether a path is a file that may be run.
#[cfg(not(unix))]
pub fn is_program(file: &Path) -> bool {
    file.with_extension("exe").is_file() || file.is_file()
}

/// A program about to run, in the parent's environment.
pub struct Program {
    command: Command,
}

impl Program {
    /// Names a program.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { command: Command::new(program) }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Says where it runs.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Program and arguments in one line for people.
    pub fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    /// Runs it with its output where ours goes.
    pub fn stream(mut self) -> Outcome {
        let line = self.line();
        let status = self.command.stdin(Stdio::null()).status().map_err(|error| not_started(&line, &error))?;
        if status.success() { Ok(()) } else { Err(Failure::refused(format!("error: `{line}` ended with {status}"))) }
    }

    /// Runs it and gives its standard output; its standard error goes where ours goes.
    pub fn output(mut self) -> Result<String, Failure> {
        let line = self.line();
        let child = self.command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = child.map_err(|error| not_started(&line, &error))?;
        if !output.status.success() {
            return Err(Failure::refused(format!("error: `{line}` ended with {}", output.status)));
        }
        String::from_utf8(output.stdout).map_err(|_| Failure::refused(format!("error: `{line}` printed no UTF-8")))
    }
}

fn not_started(line: &str, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: `{line}` could not be started: {error}\nhint: is it installed, and on PATH?"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_with_its_arguments() {
        let failure = Program::new("sh").args(["-c", "exit 3"]).stream().unwrap_err();
        assert!(failure.message.contains("`sh -c exit 3`") && failure.message.contains('3'), "{}", failure.message);
    }

    #[test]
    fn a_missing_program_is_a_tool_failure() {
        assert_eq!(Program::new("no-such-program-here").output().unwrap_err().exit, 6);
    }

    #[test]
    fn output_is_standard_output_alone() {
        let text = Program::new("sh").args(["-c", "echo out; echo err >&2"]).env("X", "1").output().unwrap();
        assert_eq!(text, "out\n");
    }

    #[test]
    fn cargo_is_told_nothing_of_this_package() {
        let kept = ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "PATH"];
        assert!(!kept.iter().any(|name| speaks_of_a_package(name)));
        // Cargo has set them for this test.
        assert!(std::env::vars().any(|(name, _)| speaks_of_a_package(&name)));
        let removed = cargo().unwrap().command.get_envs().filter(|(_, value)| value.is_none()).count();
        assert!(removed > 5, "{removed}");
    }

    #[test]
    fn finds_programs_on_path() {
        assert!(find("sh").is_some_and(|file| is_program(&file)));
        assert_eq!(find("no-such-program-here"), None);
    }
}
