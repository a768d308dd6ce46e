//! Requests about one repository: with credentials where they are wanted, and with redirects that are followed by hand.

use std::io::Read;
use std::sync::Arc;

use super::Registry;
use super::answer::Refusal;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::token::Scope;
use crate::host::http::{Bytes, Call, Method, Payload, Response, Url, redacted, redirect};
use crate::oci::Repository;

/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// The way to one repository.
pub(super) struct Line<'r> {
    pub registry: &'r Registry<'r>,
    pub endpoint: Arc<Endpoint>,
    pub repository: Repository,
}

/// A request whose body can be sent again.
pub(super) struct Ask<'a> {
    pub method: Method,
    pub url: Url,
    pub headers: &'a [(&'static str, &'a str)],
    pub scope: Scope,
    pub body: Bytes,
}

impl<'a> Ask<'a> {
    /// A request without a body.
    pub fn new(method: Method, url: Url, scope: Scope, headers: &'a [(&'static str, &'a str)]) -> Self {
        Self { method, url, headers, scope, body: Bytes::new() }
    }
}

impl Line<'_> {
    /// An address within the repository.
    pub fn url(&self, path: &str) -> Result<Url, RegistryError> {
        self.endpoint.url(&format!("{}/{path}", self.repository.path()))
    }

    /// What something of the repository is called in messages.
    pub fn named(&self, what: impl std::fmt::Display) -> String {
        format!("{}{what}", self.repository)
    }

    /// Sends a request. A 401 is answered once, so that it never comes back from here. Errors: also a refused login.
    pub fn send(&self, ask: &Ask<'_>) -> Result<Response, RegistryError> {
        let mut last = false;
        loop {
            let authorization = self.authorization(&ask.scope)?;
            // Some registries want a length with each request that could have a body.
            let bodied = matches!(ask.method, Method::Post | Method::Put | Method::Patch);
            let payload = if bodied { Payload::Bytes(ask.body.clone()) } else { Payload::Empty };
            let response = self.endpoint.transport.exchange(Call {
                method: ask.method,
                url: &ask.url,
                headers: ask.headers,
                authorization: authorization.as_ref(),
                payload,
            })?;
            if response.status != 401 {
                return Ok(response);
            }
            self.challenged(&ask.scope, &response, authorization.is_some())?;
            if last {
                return Err(self.unauthorized());
            }
            // A first 401 says what is wanted, or that a token is too old; a second one that it is not enough.
            last = authorization.is_some();
        }
    }

    /// Sends a body that is read while it is sent. It cannot be sent again from here, so that a 401 (a token that
    /// expired just now) is [`Streamed::Renewed`]: the next try has another token.
    pub fn stream(&self, ask: &Ask<'_>, reader: &mut dyn Read, size: u64) -> Result<Streamed, RegistryError> {
        let authorization = self.authorization(&ask.scope)?;
        let response = self.endpoint.transport.exchange(Call {
            method: ask.method,
            url: &ask.url,
            headers: ask.headers,
            authorization: authorization.as_ref(),
            payload: Payload::Stream { reader, size },
        })?;
        if response.status == 401 {
            self.challenged(&ask.scope, &response, authorization.is_some())?;
            return Ok(Streamed::Renewed);
        }
        Ok(Streamed::Answered(response))
    }

    /// Sends a request that reads, and follows its redirects: within the registry with credentials, elsewhere without
    /// any and without certificates of ours.
    pub fn follow(&self, ask: Ask<'_>) -> Result<(Url, Response), RegistryError> {
        let first = ask.url.clone();
        let refuse = |why| RegistryError::Redirect { url: redacted(first.as_str()), why };
        let mut ask = ask;
        for _ in 0..=REDIRECTS {
            let response = if self.endpoint.owns(&ask.url) { self.send(&ask)? } else { self.send_elsewhere(&ask)? };
            let next = redirect(&ask.url, response.status, response.header("location"));
            let Some(next) = next.map_err(|_| refuse("it leads to no place that can be read safely"))? else {
                return Ok((ask.url, response));
            };
            if !self.endpoint.may_read(&next) {
                return Err(refuse("it leads to another machine without encryption"));
            }
            ask.url = next;
        }
        Err(refuse("there are more than five in a row"))
    }

    fn send_elsewhere(&self, ask: &Ask<'_>) -> Result<Response, RegistryError> {
        let call = Call {
            method: ask.method,
            url: &ask.url,
            headers: ask.headers,
            authorization: None,
            payload: Payload::Empty,
        };
        let response = self.registry.elsewhere.exchange(call)?;
        if response.status == 401 {
            let url = redacted(ask.url.as_str());
            return Err(RegistryError::Denied { url, status: 401, text: String::new() });
        }
        Ok(response)
    }

    /// The error that an answer is, where `what` is what a 404 speaks of.
    pub fn refusal(&self, url: &Url, mut response: Response, what: &str) -> RegistryError {
        Refusal::of(&mut response).into_error(url, what)
    }

    /// The place that an upload goes on at. Errors: none, or one at another server.
    pub fn location(&self, at: &Url, response: &Response) -> Result<Url, RegistryError> {
        let shown = || redacted(at.as_str());
        let missing = || RegistryError::Answer { url: shown(), why: "it names no place for the upload".into() };
        let mut url = response.header("location").and_then(|to| at.join(to).ok()).ok_or_else(missing)?;
        if !self.endpoint.owns(&url) {
            let to = crate::sanitize::sanitize_line(&url.origin().ascii_serialization()).into_owned();
            return Err(RegistryError::Location { url: shown(), to });
        }
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| missing())?;
        Ok(url)
    }
}

/// What became of a body that was sent once.
#[allow(clippy::large_enum_variant, reason = "one for each blob, taken apart at once")]
pub(super) enum Streamed {
    /// The registry answered.
    Answered(Response),
    /// The token was too old; the next one is not.
    Renewed,
}
