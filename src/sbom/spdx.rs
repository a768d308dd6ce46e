//! SPDX 2.3 in JSON (spdx.github.io/spdx-spec/v2.3).

use std::collections::BTreeMap;

use sealift_trust::Digest;
use serde_json::{Value, json};

use super::document::{Component, Role, Sbom};
use super::{moment, unique};

/// What is not known, and not guessed.
const UNKNOWN: &str = "NOASSERTION";

/// Writes the document. The same list gives the same bytes; the namespace follows from them.
pub(super) fn write(sbom: &Sbom) -> Vec<u8> {
    let all = || std::iter::once(&sbom.root).chain(sbom.parts.values());
    let ids: BTreeMap<&str, String> = all().map(|part| (part.id.as_str(), id(part))).collect();
    let relation = |from: &str, kind: &str, to: &str| json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to });
    let root = &ids[sbom.root.id.as_str()];
    let mut relations = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", root)];
    relations.extend(sbom.holds.iter().map(|held| relation(root, "CONTAINS", &ids[held.as_str()])));
    for (from, to) in &sbom.depends {
        relations.extend(to.iter().map(|to| relation(&ids[from.as_str()], "DEPENDS_ON", &ids[to.as_str()])));
    }
    let tools = sbom.parts.values().filter(|part| part.role == Role::Toolchain);
    relations.extend(tools.map(|tool| relation(&ids[tool.id.as_str()], "BUILD_TOOL_OF", root)));
    let comment = sbom.incomplete.then_some("This list is incomplete: of a program in it nothing is known.");
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": sbom.root.name,
        "creationInfo": {
            "created": moment(sbom.created),
            "creators": [concat!("Tool: ", env!("CARGO_PKG_NAME"), "-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": all().map(|part| package(part, &ids[part.id.as_str()])).collect::<Vec<_>>(),
        "relationships": relations,
    });
    if let Some(comment) = comment {
        document["comment"] = comment.into();
    }
    document["documentNamespace"] = unique(&document).into();
    super::bytes(&document)
}

/// An identifier of letters, digits, `.` and `-`: readable, and with a digest that keeps two of them apart.
fn id(part: &Component) -> String {
    let text = format!("{}-{}", part.name, part.version.as_deref().unwrap_or_default());
    let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let plain: String = plain.trim_matches('-').chars().take(80).collect();
    format!("SPDXRef-{plain}-{}", Digest::of(part.id.as_bytes()).short())
}

fn package(part: &Component, id: &str) -> Value {
    let mut value = json!({
        "SPDXID": id,
        "name": part.name,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": part.license.as_deref().unwrap_or(UNKNOWN),
        "copyrightText": UNKNOWN,
        "primaryPackagePurpose": match part.role {
            Role::Program | Role::Toolchain => "APPLICATION",
            Role::Package => "INSTALL",
            Role::System => "OPERATING-SYSTEM",
            Role::Library => "LIBRARY",
            Role::File => "FILE",
            Role::Folder => "ARCHIVE",
            Role::Image => "CONTAINER",
        },
    });
    if let Some(version) = &part.version {
        value["versionInfo"] = version.clone().into();
    }
    if let Some(digest) = part.digest {
        value["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": digest.hex() }]);
    }
    if let Some(purl) = &part.purl {
        let reference = json!({
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        });
        value["externalRefs"] = json!([reference]);
    }
    if !part.properties.is_empty() {
        let lines: Vec<String> = part.properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
        value["comment"] = lines.join("\n").into();
    }
    value
}
