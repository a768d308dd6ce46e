//! Tags in this repository.

use std::collections::BTreeMap;

use super::error::short;
use super::{Prepared, Pushed, RefsError, Signing, Tag, TagState, WAITING, Writer};
use crate::host::process::ProcessError;

/// The first lines of signatures that git makes (gitformat-signature(5)).
const SIGNATURES: &[&str] = &[
    "-----BEGIN PGP SIGNATURE-----",
    "-----BEGIN PGP MESSAGE-----",
    "-----BEGIN SIGNED MESSAGE-----",
    "-----BEGIN SSH SIGNATURE-----",
];

/// The trailer that makes the tag of every run an object of its own. Without it, two runs of one robot in one second
/// would make the same object, and each would think that it was the one to release it.
const RUN: &str = "Sealift-Run";

/// A number that no other run has.
fn run() -> Result<String, RefsError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(RefsError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An object and the commit that it leads to.
#[derive(Clone)]
struct Known {
    object: String,
    commit: String,
}

/// The tags that are here, and those that wait.
pub(super) struct Here(BTreeMap<String, Known>);

impl Here {
    /// What has to be done for a tag. `there` holds the refs of a remote, with its name.
    pub(super) fn state(
        &self,
        tag: &Tag,
        commit: &str,
        there: Option<(&str, &BTreeMap<String, String>)>,
    ) -> Result<TagState, RefsError> {
        let name = format!("refs/tags/{}", tag.name);
        let here = self.0.get(&name);
        if let Some(here) = here.filter(|here| here.commit != commit) {
            let (leads, wanted) = (short(&here.commit), short(commit));
            return Err(RefsError::LeadsElsewhere { tag: tag.name.clone(), leads, wanted });
        }
        let Some((remote, refs)) = there else {
            return Ok(here.map_or(TagState::New, |here| TagState::There(here.object.clone())));
        };
        let Some(taken) = refs.get(&name) else {
            return Ok(here.map_or(TagState::New, |here| TagState::Here(here.object.clone())));
        };
        let waits = self.0.get(&format!("{WAITING}{}", tag.name)).filter(|waits| waits.commit == commit);
        if here.or(waits).is_some_and(|own| own.object == *taken) {
            return Ok(TagState::There(taken.clone()));
        }
        let leads = refs.get(&format!("{name}^{{}}")).unwrap_or(taken);
        Err(RefsError::Taken {
            tag: tag.name.clone(),
            remote: remote.to_owned(),
            leads: short(leads),
            same: leads == commit,
            here: here.is_some(),
        })
    }
}

impl Writer<'_> {
    /// Reads these tags, and those that an earlier run left waiting.
    pub(super) fn tags_here(&self, tags: &[Tag]) -> Result<Here, RefsError> {
        let mut found = BTreeMap::new();
        if tags.is_empty() {
            return Ok(Here(found));
        }
        let format = "--format=%(refname)%00%(objectname)%00%(*objectname)";
        let names = tags.iter().flat_map(|tag| [format!("refs/tags/{}", tag.name), format!("{WAITING}{}", tag.name)]);
        let args = ["for-each-ref", format].map(str::to_owned).into_iter().chain(names);
        let text = self.text(args).map_err(RefsError::Read)?;
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\0').collect();
            let [name, object, peeled] = fields[..] else { return Err(RefsError::Answer(line.to_owned())) };
            let commit = if peeled.is_empty() { object } else { peeled };
            found.insert(name.to_owned(), Known { object: object.to_owned(), commit: commit.to_owned() });
        }
        Ok(Here(found))
    }

    /// Whether git knows who we are.
    pub(super) fn identity(&self) -> Result<(), RefsError> {
        self.text(["var", "GIT_COMMITTER_IDENT"]).map(drop).map_err(RefsError::Identity)
    }

    /// Makes an annotated tag that nobody sees yet.
    pub(super) fn make_waiting(&self, tag: &Tag, prepared: &Prepared) -> Result<String, RefsError> {
        let name = &tag.name;
        if prepared.signing == Signing::Required || (prepared.signing == Signing::Configured && self.is_signed_by_git())
        {
            let object = self.sign_by_git(tag, prepared)?;
            self.update(name, &format!("update {WAITING}{name} {object}\ndelete refs/tags/{name} {object}\n"))?;
            return Ok(object);
        }
        let object = self.make_object(tag, prepared)?;
        // Whether it can be shown later: a hook may refuse that, or another tag stand in its way.
        self.update(name, &format!("start\ncreate refs/tags/{name} {object}\nprepare\nabort\n"))?;
        self.update(name, &format!("update {WAITING}{name} {object}\n"))?;
        Ok(object)
    }

    /// Lets git make and sign a tag, which it can only under the name that everybody sees.
    fn sign_by_git(&self, tag: &Tag, prepared: &Prepared) -> Result<String, RefsError> {
        let sign = (prepared.signing == Signing::Required).then_some("--sign");
        // Verbatim: a line of the notes that begins with `#` is a heading and no comment.
        let args = ["tag", "--annotate", "--cleanup=verbatim", "--file=-"].into_iter().chain(sign);
        let args = args.chain(["--", &tag.name, &prepared.commit]);
        let failed = |source: ProcessError| match &source {
            ProcessError::Failed { stderr, .. } if is_about_signing(stderr) => {
                RefsError::Signing { tag: tag.name.clone(), source }
            }
            _ => RefsError::Tag { tag: tag.name.clone(), source },
        };
        let message = message(tag, prepared)?;
        let made = self.host.run_with_input(&self.command(args), message.as_bytes()).map_err(failed)?;
        let name = format!("refs/tags/{}", tag.name);
        let object = self.text(["rev-parse", "--verify", "--end-of-options", &name]).map_err(RefsError::Read)?;
        let object = object.trim().to_owned();
        // Git may end well and leave the signature out: 2.39 does where gpg.format is ssh and there is no key.
        let text = self.text(["cat-file", "tag", &object]).map_err(RefsError::Read)?;
        if !text.lines().any(|line| SIGNATURES.contains(&line)) {
            self.update(&tag.name, &format!("delete {name} {object}\n"))?;
            let words = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(RefsError::Unsigned { tag: tag.name.clone(), words });
        }
        Ok(object)
    }

    /// Makes an annotated tag that no ref leads to. The key of releases may sign it, as git itself does with
    /// `gpg.format=ssh`: the signature of all that stands above it is the end of the message (gitformat-signature(5)).
    fn make_object(&self, tag: &Tag, prepared: &Prepared) -> Result<String, RefsError> {
        let failed = |source| RefsError::Tag { tag: tag.name.clone(), source };
        // What is no name would be another line of the object; what begins with a dash, git itself does not make.
        self.text(["check-ref-format", "--branch", &tag.name]).map_err(failed)?;
        let tagger = self.text(["var", "GIT_COMMITTER_IDENT"]).map_err(RefsError::Identity)?;
        let head = format!("object {}\ntype commit\ntag {}\ntagger {}\n", prepared.commit, tag.name, tagger.trim_end());
        let mut text = format!("{head}\n{}", message(tag, prepared)?);
        if prepared.signing == Signing::Key {
            let sign = self.signer.ok_or_else(|| RefsError::Answer("nobody signs".to_owned()))?;
            text += &sign(text.as_bytes()).map_err(|failure| RefsError::Signer(Box::new(failure)))?;
        }
        let made = self.host.run_with_input(&self.command(["mktag"]), text.as_bytes()).map_err(failed)?;
        Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned())
    }

    /// Whether git is configured to sign annotated tags (git-config(1)). It says by a failure that it is not.
    fn is_signed_by_git(&self) -> bool {
        ["tag.gpgSign", "tag.forceSignAnnotated"]
            .iter()
            .any(|key| self.text(["config", "--type=bool", "--get", key]).is_ok_and(|text| text.trim() == "true"))
    }

    /// Takes back tags that were made for a push that did not come about.
    pub(super) fn forget(&self, pushed: &[Pushed]) {
        for tag in pushed.iter().filter(|tag| tag.state == TagState::New) {
            // What stays is invisible, and the next run makes the tag anew.
            self.update(&tag.name, &format!("delete {WAITING}{} {}\n", tag.name, tag.object)).ok();
        }
    }

    /// Shows tags that the remote has.
    pub(super) fn settle(&self, pushed: &[Pushed]) -> Result<(), RefsError> {
        for tag in pushed.iter().filter(|tag| !matches!(tag.state, TagState::Here(_))) {
            let (name, object) = (&tag.name, &tag.object);
            self.update(name, &format!("update refs/tags/{name} {object}\ndelete {WAITING}{name}\n"))?;
        }
        Ok(())
    }

    /// Runs a transaction of `git update-ref --stdin`.
    fn update(&self, tag: &str, transaction: &str) -> Result<(), RefsError> {
        let failed = |source| RefsError::Tag { tag: tag.to_owned(), source };
        let command = self.command(["update-ref", "--stdin"]);
        self.host.run_with_input(&command, transaction.as_bytes()).map(drop).map_err(failed)
    }
}

/// What a tag says. For a remote, no other run's tag says the same.
fn message(tag: &Tag, prepared: &Prepared) -> Result<String, RefsError> {
    let text = tag.message.trim_end();
    Ok(match prepared.remote {
        Some(_) => format!("{text}\n\n{RUN}: {}\n", run()?),
        None => format!("{text}\n"),
    })
}

/// Git's words when it could not sign: they are the only place where it says so.
pub(super) fn is_about_signing(stderr: &str) -> bool {
    ["failed to sign", "unable to sign", "gpg", "signingkey", "signingKey", "load key", "Couldn't load"]
        .iter()
        .any(|mark| stderr.contains(mark))
}
