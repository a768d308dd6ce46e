//! Why what somebody signed is refused.

use sealift_trust::{BundleError, ClaimError, DetachedError};

use super::KeylessError;

/// Why a signature or a statement of strangers does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// A signature by a key.
    #[error("{0}{cause}", cause = cause(.0))]
    Signature(#[from] DetachedError),
    /// One by an identity.
    #[error("{0}{cause}", cause = cause(.0))]
    Keyless(#[from] KeylessError),
    /// A signature of an image in the older form.
    #[error("{0}{cause}", cause = cause(.0))]
    Claim(#[from] ClaimError),
    /// An identity signs in bundles alone.
    #[error("an identity is in a bundle of sigstore alone, and this is none")]
    NoBundle,
    /// Something beside an image that is not of its form.
    #[error("it is not of the form of what it is said to be: {0}")]
    Form(&'static str),
    /// There is nothing that could be verified.
    #[error("nobody says anything of it: there is no signature and no statement beside it")]
    Nothing,
    /// There is something, and nothing of the wanted type.
    #[error("nothing beside it is {0}")]
    NotMeant(String),
}

impl From<BundleError> for Distrust {
    fn from(error: BundleError) -> Self {
        Self::Signature(error.into())
    }
}

impl Distrust {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.code(),
            Self::Keyless(error) => error.code(),
            Self::Claim(error) => error.code(),
            Self::NoBundle => "keyless.no-bundle",
            Self::Form(_) => "attached.form",
            Self::Nothing => "attached.nothing",
            Self::NotMeant(_) => "attached.not-meant",
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Signature(DetachedError::Bundle(BundleError::Keyless)) => Some(
                "verify it by the identity: --trusted-root trusted_root.json --identity NAME --issuer URL".to_owned(),
            ),
            Self::Signature(DetachedError::PredicateType { found, .. }) => Some(format!(
                "if that is what you want to know of it: --type {}",
                crate::sanitize::sanitize_line(found)
            )),
            Self::Signature(_) | Self::Claim(_) => {
                Some("compare the key with the one that the publisher names, and fetch the file again".to_owned())
            }
            Self::Keyless(error) => error.hint().map(str::to_owned),
            Self::Nothing => Some("sign it: sealift attest --push --key release.key".to_owned()),
            Self::NoBundle | Self::Form(_) | Self::NotMeant(_) => None,
        }
    }
}

/// The innermost of an error's causes: the one that says what is wrong.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error.source();
    while let Some(next) = inner.and_then(std::error::Error::source) {
        inner = Some(next);
    }
    inner.map(|inner| format!(": {inner}")).unwrap_or_default()
}
