//! Events, results and failures as JSON, one a line. The field names are stable: programs read them.

use serde_json::{Value, json};

use super::product::Product;
use crate::error::{Failure, Kind};
use crate::event::Event;
use crate::sanitize::{Charset, is_hazard};

/// An event as JSON objects: one, or one for each of several stages that begin. `type` says which:
///
/// - `stage`: `name`, `steps` (a number, 0 when unknown)
/// - `started`: `step`
/// - `finished`: `step`, `cached` (true when the result came from the store), `took_ms`, `bytes`
/// - `failed`, `stopped` (the user said so): `step`
/// - `info`, `debug`: `text`
/// - `warning`: `code`, `text`
/// - `check`: `name`, `outcome` (`passed`, `failed`, `not run`), `why`
/// - `report`: `name` (a stage), `data` (what it found out although the run fails)
/// - `transfer`: `name`, `done`, `total` (bytes)
pub(super) fn event(event: &Event) -> Vec<Value> {
    let value = match event {
        Event::Stages(stages) => {
            let stage = |(name, steps): &(&str, usize)| json!({"type": "stage", "name": name, "steps": steps});
            return stages.iter().map(stage).collect();
        }
        Event::Started { step } => json!({"type": "started", "step": step}),
        Event::Finished { step, cached, took, bytes } => {
            let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            json!({"type": "finished", "step": step, "cached": cached, "took_ms": took_ms, "bytes": bytes})
        }
        Event::Failed { step } => json!({"type": "failed", "step": step}),
        Event::Stopped { step } => json!({"type": "stopped", "step": step}),
        Event::Info(text) => json!({"type": "info", "text": text}),
        Event::Warn { code, text } => json!({"type": "warning", "code": code, "text": text}),
        Event::Debug(text) => json!({"type": "debug", "text": text}),
        Event::Check { name, outcome, why } => json!({"type": "check", "name": name, "outcome": outcome, "why": why}),
        Event::Document(text) => json!({"type": "document", "text": text}),
        Event::Report { name, data } => json!({"type": "report", "name": name, "data": data}),
        Event::Transfer { name, done, total } => {
            json!({"type": "transfer", "name": name, "done": done, "total": total})
        }
    };
    vec![value]
}

/// The last line of a run that ended well: `type` is `result`, `exit` is 0, `product` is what the subcommand gives.
pub(super) fn result(product: &Product) -> Value {
    json!({"type": "result", "exit": 0, "product": product.data()})
}

/// The last line of a run that failed: `type` is `error`; `code`, `kind` (a word), `exit` (the exit code), `message`,
/// `causes` (an array, outermost first), `hint`, `place` and `detail` (each `null` when there is none). A place has
/// `file`, `line`, `column` (both count from one, columns in characters), `text` and `length`.
pub(super) fn error(failure: &Failure) -> Value {
    let place = failure.place.as_ref().map(|place| {
        json!({
            "file": place.file, "line": place.line, "column": place.column,
            "text": place.text, "length": place.length,
        })
    });
    json!({
        "type": "error",
        "code": failure.code,
        "kind": kind(failure.kind),
        "exit": failure.kind.exit_code(),
        "message": failure.message,
        "causes": failure.causes,
        "hint": failure.hint,
        "place": place,
        "detail": failure.detail,
    })
}

/// One value on one line.
pub(super) fn line(value: &Value, charset: Charset) -> String {
    safe(&value.to_string(), charset) + "\n"
}

/// One value on as many lines as a reader likes.
pub(super) fn document(value: &Value, charset: Charset) -> String {
    safe(&format!("{value:#}"), charset) + "\n"
}

/// Writes the hazards that JSON allows unescaped (DEL, C1, bidirectional controls) as `\uXXXX`, and likewise breaks up
/// `##[`, which a GitHub runner obeys anywhere in a line: the same value for a parser (RFC 8259 §7), harmless for a
/// terminal and a log. Outside of strings JSON has none of these characters.
fn safe(json: &str, charset: Charset) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hazard(c) || (charset == Charset::Ascii && !c.is_ascii()) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out += &format!("\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.replace("##[", "#\\u0023[")
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Bug => "bug",
        Kind::Usage => "usage",
        Kind::Config => "config",
        Kind::Nothing => "nothing",
        Kind::Repository => "repository",
        Kind::Tool => "tool",
        Kind::Network => "network",
        Kind::Trust => "trust",
        Kind::Unhealthy => "unhealthy",
        Kind::Gate => "gate",
        Kind::Input => "input",
        Kind::Conflict => "conflict",
        Kind::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back_and_none_is_a_hazard(text in "(\n|##\\[|\\\\|\u{7f}|\u{9b}|\u{202e}|\u{e0041}|.){0,40}") {
            let value = Value::String(text);
            let line = line(&value, Charset::Unicode);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert!(!line.trim_end().chars().any(|c| is_hazard(c) || c == '\n') && !line.contains("##["));
            prop_assert_eq!(&serde_json::from_str::<Value>(&line).expect("JSON"), &value);
            let document = document(&json!([value]), Charset::Ascii);
            prop_assert!(document.is_ascii());
            prop_assert_eq!(serde_json::from_str::<Value>(&document).expect("JSON"), json!([value]));
        }
    }
}
