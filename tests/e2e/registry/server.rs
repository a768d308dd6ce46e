//! A registry in memory that is honest but for what a test tells it to answer, and that remembers every byte it got.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealift::oci::Descriptor;
use sealift_trust::Digest;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Without query.
    pub path: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// How many requests came before, of this server.
    pub number: usize,
}

impl Request {
    /// Whether it is this method on an address within this.
    pub fn within(&self, method: &str, part: &str) -> bool {
        self.method == method && self.path.contains(part)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What is answered.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

pub enum Body {
    /// With its length.
    Bytes(Vec<u8>),
    /// Only its length, as for HEAD.
    Length(u64),
    /// These bytes, with the length of more, and then the connection ends.
    Cut(Vec<u8>, u64),
    /// These bytes without a length, and then the connection ends.
    Unannounced(Vec<u8>),
    /// Without end.
    Endless,
    /// These bytes, with the length of more, and then nothing.
    Stall(Vec<u8>, u64),
    /// A byte now and then.
    Drip(u64),
    /// No answer at all: the connection ends.
    Hangup,
    /// No answer at all, and the connection stays.
    Silence,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Bytes(Vec::new()) }
    }

    pub fn of(body: Body) -> Self {
        Self { status: 200, headers: Vec::new(), body }
    }

    pub fn bytes(kind: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::of(Body::Bytes(bytes.into())).with("Content-Type", kind)
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// How a server asks who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Open,
    Basic,
    Bearer,
}

pub const USER: &str = "me";
pub const PASSWORD: &str = "canary-password";
/// `me:canary-password`
pub const BASIC: &str = "bWU6Y2FuYXJ5LXBhc3N3b3Jk";
pub const TOKEN: &str = "canary-token";

/// What a registry holds.
#[derive(Default, Clone)]
pub struct Content {
    pub blobs: BTreeMap<String, Vec<u8>>,
    /// By digest and by tag.
    pub manifests: BTreeMap<String, (String, Vec<u8>)>,
    pub uploads: BTreeMap<String, Vec<u8>>,
    pub referrers: BTreeMap<String, (String, Vec<u8>)>,
}

pub type Lie = dyn Fn(&Request, &mut Content) -> Option<Reply> + Send + Sync;

/// A running server.
pub struct Server {
    pub address: String,
    pub content: Arc<Mutex<Content>>,
    pub log: Arc<Mutex<Vec<Request>>>,
    /// Bytes of bodies that were written.
    pub sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection, so that it ends.
        drop(TcpStream::connect(&self.address));
    }
}

impl Server {
    pub fn start(auth: Auth, lie: Box<Lie>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Self {
            address: address.clone(),
            content: Arc::default(),
            log: Arc::default(),
            sent: Arc::default(),
            stop: Arc::default(),
        };
        let work = Arc::new(Work {
            address,
            auth,
            lie,
            content: server.content.clone(),
            log: server.log.clone(),
            sent: server.sent.clone(),
            stop: server.stop.clone(),
        });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if work.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (work, stream) = (work.clone(), stream.unwrap());
                std::thread::spawn(move || work.serve(stream));
            }
        });
        server
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// Whether any request held a secret in any form.
    pub fn saw_secret(&self) -> bool {
        let hides = |text: &str| text.contains("canary") || text.contains(BASIC);
        self.requests().iter().any(|request| {
            let headers = request.headers.iter().any(|(name, value)| name == "authorization" || hides(value));
            headers || hides(&request.query) || hides(&request.path) || hides(&String::from_utf8_lossy(&request.body))
        })
    }
}

struct Work {
    address: String,
    auth: Auth,
    lie: Box<Lie>,
    content: Arc<Mutex<Content>>,
    log: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Work {
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some(mut request) = read(&mut reader) {
            {
                let mut log = self.log.lock().unwrap();
                request.number = log.len();
                log.push(request.clone());
            }
            let lie = (self.lie)(&request, &mut self.content.lock().unwrap());
            let reply = lie.unwrap_or_else(|| self.honest(&request));
            if !self.write(&mut stream, &request, reply) {
                return;
            }
        }
    }

    fn write(&self, stream: &mut TcpStream, request: &Request, reply: Reply) -> bool {
        let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
        for (name, value) in &reply.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let length = match &reply.body {
            Body::Bytes(bytes) => Some(bytes.len() as u64),
            Body::Length(length) | Body::Cut(_, length) | Body::Stall(_, length) | Body::Drip(length) => Some(*length),
            _ => None,
        };
        match length {
            Some(length) => head += &format!("Content-Length: {length}\r\n\r\n"),
            None => head += "Connection: close\r\n\r\n",
        }
        let mut put = |bytes: &[u8]| {
            let done = stream.write_all(bytes).is_ok();
            if done {
                self.sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
            }
            done
        };
        match reply.body {
            Body::Bytes(_) if request.method == "HEAD" => put(head.as_bytes()),
            Body::Bytes(bytes) => put(&[head.as_bytes(), &bytes].concat()),
            Body::Length(_) => put(head.as_bytes()),
            Body::Cut(bytes, _) | Body::Unannounced(bytes) => {
                put(&[head.as_bytes(), &bytes].concat());
                false
            }
            Body::Endless => {
                put(head.as_bytes());
                while put(&[b' '; 16 << 10]) {}
                false
            }
            Body::Stall(bytes, _) => {
                put(&[head.as_bytes(), &bytes].concat());
                self.wait();
                false
            }
            Body::Drip(_) => {
                put(head.as_bytes());
                while put(b" ") && !self.stop.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                false
            }
            Body::Hangup => false,
            Body::Silence => {
                self.wait();
                false
            }
        }
    }

    fn wait(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the specification wants.
    fn honest(&self, request: &Request) -> Reply {
        if request.path == "/token" {
            let known = request.header("authorization") == format!("Basic {BASIC}");
            return if known {
                Reply::bytes("application/json", format!("{{\"token\":\"{TOKEN}\"}}"))
            } else {
                Reply::new(401)
            };
        }
        let (want, challenge) = match self.auth {
            Auth::Open => (String::new(), String::new()),
            Auth::Basic => (format!("Basic {BASIC}"), "Basic realm=\"r\"".to_owned()),
            Auth::Bearer => {
                (format!("Bearer {TOKEN}"), format!("Bearer realm=\"http://{}/token\",service=\"s\"", self.address))
            }
        };
        if !want.is_empty() && request.header("authorization") != want {
            return Reply::new(401).with("WWW-Authenticate", challenge);
        }
        self.content.lock().unwrap().answer(request)
    }
}

impl Content {
    pub fn answer(&mut self, request: &Request) -> Reply {
        let end = request.path.rsplit('/').next().unwrap_or("").to_owned();
        let part = |part: &str| request.path.contains(part);
        match request.method.as_str() {
            "POST" if part("/blobs/uploads/") => {
                let id = format!("u{}", request.number);
                self.uploads.insert(id.clone(), Vec::new());
                Reply::new(202).with("Location", format!("{}{id}?state=1", request.path))
            }
            "GET" if part("/blobs/uploads/") => match self.uploads.get(&end) {
                Some(bytes) => Reply::new(204)
                    .with("Location", request.path.clone())
                    .with("Range", format!("0-{}", bytes.len().saturating_sub(1))),
                None => Reply::new(404),
            },
            "PATCH" => {
                let Some(bytes) = self.uploads.get_mut(&end) else { return Reply::new(404) };
                let start = request.header("content-range").split('-').next().unwrap_or("").parse();
                if start != Ok(bytes.len()) {
                    return Reply::new(416);
                }
                bytes.extend_from_slice(&request.body);
                Reply::new(202)
                    .with("Location", request.path.clone())
                    .with("Range", format!("0-{}", bytes.len().saturating_sub(1)))
            }
            "PUT" if part("/blobs/uploads/") => {
                let Some(mut bytes) = self.uploads.remove(&end) else { return Reply::new(404) };
                bytes.extend_from_slice(&request.body);
                let digest = Digest::of(&bytes).to_string();
                if !request.query.replace("%3A", ":").ends_with(&digest) {
                    return Reply::bytes("application/json", r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#).status(400);
                }
                self.blobs.insert(digest, bytes);
                Reply::new(201)
            }
            "PUT" => {
                let kept = (request.header("content-type").to_owned(), request.body.clone());
                self.manifests.insert(Digest::of(&request.body).to_string(), kept.clone());
                self.manifests.insert(end, kept);
                Reply::new(201)
            }
            "GET" | "HEAD" if part("/tags/list") => {
                let tags = self.manifests.keys().filter(|key| !key.starts_with("sha256:")).cloned();
                let tags: Vec<String> = tags.collect();
                Reply::bytes("application/json", serde_json::json!({ "name": "a", "tags": tags }).to_string())
            }
            "GET" | "HEAD" if part("/referrers/") => match self.referrers.get(&end) {
                Some((kind, bytes)) => Reply::bytes(kind, bytes.clone()),
                None => Reply::new(404),
            },
            "GET" | "HEAD" if part("/manifests/") => match self.manifests.get(&end) {
                Some((kind, bytes)) => Reply::bytes(kind, bytes.clone()),
                None => Reply::new(404),
            },
            "GET" | "HEAD" if part("/blobs/") => match self.blobs.get(&end) {
                Some(bytes) => blob(request, bytes),
                None => Reply::new(404),
            },
            "DELETE" => {
                let Some((_, bytes)) = self.manifests.get(&end).cloned() else { return Reply::new(404) };
                self.manifests.retain(|_, (_, kept)| *kept != bytes);
                Reply::new(202)
            }
            _ => Reply::new(404),
        }
    }

    /// Holds a document under its digest; gives its descriptor.
    pub fn keep(&mut self, kind: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(kind, bytes);
        self.manifests.insert(descriptor.digest.to_string(), (kind.to_owned(), bytes.to_vec()));
        descriptor
    }

    /// Holds a blob.
    pub fn keep_blob(&mut self, kind: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(kind, bytes);
        self.blobs.insert(descriptor.digest.to_string(), bytes.to_vec());
        descriptor
    }
}

impl Reply {
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

fn blob(request: &Request, bytes: &[u8]) -> Reply {
    let start = request.header("range").strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
    match start.and_then(|start| start.parse::<usize>().ok()) {
        Some(start) if start < bytes.len() => Reply::bytes("application/octet-stream", &bytes[start..])
            .status(206)
            .with("Content-Range", format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len())),
        Some(_) => Reply::new(416),
        None => Reply::bytes("application/octet-stream", bytes),
    }
}

/// Reads one request; nothing at the end of the connection.
pub fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    // A body that breaks off is kept as far as it came: that is what a registry does, too.
    drop(reader.take(length).read_to_end(&mut body));
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request { method, path: path.to_owned(), query: query.to_owned(), headers, body, number: 0 })
}
