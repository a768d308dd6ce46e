//! Bundles of an identity ("keyless"): a certificate that was valid for some minutes, its entry in a log of certificates, the
//! signature's entry in a transparency log, and the moment of signing. Verified against a given trusted root, offline: by
//! the crate `sigstore-verify`, which the cargo feature `sigstore` brings. Every step is done, or none counts.

mod error;
#[cfg(feature = "sigstore")]
mod provider;
#[cfg(feature = "sigstore")]
mod steps;

use sealift_trust::json::{self, Limits, Numbers};
use sealift_trust::statement::Foreign;
use sealift_trust::{Digest, Meaning, bundle};

use super::authority::Identity;
pub use error::KeylessError;

/// Log entries have some hundred values; whoever writes more means something else.
const LIMITS: Limits = Limits { bytes: bundle::MAX_BUNDLE, values: 10_000, numbers: Numbers::Any };

/// What was verified, step by step.
#[derive(Debug)]
pub(super) struct Vouched {
    /// Each step with what was found.
    pub(super) steps: Vec<(&'static str, String)>,
    /// What was stated, where it was a statement; none where it was a bare signature.
    pub(super) statement: Option<Foreign>,
}

/// Judges a bundle of an identity over what has this digest.
pub(super) fn vouched(
    identity: &Identity,
    bundle: &[u8],
    of: Digest,
    meaning: Meaning<'_>,
) -> Result<Vouched, KeylessError> {
    // The crate reads with serde, which takes the last of two equal names: such a bundle is refused before.
    json::parse(bundle, &LIMITS)?;
    #[cfg(feature = "sigstore")]
    return steps::run(identity, bundle, of, meaning);
    #[cfg(not(feature = "sigstore"))]
    {
        let _ = (&identity.root, of, meaning);
        Err(KeylessError::NotBuilt)
    }
}
