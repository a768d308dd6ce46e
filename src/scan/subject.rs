//! What is scanned: a program, and the packages that are linked into it.

use sealift_trust::Digest;
use serde::Serialize;

use super::database::Ecosystem;
use super::version::GoVersion;
use crate::sbom::binary::{Binary, Crate, Format, Module};

/// The name under which databases speak of Go's standard library.
pub const STDLIB: &str = "stdlib";

/// A program by what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// As a user finds it: a path, or an archive with a path in it.
    pub name: String,
    /// The digest of its file.
    pub digest: Digest,
    /// The system it runs on by Go's name, where it says so.
    pub os: Option<String>,
    /// The processor it runs on by Go's name, where it says so.
    pub arch: Option<String>,
    /// The Go toolchain that linked it, as it names itself.
    pub toolchain: Option<String>,
    /// What it is a build of: the main module, or the root crate.
    pub product: Option<Product>,
    /// The import path of the main package, which its functions call `main`.
    #[serde(skip)]
    pub main_package: String,
    /// What is linked into it.
    #[serde(skip)]
    pub packages: Vec<Linked>,
}

/// What a program is a build of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Where its name belongs.
    pub ecosystem: Ecosystem,
    /// Its module path or crate.
    pub name: String,
    /// Its version as written.
    pub version: String,
}

/// A package that is linked into a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Where it comes from.
    pub ecosystem: Ecosystem,
    /// The name under which databases speak of it: the module whose code it really is, `stdlib`, or the crate.
    pub name: String,
    /// Go: the path with which its packages' import paths begin in the program, which a replacement does not change.
    pub prefix: String,
    /// Its version as written.
    pub written: String,
    /// Its version; `None` where it is not known, so that nothing can be said about it.
    pub version: Option<GoVersion>,
}

impl Subject {
    /// Takes what a program says of itself; what it is a build of has the version that is `released`, where it does not know
    /// its own. Nothing where it says nothing: it was not built by Go with modules, and not by
    /// `cargo auditable`.
    pub fn of(name: String, (digest, released): (Digest, Option<&str>), binary: &Binary<'_>) -> Option<Self> {
        let silent = binary.build_info.is_none() && binary.crates.is_none();
        if silent {
            return None;
        }
        let arch = Some(binary.arch.to_owned()).filter(|arch| arch != "unknown");
        let mut subject = Self {
            name,
            digest,
            os: None,
            arch,
            toolchain: None,
            product: None,
            main_package: String::new(),
            packages: Vec::new(),
        };
        if let Some(info) = &binary.build_info {
            let setting = |name: &str| info.settings.get(name).filter(|value| !value.is_empty()).cloned();
            subject.os = setting("GOOS");
            subject.arch = setting("GOARCH").or(subject.arch);
            subject.toolchain = Some(info.go_version.clone());
            subject.main_package.clone_from(&info.path);
            subject.packages.push(Linked {
                ecosystem: Ecosystem::Go,
                name: STDLIB.to_owned(),
                prefix: String::new(),
                written: info.go_version.clone(),
                version: GoVersion::toolchain(&info.go_version),
            });
            subject.product = info.main.as_ref().map(|main| Product {
                ecosystem: Ecosystem::Go,
                name: main.path.clone(),
                version: own_version(&main.version, released),
            });
            subject.packages.extend(info.main.iter().chain(&info.modules).map(module));
        }
        if let Some(crates) = &binary.crates {
            subject.os = subject.os.or_else(|| match binary.format {
                Format::Pe => Some("windows".to_owned()),
                Format::MachO => Some("darwin".to_owned()),
                Format::Elf => None,
            });
            let root = crates.iter().find(|one| one.root).map(|root| Product {
                ecosystem: Ecosystem::Crates,
                name: root.name.clone(),
                version: root.version.clone(),
            });
            subject.product = subject.product.or(root);
            // What only took part in the build is not in the program.
            subject.packages.extend(crates.iter().filter(|one| !one.build).map(krate));
        }
        Some(subject)
    }

    /// Which of the packages a Go package belongs to: the one with the longest path that it is below, else the standard
    /// library where its first element has no dot.
    pub fn owner(&self, package: &str) -> Option<usize> {
        let below = |linked: &Linked| {
            let rest = package.strip_prefix(linked.prefix.as_str())?;
            (!linked.prefix.is_empty() && (rest.is_empty() || rest.starts_with('/'))).then_some(linked.prefix.len())
        };
        let go = self.packages.iter().enumerate().filter(|(_, linked)| linked.ecosystem == Ecosystem::Go);
        let longest = go.clone().filter_map(|(at, linked)| Some((below(linked)?, at))).max();
        let standard = || {
            let first = package.split('/').next().unwrap_or(package);
            let stdlib = go.clone().find(|(_, linked)| linked.name == STDLIB).map(|(at, _)| at);
            stdlib.filter(|_| !first.contains('.'))
        };
        longest.map(|(_, at)| at).or_else(standard)
    }
}

/// The version of a main module: the go command knows it only of a module that it was asked for by version.
fn own_version(written: &str, released: Option<&str>) -> String {
    match released.filter(|_| matches!(written, "" | "(devel)")) {
        Some(released) => format!("v{released}"),
        None => written.to_owned(),
    }
}

fn module(module: &Module) -> Linked {
    let real = module.effective();
    Linked {
        ecosystem: Ecosystem::Go,
        name: real.path.clone(),
        prefix: module.path.clone(),
        written: real.version.clone(),
        version: GoVersion::module(&real.version),
    }
}

/// A crate that did not come from the registry has a version of its own making: the registry's advisories do not speak
/// of it.
fn krate(one: &Crate) -> Linked {
    let published = matches!(one.source.as_str(), "crates.io" | "registry");
    Linked {
        ecosystem: Ecosystem::Crates,
        name: one.name.clone(),
        prefix: String::new(),
        written: one.version.clone(),
        version: GoVersion::module(&one.version).filter(|_| published),
    }
}
