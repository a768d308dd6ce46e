//! Real registries as children of the test, on free ports of the machine itself, with certificates and tokens of ours.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use sealift_trust::SecretKey;

use super::server::{Auth, BASIC, PASSWORD, Reply, Server, USER};

/// bcrypt of [`PASSWORD`], which distribution wants.
const HTPASSWD: &str = "$2y$05$abcdefghijklmnopqrstuuTvmw3qcMpAvEgQGhbFMhqjD3R/evDDW";

pub struct Program {
    child: Child,
    pub address: String,
    pub dir: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(dir: tempfile::TempDir, port: u16, command: &mut Command) -> Program {
    let log = std::fs::File::create(dir.path().join("log")).unwrap();
    let command = command.current_dir(dir.path()).stdin(Stdio::null());
    let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn();
    let mut program = Program {
        child: child.unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask tools` installs it")),
        address: format!("127.0.0.1:{port}"),
        dir,
    };
    let begun = Instant::now();
    while TcpStream::connect(&program.address).is_err() {
        let log = || std::fs::read_to_string(program.dir.path().join("log")).unwrap();
        assert!(program.child.try_wait().unwrap().is_none(), "{}", log());
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    program
}

/// go-containerregistry's registry, in memory.
pub fn in_memory() -> Program {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    start(dir, port, Command::new("registry").args(["-port", &port.to_string()]))
}

/// How distribution is told to ask.
pub enum Access {
    Open,
    /// User and password.
    Password,
    /// Tokens of a server at this address, signed by a key that [`tokens`] has.
    Tokens(String),
}

/// distribution, on a folder.
pub fn distribution(access: &Access, tls: Option<&Certificates>, mutual: bool) -> Program {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut text = format!(
        "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\n\
         http:\n  addr: 127.0.0.1:{port}\n  secret: x\n",
        dir.path().join("data").display()
    );
    if let Some(Certificates { dir, .. }) = tls {
        let dir = dir.path().display();
        text += &format!("  tls:\n    certificate: {dir}/server.pem\n    key: {dir}/server.key\n");
        if mutual {
            text += &format!("    clientcas:\n      - {dir}/ca.pem\n");
        }
    }
    match access {
        Access::Open => {}
        Access::Password => {
            std::fs::write(dir.path().join("htpasswd"), format!("{USER}:{HTPASSWD}\n")).unwrap();
            text += &format!("auth:\n  htpasswd:\n    realm: r\n    path: {}\n", dir.path().join("htpasswd").display());
        }
        Access::Tokens(server) => {
            let jwks = dir.path().join("jwks.json");
            let x = Base64UrlUnpadded::encode_string(key().public().raw().unwrap());
            let keys = format!(
                "{{\"keys\":[{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"alg\":\"EdDSA\",\"use\":\"sig\",\"x\":\"{x}\"}}]}}"
            );
            std::fs::write(&jwks, keys).unwrap();
            text += &format!(
                "auth:\n  token:\n    realm: http://{server}/token\n    service: s\n    issuer: i\n    jwks: {}\n",
                jwks.display()
            );
        }
    }
    std::fs::write(dir.path().join("config.yml"), text).unwrap();
    start(dir, port, Command::new("distribution").args(["serve", "config.yml"]).env("OTEL_TRACES_EXPORTER", "none"))
}

fn key() -> SecretKey {
    SecretKey::generate(&zeroize::Zeroizing::new([7; 32]))
}

/// A server of tokens: whoever has the password gets what he asks for, nobody else gets anything.
pub fn tokens() -> Server {
    Server::start(
        Auth::Open,
        Box::new(|request, _| {
            if request.header("authorization") != format!("Basic {BASIC}") {
                return Some(Reply::new(401));
            }
            let decoded = request.query.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
            let scopes = decoded.split('&').filter_map(|pair| pair.strip_prefix("scope=repository:"));
            let access: Vec<_> = scopes
                .map(|scope| {
                    let (name, actions) = scope.rsplit_once(':').unwrap();
                    serde_json::json!({ "type": "repository", "name": name, "actions": actions.split(',').collect::<Vec<_>>() })
                })
                .collect();
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let claims = serde_json::json!({
                "iss": "i", "sub": USER, "aud": "s", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1", "access": access,
            });
            let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
            let signed = format!("{}.{}", part(r#"{"alg":"EdDSA","typ":"JWT","kid":"k"}"#), part(&claims.to_string()));
            let signature = Base64UrlUnpadded::encode_string(key().sign(signed.as_bytes()).unwrap().as_bytes());
            Some(Reply::bytes("application/json", format!("{{\"token\":\"{signed}.{signature}\"}}")))
        }),
    )
}

/// An authority of our own, with a certificate for a server and one for a client.
pub struct Certificates {
    pub dir: tempfile::TempDir,
}

impl Certificates {
    pub fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let openssl = |args: &[&str]| {
            let output = Command::new("openssl").args(args).current_dir(dir.path()).output().unwrap();
            assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let ca = ["req", "-x509", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"];
        openssl(&[&ca[..], &curve[..], &["-addext", "keyUsage=keyCertSign"]].concat());
        for (name, alternative) in
            [("server", "subjectAltName=IP:127.0.0.1,DNS:registry.example"), ("client", "extendedKeyUsage=clientAuth")]
        {
            let (key, out, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name}"));
            let signed = ["req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-subj", &subject];
            let rest = [
                "-keyout",
                &key,
                "-out",
                &out,
                "-addext",
                alternative,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ];
            openssl(&[&signed[..], &curve[..], &rest[..]].concat());
        }
        Self { dir }
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.dir.path().join(name))
    }
}

/// What crane says of a reference in a registry without TLS and without passwords.
pub fn crane(args: &[&str], home: &Path) -> String {
    let output = Command::new("crane").args(args).env("HOME", home).env_remove("DOCKER_CONFIG").output();
    let output = output.unwrap_or_else(|error| panic!("crane: {error}; `cargo xtask tools` installs it"));
    assert!(output.status.success(), "crane {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The password as our own variables give it, for one registry.
pub fn login(host: &str) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        pair("SEALIFT_REGISTRY_HOST", host),
        pair("SEALIFT_REGISTRY_USER", USER),
        pair("SEALIFT_REGISTRY_PASSWORD", PASSWORD),
    ]
}
