//! Go's build information: what `go version -m` shows.

use super::Settings;

/// What the Go linker wrote into a binary (Go's `runtime/debug.BuildInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// The toolchain, for example `go1.26.8`, with experiments behind a blank.
    pub go_version: String,
    /// The import path of the main package; empty without modules.
    pub path: String,
    /// The main module; `None` without modules.
    pub main: Option<Module>,
    /// The modules whose packages are in the binary, besides the main one.
    pub modules: Vec<Module>,
    /// How it was built: `GOOS`, `GOARCH`, `-tags`, `vcs.revision`, …
    pub settings: Settings,
}

/// A module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its path.
    pub path: String,
    /// Its version: `v1.2.3`, a pseudo-version, or `(devel)`.
    pub version: String,
    /// The hash in `go.sum`, for example `h1:…=`.
    pub sum: Option<String>,
    /// What stands in its place.
    pub replace: Option<Box<Module>>,
}

impl Module {
    /// The module whose code is really in the binary.
    pub fn effective(&self) -> &Module {
        self.replace.as_deref().unwrap_or(self)
    }
}
