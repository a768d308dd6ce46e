//! Where a registry answers, and what its table in `sealift.toml` says about it.

use std::sync::Mutex;
use std::time::Duration;

use super::authority::Authority;
use super::error::RegistryError;
use crate::config::settings::RegistrySettings;
use crate::host::Host;
use crate::host::http::{Transport, Trust, Url, is_loopback};
use crate::oci::Repository;

/// Servers of tokens that are known to belong to a registry of another name.
const REALMS: [(&str, &str); 2] =
    [("docker.io", "https://auth.docker.io"), ("registry.gitlab.com", "https://gitlab.com")];

/// One registry.
pub(super) struct Endpoint {
    /// As references have it.
    pub name: String,
    /// Where its API begins, without `v2/`.
    base: Url,
    /// Connections that know its certificates.
    pub transport: Transport,
    /// Whether plain HTTP was allowed in words, also to other machines.
    plain: bool,
    /// The server of tokens, where that is another one.
    pub realm: Option<Url>,
    /// Who may ask, as far as that is known.
    pub authority: Mutex<Authority>,
}

impl Endpoint {
    /// Errors: a host that no URL can hold, certificates that cannot be read.
    pub fn open(
        host: &Host,
        repository: &Repository,
        settings: Option<&RegistrySettings>,
        patience: Duration,
    ) -> Result<Self, RegistryError> {
        let name = repository.host();
        let refuse = || RegistryError::Host { host: name.to_owned() };
        let parse = |scheme: &str, host: &str| Url::parse(&format!("{scheme}://{host}/")).map_err(|_| refuse());
        let mut base = parse("https", repository.api_host())?;
        let told = settings.and_then(|settings| settings.plain_http);
        let certificates = settings.is_some_and(|settings| settings.ca.is_some() || settings.client_cert.is_some());
        // As for docker: a registry on the machine itself speaks plain HTTP, unless something else is said.
        if told.unwrap_or(is_loopback(&base) && !certificates) {
            base = parse("http", repository.api_host())?;
        }
        let path = |path: Option<&std::path::PathBuf>| path.map(|path| host.env.dir().join(path));
        let trust = match settings {
            Some(settings) => Trust::read(
                path(settings.ca.as_ref()).as_deref(),
                path(settings.client_cert.as_ref()).as_deref(),
                path(settings.client_key.as_ref()).as_deref(),
            )?,
            None => Trust::default(),
        };
        let known = REALMS.iter().find(|(host, _)| *host == name).map(|(_, realm)| *realm);
        let realm = settings.and_then(|settings| settings.realm.as_deref()).or(known);
        let realm = realm.map(|realm| Url::parse(realm).map_err(|_| refuse())).transpose()?;
        let transport = Transport::new(&host.env)
            .with_own_connections()
            .trusting(trust)
            .waiting(patience)
            .stopped_with(&host.children);
        let plain = told == Some(true);
        Ok(Self { name: name.to_owned(), base, transport, plain, realm, authority: Mutex::default() })
    }

    /// An address of the API; what goes into it was parsed by the grammar of references.
    pub fn url(&self, path: &str) -> Result<Url, RegistryError> {
        self.base.join(&format!("v2/{path}")).map_err(|_| RegistryError::Host { host: self.name.clone() })
    }

    /// Whether an address is one of the registry itself: the same scheme, host and port.
    pub fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Whether credentials for this registry may go to a server of tokens.
    pub fn trusts_realm(&self, realm: &Url) -> bool {
        self.owns(realm) || self.realm.as_ref().is_some_and(|own| own.origin() == realm.origin())
    }

    /// Whether something may be read at an address: plain HTTP only from the machine itself, or where it was allowed.
    pub fn may_read(&self, url: &Url) -> bool {
        url.scheme() == "https" || is_loopback(url) || self.plain
    }
}
