//! Secrets on their way to one origin: types that nothing prints.

use std::fmt;

use base64ct::{Base64, Encoding};
use reqwest::Url;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// A password or a token: zeroised when dropped, and without a form that could be printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for whoever sends it; it must not reach a message, a record or an argument vector.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An `Authorization` header (RFC 7617, RFC 6750) that nothing prints.
#[derive(Clone)]
pub struct Authorization {
    pub(super) value: HeaderValue,
    /// The user wrote it into the very URL that is fetched, so that it goes there also without encryption.
    pub(super) in_url: bool,
}

impl Authorization {
    /// A user with a password. Nothing for a text that no header can hold.
    pub fn basic(user: &str, password: &Secret) -> Option<Self> {
        let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
        Self::of("Basic", &Base64::encode_string(pair.as_bytes()))
    }

    /// A token. Nothing for a text that no header can hold.
    pub fn bearer(token: &Secret) -> Option<Self> {
        Self::of("Bearer", token.expose())
    }

    fn of(scheme: &str, text: &str) -> Option<Self> {
        let text = Zeroizing::new(format!("{scheme} {text}"));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(Self { value, in_url: false })
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.value.clone()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(..)")
    }
}

/// Whether a secret may be sent to an URL: over TLS, or without to the machine itself.
pub fn may_carry_secrets(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

/// Whether an URL leads to the machine itself, by an address or as `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_no_printed_form() {
        let secret = Secret::new("canary");
        let header = Authorization::basic("me", &secret).unwrap();
        assert!(!format!("{secret:?} {header:?} {:?}", header.header()).contains("canary"));
        assert!(Authorization::bearer(&Secret::new("a\r\nX-Evil: 1")).is_none());
    }

    #[test]
    fn secrets_go_over_tls_or_stay_on_the_machine() {
        let may = |url: &str| may_carry_secrets(&Url::parse(url).unwrap());
        for url in ["https://a.example", "http://localhost:1", "http://127.9.9.9", "http://[::1]:5000/v2/"] {
            assert!(may(url), "{url}");
        }
        for url in ["http://a.example", "http://localhost.example", "http://128.0.0.1", "http://[::2]/"] {
            assert!(!may(url), "{url}");
        }
    }
}
