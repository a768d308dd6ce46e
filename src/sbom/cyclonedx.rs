//! CycloneDX 1.6 in JSON (ECMA-424; cyclonedx.org/docs/1.6/json).

use serde_json::{Map, Value, json};

use super::document::{Component, Role, Sbom};
use super::{moment, unique};

/// Writes the document. The same list gives the same bytes; the serial number follows from them.
pub(super) fn write(sbom: &Sbom) -> Vec<u8> {
    let components: Vec<Value> = sbom.parts.values().map(component).collect();
    let mut dependencies: Vec<Value> =
        sbom.depends.iter().map(|(from, to)| json!({ "ref": from, "dependsOn": to })).collect();
    if !sbom.holds.is_empty() {
        dependencies.insert(0, json!({ "ref": sbom.root.id, "dependsOn": sbom.holds }));
    }
    let aggregate = if sbom.incomplete { "incomplete" } else { "complete" };
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": moment(sbom.created),
            "tools": { "components": [{
                "type": "application",
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
            }] },
            "component": component(&sbom.root),
        },
        "components": components,
        "dependencies": dependencies,
        "compositions": [{ "aggregate": aggregate, "assemblies": [sbom.root.id] }],
    });
    document["serialNumber"] = unique(&document).into();
    super::bytes(&document)
}

fn component(part: &Component) -> Value {
    let mut value = Map::new();
    let mut put = |name: &str, content: Value| drop(value.insert(name.to_owned(), content));
    put("bom-ref", part.id.clone().into());
    put(
        "type",
        match part.role {
            Role::Program | Role::Toolchain => "application",
            Role::Library | Role::Package => "library",
            Role::System => "operating-system",
            Role::File | Role::Folder => "file",
            Role::Image => "container",
        }
        .into(),
    );
    put("name", part.name.clone().into());
    if let Some(version) = &part.version {
        put("version", version.clone().into());
    }
    if part.role == Role::Toolchain {
        put("scope", "excluded".into());
    }
    if let Some(digest) = part.digest {
        put("hashes", json!([{ "alg": "SHA-256", "content": digest.hex() }]));
    }
    if let Some(license) = &part.license {
        put("licenses", json!([{ "expression": license }]));
    }
    if let Some(purl) = &part.purl {
        put("purl", purl.clone().into());
    }
    if !part.properties.is_empty() {
        let one = |(name, value): (&String, &String)| json!({ "name": name, "value": value });
        put("properties", part.properties.iter().map(one).collect());
    }
    Value::Object(value)
}
