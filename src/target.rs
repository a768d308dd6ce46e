//! Targets: one platform in the spellings of Go, Rust and OCI, parsed once at the edge.

use std::fmt;
use std::str::FromStr;

use crate::error::{Fault, Kind, nearest};

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
        if parts.iter().any(|part| part.is_empty() || !part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.')) {
            return Err(grammar());
        }
        if !PAIRS.contains(&format!("{os}/{arch}").as_str()) {
            let near = nearest(&format!("{os}/{arch}"), PAIRS.iter().copied()).map(str::to_owned);
            return Err(TargetError::Unknown { text: text.to_owned(), nearest: near });
        }
        Ok(Self { os: os.to_owned(), arch: arch.to_owned(), variant: settle_variant(arch, variant)? })
    }
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

/// One element of a list of targets: a target, a wildcard, `host` or `all`, possibly excluded with `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    exclude: bool,
    select: Select,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Select {
    All,
    One(Target),
    /// Each part is a name or `None` for `*`.
    Wild {
        os: Option<String>,
        arch: Option<String>,
        variant: Option<String>,
    },
}

impl FromStr for Pattern {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (exclude, body) = text.strip_prefix('!').map_or((false, text), |body| (true, body));
        let select = match body {
            "all" | "*" => Select::All,
            "host" => Select::One(Target::host()),
            _ if body.contains('*') => wildcard(text, body)?,
            _ => Select::One(body.parse()?),
        };
        Ok(Self { text: text.to_owned(), exclude, select })
    }
}

fn wildcard(text: &str, body: &str) -> Result<Select, TargetError> {
    let part = |part: &str| (part != "*").then(|| part.to_owned());
    let parts: Vec<&str> = body.split('/').collect();
    let (os, arch, variant) = match parts[..] {
        [os, arch] => (part(os), part(arch), None),
        [os, arch, variant] => (part(os), part(arch), part(variant)),
        _ => return Err(TargetError::Grammar { text: text.to_owned() }),
    };
    let known = |index: usize, name: &Option<String>| {
        name.as_ref().is_none_or(|name| PAIRS.iter().any(|pair| pair.split('/').nth(index) == Some(name)))
    };
    if !known(0, &os) || !known(1, &arch) {
        let near =
            nearest(body, PAIRS.iter().map(|pair| pair.split('/').next().unwrap_or(pair))).map(|os| format!("{os}/*"));
        return Err(TargetError::Unknown { text: text.to_owned(), nearest: near });
    }
    Ok(Select::Wild { os, arch, variant })
}

impl Pattern {
    /// Whether this pattern names a target (an exclusion too: it names what it excludes).
    pub fn matches(&self, target: &Target) -> bool {
        match &self.select {
            Select::All => true,
            Select::One(one) => one == target,
            Select::Wild { os, arch, variant } => {
                os.as_ref().is_none_or(|os| *os == target.os)
                    && arch.as_ref().is_none_or(|arch| *arch == target.arch)
                    && variant.as_ref().is_none_or(|variant| Some(variant) == target.variant.as_ref())
            }
        }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl serde::Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Resolves patterns against what a toolchain lists (`os/arch` pairs; empty when it is not known yet). Inclusions come
/// in the order they are written, exclusions take away wherever they stand; a list of exclusions alone starts from the
/// default targets. Errors: a target the toolchain lacks, or nothing left.
pub fn resolve(patterns: &[Pattern], toolchain: &str, listed: &[String]) -> Result<Vec<Target>, TargetError> {
    let pairs: Vec<&str> = if listed.is_empty() { PAIRS.to_vec() } else { listed.iter().map(String::as_str).collect() };
    // A pair that only a newer toolchain knows is named by that toolchain alone.
    let known: Vec<Target> = pairs.iter().filter_map(|pair| pair.parse().ok()).collect();
    let defaults: Vec<Pattern>;
    let mut include: Vec<&Pattern> = patterns.iter().filter(|pattern| !pattern.exclude).collect();
    if include.is_empty() {
        defaults = DEFAULT.iter().map(|text| text.parse().expect("the defaults are targets")).collect();
        include = defaults.iter().collect();
    }
    let excluded = |target: &Target| patterns.iter().any(|pattern| pattern.exclude && pattern.matches(target));
    let mut chosen: Vec<Target> = Vec::new();
    for pattern in include {
        let candidates: Vec<Target> = match &pattern.select {
            Select::One(target) => vec![check_listed(target, toolchain, &pairs)?],
            Select::Wild { variant: Some(variant), .. } => {
                let with = |target: &Target| format!("{}/{variant}", target.pair()).parse::<Target>().ok();
                known.iter().filter_map(with).filter(|target| pattern.matches(target)).collect()
            }
            _ => known.iter().filter(|target| pattern.matches(target)).cloned().collect(),
        };
        for target in candidates {
            if !excluded(&target) && !chosen.contains(&target) {
                chosen.push(target);
            }
        }
    }
    if chosen.is_empty() {
        let text = patterns.iter().map(|pattern| format!("{:?}", pattern.text)).collect::<Vec<_>>().join(", ");
        return Err(TargetError::Empty { text });
    }
    Ok(chosen)
}

fn check_listed(target: &Target, toolchain: &str, pairs: &[&str]) -> Result<Target, TargetError> {
    if pairs.contains(&target.pair().as_str()) {
        return Ok(target.clone());
    }
    let near = nearest(&target.pair(), pairs.iter().copied()).map(str::to_owned);
    Err(TargetError::NotInToolchain { toolchain: toolchain.to_owned(), target: target.to_string(), nearest: near })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn chosen(texts: &[&str]) -> Vec<String> {
        resolve(&patterns(texts), "go1.26.8", &[]).unwrap().iter().map(Target::to_string).collect()
    }

    #[test]
    fn one_platform_has_one_spelling() {
        for (text, spelled) in [
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/mips/softfloat", "linux/mips/softfloat"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), spelled);
        }
    }

    #[test]
    fn spelled_for_go_rust_and_oci() {
        let target: Target = "linux/arm/v6".parse().unwrap();
        let go: Vec<String> = target.go_env().iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(go, ["GOOS=linux", "GOARCH=arm", "GOARM=6"]);
        assert_eq!(target.rust_triple(), Some("arm-unknown-linux-musleabihf"));
        assert_eq!(target.platform().variant.as_deref(), Some("v6"));
        let softfloat: Target = "linux/mips/softfloat".parse().unwrap();
        assert_eq!(
            (softfloat.go_env()[2].clone(), softfloat.platform().variant),
            (("GOMIPS", "softfloat".into()), None)
        );
    }

    #[test]
    fn what_does_not_exist_is_refused_with_the_nearest() {
        let hint = |text: &str| text.parse::<Pattern>().unwrap_err().hint();
        assert_eq!(hint("linux/adm64").as_deref(), Some("did you mean linux/amd64?"));
        assert_eq!(hint("linus/*").as_deref(), Some("did you mean linux/*?"));
        assert_eq!(hint("linux/arm/v9").as_deref(), Some("it has v7, v6, v5"));
        for text in ["", "linux", "linux/", "linux/arm/v7/x", "linux/am\nd64", "../..", "linux/s390x/v2", "darwin/386"]
        {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn patterns_select_and_exclude() {
        assert_eq!(chosen(&["!windows/386"]).len(), 8);
        assert_eq!(chosen(&["linux/*"]).len(), 13);
        assert_eq!(chosen(&["windows/*", "!windows/386"]), ["windows/amd64", "windows/arm64"]);
        assert_eq!(chosen(&["linux/amd64", "linux/amd64/v1", "host"])[0], "linux/amd64");
        assert_eq!(chosen(&["*/amd64/v3", "!*/amd64/*", "linux/arm"]), ["linux/arm/v7"]);
        let empty = resolve(&patterns(&["linux/arm", "!linux/*"]), "go1.26.8", &[]).unwrap_err();
        assert_eq!(empty.code(), "target.empty");
    }

    #[test]
    fn the_toolchain_has_the_last_word() {
        let listed = vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()];
        let all = resolve(&patterns(&["all"]), "go1.99.0", &listed).unwrap();
        assert_eq!(all.len(), 2);
        let lacking = resolve(&patterns(&["linux/386"]), "go1.99.0", &listed).unwrap_err();
        assert_eq!(lacking.to_string(), "go1.99.0 cannot build for linux/386");
    }
}
