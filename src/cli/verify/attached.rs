//! An image, and what is said of it beside it.

use sealift_trust::Meaning;

use super::super::{World, project};
use crate::config::Overrides;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::image::Places;
use crate::oci::{Place, Reference};
use crate::verify::{self, Attached, Authority, ImageJudgement};

/// Judges an image by whose word counts. What it gives is the image by its digest: a tag is a hint, and moves.
pub(super) fn image(
    world: &World<'_>,
    place: &Place,
    authority: &Authority,
    meaning: Meaning<'_>,
) -> Result<Product, Failure> {
    let config = project::load(world, &Overrides::default())?.config;
    let places = Places::new(world.host, &config.registries, world.events);
    let opened = places.open(place)?;
    let found = opened.named()?;
    let judgement = verify::verify_image(opened.source(), &found, authority, meaning, world.events)?;
    let pinned = match place {
        Place::Registry(reference) => reference.repository().pin(found.digest).to_string(),
        Place::Layout { folder, .. } => format!("oci:{}:@{}", folder.display(), found.digest),
        Place::OciArchive { file, .. } => format!("oci-archive:{}:@{}", file.display(), found.digest),
        Place::DockerArchive { file, .. } => format!("docker-archive:{}:@{}", file.display(), found.digest),
    };
    if let Some(why) = &judgement.refused {
        let mut failure = super::super::usage(why.code(), Kind::Trust, format!("refused: {pinned}: {why}"), why.hint());
        let rest = judgement.distrusted.iter().skip(1).map(|(at, why)| format!("{at}: {why}"));
        failure.detail = Some(rest.collect::<Vec<_>>().join("\n")).filter(|rest| !rest.is_empty());
        return Err(failure);
    }
    let what = match meaning {
        Meaning::Signature => "is signed by".to_owned(),
        Meaning::Statement(kind) => format!("has a {kind} by"),
    };
    let mut note = format!("{pinned} {what} {}", authority.shown());
    if let Place::Registry(Reference::Tag { tag, .. }) = place {
        note += &format!("; that {tag} leads there is nobody's word but the registry's");
    }
    Ok(Product::lines([pinned.clone()]).with_data(data(&pinned, &judgement)).with_note(note))
}

fn data(pinned: &str, judgement: &ImageJudgement) -> serde_json::Value {
    let attached = |attached: &Attached| {
        serde_json::json!({
            "at": attached.at,
            "format": attached.format,
            "predicateType": attached.predicate_type,
            "reference": attached.reference,
            "checked": attached.steps.iter().map(|(name, found)| serde_json::json!({ "check": name, "found": found })).collect::<Vec<_>>(),
        })
    };
    serde_json::json!({
        "verified": judgement.refused.is_none(),
        "image": pinned,
        "digest": judgement.digest,
        "accepted": judgement.accepted.iter().map(attached).collect::<Vec<_>>(),
        "others": judgement.others.iter().map(attached).collect::<Vec<_>>(),
        "distrusted": judgement.distrusted.iter().map(|(at, why)| serde_json::json!({ "at": at, "code": why.code(), "why": why.to_string() })).collect::<Vec<_>>(),
        "notChecked": judgement.unchecked.iter().map(|(name, why)| serde_json::json!({ "check": name, "why": why })).collect::<Vec<_>>(),
    })
}
