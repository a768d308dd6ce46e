//! Tagging and pushing, as `sealift version` and `sealift release` do it: the one performs at once what the other
//! performs last.

use clap::{Args, ValueEnum};
use sealift_trust::{Message, sshsig};
use serde_json::Value;

use super::project::Project;
use crate::attest::{Purpose, Signer, SignerError};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::history::Git;
use crate::refs::{Moves, Prepared, Reach, Signing, Tag, TagState, Writer};
use crate::sanitize::sanitize_line;
use crate::table::{Column, Table};
use crate::version::{Bump, Next};

#[derive(Args, Clone, Copy)]
pub struct Tagging {
    /// Tag the commit with its version: an annotated tag that tells the changes
    #[arg(long, conflicts_with = "snapshot")]
    tag: bool,
    /// Push the tag, in one transaction of the remote; implies --tag
    #[arg(long, conflicts_with = "snapshot")]
    push: bool,
    /// Who signs a new tag: as git's configuration says (tag.gpgSign), git in any case, the key of releases, or nobody
    #[arg(long, value_name = "WHO", default_value = "auto")]
    sign: Sign,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sign {
    Auto,
    Git,
    Key,
    None,
}

impl Tagging {
    /// Whether anything is tagged.
    pub fn wanted(self) -> bool {
        self.tag || self.push
    }

    /// Whether the key of releases signs.
    pub fn by_key(self) -> bool {
        self.wanted() && self.sign == Sign::Key
    }

    /// Who signs.
    pub fn signing(self) -> Signing {
        match self.sign {
            Sign::Auto => Signing::Configured,
            Sign::Git => Signing::Required,
            Sign::Key => Signing::Key,
            Sign::None => Signing::Off,
        }
    }

    /// Decides what moves, without moving anything; every version is tagged at the same commit.
    pub fn prepare(self, project: &Project<'_>, goal: &Goal<'_>) -> Result<Prepared, Failure> {
        let git = Git::find(project.host, &project.home)?;
        let branch = goal.versions.first().and_then(|next| next.branch.as_deref());
        let modules = goal.module_tags.iter().map(|name| {
            let with = goal.versions.first().map_or("", |next| next.tag.as_str());
            Tag { name: name.clone(), message: format!("{name}\n\nReleased with {with}.") }
        });
        let tags = goal.versions.iter().map(|next| Tag { name: next.tag.clone(), message: message(next) });
        let moves = Moves {
            commit: goal.commit.to_owned(),
            branch: branch.filter(|_| goal.made).map(str::to_owned),
            tags: tags.chain(modules).collect(),
        };
        let reach = if self.push { Reach::Remote { branch } } else { Reach::Here };
        Ok(Writer::new(project.host, &git).prepare(&moves, reach, self.signing())?)
    }
}

/// What refs are to lead to.
pub struct Goal<'a> {
    /// The commit.
    pub commit: &'a str,
    /// Whether the release made it, so that the branch goes along.
    pub made: bool,
    /// The versions that are tagged.
    pub versions: &'a [&'a Next],
    /// The tags of modules in folders of their own.
    pub module_tags: &'a [String],
}

/// Moves what was prepared, and says so. `signer` is who signs where the key of releases is asked for.
pub fn perform(project: &Project<'_>, prepared: &Prepared, signer: Option<&Signer<'_>>) -> Result<(), Failure> {
    let git = Git::find(project.host, &project.home)?;
    let signed = |text: &[u8]| -> Result<String, Failure> {
        let signer = signer.ok_or_else(no_key)?;
        let sign = |bytes: &[u8]| signer.sign(&Message::of(bytes), Purpose::Tag);
        Ok(sshsig::sign_for_git::<SignerError>(text, &signer.public(), sign)?)
    };
    Writer::new(project.host, &git).with_signer(Some(&signed)).perform(prepared)?;
    if let Some(branch) = &prepared.branch {
        let place = prepared.remote.as_deref().unwrap_or("this repository");
        project.events.info(format!("branch {}: moved in {place}", branch.name));
    }
    for tag in &prepared.tags {
        let name = &tag.tag.name;
        let text = match (&prepared.remote, &tag.state) {
            (Some(remote), TagState::There(_)) => format!("tag {name}: {remote} has it already"),
            (None, TagState::There(_) | TagState::Here(_)) => format!("tag {name}: it is here already"),
            (Some(remote), _) => format!("tag {name}: pushed to {remote}"),
            (None, TagState::New) => format!("tag {name}: made, not pushed"),
        };
        project.events.info(text);
    }
    Ok(())
}

/// There is nothing to sign with.
pub fn no_key() -> Failure {
    let hint = Some("sealift key generate ../release.key, and --key ../release.key or SEALIFT_KEY".to_owned());
    super::usage("refs.no-key", Kind::Config, "a tag is to be signed, and there is no key".to_owned(), hint)
}

/// The refs that would move, exactly: for `--dry-run`.
pub fn shown(prepared: &Prepared) -> Product {
    let branch = prepared.branch.iter().map(|branch| format!("refs/heads/{}", branch.name));
    let tags = prepared.tags.iter().map(|tag| format!("refs/tags/{}", tag.tag.name));
    Product::lines(branch.chain(tags)).with_data(data(prepared)).with_table(table(prepared))
}

/// The same for people.
pub fn table(prepared: &Prepared) -> Table {
    let place = prepared.remote.as_deref().unwrap_or("this repository");
    let mut table =
        Table::new([Column::text("ref"), Column::text("where"), Column::text("leads to"), Column::text("how")]);
    let commit = short(&prepared.commit);
    if let Some(branch) = &prepared.branch {
        let name = format!("refs/heads/{}", branch.name);
        let how = branch.before.as_ref().map_or_else(|| "new".to_owned(), |id| format!("from {}", short(id)));
        table.push([name, place.to_owned(), commit.clone(), how]);
    }
    for tag in &prepared.tags {
        let name = format!("refs/tags/{}", tag.tag.name);
        let how = match (&tag.state, prepared.signing) {
            (TagState::There(_), _) => "is there already",
            (TagState::Here(_), _) => "as it is here",
            (TagState::New, Signing::Configured) => "new, annotated, signed if git is configured so",
            (TagState::New, Signing::Required) => "new, annotated and signed",
            (TagState::New, Signing::Key) => "new, annotated, signed by the key of releases",
            (TagState::New, Signing::Off) => "new, annotated",
        };
        table.push([name, place.to_owned(), commit.clone(), how.to_owned()]);
    }
    table
}

/// What was or would be moved, as data.
pub fn data(prepared: &Prepared) -> Value {
    serde_json::to_value(prepared).expect("refs are plain data")
}

/// What a tag says: its name, and what asked for the version.
fn message(next: &Next) -> String {
    let mut lines = vec![next.tag.clone(), String::new()];
    for change in next.changes.iter().filter(|change| change.bump > Bump::None) {
        let breaking = change.breaking.first().map_or_else(String::new, |text| format!(" (breaking: {text})"));
        let scope = change.scope.as_ref().map_or_else(String::new, |scope| format!("{scope}: "));
        // A commit's words are shown on terminals by git: what commands one is spelled out.
        lines.push(format!("- {}", sanitize_line(&format!("{scope}{}{breaking}", change.description))));
    }
    lines.join("\n")
}

fn short(id: &str) -> String {
    id.chars().take(12).collect()
}
