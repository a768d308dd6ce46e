//! A host of private git repositories: HTTPS by a certificate authority of our own, credentials asked for, reached
//! through a proxy on loopback, as a company has it. Repositories are served by git's own program for that.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The name that the certificate is for; nothing but the proxy knows where it is.
pub const HOST: &str = "git.example.com";
pub const USER: &str = "builder";
pub const PASSWORD: &str = "open-sesame";
/// `builder:open-sesame` in base64.
const BASIC: &str = "Basic YnVpbGRlcjpvcGVuLXNlc2FtZQ==";

pub struct Origin {
    address: SocketAddr,
    dir: tempfile::TempDir,
    log: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

struct Service {
    tls: Arc<rustls::ServerConfig>,
    repositories: PathBuf,
    public: bool,
    log: Arc<Mutex<Vec<String>>>,
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Origin {
    /// Starts to serve the bare repositories below `repositories`.
    pub fn start() -> Self {
        Self::serving(false)
    }

    /// The same for everybody, where nothing is written.
    pub fn public() -> Self {
        Self::serving(true)
    }

    fn serving(public: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tls = certificates(dir.path());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (log, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let repositories = dir.path().join("repositories");
        std::fs::create_dir(&repositories).unwrap();
        let service = Arc::new(Service { tls, repositories, public, log: Arc::clone(&log) });
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let service = Arc::clone(&service);
                // A client that goes away is the client's affair: the test looks at what it got.
                std::thread::spawn(move || drop(service.serve(stream)));
            }
        });
        Self { address, dir, log, stop }
    }

    /// The variable's value for both go and git.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn authority(&self) -> String {
        self.dir.path().join("ca.pem").display().to_string()
    }

    /// Where a repository of a name lies.
    pub fn repository(&self, name: &str) -> PathBuf {
        self.dir.path().join("repositories").join(name)
    }

    /// The requests so far: `200 GET /path` or `401 GET /path`.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        drop(TcpStream::connect(self.address));
    }
}

/// Makes an authority and a certificate for [`HOST`].
fn certificates(dir: &Path) -> Arc<rustls::ServerConfig> {
    let openssl = |args: &str, more: &[&str]| {
        let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
        let output =
            Command::new("openssl").args(new.split(' ')).args(args.split(' ')).args(more).current_dir(dir).output();
        let output = output.expect("openssl is on PATH");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    openssl("-keyout ca.key -out ca.pem -subj /CN=authority", &["-addext", "basicConstraints=critical,CA:TRUE"]);
    let name = format!("subjectAltName=DNS:{HOST}");
    let server = "-keyout server.key -out server.pem -subj /CN=server -CA ca.pem -CAkey ca.key";
    openssl(server, &["-addext", &name, "-addext", "basicConstraints=CA:FALSE"]);
    let chain = vec![CertificateDer::from_pem_file(dir.join("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(dir.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

impl Service {
    /// One connection: `CONNECT`, TLS, one request, one answer.
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let Some(first) = Request::read(&mut reader)? else { return Ok(()) };
        let mut plain = stream;
        if first.method != "CONNECT" || first.path != format!("{HOST}:443") {
            return plain.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        }
        plain.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let session = rustls::ServerConnection::new(Arc::clone(&self.tls)).map_err(std::io::Error::other)?;
        let mut reader = BufReader::new(rustls::StreamOwned::new(session, plain));
        let Some(request) = Request::read(&mut reader)? else { return Ok(()) };
        let answer = self.answer(&request);
        let mut tls = reader.into_inner();
        tls.write_all(&answer)?;
        tls.conn.send_close_notify();
        tls.flush()?;
        tls.sock.shutdown(Shutdown::Write)
    }

    fn answer(&self, request: &Request) -> Vec<u8> {
        let writes = request.path.ends_with("/git-receive-pack") || request.query.contains("git-receive-pack");
        let allowed = request.header("authorization") == Some(BASIC) || (self.public && !writes);
        let status = if allowed { 200 } else { 401 };
        self.log.lock().unwrap().push(format!("{status} {} {}", request.method, request.path));
        if !allowed {
            return response(
                "401 Unauthorized",
                "WWW-Authenticate: Basic realm=\"private\"",
                b"credentials are wanted\n",
            );
        }
        if request.query.contains("go-get=1") {
            let module: Vec<&str> = request.path.trim_start_matches('/').splitn(3, '/').take(2).collect();
            let module = format!("{HOST}/{}", module.join("/"));
            let page = format!(
                "<html><head><meta name=\"go-import\" content=\"{module} git https://{module}.git\"></head></html>"
            );
            return response("200 OK", "Content-Type: text/html", page.as_bytes());
        }
        self.git(request)
    }

    /// Hands a request to `git http-backend` by the Common Gateway Interface (RFC 3875).
    fn git(&self, request: &Request) -> Vec<u8> {
        let mut command = Command::new("git");
        command.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("GIT_PROJECT_ROOT", &self.repositories).env("GIT_HTTP_EXPORT_ALL", "1");
        // The repositories may belong to whoever runs the tests, in whatever way.
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
        command.env("REQUEST_METHOD", &request.method).env("PATH_INFO", &request.path).env("REMOTE_USER", USER);
        command.env("QUERY_STRING", &request.query).env("CONTENT_LENGTH", request.body.len().to_string());
        command.env("CONTENT_TYPE", request.header("content-type").unwrap_or_default());
        command.env("HTTP_CONTENT_ENCODING", request.header("content-encoding").unwrap_or_default());
        command.env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default());
        let mut child = command.spawn().unwrap();
        drop(child.stdin.take().unwrap().write_all(&request.body));
        let output = child.wait_with_output().unwrap().stdout;
        let at = output.windows(4).position(|four| four == b"\r\n\r\n").expect("the gateway ends its headers");
        let head = String::from_utf8_lossy(&output[..at]).into_owned();
        let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
        let headers: Vec<&str> = head.lines().filter(|line| !line.starts_with("Status: ")).collect();
        response(&status, &headers.join("\r\n"), &output[at + 4..])
    }
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

impl Request {
    fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request =
            Self { method, path: path.to_owned(), query: query.to_owned(), headers: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        reader.take(length).read_to_end(&mut request.body)?;
        Ok(Some(request))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
