//! The JSON Schema of `sealift.toml` (draft 2020-12), for editors.

use serde_json::{Map, Value, json};

use super::keys::{FORMATS, Key, ROOT, Shape, Table, Text};

/// The schema, from the table of keys.
pub fn schema() -> Value {
    let mut schema = table(&ROOT);
    let about = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("$id", json!("urn:sealift:schema:config:1")),
        ("title", json!("sealift.toml")),
    ];
    if let Value::Object(object) = &mut schema {
        object.extend(about.map(|(key, value)| (key.to_owned(), value)));
    }
    schema
}

fn table(table: &Table) -> Value {
    let properties: Map<String, Value> = table.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    json!({ "type": "object", "description": table.text, "additionalProperties": false, "properties": properties })
}

fn property(key: &Key) -> Value {
    let mut schema = shape(key.shape);
    if let Value::Object(object) = &mut schema {
        let default = if key.default.is_empty() { String::new() } else { format!(" Default: {}.", key.default) };
        object.insert("description".into(), json!(format!("{}{default}", key.text)));
    }
    schema
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Table(inner) => table(inner),
        Shape::Tables(inner) => json!({ "type": "array", "items": table(inner) }),
        Shape::ByTarget(inner) => {
            json!({ "type": "object", "propertyNames": rule_target(), "additionalProperties": table(inner) })
        }
        Shape::Text(kind) => text(kind),
        Shape::List(kind) => json!({ "type": "array", "items": text(kind) }),
        Shape::Choice(words) => json!({ "enum": words }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Number(most) => json!({ "type": "integer", "minimum": 0, "maximum": most }),
        Shape::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? *([kKmMgGtT]?[iI]?[bB])?$" },
        ] }),
        Shape::Variables => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": "string" },
        }),
        Shape::Strings => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Shape::Commands => json!({
            "type": "array",
            "items": { "type": "array", "minItems": 1, "items": { "type": "string" } },
        }),
        Shape::Formats => {
            let formats = json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": FORMATS } });
            let by_target =
                json!({ "type": "object", "propertyNames": rule_target(), "additionalProperties": formats });
            json!({ "anyOf": [formats, by_target] })
        }
    }
}

fn text(kind: Text) -> Value {
    match kind.pattern() {
        Some(pattern) => json!({ "type": "string", "pattern": pattern }),
        None => json!({ "type": "string" }),
    }
}

fn rule_target() -> Value {
    json!({ "pattern": r"^[a-z0-9*]+(/[a-z0-9*]+(/[a-z0-9.*]+)?)?$" })
}
