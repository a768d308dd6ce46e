//! The remote: what is there, and the one push.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::error::short;
use super::{BranchMove, Moves, Prepared, Pushed, RefsError, TagState, Writer};
use crate::host::process::ProcessError;

/// A remote by its name, and where it is read.
pub(super) struct Remote {
    /// Its name in git's configuration.
    pub(super) name: String,
    /// What `git ls-remote` is given: what is read must be what is pushed to.
    read: String,
}

impl Writer<'_> {
    /// The remote that git pushes a branch to: `branch.NAME.pushRemote`, `remote.pushDefault`, `branch.NAME.remote`
    /// (git-config(1)), else `origin`.
    pub(super) fn remote(&self, branch: Option<&str>) -> Result<Remote, RefsError> {
        // Git says by a failure that nothing matches, which is the normal case in CI.
        let pattern = r"^(remote\.pushdefault|branch\..*\.(pushremote|remote))$";
        let text = self.text(["config", "-z", "--get-regexp", pattern]).unwrap_or_default();
        let configured: BTreeMap<&str, &str> = text.split('\0').filter_map(|entry| entry.split_once('\n')).collect();
        let of_branch = |key: &str| branch.and_then(|name| configured.get(format!("branch.{name}.{key}").as_str()));
        let chosen = of_branch("pushremote").or_else(|| configured.get("remote.pushdefault"));
        // A branch that follows another one of the same repository has the remote `.`.
        let chosen = chosen.or_else(|| of_branch("remote")).filter(|name| **name != ".");
        self.address(chosen.copied().unwrap_or("origin"))
    }

    /// A remote by its name.
    pub(super) fn address(&self, name: &str) -> Result<Remote, RefsError> {
        let ask = |args: &[&str]| {
            let args = ["remote", "get-url"].iter().chain(args).chain(&["--", name]).copied().collect::<Vec<_>>();
            self.text(args).map_err(|_| RefsError::NoRemote { remote: name.to_owned() })
        };
        let push = ask(&["--push", "--all"])?;
        let addresses: Vec<&str> = push.lines().collect();
        let [address] = addresses[..] else { return Err(RefsError::SeveralAddresses { remote: name.to_owned() }) };
        let same = ask(&[])?.trim_end_matches('\n') == address;
        let read = if same { name } else { address };
        Ok(Remote { name: name.to_owned(), read: read.to_owned() })
    }

    /// The refs at the remote that a release is about, each with its object; `^{}` behind a tag's name is its commit.
    pub(super) fn refs_there(&self, remote: &Remote, moves: &Moves) -> Result<BTreeMap<String, String>, RefsError> {
        let tags = moves.tags.iter().map(|tag| tag.name.as_str());
        self.list(remote, tags, moves.branch.as_deref())
            .map_err(|source| RefsError::Unreachable { remote: remote.name.clone(), source })
    }

    fn list<'t>(
        &self,
        remote: &Remote,
        tags: impl Iterator<Item = &'t str>,
        branch: Option<&str>,
    ) -> Result<BTreeMap<String, String>, ProcessError> {
        let tags = tags.flat_map(|tag| [format!("refs/tags/{tag}"), format!("refs/tags/{tag}^{{}}")]);
        let names: Vec<String> = tags.chain(branch.map(|name| format!("refs/heads/{name}"))).collect();
        let args = ["ls-remote", "--quiet", "--", &remote.read].map(str::to_owned).into_iter().chain(names.clone());
        let text = self.text(args)?;
        let refs = text.lines().filter_map(|line| line.split_once('\t'));
        // A name matches at the end of longer ones too.
        Ok(refs
            .filter(|(_, name)| names.iter().any(|wanted| wanted == name))
            .map(|(object, name)| (name.to_owned(), object.to_owned()))
            .collect())
    }

    /// What has to be done for a branch: it may only move forward.
    pub(super) fn branch_move(
        &self,
        name: &str,
        commit: &str,
        remote: &Remote,
        there: &BTreeMap<String, String>,
    ) -> Result<BranchMove, RefsError> {
        let before = there.get(&format!("refs/heads/{name}")).cloned();
        if let Some(before) = &before {
            // Git fails as well where the commit is not here: then the remote has moved on just the same.
            let ancestor = ["merge-base", "--is-ancestor", "--end-of-options", before, commit];
            if self.text(ancestor).is_err() {
                return Err(RefsError::MovedOn {
                    branch: name.to_owned(),
                    remote: remote.name.clone(),
                    there: short(before),
                });
            }
        }
        Ok(BranchMove { name: name.to_owned(), before })
    }

    /// The same for a branch of this repository.
    pub(super) fn branch_here(&self, name: &str, commit: &str) -> Result<BranchMove, RefsError> {
        let own = format!("refs/heads/{name}");
        // Git says by a failure that there is no such branch.
        let before = self.text(["rev-parse", "--verify", "--quiet", "--end-of-options", &own]).ok();
        let before = before.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
        if let Some(there) = &before
            && self.text(["merge-base", "--is-ancestor", "--end-of-options", there, commit]).is_err()
        {
            let (branch, remote) = (name.to_owned(), "this repository".to_owned());
            return Err(RefsError::MovedOn { branch, remote, there: short(there) });
        }
        Ok(BranchMove { name: name.to_owned(), before })
    }

    /// Pushes all refs in one transaction of the remote, each only if it is still where it was.
    pub(super) fn push(&self, remote: &Remote, prepared: &Prepared, tags: &[Pushed]) -> Result<(), RefsError> {
        let mut args = ["push", "--porcelain", "--no-follow-tags"].map(str::to_owned).to_vec();
        let mut specs = Vec::new();
        if let Some(branch) = &prepared.branch {
            let name = format!("refs/heads/{}", branch.name);
            args.push(format!("--force-with-lease={name}:{}", branch.before.as_deref().unwrap_or("")));
            specs.push(format!("{}:{name}", prepared.commit));
        }
        for tag in tags.iter().filter(|tag| !matches!(tag.state, TagState::There(_))) {
            let name = format!("refs/tags/{}", tag.name);
            // A lease on nothing: the tag must not be there.
            args.push(format!("--force-with-lease={name}:"));
            specs.push(format!("{}:{name}", tag.object));
        }
        match specs.len() {
            0 => return Ok(()),
            // One ref moves whole or not at all by itself, also where a server knows no transactions.
            1 => {}
            _ => args.push("--atomic".to_owned()),
        }
        args.extend(["--".to_owned(), remote.name.clone()]);
        args.extend(specs);
        let mut said = Vec::new();
        let pushed = self
            .host
            .stream(&self.command(args), &[], &mut |reader| reader.take(SAID_CAP).read_to_end(&mut said).map(drop));
        match pushed {
            Ok(_) => Ok(()),
            Err(source) => self.explain(remote, prepared, tags, (source, &String::from_utf8_lossy(&said))),
        }
    }

    /// Why a push failed: by what is at the remote now, and only then by git's words. A push whose answer was lost on
    /// the way may have succeeded.
    fn explain(
        &self,
        remote: &Remote,
        prepared: &Prepared,
        tags: &[Pushed],
        (source, said): (ProcessError, &str),
    ) -> Result<(), RefsError> {
        let name = || remote.name.clone();
        let branch = prepared.branch.as_ref();
        let names = tags.iter().map(|tag| tag.name.as_str());
        let there = match self.list(remote, names, branch.map(|branch| branch.name.as_str())) {
            Ok(there) => there,
            Err(_) => return Err(RefsError::Unknown { remote: name(), source }),
        };
        let tag_there = |tag: &Pushed| there.get(&format!("refs/tags/{}", tag.name));
        let branch_there = branch.and_then(|branch| there.get(&format!("refs/heads/{}", branch.name)));
        let moved = branch.is_none() || branch_there == Some(&prepared.commit);
        if moved && tags.iter().all(|tag| tag_there(tag) == Some(&tag.object)) {
            return Ok(());
        }
        let taken = tags.iter().find_map(|tag| Some((tag, tag_there(tag).filter(|object| **object != tag.object)?)));
        if let Some((tag, object)) = taken {
            let leads = there.get(&format!("refs/tags/{}^{{}}", tag.name)).unwrap_or(object);
            return Err(RefsError::Taken {
                tag: tag.name.clone(),
                remote: name(),
                leads: short(leads),
                same: *leads == prepared.commit,
                here: matches!(tag.state, TagState::Here(_)),
            });
        }
        if let Some(branch) = branch.filter(|branch| branch_there != branch.before.as_ref()) {
            let there = branch_there.map_or_else(|| "nowhere".to_owned(), |id| short(id));
            return Err(RefsError::MovedOn { branch: branch.name.clone(), remote: name(), there });
        }
        // Lines of refused refs: `!`, the refs, and the reason (git-push(1), OUTPUT).
        let reasons: Vec<&str> = said.lines().filter(|line| line.starts_with('!')).collect();
        Err(match reasons.iter().find(|line| line.contains("[remote rejected]")) {
            Some(line) if is_about_speed(line) => RefsError::Race { remote: name(), source },
            Some(_) => RefsError::Refused { remote: name(), source },
            None if reasons.iter().any(|line| is_about_speed(line)) => RefsError::Race { remote: name(), source },
            None => RefsError::Push { remote: name(), source },
        })
    }

    /// Lets the branch here follow: with the work tree where it is checked out. One that was pushed and is not checked out
    /// is left to the next `git pull`.
    pub(super) fn follow(&self, prepared: &Prepared) -> Result<(), RefsError> {
        let Some(branch) = &prepared.branch else { return Ok(()) };
        let name = format!("refs/heads/{}", branch.name);
        // Without a branch, git fails: then there is none to follow.
        let head = self.text(["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default();
        let moved = if head.trim() == name {
            self.text(["merge", "--ff-only", "--quiet", &prepared.commit])
        } else if prepared.remote.is_none() {
            self.text(["update-ref", "--", &name, &prepared.commit, branch.before.as_deref().unwrap_or("")])
        } else {
            return Ok(());
        };
        let pushed = prepared.remote.is_some();
        moved.map(drop).map_err(|source| RefsError::Follow { branch: branch.name.clone(), pushed, source })
    }
}

/// The most of git's answer to a push that is read.
const SAID_CAP: u64 = 1 << 20;

/// Reasons that say: somebody else was faster, or is at it now.
fn is_about_speed(line: &str) -> bool {
    [
        "stale info",
        "already exists",
        "fetch first",
        "non-fast-forward",
        "failed to update ref",
        "cannot lock ref",
        "reference already",
    ]
    .iter()
    .any(|mark| line.contains(mark))
}
