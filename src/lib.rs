//! Sealift: build it, seal it, ship it. From a commit to a signed, verified release.
//!
//! A stage maps values to values; here they are put in a row. The invariants, each with what enforces it:
//!
//! 1. The plan is complete and printable before the first step; `--dry-run` writes nothing but cache entries.
//!    (enforced by: `a_dry_run_writes_nothing` in tests/e2e/release.rs)
//! 2. Same inputs, same bytes: binary, archive, and the payload of the release manifest.
//!    (enforced by: `the_same_bytes_whatever_the_surroundings` in tests/e2e/reproducible.rs)
//! 3. A step is keyed by the digest of its inputs; a step whose key is in the store is not done again, a corrupt entry
//!    is done again. (enforced by: `exactly_the_dependents_are_redone` in tests/e2e/build.rs)
//! 4. Nothing half-made is visible under a final name. (enforced by: xtask/src/campaign_kill.rs)
//! 7. Anything signed is parsed once, from the verified buffer, by a strict reader.
//!    (enforced by: src/trust/dsse.rs)
//! 9. Hostile archives are refused whole, before the first write. (enforced by: src/archive/tests)
//! 10. Untrusted text never reaches a terminal or a shell unescaped; children get an argument vector and an allow-listed
//!     environment. (enforced by: src/sanitize.rs, `a_child_sees_only_its_own_environment` in src/host/process.rs)
//! 11. Secrets are types that cannot be printed. (enforced by: src/trust/key/tests.rs)
//! 12. Only `host` touches the outside, only `console` prints. (enforced by: clippy.toml, xtask/src/tidy.rs)
//!
//! Numbers 5, 6 and 8 are about publishing, activating and downloading images; they stand in the design and get their
//! line here with the stage that they bind.

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
pub mod package;
pub mod plan;
pub mod product;
pub mod sanitize;
pub mod store;
pub mod survey;
pub mod table;
pub mod target;
pub mod toolchain;
pub mod verify;
pub mod version;

use std::sync::mpsc::channel;

use build::{Built, Yard};
use error::Failure;
use package::{Bench, Packed};

/// Binaries and archives of a plan.
pub struct Made {
    /// The binaries, in the order of the plan.
    pub built: Vec<Built>,
    /// The archives, in the order of the plan.
    pub packed: Vec<Packed>,
}

/// Builds and packages, one overlapping the other, while the checks of the sources run. The checks stand before
/// everything that follows: a release whose sources are not what `go.sum` says is not made.
pub fn make(yard: &Yard<'_>) -> Result<Made, Failure> {
    let bench = Bench { host: yard.host, events: yard.events, store: yard.store, plan: yard.plan };
    let (send, receive) = channel();
    let (built, packed, checked) = std::thread::scope(|scope| {
        let packing = scope.spawn(|| package::package(&bench, &{ receive }));
        let checking = scope.spawn(|| build::check(yard));
        // The channel closes when the last binary is sent: the sender lives in this call alone.
        let built = build::build(yard, &{
            let send = send;
            // A packager that has failed has dropped its end, and says why itself.
            move |built: Built| drop(send.send(built.binary))
        });
        let packed = packing.join().expect("packaging does not panic");
        (built, packed, checking.join().expect("checking does not panic"))
    });
    let built = built?;
    checked?;
    Ok(Made { built, packed: packed? })
}
