//! Tokens: what is asked of a server of tokens, and what it answers (distribution, "Token Authentication
//! Specification" and "OAuth2 Token Authentication").

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use sealift_trust::json::{self, Limits, Numbers, Value};

use crate::host::http::{Authorization, Secret, Url};
use crate::oci::Repository;

use super::credentials::Login;

/// How long a token lives when its server does not say (the specification's own number).
const LIFETIME: u64 = 60;
/// No token is kept for longer.
const LONGEST: u64 = 3600;
const LIMITS: Limits = Limits { bytes: 64 << 10, values: 100, numbers: Numbers::Any };

/// The longest answer of a server of tokens.
pub(super) const ANSWER_CAP: u64 = LIMITS.bytes as u64;

/// What a token is for: only what we want ourselves, whatever the challenge names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope(BTreeSet<String>);

impl Scope {
    /// Reading a repository.
    pub fn pull(repository: &Repository) -> Self {
        Self::of(repository, "pull")
    }

    /// Writing to a repository.
    pub fn push(repository: &Repository) -> Self {
        Self::of(repository, "pull,push")
    }

    /// Deleting from a repository.
    pub fn delete(repository: &Repository) -> Self {
        Self::of(repository, "delete,pull")
    }

    /// Also reading another repository of the same registry.
    pub fn and_pull(mut self, repository: &Repository) -> Self {
        self.0.extend(Self::pull(repository).0);
        self
    }

    fn of(repository: &Repository, actions: &str) -> Self {
        Self(BTreeSet::from([format!("repository:{}:{actions}", repository.path())]))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
    }
}

/// A request for a token.
pub(super) struct Wanted {
    /// Where.
    pub url: Url,
    /// Who asks, in the simple form.
    pub authorization: Option<Authorization>,
    /// What is sent, in the OAuth 2 form.
    pub form: Option<String>,
}

impl Wanted {
    /// What is asked at a realm. Nothing when the login is no text that a header can hold.
    pub fn new(realm: &Url, service: Option<&str>, scope: &Scope, login: Option<&Login>) -> Option<Self> {
        if let Some(Login::Identity(token)) = login {
            let mut pairs = vec![("grant_type", "refresh_token"), ("client_id", "sealift")];
            pairs.extend(service.map(|service| ("service", service)));
            let scope = scope.to_string();
            pairs.extend([("scope", scope.as_str()), ("refresh_token", token.expose())]);
            return Some(Self { url: realm.clone(), authorization: None, form: Some(form(realm, &pairs)) });
        }
        let authorization = match login {
            Some(Login::Password { user, password }) => Some(Authorization::basic(user, password)?),
            _ => None,
        };
        let mut url = realm.clone();
        let mut pairs = url.query_pairs_mut();
        if let Some(service) = service {
            pairs.append_pair("service", service);
        }
        for scope in &scope.0 {
            pairs.append_pair("scope", scope);
        }
        drop(pairs);
        Some(Self { url, authorization, form: None })
    }
}

/// Pairs in the form of a query, as a body.
fn form(any: &Url, pairs: &[(&str, &str)]) -> String {
    let mut url = any.clone();
    url.set_query(None);
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or("").to_owned()
}

/// A token and its time.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// What is sent.
    pub authorization: Authorization,
    until: Instant,
}

impl Token {
    /// Reads the answer of a server of tokens that came at some time. Errors: in words.
    pub fn parse(bytes: &[u8], now: Instant) -> Result<Self, String> {
        let value = json::parse(bytes, &LIMITS).map_err(|error| format!("its answer is not JSON: {error}"))?;
        let Value::Object(members) = value else { return Err(format!("its answer is {}", value.kind())) };
        let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let token = text("token").or_else(|| text("access_token")).ok_or("its answer holds no token")?;
        let lifetime = match members.get("expires_in") {
            Some(Value::Integer(seconds)) => u64::try_from(*seconds).unwrap_or(0).min(LONGEST),
            _ => LIFETIME,
        };
        let authorization =
            Authorization::bearer(&Secret::new(token)).ok_or("its token holds what no header can hold")?;
        // A tenth less: what is sent at the last moment arrives behind it.
        Ok(Self { authorization, until: now + Duration::from_secs(lifetime) * 9 / 10 })
    }

    /// Whether it can still be used.
    pub fn is_fresh(&self, now: Instant) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(text: &str) -> Repository {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_asked_for_what_is_wanted_and_nothing_else() {
        let realm = Url::parse("https://r.example/token?x=1").unwrap();
        let scope = Scope::push(&repository("r.example/a/b")).and_pull(&repository("r.example/c"));
        let login = Login::Password { user: "me".into(), password: Secret::new("p") };
        let wanted = Wanted::new(&realm, Some("the registry"), &scope, Some(&login)).unwrap();
        assert_eq!(
            wanted.url.query(),
            Some("x=1&service=the+registry&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull")
        );
        assert!(wanted.authorization.is_some() && wanted.form.is_none());
    }

    #[test]
    fn an_identity_token_is_sent_as_a_form_and_never_in_the_address() {
        let realm = Url::parse("https://r.example/token").unwrap();
        let login = Login::Identity(Secret::new("canary&x"));
        let wanted = Wanted::new(&realm, None, &Scope::pull(&repository("r.example/a")), Some(&login)).unwrap();
        assert_eq!(wanted.url, realm);
        let form = "grant_type=refresh_token&client_id=sealift&scope=repository%3Aa%3Apull&refresh_token=canary%26x";
        assert_eq!(wanted.form.as_deref(), Some(form));
    }

    #[test]
    fn answers_of_both_forms_are_read_and_others_refused() {
        let now = Instant::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        let token = Token::parse(br#"{"access_token":"t","expires_in":100,"issued_at":"x"}"#, now).unwrap();
        assert!(token.is_fresh(later(89)) && !token.is_fresh(later(91)));
        assert!(!Token::parse(br#"{"token":"t"}"#, now).unwrap().is_fresh(later(55)));
        assert!(!Token::parse(br#"{"token":"t","expires_in":-5}"#, now).unwrap().is_fresh(now));
        assert!(!Token::parse(br#"{"token":"t","expires_in":9000000000}"#, now).unwrap().is_fresh(later(3601)));
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"token":""}"#,
            r#"{"token":1}"#,
            r#"{"token":"a\r\nb"}"#,
            r#"{"token":"a","token":"b"}"#,
        ] {
            assert!(Token::parse(bad.as_bytes(), now).is_err(), "{bad}");
        }
    }
}
