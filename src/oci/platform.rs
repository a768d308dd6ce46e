//! The machine that an image is for (image-spec, `image-index.md`, "platform").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::OciError;
use super::nullable::nullable;
use crate::target::Target;

/// Operating system, architecture and variant, in Go's names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// As GOOS.
    pub os: String,
    /// As GOARCH.
    pub architecture: String,
    /// For example `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The version of Windows.
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// What the system must offer, for example `win32k`.
    #[serde(rename = "os.features", default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// Reserved by the specification; Docker listed features of the processor here.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

impl Platform {
    /// A platform without versions and features.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let variant = variant.map(str::to_owned);
        Self { os: os.to_owned(), architecture: architecture.to_owned(), variant, ..Self::default() }
    }

    /// Whether an image for this platform is one for `wanted`: what goes without saying is not compared (`arm64` is
    /// `arm64/v8`, `arm` is `arm/v7`, `amd64` is `amd64/v1`), nor what `wanted` leaves open.
    pub fn is(&self, wanted: &Platform) -> bool {
        let open = |own: &Option<String>, wanted: &Option<String>| wanted.is_none() || own == wanted;
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && self.plain_variant() == wanted.plain_variant()
            && open(&self.os_version, &wanted.os_version)
            && wanted.os_features.iter().all(|feature| self.os_features.contains(feature))
    }

    /// The variant, where one has to be named.
    fn plain_variant(&self) -> Option<&str> {
        let variant = self.variant.as_deref().filter(|variant| !variant.is_empty());
        match (self.architecture.as_str(), variant) {
            ("arm64", Some("v8" | "8")) | ("arm", Some("v7" | "7")) | ("amd64", Some("v1")) => None,
            (_, variant) => variant,
        }
    }
}

impl From<&Target> for Platform {
    fn from(target: &Target) -> Self {
        let platform = target.platform();
        Self { os: platform.os, architecture: platform.architecture, variant: platform.variant, ..Self::default() }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = OciError;

    /// Reads `os/architecture[/variant]`, also of systems that no Go target has.
    fn from_str(text: &str) -> Result<Self, OciError> {
        let word = |part: &&str| {
            !part.is_empty()
                && part.len() <= 32
                && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [os, arch] if parts.iter().all(word) => Ok(Self::new(os, arch, None)),
            [os, arch, variant] if parts.iter().all(word) => Ok(Self::new(os, arch, Some(variant))),
            _ => Err(OciError::Platform { text: OciError::shown(text) }),
        }
    }
}
