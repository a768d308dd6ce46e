//! What a go command that we start may see of the user's environment.

use std::collections::BTreeMap;
use std::path::Path;

use super::settings::GoSettings;
use crate::host::env::Env;

/// Settings of the go command that concern where modules come from and where its caches are; they change no byte of a
/// binary. Everything that does (`GOFLAGS`, `GOOS`, `CGO_…`, `GOEXPERIMENT`) is set by the plan or not at all.
const GO: [&str; 12] = [
    "GOPATH",
    "GOCACHE",
    "GOMODCACHE",
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
    "GOINSECURE",
    "GOAUTH",
    "GOVCS",
    "GOTMPDIR",
];

/// What git and ssh need to reach private modules, and TLS and proxies for go and git alike.
const USER: [&str; 32] = [
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    // Where the go command has its cache and git its configuration when they are not in their usual places.
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "NETRC",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_ASKPASS",
    "GIT_TERMINAL_PROMPT",
    "GIT_ALLOW_PROTOCOL",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "DISPLAY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

/// What programs on Windows do not start without.
const WINDOWS: [&str; 12] = [
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "LOCALAPPDATA",
    "APPDATA",
    "PROGRAMDATA",
    "HOMEDRIVE",
];

/// Where the system's own programs are; git, ssh and a C compiler must be found even with a poor PATH.
const SYSTEM: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"];

/// The whole environment of a go command: an allow-list, and what is fixed.
///
/// - `PATH` is the toolchain's `bin`, then the user's absolute entries (relative ones would find programs of the
///   project), then the system's folders.
/// - `GOTOOLCHAIN=local` so that no other Go takes over, `GOENV=off` and an empty `GOFLAGS` so that no file changes a
///   build unseen, `GO111MODULE=on`, and `LC_ALL=C` so that messages are the same everywhere.
/// - each allowed `GO…` setting is taken from the environment, else from the user's go env file, which is what
///   `GOENV=off` hides.
/// - without any home folder, caches go below `cache`.
pub fn environment(env: &Env, settings: &GoSettings, root: &Path, cache: &Path) -> BTreeMap<String, String> {
    let mut vars = env.select(|name| {
        let windows = cfg!(windows) && WINDOWS.iter().any(|known| known.eq_ignore_ascii_case(name));
        USER.contains(&name) || name.starts_with("GIT_CONFIG_") || windows
    });
    vars.extend(GO.iter().filter_map(|name| Some(((*name).to_owned(), settings.get(name)?.to_owned()))));
    if env.home().is_none() {
        let mut fallback = |name: &str, dir: &str| {
            vars.entry(name.to_owned()).or_insert_with(|| cache.join(dir).display().to_string());
        };
        if env.var("XDG_CACHE_HOME").is_none() {
            fallback("GOCACHE", "go-build");
        }
        fallback("GOPATH", "gopath");
    }
    let fixed = [("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("GO111MODULE", "on"), ("LC_ALL", "C")];
    vars.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    vars.insert("PATH".into(), path(env, root));
    vars
}

fn path(env: &Env, root: &Path) -> String {
    let user = env.var("PATH").map(std::env::split_paths).into_iter().flatten().filter(|dir| dir.is_absolute());
    let system = if cfg!(windows) { &[][..] } else { &SYSTEM[..] };
    let mut dirs = vec![root.join("bin")];
    for dir in user.chain(system.iter().map(Into::into)) {
        if !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    // Entries came out of such a list, so they go into one; a root with a separator in its name is used by its path.
    std::env::join_paths(&dirs)
        .or_else(|_| std::env::join_paths(&dirs[1..]))
        .map(|path| path.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;

    fn made(vars: &[(&str, &str)], file: &str) -> BTreeMap<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let goenv = dir.path().join("env");
        std::fs::write(&goenv, file).unwrap();
        let goenv = [("GOENV", goenv.to_str().unwrap())];
        let env = Env::of("/".into(), vars.iter().chain(&goenv).copied());
        let settings = GoSettings::read(&env, None).unwrap();
        environment(&env, &settings, Path::new("/go"), Path::new("/cache"))
    }

    #[test]
    fn only_what_is_listed_passes_and_the_fixed_ones_win() {
        let vars = made(
            &[
                ("HOME", "/home/me"),
                ("PATH", "/opt/bin:relative::/bin"),
                ("GOFLAGS", "-mod=mod"),
                ("GOTOOLCHAIN", "auto"),
                ("GOEXPERIMENT", "x"),
                ("AWS_SECRET_ACCESS_KEY", "s"),
                ("LD_PRELOAD", "/x.so"),
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_DIR", "/elsewhere"),
                ("https_proxy", "http://p"),
                ("GOPRIVATE", "a"),
                ("GOROOT", "/other"),
                ("GOOS", "plan9"),
            ],
            "GOPRIVATE=b\nGONOSUMDB=c\nGOFLAGS=-x\nGOWORK=off\n",
        );
        let expected = [
            ("GIT_CONFIG_COUNT", "1"),
            ("GO111MODULE", "on"),
            ("GOENV", "off"),
            ("GOFLAGS", ""),
            ("GONOSUMDB", "c"),
            ("GOPRIVATE", "a"),
            ("GOTOOLCHAIN", "local"),
            ("HOME", "/home/me"),
            ("LC_ALL", "C"),
            ("PATH", "/go/bin:/opt/bin:/bin:/usr/local/bin:/usr/bin:/usr/sbin"),
            ("https_proxy", "http://p"),
        ];
        let expected: BTreeMap<String, String> = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(vars, expected);
    }

    #[test]
    fn without_a_home_the_caches_have_a_place() {
        let vars = made(&[("GOPATH", "/g")], "");
        assert_eq!((vars["GOCACHE"].as_str(), vars["GOPATH"].as_str()), ("/cache/go-build", "/g"));
        assert!(!made(&[("HOME", "/h")], "").contains_key("GOCACHE"));
    }
}
