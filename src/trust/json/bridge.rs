//! Between values and typed Rust. `serde_json` carries values here; it never reads bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{JsonError, MAX_DEPTH, MAX_INTEGER, Object, Value, is_noncharacter};

/// Turns something serialisable into a value; refuses what an I-JSON document of our own cannot hold.
pub fn to_value<T: Serialize>(typed: &T) -> Result<Value, JsonError> {
    let loose = serde_json::to_value(typed).map_err(|error| JsonError::Shape(error.to_string()))?;
    tighten(loose, 0)
}

/// Turns a value into something typed. A derived reader is lenient (it takes an array for a struct, and a missing
/// member for a default), so a document of our own is also written again and compared.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, JsonError> {
    serde_json::from_value(loosen(value)?).map_err(|error| JsonError::Shape(error.to_string()))
}

fn tighten(loose: serde_json::Value, depth: usize) -> Result<Value, JsonError> {
    if depth > MAX_DEPTH {
        return Err(JsonError::Shape(format!("nested deeper than {MAX_DEPTH}")));
    }
    Ok(match loose {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(bool) => Value::Bool(bool),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) if (-MAX_INTEGER..=MAX_INTEGER).contains(&integer) => Value::Integer(integer),
            _ => return Err(JsonError::Shape(format!("the number {number} is no integer within 2^53 - 1"))),
        },
        serde_json::Value::String(text) => Value::String(characters(text)?),
        serde_json::Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| tighten(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(members) => {
            let mut object = Object::new();
            for (name, value) in members {
                object.insert(characters(name)?, tighten(value, depth + 1)?);
            }
            Value::Object(object)
        }
    })
}

fn characters(text: String) -> Result<String, JsonError> {
    if text.chars().any(is_noncharacter) {
        return Err(JsonError::Shape(format!("a noncharacter in {text:?}")));
    }
    Ok(text)
}

fn loosen(value: Value) -> Result<serde_json::Value, JsonError> {
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(bool) => bool.into(),
        Value::Integer(integer) => integer.into(),
        Value::Number(text) => {
            let float: f64 = text.parse().map_err(|_| JsonError::Shape(format!("the number {text}")))?;
            let number = serde_json::Number::from_f64(float);
            serde_json::Value::Number(
                number.ok_or_else(|| JsonError::Shape(format!("the number {text} is too large")))?,
            )
        }
        Value::String(text) => text.into(),
        Value::Array(items) => items.into_iter().map(loosen).collect::<Result<Vec<_>, _>>()?.into(),
        Value::Object(members) => {
            let members: Result<serde_json::Map<_, _>, JsonError> =
                members.into_iter().map(|(name, value)| Ok((name, loosen(value)?))).collect();
            members?.into()
        }
    })
}
