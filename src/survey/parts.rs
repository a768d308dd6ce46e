//! The versions of services that have versions of their own: from the commits that changed what each is made of.

use sealift_trust::name::FileName;
use semver::Version;

use super::affected::{bare_reader, rules_of};
use super::next::Timeline;
use super::services::{self, Found};
use super::stamps::Affects;
use super::{Reader, SurveyError, epoch, extras, repository};
use crate::config::settings::version::{GoMajor, VersionRules};
use crate::config::settings::{Config, Service};
use crate::event::Events;
use crate::history::{Concern, History, Touch};
use crate::host::{Host, files};
use crate::lock::Lock;
use crate::store::Store;
use crate::toolchain::go::gomod;
use crate::version::files::{FilesError, go};
use crate::version::{self, Next, Release};

/// A service with what its tag or its commits give, or why they give nothing.
pub type Part = (FileName, Result<(Release, Next), SurveyError>);

/// Finds the version of each of some services, or of all that have a tag prefix of their own when none is named.
///
/// # Errors
/// What concerns all of them: a dirty tree, sources that cannot be read, a service that is not there.
pub fn parts(
    (host, events): (&Host, &Events),
    config: &Config,
    (store, lock): (&Store, &Lock),
    wanted: &[String],
) -> Result<Vec<Part>, SurveyError> {
    let (git, history) = repository(host, config)?;
    version::clean(&history)?;
    let reader = bare_reader((host, events), config, (store, lock))?;
    let line = Timeline::read(host, &git, &history)?;
    let own: Vec<String> = owners(config).map(|service| service.name.to_string()).collect();
    if let Some(name) = wanted.iter().find(|name| !own.contains(name)) {
        return Err(SurveyError::NoPrefix { name: name.clone() });
    }
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let found = services::find(&reader, if wanted.is_empty() { &own } else { wanted })?;
    let names = found.services.iter().map(|service| service.name.clone());
    Ok(names.enumerate().map(|(index, name)| (name, part(&reader, &history, &line, (&found, index)))).collect())
}

/// Finds the version of one of the services that were found.
pub(super) fn part(
    reader: &Reader<'_>,
    history: &History,
    line: &Timeline<'_>,
    (found, index): (&Found, usize),
) -> Result<(Release, Next), SurveyError> {
    let (config, service) = (reader.config, &found.services[index]);
    let rules = rules_of(config, service.name.as_str());
    let (next, given) = concern(reader, history, (found, index), |concern| line.next_of_part(&rules, concern))?;
    check_module(history, &rules, &next.version)?;
    let mut release = Release::of(history, next.version.clone(), given.then(|| next.tag.clone()));
    release.commit.time = epoch(reader.host)?.unwrap_or(release.commit.time);
    release.source = config.project.source.clone().or(release.source);
    Ok((release, next))
}

/// What one of the services that were found is made of, for somebody who asks which commits affected it.
pub(super) fn concern<T>(
    reader: &Reader<'_>,
    history: &History,
    (found, index): (&Found, usize),
    ask: impl FnOnce(&Concern<'_>) -> T,
) -> T {
    let service = &found.services[index];
    let toolchain = service.toolchain.map(|index| &found.toolchains[index]);
    let affects = Affects::new(history, &found.unions[index], toolchain);
    let also = also(reader, history, service.name.as_str());
    let touch = |path: &str| if also(path) { Touch::Yes } else { affects.touch(reader, path) };
    ask(&Concern { touch: &touch, differs: &|before, after| affects.differs(before, after) })
}

/// A tag `dir/v1.2.3` is the version of the Go module in that folder too (<https://go.dev/ref/mod#vcs-version>), which must
/// be one that Go takes.
fn check_module(history: &History, rules: &VersionRules, version: &Version) -> Result<(), SurveyError> {
    let Some(folder) = rules.tag_prefix.strip_suffix("/v") else { return Ok(()) };
    let (name, path) = (format!("{folder}/go.mod"), history.top.join(folder).join("go.mod"));
    if !files::is_file(&path) {
        return Ok(());
    }
    let text = files::read_text(&path, gomod::CAP)?;
    if let Some(place) = go::retracted(&name, &text, version)? {
        return Err(FilesError::Retracted { version: version.clone(), place }.into());
    }
    let module = gomod::parse(&name, &text).map_err(FilesError::from)?.module.unwrap_or_default();
    let wanted = go::module_path(&module, version.major);
    if wanted == module || rules.go_major == GoMajor::Ignore {
        return Ok(());
    }
    let lines = format!("{name}: module {module}\n    -> module {wanted}");
    Err(FilesError::ModulePath { version: version.clone(), wanted, count: 1, lines, together: false }.into())
}

/// The configuration for one service that has versions of its own, where it alone is asked for: its tags are those that
/// count.
pub(super) fn alone(config: &Config, wanted: &[String]) -> Option<Config> {
    let name = match (wanted, &config.services[..]) {
        ([name], _) => name.as_str(),
        // It is the only one, and need not be named.
        ([], [only]) => only.name.as_str(),
        _ => return None,
    };
    owners(config).find(|service| service.name.as_str() == name)?;
    Some(Config { version: rules_of(config, name), ..config.clone() })
}

/// Whether one service alone is asked for, and has versions of its own.
pub fn has_own_version(config: &Config, wanted: &[String]) -> bool {
    alone(config, wanted).is_some()
}

/// What stands before a version in the tags of a service, or of the project.
pub fn tag_prefix<'a>(config: &'a Config, service: Option<&str>) -> &'a str {
    let own = owners(config).find(|known| Some(known.name.as_str()) == service);
    own.and_then(|own| own.version.tag_prefix.as_deref()).unwrap_or(&config.version.tag_prefix)
}

/// Those of some services, or of all when none is named, that have versions of their own: one release cannot hold several.
pub fn with_own_versions<'a>(config: &'a Config, wanted: &[String]) -> Vec<&'a str> {
    let names = owners(config).map(|service| service.name.as_str());
    names.filter(|name| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name)).collect()
}

fn owners(config: &Config) -> impl Iterator<Item = &Service> {
    config.services.iter().filter(|service| service.version.tag_prefix.is_some())
}

/// Whether a path, relative to the top, is one of those that were configured to belong to a service.
fn also<'a>(reader: &Reader<'a>, history: &History, service: &str) -> impl Fn(&str) -> bool + use<'a> {
    let own = reader.config.services.iter().find(|known| known.name.as_str() == service);
    let patterns = own.map_or(&[][..], |own| &own.version.paths);
    let root = reader.config.root.strip_prefix(&history.top).map(|inner| inner.to_string_lossy().into_owned());
    let root = root.unwrap_or_default();
    move |path| {
        let inner = if root.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(root.as_str()).and_then(|rest| rest.strip_prefix('/'))
        };
        inner.is_some_and(|inner| patterns.iter().any(|pattern| extras::counts(pattern, inner)))
    }
}
