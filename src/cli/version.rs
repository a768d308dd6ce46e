//! `sealift version`.

mod affected;
mod bump;
mod changelog;
mod lint;
mod parts;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::World;
use super::project::{Project, Selection};
use super::release::signer;
use super::source::{self, Trace};
use super::tagging::{self, Goal, Tagging};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::host::{files, staging};
use crate::store::Records;
use crate::survey;
use crate::table::{Column, Table};
use crate::version::{self, Change, Mode, Next, Reader, Release, Told};

/// How many changes people are shown.
const SHOWN: usize = 20;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Version {
    /// The version of a snapshot of this tree, whatever it is tagged
    #[arg(long)]
    snapshot: bool,
    /// Write the version to the file that GITHUB_OUTPUT names, for later steps of the job
    #[arg(long)]
    github_output: bool,
    /// Write the version to a dotenv file: SEALIFT_VERSION=…
    #[arg(long, value_name = "FILE")]
    dotenv: Option<PathBuf>,
    #[command(flatten)]
    tagging: Tagging,
    /// With --tag or --push: show the refs that would move, and move none
    #[arg(long)]
    dry_run: bool,
    /// The version of this service, from the commits that changed what it is made of (again for more)
    #[arg(short, long = "service", value_name = "NAME", conflicts_with = "snapshot")]
    services: Vec<String>,
    /// The version of every service that has a tag prefix of its own
    #[arg(long, conflicts_with_all = ["snapshot", "services"])]
    each: bool,
    /// The services that are made of other things than at their last versions
    #[arg(long, conflicts_with_all = ["snapshot", "services", "each", "tag", "push", "github_output", "dotenv"])]
    affected: bool,
    /// With --affected: other things than at this commit, branch or tag
    #[arg(long, value_name = "REF", requires = "affected")]
    since: Option<String>,
    #[command(subcommand)]
    word: Option<Word>,
}

#[derive(Subcommand)]
enum Word {
    /// Check commit messages: of a range, or of one on stdin (-) as a commit-msg hook
    Lint(lint::Lint),
    /// Print what is new in the next version, or keep CHANGELOG.md
    Changelog(changelog::Changelog),
    /// Write a version into go.mod, Cargo.toml, package.json and other files that name it
    Bump(bump::Bump),
}

impl Version {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        match self.word {
            Some(Word::Lint(lint)) => return lint.run(world),
            Some(Word::Changelog(changelog)) => return changelog.run(world),
            Some(Word::Bump(bump)) => return bump.run(world),
            None => {}
        }
        let project = Project::open(world, &Selection::default(), None)?;
        if self.affected {
            return affected::affected(world, &project, self.since.as_deref());
        }
        if self.each || !self.services.is_empty() {
            return self.parts(world, &project);
        }
        if self.tagging.wanted() {
            return self.tagged(world, &project);
        }
        let mode = if self.snapshot { Mode::Snapshot } else { Mode::Release };
        let found = survey::release(project.host, &project.config, mode);
        let (release, next) = found.map_err(|error| self.nothing(world, error.into()))?;
        if let Some(text) = next.as_ref().and_then(|next| next.warning.clone()) {
            world.events.warn("version.tag-too-small", text);
        }
        self.conclude(world, &project, (&release, next.as_ref()))
    }

    /// Tags and pushes: what `sealift release` does as its last step.
    fn tagged(&self, world: &World<'_>, project: &Project<'_>) -> Result<Product, Failure> {
        let signer = if self.tagging.by_key() && !self.dry_run { signer(project, None)? } else { None };
        if self.tagging.by_key() && !self.dry_run && signer.is_none() {
            return Err(tagging::no_key());
        }
        let renewal = survey::renewal((project.host, project.events), &project.config);
        let mut renewal = renewal.map_err(|error| self.nothing(world, error.into()))?;
        if let Some(text) = renewal.next.warning.clone() {
            world.events.warn("version.tag-too-small", text);
        }
        let _records = if self.dry_run { None } else { Some(project.records()?) };
        let trace = if self.dry_run { Trace::None } else { Trace::Named };
        let made = source::commit(project, &renewal, self.tagging.signing(), trace)?;
        if let Some(made) = &made {
            renewal.release.commit.id.clone_from(&made.commit);
        }
        let goal = Goal {
            commit: &renewal.release.commit.id,
            made: made.is_some(),
            versions: &[&renewal.next],
            module_tags: &renewal.module_tags,
        };
        let prepared = self.tagging.prepare(project, &goal)?;
        if self.dry_run {
            return Ok(tagging::shown(&prepared));
        }
        tagging::perform(project, &prepared, signer.as_ref())?;
        drop((made, _records));
        self.conclude(world, project, (&renewal.release, Some(&renewal.next)))
    }

    /// Tells the next steps of a job where there is nothing to release.
    fn nothing(&self, world: &World<'_>, failure: Failure) -> Failure {
        if failure.kind == Kind::Nothing
            && let Err(failure) = self.tell(world, &version::told_nothing())
        {
            return failure;
        }
        failure
    }

    fn conclude(
        &self,
        world: &World<'_>,
        project: &Project<'_>,
        (release, next): (&Release, Option<&Next>),
    ) -> Result<Product, Failure> {
        self.tell(world, &version::told(release, next))?;
        Records::note(&project.home, "version.json", &record(release, next))?;
        let mut data = data(release, next);
        // Those that are configured: which there are otherwise, only their sources know.
        let together = project.config.services.iter().filter(|service| service.version.tag_prefix.is_none());
        data["services"] = together.map(|service| service.name.as_str()).collect();
        let product = Product::lines([release.version.to_string()]).with_data(data);
        Ok(match next {
            Some(next) => shown(product, next),
            None => product,
        })
    }

    /// Writes what later steps of a CI job read.
    fn tell(&self, world: &World<'_>, told: &Told) -> Result<(), Failure> {
        if self.github_output {
            let Some(path) = world.host.env.var("GITHUB_OUTPUT") else {
                let hint = Some("--dotenv FILE writes a file of your own".to_owned());
                let text = "GITHUB_OUTPUT is not set: this is no job of GitHub Actions".to_owned();
                return Err(super::usage("version.no-output", Kind::Usage, text, hint));
            };
            files::append(&world.host.env.dir().join(path), &told.lines(Reader::Github))?;
        }
        if let Some(path) = &self.dotenv {
            staging::write(&world.dir().join(path), told.lines(Reader::Dotenv).as_bytes(), 0o644)?;
        }
        Ok(())
    }
}

/// The record: all but the changes, which may be many.
fn record(release: &Release, next: Option<&Next>) -> Value {
    let mut record = serde_json::to_value(release).expect("a release is plain data");
    if let (Value::Object(record), Some(next)) = (&mut record, next) {
        record.extend([
            ("tagged".to_owned(), json!(release.tag.is_some())),
            ("tag".to_owned(), json!(next.tag)),
            ("previous".to_owned(), json!(next.previous)),
            ("previous_tag".to_owned(), json!(next.previous_tag)),
            ("channel".to_owned(), json!(next.channel)),
            ("branch".to_owned(), json!(next.branch)),
            ("bump".to_owned(), json!(next.bump)),
            ("unconventional".to_owned(), json!(next.unconventional)),
        ]);
    }
    record
}

fn data(release: &Release, next: Option<&Next>) -> Value {
    let mut data = record(release, next);
    if let (Value::Object(data), Some(next)) = (&mut data, next) {
        data.insert("changes".to_owned(), json!(next.changes));
    }
    data
}

/// Why it is this version, for people.
fn shown(product: Product, next: &Next) -> Product {
    let asking: Vec<&Change> = next.changes.iter().filter(|change| change.bump > version::Bump::None).collect();
    let since = next.previous_tag.as_ref().map_or_else(String::new, |tag| format!(" since {tag}"));
    let mut note = format!("{}: {} of {} changes{since} ask for it", next.channel, asking.len(), next.changes.len());
    if next.unconventional > 0 {
        note += &format!("; {} not conventional (sealift version lint)", next.unconventional);
    }
    if asking.is_empty() {
        return product.with_note(note);
    }
    let mut table = Table::new([Column::text("asks for"), Column::text("change"), Column::text("commit")]);
    let mut sorted = asking.clone();
    sorted.sort_by_key(|change| std::cmp::Reverse(change.bump));
    for change in sorted.iter().take(SHOWN) {
        table.push([change.bump.word().to_owned(), title(change), change.commit.chars().take(12).collect()]);
    }
    if asking.len() > SHOWN {
        note += &format!("; the first {SHOWN} are shown");
    }
    product.with_table(table).with_note(note)
}

fn title(change: &Change) -> String {
    let scope = change.scope.as_ref().map_or_else(String::new, |scope| format!("({scope})"));
    let bang = if change.breaking.is_empty() { "" } else { "!" };
    match &change.kind {
        Some(kind) => format!("{kind}{scope}{bang}: {}", change.description),
        None => change.description.clone(),
    }
}
