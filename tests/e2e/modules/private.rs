//! A private module: found and fetched with credentials, over HTTPS that only our own authority vouches for.

use super::origin::{HOST, Origin, PASSWORD, USER};
use super::{TARGET, go_mod, says};
use crate::bad_input::nothing_half_made;
use crate::sandbox::Sandbox;

const MODULE: &str = "git.example.com/team/private";

/// A project that needs the private module, on a machine that knows the authority and the way, but no credentials.
fn project(origin: &Origin) -> Sandbox {
    let mut sandbox = Sandbox::with(&[
        ("sealift.toml", TARGET),
        ("main.go", "package main\n\nimport \"git.example.com/team/private\"\n\nfunc main() { print(private.Text) }\n"),
        ("module/go.mod", &go_mod(MODULE, "")),
        ("module/private.go", "package private\n\nconst Text = \"secret sauce\"\n"),
    ]);
    publish(&sandbox, origin);
    sandbox.own_modules();
    for (name, value) in [
        ("HTTPS_PROXY", origin.proxy()),
        ("SSL_CERT_FILE", origin.authority()),
        ("GIT_SSL_CAINFO", origin.authority()),
        ("GIT_TERMINAL_PROMPT", "0".into()),
        ("GOPROXY", "direct".into()),
        ("GOPRIVATE", HOST.into()),
    ] {
        sandbox.env.insert(name.into(), value);
    }
    sandbox
}

/// Makes a bare repository of the module, tagged, and takes its sources out of the project.
fn publish(sandbox: &Sandbox, origin: &Origin) {
    let bare = origin.repository("team/private.git");
    let module = sandbox.path("module").display().to_string();
    sandbox.git(&["-C", &module, "init", "-q", "-b", "main"]);
    sandbox.git(&["-C", &module, "add", "-A"]);
    sandbox.git(&["-C", &module, "commit", "-q", "-m", "private"]);
    sandbox.git(&["-C", &module, "tag", "v1.2.3"]);
    sandbox.git(&["clone", "-q", "--bare", &module, &bare.display().to_string()]);
    std::fs::remove_dir_all(sandbox.path("module")).unwrap();
}

fn netrc(sandbox: &Sandbox, password: &str) {
    let text = format!("machine {HOST}\nlogin {USER}\npassword {password}\n");
    std::fs::write(sandbox.dir.path().join("home/.netrc"), text).unwrap();
}

/// Lets the go command write `go.mod` and `go.sum`, as a developer does.
fn require(sandbox: &Sandbox) {
    sandbox.go(&["get", &format!("{MODULE}@v1.2.3")]);
    sandbox.go(&["mod", "tidy"]);
    sandbox.commit("the private module");
    sandbox.forget_modules();
}

#[test]
fn credentials_in_netrc() {
    let origin = Origin::start();
    let sandbox = project(&origin);
    netrc(&sandbox, PASSWORD);
    require(&sandbox);
    origin.requests();
    sandbox.ok(&["release", "--snapshot"]).quietly();
    let requests = origin.requests();
    assert!(requests.iter().any(|line| line == "200 GET /team/private.git/info/refs"), "{requests:?}");
    sandbox.ok(&["build", "-o", "app"]).quietly();
    assert_eq!(says(&sandbox.path("app")), "secret sauce");
    nothing_half_made(&sandbox);
    without_credentials(&sandbox, &origin);
    of_an_unknown_authority(sandbox, &origin);
}

/// Refused clearly, and no word of the credentials is shown.
fn without_credentials(sandbox: &Sandbox, origin: &Origin) {
    std::fs::remove_dir_all(sandbox.dir.path().join("cache")).unwrap();
    for password in [None, Some("wrong-password")] {
        sandbox.forget_modules();
        std::fs::remove_file(sandbox.dir.path().join("home/.netrc")).unwrap();
        netrc(sandbox, password.unwrap_or("unused"));
        if password.is_none() {
            std::fs::write(sandbox.dir.path().join("home/.netrc"), "").unwrap();
        }
        let before = sandbox.digests("dist");
        let run = sandbox.run(&["release", "--snapshot"]).fails(7, "source.credentials", &[MODULE]).hints(".netrc");
        assert!(!run.stderr.contains("wrong-password"), "{}", run.stderr);
        assert!(origin.requests().iter().all(|line| line.starts_with("401")));
        assert_eq!(sandbox.digests("dist"), before);
        nothing_half_made(sandbox);
    }
}

fn of_an_unknown_authority(mut sandbox: Sandbox, origin: &Origin) {
    netrc(&sandbox, PASSWORD);
    sandbox.env.remove("SSL_CERT_FILE");
    sandbox.env.remove("GIT_SSL_CAINFO");
    sandbox.forget_modules();
    sandbox.run(&["release", "--snapshot"]).fails(7, "source.certificate", &[MODULE]).hints("SSL_CERT_FILE").quietly();
    assert_eq!(origin.requests(), Vec::<String>::new(), "nothing was asked over a connection nobody vouches for");
}

#[test]
fn credentials_from_a_credential_helper_of_git() {
    let origin = Origin::start();
    let mut sandbox = project(&origin);
    let helper = format!(
        "[credential \"https://{HOST}\"]\n\thelper = \"!f() {{ echo username={USER}; echo password={PASSWORD}; }}; f\"\n"
    );
    std::fs::write(sandbox.dir.path().join("home/.gitconfig"), helper).unwrap();
    // The go command asks git itself for what it needs over HTTPS.
    sandbox.env.insert("GOAUTH".into(), format!("git {}", sandbox.project().display()));
    require(&sandbox);
    origin.requests();
    sandbox.ok(&["release", "--snapshot"]).quietly();
    assert!(origin.requests().iter().any(|line| line == "200 GET /team/private.git/info/refs"));
    sandbox.ok(&["build", "-o", "app"]).quietly();
    assert_eq!(says(&sandbox.path("app")), "secret sauce");
}
