//! The stages in a row: what `sealift release`, `sealift package` and `sealift image` do with a plan.

use std::collections::BTreeSet;
use std::sync::mpsc::channel;

use sealift_trust::Digest;

use crate::build::{self, Built, Yard};
use crate::error::Failure;
use crate::event::Event;
use crate::image::{self, Places};
use crate::package::{self, Packed, Programs};
use crate::plan::Plan;
use crate::sbom::{self, Listed};

/// Binaries, archives and images of a plan.
pub struct Made {
    /// The binaries, in the order of the plan.
    pub built: Vec<Built>,
    /// The archives, in the order of the plan.
    pub packed: Vec<Packed>,
    /// The images, in the order of the plan.
    pub images: Vec<image::Made>,
    /// The SBOMs, in the order of the plan.
    pub sboms: Vec<Listed>,
}

/// Builds, packages, makes images and lists what is in each binary, one overlapping the other, while the checks of the
/// sources run. The checks stand before everything that follows: a release whose sources are not what `go.sum` says is
/// not made. `released` are the layers of the last release's images, with which those of images over their budget are
/// compared.
pub fn make(yard: &Yard<'_>, places: &Places<'_>, released: &BTreeSet<Digest>) -> Result<Made, Failure> {
    let Yard { host, events, store, plan, .. } = *yard;
    events.send(Event::Stages(stages(plan)));
    let programs = &Programs::new(store, plan);
    let packing = package::Bench { host, events, store, plan, programs };
    let imaging = image::Bench { host, events, store, plan, places, programs, released };
    let listing = sbom::Bench { host, events, store, survey: yard.survey, plan };
    let (to_pack, to_be_packed) = channel();
    let (to_image, to_be_imaged) = channel();
    let (to_list, to_be_listed) = channel();
    let (built, packed, images, listed, checked) = std::thread::scope(|scope| {
        let packing =
            (!yard.plan.packages.is_empty()).then(|| scope.spawn(|| package::package(&packing, &{ to_be_packed })));
        let imaging = (!yard.plan.images.is_empty()).then(|| scope.spawn(|| image::image(&imaging, &{ to_be_imaged })));
        let listing = (!yard.plan.sboms.is_empty()).then(|| scope.spawn(|| sbom::sbom(&listing, &{ to_be_listed })));
        let checking = scope.spawn(|| build::check(yard));
        // The channels close when the last binary is sent: the senders live in this call alone.
        let built = build::build(yard, &{
            let (to_pack, to_image, to_list) = (to_pack, to_image, to_list);
            // A stage that has failed has dropped its end, and says why itself.
            move |built: Built| {
                drop(to_image.send(built.binary.clone()));
                drop(to_pack.send(built.binary.clone()));
                drop(to_list.send(built));
            }
        });
        let packed = packing.map_or(Ok(Vec::new()), |packing| packing.join().expect("packaging does not panic"));
        let images = imaging.map_or(Ok(Vec::new()), |imaging| imaging.join().expect("making images does not panic"));
        let listed = listing.map_or(Ok(Vec::new()), |listing| listing.join().expect("listing does not panic"));
        (built, packed, images, listed, checking.join().expect("checking does not panic"))
    });
    let built = built?;
    checked?;
    Ok(Made { built, packed: packed?, images: images?, sboms: listed? })
}

/// The stages that have something to do, with the number of their steps.
fn stages(plan: &Plan) -> Vec<(&'static str, usize)> {
    let all = [
        ("check", plan.checks.len()),
        ("build", plan.builds.len()),
        ("package", plan.packages.len()),
        ("image", plan.images.iter().map(|image| image.platforms.len()).sum()),
        ("sbom", plan.sboms.len()),
    ];
    all.into_iter().filter(|(_, steps)| *steps > 0).collect()
}
