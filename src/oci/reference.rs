//! Names of images in registries (github.com/distribution/reference, `regexp.go` and `normalize.go`).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use sealift_trust::Digest;

use super::OciError;

/// The longest name of a repository, with its host.
const MAX_NAME: usize = 255;
/// What Docker means when no host is named, and where that really is.
const DOCKER: &str = "docker.io";
const DOCKER_API: &str = "registry-1.docker.io";

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    host: String,
    path: String,
}

/// A name that the registry may move to another image at any time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// An image by its digest: nothing is deployed, based on or attested by anything else.
///
/// A tag that was written beside the digest is kept as a hint for people and takes no part in comparisons.
#[derive(Clone, Debug)]
pub struct Pinned {
    repository: Repository,
    digest: Digest,
    hint: Option<Tag>,
}

/// What a user writes: `alpine`, `ghcr.io/owner/name:1.2`, `registry.example:5000/name@sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// By a tag; `latest` when none is written.
    Tag {
        /// The repository.
        repository: Repository,
        /// The tag.
        tag: Tag,
    },
    /// By its digest.
    Pinned(Pinned),
}

impl Repository {
    /// The registry, with its port when one is written, in small letters.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The name within the registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the registry answers: Docker's hub does so under another name.
    pub fn api_host(&self) -> &str {
        if self.host == DOCKER { DOCKER_API } else { &self.host }
    }

    /// An image of this repository by its digest.
    pub fn pin(&self, digest: Digest) -> Pinned {
        Pinned { repository: self.clone(), digest, hint: None }
    }

    /// An image of this repository by a tag.
    pub fn tagged(&self, tag: Tag) -> Reference {
        Reference::Tag { repository: self.clone(), tag }
    }

    /// Another repository of the same registry.
    ///
    /// # Errors
    /// `oci.reference` when the path is not one.
    pub fn sibling(&self, path: &str) -> Result<Self, OciError> {
        check_path(path).map_err(|why| refused(path, why))?;
        Ok(Self { host: self.host.clone(), path: path.to_owned() })
    }
}

impl FromStr for Repository {
    type Err = OciError;

    /// Reads a name without tag and digest, as Docker does: the first part is a host when it has a dot or a colon or is
    /// `localhost`; a name without a host is one of Docker's hub.
    fn from_str(text: &str) -> Result<Self, OciError> {
        let refuse = |why| refused(text, why);
        // Docker also takes capital letters for a host. In small letters it would be none: two readings of one name.
        let is_host = |part: &str| part.contains(['.', ':']) || part.eq_ignore_ascii_case("localhost");
        let (host, path) = match text.split_once('/') {
            Some((first, rest)) if is_host(first) => (first, rest),
            _ => (DOCKER, text),
        };
        check_host(host).map_err(refuse)?;
        let host = host.to_ascii_lowercase();
        let host = if host == "index.docker.io" { DOCKER.to_owned() } else { host };
        check_path(path).map_err(refuse)?;
        let path = match path.contains('/') {
            // Docker would take such a name for the id of a local image.
            false if host == DOCKER && Digest::from_hex(path).is_ok() => {
                return Err(refuse("64 hexadecimal digits alone are no name"));
            }
            false if host == DOCKER => format!("library/{path}"),
            _ => path.to_owned(),
        };
        if host.len() + path.len() >= MAX_NAME {
            return Err(refuse("the name is longer than 255 characters"));
        }
        Ok(Self { host, path })
    }
}

/// A host name or address with an optional port.
fn check_host(host: &str) -> Result<(), &'static str> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let known = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // As the grammar has it: whether there is such an address, the connection will say.
        Some(address) => address.contains(':') && address.bytes().all(|c| c.is_ascii_hexdigit() || c == b':'),
        None => name.split('.').all(label),
    };
    let number =
        |port: &str| port.bytes().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    match (known, port.is_none_or(number)) {
        (true, true) => Ok(()),
        (false, _) => Err("the registry is no host name and no address"),
        (_, false) => Err("the registry's port is no number from 1 to 65535"),
    }
}

/// Components of small letters and digits; between these one `.`, one or two `_`, or any number of `-`.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("the name is missing");
    }
    if path.len() > MAX_NAME {
        return Err("the name is longer than 255 characters");
    }
    if path.bytes().any(|c| c.is_ascii_uppercase()) {
        return Err("the name of a repository has no capital letters");
    }
    let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    for component in path.split('/') {
        let bytes = component.as_bytes();
        if !bytes.first().is_some_and(|c| letter(*c)) || !bytes.last().is_some_and(|c| letter(*c)) {
            return Err("each part of the name begins and ends with a letter or a digit");
        }
        let separators = bytes.split(|c| letter(*c)).filter(|between| !between.is_empty());
        for between in separators {
            if !matches!(between, b"." | b"_" | b"__") && !between.iter().all(|c| *c == b'-') {
                return Err("parts of the name hold letters, digits, and between them `.`, `_`, `__` or `-`");
            }
        }
    }
    Ok(())
}

fn refused(text: &str, why: &'static str) -> OciError {
    OciError::Reference { text: OciError::shown(text), why }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

impl Tag {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is meant when no tag is written.
    pub fn latest() -> Self {
        Self("latest".to_owned())
    }

    /// The tag under which a registry without the referrers API lists what is about a digest (distribution-spec,
    /// "Referrers Tag Schema").
    pub fn of_referrers(subject: Digest) -> Self {
        Self(format!("sha256-{}", subject.hex()))
    }

    /// The tag under which cosign kept the signatures of an image, before there were referrers (sigstore/cosign,
    /// `specs/SIGNATURE_SPEC.md`, "Tag-based discovery").
    pub fn of_claims(image: Digest) -> Self {
        Self(format!("sha256-{}.sig", image.hex()))
    }

    /// The same for statements about an image.
    pub fn of_statements(image: Digest) -> Self {
        Self(format!("sha256-{}.att", image.hex()))
    }
}

impl FromStr for Tag {
    type Err = OciError;

    fn from_str(text: &str) -> Result<Self, OciError> {
        let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
        let (first, rest) = text.as_bytes().split_first().ok_or_else(|| refused(text, "the tag is empty"))?;
        if rest.len() > 127 {
            return Err(refused(text, "the tag is longer than 128 characters"));
        }
        if !word(*first) || !rest.iter().all(|c| word(*c) || matches!(c, b'.' | b'-')) {
            return Err(refused(
                text,
                "a tag holds letters, digits, `_`, `.` and `-`, and begins with none of `.` and `-`",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pinned {
    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The tag that was written beside the digest.
    pub fn hint(&self) -> Option<&Tag> {
        self.hint.as_ref()
    }

    /// The same with a tag for people.
    #[must_use]
    pub fn with_hint(self, tag: Tag) -> Self {
        Self { hint: Some(tag), ..self }
    }

    fn identity(&self) -> (&Repository, &Digest) {
        (&self.repository, &self.digest)
    }
}

impl PartialEq for Pinned {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Pinned {}

impl PartialOrd for Pinned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pinned {
    fn cmp(&self, other: &Self) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}

impl Hash for Pinned {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

impl FromStr for Pinned {
    type Err = OciError;

    fn from_str(text: &str) -> Result<Self, OciError> {
        match text.parse()? {
            Reference::Pinned(pinned) => Ok(pinned),
            Reference::Tag { .. } => Err(OciError::NotPinned { text: OciError::shown(text) }),
        }
    }
}

impl Reference {
    /// The repository.
    pub fn repository(&self) -> &Repository {
        match self {
            Self::Tag { repository, .. } => repository,
            Self::Pinned(pinned) => &pinned.repository,
        }
    }

    /// The tag that was written, or the one that is meant.
    pub fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Tag { tag, .. } => Some(tag),
            Self::Pinned(pinned) => pinned.hint.as_ref(),
        }
    }
}

impl FromStr for Reference {
    type Err = OciError;

    fn from_str(text: &str) -> Result<Self, OciError> {
        let refuse = |why| refused(text, why);
        if text.contains("://") {
            return Err(refuse("it has no scheme such as https://"));
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => {
                let unknown = |_| OciError::Digest { what: "the reference".to_owned(), text: OciError::shown(digest) };
                (named, Some(digest.parse::<Digest>().map_err(unknown)?))
            }
            None => (text, None),
        };
        // A colon in the last component parts the tag; one before it belongs to the host's port.
        let last = named.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match named[last..].split_once(':') {
            Some((component, tag)) => (&named[..last + component.len()], Some(tag)),
            None => (named, None),
        };
        let whole = |error| match error {
            OciError::Reference { why, .. } => refuse(why),
            other => other,
        };
        let repository: Repository = name.parse().map_err(whole)?;
        let tag = tag.map(str::parse::<Tag>).transpose().map_err(whole)?;
        Ok(match digest {
            Some(digest) => Self::Pinned(Pinned { repository, digest, hint: tag }),
            None => Self::Tag { repository, tag: tag.unwrap_or_else(Tag::latest) },
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag { repository, tag } => write!(f, "{repository}:{tag}"),
            Self::Pinned(pinned) => pinned.fmt(f),
        }
    }
}

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(Repository, Tag, Pinned, Reference);
