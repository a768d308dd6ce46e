//! What can be wrong with a download, in words that carry no credentials.

use std::io;

use reqwest::Url;

use crate::error::{Fault, Kind};

/// A download that did not succeed. URLs in it are without userinfo and without query, where tokens stand.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Not an URL that can be fetched.
    #[error("{url} cannot be fetched: {why}")]
    Url {
        /// As written.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// No client could be made.
    #[error("cannot set up HTTP: {why}")]
    Setup {
        /// What is wrong.
        why: String,
    },
    /// No answer.
    #[error("no answer from {url}")]
    Connect {
        /// Which.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// No answer within the patience.
    #[error("{url} said nothing for {seconds} s")]
    Silent {
        /// Which.
        url: String,
        /// For how long.
        seconds: u64,
    },
    /// A text that no header can hold.
    #[error("the header {name} for {url} would hold a control character")]
    Header {
        /// For which request.
        url: String,
        /// Which header.
        name: &'static str,
    },
    /// Credentials would be sent without encryption to another machine.
    #[error("credentials are not sent to {url} without encryption")]
    PlainSecret {
        /// Where they would have gone.
        url: String,
    },
    /// What is sent could not be read.
    #[error("cannot read what is sent to {url}")]
    Source {
        /// Where it was on its way to.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The server's certificate is not trusted.
    #[error("the certificate of {url} is not trusted")]
    Certificate {
        /// Which.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The server has no such thing: 404 or 410.
    #[error("{url} does not exist (status {status})")]
    NotFound {
        /// Which.
        url: String,
        /// 404 or 410.
        status: u16,
    },
    /// The server refused, or failed.
    #[error("{url} answered with status {status}")]
    Status {
        /// Which.
        url: String,
        /// The status.
        status: u16,
        /// What the server said.
        text: String,
    },
    /// A redirect that is not followed.
    #[error("the redirect of {url} is not followed: {why}")]
    Redirect {
        /// Which redirects.
        url: String,
        /// Why it is not followed.
        why: String,
    },
    /// Too many redirects.
    #[error("{url} redirects more than ten times")]
    Redirects {
        /// Where it began.
        url: String,
    },
    /// The body is longer than such a body may be.
    #[error("the body of {url} is longer than {cap} bytes")]
    TooLarge {
        /// Which.
        url: String,
        /// The most that is read.
        cap: u64,
    },
    /// The connection broke within the body.
    #[error("the body of {url} broke off")]
    Broken {
        /// Which.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// The body comes too slowly.
    #[error("{url} sent less than 1 KiB in {seconds} s")]
    Stalled {
        /// Which.
        url: String,
        /// For how long.
        seconds: u64,
    },
    /// The body was another one when it was fetched again.
    #[error("{url} changed while it was fetched")]
    Changed {
        /// Which.
        url: String,
    },
    /// The bytes could not be written down.
    #[error("cannot write down {url}")]
    Write {
        /// Which.
        url: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl Fault for HttpError {
    fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "http.url",
            Self::Setup { .. } => "http.setup",
            Self::Connect { .. } => "http.no-answer",
            Self::Silent { .. } => "http.silent",
            Self::Header { .. } => "http.header",
            Self::PlainSecret { .. } => "http.plain-credentials",
            Self::Source { .. } => "http.source",
            Self::Interrupted => "http.interrupted",
            Self::Certificate { .. } => "http.certificate",
            Self::NotFound { .. } => "http.not-found",
            Self::Status { .. } => "http.status",
            Self::Redirect { .. } => "http.redirect",
            Self::Redirects { .. } => "http.too-many-redirects",
            Self::TooLarge { .. } => "http.too-large",
            Self::Broken { .. } => "http.broken",
            Self::Stalled { .. } => "http.stalled",
            Self::Changed { .. } => "http.changed",
            Self::Write { .. } => "http.write",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Url { .. } | Self::PlainSecret { .. } => Kind::Config,
            Self::Setup { .. } | Self::Write { .. } | Self::Source { .. } => Kind::Tool,
            Self::Header { .. } => Kind::Input,
            Self::Interrupted => Kind::Interrupted,
            _ => Kind::Network,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::PlainSecret { .. } => Some("use https, or no credentials".into()),
            Self::Interrupted => Some("run the same command again: finished steps are kept".into()),
            Self::Connect { .. } | Self::Silent { .. } => {
                Some("check the network, and HTTPS_PROXY and NO_PROXY where a proxy is needed".into())
            }
            Self::Certificate { .. } => {
                Some("name the certificates of your network's authority with SSL_CERT_FILE=/path/to/ca.pem".into())
            }
            Self::Status { status: 401 | 403, .. } => {
                Some("put the credentials for this host into ~/.netrc, or check those that are there".into())
            }
            Self::Status { status: 407, .. } => Some("the proxy wants credentials: http://user:password@proxy".into()),
            Self::Status { .. } | Self::Broken { .. } | Self::Stalled { .. } | Self::Changed { .. } => {
                Some("run the same command again later".into())
            }
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => Some(
                "free some space (`sealift cache prune` frees the step store), then run the same command again".into(),
            ),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Status { text, .. } if !text.is_empty() => Some(text.clone()),
            _ => None,
        }
    }
}

/// An URL for people: without userinfo, query and fragment.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // An URL that cannot carry userinfo has none to hide.
    url.set_username("").and_then(|()| url.set_password(None)).ok();
    if url.query().is_some() {
        url.set_query(Some("…"));
        url.set_fragment(None);
        return url.as_str().replace("%E2%80%A6", "…");
    }
    url.set_fragment(None);
    url.into()
}

/// A text that should be an URL, for people: what stands before an `@`, and behind a `?`, is hidden.
pub(super) fn shown_text(text: &str) -> String {
    let text = plain(text.split('?').next().unwrap_or("").as_bytes());
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://{}", &text[..scheme], &text[at + 1..]),
        (None, Some(at)) => text[at + 1..].to_owned(),
        _ => text,
    }
}

/// Text of a server for people: without control characters, so that it cannot drive a terminal.
pub(super) fn plain(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let bidi = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    text.trim().chars().filter(|c| *c == '\n' || !(c.is_control() || bidi(*c))).collect()
}

/// An error of a body without the URL that the client writes into it.
pub(super) fn bare(error: io::Error) -> io::Error {
    let kind = error.kind();
    match error.into_inner().map(|inner| inner.downcast::<reqwest::Error>()) {
        Some(Ok(inner)) => io::Error::new(kind, inner.without_url()),
        Some(Err(other)) => io::Error::new(kind, other),
        None => kind.into(),
    }
}
