//! `[image]`, resolved.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::archive::{ArchiveError, Codec, Format};
use crate::config::template::{Template, Variable};
use crate::oci::Place;
use crate::target::Pattern;

/// `[image]`.
#[derive(Clone, Debug, Serialize)]
pub struct ImageSettings {
    /// What the image stands on.
    pub base: Base,
    /// Where the image is pushed, from [`Variable::OF_REPOSITORIES`].
    pub repository: Option<Template>,
    /// Which of the service's Linux targets get an image.
    pub platforms: Vec<Pattern>,
    /// Tags besides `v{version}-{commit}`, from [`Variable::OF_TAGS`].
    pub tags: Vec<Template>,
    /// `user[:group]`.
    pub user: String,
    /// An absolute path; the base's, else `/`, when none is written.
    pub workdir: Option<String>,
    /// The program and its first arguments; the service's own program when none is written.
    pub entrypoint: Option<Vec<String>>,
    /// Further arguments.
    pub cmd: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Ports, each `number/tcp`, `number/udp` or `number/sctp`.
    pub ports: Vec<String>,
    /// Absolute paths.
    pub volumes: Vec<String>,
    /// A signal's name or number.
    pub stop_signal: Option<String>,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Absolute paths in the image, each with a file or folder of the project.
    pub files: BTreeMap<String, String>,
    /// PEM files of the project.
    pub certificates: Vec<String>,
    /// Whether the time zone database goes in.
    pub tzdata: bool,
    /// The most bytes of a platform's compressed layers and configuration.
    pub budget: Option<u64>,
    /// How layers are compressed.
    pub compression: Compression,
    /// The compression level; 0 is the format's own default.
    pub level: u8,
}

/// What an image stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// Another image.
    Image {
        /// As it is written, which is also its name in `sealift.lock`.
        text: String,
        /// Where it lies; paths are relative to the project.
        place: Place,
    },
}

impl Base {
    /// As it is written.
    pub fn text(&self) -> &str {
        match self {
            Self::Scratch => "scratch",
            Self::Image { text, .. } => text,
        }
    }
}

impl Serialize for Base {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// How layers are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// RFC 1952: every registry and runtime knows it.
    Gzip,
    /// RFC 8878: smaller and faster.
    Zstd,
}

impl Compression {
    /// As written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// As the format of a tar.
    pub fn format(self) -> Format {
        match self {
            Self::Gzip => Format::TarGz,
            Self::Zstd => Format::TarZst,
        }
    }
}

impl ImageSettings {
    /// What holds when nothing is written.
    pub(super) fn built_in() -> Self {
        let tag = |text: &str| Template::read(text, Variable::OF_TAGS).expect("the default tags are templates");
        Self {
            base: Base::Scratch,
            repository: None,
            platforms: vec!["linux/*".parse().expect("the default platforms are a pattern")],
            tags: ["{version}", "{major}.{minor}", "{major}", "latest"].map(tag).to_vec(),
            // Numbers: Kubernetes cannot tell from a name that it is not root (runAsNonRoot).
            user: "65532:65532".to_owned(),
            workdir: None,
            entrypoint: None,
            cmd: Vec::new(),
            env: BTreeMap::new(),
            ports: Vec::new(),
            volumes: Vec::new(),
            stop_signal: None,
            labels: BTreeMap::new(),
            files: BTreeMap::new(),
            certificates: Vec::new(),
            tzdata: false,
            budget: None,
            compression: Compression::Gzip,
            level: 0,
        }
    }

    /// How layers are compressed.
    pub fn codec(&self) -> Result<Codec, ArchiveError> {
        let format = self.compression.format();
        if self.level == 0 { Ok(Codec::from(format)) } else { Codec::new(format, self.level) }
    }
}
