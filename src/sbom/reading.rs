//! Lists that somebody wrote: CycloneDX and SPDX in JSON, read as far as components go.

use serde::Deserialize;
use serde::de::Deserializer;

use super::document::{Component, Role, Sbom};
use super::error::SbomError;
use super::license;

/// The most bytes of a list that are read.
pub const LIST_CAP: u64 = 32 << 20;

/// The most components.
const MOST: usize = 200_000;

/// Reads a document; nothing where it is JSON of another kind, or none.
///
/// # Errors
/// `sbom.list` for a list of a form or length that is not known here.
pub fn parse(bytes: &[u8], name: &str) -> Result<Option<Sbom>, SbomError> {
    let refuse = |why: String| SbomError::List { path: SbomError::shown(name), why: SbomError::shown(&why) };
    let Ok(kind) = serde_json::from_slice::<Kind>(bytes) else { return Ok(None) };
    let sbom = match (kind.bom_format.as_deref(), kind.spdx_version.as_deref()) {
        (Some("CycloneDX"), _) => {
            serde_json::from_slice::<CycloneDx>(bytes).map_err(|error| refuse(error.to_string()))?.list(name)
        }
        (_, Some(version)) if version.starts_with("SPDX-2.") => {
            serde_json::from_slice::<Spdx>(bytes).map_err(|error| refuse(error.to_string()))?.list(name)
        }
        (_, Some(version)) => return Err(refuse(format!("{version} is not known here, and SPDX-2.x is"))),
        _ => return Ok(None),
    };
    match sbom.parts.len() {
        MOST.. => Err(refuse(format!("it has more than {MOST} components"))),
        _ => Ok(Some(sbom)),
    }
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
}

#[derive(Deserialize)]
struct CycloneDx {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default, deserialize_with = "nullable")]
    components: Vec<Part>,
    #[serde(default, deserialize_with = "nullable")]
    compositions: Vec<Composition>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    component: Option<Part>,
}

#[derive(Deserialize)]
struct Composition {
    #[serde(default)]
    aggregate: String,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "bom-ref", default)]
    id: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    group: String,
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    version: String,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    hashes: Vec<Hash>,
    #[serde(default, deserialize_with = "nullable")]
    licenses: Vec<Choice>,
    #[serde(default, deserialize_with = "nullable")]
    components: Vec<Part>,
}

#[derive(Deserialize)]
struct Hash {
    #[serde(default)]
    alg: String,
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct Choice {
    expression: Option<String>,
    license: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
}

impl CycloneDx {
    fn list(self, name: &str) -> Sbom {
        let mut all = Vec::new();
        let root = match self.metadata.component {
            Some(root) => root.flatten(&mut all),
            None => Component::new("", Role::File, name),
        };
        for part in self.components {
            let one = part.flatten(&mut all);
            all.push(one);
        }
        let mut sbom = Sbom::of(root, 0);
        sbom.incomplete = self.compositions.iter().any(|one| one.aggregate.starts_with("incomplete"));
        fill(sbom, all)
    }
}

impl Part {
    /// The component; what stands in it comes beside it.
    fn flatten(self, into: &mut Vec<Component>) -> Component {
        for inner in self.components {
            let one = inner.flatten(into);
            into.push(one);
        }
        let role = match (self.kind.as_str(), self.scope.as_deref()) {
            (_, Some("excluded")) => Role::Toolchain,
            ("application", _) => Role::Program,
            ("operating-system", _) => Role::System,
            ("container", _) => Role::Image,
            ("file", _) => Role::File,
            _ => role_of(self.purl.as_deref()),
        };
        let name = if self.group.is_empty() { self.name } else { format!("{}/{}", self.group, self.name) };
        let mut part = Component::new(self.id, role, name);
        part.version = Some(self.version).filter(|version| !version.is_empty());
        part.purl = self.purl;
        let sha256 = self.hashes.iter().find(|hash| hash.alg == "SHA-256");
        part.digest = sha256.and_then(|hash| sealift_trust::Digest::from_hex(&hash.content).ok());
        let words = self.licenses.iter().map(|choice| {
            choice.expression.clone().or_else(|| choice.license.as_ref().and_then(|named| named.id.clone()))
        });
        // Several are all in force (CycloneDX 1.6, `licenses`); of one that has only a name nothing can be said.
        part.license = words.collect::<Option<Vec<_>>>().and_then(|words| license::all(&words));
        part
    }
}

#[derive(Deserialize)]
struct Spdx {
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    packages: Vec<Package>,
    #[serde(default, deserialize_with = "nullable")]
    relationships: Vec<Relation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID", default)]
    id: String,
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    version_info: String,
    #[serde(default, deserialize_with = "nullable")]
    license_declared: String,
    #[serde(default, deserialize_with = "nullable")]
    license_concluded: String,
    #[serde(default, deserialize_with = "nullable")]
    primary_package_purpose: String,
    #[serde(default, deserialize_with = "nullable")]
    checksums: Vec<Checksum>,
    #[serde(default, deserialize_with = "nullable")]
    external_refs: Vec<External>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct External {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relation {
    #[serde(default)]
    spdx_element_id: String,
    #[serde(default)]
    relationship_type: String,
    #[serde(default)]
    related_spdx_element: String,
}

impl Spdx {
    fn list(self, name: &str) -> Sbom {
        let described = self
            .relationships
            .iter()
            .find(|one| one.spdx_element_id == "SPDXRef-DOCUMENT" && one.relationship_type == "DESCRIBES");
        let root = described.map(|one| one.related_spdx_element.clone());
        let tools: std::collections::BTreeSet<&str> = self
            .relationships
            .iter()
            .filter(|one| one.relationship_type == "BUILD_TOOL_OF")
            .map(|one| one.spdx_element_id.as_str())
            .collect();
        let mut parts: Vec<Component> = self.packages.into_iter().map(|package| package.component(&tools)).collect();
        let root = root.and_then(|id| parts.iter().position(|part| part.id == id));
        let title = if self.name.is_empty() { name.to_owned() } else { self.name };
        let root = root.map_or_else(|| Component::new("", Role::File, title), |at| parts.remove(at));
        fill(Sbom::of(root, 0), parts)
    }
}

impl Package {
    fn component(self, tools: &std::collections::BTreeSet<&str>) -> Component {
        let purl = self.external_refs.into_iter().find(|one| one.reference_type == "purl");
        let purl = purl.map(|one| one.reference_locator);
        let role = match self.primary_package_purpose.as_str() {
            _ if tools.contains(self.id.as_str()) => Role::Toolchain,
            "APPLICATION" => Role::Program,
            "CONTAINER" => Role::Image,
            "OPERATING-SYSTEM" => Role::System,
            "FILE" => Role::File,
            "ARCHIVE" => Role::Folder,
            _ => role_of(purl.as_deref()),
        };
        let mut part = Component::new(self.id, role, self.name);
        part.version = Some(self.version_info).filter(|version| !version.is_empty());
        part.purl = purl;
        let sha256 = self.checksums.iter().find(|one| one.algorithm == "SHA256");
        part.digest = sha256.and_then(|one| sealift_trust::Digest::from_hex(&one.checksum_value).ok());
        part.license = license::valid(&self.license_declared).or_else(|| license::valid(&self.license_concluded));
        part
    }
}

/// A package of a system by its package URL, else a library.
fn role_of(purl: Option<&str>) -> Role {
    let kind = purl.and_then(|purl| purl.strip_prefix("pkg:")?.split('/').next());
    if matches!(kind, Some("apk" | "deb" | "rpm" | "alpm")) { Role::Package } else { Role::Library }
}

/// Puts parts into a list; two of one name within the document are told apart by their places.
fn fill(mut sbom: Sbom, parts: Vec<Component>) -> Sbom {
    for (at, mut part) in parts.into_iter().enumerate() {
        if part.id.is_empty() || sbom.parts.contains_key(&part.id) {
            part.id = format!("{}#{at}", part.id);
        }
        sbom.holds.insert(part.id.clone());
        sbom.parts.insert(part.id.clone(), part);
    }
    sbom
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(reader: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(reader).map(Option::unwrap_or_default)
}
