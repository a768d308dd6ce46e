//! The versions of services that have versions of their own: from the commits that changed what each is made of.

use sealift_trust::name::FileName;

use super::affected::{bare_reader, rules_of};
use super::next::Timeline;
use super::services::{self, Found};
use super::stamps::Affects;
use super::{Reader, SurveyError, epoch, extras, repository};
use crate::config::settings::{Config, Service};
use crate::event::Events;
use crate::history::History;
use crate::host::Host;
use crate::lock::Lock;
use crate::store::Store;
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
    let toolchain = service.toolchain.map(|index| &found.toolchains[index]);
    let affects = Affects::new(history, &found.unions[index], toolchain);
    let also = also(reader, history, service.name.as_str());
    let concerns = |path: &str| affects.path(reader, path) || also(path);
    let (next, given) = line.next_of_part(&rules_of(config, service.name.as_str()), &concerns)?;
    let mut release = Release::of(history, next.version.clone(), given.then(|| next.tag.clone()));
    release.commit.time = epoch(reader.host)?.unwrap_or(release.commit.time);
    release.source = config.project.source.clone().or(release.source);
    Ok((release, next))
}

/// The configuration for one service that has versions of its own, where it alone is asked for: its tags are those that
/// count.
pub(super) fn alone(config: &Config, wanted: &[String]) -> Option<Config> {
    let [name] = wanted else { return None };
    owners(config).find(|service| service.name.as_str() == *name)?;
    Some(Config { version: rules_of(config, name), ..config.clone() })
}

/// Whether one service alone is asked for, and has versions of its own.
pub fn has_own_version(config: &Config, wanted: &[String]) -> bool {
    alone(config, wanted).is_some()
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
