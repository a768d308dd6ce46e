//! Lists of targets: patterns that include and exclude.

use std::str::FromStr;

use super::{DEFAULT, PAIRS, Target, TargetError, VARIANTS, go_name, settle_variant};
use crate::error::nearest;

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

/// Whether a target has a variant, in whatever spelling: `amd64` is `amd64/v1`.
fn has_variant(target: &Target, variant: &str) -> bool {
    settle_variant(&target.arch, Some(variant)).is_ok_and(|settled| settled == target.variant)
}

fn wildcard(text: &str, body: &str) -> Result<Select, TargetError> {
    let part = |part: &str| (part != "*").then(|| part.to_owned());
    let parts: Vec<&str> = body.split('/').collect();
    let (os, arch, variant) = match parts[..] {
        [os, arch] => (part(os), part(arch), None),
        [os, arch, variant] => (part(os), part(arch), part(variant)),
        _ => return Err(TargetError::Grammar { text: text.chars().take(60).collect() }),
    };
    let known = |index: usize, name: &Option<String>| {
        name.as_ref().is_none_or(|name| PAIRS.iter().any(|pair| pair.split('/').nth(index) == Some(name)))
    };
    if !known(0, &os) || !known(1, &arch) {
        return Err(TargetError::Unknown {
            text: text.chars().take(60).collect(),
            nearest: nearest_wildcard(&os, &arch),
        });
    }
    if let Some(variant) = &variant {
        let archs = || VARIANTS.iter().filter(|(name, ..)| arch.as_ref().is_none_or(|arch| arch == name));
        if !archs().any(|(.., known)| known.contains(&variant.as_str())) {
            let known: Vec<&str> = archs().flat_map(|(.., known)| known.iter().copied()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let arch = arch.unwrap_or_else(|| "no architecture".to_owned());
            return Err(TargetError::Variant { arch, variant: variant.chars().take(60).collect(), known });
        }
    }
    Ok(Select::Wild { os, arch, variant })
}

/// The wildcard that was probably meant: each part that does not exist is replaced by the nearest one.
fn nearest_wildcard(os: &Option<String>, arch: &Option<String>) -> Option<String> {
    let near = |index: usize, name: &Option<String>| match name {
        None => Some("*"),
        Some(name) => nearest(go_name(name), PAIRS.iter().filter_map(|pair| pair.split('/').nth(index))),
    };
    Some(format!("{}/{}", near(0, os)?, near(1, arch)?))
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
                    && variant.as_ref().is_none_or(|variant| has_variant(target, variant))
            }
        }
    }

    /// Whether this pattern names one target, and not a set of them.
    pub fn is_exact(&self) -> bool {
        matches!(self.select, Select::One(_))
    }

    /// Whether this pattern takes targets away from a list.
    pub fn excludes(&self) -> bool {
        self.exclude
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

/// Whether a list of patterns selects a target, whatever a toolchain knows: as [`resolve`] has it.
pub fn selects(patterns: &[Pattern], target: &Target) -> bool {
    let mut include = patterns.iter().filter(|pattern| !pattern.exclude).peekable();
    let by_default = include.peek().is_none() && DEFAULT.contains(&target.to_string().as_str());
    let excluded = patterns.iter().any(|pattern| pattern.exclude && pattern.matches(target));
    (by_default || include.any(|pattern| pattern.matches(target))) && !excluded
}

fn check_listed(target: &Target, toolchain: &str, pairs: &[&str]) -> Result<Target, TargetError> {
    if pairs.contains(&target.pair().as_str()) {
        return Ok(target.clone());
    }
    let near = nearest(&target.pair(), pairs.iter().copied()).map(str::to_owned);
    Err(TargetError::NotInToolchain { toolchain: toolchain.to_owned(), target: target.to_string(), nearest: near })
}
