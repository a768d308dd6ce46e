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
use crate::scan::{ProgramFile, Scanned, Scanner};

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
    /// What was found in the binaries, in the order of the plan; nothing without a scanner.
    pub scanned: Vec<Scanned>,
}

/// What a release is judged by while it is made.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// The databases and statements.
    pub scanner: &'a Scanner,
    /// Whether every binary must tell what is in it: a gate judges it.
    pub strict: bool,
}

/// Builds, packages, makes images, lists what is in each binary and scans it, one overlapping the other, while the checks of
/// the sources run. The checks stand before everything that follows: a release whose sources are not what `go.sum` says is
/// not made. `released` are the layers of the last release's images, with which those of images over their budget are
/// compared.
pub fn make(
    yard: &Yard<'_>,
    places: &Places<'_>,
    released: &BTreeSet<Digest>,
    judge: Option<Judge<'_>>,
) -> Result<Made, Failure> {
    let Yard { host, events, store, plan, .. } = *yard;
    events.send(Event::Stages(stages(plan, judge.is_some())));
    let programs = &Programs::new(store, plan);
    let packing = package::Bench { host, events, store, plan, programs };
    let imaging = image::Bench { host, events, store, plan, places, programs, released };
    let listing = sbom::Bench { host, events, store, survey: yard.survey, plan };
    let (to_pack, to_be_packed) = channel();
    let (to_image, to_be_imaged) = channel();
    let (to_list, to_be_listed) = channel();
    let (to_scan, to_be_scanned) = channel();
    let (built, packed, images, listed, scanned, checked) = std::thread::scope(|scope| {
        let packing =
            (!plan.packages.is_empty()).then(|| scope.spawn(|| package::package(&packing, &{ to_be_packed })));
        let imaging = (!plan.images.is_empty()).then(|| scope.spawn(|| image::image(&imaging, &{ to_be_imaged })));
        let listing = (!plan.sboms.is_empty()).then(|| scope.spawn(|| sbom::sbom(&listing, &{ to_be_listed })));
        let scanning =
            judge.map(|judge| scope.spawn(move || judge.scanner.scan_as_they_come(events, &{ to_be_scanned })));
        let checking = scope.spawn(|| build::check(yard));
        // The channels close when the last binary is sent: the senders live in this call alone.
        let built = build::build(yard, &{
            let (to_pack, to_image, to_list, to_scan) = (to_pack, to_image, to_list, to_scan);
            // A stage that has failed has dropped its end, and says why itself.
            move |built: Built| {
                drop(to_image.send(built.binary.clone()));
                drop(to_pack.send(built.binary.clone()));
                if let Some(judge) = judge {
                    drop(to_scan.send(to_be_judged(yard, &built, judge.strict)));
                }
                drop(to_list.send(built));
            }
        });
        let packed = packing.map_or(Ok(Vec::new()), |packing| packing.join().expect("packaging does not panic"));
        let images = imaging.map_or(Ok(Vec::new()), |imaging| imaging.join().expect("making images does not panic"));
        let listed = listing.map_or(Ok(Vec::new()), |listing| listing.join().expect("listing does not panic"));
        let scanned = scanning.map_or(Ok(Vec::new()), |scanning| scanning.join().expect("scanning does not panic"));
        (built, packed, images, listed, scanned, checking.join().expect("checking does not panic"))
    });
    let built = built?;
    checked?;
    let (packed, images, mut sboms, scanned) = (packed?, images?, listed?, scanned?);
    sboms.extend(sbom::images(&listing, &images, &built)?);
    Ok(Made { built, packed, images, sboms, scanned })
}

/// A binary as it is scanned, as it was before upx packed it, with its place in the plan.
fn to_be_judged(yard: &Yard<'_>, built: &Built, strict: bool) -> (usize, ProgramFile) {
    let Built { binary, .. } = built;
    let at = yard.plan.builds.iter().position(|build| build.service == binary.service && build.target == binary.target);
    let program = ProgramFile {
        name: format!("{} {}", binary.service, binary.target),
        path: built.before_upx.map_or_else(|| built.file.clone(), |before| yard.store.path_of(before.digest)),
        digest: binary.artifact.digest(),
        named: strict,
        released: Some(yard.plan.release.version.to_string()),
    };
    (at.unwrap_or_default(), program)
}

/// The stages that have something to do, with the number of their steps.
fn stages(plan: &Plan, scanned: bool) -> Vec<(&'static str, usize)> {
    let all = [
        ("check", plan.checks.len()),
        ("build", plan.builds.len()),
        ("package", plan.packages.len()),
        ("image", plan.images.iter().map(|image| image.platforms.len()).sum()),
        ("sbom", plan.sboms.len()),
        ("scan", if scanned { plan.builds.len() } else { 0 }),
    ];
    all.into_iter().filter(|(_, steps)| *steps > 0).collect()
}
