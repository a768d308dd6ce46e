//! The Go that the user has on PATH.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::GoError;
use super::version::GoVersion;
use crate::command::Command;
use crate::host::{Host, files};

/// The most that is read of a `VERSION` file.
const CAP: u64 = 4096;

/// An installed Go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its GOROOT.
    pub root: PathBuf,
    /// Its version; of a variant (`1.26.8-custom`) the version that it is a variant of.
    pub version: GoVersion,
    /// Whether it is that release itself.
    pub is_release: bool,
}

/// Finds the Go on PATH, if there is one.
///
/// A `VERSION` file beside the program's real place is read; without one (the program is a wrapper script) the go command
/// is asked.
pub fn installed(host: &Host) -> Result<Option<Installed>, GoError> {
    let Some(program) = host.env.find_program("go") else { return Ok(None) };
    let real = files::real(&program)?;
    if let Some(root) = real.parent().and_then(Path::parent)
        && files::is_folder(&root.join("pkg/tool"))
        && let Some(text) = version_file(root)?
    {
        return described(&program, root.to_owned(), &text).map(Some);
    }
    let answer = asked(host, &program)?;
    described(&program, PathBuf::from(&answer.root), &answer.version).map(Some)
}

/// The first line of a toolchain's `VERSION`.
pub fn version_file(root: &Path) -> Result<Option<String>, GoError> {
    let bytes = files::read_if_present(&root.join("VERSION"), CAP)?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.map(|text| text.lines().next().unwrap_or("").trim().to_owned()))
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "GOROOT")]
    root: String,
    #[serde(rename = "GOVERSION")]
    version: String,
}

fn asked(host: &Host, program: &Path) -> Result<Answer, GoError> {
    let mut vars =
        host.env.select(|name| matches!(name, "PATH" | "HOME" | "USERPROFILE" | "SYSTEMROOT" | "SystemRoot"));
    vars.extend([("GOTOOLCHAIN", "local"), ("GOENV", "off")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    let command = Command::new(program, host.env.dir()).args(["env", "-json", "GOROOT", "GOVERSION"]).envs(vars);
    let finished = host.run(&command)?;
    serde_json::from_slice(&finished.stdout).map_err(|error| unusable(program, format!("`go env -json`: {error}")))
}

/// Understands `go1.26.8`, `go1.26.8-custom` and `go1.26.8 X:experiment`.
fn described(program: &Path, root: PathBuf, text: &str) -> Result<Installed, GoError> {
    let name = text.split(['-', ' ', '\t']).next().unwrap_or("");
    let version: Option<GoVersion> = name.strip_prefix("go").and_then(|name| name.parse().ok());
    let version = version.ok_or_else(|| unusable(program, format!("its version is {text:?}")))?;
    Ok(Installed { root, version: version.release(), is_release: name == text })
}

fn unusable(program: &Path, why: String) -> GoError {
    GoError::Unusable { program: program.display().to_string(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn variants_are_no_releases() {
        let of = |text| described(Path::new("go"), "/r".into(), text).map(|go| (go.version.to_string(), go.is_release));
        assert_eq!(of("go1.26.8").unwrap(), ("1.26.8".into(), true));
        assert_eq!(of("go1.27rc1").unwrap(), ("1.27rc1".into(), true));
        assert_eq!(of("go1.26.8-custom").unwrap(), ("1.26.8".into(), false));
        assert_eq!(of("go1.26.8 X:nogreenteagc").unwrap(), ("1.26.8".into(), false));
        assert_eq!(of("devel go1.27-abcdef").unwrap_err().code(), "toolchain.unusable");
        assert_eq!(of("").unwrap_err().code(), "toolchain.unusable");
    }
}
