//! Who may ask a registry: what it wants, the credentials there are, and the tokens that were given.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Instant;

use super::challenge::Challenge;
use super::credentials::Login;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::line::Line;
use super::token::{ANSWER_CAP, Scope, Token, Wanted};
use crate::host::http::{
    Authorization, Bytes, Call, HttpError, Method, Payload, Response, Url, may_carry_secrets, redacted,
};
use crate::oci::Repository;
use crate::sanitize::sanitize_line;

/// What is known about who may ask.
#[derive(Default)]
pub(super) struct Authority {
    scheme: Scheme,
    /// By what they are for; one more for each repository, so that a run has few.
    tokens: BTreeMap<Scope, Token>,
    logins: BTreeMap<Repository, Option<Login>>,
}

/// What a registry wants with each request.
#[derive(Clone, Default)]
enum Scheme {
    /// Nothing, until it says otherwise.
    #[default]
    Nothing,
    Basic,
    Bearer {
        realm: Url,
        service: Option<String>,
    },
}

impl Line<'_> {
    /// What is sent with a request, as far as it is known what is wanted. One token for a scope is asked for at a time.
    /// Errors: there are no credentials where some are wanted; the server of tokens.
    pub fn authorization(&self, scope: &Scope) -> Result<Option<Authorization>, RegistryError> {
        let endpoint = &self.endpoint;
        let mut authority = lock(endpoint);
        let login = match authority.logins.get(&self.repository) {
            Some(login) => login.clone(),
            None => {
                let login = self.registry.keyring.login(&self.repository)?;
                authority.logins.insert(self.repository.clone(), login.clone());
                login
            }
        };
        let nobody = || RegistryError::Unauthorized { host: endpoint.name.clone(), known: false };
        let refused = || RegistryError::Unauthorized { host: endpoint.name.clone(), known: true };
        match (authority.scheme.clone(), login) {
            (Scheme::Nothing, _) => Ok(None),
            (Scheme::Basic, Some(Login::Password { user, password })) => {
                Authorization::basic(&user, &password).map(Some).ok_or_else(refused)
            }
            (Scheme::Basic, _) => Err(nobody()),
            (Scheme::Bearer { .. }, Some(Login::Token(token))) => {
                Authorization::bearer(&token).map(Some).ok_or_else(refused)
            }
            (Scheme::Bearer { realm, service }, login) => {
                if let Some(token) = authority.tokens.get(scope).filter(|token| token.is_fresh(Instant::now())) {
                    return Ok(Some(token.authorization.clone()));
                }
                let wanted = Wanted::new(&realm, service.as_deref(), scope, login.as_ref()).ok_or_else(refused)?;
                let token = ask(endpoint, &wanted, login.is_some())?;
                authority.tokens.insert(scope.clone(), token.clone());
                Ok(Some(token.authorization))
            }
        }
    }

    /// Learns from a 401 what the registry wants; a token that it did not take is forgotten. Errors: it wants nothing
    /// that can be read, it refuses what it got, it sends us elsewhere for tokens.
    pub fn challenged(&self, scope: &Scope, response: &Response, sent: bool) -> Result<(), RegistryError> {
        let endpoint = &self.endpoint;
        let mut authority = lock(endpoint);
        let known = authority.knows(&self.repository);
        let refuse = || RegistryError::Unauthorized { host: endpoint.name.clone(), known };
        authority.tokens.remove(scope);
        match Challenge::of(response.headers("www-authenticate")).ok_or_else(refuse)? {
            Challenge::Basic if sent && matches!(authority.scheme, Scheme::Basic) => return Err(refuse()),
            Challenge::Basic => authority.scheme = Scheme::Basic,
            Challenge::Bearer { realm, service } => {
                let elsewhere = |realm: &str| RegistryError::Realm {
                    host: endpoint.name.clone(),
                    realm: sanitize_line(realm).into_owned(),
                };
                let mut url = Url::parse(&realm).map_err(|_| elsewhere(&redacted(&realm)))?;
                if !endpoint.trusts_realm(&url) {
                    return Err(elsewhere(&url.origin().ascii_serialization()));
                }
                // Userinfo there would be the registry's choice of credentials, not the user's.
                url.set_username("")
                    .and_then(|()| url.set_password(None))
                    .map_err(|()| elsewhere(&redacted(&realm)))?;
                authority.scheme = Scheme::Bearer { realm: url, service };
            }
        }
        Ok(())
    }
}

impl Line<'_> {
    /// The error of a request that was refused although everything was sent that there is.
    pub fn unauthorized(&self) -> RegistryError {
        let known = lock(&self.endpoint).knows(&self.repository);
        RegistryError::Unauthorized { host: self.endpoint.name.clone(), known }
    }
}

impl Authority {
    /// Whether there are credentials for a repository; a token for nobody in particular is none.
    fn knows(&self, repository: &Repository) -> bool {
        self.logins.get(repository).is_some_and(Option::is_some)
    }
}

fn lock(endpoint: &Endpoint) -> MutexGuard<'_, Authority> {
    endpoint.authority.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ask(endpoint: &Endpoint, wanted: &Wanted, known: bool) -> Result<Token, RegistryError> {
    let url = &wanted.url;
    if wanted.form.is_some() && !may_carry_secrets(url) {
        let url = redacted(url.as_str());
        return Err(HttpError::PlainSecret { url }.into());
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let (method, headers, payload): (_, &[_], _) = match &wanted.form {
        Some(text) => (Method::Post, &form, Payload::Bytes(Bytes::copy_from_slice(text.as_bytes()))),
        None => (Method::Get, &[], Payload::Empty),
    };
    let call = Call { method, url, headers, authorization: wanted.authorization.as_ref(), payload };
    let mut response = endpoint.transport.exchange(call)?;
    match response.status {
        200 => {}
        400 | 401 | 403 => return Err(RegistryError::Unauthorized { host: endpoint.name.clone(), known }),
        _ => {
            let what = format!("the server of tokens at {}", redacted(url.as_str()));
            return Err(super::answer::Refusal::of(&mut response).into_error(url, &what));
        }
    }
    let refuse = |why| RegistryError::Answer { url: redacted(url.as_str()), why };
    let bytes = response.read(ANSWER_CAP).map_err(|error| match error {
        HttpError::TooLarge { cap, .. } => refuse(format!("a token has no more than {cap} bytes")),
        other => other.into(),
    })?;
    Token::parse(&bytes, Instant::now()).map_err(refuse)
}
