//! Single requests and their answers, over connections that are kept: no redirect is followed, nothing is tried again,
//! and a secret goes nowhere but to the URL of its own call.

use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap};
use reqwest::{Client, Request, Url};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::fault::{bare, shown};
use super::room::Room;
use super::runtime::{Gone, Patience, runtime};
use super::secret::{Authorization, may_carry_secrets};
use super::tls::{self, Trust};
use super::{HttpError, SLOWEST};
use crate::host::env::Env;
use crate::host::process::Children;

/// How much of an upload is read at once; two such pieces wait for the connection at most.
const PIECE: usize = 256 * 1024;
/// Pieces that wait between the reader of an upload and its connection.
const WAITING: usize = 2;

/// The methods that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(reqwest::Method::from(*self).as_str())
    }
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

/// One request.
pub struct Call<'a> {
    /// How.
    pub method: Method,
    /// Where.
    pub url: &'a Url,
    /// Headers beside `Authorization` and `Content-Length`.
    pub headers: &'a [(&'static str, &'a str)],
    /// Who asks. A secret goes over TLS or to the machine itself.
    pub authorization: Option<&'a Authorization>,
    /// What is sent.
    pub payload: Payload<'a>,
}

/// The body of a request.
pub enum Payload<'a> {
    /// None.
    Empty,
    /// One that is in memory.
    Bytes(Bytes),
    /// One that is read while it is sent: exactly `size` bytes.
    Stream {
        /// Where it is read.
        reader: &'a mut dyn Read,
        /// How many bytes it has.
        size: u64,
    },
}

/// A client of its own certificates, with connections of its own. It is cheap to make: certificates are read and
/// connections opened when the first request needs them.
pub struct Transport {
    env: Env,
    trust: Trust,
    http1: bool,
    pub(super) patience: Patience,
    client: Mutex<Option<Client>>,
}

impl Transport {
    /// Takes proxies (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) and certificates (`SSL_CERT_FILE`,
    /// `SSL_CERT_DIR`) from an environment.
    pub fn new(env: &Env) -> Self {
        let patience = Patience { idle: Duration::from_secs(60), children: None };
        Self { env: env.clone(), trust: Trust::default(), http1: false, patience, client: Mutex::new(None) }
    }

    /// With further certificates.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// With one connection for each transfer (HTTP/1.1). Several large bodies at once are faster so than over one
    /// connection of HTTP/2, and none waits for another.
    #[must_use]
    pub fn with_own_connections(self) -> Self {
        Self { http1: true, ..self }
    }

    /// Ends every wait when the user wants to stop.
    #[must_use]
    pub fn stopped_with(mut self, children: &Children) -> Self {
        self.patience.children = Some(children.clone());
        self
    }

    /// Waits at most so long for something to happen.
    #[must_use]
    pub fn waiting(mut self, idle: Duration) -> Self {
        self.patience.idle = idle;
        self
    }

    /// Sleeps between tries. Errors: the user wants to stop.
    pub fn pause(&self, time: Duration) -> Result<(), HttpError> {
        if self.patience.sleep(time) { Ok(()) } else { Err(HttpError::Interrupted) }
    }

    /// Sends one request and gives its answer, whatever its status is. Errors: no connection, a certificate that is not
    /// trusted, silence, a secret that would go unencrypted, a body that cannot be read or has another size.
    pub fn exchange(&self, call: Call<'_>) -> Result<Response, HttpError> {
        let url = shown(call.url);
        let mut request = Request::new(call.method.into(), call.url.clone());
        for (name, value) in call.headers {
            let value = value.parse().map_err(|_| HttpError::Header { url: url.clone(), name })?;
            request.headers_mut().append(*name, value);
        }
        if let Some(authorization) = call.authorization {
            if !may_carry_secrets(call.url) && !authorization.in_url {
                return Err(HttpError::PlainSecret { url });
            }
            request.headers_mut().insert(AUTHORIZATION, authorization.header());
        }
        let client = self.client()?;
        let sending = Sending { client, runtime: started()?, patience: &self.patience, url: &url };
        let response = match call.payload {
            Payload::Empty => sending.send(request),
            Payload::Bytes(bytes) => {
                *request.body_mut() = Some(bytes.into());
                sending.send(request)
            }
            Payload::Stream { reader, size } => sending.stream(request, reader, size),
        }?;
        Ok(Response::new(url, response, self.patience.clone()))
    }

    fn client(&self) -> Result<Client, HttpError> {
        let mut slot = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(client) = &*slot {
            return Ok(client.clone());
        }
        let client = tls::client(&self.env, &self.trust, self.http1, self.patience.idle)?;
        *slot = Some(client.clone());
        Ok(client)
    }
}

fn started() -> Result<&'static tokio::runtime::Runtime, HttpError> {
    runtime().map_err(|error| HttpError::Setup { why: format!("no threads for the network: {error}") })
}

struct Sending<'a> {
    client: Client,
    runtime: &'static tokio::runtime::Runtime,
    patience: &'a Patience,
    url: &'a str,
}

impl Sending<'_> {
    fn send(&self, request: Request) -> Result<reqwest::Response, HttpError> {
        let answer = self.patience.wait(self.runtime, self.client.execute(request)).map_err(|gone| self.gone(gone))?;
        answer.map_err(|error| self.failed(error))
    }

    /// Reads on the caller's thread while the connection sends; a server that answers early is listened to.
    fn stream(&self, mut request: Request, reader: &mut dyn Read, size: u64) -> Result<reqwest::Response, HttpError> {
        let (sender, pieces) = mpsc::channel(WAITING);
        request.headers_mut().insert(CONTENT_LENGTH, size.into());
        *request.body_mut() = Some(reqwest::Body::wrap(Upload { pieces, left: size }));
        let mut task = self.runtime.spawn(self.client.execute(request));
        let fed = self.feed(&sender, reader, size, || task.is_finished());
        drop(sender);
        if let Err(error) = fed {
            task.abort();
            return Err(error);
        }
        match self.patience.wait(self.runtime, &mut task) {
            Ok(Ok(answer)) => answer.map_err(|error| self.failed(error)),
            Ok(Err(_)) => Err(HttpError::Interrupted),
            Err(gone) => {
                task.abort();
                Err(self.gone(gone))
            }
        }
    }

    /// Hands the body over piece by piece, until its end or an answer.
    fn feed(
        &self,
        sender: &Sender<Bytes>,
        reader: &mut dyn Read,
        size: u64,
        answered: impl Fn() -> bool,
    ) -> Result<(), HttpError> {
        // Those that wait, the one that is sent and the one that is read.
        let (mut left, mut room) = (size, Room::of(WAITING + 2));
        while left > 0 && !answered() {
            let most = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
            let mut piece = room.take(most);
            let count =
                fill(reader, &mut piece).map_err(|source| HttpError::Source { url: self.url.to_owned(), source })?;
            if count < most {
                let source = io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than it should be");
                return Err(HttpError::Source { url: self.url.to_owned(), source });
            }
            left -= count as u64;
            match self.patience.wait(self.runtime, sender.send(room.lend(piece))) {
                Ok(Ok(())) => {}
                // The connection takes no more: it broke, or the server has answered. The answer tells which.
                Ok(Err(_)) => return Ok(()),
                Err(gone) => return Err(self.gone(gone)),
            }
        }
        Ok(())
    }

    fn gone(&self, gone: Gone) -> HttpError {
        gone_from(self.url, gone, self.patience)
    }

    fn failed(&self, error: reqwest::Error) -> HttpError {
        let (url, source) = (self.url.to_owned(), error.without_url());
        if tls::refused_certificate(&source) {
            return HttpError::Certificate { url, source };
        }
        HttpError::Connect { url, source }
    }
}

fn gone_from(url: &str, gone: Gone, patience: &Patience) -> HttpError {
    match gone {
        Gone::Silent => HttpError::Silent { url: url.to_owned(), seconds: patience.idle.as_secs() },
        Gone::Stopped => HttpError::Interrupted,
    }
}

/// Reads until a buffer is full or nothing is left.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A body of known length whose pieces come from another thread. When that thread goes away too early the request fails:
/// a server never takes half of it for the whole.
struct Upload {
    pieces: Receiver<Bytes>,
    left: u64,
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.pieces.poll_recv(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(piece)) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Poll::Ready(None) if self.left > 0 => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// An answer. Its body comes as it is read, and what is not read is not fetched.
pub struct Response {
    /// The status.
    pub status: u16,
    headers: HeaderMap,
    /// The body.
    pub body: Incoming,
}

impl Response {
    fn new(url: String, mut response: reqwest::Response, patience: Patience) -> Self {
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let window = Window { since: Instant::now(), bytes: 0, patience: patience.idle };
        Self { status, headers, body: Incoming { url, response, piece: Bytes::new(), window, patience } }
    }

    /// A header's first value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header that are text.
    pub fn headers<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
    }

    /// The announced size of the body, also in the answer to `HEAD`, which has none.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The seconds of a `Retry-After` (RFC 9110 §10.2.3); its date form counts as absent.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// Reads a whole body of at most `cap` bytes. Errors: a longer one, one that breaks off.
    pub fn read(&mut self, cap: u64) -> Result<Vec<u8>, HttpError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.body.next_piece()? {
            if bytes.len() as u64 + piece.len() as u64 > cap {
                return Err(HttpError::TooLarge { url: self.body.url.clone(), cap });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// What a server says beside a status that is no success: at most 2 KiB, without what would drive a terminal.
    pub fn words(&mut self) -> String {
        let mut bytes = Vec::new();
        // The status alone says enough where the words cannot be read.
        drop((&mut self.body).take(super::ERROR_TEXT).read_to_end(&mut bytes));
        super::fault::plain(&bytes)
    }
}

/// The body of an answer.
pub struct Incoming {
    url: String,
    response: reqwest::Response,
    piece: Bytes,
    window: Window,
    patience: Patience,
}

impl Incoming {
    /// The next piece, as it came from the connection; nothing at the end. Errors: it broke off, it comes too slowly.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, HttpError> {
        if !self.piece.is_empty() {
            return Ok(Some(std::mem::take(&mut self.piece)));
        }
        let next = self.patience.wait(started()?, self.response.chunk());
        let next = next.map_err(|gone| match gone {
            Gone::Silent => HttpError::Stalled { url: self.url.clone(), seconds: self.patience.idle.as_secs() },
            Gone::Stopped => HttpError::Interrupted,
        })?;
        let piece =
            next.map_err(|source| HttpError::Broken { url: self.url.clone(), source: bare(io::Error::other(source)) })?;
        if let Some(piece) = &piece {
            self.window.pass(&self.url, piece.len())?;
        }
        Ok(piece)
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.next_piece().map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

/// A stretch of a transfer in which something must arrive: each wait has its own limit already, and a server that sends
/// one byte just before it would hold us for years.
struct Window {
    since: Instant,
    bytes: u64,
    patience: Duration,
}

impl Window {
    fn pass(&mut self, url: &str, count: usize) -> Result<(), HttpError> {
        self.bytes += count as u64;
        if self.since.elapsed() < self.patience {
            return Ok(());
        }
        if self.bytes < SLOWEST {
            return Err(HttpError::Stalled { url: url.to_owned(), seconds: self.patience.as_secs() });
        }
        (self.since, self.bytes) = (Instant::now(), 0);
        Ok(())
    }
}
