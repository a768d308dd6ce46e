//! What somebody demands of a release before it is used.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::json::{self, Object, Value};
use crate::key::PublicKey;
use crate::name::FileName;
use crate::statement::Release;
use crate::verdict::CheckName;

/// Says which canonical form a policy's digest is over.
const SCHEMA: &str = "urn:sealift:policy:1";

/// The most keys.
const MAX_KEYS: usize = 1000;

/// A policy: whose signatures count, how many are wanted, for which product, and which checks must pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    threshold: usize,
    /// By fingerprint: a key counts once, whatever it is called (A24).
    keys: BTreeMap<Digest, PublicKey>,
    product: Option<FileName>,
    required: BTreeSet<CheckName>,
    scope: Scope,
}

/// What a policy is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole of a release.
    Release,
    /// Some files of it: nothing is said about the others.
    Files,
}

/// What a policy is made of.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How many distinct keys must have signed.
    pub threshold: usize,
    /// The keys that count.
    pub keys: Vec<PublicKey>,
    /// The only product, if there is one.
    pub product: Option<FileName>,
    /// The checks that must pass, besides [`CheckName::ALWAYS`].
    pub required: BTreeSet<CheckName>,
}

/// A policy that is refused, or that refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No key, or more than anybody has.
    #[error("a policy has 1 to {MAX_KEYS} keys, not {0}")]
    Keys(usize),
    /// One key stands there twice.
    #[error("the key {0} stands in the policy twice")]
    SameKey(Digest),
    /// A threshold of nothing, or of more than there is.
    #[error("a threshold of {threshold} with {keys} keys; want 1 to {keys}")]
    Threshold {
        /// The threshold.
        threshold: usize,
        /// How many distinct keys there are.
        keys: usize,
    },
    /// The statement is about another product.
    #[error("the policy is for the product {wanted:?}, the release is of {found:?}")]
    Product {
        /// The policy's product.
        wanted: String,
        /// The release's product.
        found: String,
    },
}

impl PolicyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            PolicyError::Keys(_) => "policy.keys",
            PolicyError::SameKey(_) => "policy.same-key",
            PolicyError::Threshold { .. } => "policy.threshold",
            PolicyError::Product { .. } => "policy.product",
        }
    }
}

impl Policy {
    /// Checks and takes the terms: 1 to 1000 distinct keys, a threshold from 1 to their number (A23, A24).
    pub fn new(terms: Terms) -> Result<Self, PolicyError> {
        let Terms { threshold, keys: given, product, mut required } = terms;
        if given.is_empty() || given.len() > MAX_KEYS {
            return Err(PolicyError::Keys(given.len()));
        }
        let mut keys = BTreeMap::new();
        for key in given {
            let fingerprint = key.fingerprint();
            if keys.insert(fingerprint, key).is_some() {
                return Err(PolicyError::SameKey(fingerprint));
            }
        }
        if !(1..=keys.len()).contains(&threshold) {
            return Err(PolicyError::Threshold { threshold, keys: keys.len() });
        }
        required.extend(CheckName::ALWAYS);
        Ok(Self { threshold, keys, product, required, scope: Scope::Release })
    }

    /// What `--key K` means: this key, threshold 1, any product, every check.
    pub fn implicit(key: PublicKey) -> Self {
        let keys = BTreeMap::from([(key.fingerprint(), key)]);
        Self { threshold: 1, keys, product: None, required: CheckName::ALL.into(), scope: Scope::Release }
    }

    /// The narrower policy for some files of a release: it requires what this one does, as far as it applies to them,
    /// and [`CheckName::ALWAYS`]. Its digest is another, also when it requires the same: who demands a whole release
    /// does not take some files of it for one.
    #[must_use]
    pub fn for_files(&self, applicable: &BTreeSet<CheckName>) -> Self {
        let applies = |check: &CheckName| applicable.contains(check) || CheckName::ALWAYS.contains(check);
        let required = self.required.iter().copied().filter(applies).collect();
        Self { required, scope: Scope::Files, ..self.clone() }
    }

    /// What the policy is applied to.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// How many distinct keys must have signed.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The keys that count.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.values()
    }

    /// Whether a key counts; compared by fingerprint, never by a name.
    pub fn has_key(&self, key: &PublicKey) -> bool {
        self.keys.contains_key(&key.fingerprint())
    }

    /// The only product, if there is one.
    pub fn product(&self) -> Option<&FileName> {
        self.product.as_ref()
    }

    /// The checks that must pass; always with [`CheckName::ALWAYS`] among them.
    pub fn required(&self) -> &BTreeSet<CheckName> {
        &self.required
    }

    /// Whether a release is of the policy's product (A21).
    pub fn admits(&self, release: &Release) -> Result<(), PolicyError> {
        match &self.product {
            Some(wanted) if *wanted != release.product => {
                Err(PolicyError::Product { wanted: wanted.to_string(), found: release.product.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// The canonical form: keys by fingerprint and checks by name, both sorted, so that one policy has one form.
    pub fn to_canonical(&self) -> Vec<u8> {
        let text = |text: &str| Value::String(text.to_owned());
        let key = |(fingerprint, key): (&Digest, &PublicKey)| {
            Value::Object(Object::from([
                ("algorithm".to_owned(), text(key.algorithm().name())),
                ("fingerprint".to_owned(), text(&fingerprint.to_string())),
            ]))
        };
        let threshold = i64::try_from(self.threshold).expect("at most 1000");
        let mut checks: Vec<&str> = self.required.iter().map(|check| check.as_str()).collect();
        checks.sort_unstable();
        let mut members = Object::from([
            ("schema".to_owned(), text(SCHEMA)),
            ("threshold".to_owned(), Value::Integer(threshold)),
            ("keys".to_owned(), Value::Array(self.keys.iter().map(key).collect())),
            ("required".to_owned(), Value::Array(checks.into_iter().map(text).collect())),
        ]);
        if self.scope == Scope::Files {
            members.insert("scope".to_owned(), text("files"));
        }
        if let Some(product) = &self.product {
            members.insert("product".to_owned(), text(product.as_str()));
        }
        json::canonical(&Value::Object(members))
    }

    /// The digest of the canonical form: what a verdict carries, and a consumer compares with its own policy's.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::key::SecretKey;
    use crate::name::plain_file;

    fn key(seed: u8) -> PublicKey {
        SecretKey::generate(&Zeroizing::new([seed; 32])).public()
    }

    fn terms(threshold: usize, keys: &[u8]) -> Terms {
        Terms {
            threshold,
            keys: keys.iter().map(|seed| key(*seed)).collect(),
            product: None,
            required: BTreeSet::new(),
        }
    }

    fn code(terms: Terms) -> &'static str {
        Policy::new(terms).unwrap_err().code()
    }

    /// A23.
    #[test]
    fn a_threshold_is_at_least_one_and_at_most_all() {
        assert_eq!(code(terms(0, &[1, 2])), "policy.threshold");
        assert_eq!(code(terms(3, &[1, 2])), "policy.threshold");
        assert_eq!(code(terms(usize::MAX, &[1])), "policy.threshold");
        assert_eq!(Policy::new(terms(2, &[1, 2])).map(|policy| policy.threshold()), Ok(2));
        assert_eq!(code(terms(0, &[])), "policy.keys");
        assert_eq!(code(Terms { keys: vec![key(1); MAX_KEYS + 1], ..terms(1, &[]) }), "policy.keys");
    }

    /// A24.
    #[test]
    fn one_key_does_not_count_twice() {
        assert_eq!(code(terms(2, &[1, 1])), "policy.same-key");
        let again = PublicKey::from_pem(&key(1).to_pem()).expect("the same key by another way");
        assert_eq!(code(Terms { keys: vec![key(1), again], ..terms(2, &[]) }), "policy.same-key");
    }

    #[test]
    fn no_policy_drops_the_checks_that_everything_rests_on() {
        let policy = Policy::new(terms(1, &[1])).expect("a policy");
        assert_eq!(*policy.required(), BTreeSet::from(CheckName::ALWAYS));
        assert_eq!(*Policy::implicit(key(1)).required(), BTreeSet::from(CheckName::ALL));
    }

    #[test]
    fn the_digest_is_of_the_meaning_alone() {
        let digest = |terms: Terms| Policy::new(terms).expect("a policy").digest();
        assert_eq!(digest(terms(1, &[1, 2])), digest(terms(1, &[2, 1])));
        assert_eq!(
            digest(Terms { required: CheckName::ALL.into(), ..terms(1, &[1]) }),
            Policy::implicit(key(1)).digest()
        );
        let base = digest(terms(1, &[1, 2]));
        assert_ne!(base, digest(terms(2, &[1, 2])));
        assert_ne!(base, digest(terms(1, &[1, 3])));
        assert_ne!(base, digest(Terms { product: plain_file("shop").ok(), ..terms(1, &[1, 2]) }));
        assert_ne!(base, digest(Terms { required: CheckName::ALL.into(), ..terms(1, &[1, 2]) }));
    }

    #[test]
    fn a_policy_for_files_is_narrower_and_another() {
        let whole = Policy::implicit(key(1));
        let some = whole.for_files(&BTreeSet::from([CheckName::ArtifactsMatch]));
        let want: BTreeSet<CheckName> = CheckName::ALWAYS.into_iter().chain([CheckName::ArtifactsMatch]).collect();
        assert_eq!((some.required(), some.scope(), some.threshold()), (&want, Scope::Files, 1));
        let all = whole.for_files(&CheckName::ALL.into());
        assert_eq!(all.required(), whole.required());
        assert_ne!(all.digest(), whole.digest());
        let least = Policy::new(terms(1, &[1])).expect("a policy").for_files(&CheckName::ALL.into());
        assert_eq!(*least.required(), BTreeSet::from(CheckName::ALWAYS), "what is not demanded is not added");
        let text = String::from_utf8(least.to_canonical()).expect("JSON");
        assert!(text.contains(r#""scope":"files""#), "{text}");
    }

    #[test]
    fn the_canonical_form_is_canonical() {
        let policy = Policy::new(Terms { product: plain_file("shop").ok(), ..terms(1, &[1]) }).expect("a policy");
        let want = format!(
            r#"{{"keys":[{{"algorithm":"ed25519","fingerprint":"{}"}}],"product":"shop","required":["envelope","policy","signature","statement"],"schema":"urn:sealift:policy:1","threshold":1}}"#,
            key(1).fingerprint()
        );
        assert_eq!(String::from_utf8(policy.to_canonical()).expect("JSON"), want);
    }

    /// A21.
    #[test]
    fn another_product_is_refused() {
        let release = crate::statement::tests::release();
        let policy =
            |product| Policy::new(Terms { product: plain_file(product).ok(), ..terms(1, &[1]) }).expect("a policy");
        assert_eq!(policy("shop").admits(&release), Ok(()));
        assert_eq!(policy("Shop").admits(&release).unwrap_err().code(), "policy.product");
        assert_eq!(Policy::implicit(key(1)).admits(&release), Ok(()));
    }
}
