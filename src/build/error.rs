//! What can go wrong in a build.

use crate::error::{Fault, Kind};
use crate::host::files::FileError;
use crate::host::process::ProcessError;
use crate::plan::Build;
use crate::table::bytes;
use crate::toolchain::sources::words;

/// Why there are no binaries.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The compiler refused.
    #[error("{service} does not compile for {target}")]
    Compile {
        /// The service.
        service: String,
        /// The target.
        target: String,
        /// What the compiler did.
        #[source]
        source: ProcessError,
    },
    /// Several targets failed.
    #[error("{count} builds failed")]
    Several {
        /// How many.
        count: usize,
        /// The first, which decides the kind.
        first: Box<BuildError>,
        /// All, one below the other.
        all: String,
    },
    /// A binary is too large.
    #[error("{service} for {target} has {}, {} more than its budget of {}", bytes(*.size), bytes(*.size - *.budget), bytes(*.budget))]
    Budget {
        /// The service.
        service: String,
        /// The target.
        target: String,
        /// Its size.
        size: u64,
        /// The most it may have.
        budget: u64,
        /// The largest contributors, as a table.
        contributors: String,
    },
    /// A check of the sources failed.
    #[error("{name} failed")]
    Check {
        /// Which.
        name: &'static str,
        /// How.
        #[source]
        source: ProcessError,
    },
    /// A hook failed.
    #[error("the {when} hook failed: {line}")]
    Hook {
        /// When it runs.
        when: &'static str,
        /// The command.
        line: String,
        /// How.
        #[source]
        source: ProcessError,
    },
    /// upx is not there.
    #[error("package.upx is set, and upx is not on PATH")]
    NoUpx,
    /// upx failed.
    #[error("upx could not pack {service} for {target}")]
    Upx {
        /// The service.
        service: String,
        /// The target.
        target: String,
        /// How.
        #[source]
        source: ProcessError,
    },
    /// A file changed under our hands.
    #[error("{path} is not what was built: the store changed while it was copied")]
    Changed {
        /// Which.
        path: String,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
}

impl BuildError {
    pub(super) fn compile(step: &Build, source: ProcessError) -> Self {
        Self::Compile { service: step.service.to_string(), target: step.target.to_string(), source }
    }

    pub(super) fn together(mut failed: Vec<Self>) -> Self {
        if failed.len() == 1 {
            return failed.remove(0);
        }
        let text = |error: &Self| format!("{error}\n{}", error.detail().unwrap_or_default());
        let all = failed.iter().map(text).collect::<Vec<_>>().join("\n");
        Self::Several { count: failed.len(), first: Box::new(failed.remove(0)), all }
    }

    fn process(&self) -> Option<&ProcessError> {
        match self {
            Self::Compile { source, .. }
            | Self::Check { source, .. }
            | Self::Hook { source, .. }
            | Self::Upx { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Fault for BuildError {
    fn code(&self) -> &'static str {
        if matches!(self.process(), Some(ProcessError::Interrupted)) {
            return "build.interrupted";
        }
        match self {
            Self::Compile { source, .. } => match words::code(&source.detail().unwrap_or_default()) {
                "source.package" => "build.compile",
                known => known,
            },
            Self::Several { .. } => "build.several",
            Self::Budget { .. } => "build.budget",
            Self::Check { name: "mod-verify", .. } => "build.mod-verify",
            Self::Check { .. } => "build.mod-tidy",
            Self::Hook { .. } => "build.hook",
            Self::NoUpx => "build.no-upx",
            Self::Upx { .. } => "build.upx",
            Self::Changed { .. } => "build.changed",
            Self::File(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Compile { source, .. } if source.kind() == Kind::Tool => {
                words::kind(&source.detail().unwrap_or_default())
            }
            Self::Check { name: "mod-verify", source } if source.kind() == Kind::Tool => Kind::Trust,
            Self::Check { source, .. } if source.kind() == Kind::Tool => {
                // Not tidy is a fact about the repository; not being able to tell is one about the network.
                match words::kind(&source.detail().unwrap_or_default()) {
                    Kind::Tool => Kind::Repository,
                    other => other,
                }
            }
            Self::Compile { source, .. }
            | Self::Check { source, .. }
            | Self::Hook { source, .. }
            | Self::Upx { source, .. } => source.kind(),
            Self::Several { first, .. } => first.kind(),
            Self::Budget { .. } => Kind::Gate,
            Self::NoUpx | Self::Changed { .. } => Kind::Tool,
            Self::File(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Compile { target, .. } if self.code() == "build.compile" => {
                Some(format!("sealift build --target {target} tries this target alone"))
            }
            Self::Compile { source, .. } => source.hint().or_else(|| words::hint(&source.detail().unwrap_or_default())),
            Self::Several { first, .. } => first.hint(),
            Self::Budget { .. } => {
                Some("raise package.budget.binary, or look at the largest contributors above".into())
            }
            Self::Check { source, .. } if self.kind() == Kind::Interrupted => source.hint(),
            Self::Check { name: "mod-verify", .. } => Some(
                "the module cache was changed: go clean -modcache, then try again (or mod-verify = false in [build])"
                    .into(),
            ),
            Self::Check { .. } if self.kind() == Kind::Network => Some(
                "go mod tidy needs modules that cannot be fetched now; set mod-tidy = false in [build] to go without"
                    .into(),
            ),
            Self::Check { .. } => {
                Some("go mod tidy && git commit go.mod go.sum (or mod-tidy = false in [build])".into())
            }
            Self::Hook { source, when, .. } => source
                .hint()
                .or_else(|| Some(format!("run it by itself, or correct build.hooks.{when} in sealift.toml"))),
            Self::Upx { source, .. } => source.hint(),
            Self::NoUpx => Some("install upx, or take package.upx away".into()),
            Self::Changed { .. } => Some("run the same command again".into()),
            Self::File(error) => error.hint(),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Several { all, .. } => Some(all.clone()),
            Self::Budget { contributors, .. } => Some(contributors.clone()),
            _ => self.process().and_then(Fault::detail),
        }
    }
}
