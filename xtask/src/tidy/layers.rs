//! The layer law: a module names only modules above it, so that a reader can stop at any line of the list.

use std::collections::BTreeMap;

use super::Violation;
use super::paths::{Named, Root, named};
use super::sources::{Sources, module_path};

/// The layers from the top; modules of one layer may name each other.
const LAYERS: &[&[&str]] = &[
    &["trust"],
    &["target", "artifact", "command", "event", "error", "sanitize", "table", "product"],
    &["host"],
    &["archive"],
    &["oci"],
    &["config"],
    &["store"],
    &["registry"],
    &["forge"],
    &["toolchain", "lock"],
    &["history"],
    &["version"],
    &["refs"],
    &["survey"],
    &["plan"],
    &["build"],
    &["package"],
    &["image"],
    &["sbom"],
    &["scan"],
    &["attest"],
    &["verify"],
    &["publish"],
    &["deploy"],
    &["rebuild"],
    &["pipeline"],
    &["console"],
    &["page"],
    &["cli"],
    &["main"],
];

/// What a module may not name although it stands above it, and why.
const NEVER: &[(&str, &[&str], &str)] = &[
    ("version", &["host"], "version is pure: a function of history and rules"),
    ("plan", &["host"], "plan is pure: everything is decided before anything is touched"),
    ("verify", &["build", "package", "image", "attest"], "the judge does not import the accused"),
];

/// Checks every module of the crate; lib.rs holds the pipeline and may name all, the crate `trust` cannot name any.
pub fn check(sources: &Sources<'_>) -> Vec<Violation> {
    let reexports = reexports(sources);
    let mut violations = Vec::new();
    for (path, tokens) in sources.product() {
        let module = module_path(path);
        let Some(own) = module.first().copied().filter(|own| *own != "trust") else { continue };
        let mut report = |line, message| violations.push(Violation { path: path.into(), line, rule: "layer", message });
        if rank(own).is_none() {
            // Once for the module, not for each of its files.
            if module.len() == 1 || !is_module(own, sources) {
                report(0, format!("`{own}` has no place in the layer order: LAYERS in xtask/src/tidy/layers.rs"));
            }
            continue;
        }
        for found in named(tokens, &module) {
            // A module without a place is named once, for itself.
            let unplaced =
                found.segments.first().is_some_and(|first| rank(first).is_none() && is_module(first, sources));
            if let Some(message) = judge(own, &found, &reexports).filter(|_| !unplaced) {
                report(found.line, message);
            }
        }
        for line in path_attributes(tokens) {
            report(
                line,
                "`#[path]` and `include!` hide a module's place: put the file where its module path says".into(),
            );
        }
    }
    // One `use` with many names below one module is one violation.
    violations.dedup();
    violations
}

/// What is wrong with one path in one module, if anything is.
fn judge(own: &str, found: &Named<'_>, reexports: &BTreeMap<&str, &str>) -> Option<String> {
    if found.root != Root::Crate {
        // The library under its own name, as main.rs has it: inside the crate that would be a way around the law.
        return found.is_under("sealift").then(|| "names the crate from inside: write `crate::`".into());
    }
    let Some(first) = found.segments.first().filter(|first| **first != "*") else {
        return Some("names the crate root, and through it every module: name the module that is meant".into());
    };
    let module = reexports.get(first).copied().unwrap_or(first);
    if module == own {
        return None;
    }
    if let Some((_, _, why)) = NEVER.iter().find(|(who, never, _)| *who == own && never.contains(&module)) {
        return Some(format!("`{own}` names `{module}`: {why}"));
    }
    match rank(module) {
        None => Some(format!("`{own}` names `crate::{first}`, which belongs to lib.rs: the pipeline stands below all")),
        Some(layer) if Some(layer) > rank(own) => Some(format!("`{own}` names `{module}`, which stands below it")),
        Some(_) => None,
    }
}

fn is_module(name: &str, sources: &Sources<'_>) -> bool {
    sources.get(&format!("src/{name}.rs")).is_some() || sources.get(&format!("src/{name}/mod.rs")).is_some()
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The names that lib.rs re-exports, each with the module it comes from.
fn reexports<'a>(sources: &Sources<'a>) -> BTreeMap<&'a str, &'a str> {
    let Some(lib) = sources.get("src/lib.rs") else { return BTreeMap::new() };
    let mut names = BTreeMap::new();
    let tokens = &lib.tokens;
    for start in (0..tokens.len()).filter(|at| tokens[*at].is("use")) {
        let end = tokens[start..].iter().position(|token| token.is(";")).map_or(tokens.len(), |at| start + at);
        for found in named(&tokens[start..end], &[]) {
            // In lib.rs `use host::Host` is the same as `use crate::host::Host`.
            let Some(module) = found.segments.first().copied().filter(|first| rank(first).is_some()) else { continue };
            let renamed = end.checked_sub(2).filter(|at| tokens[*at].is("as")).map(|at| tokens[at + 1].text);
            let group = tokens[start..end].iter().any(|token| token.is("{"));
            if let Some(name) = renamed.filter(|_| !group).or_else(|| found.segments.last().copied()) {
                names.insert(name, module);
            }
        }
    }
    names.retain(|name, module| name != module);
    names
}

/// Lines of `#[path = …]` and `include!`.
fn path_attributes(tokens: &[crate::source::Token<'_>]) -> Vec<usize> {
    let attribute = tokens.windows(3).filter(|w| w[0].is("[") && w[1].is("path") && w[2].is("="));
    let include = tokens.windows(2).filter(|w| w[0].is("include") && w[1].is("!"));
    attribute.map(|w| w[0].line).chain(include.map(|w| w[0].line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn messages(path: &str, text: &str) -> Vec<String> {
        messages_with(path, text, "")
    }

    fn messages_with(path: &str, text: &str, lib: &str) -> Vec<String> {
        let tree = Tree::of(&[(path, text), ("src/lib.rs", lib)]);
        check(&Sources::read(&tree))
            .into_iter()
            .map(|violation| format!("{}: {}", violation.line, violation.message))
            .collect()
    }

    #[test]
    fn a_module_names_what_stands_above_it() {
        let text = "use crate::{host::Host, error::Fault, target};\nuse sealift_trust::Digest;\nuse super::layer;";
        assert_eq!(messages("src/oci/index.rs", text), [""; 0]);
        assert_eq!(messages("src/target.rs", "use crate::error::Fault;"), [""; 0]);
        assert_eq!(messages("src/cli/release.rs", "use crate::{publish, deploy, console, page};"), [""; 0]);
    }

    #[test]
    fn every_way_to_name_a_lower_module_is_caught() {
        let ways = [
            "use crate::plan::Plan;",
            "use crate::{error, plan};",
            "use crate::{error::{self, Fault}, plan::{Plan, Step as S}};",
            "use crate::plan as p;",
            "use super::super::plan::Plan;",
            "use super::super::{error, plan};",
            "fn f() { crate::plan::make(); }",
            "fn f(p: &super::super::plan::Plan) {}",
            "mod inner { use super::super::super::plan; }",
            "#[serde(with = \"crate::plan::time\")] struct X;",
            "macro_rules! m { () => { $crate::plan::make() } }",
        ];
        for way in ways {
            assert_eq!(messages("src/store/key.rs", way), ["1: `store` names `plan`, which stands below it"], "{way}");
        }
    }

    #[test]
    fn the_crate_root_is_no_way_around() {
        let ways = [
            "use crate::*;",
            "use crate as all;",
            "use crate::{self as all};",
            "use super::super as up;",
            "extern crate self as me;",
        ];
        for way in ways {
            assert!(messages("src/store/key.rs", way)[0].contains("crate root"), "{way}");
        }
        assert!(messages("src/store/key.rs", "use sealift::plan;")[0].contains("from inside"));
        assert!(messages("src/store/key.rs", "#[path = \"../plan/x.rs\"] mod x;")[0].contains("#[path]"));
        assert!(messages("src/store/key.rs", "include!(\"../plan/x.rs\");")[0].contains("include!"));
    }

    #[test]
    fn re_exports_are_followed_and_the_pipeline_is_below_all() {
        let lib =
            "pub use plan::{Plan, Step};\npub use crate::attest::seal as lock;\npub use host::Host;\nfn chain() {}";
        assert!(messages_with("src/store/key.rs", "use crate::Step;", lib)[0].contains("`plan`"));
        assert!(messages_with("src/verify/mod.rs", "use crate::lock;", lib)[0].contains("accused"));
        assert_eq!(messages_with("src/store/key.rs", "use crate::Host;", lib), [""; 0]);
        assert!(messages_with("src/cli/release.rs", "crate::chain()", lib)[0].contains("lib.rs"));
    }

    #[test]
    fn the_pure_stages_and_the_judge() {
        assert!(messages("src/plan/mod.rs", "use crate::host::Host;")[0].contains("plan is pure"));
        assert!(messages("src/version/mod.rs", "use crate::host::Host;")[0].contains("version is pure"));
        for accused in ["build", "package", "image", "attest"] {
            assert!(messages("src/verify/walk.rs", &format!("use crate::{accused}::x;"))[0].contains("accused"));
        }
        assert_eq!(messages("src/verify/walk.rs", "use crate::{host, oci, store, archive};"), [""; 0]);
    }

    #[test]
    fn a_module_without_a_place_is_named() {
        for path in ["src/queue/mod.rs", "src/queue.rs", "src/bin/queue.rs"] {
            assert!(messages(path, "use crate::cli;")[0].contains("no place in the layer order"), "{path}");
        }
        let tree =
            Tree::of(&[("src/queue/mod.rs", ""), ("src/queue/item.rs", ""), ("src/store/mod.rs", "use crate::queue;")]);
        assert_eq!(check(&Sources::read(&tree)).len(), 1);
    }

    #[test]
    fn tests_comments_and_visibility_do_not_count() {
        let text = "//! [`crate::plan`]\npub(crate) fn f() { \"crate::plan is prose\"; }\npub(in crate::store) fn g() {}\n\
                    #[cfg(test)]\nmod tests { use crate::plan::Plan; }\n";
        assert_eq!(messages("src/store/key.rs", text), [""; 0]);
        assert_eq!(messages("src/main.rs", "use sealift::cli;"), [""; 0]);
        assert_eq!(messages("src/trust/json.rs", "use crate::plan;"), [""; 0]);
    }
}
