//! One file and a signature in a file of its own.

use std::path::Path;

use sealift_trust::Meaning;

use super::super::World;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::verify::{self, Authority, Distrust, Signed};

/// Judges a file by a signature and whose word counts.
pub(super) fn file(
    world: &World<'_>,
    (file, signature): (&Path, &Path),
    authority: &Authority,
    meaning: Meaning<'_>,
) -> Result<Product, Failure> {
    let (file, signature) = (world.path(file), world.path(signature));
    let signed = verify::verify_detached(world.host, (&file, &signature), authority, meaning, world.events)?;
    let shown = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(why) = &signed.refused {
        return Err(super::super::usage(why.code(), Kind::Trust, format!("refused: {shown}: {why}"), why.hint()));
    }
    let algorithm = authority.key().map(|key| format!(", {}", key.algorithm().name())).unwrap_or_default();
    let format = signed.format.unwrap_or_default();
    let what = match meaning {
        Meaning::Signature => "is what",
        Meaning::Statement(_) => "is what, by a statement of the wanted type,",
    };
    let mut note = format!("{shown} {what} {} signed ({format}{algorithm})", authority.shown());
    if let Some(comment) = &signed.comment {
        note += &format!("; its signer says: {comment}");
    }
    Ok(Product::lines([signed.digest.to_string()]).with_data(data(&signed, authority)).with_note(note))
}

fn data(signed: &Signed, authority: &Authority) -> serde_json::Value {
    let key = authority.key();
    serde_json::json!({
        "verified": signed.refused.is_none(),
        "code": signed.refused.as_ref().map(Distrust::code),
        "digest": signed.digest,
        "size": signed.size,
        "format": signed.format,
        "algorithm": key.map(|key| key.algorithm().name()),
        "key": key.map(sealift_trust::PublicKey::fingerprint),
        "comment": signed.comment,
        "checked": signed.steps.iter().map(|(name, found)| serde_json::json!({ "check": name, "found": found })).collect::<Vec<_>>(),
        "notChecked": signed.unchecked.iter().map(|(name, why)| serde_json::json!({ "check": name, "why": why })).collect::<Vec<_>>(),
    })
}
