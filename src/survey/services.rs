//! Which services there are, and what each is made of on each target.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealift_trust::name::{FileName, plain_file};

use super::workspace::{self, Space};
use super::{Reader, SurveyError, Surveyed, TargetInputs, Toolchain, Work, extras, target_env};
use crate::config::settings::{CompileSettings, Service, ServiceKind, Settings};
use crate::config::template::{Fields, Template};
use crate::host::files::{self, What};
use crate::host::machine;
use crate::store::{KeyBuilder, Record};
use crate::target::{self, Target};
use crate::toolchain::sources::{self, Inputs, Listing, Query, SourceError, command_name};
use crate::version::{self, Stamp};

/// Services with their toolchains, not yet stamped, and for each the union of its inputs over the targets.
pub(super) struct Found {
    pub(super) toolchains: Vec<Toolchain>,
    pub(super) services: Vec<Surveyed>,
    pub(super) unions: Vec<Inputs>,
}

/// A service before its packages are listed.
struct Candidate {
    name: FileName,
    settings: Settings,
    dir: PathBuf,
    import_path: String,
    toolchain: usize,
}

/// Finds the services that are asked for.
pub(super) fn find(reader: &Reader<'_>, wanted: &[String]) -> Result<Found, SurveyError> {
    let spaces = workspace::spaces(&reader.config.root, &reader.tree)?;
    let mut found = Found { toolchains: Vec::new(), services: Vec::new(), unions: Vec::new() };
    let configured = &reader.config.services;
    check_wanted(wanted, configured)?;
    if configured.is_empty() {
        discover(reader, &spaces, wanted, &mut found)?;
    } else {
        for service in configured.iter().filter(|service| is_wanted(wanted, service.name.as_str())) {
            match service.kind {
                ServiceKind::Go => from_source(reader, &spaces, service, &mut found)?,
                ServiceKind::Prebuilt => prebuilt(reader, service, &mut found)?,
            }
        }
    }
    Ok(found)
}

fn is_wanted(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|want| want == name)
}

fn check_wanted(wanted: &[String], configured: &[Service]) -> Result<(), SurveyError> {
    let known: Vec<String> = configured.iter().map(|service| service.name.to_string()).collect();
    match wanted.iter().find(|name| !known.contains(name)) {
        Some(name) if !known.is_empty() => Err(SurveyError::NoService { name: name.clone(), known }),
        _ => Ok(()),
    }
}

/// The index of a space's toolchain, found when it is first needed.
fn toolchain_of(reader: &Reader<'_>, space: &Space, found: &mut Found) -> Result<usize, SurveyError> {
    let toolchain = space.toolchain(reader)?;
    if let Some(index) = found.toolchains.iter().position(|known| known.dir == toolchain.dir) {
        return Ok(index);
    }
    found.toolchains.push(toolchain);
    Ok(found.toolchains.len() - 1)
}

fn from_source(reader: &Reader<'_>, spaces: &[Space], service: &Service, found: &mut Found) -> Result<(), SurveyError> {
    let root = &reader.config.root;
    let dir = if service.path == "." { root.clone() } else { root.join(&service.path) };
    let space = spaces
        .iter()
        .filter_map(|space| Some((space.depth(&dir)?, space)))
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, space)| space)
        .ok_or_else(|| SurveyError::NoModule { dir: dir.display().to_string() })?;
    let index = toolchain_of(reader, space, found)?;
    let toolchain = &found.toolchains[index];
    let targets = targets_of(reader, &service.settings, toolchain)?;
    let pattern = vec![pattern_of(&toolchain.dir, &dir)];
    let listings = list_all(reader, toolchain, &pattern, &with_settings(&service.settings, &targets))?;
    let main = listings.values().flat_map(Listing::mains).next().map(|package| package.import_path.clone());
    let Some(import_path) = main else { return Err(not_main(service, &listings)) };
    let candidate = Candidate {
        name: service.name.clone(),
        settings: service.settings.clone(),
        dir,
        import_path,
        toolchain: index,
    };
    complete(reader, candidate, &listings, &targets, found)
}

fn not_main(service: &Service, listings: &BTreeMap<Wanted, Listing>) -> SurveyError {
    let failed =
        listings.iter().flat_map(|(wanted, listing)| listing.packages.iter().map(move |package| (wanted, package)));
    for (wanted, package) in failed {
        if let Some(words) = &package.error {
            let (package, target) = (package.import_path.clone(), wanted.target.to_string());
            return SourceError::Package { package, target, words: words.clone() }.into();
        }
    }
    SurveyError::NotMain { service: service.name.to_string(), path: service.path.clone() }
}

fn discover(reader: &Reader<'_>, spaces: &[Space], wanted: &[String], found: &mut Found) -> Result<(), SurveyError> {
    let dir = reader.config.root.display().to_string();
    if spaces.is_empty() {
        return Err(SurveyError::NoModule { dir });
    }
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for space in spaces.iter().filter(|space| space.may_have_commands(spaces, reader)) {
        let index = toolchain_of(reader, space, found)?;
        let toolchain = &found.toolchains[index];
        let settings = &reader.config.defaults;
        let targets = targets_of(reader, settings, toolchain)?;
        let listings = list_all(reader, toolchain, &space.everything(), &with_settings(settings, &targets))?;
        let mut mains: BTreeMap<String, PathBuf> = BTreeMap::new();
        for package in listings.values().flat_map(Listing::mains) {
            mains.insert(package.import_path.clone(), package.dir.clone());
        }
        for (import_path, dir) in mains {
            let name = plain_file(command_name(&import_path))
                .map_err(|source| SurveyError::BadName { import_path: import_path.clone(), source })?;
            if let Some(first) = names.insert(name.folded(), import_path.clone()) {
                return Err(SurveyError::SameName { name: name.to_string(), first, second: import_path });
            }
            if is_wanted(wanted, name.as_str()) {
                let candidate = Candidate { name, settings: settings.clone(), dir, import_path, toolchain: index };
                complete(reader, candidate, &listings, &targets, found)?;
            }
        }
    }
    let known: Vec<String> = names.into_keys().collect();
    match wanted.iter().find(|name| !known.contains(&name.to_lowercase())) {
        Some(name) => Err(SurveyError::NoService { name: name.clone(), known }),
        None if known.is_empty() => Err(no_main(reader, dir)?),
        None => Ok(()),
    }
}

/// The targets that settings select. One that only a wildcard names, and that cannot be linked without cgo, is left out
/// where cgo is off, and that is said.
fn targets_of(reader: &Reader<'_>, settings: &Settings, toolchain: &Toolchain) -> Result<Vec<Target>, SurveyError> {
    let build = &settings.build;
    let mut targets = target::resolve(&build.targets, &toolchain.version, &toolchain.targets)?;
    let named = |target: &Target| build.targets.iter().any(|pattern| pattern.is_exact() && pattern.matches(target));
    let mut left_out = Vec::new();
    targets.retain(|target| {
        let keep = !target.needs_cgo() || named(target) || build.for_target(target).cgo;
        if !keep {
            left_out.push(target.to_string());
        }
        keep
    });
    if !left_out.is_empty() {
        let text = format!("{} need cgo, which is off: left out", left_out.join(", "));
        reader.events.warn("survey.needs-cgo", text);
    }
    Ok(targets)
}

/// Without cgo the go command passes over packages that need it, and says nothing: then it is said here.
fn no_main(reader: &Reader<'_>, dir: String) -> Result<SurveyError, SurveyError> {
    let file = reader.tree.importing_c(&reader.config.root)?;
    Ok(match file.filter(|_| !reader.config.defaults.build.compile.cgo) {
        Some(file) => SurveyError::NeedsCgo { dir, file },
        None => SurveyError::NoMain { dir },
    })
}

fn pattern_of(base: &Path, dir: &Path) -> String {
    match dir.strip_prefix(base) {
        Ok(inner) if inner.as_os_str().is_empty() => ".".into(),
        Ok(inner) => format!("./{}", inner.to_string_lossy().replace('\\', "/")),
        Err(_) => dir.display().to_string(),
    }
}

/// One question to `go list`: services that are compiled alike share the answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    target: Target,
    env: BTreeMap<String, String>,
    tags: Vec<String>,
}

fn with_settings(settings: &Settings, targets: &[Target]) -> Vec<Wanted> {
    targets.iter().map(|target| wanted_for(target, &settings.build.for_target(target))).collect()
}

fn wanted_for(target: &Target, compile: &CompileSettings) -> Wanted {
    Wanted { target: target.clone(), env: target_env(target, compile), tags: compile.tags.clone() }
}

fn list_all(
    reader: &Reader<'_>,
    toolchain: &Toolchain,
    patterns: &[String],
    wanted: &[Wanted],
) -> Result<BTreeMap<Wanted, Listing>, SurveyError> {
    let listed = machine::parallel(wanted, machine::cores(), |wanted| {
        let mut flags = vec![toolchain.mod_flag().to_owned()];
        if !wanted.tags.is_empty() {
            flags.push(format!("-tags={}", wanted.tags.join(",")));
        }
        let query = Query {
            program: toolchain.program.clone(),
            dir: toolchain.dir.clone(),
            env: toolchain.environment(wanted.env.clone()),
            flags,
            patterns: patterns.to_vec(),
        };
        let key = listing_key(reader, toolchain, &query, wanted);
        let step = format!("list {}", wanted.target);
        if let Some(known) = reader.store.find(&key)?
            && let Ok(listing) = serde_json::from_value(known.value)
        {
            return Ok(listing);
        }
        let listing = sources::list(reader.host, &query)?;
        if !listing.depends_on_the_moment() {
            let value = serde_json::to_value(&listing).expect("a listing is plain data");
            reader.store.record(&key, &Record { step, outputs: BTreeMap::new(), value })?;
        }
        Ok::<_, SourceError>(listing)
    })?;
    Ok(wanted.iter().cloned().zip(listed).collect())
}

fn listing_key(reader: &Reader<'_>, toolchain: &Toolchain, query: &Query, wanted: &Wanted) -> crate::store::Key {
    let mut key = KeyBuilder::new("list", 1)
        .with("shape", &reader.tree.shape().hex())
        .with("toolchain", &toolchain.identity.hex())
        // The answer holds the folders of packages: another checkout or module cache has other ones.
        .with("dir", &toolchain.dir.display().to_string())
        .with("cache", &toolchain.module_cache);
    for text in query.flags.iter().chain(&query.patterns) {
        key.add("arg", text);
    }
    for (name, value) in toolchain.fixed.iter().chain(&wanted.env) {
        key.add(name, value);
    }
    key.finish()
}

/// Collects the inputs of a service on every target that it has files for.
fn complete(
    reader: &Reader<'_>,
    candidate: Candidate,
    listings: &BTreeMap<Wanted, Listing>,
    targets: &[Target],
    found: &mut Found,
) -> Result<(), SurveyError> {
    let mut union = Inputs::default();
    let mut inputs_of = Vec::new();
    let inside = reader.tree.roots();
    for target in targets {
        let compile = candidate.settings.build.for_target(target);
        let Some(listing) = listings.get(&wanted_for(target, &compile)) else { continue };
        let inputs = listing.inputs(&candidate.import_path, &target.to_string(), &inside)?;
        if !listing.mains().any(|package| package.import_path == candidate.import_path) {
            reader.events.warn("survey.no-files", format!("{} has no files for {target}: left out", candidate.name));
            continue;
        }
        let mut key = Vec::new();
        for (label, digest) in inputs.digests(&reader.tree)? {
            key.push((format!("file {label}"), digest.hex()));
        }
        key.extend(inputs.modules.iter().map(|module| ("module".to_owned(), module.to_string())));
        key.extend(inputs.facts.iter().map(|fact| ("fact".to_owned(), fact.clone())));
        union.merge(&inputs);
        inputs_of.push(TargetInputs { target: target.clone(), compile, work: Work::Compile, key });
    }
    let toolchain = &found.toolchains[candidate.toolchain];
    found.services.push(Surveyed {
        package: pattern_of(&toolchain.dir, &candidate.dir),
        extras: extras::configured(reader, &candidate.settings.package.files)?,
        name: candidate.name,
        settings: candidate.settings,
        import_path: candidate.import_path,
        toolchain: Some(candidate.toolchain),
        stamp: unstamped(),
        targets: inputs_of,
        modules: union.modules.clone(),
        image: None,
    });
    found.unions.push(union);
    Ok(())
}

/// Stands until [`super::stamps::stamp`] has found the last commit.
fn unstamped() -> Stamp {
    Stamp { version: version::snapshot(&[], "", "", None), commit: String::new(), time: 0, modified: None }
}

fn prebuilt(reader: &Reader<'_>, service: &Service, found: &mut Found) -> Result<(), SurveyError> {
    let template: Template = service
        .path
        .parse()
        .map_err(|_| SurveyError::NotMain { service: service.name.to_string(), path: service.path.clone() })?;
    let mut union = Inputs::default();
    let mut inputs_of = Vec::new();
    for target in target::resolve(&service.settings.build.targets, "sealift", &[])? {
        let fields = Fields {
            project: reader.config.project.name.as_str(),
            service: service.name.as_str(),
            version: "",
            target: &target,
        };
        let label = template.render(&fields);
        let path = reader.config.root.join(&label);
        if !matches!(files::what(&path)?, What::File { .. }) {
            let (service, target) = (service.name.to_string(), target.to_string());
            return Err(SurveyError::NoBinary { service, target, path: label });
        }
        let digest = reader.tree.digest(&path)?;
        union.files.insert(label, path.clone());
        let compile = service.settings.build.for_target(&target);
        inputs_of.push(TargetInputs { target, compile, work: Work::Adopt { path, digest }, key: Vec::new() });
    }
    found.services.push(Surveyed {
        name: service.name.clone(),
        settings: service.settings.clone(),
        import_path: service.path.clone(),
        package: String::new(),
        toolchain: None,
        stamp: unstamped(),
        targets: inputs_of,
        modules: union.modules.clone(),
        extras: extras::configured(reader, &service.settings.package.files)?,
        image: None,
    });
    found.unions.push(union);
    Ok(())
}
