//! The versions of services that have versions of their own: from the commits that changed what each is made of.

use sealift_trust::name::FileName;

use super::affected::{bare_reader, rules_of};
use super::next::Timeline;
use super::stamps::Affects;
use super::{Reader, SurveyError, epoch, extras, repository, services};
use crate::config::settings::Config;
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
    let own: Vec<String> = config
        .services
        .iter()
        .filter(|service| service.version.tag_prefix.is_some())
        .map(|service| service.name.to_string())
        .collect();
    let found = services::find(&reader, if wanted.is_empty() { &own } else { wanted })?;
    let mut parts = Vec::new();
    for (index, service) in found.services.iter().enumerate() {
        let toolchain = service.toolchain.map(|index| &found.toolchains[index]);
        let affects = Affects::new(&history, &found.unions[index], toolchain);
        let also = also(&reader, &history, service.name.as_str());
        let concerns = |path: &str| affects.path(&reader, path) || also(path);
        let part = line.next_of_part(&rules_of(config, service.name.as_str()), &concerns).and_then(|(next, given)| {
            let tag = given.then(|| next.tag.clone());
            let mut release = Release::of(&history, next.version.clone(), tag);
            release.commit.time = epoch(host)?.unwrap_or(release.commit.time);
            release.source = config.project.source.clone().or(release.source);
            Ok((release, next))
        });
        parts.push((service.name.clone(), part));
    }
    Ok(parts)
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
