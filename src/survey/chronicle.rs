//! What there is to tell of versions: of the next one, and of every one that was.

use super::affected::{bare_reader, rules_of};
use super::{SurveyError, Timeline, epoch, parts, services, tagged_repository, with_own_versions};
use crate::config::Config;
use crate::config::settings::changelog::ChangelogSettings;
use crate::error::{Fault, Kind};
use crate::event::Events;
use crate::host::{Host, files};
use crate::lock::Lock;
use crate::store::Store;
use crate::version::notes::{Edition, Forge, Style};
use crate::version::{Next, VersionError};

/// The longest template that is read.
const TEMPLATE_CAP: u64 = 1 << 20;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Since the last version.
    Next,
    /// Everything.
    All,
}

/// The edition that comes next (or that the tag at HEAD gives), and every stable version before it, the highest first.
pub type Chronicle = (Option<Edition>, Vec<Edition>);

/// Reads the history. What changes in a changelog makes a tree dirty, so that a dirty one is no hindrance.
///
/// # Errors
/// Those of the next version: `version.nothing` when there is none, which for [`Reach::All`] is no error.
pub fn chronicle(host: &Host, config: &Config, reach: Reach) -> Result<Chronicle, SurveyError> {
    let (git, history, tags) = tagged_repository(host, config)?;
    let rules = &config.version;
    let line = Timeline::of(host, &git, &history, tags);
    let next = match line.next(rules) {
        Ok((next, _)) => Some(edition(host, &next, history.head.time)?),
        Err(SurveyError::Version(error)) if reach == Reach::All && is_nothing(&error) => None,
        Err(error) => return Err(error),
    };
    let past = if reach == Reach::Next { Vec::new() } else { line.editions(rules, None)? };
    Ok(chronicle_of(next, past))
}

/// The same of one service that has versions of its own: what affected it.
///
/// # Errors
/// `survey.no-prefix` for a service that is none of these, and those of its sources.
pub fn part_chronicle(
    (host, events): (&Host, &Events),
    config: &Config,
    (store, lock): (&Store, &Lock),
    (name, reach): (&str, Reach),
) -> Result<Chronicle, SurveyError> {
    let (git, history, tags) = tagged_repository(host, config)?;
    let wanted = [name.to_owned()];
    if with_own_versions(config, &wanted).is_empty() {
        return Err(SurveyError::NoPrefix { name: name.to_owned() });
    }
    let reader = bare_reader((host, events), config, (store, lock))?;
    let line = Timeline::of(host, &git, &history, tags);
    let found = services::find(&reader, &wanted)?;
    let next = match parts::part(&reader, &history, &line, (&found, 0)) {
        Ok((_, next)) => Some(edition(host, &next, history.head.time)?),
        Err(SurveyError::Version(error)) if reach == Reach::All && is_nothing(&error) => None,
        Err(error) => return Err(error),
    };
    if reach == Reach::Next {
        return Ok((next, Vec::new()));
    }
    let ours = parts::concern(&reader, &history, (&found, 0), |concern| line.affecting(None, concern))?;
    Ok(chronicle_of(next, line.editions(&rules_of(config, name), Some(&ours))?))
}

/// A version that a tag gives already is not told twice.
fn chronicle_of(next: Option<Edition>, mut past: Vec<Edition>) -> Chronicle {
    past.retain(|edition| next.as_ref().is_none_or(|next| next.tag != edition.tag));
    (next, past)
}

fn is_nothing(error: &VersionError) -> bool {
    error.kind() == Kind::Nothing || *error == VersionError::NoBranch
}

/// The edition of a next version, at `SOURCE_DATE_EPOCH` or the commit's time.
pub fn edition(host: &Host, next: &Next, committed: u64) -> Result<Edition, SurveyError> {
    Ok(Edition::of(next, epoch(host)?.unwrap_or(committed)))
}

/// How notes are written in a project: what its configuration and its template say.
pub struct House {
    settings: ChangelogSettings,
    forge: Option<Forge>,
    template: Option<(String, String)>,
}

impl House {
    /// Reads the template, if the configuration names one.
    ///
    /// # Errors
    /// `survey.no-file` for a template that is not there.
    pub fn read(config: &Config) -> Result<Self, SurveyError> {
        let settings = config.changelog.clone();
        let forge = config.project.source.as_deref().and_then(|source| Forge::of(source, settings.forge));
        let template = match &settings.template {
            None => None,
            Some(name) => {
                let path = config.root.join(name);
                if !files::is_file(&path) {
                    return Err(SurveyError::NoFile { key: "changelog.template", pattern: name.clone() });
                }
                Some((name.clone(), files::read_text(&path, TEMPLATE_CAP)?))
            }
        };
        Ok(Self { settings, forge, template })
    }

    /// The style of this house.
    ///
    /// # Errors
    /// `changelog.template`.
    pub fn style(&self) -> Result<Style<'_>, SurveyError> {
        let template = self.template.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        Ok(Style::new(&self.settings, self.forge.as_ref(), template)?)
    }
}
