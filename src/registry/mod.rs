//! A client of registries that trusts none of them (distribution-spec 1.1).
//!
//! What a registry says about digests and sizes is never believed: bytes are measured. Credentials go to the registry
//! they are for, over TLS or on the machine itself, and to the server of tokens that is its own or that was configured.
//! A redirect is followed without them, an upload or a list that would go on elsewhere is refused. What is read is
//! bounded, what is tried again is counted.

mod answer;
mod authority;
mod challenge;
mod credentials;
mod endpoint;
mod error;
mod line;
mod list;
mod pull;
mod push;
mod referrers;
mod retry;
mod tag;
#[cfg(test)]
mod tests;
mod token;
mod upload;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::settings::RegistrySettings;
use crate::error::Failure;
use crate::event::Events;
use crate::host::Host;
use crate::host::http::Transport;
use crate::oci::Repository;
use credentials::Keyring;
pub use credentials::Login;
use endpoint::Endpoint;
pub use error::RegistryError;
use line::Line;
use pull::Documents;
pub use retry::Retry;
pub use tag::Standing;

/// All registries of a run: connections, credentials and tokens are shared by its repositories.
pub struct Registry<'h> {
    host: &'h Host,
    settings: Vec<RegistrySettings>,
    events: Events,
    keyring: Keyring<'h>,
    retry: Retry,
    patience: Duration,
    /// For redirects to other servers: no certificate of ours, no credentials.
    elsewhere: Transport,
    endpoints: Mutex<BTreeMap<String, Arc<Endpoint>>>,
}

/// One repository: a [`Source`](crate::oci::Source) and a [`Sink`](crate::oci::Sink), and its tags.
pub struct Remote<'r> {
    line: Line<'r>,
    /// Documents that were read, so that finding a tag and reading what it stands for is one request.
    documents: Documents,
    /// Uploads that a refused mount has begun already.
    begun: push::Begun,
    /// One writer of referrers at a time.
    referring: Mutex<()>,
}

impl<'h> Registry<'h> {
    /// Takes the `[[registry]]` tables; nothing is asked and no file is read yet.
    pub fn new(host: &'h Host, settings: &[RegistrySettings], events: &Events) -> Self {
        Self {
            host,
            settings: settings.to_vec(),
            events: events.clone(),
            keyring: Keyring::new(host, events),
            retry: Retry::default(),
            patience: Duration::from_secs(60),
            elsewhere: Transport::new(&host.env).with_own_connections().stopped_with(&host.children),
            endpoints: Mutex::default(),
        }
    }

    /// With other tries, and another time in which a registry must say something.
    #[must_use]
    pub fn with_patience(self, retry: Retry, idle: Duration) -> Self {
        Self { retry, patience: idle, elsewhere: self.elsewhere.waiting(idle), ..self }
    }

    /// A repository. Nothing is asked yet. Errors: a `[[registry]]` table whose certificates cannot be read.
    pub fn repository(&self, repository: &Repository) -> Result<Remote<'_>, Failure> {
        let endpoint = self.endpoint(repository)?;
        let line = Line { registry: self, endpoint, repository: repository.clone() };
        Ok(Remote { line, documents: Documents::default(), begun: Mutex::default(), referring: Mutex::default() })
    }

    fn endpoint(&self, repository: &Repository) -> Result<Arc<Endpoint>, RegistryError> {
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = endpoints.get(repository.host()) {
            return Ok(known.clone());
        }
        let settings = self.settings.iter().find(|settings| settings.host == repository.host());
        let opened = Arc::new(Endpoint::open(self.host, repository, settings, self.patience)?);
        endpoints.insert(repository.host().to_owned(), opened.clone());
        Ok(opened)
    }

    /// Tries until it goes well, an error that stays, or the end of patience. Equal salts give equal pauses.
    fn retried<T>(&self, salt: u32, mut attempt: impl FnMut() -> Result<T, RegistryError>) -> Result<T, RegistryError> {
        let mut pauses = Pauses::new(self, salt);
        loop {
            match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => pauses.after(error)?,
            }
        }
    }
}

/// The tries of one operation.
struct Pauses<'r> {
    registry: &'r Registry<'r>,
    salt: u32,
    done: u32,
    spent: Duration,
}

impl<'r> Pauses<'r> {
    fn new(registry: &'r Registry<'_>, salt: u32) -> Self {
        Self { registry, salt, done: 0, spent: Duration::ZERO }
    }

    /// Waits after a failed try. Errors: the try's own, when there is no other; the user wants to stop.
    fn after(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        self.done += 1;
        let Some(asked) = error.again() else { return Err(error) };
        let Some(pause) = self.registry.retry.pause(self.done, self.spent, asked, self.salt) else { return Err(error) };
        self.spent += pause;
        self.registry.events.debug(format!("{error}; trying again in {} ms", pause.as_millis()));
        Ok(self.registry.elsewhere.pause(pause)?)
    }

    /// Something came of it: as many tries again.
    fn progressed(&mut self) {
        self.done = 0;
    }
}
