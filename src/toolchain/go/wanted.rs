//! Which Go a project asks for.

use std::path::{Path, PathBuf};

use super::fault::GoError;
use super::gomod::{self, ModFile, ToolchainLine};
use super::version::GoVersion;
use crate::host::files;

/// The Go that builds a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This version and no other.
    Exactly {
        /// Which.
        version: GoVersion,
        /// Who says so, for people: `build.go`, `go.mod:5:11`.
        by: String,
    },
    /// What is on PATH if it is at least this: for `go` lines from before 1.21, which never named a release to build
    /// with, and whose releases cannot be downloaded.
    AtLeast {
        /// Which.
        version: GoVersion,
        /// Who says so.
        by: String,
    },
    /// What is on PATH: nothing says more.
    Any,
}

/// Finds out which Go a folder of a project asks for: `build.go` of the configuration, else the `toolchain` line of `go.work`
/// or `go.mod` when it is newer than the `go` line, else the `go` line (go.dev/doc/toolchain, "Selecting Go
/// toolchains"). The nearest `go.work` at or above the folder decides when there is one, else the nearest `go.mod`.
/// Places are named as seen from the project.
///
/// # Errors
/// `toolchain.version`, `gomod.grammar`, `gomod.version`.
pub fn wanted(project: &Path, folder: &Path, configured: Option<&str>) -> Result<Wanted, GoError> {
    if let Some(text) = configured {
        let version = text.parse().ok().filter(|version: &GoVersion| !version.is_language());
        let version = version.ok_or_else(|| GoError::Configured { text: text.chars().take(80).collect() })?;
        return Ok(Wanted::Exactly { version, by: "build.go".into() });
    }
    for name in ["go.work", "go.mod"] {
        if let Some(path) = nearest(folder, name) {
            let file = gomod::parse(&files::seen_from(project, &path), &files::read_text(&path, gomod::CAP)?)?;
            return Ok(asked(&file));
        }
    }
    Ok(Wanted::Any)
}

fn nearest(folder: &Path, name: &str) -> Option<PathBuf> {
    folder.ancestors().map(|dir| dir.join(name)).find(|path| files::is_file(path))
}

/// What one file asks for.
fn asked(file: &ModFile) -> Wanted {
    let go = file.go.as_ref();
    if let Some(line) = &file.toolchain
        && let ToolchainLine::Release(version) = line.value
        && go.is_none_or(|go| version > go.value)
    {
        return Wanted::Exactly { version, by: line.place.to_string() };
    }
    match go {
        None => Wanted::Any,
        Some(go) => {
            let (version, by) = (go.value.release(), go.place.to_string());
            if go.value.release() < GoVersion::FIRST_DOWNLOADABLE {
                return Wanted::AtLeast { version, by };
            }
            Wanted::Exactly { version, by }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;
    use crate::error::Fault;

    fn of(text: &str) -> String {
        match asked(&gomod::parse("go.mod", text).unwrap()) {
            Wanted::Exactly { version, by } => format!("= {version} {by}"),
            Wanted::AtLeast { version, by } => format!("> {version} {by}"),
            Wanted::Any => "any".into(),
        }
    }

    #[test]
    fn lines_are_followed_as_go_follows_them() {
        for (text, wanted) in [
            ("go 1.26.3", "= 1.26.3 go.mod:1:4"),
            ("go 1.26", "= 1.26.0 go.mod:1:4"),
            ("go 1.27rc1", "= 1.27rc1 go.mod:1:4"),
            ("go 1.25\ntoolchain go1.26.8", "= 1.26.8 go.mod:2:11"),
            // Older than the go line: the go line is what Go would run with.
            ("go 1.26.8\ntoolchain go1.26.3", "= 1.26.8 go.mod:1:4"),
            ("go 1.26.8\ntoolchain default", "= 1.26.8 go.mod:1:4"),
            ("go 1.26.8\ntoolchain local", "= 1.26.8 go.mod:1:4"),
            // A language version is older than each of its releases.
            ("go 1.26\ntoolchain go1.26rc2", "= 1.26rc2 go.mod:2:11"),
            ("go 1.20", "> 1.20 go.mod:1:4"),
            ("go 1.20.14", "> 1.20.14 go.mod:1:4"),
            ("go 1.21rc2", "> 1.21rc2 go.mod:1:4"),
            ("go 1.21", "= 1.21.0 go.mod:1:4"),
            ("go 1.18\ntoolchain go1.26.8", "= 1.26.8 go.mod:2:11"),
            ("module a", "any"),
        ] {
            assert_eq!(of(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn configuration_then_workspace_then_module() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("a/b");
        std::fs::create_dir_all(&project).unwrap();
        let exactly = |version: &str, by: &str| Wanted::Exactly { version: version.parse().unwrap(), by: by.into() };
        std::fs::write(project.join("go.mod"), "go 1.26.3\n").unwrap();
        assert_eq!(wanted(&project, &project, None).unwrap(), exactly("1.26.3", "go.mod:1:4"));
        std::fs::create_dir(project.join("api")).unwrap();
        std::fs::write(project.join("api/go.mod"), "go 1.26.7\n").unwrap();
        assert_eq!(wanted(&project, &project.join("api"), None).unwrap(), exactly("1.26.7", "api/go.mod:1:4"));
        let work = dir.path().join("a/go.work");
        std::fs::write(&work, "go 1.26.4\n").unwrap();
        assert_eq!(wanted(&project, &project, None).unwrap(), exactly("1.26.4", "../go.work:1:4"));
        assert_eq!(wanted(&project, &project, Some("1.26.5")).unwrap(), exactly("1.26.5", "build.go"));
        for wrong in ["1.26", "latest", "1.26.5-custom", ""] {
            assert_eq!(wanted(&project, &project, Some(wrong)).unwrap_err().code(), "toolchain.version", "{wrong}");
        }
        std::fs::write(&work, "go 1.26.4\ngo 1.26.5\n").unwrap();
        assert_eq!(wanted(&project, &project, None).unwrap_err().code(), "gomod.grammar");
    }
}
