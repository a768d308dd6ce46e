//! Targets: one platform in the spellings of Go, Rust and OCI, parsed once at the edge.

use std::fmt;
use std::str::FromStr;

use crate::error::{Fault, Kind, nearest};

mod pattern;

pub use pattern::{Pattern, resolve, selects};

/// An operating system and an architecture, with a variant where the architecture has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    os: String,
    arch: String,
    variant: Option<String>,
}

/// A platform as the OCI image index names it (image-spec, `image-index.md`, "platform").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// As Go's GOOS.
    pub os: String,
    /// As Go's GOARCH.
    pub architecture: String,
    /// For example `v7`.
    pub variant: Option<String>,
}

/// What is wrong with a target or a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not `os/arch` or `os/arch/variant`.
    #[error("{text:?} is not a target: it is spelled os/arch or os/arch/variant")]
    Grammar {
        /// As written.
        text: String,
    },
    /// No such pair.
    #[error("there is no target {text}")]
    Unknown {
        /// As written.
        text: String,
        /// The nearest that exists.
        nearest: Option<String>,
    },
    /// The architecture has no such variant.
    #[error("{arch} has no variant {variant:?}")]
    Variant {
        /// The architecture.
        arch: String,
        /// As written.
        variant: String,
        /// Those that it has.
        known: String,
    },
    /// A list of patterns leaves nothing.
    #[error("the patterns {text} select no target")]
    Empty {
        /// The patterns.
        text: String,
    },
    /// The chosen toolchain cannot build for a target.
    #[error("{toolchain} cannot build for {target}")]
    NotInToolchain {
        /// Which toolchain.
        toolchain: String,
        /// Which target.
        target: String,
        /// The nearest that it can build for.
        nearest: Option<String>,
    },
}

impl Fault for TargetError {
    fn code(&self) -> &'static str {
        match self {
            Self::Grammar { .. } => "target.grammar",
            Self::Unknown { .. } => "target.unknown",
            Self::Variant { .. } => "target.variant",
            Self::Empty { .. } => "target.empty",
            Self::NotInToolchain { .. } => "target.not-in-toolchain",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Config
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Grammar { .. } => {
                Some("for example linux/amd64, linux/arm/v7, \"linux/*\", \"!windows/386\", host, all".into())
            }
            Self::Unknown { nearest, .. } | Self::NotInToolchain { nearest, .. } => {
                nearest.as_ref().map(|near| format!("did you mean {near}?"))
            }
            Self::Variant { known, .. } => Some(format!("it has {known}")),
            Self::Empty { .. } => Some("take an exclusion away, or add a target".into()),
        }
    }
}

/// Pairs that Go 1.26 lists (`go tool dist list`), in its order. What a chosen toolchain lists decides in the end;
/// this table serves parsing, wildcards before a toolchain is known, and suggestions.
const PAIRS: &[&str] = &[
    "aix/ppc64",
    "android/386",
    "android/amd64",
    "android/arm",
    "android/arm64",
    "darwin/amd64",
    "darwin/arm64",
    "dragonfly/amd64",
    "freebsd/386",
    "freebsd/amd64",
    "freebsd/arm",
    "freebsd/arm64",
    "illumos/amd64",
    "ios/amd64",
    "ios/arm64",
    "js/wasm",
    "linux/386",
    "linux/amd64",
    "linux/arm",
    "linux/arm64",
    "linux/loong64",
    "linux/mips",
    "linux/mips64",
    "linux/mips64le",
    "linux/mipsle",
    "linux/ppc64",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
    "netbsd/386",
    "netbsd/amd64",
    "netbsd/arm",
    "netbsd/arm64",
    "openbsd/386",
    "openbsd/amd64",
    "openbsd/arm",
    "openbsd/arm64",
    "openbsd/ppc64",
    "openbsd/riscv64",
    "plan9/386",
    "plan9/amd64",
    "plan9/arm",
    "solaris/amd64",
    "wasip1/wasm",
    "windows/386",
    "windows/amd64",
    "windows/arm64",
];

/// Variants by architecture, with the Go variable that carries each. The first is what Go takes when none is given;
/// OCI's `arm64/v8` is the plain `arm64`.
const VARIANTS: &[(&str, &str, &[&str])] = &[
    ("386", "GO386", &["sse2", "softfloat"]),
    ("amd64", "GOAMD64", &["v1", "v2", "v3", "v4"]),
    ("arm", "GOARM", &["v7", "v6", "v5"]),
    (
        "arm64",
        "GOARM64",
        &[
            "v8", "v8.0", "v8.1", "v8.2", "v8.3", "v8.4", "v8.5", "v8.6", "v8.7", "v8.8", "v8.9", "v9.0", "v9.1",
            "v9.2", "v9.3", "v9.4", "v9.5",
        ],
    ),
    ("mips", "GOMIPS", &["hardfloat", "softfloat"]),
    ("mipsle", "GOMIPS", &["hardfloat", "softfloat"]),
    ("mips64", "GOMIPS64", &["hardfloat", "softfloat"]),
    ("mips64le", "GOMIPS64", &["hardfloat", "softfloat"]),
    ("ppc64", "GOPPC64", &["power8", "power9", "power10"]),
    ("ppc64le", "GOPPC64", &["power8", "power9", "power10"]),
    ("riscv64", "GORISCV64", &["rva20u64", "rva22u64", "rva23u64"]),
];

/// The targets of a release that names none.
pub const DEFAULT: [&str; 9] = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/386",
    "darwin/amd64",
    "darwin/arm64",
    "windows/amd64",
    "windows/arm64",
    "windows/386",
];

impl Target {
    /// The machine that sealift runs on.
    pub fn host() -> Self {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            os => os,
        };
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "x86" => "386",
            "aarch64" => "arm64",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            "loongarch64" => "loong64",
            arch => arch,
        };
        // Go's own default for arm is v7, and `arm` without a variant is not a target of its own.
        let variant = (arch == "arm").then(|| "v7".to_owned());
        Self { os: os.to_owned(), arch: arch.to_owned(), variant }
    }

    /// GOOS.
    pub fn os(&self) -> &str {
        &self.os
    }

    /// GOARCH.
    pub fn arch(&self) -> &str {
        &self.arch
    }

    /// For example `v7`; never what the architecture has without saying so, except that `arm` always says it.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// `os/arch`, without the variant.
    pub fn pair(&self) -> String {
        format!("{}/{}", self.os, self.arch)
    }

    /// `os_arch` or `os_arch_variant`: for file names.
    pub fn stem(&self) -> String {
        self.to_string().replace('/', "_")
    }

    /// Whether Go links for this target only through a C toolchain of the platform: Android needs it by itself (Go,
    /// `internal/platform`, `MustLinkExternal`), iOS for its position-independent executables.
    pub fn needs_cgo(&self) -> bool {
        self.os == "ios" || (self.os == "android" && self.arch != "arm64")
    }

    /// What an executable's name ends with.
    pub fn executable_suffix(&self) -> &'static str {
        match self.os.as_str() {
            "windows" => ".exe",
            "js" | "wasip1" => ".wasm",
            _ => "",
        }
    }

    /// The variables that make Go build for this target.
    pub fn go_env(&self) -> Vec<(&'static str, String)> {
        let mut env = vec![("GOOS", self.os.clone()), ("GOARCH", self.arch.clone())];
        if let (Some(variant), Some((_, name, _))) = (&self.variant, row(&self.arch)) {
            let value = if self.arch == "arm" { &variant[1..] } else { variant.as_str() };
            env.push((name, value.to_owned()));
        }
        env
    }

    /// The platform of an OCI index entry.
    pub fn platform(&self) -> Platform {
        // The image specification knows variants of arm, arm64 and (in use) amd64; Go's other variants are how a
        // binary was compiled, not another platform.
        let variant = self.variant.clone().filter(|_| matches!(self.arch.as_str(), "arm" | "amd64" | "arm64"));
        Platform { os: self.os.clone(), architecture: self.arch.clone(), variant }
    }

    /// Rust's target triple, with static musl on Linux, where Rust has the platform.
    pub fn rust_triple(&self) -> Option<&'static str> {
        Some(match (self.os.as_str(), self.arch.as_str(), self.variant.as_deref()) {
            ("linux", "amd64", _) => "x86_64-unknown-linux-musl",
            ("linux", "arm64", _) => "aarch64-unknown-linux-musl",
            ("linux", "arm", Some("v7")) => "armv7-unknown-linux-musleabihf",
            ("linux", "arm", Some("v6")) => "arm-unknown-linux-musleabihf",
            ("linux", "386", _) => "i686-unknown-linux-musl",
            ("linux", "riscv64", _) => "riscv64gc-unknown-linux-musl",
            ("linux", "ppc64le", _) => "powerpc64le-unknown-linux-musl",
            ("linux", "s390x", _) => "s390x-unknown-linux-gnu",
            ("linux", "loong64", _) => "loongarch64-unknown-linux-musl",
            ("darwin", "amd64", _) => "x86_64-apple-darwin",
            ("darwin", "arm64", _) => "aarch64-apple-darwin",
            ("windows", "amd64", _) => "x86_64-pc-windows-msvc",
            ("windows", "arm64", _) => "aarch64-pc-windows-msvc",
            ("windows", "386", _) => "i686-pc-windows-msvc",
            ("freebsd", "amd64", _) => "x86_64-unknown-freebsd",
            ("illumos", "amd64", _) => "x86_64-unknown-illumos",
            ("netbsd", "amd64", _) => "x86_64-unknown-netbsd",
            ("wasip1", "wasm", _) => "wasm32-wasip1",
            _ => return None,
        })
    }
}

fn row(arch: &str) -> Option<&'static (&'static str, &'static str, &'static [&'static str])> {
    VARIANTS.iter().find(|(name, ..)| *name == arch)
}

impl FromStr for Target {
    type Err = TargetError;

    /// Reads `os/arch[/variant]`, in Go's or OCI's spelling.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let grammar = || TargetError::Grammar { text: text.chars().take(60).collect() };
        let parts: Vec<&str> = text.split('/').collect();
        let (os, arch, variant) = match parts[..] {
            [os, arch] => (os, arch, None),
            [os, arch, variant] => (os, arch, Some(variant)),
            _ => return Err(grammar()),
        };
        if parts
            .iter()
            .any(|part| part.is_empty() || !part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c)))
        {
            return Err(grammar());
        }
        if !PAIRS.contains(&format!("{os}/{arch}").as_str()) {
            let near = nearest_pair(os, arch).map(str::to_owned);
            return Err(TargetError::Unknown { text: text.to_owned(), nearest: near });
        }
        Ok(Self { os: os.to_owned(), arch: arch.to_owned(), variant: settle_variant(arch, variant)? })
    }
}

/// Names that other tools give to what Go calls otherwise.
const ALIASES: &[(&str, &str)] = &[
    ("x86_64", "amd64"),
    ("x64", "amd64"),
    ("aarch64", "arm64"),
    ("armhf", "arm"),
    ("armv7", "arm"),
    ("armv7l", "arm"),
    ("i386", "386"),
    ("i686", "386"),
    ("x86", "386"),
    ("loongarch64", "loong64"),
    ("macos", "darwin"),
    ("osx", "darwin"),
    ("win", "windows"),
    ("win32", "windows"),
    ("win64", "windows"),
];

/// Go's name for a part of a target, where another tool's is known.
fn go_name(part: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| part.eq_ignore_ascii_case(alias)).map_or(part, |(_, name)| name)
}

/// The pair that was probably meant.
fn nearest_pair(os: &str, arch: &str) -> Option<&'static str> {
    nearest(&format!("{}/{}", go_name(os), go_name(arch)), PAIRS.iter().copied())
}

/// Refuses a variant that the architecture does not have, and drops one that says what holds anyway, so that one
/// platform has one spelling. `arm` always carries its variant.
fn settle_variant(arch: &str, variant: Option<&str>) -> Result<Option<String>, TargetError> {
    let known = row(arch).map_or(&[][..], |(.., known)| known);
    let Some(variant) = variant else {
        return Ok((arch == "arm").then(|| known[0].to_owned()));
    };
    if !known.contains(&variant) {
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(TargetError::Variant { arch: arch.to_owned(), variant: variant.to_owned(), known });
    }
    let plain = variant == known[0] || (arch == "arm64" && variant == "v8.0");
    Ok((arch == "arm" || !plain).then(|| variant.to_owned()))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl serde::Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
