//! Downloads over HTTP(S): bounded, retried, and with credentials that never leave the origin they are meant for.

mod credential;
mod fault;
#[cfg(test)]
mod tests;
mod tls;

use std::io::{self, Read, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use sealift_trust::Hasher;

use super::env::Env;
use credential::Credential;
pub use fault::HttpError;
use fault::shown;

/// How often a request is tried again.
const RETRIES: u32 = 3;
/// Redirects that are followed, as browsers and curl do at least.
const REDIRECTS: usize = 10;
/// The longest wait that a server's `Retry-After` can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Fewer bytes than these within the patience are a stalled transfer.
const SLOWEST: u64 = 1024;
/// What is kept of the body of an error.
const ERROR_TEXT: u64 = 2048;

/// Told of each piece of a body: the bytes that are there, and the bytes that there will be when the server says it.
pub type Progress<'a> = dyn FnMut(u64, Option<u64>) + 'a;

/// A client. It is cheap to make: certificates are read and connections opened when the first request needs them.
pub struct Http {
    env: Env,
    patience: Duration,
    backoff: Duration,
    client: Mutex<Option<Client>>,
}

impl Http {
    /// Takes proxies (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), certificates (`SSL_CERT_FILE`,
    /// `SSL_CERT_DIR`) and credentials (`NETRC`, `~/.netrc`) from an environment.
    pub fn new(env: &Env) -> Self {
        Self {
            env: env.clone(),
            patience: Duration::from_secs(60),
            backoff: Duration::from_millis(200),
            client: Mutex::new(None),
        }
    }

    /// The same client with another patience and another first pause between tries.
    #[cfg(test)]
    pub(crate) fn hurried(env: &Env) -> Self {
        Self { patience: Duration::from_millis(400), backoff: Duration::from_millis(5), ..Self::new(env) }
    }

    /// Reads a whole body of at most `cap` bytes; a longer one is an error, never cut.
    pub fn get(&self, url: &str, cap: u64) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        self.download(url, &mut body, cap, &mut |_, _| {})?;
        Ok(body)
    }

    /// Writes a body of at most `cap` bytes and gives its size. A connection that breaks is tried again from the
    /// start, and the bytes that were already written must come again unchanged.
    pub fn download(
        &self,
        url: &str,
        out: &mut dyn Write,
        cap: u64,
        progress: &mut Progress<'_>,
    ) -> Result<u64, HttpError> {
        let mut url = parse(url)?;
        let credential = Credential::take(&self.env, &mut url)?;
        let client = self.client()?;
        let request = Request { client: &client, url, credential, patience: self.patience };
        let mut body = Body { out, cap, done: Hasher::new(), size: 0, progress };
        for turn in 0.. {
            match request.fetch(&mut body) {
                Ok(()) => return Ok(body.size),
                Err(Trial::Again { wait, .. }) if turn < RETRIES => {
                    std::thread::sleep(wait.unwrap_or(self.backoff * 2u32.pow(turn)).min(LONGEST_WAIT));
                }
                Err(Trial::Again { error, .. } | Trial::Final(error)) => return Err(error),
            }
        }
        unreachable!("the loop ends by a return: turns are counted up to RETRIES")
    }

    fn client(&self) -> Result<Client, HttpError> {
        let mut slot = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(client) = &*slot {
            return Ok(client.clone());
        }
        let client = tls::client(&self.env, self.patience)?;
        *slot = Some(client.clone());
        Ok(client)
    }
}

/// An URL for people: without userinfo and query, where credentials stand.
pub fn redacted(url: &str) -> String {
    Url::parse(url).map_or_else(|_| fault::shown_text(url), |url| shown(&url))
}

/// Why one try did not succeed.
enum Trial {
    /// Another try may.
    Again { error: HttpError, wait: Option<Duration> },
    /// No other try will.
    Final(HttpError),
}

impl From<HttpError> for Trial {
    fn from(error: HttpError) -> Self {
        Self::Final(error)
    }
}

fn again(error: HttpError) -> Trial {
    Trial::Again { error, wait: None }
}

struct Request<'a> {
    client: &'a Client,
    url: Url,
    credential: Option<Credential>,
    patience: Duration,
}

impl Request<'_> {
    fn fetch(&self, body: &mut Body<'_>) -> Result<(), Trial> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTS {
            let response = self.send(&url)?;
            let status = response.status();
            if status.is_success() {
                return body.read(&url, response, self.patience);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(next) = redirect(&url, status, location)? else { return Err(refusal(&url, status, response)) };
            url = next;
        }
        Err(HttpError::Redirects { url: shown(&self.url) }.into())
    }

    fn send(&self, url: &Url) -> Result<Response, Trial> {
        let mut request = self.client.get(url.clone());
        // A redirect to another origin gets no credentials, and none of that origin's own: the server that redirects
        // must not be able to choose where they are used.
        if let Some(credential) = &self.credential
            && url.origin() == self.url.origin()
        {
            request = request.header(AUTHORIZATION, credential.header());
        }
        request.send().map_err(|source| {
            let source = source.without_url();
            if tls::refused_certificate(&source) {
                return Trial::Final(HttpError::Certificate { url: shown(url), source });
            }
            again(HttpError::Connect { url: shown(url), source })
        })
    }
}

/// Parses what a caller names: an `http` or `https` URL with a host.
fn parse(text: &str) -> Result<Url, HttpError> {
    let refuse = |why: String| HttpError::Url { url: fault::shown_text(text), why };
    let url = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(refuse(format!("{other} is not http or https"))),
    }
}

/// Where a response leads, if it is a redirect.
fn redirect(from: &Url, status: StatusCode, location: Option<&str>) -> Result<Option<Url>, HttpError> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let refuse = |why: &str| HttpError::Redirect { url: shown(from), why: why.to_owned() };
    let mut to = location.and_then(|text| from.join(text).ok()).ok_or_else(|| refuse("it names no place"))?;
    match (from.scheme(), to.scheme()) {
        ("https", "http") => return Err(refuse("it leads from https to http")),
        (_, "http" | "https") => {}
        _ => return Err(refuse("it leads to something that is not http or https")),
    }
    // Userinfo in a redirect is the server's choice of credentials, not the user's.
    to.set_username("").and_then(|()| to.set_password(None)).map_err(|()| refuse("it leads to no host"))?;
    Ok(Some(to))
}

fn refusal(url: &Url, status: StatusCode, response: Response) -> Trial {
    let wait = retry_after(response.headers());
    let url = shown(url);
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
        return HttpError::NotFound { url, status: status.as_u16() }.into();
    }
    let mut text = Vec::new();
    // What the server says is shown when it can be read; the status alone says enough otherwise.
    drop(response.take(ERROR_TEXT).read_to_end(&mut text));
    let error = HttpError::Status { url, status: status.as_u16(), text: fault::plain(&text) };
    if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
        return Trial::Again { error, wait };
    }
    error.into()
}

/// The seconds of a `Retry-After` (RFC 9110 §10.2.3); its date form counts as absent.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// A body on its way out, over all tries.
struct Body<'a> {
    out: &'a mut dyn Write,
    cap: u64,
    /// What was written so far.
    done: Hasher,
    size: u64,
    progress: &'a mut Progress<'a>,
}

impl Body<'_> {
    fn read(&mut self, url: &Url, mut response: Response, patience: Duration) -> Result<(), Trial> {
        let total = response.content_length();
        if total.is_some_and(|total| total > self.cap) {
            return Err(self.too_large(url));
        }
        let mut again_from_start = (self.size > 0).then(|| (self.size, Hasher::new()));
        let mut buffer = vec![0; 64 * 1024];
        let mut window = Window { since: Instant::now(), bytes: 0, patience };
        loop {
            let count = match response.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(again(HttpError::Broken { url: shown(url), source: fault::bare(source) })),
            };
            if count == 0 {
                return match again_from_start {
                    Some(_) => Err(HttpError::Changed { url: shown(url) }.into()),
                    None => Ok(()),
                };
            }
            window.pass(url, count)?;
            let fresh = self.compare(url, &mut again_from_start, &buffer[..count])?;
            self.write(url, &buffer[fresh..count], total)?;
        }
    }

    /// Compares the start of a repeated body with what was written; gives where the fresh bytes of a piece begin.
    fn compare(&self, url: &Url, repeated: &mut Option<(u64, Hasher)>, piece: &[u8]) -> Result<usize, Trial> {
        let Some((left, hasher)) = repeated else { return Ok(0) };
        let old = usize::try_from(*left).map_or(piece.len(), |left| left.min(piece.len()));
        hasher.update(&piece[..old]);
        *left -= old as u64;
        if *left == 0 {
            if hasher.clone().finish() != self.done.clone().finish() {
                return Err(HttpError::Changed { url: shown(url) }.into());
            }
            *repeated = None;
        }
        Ok(old)
    }

    fn write(&mut self, url: &Url, piece: &[u8], total: Option<u64>) -> Result<(), Trial> {
        if piece.is_empty() {
            return Ok(());
        }
        if self.size + piece.len() as u64 > self.cap {
            return Err(self.too_large(url));
        }
        self.out.write_all(piece).map_err(|source| HttpError::Write { url: shown(url), source })?;
        self.done.update(piece);
        self.size += piece.len() as u64;
        (self.progress)(self.size, total);
        Ok(())
    }

    fn too_large(&self, url: &Url) -> Trial {
        HttpError::TooLarge { url: shown(url), cap: self.cap }.into()
    }
}

/// A stretch of a transfer in which something must arrive: each read has its own limit already, and a server that sends
/// one byte just before it would hold us for years.
struct Window {
    since: Instant,
    bytes: u64,
    patience: Duration,
}

impl Window {
    fn pass(&mut self, url: &Url, count: usize) -> Result<(), Trial> {
        self.bytes += count as u64;
        if self.since.elapsed() < self.patience {
            return Ok(());
        }
        if self.bytes < SLOWEST {
            return Err(again(HttpError::Stalled { url: shown(url), seconds: self.patience.as_secs() }));
        }
        (self.since, self.bytes) = (Instant::now(), 0);
        Ok(())
    }
}
