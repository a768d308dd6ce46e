//! The environment, read once at the start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

/// The variable with the secret key itself, in PEM: for machines that have secrets in variables and not in files.
pub const KEY_PEM_VARIABLE: &str = "SEALIFT_KEY_PEM";

/// The variable with the passphrase of an encrypted key.
pub const PASSPHRASE_VARIABLE: &str = "SEALIFT_KEY_PASSWORD";

/// A snapshot of environment variables and of the current folder.
#[derive(Clone, Default)]
pub struct Env {
    vars: BTreeMap<String, String>,
    secrets: Secrets,
    dir: PathBuf,
}

/// The key and its passphrase: in one place, zeroised when the last who has it is gone, and not among the variables, so that
/// no child is given them and no copy of the variables holds them.
type Secrets = Arc<BTreeMap<String, Zeroizing<String>>>;

impl Env {
    /// The process's own. Variables that are not UTF-8 are left out: nothing of ours is named or spelled so.
    pub fn real() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::apart(vars, std::env::current_dir().unwrap_or_default())
    }

    /// A given one.
    pub fn of<K: Into<String>, V: Into<String>>(dir: PathBuf, vars: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::apart(vars.into_iter().map(|(k, v)| (k.into(), v.into())).collect(), dir)
    }

    fn apart(mut vars: BTreeMap<String, String>, dir: PathBuf) -> Self {
        let mut take = |name: &str| Some((name.to_owned(), Zeroizing::new(vars.remove(name)?)));
        let secrets = [KEY_PEM_VARIABLE, PASSPHRASE_VARIABLE].into_iter().filter_map(&mut take).collect();
        Self { vars, secrets: Arc::new(secrets), dir }
    }

    /// A variable that holds a key or its passphrase, set and not empty.
    pub fn secret(&self, name: &str) -> Option<&Zeroizing<String>> {
        self.secrets.get(name).filter(|value| !value.is_empty())
    }

    /// All of them, for whoever has to keep them from being printed.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.values().map(|value| value.as_str())
    }

    /// A variable that is set and not empty; [`Self::secret`] has the secret ones.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where the process was started.
    pub fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    /// The user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.var("HOME").or_else(|| self.var("USERPROFILE")).map(PathBuf::from)
    }

    /// The user's cache folder by the XDG base directory specification, or what each system has in its place.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        if let Some(dir) = self.var("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute()) {
            return Some(dir);
        }
        if cfg!(windows) {
            return self.var("LocalAppData").map(PathBuf::from);
        }
        let tail = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        self.home().map(|home| home.join(tail))
    }

    /// The user's configuration folder, as Go's `os.UserConfigDir` finds it.
    pub fn config_dir(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            return self.var("AppData").map(PathBuf::from);
        }
        if cfg!(target_os = "macos") {
            return self.home().map(|home| home.join("Library/Application Support"));
        }
        let configured = self.var("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
        configured.or_else(|| self.home().map(|home| home.join(".config")))
    }

    /// Finds a program on `PATH`; relative entries of `PATH` do not count, because the current folder may be hostile.
    pub fn find_program(&self, name: &str) -> Option<PathBuf> {
        let path = self.var("PATH")?;
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
            .find(|candidate| super::files::is_executable(candidate))
    }

    /// The variables whose names pass a test.
    pub fn select(&self, mut wanted: impl FnMut(&str) -> bool) -> BTreeMap<String, String> {
        self.vars.iter().filter(|(name, _)| wanted(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_passphrase_are_no_variables() {
        let names = [KEY_PEM_VARIABLE, PASSPHRASE_VARIABLE, "SEALIFT_KEY", "EMPTY"];
        let env = Env::of("/".into(), [(names[0], "pem"), (names[1], ""), (names[2], "path"), (names[3], "")]);
        assert_eq!(env.select(|_| true).into_keys().collect::<Vec<_>>(), [names[3], names[2]]);
        assert_eq!(
            [names[0], names[1], names[2], names[3]].map(|name| env.var(name)),
            [None, None, Some("path"), None]
        );
        assert_eq!(env.secret(names[0]).map(|secret| secret.as_str()), Some("pem"));
        assert_eq!((env.secret(names[1]), env.secret(names[2])), (None, None));
        assert_eq!(env.secrets().collect::<Vec<_>>(), ["", "pem"]);
    }
}
