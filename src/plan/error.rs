//! What can be wrong with a plan.

use sealift_trust::name::NameError;

use crate::archive::ArchiveError;
use crate::error::{Fault, Kind};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Two archives would have one name.
    #[error("two archives would be called {name}")]
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
}

impl Fault for PlanError {
    fn code(&self) -> &'static str {
        match self {
            Self::SameName { .. } => "plan.same-name",
            Self::BadName { .. } => "plan.bad-name",
            Self::Level(_) => "plan.level",
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
        })
    }
}
