//! The resolved configuration: what every later stage reads. Nothing is left undecided here but what is optional by its
//! nature (a project may have no licence).

pub mod changelog;
pub mod image;
pub mod version;

use std::collections::BTreeMap;
use std::path::PathBuf;

use sealift_trust::SignatureFormat;
use sealift_trust::name::FileName;
use serde::Serialize;

use crate::archive::Format;
use crate::product::SbomFormat;
use crate::target::{DEFAULT, Pattern};

use super::template::Template;
use changelog::ChangelogSettings;
use image::ImageSettings;
use version::{ServiceVersion, VersionRules};

/// A whole configuration.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The project's folder: where `sealift.toml` is, else the repository's top, else where sealift was started.
    pub root: PathBuf,
    /// `[project]`.
    pub project: Project,
    /// `[version]`.
    pub version: VersionRules,
    /// `[changelog]`.
    pub changelog: ChangelogSettings,
    /// Settings of services that are found and not configured.
    pub defaults: Settings,
    /// `[[service]]`, each with its own settings; empty when services are to be found.
    pub services: Vec<Service>,
    /// `[[registry]]`.
    pub registries: Vec<RegistrySettings>,
    /// `[sbom]`.
    pub sbom: SbomSettings,
    /// `[scan]`.
    pub scan: ScanSettings,
    /// `[attest]`.
    pub attest: AttestSettings,
    /// `[cache] dir`.
    pub cache: PathBuf,
}

/// `[project]`.
#[derive(Clone, Debug, Serialize)]
pub struct Project {
    /// Names the product in the release manifest.
    pub name: FileName,
    /// An URL of the sources.
    pub source: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// One line.
    pub description: Option<String>,
}

/// One `[[service]]`.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// Unique; becomes part of file names.
    pub name: FileName,
    /// The main package's folder, relative to the project's, with `/`; `.` is the root.
    pub path: String,
    /// How it is built.
    pub kind: ServiceKind,
    /// How it is versioned by itself.
    pub version: ServiceVersion,
    /// Its settings: the defaults with its own on top.
    pub settings: Settings,
}

/// `service.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// A Go main package.
    Go,
    /// Files that something else built: `path` is a template naming one file for each target.
    Prebuilt,
}

/// What a service can override.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// `[build]`.
    pub build: BuildSettings,
    /// `[package]`.
    pub package: PackageSettings,
    /// `[image]`.
    pub image: ImageSettings,
}

/// `[build]`.
#[derive(Clone, Debug, Serialize)]
pub struct BuildSettings {
    /// Which targets.
    pub targets: Vec<Pattern>,
    /// An exact Go version, `1.26.8`, when the project wants another than its go.mod names.
    pub go: Option<String>,
    /// How each target is compiled: the settings for all, without the overrides below.
    pub compile: CompileSettings,
    /// `[build.target."PATTERN"]`: for targets that match, in the order written; the later one wins key by key.
    pub overrides: Vec<(Pattern, CompileOverride)>,
    /// `build.hooks`.
    pub hooks: Hooks,
    /// Whether `go mod verify` runs before a release.
    pub mod_verify: bool,
    /// Whether a `go.mod` that `go mod tidy` would change stops a release.
    pub mod_tidy: bool,
    /// Whether the other targets go on when one fails.
    pub keep_going: bool,
}

/// How one target is compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CompileSettings {
    /// Further flags for `go build`.
    pub flags: Vec<String>,
    /// Further linker flags, behind `-s -w` and the stamped values.
    pub ldflags: Vec<String>,
    /// Build tags.
    pub tags: Vec<String>,
    /// Further variables for the compiler; these count for the step's key.
    pub env: BTreeMap<String, String>,
    /// `CGO_ENABLED`.
    pub cgo: bool,
    /// Whether `-s -w` leave symbol table and debug data out.
    pub strip: bool,
}

/// Those of [`CompileSettings`] that a target overrides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CompileOverride {
    /// As in [`CompileSettings`].
    pub flags: Option<Vec<String>>,
    /// As in [`CompileSettings`].
    pub ldflags: Option<Vec<String>>,
    /// As in [`CompileSettings`].
    pub tags: Option<Vec<String>>,
    /// Added to those of [`CompileSettings`], name by name.
    pub env: BTreeMap<String, String>,
    /// As in [`CompileSettings`].
    pub cgo: Option<bool>,
    /// As in [`CompileSettings`].
    pub strip: Option<bool>,
}

/// Commands around a build, each an argument vector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hooks {
    /// Before anything is read from the sources.
    pub before: Vec<Vec<String>>,
    /// Those that write committed files (protoc, go generate): `sealift check --generated` runs them.
    pub generate: Vec<Vec<String>>,
    /// After the release is sealed.
    pub after: Vec<Vec<String>>,
}

/// Formats by target, in the order in which the rules are tried.
pub type FormatRules = Vec<(Pattern, Vec<Format>)>;

/// `[package]`.
#[derive(Clone, Debug, Serialize)]
pub struct PackageSettings {
    /// Formats by target: the first rule that matches decides; several formats make several archives.
    pub formats: FormatRules,
    /// Files that go into each archive, relative to the project: paths or globs (`docs/*.md`).
    pub files: Vec<String>,
    /// The archive's name without its extension.
    pub name: Template,
    /// One archive for a target with the binaries of all services, instead of one for each service.
    pub together: bool,
    /// A source archive too.
    pub source: bool,
    /// Compress binaries with `upx`.
    pub upx: bool,
    /// Compression level; 0 is the format's own default.
    pub level: u8,
    /// The most bytes that a binary may have.
    pub binary_budget: Option<u64>,
    /// The most bytes that an archive may have.
    pub archive_budget: Option<u64>,
}

/// One `[[registry]]`: what a registry needs beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RegistrySettings {
    /// The host with its port, as references have it.
    pub host: String,
    /// A file of further authorities.
    pub ca: Option<PathBuf>,
    /// A file with our own certificate.
    pub client_cert: Option<PathBuf>,
    /// A file with the key of that certificate.
    pub client_key: Option<PathBuf>,
    /// Whether it speaks HTTP without TLS; only a registry on the machine itself is taken to do so unasked.
    pub plain_http: Option<bool>,
    /// The server of tokens, where that is not the registry itself.
    pub realm: Option<String>,
}

/// `[sbom]`.
#[derive(Clone, Debug, Serialize)]
pub struct SbomSettings {
    /// Which SBOMs lie beside an archive.
    pub formats: Vec<SbomFormat>,
}

/// `[scan]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScanSettings {
    /// What closes the gate.
    pub fail: ScanFail,
    /// The least CVSS score that counts, as written: `7.0`.
    pub minimum_cvss: Option<String>,
    /// Databases: addresses, and paths from the project's folder.
    pub database: Vec<String>,
    /// Days that a database may be old; 0 is any age.
    pub max_age: u64,
    /// OpenVEX documents.
    pub vex: Vec<PathBuf>,
}

/// `scan.fail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScanFail {
    /// Nothing closes the gate.
    None,
    /// A vulnerable module does.
    Module,
    /// A vulnerable function does.
    Symbol,
}

/// `[attest]`.
#[derive(Clone, Debug, Serialize)]
pub struct AttestSettings {
    /// Path of the signing key, relative to the project; of its public half when there is a signer.
    pub key: Option<PathBuf>,
    /// Program and arguments that sign in the key's place.
    pub signer: Option<Vec<String>>,
    /// How long it has for one signature, in seconds.
    pub signer_timeout: u64,
    /// What is signed besides the manifest.
    pub signatures: Signatures,
    /// The formats of the signatures of checksums.txt, each once, in the order of [`SignatureFormat::ALL`].
    pub formats: Vec<SignatureFormat>,
}

/// What gets a signature in a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signatures {
    /// `checksums.txt` alone.
    Checksums,
    /// That, and every archive.
    Each,
}

impl Signatures {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Checksums => "checksums",
            Self::Each => "each",
        }
    }
}

/// Files that go into every archive unless others are named. Where nothing matches one of these, that is no error.
pub const DEFAULT_FILES: [&str; 2] = ["LICENSE*", "README*"];

impl Settings {
    /// What holds when nothing is written.
    pub fn built_in() -> Self {
        let pattern = |text: &&str| text.parse().expect("the default targets are targets");
        Self {
            build: BuildSettings {
                targets: DEFAULT.iter().map(pattern).collect(),
                go: None,
                compile: CompileSettings { strip: true, ..CompileSettings::default() },
                overrides: Vec::new(),
                hooks: Hooks::default(),
                mod_verify: true,
                mod_tidy: true,
                keep_going: false,
            },
            package: PackageSettings {
                formats: with_built_in_formats(Vec::new()),
                files: DEFAULT_FILES.map(str::to_owned).to_vec(),
                name: "{service}_{version}_{target}".parse().expect("the default template is a template"),
                together: false,
                source: false,
                upx: false,
                level: 0,
                binary_budget: None,
                archive_budget: None,
            },
            image: ImageSettings::built_in(),
        }
    }
}

/// Puts the built-in formats behind written rules, for targets that no rule names. Behind a rule for all targets there
/// is nothing left to decide.
pub(super) fn with_built_in_formats(mut rules: FormatRules) -> FormatRules {
    for (text, format) in [("windows/*", Format::Zip), ("*", Format::TarGz)] {
        if !rules.iter().any(|(pattern, _)| matches!(pattern.text(), "*" | "all") || pattern.text() == text) {
            rules.push((text.parse().expect("the pattern is a pattern"), vec![format]));
        }
    }
    rules
}

impl CompileSettings {
    /// These settings with others on top: lists and switches are replaced, variables are added name by name.
    #[must_use]
    pub fn with(mut self, over: CompileOverride) -> Self {
        self.env.extend(over.env);
        Self {
            flags: over.flags.unwrap_or(self.flags),
            ldflags: over.ldflags.unwrap_or(self.ldflags),
            tags: over.tags.unwrap_or(self.tags),
            env: self.env,
            cgo: over.cgo.unwrap_or(self.cgo),
            strip: over.strip.unwrap_or(self.strip),
        }
    }
}

impl BuildSettings {
    /// How one target is compiled, with the overrides that match it.
    pub fn for_target(&self, target: &crate::target::Target) -> CompileSettings {
        let matching = self.overrides.iter().filter(|(pattern, _)| pattern.matches(target));
        matching.fold(self.compile.clone(), |compile, (_, over)| compile.with(over.clone()))
    }
}

impl PackageSettings {
    /// The formats for one target: the first rule that matches.
    pub fn formats_for(&self, target: &crate::target::Target) -> &[Format] {
        self.formats.iter().find(|(pattern, _)| pattern.matches(target)).map_or(&[], |(_, formats)| formats)
    }
}
