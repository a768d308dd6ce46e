//! Who asks: credentials for one repository, from where users and their tools keep them.
//!
//! In this order, the first that has any: the variables `SEALIFT_REGISTRY_HOST` with `SEALIFT_REGISTRY_USER` and
//! `SEALIFT_REGISTRY_PASSWORD`, or with `SEALIFT_REGISTRY_TOKEN`; docker's file (`$DOCKER_CONFIG/config.json`, else
//! `~/.docker/config.json`) with its helpers; podman's (`$REGISTRY_AUTH_FILE`, `$XDG_RUNTIME_DIR/containers/auth.json`,
//! `containers/auth.json` in the user's configuration folder); what a CI job has for its own registry. Everything is for
//! one host: credentials are never tried at another.

mod environment;
mod file;
mod program;

use std::path::PathBuf;

use super::error::RegistryError;
use crate::event::Events;
use crate::host::Host;
use crate::host::files;
use crate::host::http::Secret;
use crate::oci::Repository;
use file::{File, Kept};

/// The longest file of credentials.
const FILE_CAP: u64 = 4 << 20;

/// How one asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that the server of tokens changes for others (OAuth 2 refresh token).
    Identity(Secret),
    /// A token that the registry itself takes.
    Token(Secret),
}

/// All credentials of a user.
pub(super) struct Keyring<'h> {
    host: &'h Host,
    events: Events,
}

impl<'h> Keyring<'h> {
    /// Looks nothing up yet.
    pub fn new(host: &'h Host, events: &Events) -> Self {
        Self { host, events: events.clone() }
    }

    /// The credentials for a repository, if there are any. Errors: variables that contradict each other, a file that is
    /// none. A helper that fails is warned about, and what comes behind it counts, as docker does it.
    pub fn login(&self, repository: &Repository) -> Result<Option<Login>, RegistryError> {
        if let Some(login) = environment::own(&self.host.env, repository.host())? {
            return Ok(Some(login));
        }
        for path in self.files() {
            let shown = path.display().to_string();
            let refuse = |why: String| RegistryError::CredentialFile { path: shown.clone(), why };
            let bytes = files::read_if_present(&path, FILE_CAP).map_err(|error| refuse(error.to_string()))?;
            let Some(bytes) = bytes else { continue };
            let file = File::parse(&bytes).map_err(refuse)?;
            if let Some(login) = self.look_in(&file, repository).map_err(refuse)? {
                return Ok(Some(login));
            }
        }
        Ok(environment::of_ci(&self.host.env, repository.host()))
    }

    fn look_in(&self, file: &File, repository: &Repository) -> Result<Option<Login>, String> {
        match file.find(repository.host(), repository.path())? {
            Kept::Nowhere => Ok(None),
            Kept::Here(login) => Ok(Some(login)),
            Kept::InHelper { program, server, otherwise } => match program::ask(self.host, &program, &server) {
                Ok(Some(login)) => Ok(Some(login)),
                Ok(None) => Ok(otherwise),
                Err(why) => {
                    self.events.warn("registry.credential-helper", format!("docker-credential-{program}: {why}"));
                    Ok(otherwise)
                }
            },
        }
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let env = &self.host.env;
        let at = |name: &str| env.var(name).map(|value| env.dir().join(value));
        let docker = at("DOCKER_CONFIG").or_else(|| env.home().map(|home| home.join(".docker")));
        let configuration = env
            .var("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
            .or_else(|| env.home().map(|home| home.join(".config")));
        let places = [
            docker.map(|dir| dir.join("config.json")),
            at("REGISTRY_AUTH_FILE"),
            at("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")),
            configuration.map(|dir| dir.join("containers/auth.json")),
        ];
        places.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
