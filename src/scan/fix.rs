//! Upgrades that get rid of what was found.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::database::Ecosystem;
use super::gate::Decision;
use super::matching::Finding;
use super::report::{Judged, Program};
use super::subject::STDLIB;
use super::version::GoVersion;

/// An upgrade of one package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Where the package comes from.
    pub ecosystem: Ecosystem,
    /// The package: a module's path, `stdlib`, or a crate.
    pub package: String,
    /// The earliest version that has none of these vulnerabilities, as the ecosystem writes it.
    pub version: String,
    /// The vulnerabilities.
    pub ids: BTreeSet<String>,
    /// Of what the programs with them are builds.
    pub products: BTreeSet<String>,
}

impl Fix {
    /// Whether it is a newer Go, and no module.
    pub fn is_toolchain(&self) -> bool {
        self.ecosystem == Ecosystem::Go && self.package == STDLIB
    }

    /// Whether a version is an older one than that of the fix; one that cannot be read counts as older.
    pub fn is_newer_than(&self, version: &str) -> bool {
        match (GoVersion::module(version), GoVersion::module(&self.version)) {
            (Some(known), Some(fix)) => known < fix,
            _ => true,
        }
    }

    /// The word of a command that makes the upgrade.
    fn word(&self) -> String {
        let Self { package, version, .. } = self;
        if self.is_toolchain() { format!("toolchain@{version}") } else { format!("{package}@{version}") }
    }
}

/// The upgrades for what closes the gate, or where nothing does for what is told; and whether all of it is the toolchain's.
pub(super) fn fixes(programs: &[Program]) -> (Vec<Fix>, Option<bool>) {
    let all = || programs.iter().flat_map(|program| program.findings.iter().map(move |judged| (program, judged)));
    let closes = all().any(|(_, judged)| judged.decision == Decision::Closes);
    let wanted = |judged: &Judged| match judged.decision {
        Decision::Closes => true,
        Decision::Told => !closes,
        _ => false,
    };
    let wanted: Vec<(&Program, &Finding)> =
        all().filter(|(_, judged)| wanted(judged)).map(|(program, judged)| (program, &judged.finding)).collect();
    if wanted.is_empty() {
        return (Vec::new(), None);
    }
    let toolchain = |finding: &Finding| finding.ecosystem == Ecosystem::Go && finding.package == STDLIB;
    let alone = wanted.iter().all(|(_, finding)| toolchain(finding) && finding.fixed.is_some());
    let product = |program: &Program| program.subject.product.as_ref().map(|product| product.name.clone());
    let products: BTreeSet<String> = programs.iter().filter_map(product).collect();
    let mut fixes: BTreeMap<(Ecosystem, &str), (GoVersion, Fix)> = BTreeMap::new();
    // What a program is a build of is not among its requirements: there is nothing to get.
    for (program, finding) in wanted.iter().filter(|(_, finding)| !products.contains(&finding.package)) {
        let Some(written) = finding.fixed.as_deref() else { continue };
        let version = if toolchain(finding) { GoVersion::toolchain(written) } else { GoVersion::module(written) };
        let Some(version) = version else { continue };
        let new = || {
            let (ids, products) = (BTreeSet::new(), BTreeSet::new());
            let (package, written) = (finding.package.clone(), written.to_owned());
            (version.clone(), Fix { ecosystem: finding.ecosystem, package, version: written, ids, products })
        };
        let (highest, fix) = fixes.entry((finding.ecosystem, &finding.package)).or_insert_with(new);
        fix.ids.insert(finding.id.clone());
        fix.products.extend(product(program));
        if version > *highest {
            (*highest, fix.version) = (version, written.to_owned());
        }
    }
    (fixes.into_values().map(|(_, fix)| fix).collect(), Some(alone))
}

/// The upgrades as commands.
pub(super) fn commands(fixes: &[Fix]) -> Vec<String> {
    let of = |ecosystem| fixes.iter().filter(move |fix| fix.ecosystem == ecosystem);
    let go: Vec<String> = of(Ecosystem::Go).map(Fix::word).collect();
    let go = (!go.is_empty()).then(|| format!("go get {}", go.join(" ")));
    let crates = of(Ecosystem::Crates).map(|fix| format!("cargo update {} --precise {}", fix.package, fix.version));
    go.into_iter().chain(crates).collect()
}
