//! The settings of the go command: from the environment, else from the user's go env file, else from the toolchain.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::env::Env;
use crate::host::files::{self, FileError};

/// The most that is read of an env file.
const CAP: u64 = 1 << 20;

/// `GO…` settings, found as `go help environment` and `$GOROOT/go.env` describe it.
#[derive(Clone)]
pub struct GoSettings {
    env: Env,
    /// The toolchain's `go.env` with the user's file on top.
    written: BTreeMap<String, String>,
}

impl GoSettings {
    /// Reads the user's file (`$GOENV`, else `go/env` in the user's configuration folder; none for `GOENV=off`) and the
    /// `go.env` of an installed toolchain, where distributions write their own defaults.
    pub fn read(env: &Env, root: Option<&Path>) -> Result<Self, FileError> {
        let mut written = BTreeMap::new();
        for path in [root.map(|root| root.join("go.env")), user_file(env)].into_iter().flatten() {
            if let Some(bytes) = files::read_if_present(&path, CAP)? {
                let text =
                    String::from_utf8(bytes).map_err(|_| FileError::NotText { path: path.display().to_string() })?;
                written.extend(lines(&text));
            }
        }
        Ok(Self { env: env.clone(), written })
    }

    /// A setting that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.env.var(name).or_else(|| self.written.get(name).map(String::as_str).filter(|value| !value.is_empty()))
    }

    /// `GOPROXY`, with the default that Go documents.
    pub fn proxy(&self) -> &str {
        self.get("GOPROXY").unwrap_or("https://proxy.golang.org,direct")
    }

    /// `GOSUMDB`, with the default that Go documents.
    pub fn sumdb(&self) -> &str {
        self.get("GOSUMDB").unwrap_or("sum.golang.org")
    }
}

fn user_file(env: &Env) -> Option<PathBuf> {
    match env.var("GOENV") {
        Some("off") => None,
        Some(path) => Some(path.into()),
        None => env.config_dir().map(|dir| dir.join("go/env")),
    }
}

/// `NAME=value` lines; others are skipped, as the go command does.
fn lines(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once('=')?;
        let named = name.starts_with(|c: char| c.is_ascii_uppercase());
        (named && !line.contains('\0')).then(|| (name.to_owned(), value.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;

    #[test]
    fn the_environment_wins_then_the_users_file_then_the_toolchains() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let config = home.join(if cfg!(target_os = "macos") { "Library/Application Support/go" } else { ".config/go" });
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("env"), "# x\nGOPROXY=https://b\nGOVCS=off\nnot=this\nGOSUMDB=\n").unwrap();
        std::fs::write(dir.path().join("go.env"), "GOPROXY=direct\nGOSUMDB=off\nGOPRIVATE=p\n").unwrap();
        let env = |vars: &[(&str, &str)]| {
            let home = [("HOME", home.to_str().unwrap())];
            Env::of(dir.path().into(), home.iter().chain(vars).copied())
        };
        let settings = GoSettings::read(&env(&[("GOVCS", "all")]), Some(dir.path())).unwrap();
        assert_eq!((settings.proxy(), settings.get("GOVCS")), ("https://b", Some("all")));
        // An empty line in the user's file takes the toolchain's away, and Go's own default is left.
        assert_eq!((settings.sumdb(), settings.get("GOPRIVATE")), ("sum.golang.org", Some("p")));
        let settings = GoSettings::read(&env(&[("GOENV", "off")]), None).unwrap();
        assert_eq!((settings.proxy(), settings.get("GOVCS")), ("https://proxy.golang.org,direct", None));
    }
}
