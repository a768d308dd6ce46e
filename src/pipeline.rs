//! The stages in a row: what `sealift release` and `sealift package` do with a plan.

use std::sync::mpsc::channel;

use crate::build::{self, Built, Yard};
use crate::error::Failure;
use crate::package::{self, Bench, Packed};

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
