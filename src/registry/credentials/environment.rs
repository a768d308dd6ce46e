//! Credentials in the environment: our own variables, and what CI jobs are given.

use super::Login;
use crate::host::env::Env;
use crate::host::http::Secret;
use crate::registry::error::RegistryError;

const HOST: &str = "SEALIFT_REGISTRY_HOST";
const USER: &str = "SEALIFT_REGISTRY_USER";
const PASSWORD: &str = "SEALIFT_REGISTRY_PASSWORD";
const TOKEN: &str = "SEALIFT_REGISTRY_TOKEN";

/// What our own variables say. They are for one host, which must be named: a build asks several registries (bases come
/// from one, images go to another), and a password must not be tried at each.
pub(super) fn own(env: &Env, host: &str) -> Result<Option<Login>, RegistryError> {
    let (user, password, token) = (env.var(USER), env.var(PASSWORD), env.var(TOKEN));
    let set = [(USER, user), (PASSWORD, password), (TOKEN, token)].into_iter().find(|(_, value)| value.is_some());
    let Some((name, _)) = set else { return Ok(None) };
    let missing = |name, missing| RegistryError::CredentialVariables { name, missing };
    let meant = env.var(HOST).ok_or_else(|| missing(name, HOST))?;
    let login = match (user, password, token) {
        (None, None, Some(token)) => Login::Token(Secret::new(token)),
        (Some(user), Some(password), _) => Login::Password { user: user.to_owned(), password: Secret::new(password) },
        (Some(_), None, _) => return Err(missing(USER, PASSWORD)),
        _ => return Err(missing(PASSWORD, USER)),
    };
    Ok(meant.eq_ignore_ascii_case(host).then_some(login))
}

/// What a job of GitHub or GitLab has for its own registry.
pub(super) fn of_ci(env: &Env, host: &str) -> Option<Login> {
    let password = |user: &str, password: &str| {
        let (user, password) = (env.var(user)?, env.var(password)?);
        Some(Login::Password { user: user.to_owned(), password: Secret::new(password) })
    };
    if host == "ghcr.io" && env.var("GITHUB_ACTIONS").is_some() {
        return password("GITHUB_ACTOR", "GITHUB_TOKEN");
    }
    if env.var("CI_REGISTRY").is_some_and(|own| own.eq_ignore_ascii_case(host)) {
        return password("CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD");
    }
    None
}
