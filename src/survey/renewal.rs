//! What a release changes before it is built: the files that name its version, and the changelog where it is kept so.

use super::bump::{Paths, bump};
use super::chronicle::{House, edition};
use super::{SurveyError, release_of, repository};
use crate::config::Config;
use crate::config::settings::version::GoMajor;
use crate::event::Events;
use crate::history::History;
use crate::host::{Host, files};
use crate::version::changelog::{self, Notes};
use crate::version::{Edit, Mode, Next, Release};

/// The longest changelog that is read.
const CAP: u64 = 64 << 20;

/// How many files a warning names.
const NAMED: usize = 5;

/// A release as its tag or its commits give it, with what it changes.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The release, of the commit that is checked out.
    pub release: Release,
    /// What is new in it.
    pub next: Next,
    /// What is to be changed before it is built; nothing where a tag gave the version: a tag is a given source.
    pub edits: Vec<Edit>,
    /// The tags of modules in folders of their own, beside the version's: `dir/v1.2.3`.
    pub module_tags: Vec<String>,
    /// The repository.
    pub history: History,
}

/// Finds out what a release of the checked-out commit changes.
///
/// # Errors
/// Those of the next version, and of the files that name it (`version.module-path`, `version.retracted`, …). For a version
/// that a tag gave, files that say something else are a warning: nothing can be changed in what is tagged.
pub fn renewal((host, events): (&Host, &Events), config: &Config) -> Result<Renewal, SurveyError> {
    let (git, history) = repository(host, config)?;
    let (release, next) = release_of(host, config, (&git, &history), Mode::Release)?;
    let next = next.expect("a release that is no snapshot has what is new in it");
    let mut renewal = Renewal { release, next, edits: Vec::new(), module_tags: Vec::new(), history };
    if let Some(tag) = &renewal.release.tag {
        if let Some(text) = disagreement(host, config, &renewal.next, tag) {
            events.warn("version.files-differ", text);
        }
        return Ok(renewal);
    }
    let paths = match config.version.go_major {
        GoMajor::Refuse => Paths::Check,
        GoMajor::Fix => Paths::Fix,
        GoMajor::Ignore => Paths::Keep,
    };
    let bump = bump(host, config, &renewal.next.version, paths)?;
    (renewal.edits, renewal.module_tags) = (bump.edits, bump.module_tags);
    let prefixes = config.services.iter().filter_map(|service| service.version.tag_prefix.as_deref());
    // A service with versions of its own has tags of its own.
    let owned: Vec<String> = prefixes.map(|prefix| format!("{prefix}{}", renewal.next.version)).collect();
    renewal.module_tags.retain(|tag| !owned.contains(tag) && *tag != renewal.next.tag);
    if config.changelog.commit {
        renewal.edits.retain(|edit| edit.path.as_str() != config.changelog.file);
        renewal.edits.extend(changelog_edit(host, config, &renewal)?);
    }
    Ok(renewal)
}

/// What files say that a tag does not.
fn disagreement(host: &Host, config: &Config, next: &Next, tag: &str) -> Option<String> {
    match bump(host, config, &next.version, Paths::Check) {
        Ok(bump) if bump.edits.is_empty() => None,
        Ok(bump) => {
            let mut names: Vec<String> = bump.edits.iter().take(NAMED).map(|edit| edit.path.to_string()).collect();
            names.extend((bump.edits.len() > NAMED).then(|| "…".to_owned()));
            let verb = if bump.edits.len() == 1 { "names" } else { "name" };
            Some(format!("{} {verb} another version than the tag {tag}", names.join(", ")))
        }
        Err(error) => Some(format!("the tag {tag}: {error}")),
    }
}

/// The changelog with the version that is released.
fn changelog_edit(host: &Host, config: &Config, renewal: &Renewal) -> Result<Option<Edit>, SurveyError> {
    let name = &config.changelog.file;
    let Ok(path) = name.parse() else {
        return Err(SurveyError::NoFile { key: "changelog.file", pattern: name.clone() });
    };
    let edition = edition(host, &renewal.next, renewal.history.head.time)?;
    let house = House::read(config)?;
    let text = house.style()?.notes(&edition, false)?;
    let full = config.root.join(name);
    let before = if files::is_file(&full) { Some(files::read_text(&full, CAP)?) } else { None };
    let commits = edition.commits();
    let notes = Notes { version: &edition.version, text: &text, commits: &commits };
    let after = changelog::update(before.as_deref(), &config.version.tag_prefix, [notes]);
    Ok(Edit::of(path, before.as_deref(), after, "changelog"))
}
