//! What can be wrong with a plan.

use sealift_trust::name::NameError;

use crate::archive::ArchiveError;
use crate::error::{Fault, Kind};
use crate::oci::OciError;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Two files would have one name.
    #[error("two files would be called {name}")]
    SameName {
        /// The name.
        name: String,
    },
    /// A name that cannot be a file's.
    #[error("{name:?} cannot be an archive's name")]
    BadName {
        /// The name.
        name: String,
        /// Why.
        source: NameError,
    },
    /// A compression level that the format does not have.
    #[error(transparent)]
    Level(ArchiveError),
    /// A repository that is none, once the names are filled in.
    #[error("image.repository gives no repository")]
    Repository(#[source] OciError),
    /// A tag that is none.
    #[error("image.tags gives no tag")]
    Tag(#[source] OciError),
    /// Two services would be pushed to one repository, under the same tags.
    #[error("the images of {first} and {second} would both be pushed to {repository}")]
    SameRepository {
        /// The repository.
        repository: String,
        /// One service.
        first: String,
        /// The other.
        second: String,
    },
    /// A configured file stands where something else does.
    #[error("image.files of {service} names {path}, which is there already")]
    ImagePath {
        /// The service.
        service: String,
        /// The path in the image.
        path: String,
    },
    /// The file that would be run may not be executed.
    #[error("the entrypoint of {service} is {path}, which is not executable")]
    NotExecutable {
        /// The service.
        service: String,
        /// The path in the image.
        path: String,
    },
    /// The file that would be run is not there.
    #[error("the entrypoint of {service} is {path}, which the image does not have")]
    NoEntrypoint {
        /// The service.
        service: String,
        /// The path in the image.
        path: String,
    },
}

impl Fault for PlanError {
    fn code(&self) -> &'static str {
        match self {
            Self::SameName { .. } => "plan.same-name",
            Self::BadName { .. } => "plan.bad-name",
            Self::Level(_) => "plan.level",
            Self::Repository(_) => "plan.repository",
            Self::Tag(_) => "plan.tag",
            Self::SameRepository { .. } => "plan.same-repository",
            Self::ImagePath { .. } => "plan.image-path",
            Self::NotExecutable { .. } => "plan.not-executable",
            Self::NoEntrypoint { .. } => "plan.no-entrypoint",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Config
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SameName { .. } => {
                "let package.name say which is which: {service} and {target} tell archives apart".into()
            }
            Self::BadName { .. } => "change package.name, or the service's name".into(),
            Self::Level(error) => return error.hint(),
            Self::Repository(_) => "names of repositories have small letters, digits, '-', '_' and '.'".into(),
            Self::Tag(_) => "shorten the version, or take the template out of image.tags".into(),
            Self::SameRepository { .. } => "let image.repository say which is which: {service}".into(),
            Self::ImagePath { .. } => "give it another path in image.files".into(),
            Self::NotExecutable { path, .. } => format!("chmod +x the file of the project that becomes {path}"),
            Self::NoEntrypoint { .. } => {
                "put the file there with image.files, or take image.entrypoint away: the program is run then".into()
            }
        })
    }
}
