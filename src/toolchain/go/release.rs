//! One release of Go for one platform, in the names that proxies know it by.

use super::version::GoVersion;
use crate::target::Target;

/// The module that toolchains are versions of.
pub const MODULE: &str = "golang.org/toolchain";

/// Go 1.26.8 for linux-amd64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The version, never a language version.
    pub version: GoVersion,
    /// The platform that it runs on: `linux-amd64`.
    pub platform: String,
}

impl Release {
    /// The release for this machine.
    pub fn host(version: GoVersion) -> Self {
        Self { version, platform: platform() }
    }

    /// `go1.26.8.linux-amd64`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.version.toolchain(), self.platform)
    }

    /// The module's version: `v0.0.1-go1.26.8.linux-amd64` (go.dev/doc/toolchain, "Downloading").
    pub fn module_version(&self) -> String {
        format!("v0.0.1-{}", self.name())
    }

    /// Where a proxy has the zip, below its URL.
    pub fn zip_path(&self) -> String {
        format!("{MODULE}/@v/{}.zip", self.module_version())
    }

    /// What every name in the zip starts with.
    pub fn prefix(&self) -> String {
        format!("{MODULE}@{}/", self.module_version())
    }
}

/// This machine as toolchains name it.
pub fn platform() -> String {
    let host = Target::host();
    format!("{}-{}", host.os(), host.arch())
}
