//! Programs that keep credentials: `docker-credential-<name> get` (docker-credential-helpers, "Development").

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::Login;
use crate::command::Command;
use crate::host::Host;
use crate::host::http::Secret;
use crate::host::process::{Input, ProcessError};

/// A helper may ask a keychain, a cloud, or even the user.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username", default)]
    user: String,
    #[serde(rename = "Secret", default)]
    secret: Secret,
}

/// Asks a helper for the credentials of a server; nothing when it has none. Errors: in words, without a secret.
pub(super) fn ask(host: &Host, name: &str, server: &str) -> Result<Option<Login>, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(plain) || server.contains(['\n', '\r', '\0']) {
        return Err("this is not the name of a helper".into());
    }
    let program = format!("docker-credential-{name}");
    let program = host.env.find_program(&program).ok_or("it is not on PATH")?;
    // Helpers are the user's own programs and find their keys by variables of many names; ours are none of their business.
    let env = host.env.select(|name| !name.starts_with("SEALIFT_"));
    let command = Command::new(program, host.env.dir()).args(["get"]).envs(env);
    let finished = match host.run_within(&command, Input::Bytes(format!("{server}\n").into_bytes()), LIMIT) {
        Ok(finished) => finished,
        // Helpers say on stdout what is wrong, and this is the one thing that is not.
        Err(ProcessError::Failed { stderr, .. }) if stderr.contains("credentials not found") => return Ok(None),
        Err(ProcessError::Failed { status, .. }) => return Err(format!("it ended with {status}")),
        Err(error) => return Err(error.to_string()),
    };
    let stdout = Zeroizing::new(finished.stdout);
    let answer: Answer = serde_json::from_slice(&stdout).map_err(|_| "its answer is not JSON of the right shape")?;
    Ok(match answer {
        Answer { secret, .. } if secret.is_empty() => None,
        Answer { user, secret } if user == "<token>" => Some(Login::Identity(secret)),
        Answer { user, secret } => Some(Login::Password { user, password: secret }),
    })
}
