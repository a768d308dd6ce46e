//! Files of credentials as docker and podman write them: `config.json`, `auth.json` (containers-auth.json(5)).

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Login;
use crate::host::http::Secret;

/// What docker calls its own hub in these files.
const HUB: &str = "https://index.docker.io/v1/";
/// Other names under which the hub is found in them.
const HUB_NAMES: [&str; 3] = ["index.docker.io", "docker.io", "registry-1.docker.io"];

/// A file of credentials.
#[derive(Deserialize)]
pub(super) struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(rename = "credHelpers", default)]
    helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore", default)]
    store: String,
}

#[derive(Deserialize, Default)]
struct Entry {
    #[serde(default)]
    auth: Secret,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: Secret,
    #[serde(rename = "identitytoken", default)]
    identity: Secret,
    #[serde(rename = "registrytoken", default)]
    token: Secret,
}

/// Where a file keeps the credentials that were asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It has none.
    Nowhere,
    /// In itself.
    Here(Login),
    /// In a helper.
    InHelper {
        /// The end of the helper's name: `docker-credential-<program>`.
        program: String,
        /// What it is asked for.
        server: String,
        /// What counts when the helper has none.
        otherwise: Option<Login>,
    },
}

impl File {
    /// Reads a file. Errors: no JSON, or members of other types; the message holds no value.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| {
            // What serde says of a wrong value may repeat it.
            format!("it is not JSON of the right shape (line {}, column {})", error.line(), error.column())
        })
    }

    /// Finds the credentials for a repository: a helper for its host first, then the one for all hosts, then the entry
    /// whose key names most of it. Errors: an entry that cannot be read.
    pub fn find(&self, host: &str, path: &str) -> Result<Kept, String> {
        let names = names_of(host);
        let otherwise = self.entry(&names, path)?;
        let own = self.helpers.iter().find(|(key, _)| names.contains(&bare(key)));
        let program = own.map(|(_, program)| program).or(Some(&self.store)).filter(|program| !program.is_empty());
        let Some(program) = program else { return Ok(otherwise.map_or(Kept::Nowhere, Kept::Here)) };
        let server = if names.len() > 1 { HUB.to_owned() } else { host.to_owned() };
        Ok(Kept::InHelper { program: program.clone(), server, otherwise })
    }

    fn entry(&self, names: &[&str], path: &str) -> Result<Option<Login>, String> {
        let whole: Vec<String> = names.iter().map(|name| format!("{name}/{path}")).collect();
        let fits = |key: &str| {
            whole
                .iter()
                .any(|whole| whole.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        let fitting = self.auths.iter().filter(|(key, _)| fits(bare(key)));
        let Some((key, entry)) = fitting.max_by_key(|(key, _)| bare(key).len()) else { return Ok(None) };
        entry.login().map_err(|why| format!("the entry for {:?} {why}", bare(key)))
    }
}

impl Entry {
    fn login(&self) -> Result<Option<Login>, &'static str> {
        if !self.identity.is_empty() {
            return Ok(Some(Login::Identity(self.identity.clone())));
        }
        if !self.token.is_empty() {
            return Ok(Some(Login::Token(self.token.clone())));
        }
        if self.auth.is_empty() {
            let some = !self.username.is_empty() || !self.password.is_empty();
            let (user, password) = (self.username.clone(), self.password.clone());
            return Ok(some.then_some(Login::Password { user, password }));
        }
        let bytes =
            Base64::decode_vec(self.auth.expose().trim()).map(Zeroizing::new).map_err(|_| "is not in base 64")?;
        let text = std::str::from_utf8(&bytes).map_err(|_| "is no text")?;
        // Docker pads with NUL.
        let (user, password) = text.trim_end_matches('\0').split_once(':').ok_or("has no colon")?;
        Ok(Some(Login::Password { user: user.to_owned(), password: Secret::new(password) }))
    }
}

/// The names under which a host is found; more than one for docker's hub.
fn names_of(host: &str) -> Vec<&str> {
    if HUB_NAMES.contains(&host) { HUB_NAMES.to_vec() } else { vec![host] }
}

/// A key without scheme and version of the protocol: `https://index.docker.io/v1/` names `index.docker.io`.
fn bare(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}
