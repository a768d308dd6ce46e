//! What stands in the way of a tag.

use crate::error::{Failure, Fault, Kind};
use crate::host::process::ProcessError;

/// Why refs do not move.
#[derive(Debug, thiserror::Error)]
pub enum RefsError {
    /// Nowhere to push.
    #[error("there is no remote {remote}")]
    NoRemote {
        /// Its name.
        remote: String,
    },
    /// One transaction cannot reach two places.
    #[error("{remote} has several addresses to push to: what one takes, the other may refuse")]
    SeveralAddresses {
        /// Its name.
        remote: String,
    },
    /// The remote does not answer.
    #[error("the refs of {remote} cannot be read")]
    Unreachable {
        /// Its name.
        remote: String,
        /// What git said.
        source: ProcessError,
    },
    /// Nobody knows who releases.
    #[error("git does not know who makes the tag")]
    Identity(#[source] ProcessError),
    /// A tag here leads to another commit.
    #[error("the tag {tag} is here and leads to {leads}, not to {wanted}")]
    LeadsElsewhere {
        /// The tag.
        tag: String,
        /// The commit that it leads to.
        leads: String,
        /// The commit that is released.
        wanted: String,
    },
    /// The tag is at the remote, and is not ours.
    #[error("{remote} has a tag {tag} already, and it is another one: it leads to {leads}")]
    Taken {
        /// The tag.
        tag: String,
        /// The remote.
        remote: String,
        /// The commit that it leads to.
        leads: String,
        /// Whether that is the commit that is released.
        same: bool,
        /// Whether a tag of that name is here too.
        here: bool,
    },
    /// The branch is not where the release began.
    #[error("{remote} has moved on: its branch {branch} leads to {there}, which this release does not follow")]
    MovedOn {
        /// The branch.
        branch: String,
        /// The remote.
        remote: String,
        /// Where it leads.
        there: String,
    },
    /// Somebody else pushes at the same moment.
    #[error("somebody else moves the same refs of {remote} at this moment")]
    Race {
        /// The remote.
        remote: String,
        /// What git said.
        source: ProcessError,
    },
    /// The remote does not want it.
    #[error("{remote} refuses the push; no ref has moved")]
    Refused {
        /// The remote.
        remote: String,
        /// What git said.
        source: ProcessError,
    },
    /// The push did not begin: a hook here, or the way there.
    #[error("git did not push to {remote}; no ref has moved")]
    Push {
        /// The remote.
        remote: String,
        /// What git said.
        source: ProcessError,
    },
    /// The answer was lost, and the remote can no longer be asked.
    #[error("whether {remote} took the push is not known")]
    Unknown {
        /// The remote.
        remote: String,
        /// What git said.
        source: ProcessError,
    },
    /// The branch cannot be made.
    #[error("git cannot make the branch {branch}; no ref has moved")]
    Branch {
        /// The branch.
        branch: String,
        /// What git said.
        source: ProcessError,
    },
    /// The tag cannot be signed.
    #[error("git cannot sign the tag {tag}")]
    Signing {
        /// The tag.
        tag: String,
        /// What git said.
        source: ProcessError,
    },
    /// Git left the signature out.
    #[error("git made the tag {tag} without the signature that it is told to make")]
    Unsigned {
        /// The tag.
        tag: String,
        /// What git said.
        words: String,
    },
    /// The tag cannot be made.
    #[error("git cannot make the tag {tag}")]
    Tag {
        /// The tag.
        tag: String,
        /// What git said.
        source: ProcessError,
    },
    /// The commit cannot be made.
    #[error("git cannot make the commit in which the files name the version")]
    Commit(#[source] ProcessError),
    /// The commit cannot be signed.
    #[error("git cannot sign the commit in which the files name the version")]
    CommitSigning(#[source] ProcessError),
    /// Its files cannot be laid out.
    #[error("git cannot check the commit out beside the work tree")]
    Worktree(#[source] ProcessError),
    /// The key of releases does not sign.
    #[error("{}", .0.message)]
    Signer(Box<Failure>),
    /// The branch here stays behind.
    #[error("{}the branch {branch} here cannot follow", if *.pushed { "the push is done, and " } else { "" })]
    Follow {
        /// The branch.
        branch: String,
        /// Whether the remote has it all.
        pushed: bool,
        /// What git said.
        source: ProcessError,
    },
    /// The refs here cannot be read.
    #[error("git cannot read the tags")]
    Read(#[source] ProcessError),
    /// No random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// Git answered in a form that it does not document.
    #[error("git answered in an unknown form: {0}")]
    Answer(String),
}

impl RefsError {
    fn process(&self) -> Option<&ProcessError> {
        match self {
            Self::Unreachable { source, .. }
            | Self::Identity(source)
            | Self::Race { source, .. }
            | Self::Refused { source, .. }
            | Self::Push { source, .. }
            | Self::Unknown { source, .. }
            | Self::Signing { source, .. }
            | Self::Branch { source, .. }
            | Self::Tag { source, .. }
            | Self::Follow { source, .. }
            | Self::Commit(source)
            | Self::CommitSigning(source)
            | Self::Worktree(source)
            | Self::Read(source) => Some(source),
            _ => None,
        }
    }
}

impl Fault for RefsError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoRemote { .. } => "refs.no-remote",
            Self::SeveralAddresses { .. } => "refs.several-addresses",
            Self::Unreachable { .. } => "refs.unreachable",
            Self::Identity(_) => "refs.identity",
            Self::LeadsElsewhere { .. } => "refs.leads-elsewhere",
            Self::Taken { .. } => "refs.tag-taken",
            Self::MovedOn { .. } => "refs.moved-on",
            Self::Race { .. } => "refs.race",
            Self::Refused { .. } => "refs.refused",
            Self::Push { .. } => "refs.push",
            Self::Branch { .. } => "refs.branch",
            Self::Unknown { .. } => "refs.unknown",
            Self::Signing { .. } | Self::Unsigned { .. } | Self::CommitSigning(_) => "refs.signing",
            Self::Signer(failure) => failure.code,
            Self::Commit(_) => "refs.commit",
            Self::Worktree(_) => "refs.worktree",
            Self::Tag { .. } => "refs.tag",
            Self::Follow { .. } => "refs.follow",
            Self::Read(_) => "refs.read",
            Self::Random(_) => "refs.random",
            Self::Answer(_) => "refs.answer",
        }
    }

    fn kind(&self) -> Kind {
        if let Some(ProcessError::Interrupted) = self.process() {
            return Kind::Interrupted;
        }
        match self {
            Self::Signer(failure) => failure.kind,
            Self::NoRemote { .. } | Self::SeveralAddresses { .. } | Self::Identity(_) => Kind::Repository,
            Self::Unreachable { .. } | Self::Unknown { .. } => Kind::Network,
            Self::LeadsElsewhere { .. } | Self::Taken { .. } | Self::MovedOn { .. } | Self::Race { .. } => {
                Kind::Conflict
            }
            _ => Kind::Tool,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRemote { remote } => format!("git remote add {remote} URL, or leave out --push"),
            Self::SeveralAddresses { remote } => {
                format!("release from a clone whose {remote} has one pushurl, and mirror from there")
            }
            Self::Unreachable { .. } => "look at the network and at git's credentials for that remote".into(),
            Self::Identity(_) => "git config user.name NAME && git config user.email ADDRESS".into(),
            Self::LeadsElsewhere { tag, .. } => {
                format!("a tag is never moved: git tag -d {tag} if it was made by mistake and never pushed")
            }
            Self::Taken { tag, remote, same: true, .. } => {
                format!("that commit is released already: git fetch {remote} refs/tags/{tag}:refs/tags/{tag}")
            }
            Self::Taken { tag, here: true, .. } => {
                format!("a tag is never moved: look at both, then delete the one that is wrong (here: git tag -d {tag})")
            }
            Self::Taken { .. } => "that version is somebody else's: git fetch --tags, then run the same command again \
                                   for the next one"
                .into(),
            Self::MovedOn { .. } => "git pull, then run the same command again".into(),
            Self::Race { .. } => "git fetch --tags, then run the same command again".into(),
            Self::Refused { .. } => "the remote's own words say why: a hook, a protected branch or tag, a permission".into(),
            Self::Branch { .. } => "git's own words say why: a key to sign with, or a branch that came meanwhile".into(),
            Self::Push { .. } => "git's own words say why: a pre-push hook, or the way to the remote".into(),
            Self::Unknown { .. } => "run the same command again: it finds out, and pushes the same tag".into(),
            Self::Signing { .. } | Self::Unsigned { .. } => {
                "git config user.signingKey names the key, gpg.format says openpgp or ssh; --sign none makes an unsigned \
                 tag"
                .into()
            }
            Self::CommitSigning(_) => {
                "git config user.signingKey names the key; commit.gpgSign asks for it, and --sign none leaves it out"
                    .into()
            }
            Self::Signer(failure) => return failure.hint.clone(),
            Self::Follow { branch, .. } => format!("git merge --ff-only on {branch}, when the tree is clean"),
            Self::Tag { .. } | Self::Commit(_) | Self::Worktree(_) | Self::Read(_) | Self::Random(_) | Self::Answer(_) => return None,
        })
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Signer(failure) => failure.detail.clone(),
            Self::Unsigned { words, .. } => Some(words.trim_end().to_owned()).filter(|words| !words.is_empty()),
            _ => self.process().and_then(ProcessError::detail),
        }
    }
}

/// The first digits of an object's name, for people.
pub(super) fn short(id: &str) -> String {
    id.chars().take(12).collect()
}
