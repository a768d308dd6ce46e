//! What a Go service is really made of: the packages that `go list -deps` names, their files, and the modules behind
//! them.

mod header;
mod list;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sealift_trust::Digest;
use serde::{Deserialize, Serialize};

use crate::error::{Fault, Kind};
use crate::host::files::{self, FileError};
use crate::host::process::ProcessError;

pub use header::imports;
pub use list::{Query, list};
pub use tree::Tree;

/// A package that is not part of the standard library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its import path.
    pub import_path: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Whether it is a command and was asked for, not only imported.
    pub main: bool,
    /// The files that the compiler, assembler or linker reads, relative to `dir`; embedded ones too.
    pub files: Vec<String>,
    /// Whether it embeds files.
    pub embeds: bool,
    /// The module it belongs to.
    pub module: Option<Module>,
    /// Import paths of what it imports.
    pub imports: Vec<String>,
    /// The `GODEBUG` defaults that the linker writes into a command.
    pub godebug: String,
    /// Why it cannot be loaded.
    pub error: Option<String>,
}

/// A module in the build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Module {
    /// Module path.
    pub path: String,
    /// Version; empty for a module in the work tree.
    pub version: String,
    /// `h1:` hash as `go.sum` has it; empty for a module in the work tree.
    pub sum: String,
    /// Where it lies.
    pub dir: PathBuf,
    /// The language version that its `go.mod` names.
    pub go: String,
    /// What replaces it, as `path version`; empty when nothing does.
    pub replaced_by: String,
}

/// The packages behind some commands on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// All packages, without the standard library's.
    pub packages: Vec<Package>,
}

/// A module that a command needs and that is not the one of its sources.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OtherModule {
    /// Module path.
    pub path: String,
    /// Version.
    pub version: String,
    /// See [`Module::sum`].
    pub sum: String,
    /// See [`Module::replaced_by`]; `local` for a folder.
    pub replaced_by: String,
}

/// As it stands in the key of a build.
impl std::fmt::Display for OtherModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {} {}", self.path, self.version, self.sum, self.replaced_by)
    }
}

/// What goes into one command on one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Files of packages in the work tree (and in local replacements), by a name that does not depend on where the
    /// work tree lies: module path, `/`, path in the module.
    pub files: BTreeMap<String, PathBuf>,
    /// Folders of those packages, and whether the package embeds files.
    pub folders: BTreeMap<PathBuf, bool>,
    /// The `go.mod` of every module that those packages are of.
    pub manifests: BTreeSet<PathBuf>,
    /// Every other module.
    pub modules: BTreeSet<OtherModule>,
    /// Facts that reach the binary without being in a file of the above: module path, language version, GODEBUG.
    pub facts: Vec<String>,
}

/// What is wrong with the sources.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// `go list` failed as a whole.
    #[error("go list could not read the packages of {dir}")]
    List {
        /// Where.
        dir: String,
        /// Why.
        #[source]
        source: ProcessError,
    },
    /// A package cannot be loaded.
    #[error("package {package} cannot be loaded for {target}")]
    Package {
        /// Which.
        package: String,
        /// For which target.
        target: String,
        /// The words of go.
        words: String,
    },
    /// The answer of `go list` is not what it documents.
    #[error("go list answered in an unknown form")]
    Answer(#[source] serde_json::Error),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
}

impl SourceError {
    /// The words of the tool, where it said some.
    fn words(&self) -> Option<&str> {
        match self {
            Self::List { source: ProcessError::Failed { stderr, .. }, .. } => Some(stderr),
            Self::Package { words, .. } => Some(words),
            _ => None,
        }
    }
}

impl Fault for SourceError {
    fn code(&self) -> &'static str {
        match self {
            Self::List { source: ProcessError::Interrupted, .. } => "source.interrupted",
            Self::File(error) => error.code(),
            Self::Answer(_) => "source.answer",
            Self::List { .. } | Self::Package { .. } => words::code(self.words().unwrap_or_default()),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::File(error) => error.kind(),
            Self::List { source: ProcessError::Interrupted, .. } => Kind::Interrupted,
            Self::Answer(_) => Kind::Tool,
            Self::List { .. } | Self::Package { .. } => words::kind(self.words().unwrap_or_default()),
        }
    }

    fn hint(&self) -> Option<String> {
        words::hint(self.words()?)
    }

    fn detail(&self) -> Option<String> {
        self.words().map(|words| words.trim_end().to_owned())
    }
}

/// What the go command's words mean: they are the only place where it says what is wrong.
pub mod words {
    use crate::error::Kind;

    /// Which error this is.
    pub fn code(words: &str) -> &'static str {
        match kind(words) {
            Kind::Trust => "source.checksum",
            Kind::Network if mentions(words, &CREDENTIALS) => "source.credentials",
            Kind::Network if mentions(words, &CERTIFICATE) => "source.certificate",
            Kind::Network => "source.network",
            _ if words.contains("no space left on device") => "source.no-space",
            _ if words.contains("inconsistent vendoring") => "source.vendor",
            _ if words.contains("build constraints exclude all Go files") => "source.excluded",
            _ if words.contains("go.sum") => "source.go-sum",
            _ => "source.package",
        }
    }

    /// A host that wants to know who asks, or does not accept the answer: in the words of git, and of go.
    const CREDENTIALS: [&str; 6] = [
        "could not read Username",
        "could not read Password",
        "terminal prompts disabled",
        "Authentication failed",
        "401 Unauthorized",
        "403 Forbidden",
    ];

    /// A host whose certificate nobody vouches for: in the words of go, and of git's TLS libraries.
    const CERTIFICATE: [&str; 3] =
        ["failed to verify certificate", "certificate verification failed", "SSL certificate problem"];

    fn mentions(words: &str, marks: &[&str]) -> bool {
        marks.iter().any(|mark| words.contains(mark))
    }

    /// Its kind.
    pub fn kind(words: &str) -> Kind {
        if words.contains("checksum mismatch") || words.contains("SECURITY ERROR") {
            return Kind::Trust;
        }
        let network = [
            "dial tcp",
            "connection refused",
            "no such host",
            "i/o timeout",
            "module lookup disabled",
            "proxyconnect",
            "TLS handshake",
            "502 Bad Gateway",
            "503 Service",
            "unexpected EOF",
        ];
        let network = [&network[..], &CREDENTIALS, &CERTIFICATE].iter().any(|marks| mentions(words, marks));
        if network { Kind::Network } else { Kind::Tool }
    }

    /// What to do.
    pub fn hint(words: &str) -> Option<String> {
        let hint = match code(words) {
            "source.checksum" => {
                "somebody changed a module after it was recorded: find out who before you touch go.sum \
                 (go clean -modcache, then go mod verify)"
            }
            "source.network" => "look at GOPROXY, GOPRIVATE and the network, then run the same command again",
            "source.credentials" => {
                "give git and go credentials for that host: ~/.netrc, a credential helper of git, or GOAUTH; and name \
                 the host in GOPRIVATE"
            }
            "source.certificate" => {
                "name the authority's certificate in SSL_CERT_FILE for go, and in GIT_SSL_CAINFO for git"
            }
            "source.no-space" => {
                "free some space (`sealift cache prune` frees the step store), then run the same command again"
            }
            "source.vendor" => "run go mod vendor and commit vendor/",
            "source.excluded" => {
                "files that import \"C\" need cgo: set `cgo = true` in [build], or take the target out (\"!os/arch\")"
            }
            "source.go-sum" => "run go mod tidy and commit go.mod and go.sum",
            "source.package" => "`go build ./...` shows the same: what it refuses has to be mended first",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl Listing {
    /// The commands that were asked for.
    pub fn mains(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.main)
    }

    /// Whether a package cannot be loaded for a reason that is not in the tree: the network, credentials, the module
    /// cache. The next answer may be another one.
    pub fn depends_on_the_moment(&self) -> bool {
        let errors = self.packages.iter().filter_map(|package| package.error.as_deref());
        errors.into_iter().any(|words| !matches!(words::code(words), "source.package" | "source.excluded"))
    }

    /// What goes into a command. Errors: a package behind it cannot be loaded.
    pub fn inputs(&self, main: &str, target: &str, inside: &[&Path]) -> Result<Inputs, SourceError> {
        let by_path: BTreeMap<&str, &Package> =
            self.packages.iter().map(|package| (package.import_path.as_str(), package)).collect();
        let mut inputs = Inputs::default();
        let mut seen = BTreeSet::new();
        let mut next = vec![main];
        while let Some(path) = next.pop() {
            let Some(package) = by_path.get(path).filter(|_| seen.insert(path)) else { continue };
            if let Some(words) = &package.error {
                let (package, target) = (package.import_path.clone(), target.to_owned());
                return Err(SourceError::Package { package, target, words: words.clone() });
            }
            inputs.add(package, inside)?;
            next.extend(package.imports.iter().map(String::as_str));
        }
        if let Some(package) = by_path.get(main) {
            inputs.facts.push(format!("godebug {}", package.godebug));
        }
        inputs.facts.sort();
        inputs.facts.dedup();
        Ok(inputs)
    }
}

impl Inputs {
    fn add(&mut self, package: &Package, inside: &[&Path]) -> Result<(), SourceError> {
        let local = inside.iter().any(|root| package.dir.starts_with(root));
        if let Some(module) = &package.module {
            self.facts.push(format!("module {} go {}", module.path, module.go));
            if !module.version.is_empty() {
                let Module { path, version, sum, replaced_by, .. } = module.clone();
                self.modules.insert(OtherModule { path, version, sum, replaced_by });
            }
            // A module outside the work tree is named by its hash; one without a hash is read like a local one.
            if !local && !module.version.is_empty() && !module.sum.is_empty() {
                return Ok(());
            }
        }
        let module = package.module.as_ref();
        let base = module.map_or(package.dir.as_path(), |module| module.dir.as_path());
        let prefix = module.map_or("", |module| module.path.as_str());
        self.manifests.extend(module.map(|module| module.dir.join("go.mod")));
        let mut names: Vec<String> = package.files.clone();
        if package.main && matches!(files::what(&package.dir.join("default.pgo"))?, files::What::File { .. }) {
            // `-pgo=auto` reads it without naming it in the list.
            names.push("default.pgo".into());
        }
        for name in names {
            let path = package.dir.join(name);
            let label = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            self.files.insert(format!("{prefix}/{label}"), path);
        }
        *self.folders.entry(package.dir.clone()).or_default() |= package.embeds;
        Ok(())
    }

    /// Adds what goes into the same command on another target.
    pub fn merge(&mut self, other: &Self) {
        self.files.extend(other.files.clone());
        for (folder, embeds) in &other.folders {
            *self.folders.entry(folder.clone()).or_default() |= embeds;
        }
        self.manifests.extend(other.manifests.clone());
        self.modules.extend(other.modules.clone());
    }

    /// Digests of the files, read through a tree that remembers those it has read.
    pub fn digests(&self, tree: &Tree) -> Result<Vec<(String, Digest)>, SourceError> {
        self.files.iter().map(|(label, path)| Ok((label.clone(), tree.digest(path)?))).collect()
    }
}

/// A command's name as `go build` chooses it: the last element of the import path, or the one before a major version
/// (`…/nats-server/v2`).
pub fn command_name(import_path: &str) -> &str {
    let mut parts = import_path.rsplit('/');
    let last = parts.next().unwrap_or(import_path);
    let digits = last.strip_prefix('v').unwrap_or_default();
    let major = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    if major { parts.next().unwrap_or(last) } else { last }
}

#[cfg(test)]
mod tests;
