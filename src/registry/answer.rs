//! Answers that are no success: their status and what the registry says become an error.

use sealift_trust::json::{self, Limits, Numbers, Value};

use super::error::RegistryError;
use crate::host::http::Url;
use crate::host::http::{Response, redacted};
use crate::sanitize::sanitize;

/// What a registry may say about an error.
const SAID: Limits = Limits { bytes: 4096, values: 200, numbers: Numbers::Any };

/// What came instead of what was wanted.
pub(super) struct Refusal {
    status: u16,
    after: Option<std::time::Duration>,
    words: String,
    /// The first error code (distribution-spec, "Error Codes").
    pub code: Option<String>,
}

impl Refusal {
    /// Reads what the registry says, bounded.
    pub fn of(response: &mut Response) -> Self {
        let (status, after) = (response.status, response.retry_after());
        let html = response.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let words = response.words();
        let errors = errors(&words);
        let code = errors.first().map(|(code, _)| code.clone());
        let words = match errors.as_slice() {
            // A page for browsers tells people nothing on a terminal.
            [] if html => String::new(),
            [] => words,
            errors => errors.iter().map(|(code, text)| format!("{code}: {text}")).collect::<Vec<_>>().join("\n"),
        };
        Self { status, after, words: sanitize(&words).into_owned(), code }
    }

    /// The error, where `what` names the thing that a 404 speaks of.
    pub fn into_error(self, url: &Url, what: &str) -> RegistryError {
        let url = redacted(url.as_str());
        match self.status {
            404 => RegistryError::NotFound { what: what.to_owned() },
            403 => RegistryError::Denied { url, status: 403, text: self.words },
            300..400 => RegistryError::Redirect { url, why: "nothing is sent to another place" },
            status @ 200..300 => RegistryError::Answer { url, why: format!("status {status} means nothing here") },
            status => RegistryError::Status { url, status, after: self.after, text: self.words },
        }
    }
}

/// Codes and messages of an error's body.
fn errors(words: &str) -> Vec<(String, String)> {
    let Ok(Value::Object(members)) = json::parse(words.as_bytes(), &SAID) else { return Vec::new() };
    let Some(Value::Array(errors)) = members.get("errors") else { return Vec::new() };
    let text = |error: &Value, name: &str| match error {
        Value::Object(members) => members.get(name).and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    errors.iter().filter_map(|e| Some((text(e, "code")?, text(e, "message").unwrap_or_default()))).collect()
}
