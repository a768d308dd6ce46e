//! What can be wrong with a registry, and what to do about it. No message holds a secret: addresses are shown without
//! userinfo and query, and what a server says is shown without control characters.

use std::time::Duration;

use sealift_trust::Digest;

use crate::error::{Fault, Kind};
use crate::host::http::HttpError;
use crate::oci::OciError;

/// Something that went wrong between us and a registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The connection.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A document or blob that is not what was asked for.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// The registry has no such thing.
    #[error("{what} is not in the registry")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The registry wants to know who asks.
    #[error("{host} {}", if *.known { "refused the credentials" } else { "wants credentials, and there are none" })]
    Unauthorized {
        /// Which registry, or the server of its tokens.
        host: String,
        /// Whether there were credentials.
        known: bool,
    },
    /// The registry knows who asks, and does not allow it.
    #[error("{url} is not allowed (status {status})")]
    Denied {
        /// What was asked for.
        url: String,
        /// 403, or what the server of tokens answered.
        status: u16,
        /// What the registry said.
        text: String,
    },
    /// Another status than those that can be meant.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// How long the registry wants us to wait.
        after: Option<Duration>,
        /// What the registry said.
        text: String,
    },
    /// An answer that no registry gives.
    #[error("{url} does not answer as a registry does: {why}")]
    Answer {
        /// What was asked for.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The type of what came is not the one that was promised.
    #[error("{url} should be {want} and came as {found}")]
    MediaType {
        /// What was asked for.
        url: String,
        /// As the descriptor says.
        want: String,
        /// As the registry says.
        found: String,
    },
    /// The registry says another size than the descriptor.
    #[error("{url} should have {want} bytes, and the registry says {found}")]
    Size {
        /// What was asked for.
        url: String,
        /// As the descriptor says.
        want: u64,
        /// As the registry says.
        found: u64,
    },
    /// The registry speaks of a range that was not asked for.
    #[error("{url} answered with a range that was not asked for: {found}")]
    Range {
        /// What was asked for.
        url: String,
        /// As it says.
        found: String,
    },
    /// A redirect that is not followed.
    #[error("the redirect of {url} is not followed: {why}")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Why it is not followed.
        why: &'static str,
    },
    /// An upload would go elsewhere.
    #[error("{url} wants the upload to go to {to}, which is another server")]
    Location {
        /// What was asked for.
        url: String,
        /// Where it leads.
        to: String,
    },
    /// A list would go on elsewhere.
    #[error("the list {url} wants to go on at {to}, which is another list")]
    Link {
        /// What was asked for.
        url: String,
        /// Where it leads.
        to: String,
    },
    /// A list has no end.
    #[error("the list {url} has more than {most} pages or entries")]
    Endless {
        /// What was asked for.
        url: String,
        /// What is read.
        most: usize,
    },
    /// The registry sends us to a server of tokens that is not its own.
    #[error("{host} wants credentials to be sent to {realm}, which is another server")]
    Realm {
        /// Which registry.
        host: String,
        /// Where they would have gone.
        realm: String,
    },
    /// A document that is said to be about a subject is about something else.
    #[error("{referrer} is listed as being about {subject}, and says nothing of the kind")]
    Referrer {
        /// The document.
        referrer: Digest,
        /// What was asked for.
        subject: Digest,
    },
    /// The registry says that it got other bytes than we sent.
    #[error("{host} did not take {digest}: it says that its bytes have another digest")]
    UploadDigest {
        /// Which registry.
        host: String,
        /// What was sent.
        digest: Digest,
    },
    /// A version's tag stands for something else already.
    #[error("the tag {tag} exists and stands for {found}, not for {wanted}")]
    TagExists {
        /// The tag, with its repository.
        tag: String,
        /// What it stands for.
        found: Digest,
        /// What it should stand for.
        wanted: Digest,
    },
    /// Somebody else moved a tag while we did.
    #[error("the tag {tag} was moved to {found} while it was being moved to {wanted}")]
    TagMoved {
        /// The tag, with its repository.
        tag: String,
        /// What it stands for.
        found: Digest,
        /// What it should stand for.
        wanted: Digest,
    },
    /// Others write the list of referrers all the time.
    #[error("the list of what is about {subject} is being written by somebody else all the time")]
    ReferrersRace {
        /// What was asked for.
        subject: Digest,
    },
    /// The registry does not do this.
    #[error("{host} does not allow {what}")]
    Unsupported {
        /// Which registry.
        host: String,
        /// What it does not do.
        what: &'static str,
    },
    /// A file of credentials cannot be read.
    #[error("{path} is no file of credentials: {why}")]
    CredentialFile {
        /// Which file.
        path: String,
        /// What is wrong; never a value of it.
        why: String,
    },
    /// Variables name credentials and not whose they are.
    #[error("{name} is set, and {missing} is not")]
    CredentialVariables {
        /// A variable that is set.
        name: &'static str,
        /// What must be set beside it.
        missing: &'static str,
    },
    /// A host that no URL can hold.
    #[error("{host:?} is not the address of a registry")]
    Host {
        /// As written.
        host: String,
    },
}

impl RegistryError {
    /// Whether another try may go better, and after which time if the registry named one.
    pub(super) fn again(&self) -> Option<Option<Duration>> {
        match self {
            Self::Http(
                HttpError::Connect { .. }
                | HttpError::Silent { .. }
                | HttpError::Broken { .. }
                | HttpError::Stalled { .. },
            ) => Some(None),
            Self::Status { status: 408 | 425 | 429 | 500 | 502 | 503 | 504, after, .. } => Some(*after),
            _ => None,
        }
    }
}

impl Fault for RegistryError {
    fn code(&self) -> &'static str {
        match self {
            Self::Http(error) => error.code(),
            Self::Oci(error) => error.code(),
            Self::NotFound { .. } => "registry.not-found",
            Self::Unauthorized { .. } => "registry.unauthorized",
            Self::Denied { .. } => "registry.denied",
            Self::Status { status: 429, .. } => "registry.busy",
            Self::Status { .. } => "registry.status",
            Self::Answer { .. } => "registry.answer",
            Self::MediaType { .. } => "registry.media-type",
            Self::Size { .. } => "registry.size",
            Self::Range { .. } => "registry.range",
            Self::Redirect { .. } => "registry.redirect",
            Self::Location { .. } => "registry.location",
            Self::Link { .. } => "registry.link",
            Self::Endless { .. } => "registry.endless-list",
            Self::Realm { .. } => "registry.realm",
            Self::Referrer { .. } => "registry.referrer",
            Self::UploadDigest { .. } => "registry.upload-digest",
            Self::TagExists { .. } => "registry.tag-exists",
            Self::TagMoved { .. } => "registry.tag-moved",
            Self::ReferrersRace { .. } => "registry.referrers-race",
            Self::Unsupported { .. } => "registry.unsupported",
            Self::CredentialFile { .. } => "registry.credential-file",
            Self::CredentialVariables { .. } => "registry.credential-variables",
            Self::Host { .. } => "registry.host",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Http(error) => error.kind(),
            Self::Oci(error) => error.kind(),
            Self::NotFound { .. } | Self::Status { .. } | Self::Answer { .. } | Self::Unsupported { .. } => {
                Kind::Network
            }
            Self::MediaType { .. }
            | Self::Size { .. }
            | Self::Range { .. }
            | Self::Redirect { .. }
            | Self::Location { .. }
            | Self::Link { .. }
            | Self::Endless { .. }
            | Self::Realm { .. }
            | Self::Referrer { .. }
            | Self::UploadDigest { .. } => Kind::Trust,
            Self::TagExists { .. } | Self::TagMoved { .. } | Self::ReferrersRace { .. } => Kind::Conflict,
            Self::Unauthorized { .. }
            | Self::Denied { .. }
            | Self::CredentialFile { .. }
            | Self::CredentialVariables { .. } => Kind::Config,
            Self::Host { .. } => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Http(error @ HttpError::Certificate { .. }) => {
                let further = error.hint().unwrap_or_default();
                return Some(format!("name the registry's authority as ca in a [[registry]] table, or {further}"));
            }
            Self::Http(error) => return error.hint(),
            Self::Oci(error) => return error.hint(),
            Self::NotFound { .. } => {
                "check the name and the tag; a private repository may also hide from strangers".into()
            }
            Self::Unauthorized { host, known: false } => format!(
                "log in with `docker login {host}`, or set SEALIFT_REGISTRY_HOST, SEALIFT_REGISTRY_USER and \
                 SEALIFT_REGISTRY_PASSWORD"
            ),
            Self::Unauthorized { host, known: true } => {
                format!("the password or token may have expired: log in again with `docker login {host}`")
            }
            Self::Denied { .. } => "ask whoever keeps the registry for the right to this repository".into(),
            Self::Status { status: 400, .. } => {
                "a registry that speaks TLS on this machine needs plain-http = false in its [[registry]] table".into()
            }
            Self::Status { .. } => "run the same command again later".into(),
            Self::Answer { .. } => {
                "check the registry's address; a proxy or a login page may answer in its place".into()
            }
            Self::Realm { host, realm } => {
                format!("if that is right, say so: [[registry]] host = \"{host}\", realm = \"{realm}\"")
            }
            Self::Redirect { .. }
            | Self::Location { .. }
            | Self::Link { .. }
            | Self::Endless { .. }
            | Self::MediaType { .. }
            | Self::Size { .. }
            | Self::Range { .. }
            | Self::UploadDigest { .. }
            | Self::Referrer { .. } => {
                "nothing was believed and no credentials were sent; ask whoever keeps the registry".into()
            }
            Self::TagExists { .. } => {
                "a version is released once: choose another version, or delete the tag by hand if that was a mistake"
                    .into()
            }
            Self::TagMoved { .. } => "another release runs at the same time: see what it did, then run again".into(),
            Self::ReferrersRace { .. } => "run the same command again later".into(),
            Self::Unsupported { .. } => "its keeper may have to switch it on".into(),
            Self::CredentialFile { path, .. } => format!("mend {path}, or log in again"),
            Self::CredentialVariables { missing, .. } => {
                format!("set {missing}: credentials go to the registry that they are for, and to no other")
            }
            Self::Host { .. } => "for example registry.example or registry.example:5000".into(),
        })
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.detail(),
            Self::Status { text, .. } | Self::Denied { text, .. } if !text.is_empty() => Some(text.clone()),
            _ => None,
        }
    }
}
