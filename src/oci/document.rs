//! Manifests and indexes, read strictly (image-spec, `manifest.md` and `image-index.md`).

use std::collections::BTreeMap;

use sealift_trust::json::{self, Limits, Numbers, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::nullable::nullable;
use super::{Descriptor, OciError, Others, media};

/// The most bytes that a manifest, an index or a configuration may have: what registries accept (distribution-spec,
/// "Pushing Manifests").
pub const MAX_DOCUMENT: u64 = 4 << 20;

/// An image: a configuration and layers; or an artifact that has the same form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    #[serde(rename = "schemaVersion")]
    schema: Two,
    /// Its own type.
    #[serde(rename = "mediaType", default)]
    pub media_type: String,
    /// What it carries when that is no image.
    #[serde(rename = "artifactType", default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    #[serde(deserialize_with = "nullable")]
    pub layers: Vec<Descriptor>,
    /// The document that this one is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Notes by name.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// All other members.
    #[serde(flatten)]
    pub others: Others,
}

/// Manifests, one for each platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    #[serde(rename = "schemaVersion")]
    schema: Two,
    /// Its own type.
    #[serde(rename = "mediaType", default)]
    pub media_type: String,
    /// What it carries when that is no image.
    #[serde(rename = "artifactType", default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its manifests.
    #[serde(deserialize_with = "nullable")]
    pub manifests: Vec<Descriptor>,
    /// The document that this one is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Notes by name.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// All other members.
    #[serde(flatten)]
    pub others: Others,
}

/// What a registry stores as a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one document is read at a time")]
pub enum Document {
    /// One image.
    Manifest(Manifest),
    /// Several.
    Index(Index),
}

/// The schema version, of which there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Two;

impl Serialize for Two {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(2)
    }
}

impl<'de> Deserialize<'de> for Two {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u64::deserialize(from)? {
            2 => Ok(Self),
            other => Err(serde::de::Error::custom(format!("the schema version is {other}, and must be 2"))),
        }
    }
}

impl Manifest {
    /// A manifest in the form of the image specification.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema: Two,
            media_type: media::OCI_MANIFEST.to_owned(),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
            others: Others::new(),
        }
    }

    /// Its bytes: members sorted, no white space.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Whether it is an image that can be run, and not something else in the same form.
    pub fn is_image(&self) -> bool {
        media::is_config(&self.config.media_type) && self.artifact_type.is_none() && self.subject.is_none()
    }
}

impl Index {
    /// An index in the form of the image specification.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema: Two,
            media_type: media::OCI_INDEX.to_owned(),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: BTreeMap::new(),
            others: Others::new(),
        }
    }

    /// Its bytes: members sorted, no white space.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }
}

impl Document {
    /// Reads the exact bytes of a document of a told type: that of the descriptor that led here, or of the
    /// `Content-Type`.
    ///
    /// # Errors
    /// `oci.unknown-type` and `oci.schema1` for other types; `oci.too-large`, `oci.json`; `oci.media-type` when the
    /// document calls itself something else, or is of Docker's type and does not say so; `oci.confused` when it holds
    /// what only the other kind has, or names that only differ in case from known ones (Go's reader takes them for the
    /// same); `oci.digest`, `oci.document`.
    pub fn parse(bytes: &[u8], media_type: &str) -> Result<Self, OciError> {
        if media::DOCKER_SCHEMA1.contains(&media_type) {
            return Err(OciError::Schema1);
        }
        if !media::is_document(media_type) {
            return Err(OciError::UnknownType { found: OciError::shown(media_type) });
        }
        let index = media::is_index(media_type);
        let what = if index { "the index" } else { "the manifest" };
        let value = read(bytes, what)?;
        let Value::Object(members) = &value else {
            return Err(OciError::Document { what: what.to_owned(), why: format!("it is {}", value.kind()) });
        };
        if members.get("schemaVersion") == Some(&Value::Integer(1)) {
            return Err(OciError::Schema1);
        }
        self_description(members.get("mediaType"), media_type)?;
        let foreign: &[&str] = if index { &["layers", "config", "fsLayers"] } else { &["manifests", "fsLayers"] };
        look_alike(members.keys(), &TOP, what)?;
        if let Some(member) = foreign.iter().find(|member| members.contains_key(**member)) {
            return Err(OciError::Confused { what: what.to_owned(), member: (*member).to_owned() });
        }
        for (name, value) in members {
            match (name.as_str(), value) {
                ("config" | "subject", value) => descriptor(value, what)?,
                ("layers" | "manifests", Value::Array(items)) => {
                    items.iter().try_for_each(|item| descriptor(item, what))?;
                }
                _ => {}
            }
        }
        let media_type = media_type.to_owned();
        Ok(if index {
            Self::Index(Index { media_type, ..typed(value, what)? })
        } else {
            Self::Manifest(Manifest { media_type, ..typed(value, what)? })
        })
    }

    /// What it consists of, in its order: the configuration and the layers, or the manifests.
    pub fn children(&self) -> impl Iterator<Item = &Descriptor> {
        let (config, rest) = match self {
            Self::Manifest(manifest) => (Some(&manifest.config), &manifest.layers),
            Self::Index(index) => (None, &index.manifests),
        };
        config.into_iter().chain(rest)
    }

    /// The document that this one is about.
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Manifest(manifest) => manifest.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
        }
    }

    /// Its type.
    pub fn media_type(&self) -> &str {
        match self {
            Self::Manifest(manifest) => &manifest.media_type,
            Self::Index(index) => &index.media_type,
        }
    }

    /// Its notes.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Manifest(manifest) => &manifest.annotations,
            Self::Index(index) => &index.annotations,
        }
    }

    /// What it carries: its artifact type, else the type of its configuration (distribution-spec, "Listing Referrers").
    pub fn artifact_type(&self) -> Option<&str> {
        match self {
            Self::Manifest(manifest) => Some(manifest.artifact_type.as_deref().unwrap_or(&manifest.config.media_type)),
            Self::Index(index) => index.artifact_type.as_deref(),
        }
    }
}

/// Names that a reader gives a meaning to in a document and in a descriptor.
const TOP: [&str; 10] = [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
    "history",
];
const MEMBERS: [&str; 8] = ["mediaType", "digest", "size", "platform", "artifactType", "annotations", "urls", "data"];

/// Reads strict JSON of a document's size.
pub(super) fn read(bytes: &[u8], what: &str) -> Result<Value, OciError> {
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(OciError::TooLarge { what: what.to_owned(), found: bytes.len() as u64, cap: MAX_DOCUMENT });
    }
    // A value costs some tens of bytes; a manifest of a thousand layers has less than 10,000.
    let limits = Limits { bytes: bytes.len(), values: 200_000, numbers: Numbers::Any };
    json::parse(bytes, &limits).map_err(|source| OciError::Json { what: what.to_owned(), source })
}

/// Gives a read document its type.
pub(super) fn typed<T: DeserializeOwned>(value: Value, what: &str) -> Result<T, OciError> {
    json::from_value(value).map_err(|error| {
        let why = match error {
            json::JsonError::Shape(why) => why,
            other => other.to_string(),
        };
        OciError::Document { what: what.to_owned(), why: OciError::shown(&why) }
    })
}

/// Writes with sorted members and without white space, so that equal values have equal bytes.
pub(super) fn encode<T: Serialize>(typed: &T) -> Vec<u8> {
    // Through a value: its object is sorted, the fields of a struct are not.
    let value = serde_json::to_value(typed).expect("documents are plain data");
    serde_json::to_vec(&value).expect("a value can be written")
}

/// Refuses names that only differ in case from known ones.
pub(super) fn look_alike<'a>(
    names: impl Iterator<Item = &'a String>,
    known: &[&str],
    what: &str,
) -> Result<(), OciError> {
    // Go folds also the long s and the Kelvin sign into ASCII (`encoding/json`, fold.go).
    let fold = |name: &str| name.replace('\u{17f}', "s").replace('\u{212a}', "k").to_ascii_lowercase();
    for name in names {
        if !known.contains(&name.as_str()) && known.iter().any(|known| fold(known) == fold(name)) {
            return Err(OciError::Confused { what: what.to_owned(), member: OciError::shown(name) });
        }
    }
    Ok(())
}

/// Compares what a document calls itself with what it was told to be (CVE-2021-41190).
fn self_description(found: Option<&Value>, told: &str) -> Result<(), OciError> {
    let found = match found {
        Some(Value::String(found)) => found.as_str(),
        // Docker's documents always say it; what does not may be read as something else.
        None if media::is_docker(told) => "nothing",
        None => return Ok(()),
        Some(other) => other.kind(),
    };
    if found == told {
        return Ok(());
    }
    Err(OciError::MediaType { told: told.to_owned(), found: OciError::shown(found) })
}

/// What the type alone does not say about a descriptor.
fn descriptor(value: &Value, what: &str) -> Result<(), OciError> {
    let Value::Object(members) = value else { return Ok(()) };
    look_alike(members.keys(), &MEMBERS, what)?;
    if let Some(Value::String(text)) = members.get("digest")
        && text.parse::<sealift_trust::Digest>().is_err()
    {
        return Err(OciError::Digest { what: what.to_owned(), text: OciError::shown(text) });
    }
    match members.get("mediaType") {
        Some(Value::String(text)) if !media::is_well_formed(text) => Err(OciError::Document {
            what: what.to_owned(),
            why: format!("{:?} is no media type", OciError::shown(text)),
        }),
        _ => Ok(()),
    }
}
