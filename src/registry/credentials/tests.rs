#![allow(clippy::disallowed_methods, reason = "a test makes and looks at the files itself")]

use std::path::Path;

use super::*;
use crate::error::Fault;
use crate::host::env::Env;

struct Home(tempfile::TempDir);

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn login(&self, variables: &[(&str, &str)], repository: &str) -> Result<Option<Login>, RegistryError> {
        let home = self.path().display().to_string();
        let mut all = vec![("HOME".to_owned(), home.clone())];
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.replace("~", &home))));
        let host = Host::with_env(Env::of("/".into(), all));
        Keyring::new(&host, &Events::silent()).login(&repository.parse().unwrap())
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it is compared with what may be nothing")]
fn password(user: &str, password: &str) -> Option<Login> {
    Some(Login::Password { user: user.into(), password: Secret::new(password) })
}

/// A file with one entry for each key: the user is the key, the password `p`.
fn auths(keys: &[&str]) -> String {
    use base64ct::{Base64, Encoding};
    let auth =
        |key: &str| format!("\"{key}\":{{\"auth\":\"{}\"}}", Base64::encode_string(format!("{key}:p").as_bytes()));
    format!("{{\"auths\":{{{}}}}}", keys.iter().map(|key| auth(key)).collect::<Vec<_>>().join(","))
}

#[test]
fn the_key_that_names_most_of_a_repository_counts() {
    let text = auths(&["r.example", "r.example/team", "https://r.example:5000/v2/", "r.example/team/app"]);
    let home = Home::new(&[(".docker/config.json", &text)]);
    let user = |repository: &str| match home.login(&[], repository).unwrap() {
        Some(Login::Password { user, .. }) => user,
        other => format!("{other:?}"),
    };
    assert_eq!(user("r.example/other"), "r.example");
    assert_eq!(user("r.example/teams/app"), "r.example");
    assert_eq!(user("r.example/team/lib"), "r.example/team");
    assert_eq!(user("r.example/team/app"), "r.example/team/app");
    assert_eq!(user("r.example/team/app/sub"), "r.example/team/app");
    // The key itself has colons, so that it is cut at the first: what matters is that this entry was taken.
    assert_eq!(user("r.example:5000/x"), "https");
    assert_eq!(user("sub.r.example/x"), "None");
    assert_eq!(user("r.example.evil/team/app"), "None");
}

#[test]
fn dockers_hub_is_found_under_its_old_name() {
    let text = r#"{"auths":{"https://index.docker.io/v1/":{"username":"me","password":"p"}}}"#;
    let home = Home::new(&[(".docker/config.json", text)]);
    assert_eq!(home.login(&[], "alpine").unwrap(), password("me", "p"));
    assert_eq!(home.login(&[], "ghcr.io/alpine").unwrap(), None);
}

#[test]
fn files_are_asked_in_their_order() {
    let entry = |user: &str| format!("{{\"auths\":{{\"r.example\":{{\"username\":\"{user}\",\"password\":\"p\"}}}}}}");
    let (docker, elsewhere, named) = (entry("docker"), entry("elsewhere"), entry("named"));
    let (runtime, config) = (entry("runtime"), entry("config"));
    let home = Home::new(&[
        (".docker/config.json", &docker),
        ("d/config.json", &elsewhere),
        ("named.json", &named),
        ("run/containers/auth.json", &runtime),
        (".config/containers/auth.json", &config),
    ]);
    let run = ("XDG_RUNTIME_DIR", "~/run");
    let none = ("DOCKER_CONFIG", "~/none");
    let user = |variables: &[(&str, &str)]| home.login(variables, "r.example/a").unwrap();
    assert_eq!(user(&[run]), password("docker", "p"));
    assert_eq!(user(&[run, ("DOCKER_CONFIG", "~/d")]), password("elsewhere", "p"));
    assert_eq!(user(&[none, run, ("REGISTRY_AUTH_FILE", "~/named.json")]), password("named", "p"));
    assert_eq!(user(&[none, run]), password("runtime", "p"));
    assert_eq!(user(&[none]), password("config", "p"));
}

#[test]
fn our_own_variables_come_first_and_are_for_their_host_alone() {
    let home = Home::new(&[(".docker/config.json", &auths(&["r.example"]))]);
    let (host, user) = (("SEALIFT_REGISTRY_HOST", "r.example"), ("SEALIFT_REGISTRY_USER", "u"));
    let (secret, token) = (("SEALIFT_REGISTRY_PASSWORD", "p"), ("SEALIFT_REGISTRY_TOKEN", "t"));
    assert_eq!(home.login(&[host, user, secret], "r.example/a").unwrap(), password("u", "p"));
    assert_eq!(home.login(&[host, user, secret], "o.example/a").unwrap(), None);
    assert_eq!(home.login(&[host, token], "r.example/a").unwrap(), Some(Login::Token(Secret::new("t"))));
    for incomplete in [vec![user, secret], vec![token], vec![host, user], vec![host, secret]] {
        let error = home.login(&incomplete, "r.example/a").unwrap_err();
        assert_eq!((error.code(), error.kind().exit_code()), ("registry.credential-variables", 3), "{incomplete:?}");
    }
}

#[test]
fn a_ci_job_has_its_own_registry_and_no_other() {
    let home = Home::new(&[]);
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_ACTOR", "me"), ("GITHUB_TOKEN", "t")];
    assert_eq!(home.login(&github, "ghcr.io/me/app").unwrap(), password("me", "t"));
    assert_eq!(home.login(&github, "ghcr.io.evil/me/app").unwrap(), None);
    assert_eq!(home.login(&github[1..], "ghcr.io/me/app").unwrap(), None);
    let gitlab = [("CI_REGISTRY", "r.example:5050"), ("CI_REGISTRY_USER", "u"), ("CI_REGISTRY_PASSWORD", "p")];
    assert_eq!(home.login(&gitlab, "r.example:5050/me/app").unwrap(), password("u", "p"));
    assert_eq!(home.login(&gitlab, "r.example/me/app").unwrap(), None);
}

#[test]
fn tokens_of_both_kinds_are_known() {
    let text = r#"{"auths":{"a.example":{"auth":"bWU6cA==","identitytoken":"i"},"b.example":{"registrytoken":"r"}}}"#;
    let home = Home::new(&[(".docker/config.json", text)]);
    assert_eq!(home.login(&[], "a.example/x").unwrap(), Some(Login::Identity(Secret::new("i"))));
    assert_eq!(home.login(&[], "b.example/x").unwrap(), Some(Login::Token(Secret::new("r"))));
}

#[test]
fn a_bad_file_is_named_and_not_repeated() {
    let bad = [
        "{\"auths\":{\"r.example\":{\"auth\":\"canary!\"}}}",
        "{\"auths\":{\"r.example\":{\"auth\":[\"canary\"]}}}",
        "{\"auths\":{\"r.example\":{\"auth\":\"Y2FuYXJ5\"}}}",
        "canary",
    ];
    for text in bad {
        let error = Home::new(&[(".docker/config.json", text)]).login(&[], "r.example/a").unwrap_err();
        assert_eq!((error.code(), error.kind().exit_code()), ("registry.credential-file", 3), "{text}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[cfg(unix)]
mod programs {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn with_helper(config: &str, name: &str, script: &str) -> Home {
        let program = format!("bin/docker-credential-{name}");
        let home = Home::new(&[(".docker/config.json", config), (&program, script)]);
        std::fs::set_permissions(home.path().join(program), std::fs::Permissions::from_mode(0o755)).unwrap();
        home
    }

    fn login(home: &Home, repository: &str) -> Option<Login> {
        home.login(&[("PATH", "~/bin:/usr/bin:/bin"), ("SEALIFT_KEY", "x")], repository).unwrap()
    }

    const CONFIG: &str = r#"{"credsStore":"all","credHelpers":{"r.example":"mine"},
        "auths":{"r.example":{"username":"plain","password":"p"},"o.example":{"username":"plain","password":"p"}}}"#;
    /// Answers with the server as the user, and with what it sees of our own variables.
    const ECHO: &str = "#!/bin/sh\nread server\n[ \"$1\" = get ] || exit 1\n\
                        echo \"{\\\"Username\\\":\\\"$server\\\",\\\"Secret\\\":\\\"s$SEALIFT_KEY\\\"}\"\n";

    #[test]
    fn a_hosts_own_helper_comes_before_the_entry() {
        let home = with_helper(CONFIG, "mine", ECHO);
        assert_eq!(login(&home, "r.example/a"), password("r.example", "s"));
        // The other one is not installed: what the file itself has counts.
        assert_eq!(login(&home, "o.example/a"), password("plain", "p"));
    }

    #[test]
    fn a_store_is_asked_for_every_host() {
        let home = with_helper(CONFIG, "all", ECHO);
        assert_eq!(login(&home, "o.example/a"), password("o.example", "s"));
        assert_eq!(login(&home, "alpine"), password("https://index.docker.io/v1/", "s"));
    }

    #[test]
    fn a_helper_without_an_answer_leaves_the_entry() {
        let scripts = [
            "#!/bin/sh\necho credentials not found in native keychain; exit 1\n",
            "#!/bin/sh\nexit 3\n",
            "#!/bin/sh\necho nonsense\n",
        ];
        for script in scripts {
            let home = with_helper(CONFIG, "mine", script);
            assert_eq!(login(&home, "r.example/a"), password("plain", "p"), "{script}");
        }
        let identity = "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"i\"}'\n";
        let home = with_helper(CONFIG, "mine", identity);
        assert_eq!(login(&home, "r.example/a"), Some(Login::Identity(Secret::new("i"))));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_no_helper() {
        for name in ["../bin/sh", "", "a b", "x;y"] {
            assert!(program::ask(&Host::with_env(Env::real()), name, "r.example").is_err(), "{name}");
        }
    }
}
