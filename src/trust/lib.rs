//! The verifying core of sealift: digests, strict JSON, envelopes, statements, keys, policies and verdicts.
//!
//! Small, and without I/O, so that fuzzing and mutation testing stay affordable: no files, no environment, no clock and
//! no randomness. What is random or now is a parameter. A release is judged in this order, and the types allow no other:
//!
//! ```text
//! bytes -> Envelope::parse -> verify(keys) -> Opened -> Statement::parse -> checks -> Verdict::conclude -> Verified<T>
//! ```
//!
//! # Invariants, and the test that enforces each
//!
//! 1. A document is read in one way or not at all: no name twice at any depth, nothing after the end, no number that
//!    rounds, no broken text; depth, length and count of values are bounded (`json::tests`, above all
//!    `duplicate_names_are_refused_at_any_depth_and_after_unescaping` and `depth_size_and_count_are_bounded`).
//! 2. A value has one form in bytes, and a form one value (`reading_what_was_written_gives_the_value`,
//!    `arbitrary_bytes_never_panic_and_never_pass_twice`, `canonical_form_is_that_of_rfc_8785`).
//! 3. Any changed byte of an envelope is refused (`every_single_change_of_an_envelope_is_refused`,
//!    `what_is_signed_opens_and_what_is_changed_does_not`).
//! 4. Nothing signed is read before its signature is verified, and then from the verified buffer: the payload of an
//!    [`Envelope`] is private, and [`Statement::parse`] takes nothing but an [`Opened`] (the compiler, and
//!    `an_envelope_opens_for_its_key_alone`).
//! 5. The algorithm is the key's, and key ids decide nothing: a signature is bytes, and an envelope with a key id is
//!    refused (`other_forms_are_refused`, `an_spki_with_parameters_or_another_length_is_refused`).
//! 6. No key is trusted about which verifiers could disagree (`keys_of_low_order_are_refused`,
//!    `keys_with_a_torsion_component_are_refused`, `keys_in_a_second_encoding_are_refused`), and no signature has a second
//!    form (`a_malleable_s_is_refused`, `an_r_of_small_order_is_refused`, `every_changed_bit_of_a_signature_is_refused`).
//! 7. A statement's type and predicate type are compared before anything else of it is used
//!    (`an_unknown_type_is_refused_first`); its subjects are its artifacts (`subjects_are_the_artifacts_in_their_order`);
//!    every binary is held by an archive or an image, and these hold nothing else (`every_binary_is_held_and_nothing_else_is`,
//!    `an_image_is_indexed_and_holds_the_binary_of_its_own`).
//!    A provenance is of one release, and a local run claims nothing hosted (`it_is_of_one_release_alone`,
//!    `a_local_run_claims_nothing_hosted`); what was signed for one purpose serves no other
//!    (`a_provenance_is_no_manifest_and_a_manifest_no_provenance`), and a bare signature is over nothing that somebody reads
//!    as signed for another (`what_is_signed_elsewhere_with_marks_of_its_own_is_no_file`,
//!    `a_claim_in_any_spelling_is_no_file`, `parts_of_a_signature_of_minisign_are_no_files`).
//! 8. A name of a file is a plain name on every system ([`name::plain_file`]; `names_that_leave_the_folder_are_refused`,
//!    `names_that_lie_to_the_eye_or_to_a_terminal_are_refused`, `devices_of_windows_are_refused`), and two names are two
//!    files also where case is ignored (`names_are_unique_also_where_case_is_ignored`).
//! 9. A threshold is 1 to the number of distinct keys (`a_threshold_is_at_least_one_and_at_most_all`,
//!    `one_key_does_not_count_twice`, `one_signature_is_not_two`).
//! 10. A [`Verified`] has one origin, and there a check that did not run is not a pass
//!     (`a_check_that_did_not_run_is_not_a_pass`, `a_failure_refuses_also_where_the_check_is_not_required`,
//!     `a_key_outside_the_policy_is_refused_whatever_was_recorded`, and the examples of [`Verified`] that do not compile).
//! 11. Secrets are zeroised and cannot be printed (`secrets_cannot_be_seen_in_debug_output`); a hostile key file costs
//!     neither hours nor gigabytes (`parameters_that_cost_too_much_are_refused_at_once`); keys and signatures are those of
//!     OpenSSL (`tests/openssl.rs`).

#[macro_use]
mod text;
pub mod bundle;
pub mod claim;
pub mod detached;
pub mod digest;
mod domain;
pub mod dsse;
pub mod json;
pub mod key;
pub mod message;
pub mod minisign;
pub mod name;
pub mod policy;
pub mod sshsig;
pub mod statement;
pub mod verdict;

pub use bundle::{Bundle, BundleError};
pub use claim::{Claim, ClaimError};
pub use detached::{Detached, DetachedError, Meaning, SignatureFormat};
pub use digest::{Digest, Hasher, NotADigest};
pub use dsse::{DsseError, Envelope, Opened, PayloadType};
pub use json::JsonError;
pub use key::{Algorithm, Encryption, KeyError, Passphrase, PublicKey, SecretKey, Signature};
pub use message::Message;
pub use name::{FileName, NameError};
pub use policy::{Policy, PolicyError};
pub use statement::{Predicate, Release, Statement, StatementError};
pub use verdict::{CheckName, Outcome, Refusal, Verdict, Verified};
