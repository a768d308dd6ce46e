//! The verdict over a release: each check's outcome, and the proof that all of them passed.

use std::collections::BTreeMap;
use std::fmt;

use crate::digest::Digest;
use crate::dsse::Opened;
use crate::policy::Policy;

/// What is checked: a closed set, so that a policy cannot demand a check that nothing runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckName {
    /// The manifest is an envelope of our own form.
    Envelope,
    /// A trusted key signed it.
    Signature,
    /// Its payload is a statement of ours that keeps every rule.
    Statement,
    /// The statement is what the policy is about.
    Policy,
    /// Every file that the manifest names is there.
    ArtifactsPresent,
    /// Every file has the digest and the size that the manifest says.
    ArtifactsMatch,
    /// No file is there that the manifest does not name.
    NothingExtra,
    /// Every archive holds the binaries that the manifest says, and they have its digests.
    BinariesMatch,
    /// Every blob of every image that the manifest names is there, in one image layout.
    ImagesPresent,
    /// Every blob is the one that it is named as, the images are for their targets and hold the binaries that the manifest
    /// says, and the layout names nothing else.
    ImagesMatch,
    /// `checksums.txt` is the one that the manifest gives.
    Checksums,
    /// Every signature of `checksums.txt` that the manifest promises is by the key that signed the manifest.
    ChecksumsSignature,
    /// Every signature of an artifact that the manifest promises is by that key.
    ArtifactSignatures,
    /// `provenance.json` is signed by the key of the manifest, and is of this release.
    Provenance,
}

impl CheckName {
    /// Every check, in the order in which they are made and shown.
    pub const ALL: [CheckName; 14] = [
        CheckName::Envelope,
        CheckName::Signature,
        CheckName::Statement,
        CheckName::Policy,
        CheckName::ArtifactsPresent,
        CheckName::ArtifactsMatch,
        CheckName::NothingExtra,
        CheckName::BinariesMatch,
        CheckName::ImagesPresent,
        CheckName::ImagesMatch,
        CheckName::Checksums,
        CheckName::ChecksumsSignature,
        CheckName::ArtifactSignatures,
        CheckName::Provenance,
    ];

    /// The checks without which all others mean nothing: every policy requires them.
    pub const ALWAYS: [CheckName; 4] =
        [CheckName::Envelope, CheckName::Signature, CheckName::Statement, CheckName::Policy];

    /// The name in records and policies.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckName::Envelope => "envelope",
            CheckName::Signature => "signature",
            CheckName::Statement => "statement",
            CheckName::Policy => "policy",
            CheckName::ArtifactsPresent => "artifacts-present",
            CheckName::ArtifactsMatch => "artifacts-match",
            CheckName::NothingExtra => "nothing-extra",
            CheckName::BinariesMatch => "binaries-match",
            CheckName::ImagesPresent => "images-present",
            CheckName::ImagesMatch => "images-match",
            CheckName::Checksums => "checksums",
            CheckName::ChecksumsSignature => "checksums-signature",
            CheckName::ArtifactSignatures => "artifact-signatures",
            CheckName::Provenance => "provenance",
        }
    }

    /// The check of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.as_str() == name)
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and what it looks for holds.
    Passed,
    /// It did not run, and why. This is not a pass (A22).
    NotRun(String),
    /// It ran, and what it looks for does not hold, and why.
    Failed(String),
}

impl Outcome {
    /// `passed`, `not run` or `failed`.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::NotRun(_) => "not run",
            Outcome::Failed(_) => "failed",
        }
    }

    /// Why it did not pass; empty when it did.
    pub fn why(&self) -> &str {
        match self {
            Outcome::Passed => "",
            Outcome::NotRun(why) | Outcome::Failed(why) => why,
        }
    }

    /// From good to bad.
    fn rank(&self) -> u8 {
        match self {
            Outcome::Passed => 0,
            Outcome::NotRun(_) => 1,
            Outcome::Failed(_) => 2,
        }
    }
}

/// Records outcomes while a release is checked.
#[derive(Debug, Default)]
#[must_use = "a verdict that is not concluded proves nothing"]
pub struct Verdict {
    outcomes: BTreeMap<CheckName, Outcome>,
}

/// One check and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The check.
    pub name: CheckName,
    /// How it ended.
    pub outcome: Outcome,
}

/// The proof that a value passed every check that a policy requires. [`Verdict::conclude`] is its only origin:
///
/// ```compile_fail,E0451
/// use sealift_trust::{Digest, verdict::Verified};
/// let forged = Verified { value: (), policy: Digest::of(b""), key: Digest::of(b""), checks: Vec::new() };
/// ```
///
/// It comes out of no file, and is not copied:
///
/// ```compile_fail,E0277
/// fn from_a_file<T: serde::de::DeserializeOwned>() {}
/// from_a_file::<sealift_trust::verdict::Verified<()>>();
/// ```
///
/// ```compile_fail,E0277
/// fn copied<T: Clone>() {}
/// copied::<sealift_trust::verdict::Verified<()>>();
/// ```
#[derive(Debug)]
pub struct Verified<T> {
    value: T,
    policy: Digest,
    key: Digest,
    checks: Vec<Check>,
}

/// Why a verdict is no proof, with every check so that all reasons can be shown at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// Every check in order; what was never recorded has not run.
    pub checks: Vec<Check>,
    /// The reasons, at least one.
    pub reasons: Vec<Reason>,
}

/// A reason to refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A check failed, required or not.
    #[error("{0} failed: {1}")]
    Failed(CheckName, String),
    /// A required check did not run.
    #[error("{0} is required and did not run: {1}")]
    NotRun(CheckName, String),
    /// The key that opened the envelope is none of the policy's.
    #[error("the key {0} is none of the policy's")]
    Key(Digest),
    /// The policy wants more signatures than there are.
    #[error("{found} of {wanted} signatures")]
    Threshold {
        /// How many there are.
        found: usize,
        /// How many are wanted.
        wanted: usize,
    },
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        "verify.refused"
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")?;
        self.reasons.iter().enumerate().try_for_each(|(index, reason)| {
            let between = if index == 0 { ": " } else { "; " };
            write!(f, "{between}{reason}")
        })
    }
}

impl Verdict {
    /// Starts with no check made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records how a check ended. Of two outcomes of one check the worse stays; of two equally bad ones the first.
    pub fn record(&mut self, check: CheckName, outcome: Outcome) {
        match self.outcomes.get(&check) {
            Some(before) if before.rank() >= outcome.rank() => {}
            _ => drop(self.outcomes.insert(check, outcome)),
        }
    }

    /// Every check in order, so far; what was never recorded has not run.
    pub fn checks(&self) -> Vec<Check> {
        let outcome =
            |name| self.outcomes.get(&name).cloned().unwrap_or_else(|| Outcome::NotRun("not reached".to_owned()));
        CheckName::ALL.into_iter().map(|name| Check { name, outcome: outcome(name) }).collect()
    }

    /// Ends without a value, when there is nothing that could be verified: always a refusal.
    pub fn refuse(self, policy: &Policy) -> Refusal {
        let checks = self.checks();
        let mut reasons = reasons(&checks, policy);
        if reasons.is_empty() {
            reasons.push(Reason::NotRun(CheckName::Envelope, "nothing was opened".to_owned()));
        }
        Refusal { checks, reasons }
    }

    /// Ends with a proof for the value, if every check that the policy requires passed, none failed, the key that opened
    /// the envelope is one of the policy's, and one signature is enough for it.
    pub fn conclude<T>(self, policy: &Policy, opened: &Opened, value: T) -> Result<Verified<T>, Refusal> {
        let checks = self.checks();
        let mut reasons = reasons(&checks, policy);
        let key = opened.key().fingerprint();
        let found = usize::from(policy.has_key(opened.key()));
        if found == 0 {
            reasons.push(Reason::Key(key));
        } else if found < policy.threshold() {
            reasons.push(Reason::Threshold { found, wanted: policy.threshold() });
        }
        if reasons.is_empty() {
            Ok(Verified { value, policy: policy.digest(), key, checks })
        } else {
            Err(Refusal { checks, reasons })
        }
    }
}

fn reasons(checks: &[Check], policy: &Policy) -> Vec<Reason> {
    let reason = |check: &Check| match &check.outcome {
        Outcome::Failed(why) => Some(Reason::Failed(check.name, why.clone())),
        Outcome::NotRun(why) if policy.required().contains(&check.name) => {
            Some(Reason::NotRun(check.name, why.clone()))
        }
        Outcome::NotRun(_) | Outcome::Passed => None,
    };
    checks.iter().filter_map(reason).collect()
}

impl<T> Verified<T> {
    /// What was verified.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// What was verified, without the proof.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The digest of the policy: a consumer compares it with its own policy's.
    pub fn policy(&self) -> Digest {
        self.policy
    }

    /// The fingerprint of the key that signed.
    pub fn key(&self) -> Digest {
        self.key
    }

    /// Every check in order, also those that the policy does not require.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use zeroize::Zeroizing;

    use super::*;
    use crate::dsse::{Envelope, PayloadType};
    use crate::key::SecretKey;
    use crate::policy::Terms;

    fn key(seed: u8) -> SecretKey {
        SecretKey::generate(&Zeroizing::new([seed; 32]))
    }

    fn opened(seed: u8) -> Opened {
        let envelope = Envelope::sign(PayloadType::InToto, b"{}".to_vec(), &key(seed)).expect("short");
        envelope.verify(&[key(seed).public()]).expect("signed")
    }

    fn all_but(missing: Option<CheckName>) -> Verdict {
        let mut verdict = Verdict::new();
        for check in CheckName::ALL.into_iter().filter(|check| Some(*check) != missing) {
            verdict.record(check, Outcome::Passed);
        }
        verdict
    }

    fn least(threshold: usize) -> Policy {
        let keys = vec![key(1).public(), key(2).public()];
        Policy::new(Terms { threshold, keys, product: None, required: BTreeSet::new() }).expect("a policy")
    }

    #[test]
    fn a_proof_carries_value_policy_key_and_outcomes() {
        let policy = Policy::implicit(key(1).public());
        let proof = all_but(None).conclude(&policy, &opened(1), "value").expect("all passed");
        assert_eq!(
            (*proof.value(), proof.policy(), proof.key()),
            ("value", policy.digest(), key(1).public().fingerprint())
        );
        assert_eq!(proof.checks().len(), CheckName::ALL.len());
        assert!(proof.checks().iter().all(|check| check.outcome == Outcome::Passed));
        assert_eq!(proof.into_value(), "value");
    }

    /// A22.
    #[test]
    fn a_check_that_did_not_run_is_not_a_pass() {
        let policy = Policy::implicit(key(1).public());
        for check in CheckName::ALL {
            let refusal = all_but(Some(check)).conclude(&policy, &opened(1), ()).unwrap_err();
            assert_eq!(refusal.reasons, [Reason::NotRun(check, "not reached".to_owned())]);
            let mut verdict = all_but(Some(check));
            verdict.record(check, Outcome::NotRun("unavailable".to_owned()));
            let refusal = verdict.conclude(&policy, &opened(1), ()).unwrap_err();
            assert_eq!(refusal.reasons, [Reason::NotRun(check, "unavailable".to_owned())]);
        }
        let nothing = Verdict::new().conclude(&least(1), &opened(1), ()).unwrap_err();
        assert_eq!(nothing.reasons.len(), CheckName::ALWAYS.len());
    }

    #[test]
    fn a_failure_refuses_also_where_the_check_is_not_required() {
        for check in CheckName::ALL {
            let mut verdict = all_but(None);
            verdict.record(check, Outcome::Failed("why".to_owned()));
            let refusal = verdict.conclude(&least(1), &opened(1), ()).unwrap_err();
            assert_eq!(refusal.reasons, [Reason::Failed(check, "why".to_owned())]);
            assert_eq!(refusal.to_string(), format!("refused: {check} failed: why"));
        }
    }

    #[test]
    fn only_what_the_policy_requires_must_run() {
        for check in CheckName::ALL {
            let allowed = all_but(Some(check)).conclude(&least(1), &opened(1), ()).is_ok();
            assert_eq!(allowed, !CheckName::ALWAYS.contains(&check), "{check}");
        }
    }

    #[test]
    fn the_worst_outcome_stays() {
        let (failed, not_run) = (Outcome::Failed("first".to_owned()), Outcome::NotRun("first".to_owned()));
        let second = Outcome::Failed("second".to_owned());
        for (outcomes, want) in [
            (vec![failed.clone(), Outcome::Passed], &failed),
            (vec![Outcome::Passed, failed.clone(), not_run.clone()], &failed),
            (vec![not_run.clone(), Outcome::Passed], &not_run),
            (vec![not_run.clone(), failed.clone()], &failed),
            (vec![failed.clone(), second], &failed),
        ] {
            let mut verdict = Verdict::new();
            outcomes.into_iter().for_each(|outcome| verdict.record(CheckName::Checksums, outcome));
            let found = verdict.checks().into_iter().find(|check| check.name == CheckName::Checksums);
            assert_eq!(found.map(|check| check.outcome).as_ref(), Some(want));
        }
    }

    #[test]
    fn a_key_outside_the_policy_is_refused_whatever_was_recorded() {
        let refusal = all_but(None).conclude(&least(1), &opened(3), ()).unwrap_err();
        assert_eq!(refusal.reasons, [Reason::Key(key(3).public().fingerprint())]);
        assert_eq!(refusal.code(), "verify.refused");
    }

    #[test]
    fn one_signature_is_not_two() {
        let refusal = all_but(None).conclude(&least(2), &opened(1), ()).unwrap_err();
        assert_eq!(refusal.reasons, [Reason::Threshold { found: 1, wanted: 2 }]);
    }

    #[test]
    fn a_refusal_always_has_a_reason() {
        assert_eq!(Verdict::new().refuse(&least(1)).reasons.len(), CheckName::ALWAYS.len());
        assert_eq!(all_but(None).refuse(&least(1)).reasons.len(), 1);
    }

    #[test]
    fn names_of_checks_are_distinct_and_complete() {
        let names: BTreeSet<&str> = CheckName::ALL.iter().map(|check| check.as_str()).collect();
        assert_eq!(names.len(), CheckName::ALL.len());
        assert!(CheckName::ALL.is_sorted());
        assert!(CheckName::ALL.into_iter().all(|check| CheckName::from_name(check.as_str()) == Some(check)));
        assert_eq!(CheckName::from_name("Envelope"), None);
    }
}
