//! A command as data: an argument vector and the whole environment of the child, so that a plan can print it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// A program to run. Nothing of the parent's environment reaches it but what stands here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// Path or name of the program.
    pub program: PathBuf,
    /// Its arguments, without the program itself. Never a shell's text.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    pub dir: PathBuf,
}

impl Command {
    /// Names a program and where it runs.
    pub fn new(program: impl Into<PathBuf>, dir: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: BTreeMap::new(), dir: dir.into() }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds variables.
    #[must_use]
    pub fn envs<K: Into<String>, V: Into<String>>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self {
        self.env.extend(vars.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// Program and arguments in one line for people; what a POSIX shell would need quoted is quoted.
    pub fn line(&self) -> String {
        let quote = |word: &str| {
            let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c));
            if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
        };
        let program = self.program.display().to_string();
        std::iter::once(&program).chain(&self.args).map(|word| quote(word)).collect::<Vec<_>>().join(" ")
    }
}
