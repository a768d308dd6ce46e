//! Downloads over HTTP(S): bounded, retried, and with credentials that never leave the origin they are meant for. Single
//! requests of every kind are the [`Transport`]'s.

mod credential;
mod fault;
mod room;
mod runtime;
mod secret;
#[cfg(test)]
mod tests;
mod tls;
mod transport;

use std::io::Write;
use std::time::Duration;

pub use bytes::Bytes;
pub use reqwest::Url;
use sealift_trust::Hasher;

use super::env::Env;
pub use fault::HttpError;
use fault::shown;
pub use secret::{Authorization, Secret, is_loopback, may_carry_secrets};
pub use tls::Trust;
pub use transport::{Call, Incoming, Method, Payload, Response, Transport};

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
    backoff: Duration,
    transport: Transport,
}

impl Http {
    /// Takes proxies (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), certificates (`SSL_CERT_FILE`,
    /// `SSL_CERT_DIR`) and credentials (`NETRC`, `~/.netrc`) from an environment.
    pub fn new(env: &Env) -> Self {
        Self { env: env.clone(), backoff: Duration::from_millis(200), transport: Transport::new(env) }
    }

    /// The same client with another patience and another first pause between tries.
    #[cfg(test)]
    pub(crate) fn hurried(env: &Env) -> Self {
        let transport = Transport::new(env).waiting(Duration::from_millis(400));
        Self { backoff: Duration::from_millis(5), transport, ..Self::new(env) }
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
        let credential = credential::take(&self.env, &mut url)?;
        let request = Request { transport: &self.transport, url, credential };
        let mut body = Body { out, cap, done: Hasher::new(), size: 0, progress };
        for turn in 0.. {
            match request.fetch(&mut body) {
                Ok(()) => return Ok(body.size),
                Err(Trial::Again { wait, .. }) if turn < RETRIES => {
                    self.transport.pause(wait.unwrap_or(self.backoff * 2u32.pow(turn)).min(LONGEST_WAIT))?;
                }
                Err(Trial::Again { error, .. } | Trial::Final(error)) => return Err(error),
            }
        }
        unreachable!("the loop ends by a return: turns are counted up to RETRIES")
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
        match error {
            HttpError::Connect { .. }
            | HttpError::Silent { .. }
            | HttpError::Broken { .. }
            | HttpError::Stalled { .. } => Self::Again { error, wait: None },
            _ => Self::Final(error),
        }
    }
}

struct Request<'a> {
    transport: &'a Transport,
    url: Url,
    credential: Option<Authorization>,
}

impl Request<'_> {
    fn fetch(&self, body: &mut Body<'_>) -> Result<(), Trial> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTS {
            // A redirect to another origin gets no credentials, and none of that origin's own: the server that redirects
            // must not be able to choose where they are used.
            let authorization = self.credential.as_ref().filter(|_| url.origin() == self.url.origin());
            let call = Call { method: Method::Get, url: &url, headers: &[], authorization, payload: Payload::Empty };
            let response = self.transport.exchange(call)?;
            if (200..300).contains(&response.status) {
                return body.read(&url, response);
            }
            let next = redirect(&url, response.status, response.header("location"))?;
            let Some(next) = next else { return Err(refusal(&url, response)) };
            url = next;
        }
        Err(HttpError::Redirects { url: shown(&self.url) }.into())
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

/// Where a response leads, if it is a redirect: not from https to http, not to other protocols, and without userinfo.
pub fn redirect(from: &Url, status: u16, location: Option<&str>) -> Result<Option<Url>, HttpError> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
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

fn refusal(url: &Url, mut response: Response) -> Trial {
    let (status, wait) = (response.status, response.retry_after());
    let url = shown(url);
    if matches!(status, 404 | 410) {
        return HttpError::NotFound { url, status }.into();
    }
    let error = HttpError::Status { url, status, text: response.words() };
    if matches!(status, 408 | 429 | 500..) {
        return Trial::Again { error, wait };
    }
    error.into()
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
    fn read(&mut self, url: &Url, mut response: Response) -> Result<(), Trial> {
        let total = response.length();
        if total.is_some_and(|total| total > self.cap) {
            return Err(self.too_large(url));
        }
        let mut again_from_start = (self.size > 0).then(|| (self.size, Hasher::new()));
        while let Some(piece) = response.body.next_piece()? {
            let fresh = self.compare(url, &mut again_from_start, &piece)?;
            self.write(url, &piece[fresh..], total)?;
        }
        match again_from_start {
            Some(_) => Err(HttpError::Changed { url: shown(url) }.into()),
            None => Ok(()),
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
