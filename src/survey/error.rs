//! What can stand in the way of a plan.

use crate::archive::ArchiveError;
use crate::error::{Failure, Fault, Kind, Place};
use crate::history::HistoryError;
use crate::host::files::FileError;
use crate::target::TargetError;
use crate::toolchain::sources::SourceError;
use crate::version::VersionError;
use crate::version::files::FilesError;
use crate::version::notes::NotesError;

/// Why the sources cannot be surveyed.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The repository.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Notes.
    #[error(transparent)]
    Notes(#[from] NotesError),
    /// Files that name the version.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Targets.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Packages.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The toolchain.
    #[error("{}", .0.message)]
    Toolchain(Box<Failure>),
    /// Nothing to build.
    #[error("no go.mod in {dir} or below, and no [[service]] is configured")]
    NoModule {
        /// Where it was looked for.
        dir: String,
    },
    /// No command.
    #[error("no main package in {dir}")]
    NoMain {
        /// Where it was looked for.
        dir: String,
    },
    /// A configured service's folder is no main package.
    #[error("service {service}: {path} is not a main package")]
    NotMain {
        /// The service.
        service: String,
        /// Its path.
        path: String,
    },
    /// A service that was asked for does not exist.
    #[error("there is no service {name}")]
    NoService {
        /// As asked.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A service that goes along with the others.
    #[error("the service {name} has no tag prefix of its own")]
    NoPrefix {
        /// Its name.
        name: String,
    },
    /// No such commit.
    #[error("there is no commit {revision}")]
    NoRevision {
        /// As asked.
        revision: String,
    },
    /// `SOURCE_DATE_EPOCH` is no time.
    #[error("SOURCE_DATE_EPOCH is {text:?}, not a number of seconds")]
    Epoch {
        /// What it is.
        text: String,
    },
    /// Two services are found under one name.
    #[error("two services would be called {name}: {first} and {second}")]
    SameName {
        /// The name.
        name: String,
        /// One import path.
        first: String,
        /// The other.
        second: String,
    },
    /// A found service's name cannot be a file's.
    #[error("{import_path} gives no usable service name")]
    BadName {
        /// The package.
        import_path: String,
        /// Why.
        source: sealift_trust::name::NameError,
    },
    /// A configured file is not there.
    #[error("{key} names {pattern}, which is not there")]
    NoFile {
        /// The key.
        key: &'static str,
        /// As configured.
        pattern: String,
    },
    /// A prebuilt binary is not there.
    #[error("service {service}: the binary for {target} is not at {path}")]
    NoBinary {
        /// The service.
        service: String,
        /// The target.
        target: String,
        /// Where it should be.
        path: String,
    },
    /// A file whose name no archive can hold.
    #[error("{path:?} cannot go into an archive")]
    BadPath {
        /// Which.
        path: String,
        /// Why.
        source: ArchiveError,
    },
    /// Commands need cgo.
    #[error("no main package in {dir} builds without cgo: {file} imports \"C\"")]
    NeedsCgo {
        /// Where it was looked for.
        dir: String,
        /// A file that needs it.
        file: String,
    },
    /// A file that is no regular file, or whose name cannot stand in an archive.
    #[error("{path} cannot go into a release: it is not a regular file of the project")]
    NotRegular {
        /// The key that names it.
        key: &'static str,
        /// Which.
        path: String,
    },
    /// A configured folder with more files than anybody means.
    #[error("{path} holds more than {cap} files")]
    TooManyFiles {
        /// Which folder.
        path: String,
        /// The most that go into an image.
        cap: usize,
    },
    /// A file that should hold certificates.
    #[error("{path} is no file of certificates: {why}")]
    Certificate {
        /// Which.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A base image that is not pinned.
    #[error("the base {reference} of service {service} is not pinned in sealift.lock")]
    BaseUnpinned {
        /// The service.
        service: String,
        /// The base as it is written.
        reference: String,
    },
    /// A base image that is not there for a target.
    #[error("the base {reference} has no image for {target}")]
    BasePlatform {
        /// The base as it is written.
        reference: String,
        /// The target.
        target: String,
        /// The platforms that it has.
        known: Vec<String>,
    },
}

impl Fault for SurveyError {
    fn code(&self) -> &'static str {
        match self {
            Self::History(error) => error.code(),
            Self::Version(error) => error.code(),
            Self::Notes(error) => error.code(),
            Self::Files(error) => error.code(),
            Self::Target(error) => error.code(),
            Self::Source(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Toolchain(failure) => failure.code,
            Self::NoModule { .. } => "survey.no-module",
            Self::NoMain { .. } => "survey.no-main",
            Self::NotMain { .. } => "survey.not-main",
            Self::NoService { .. } => "survey.no-service",
            Self::NoPrefix { .. } => "survey.no-prefix",
            Self::NoRevision { .. } => "survey.no-revision",
            Self::Epoch { .. } => "survey.epoch",
            Self::SameName { .. } => "survey.same-name",
            Self::BadName { .. } => "survey.bad-name",
            Self::NoFile { .. } => "survey.no-file",
            Self::NoBinary { .. } => "survey.no-binary",
            Self::NotRegular { .. } => "survey.not-regular",
            Self::BadPath { source, .. } => source.code(),
            Self::NeedsCgo { .. } => "survey.needs-cgo",
            Self::TooManyFiles { .. } => "survey.too-many-files",
            Self::Certificate { .. } => "survey.certificate",
            Self::BaseUnpinned { .. } => "survey.base-unpinned",
            Self::BasePlatform { .. } => "survey.base-platform",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::History(error) => error.kind(),
            Self::Version(error) => error.kind(),
            Self::Notes(error) => error.kind(),
            Self::Files(error) => error.kind(),
            Self::Target(error) => error.kind(),
            Self::Source(error) => error.kind(),
            Self::File(error) => error.kind(),
            Self::Toolchain(failure) => failure.kind,
            Self::NoBinary { .. } | Self::NotRegular { .. } | Self::BadPath { .. } => Kind::Input,
            Self::Certificate { .. } => Kind::Input,
            Self::NoService { .. } | Self::NoRevision { .. } => Kind::Usage,
            _ => Kind::Config,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::History(error) => error.hint(),
            Self::Version(error) => error.hint(),
            Self::Notes(error) => error.hint(),
            Self::Files(error) => error.hint(),
            Self::Target(error) => error.hint(),
            Self::Source(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::Toolchain(failure) => failure.hint.clone(),
            Self::NoModule { .. } => Some("start a module (go mod init), or go to the folder that has one".into()),
            Self::NoMain { .. } => Some("sealift releases commands: a package main is what it needs".into()),
            Self::NotMain { .. } => Some("service.path names the folder of a package main".into()),
            Self::NoService { name, known } => {
                let near = crate::error::nearest(name, known.iter().map(String::as_str));
                Some(
                    near.map_or_else(
                        || format!("there are: {}", known.join(", ")),
                        |near| format!("did you mean {near}?"),
                    ),
                )
            }
            Self::NoPrefix { name } => {
                Some(format!("[[service]] with version.tag-prefix = \"{name}/v\", or a name that is in sealift.toml"))
            }
            Self::NoRevision { .. } => Some(
                "a branch, a tag or a commit of this clone; in CI, fetch it first (GitHub Actions: `fetch-depth: 0`)"
                    .into(),
            ),
            Self::Epoch { .. } => Some("unset it, or set it: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)".into()),
            Self::SameName { .. } => Some("name them in sealift.toml: [[service]] with name and path".into()),
            Self::BadName { .. } => Some("name it in sealift.toml: [[service]] with name and path".into()),
            Self::NoFile { key, .. } => Some(format!("correct {key} in sealift.toml")),
            Self::NoBinary { .. } => Some("build it first, or take the target out of build.targets".into()),
            Self::NotRegular { key, .. } => Some(format!("take it out of {key}, or make it a regular file")),
            Self::TooManyFiles { .. } => Some("name a folder with less in it in image.files".into()),
            Self::Certificate { .. } => Some("image.ca-certificates names PEM files of certificates alone".into()),
            Self::BaseUnpinned { .. } => Some("sealift update".into()),
            Self::BasePlatform { known, .. } => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Some(format!("it has {known}: choose among these with image.platforms, or another base"))
            }
            Self::BadPath { .. } => Some("give it another name, or take it out of package.files".into()),
            Self::NeedsCgo { .. } => Some("set `cgo = true` in [build], with a C compiler for each target".into()),
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Notes(error) => error.place(),
            Self::Files(error) => error.place(),
            Self::Toolchain(failure) => failure.place.clone(),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::History(error) => error.detail(),
            Self::Source(error) => error.detail(),
            Self::Files(error) => error.detail(),
            Self::Toolchain(failure) => failure.detail.clone(),
            _ => None,
        }
    }
}
