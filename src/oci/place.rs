//! Where an image lies, as users write it (containers-transports(5)).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{OciError, Reference};

/// Where an image lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `oci:FOLDER[:NAME]`: a layout.
    Layout {
        /// The folder.
        folder: PathBuf,
        /// Which image of it.
        name: Option<String>,
    },
    /// `oci-archive:FILE[:NAME]`: a layout in a tar.
    OciArchive {
        /// The file.
        file: PathBuf,
        /// Which image of it.
        name: Option<String>,
    },
    /// `docker-archive:FILE[:NAME]`: what `docker save` writes and `docker load` reads.
    DockerArchive {
        /// The file.
        file: PathBuf,
        /// Which image of it, as a tagged reference.
        name: Option<String>,
    },
    /// A registry, optionally with `docker://` before it.
    Registry(Reference),
}

impl FromStr for Place {
    type Err = OciError;

    fn from_str(text: &str) -> Result<Self, OciError> {
        let refuse = |why| OciError::Place { text: OciError::shown(text), why };
        if let Some(reference) = text.strip_prefix("docker://") {
            return reference.parse().map(Self::Registry);
        }
        let Some((kind, rest)) = text.split_once(':') else { return registry(text) };
        if !matches!(kind, "oci" | "oci-archive" | "docker-archive") {
            return match kind {
                "containers-storage" | "dir" | "docker-daemon" | "ostree" | "podman" | "sif" => {
                    Err(refuse("places of this kind are not read or written"))
                }
                _ => registry(text),
            };
        }
        // As in other tools the first colon ends the path, because names hold colons themselves.
        let (path, name) = match rest.split_once(':') {
            Some((path, name)) => (path, Some(name)),
            None => (rest, None),
        };
        if path.is_empty() {
            return Err(refuse("the path is missing"));
        }
        if !name.is_none_or(is_name) {
            return Err(refuse("the name after the path is none"));
        }
        let (path, name) = (PathBuf::from(path), name.map(str::to_owned));
        Ok(match kind {
            "oci" => Self::Layout { folder: path, name },
            "oci-archive" => Self::OciArchive { file: path, name },
            _ => Self::DockerArchive { file: path, name },
        })
    }
}

/// A reference, or a hint where a file was probably meant.
fn registry(text: &str) -> Result<Place, OciError> {
    text.parse().map(Place::Registry).map_err(|error| {
        if text.starts_with(['.', '/', '~']) || text.ends_with(".tar") {
            let why = "a folder is written oci:FOLDER, a file oci-archive:FILE or docker-archive:FILE";
            return OciError::Place { text: OciError::shown(text), why };
        }
        error
    })
}

/// A name in an index (image-spec, `annotations.md`, "org.opencontainers.image.ref.name"), or `@` and a digest.
fn is_name(name: &str) -> bool {
    let edge = |c: Option<&u8>| c.is_some_and(u8::is_ascii_alphanumeric);
    let plain = name.strip_prefix('@').unwrap_or(name).as_bytes();
    plain.len() <= 512
        && edge(plain.first())
        && edge(plain.last())
        && plain.iter().all(|c| c.is_ascii_alphanumeric() || b"-._:@/+".contains(c))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, path, name) = match self {
            Self::Layout { folder, name } => ("oci", folder, name),
            Self::OciArchive { file, name } => ("oci-archive", file, name),
            Self::DockerArchive { file, name } => ("docker-archive", file, name),
            Self::Registry(reference) => return reference.fmt(f),
        };
        write!(f, "{kind}:{}", path.display())?;
        name.iter().try_for_each(|name| write!(f, ":{name}"))
    }
}
