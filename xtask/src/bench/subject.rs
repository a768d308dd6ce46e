//! What is built: the small service of this repository, and a large one from the module proxy.

use std::path::Path;

use crate::demo::copy;
use crate::failure::{Failure, Outcome};
use crate::run::{Program, root};

/// A project to build.
pub struct Lay {
    /// Its name in `--subject`.
    pub name: &'static str,
    /// The module that it is, with its version; none for the service of this repository.
    pub module: Option<&'static str>,
    /// Words of a string in its `main.go`, which a touch changes.
    pub words: &'static str,
    /// The linker flags that sealift uses for it, with `-X` where its main package has the variables.
    pub ldflags: &'static str,
}

/// All of them.
pub const SUBJECTS: &[Lay] = &[
    Lay {
        name: "service",
        module: None,
        words: "unexpected argument",
        ldflags: "-s -w -X main.version=0.0.0 -X main.commit=0000000 -X main.date=2026-01-01T00:00:00Z",
    },
    Lay {
        name: "nats",
        module: Some("github.com/nats-io/nats-server/v2@v2.15.2"),
        words: "Usage: nats-server",
        ldflags: "-s -w",
    },
];

impl Lay {
    /// Puts the project into a folder as a repository with one commit.
    pub fn lay(&self, dir: &Path, go: &std::ffi::OsStr) -> Outcome {
        match self.module {
            None => copy(&root()?.join("templates/service"), dir)?,
            Some(module) => {
                // Outside of any module, so that nothing but the proxy's answer decides.
                let answer = Program::new(go).args(["mod", "download", "-json", module]).dir(std::env::temp_dir());
                let answer: serde_json::Value = serde_json::from_str(&answer.output()?).unwrap_or_default();
                let from = answer.get("Dir").and_then(serde_json::Value::as_str);
                copy(Path::new(from.ok_or_else(|| Failure::tool(format!("error: {module} is not there")))?), dir)?;
                // Files of the module cache are read-only.
                Program::new("chmod").args(["-R", "u+w", "."]).dir(dir).stream()?;
            }
        }
        commit(dir)
    }

    /// Changes a string of `main.go`, to something new for every number.
    pub fn touch(&self, dir: &Path, number: usize) -> Outcome {
        let path = dir.join("main.go");
        let at = |error: std::io::Error| Failure::tool(format!("error: {}: {error}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(at)?;
        let new = touched(&text, self.words, number);
        let new = new.ok_or_else(|| Failure::refused(format!("error: main.go does not say {:?}", self.words)))?;
        std::fs::write(&path, new).map_err(at)
    }
}

/// Makes a folder a repository with one commit.
pub fn commit(dir: &Path) -> Outcome {
    git(dir, &["init", "--quiet", "--initial-branch=main"])?;
    git(dir, &["add", "--all"])?;
    git(dir, &["commit", "--quiet", "--message", "As published"])
}

/// Tags the commit.
pub fn tag(dir: &Path, name: &str) -> Outcome {
    git(dir, &["tag", name])
}

fn git(dir: &Path, words: &[&str]) -> Outcome {
    let who = ["-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"];
    Program::new("git").args(who).args(words).dir(dir).stream()
}

/// Puts `[NUMBER]` behind some words, in the place of the number that was there.
fn touched(text: &str, words: &str, number: usize) -> Option<String> {
    let (before, after) = text.split_once(words)?;
    let rest = after.strip_prefix(" [").and_then(|rest| rest.split_once(']')).map_or(after, |(_, rest)| rest);
    Some(format!("{before}{words} [{number}]{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_touch_changes_the_text_once() {
        let first = touched("a \"Usage: b\" c", "Usage", 1).unwrap();
        assert_eq!(first, "a \"Usage [1]: b\" c");
        assert_eq!(touched(&first, "Usage", 22).unwrap(), "a \"Usage [22]: b\" c");
        assert_eq!(touched("nothing", "Usage", 1), None);
    }

    #[test]
    fn the_service_says_the_words_that_are_changed() {
        assert!(include_str!("../../../templates/service/main.go").contains(SUBJECTS[0].words));
    }
}
