//! Sealift: build it, seal it, ship it. From a commit to a signed, verified release.
//!
//! A stage maps values to values; [`pipeline`] puts them in a row. What always holds, and what enforces it:
//!
//! 1. The plan is complete and printable before the first step; a dry run writes nothing but cache entries.
//!    Enforced by: tests/e2e/release.rs::a_dry_run_writes_nothing
//! 2. Same inputs, same bytes: binary, archive, image, and the payload of the release manifest. Only the provenance may name
//!    time and machine, and that of a local run does not.
//!    Enforced by: tests/e2e/reproducible.rs, tests/e2e/image.rs::two_builds_anywhere_have_the_same_digests, tests/e2e/release.rs::an_unrelated_commit_changes_no_binary
//! 3. A step is keyed by the digest of its inputs: a step whose key is in the store is not done again, exactly the
//!    dependents of a changed input are, and a damaged entry is found and done again.
//!    Enforced by: tests/e2e/build.rs::exactly_the_dependents_are_redone, store::tests::a_damaged_blob_is_seen_and_goes
//! 4. Nothing half-made is visible under a final name.
//!    Enforced by: host::staging::tests::a_staged_file_that_is_dropped_leaves_nothing, xtask/src/campaign.rs
//! 5. Anything signed is parsed once, from the verified buffer, by a strict reader, and any changed byte is refused.
//!    Enforced by: src/trust/dsse.rs, tests/e2e/verify.rs, tests/property/images.rs::any_changed_byte_is_refused
//! 6. Digest and size of a download are bounded before it starts, a body is cut at its cap, and credentials never leave
//!    their origin, which also a registry that lies at every step cannot change.
//!    Enforced by: src/host/http/tests.rs, tests/e2e/registry/mod.rs
//! 7. Hostile archives are refused whole, before the first write; layers of others are looked at and never unpacked.
//!    Enforced by: src/archive/tests/mod.rs, src/oci/tests/layers.rs
//! 8. Untrusted text reaches no terminal and no shell unescaped; children get an argument vector and an allow-listed
//!    environment. Enforced by: src/sanitize.rs, src/version/notes/tests.rs, host::process::tests::a_child_sees_only_its_own_environment
//! 9. Secrets are types that cannot be printed. Enforced by: src/trust/key/tests.rs
//! 10. Only `host` touches the outside, only `console` prints, and a module names only modules above it.
//!     Enforced by: clippy.toml, xtask/src/tidy.rs
//! 11. What is built is a commit, and branch and tags lead to it when all else is done: together, from where they were, or
//!     not at all. A tag that is there already is a given source, and nothing moves it.
//!     Enforced by: tests/e2e/refs/bump.rs, tests/e2e/refs.rs::a_tag_that_started_the_run_is_not_touched

pub mod archive;
pub mod artifact;
pub mod attest;
pub mod build;
pub mod cli;
pub mod command;
pub mod config;
pub mod console;
pub mod error;
pub mod event;
pub mod history;
pub mod host;
pub mod image;
pub mod lock;
pub mod oci;
pub mod package;
pub mod pipeline;
pub mod plan;
pub mod product;
pub mod refs;
pub mod registry;
pub mod sanitize;
pub mod sbom;
pub mod scan;
pub mod store;
pub mod survey;
pub mod table;
pub mod target;
pub mod toolchain;
pub mod verify;
pub mod version;
