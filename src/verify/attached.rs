//! An image, and what is said of it beside it: bundles that are its referrers (image-spec, `manifest.md`, "subject"), and
//! the tags under which cosign kept signatures and statements before there were referrers. Nothing beside an image is
//! believed because it is there: it is signed, about this very digest, and of the type that is wanted, or it does not count.

use std::io::Read;
use std::path::Path;

use sealift_trust::bundle::{BUNDLE_TYPE, ForeignEnvelope};
use sealift_trust::claim::{CLAIM_MEDIA_TYPE, CLAIM_SIGNATURE, MAX_CLAIM};
use sealift_trust::statement::{COSIGN_SIGN_TYPE, Foreign, shown};
use sealift_trust::{Bundle, Claim, DetachedError, Digest, Meaning, PublicKey};

use super::authority::Authority;
use super::{Distrust, keyless};
use crate::error::Failure;
use crate::event::{Event, Events};
use crate::host::files;
use crate::oci::{Descriptor, Document, Manifest, Source, Tag, from_stream};

/// The type of an envelope that lies by itself beside an image.
const ENVELOPE_TYPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The longest statement beside an image, in bytes: lists of parts are the long ones.
const MAX_SAID: u64 = 32 << 20;

/// The most things of the older kind beside one image.
const MOST: usize = 1000;

/// Something that is said of an image, signed and about it.
#[derive(Debug)]
pub struct Attached {
    /// The form in which it was found.
    pub format: &'static str,
    /// The document that holds it.
    pub at: Digest,
    /// What is stated, as a predicate type; a signature states that it is one.
    pub predicate_type: String,
    /// What was verified besides the signature, with what was found.
    pub steps: Vec<(&'static str, String)>,
    /// What the signer calls the image, where there is a place for it: the signer's word.
    pub reference: Option<String>,
}

/// How an image was judged.
#[derive(Debug)]
#[must_use = "a judgement may be a refusal"]
pub struct ImageJudgement {
    /// The image.
    pub digest: Digest,
    /// What is said of it and has the wanted meaning.
    pub accepted: Vec<Attached>,
    /// What else the same authority says of it.
    pub others: Vec<Attached>,
    /// What does not count: where it is, and why.
    pub distrusted: Vec<(Digest, Distrust)>,
    /// What was not checked.
    pub unchecked: Vec<(&'static str, &'static str)>,
    /// Why the image is refused, if it is.
    pub refused: Option<Distrust>,
}

/// What lies beside an image, and nobody verified yet.
struct Found {
    at: Digest,
    what: Kind,
}

enum Kind {
    Bundle(Vec<u8>),
    Claim {
        claim: Vec<u8>,
        signature: String,
    },
    Envelope(Vec<u8>),
    /// Said to be something of these, and of another form.
    Other(&'static str),
}

/// Judges an image by what is beside it and whose word counts.
///
/// # Errors
/// Only when nothing can be judged: a registry that does not answer, or gives other bytes than it names. That there is
/// nothing beside the image is a refusal, and no error (A22).
pub fn verify_image(
    source: &dyn Source,
    image: &Descriptor,
    authority: &Authority,
    meaning: Meaning<'_>,
    events: &Events,
) -> Result<ImageJudgement, Failure> {
    let (mut accepted, mut others, mut distrusted) = (Vec::new(), Vec::new(), Vec::new());
    let (wanted, words) = match meaning {
        Meaning::Signature => (COSIGN_SIGN_TYPE, "a signature".to_owned()),
        Meaning::Statement(wanted) => (wanted, format!("a {wanted:?}")),
    };
    for found in beside(source, image.digest)? {
        match judged(&found, image.digest, authority, meaning) {
            // The type before anything else of it is used (A26).
            Ok(attached) if attached.predicate_type == wanted => accepted.push(attached),
            Ok(attached) => others.push(attached),
            Err(why) => distrusted.push((found.at, why)),
        }
    }
    let refused = match (&accepted[..], &distrusted[..], &others[..]) {
        ([_, ..], ..) => None,
        (_, [(_, first), ..], _) => Some(first.clone()),
        (_, _, [_, ..]) => Some(Distrust::NotMeant(words)),
        _ => Some(Distrust::Nothing),
    };
    let unchecked = unchecked(authority);
    let judgement = ImageJudgement { digest: image.digest, accepted, others, distrusted, unchecked, refused };
    tell(&judgement, events);
    Ok(judgement)
}

/// Everything beside an image that may be a signature or a statement.
fn beside(source: &dyn Source, image: Digest) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for referrer in source.referrers(image)? {
        let is_bundle = referrer.artifact_type.as_deref().is_some_and(|kind| kind == BUNDLE_TYPE);
        let manifest = manifest(source, &referrer)?;
        // What a list says of the type is a hint; the document says it too, or it says it alone.
        if !is_bundle && manifest.as_ref().is_none_or(|manifest| !holds(manifest, BUNDLE_TYPE)) {
            continue;
        }
        let what = match manifest.as_ref().map(|manifest| &manifest.layers[..]) {
            Some([layer]) if layer.media_type == BUNDLE_TYPE => read(source, layer, MAX_SAID)?.map(Kind::Bundle),
            _ => None,
        };
        let what = what.unwrap_or(Kind::Other("one layer that is a bundle is wanted"));
        found.push(Found { at: referrer.digest, what });
    }
    for tag in [Tag::of_claims(image), Tag::of_statements(image)] {
        let Some(document) = source.by_tag(&tag)? else { continue };
        let Some(manifest) = manifest(source, &document)? else { continue };
        for layer in manifest.layers.iter().take(MOST) {
            let what = match layer.media_type.as_str() {
                CLAIM_MEDIA_TYPE => match layer.annotations.get(CLAIM_SIGNATURE).cloned() {
                    Some(signature) => {
                        read(source, layer, MAX_CLAIM as u64)?.map(|claim| Kind::Claim { claim, signature })
                    }
                    None => Some(Kind::Other("a claim comes with its signature, and this one has none")),
                },
                ENVELOPE_TYPE => read(source, layer, MAX_SAID)?.map(Kind::Envelope),
                _ => None,
            };
            let what = what.unwrap_or(Kind::Other("a signature or an envelope is wanted"));
            found.push(Found { at: layer.digest, what });
        }
    }
    Ok(found)
}

/// A document that is no index.
fn manifest(source: &dyn Source, descriptor: &Descriptor) -> Result<Option<Manifest>, Failure> {
    match Document::parse(&source.document(descriptor)?, &descriptor.media_type)? {
        Document::Manifest(manifest) => Ok(Some(manifest)),
        Document::Index(_) => Ok(None),
    }
}

fn holds(manifest: &Manifest, kind: &str) -> bool {
    manifest.artifact_type.as_deref() == Some(kind) || manifest.layers.iter().any(|layer| layer.media_type == kind)
}

/// A blob whole; nothing when it is longer than anything of its kind, so that nothing of it is read.
fn read(source: &dyn Source, descriptor: &Descriptor, most: u64) -> Result<Option<Vec<u8>>, Failure> {
    if descriptor.size > most {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = source.blob(descriptor)?.read_to_end(&mut bytes);
    let otherwise = |error| files::at("read", Path::new(&descriptor.to_string()))(error).into();
    read.map_err(|error| from_stream(error, otherwise))?;
    Ok(Some(bytes))
}

fn judged(found: &Found, image: Digest, authority: &Authority, meaning: Meaning<'_>) -> Result<Attached, Distrust> {
    let at = found.at;
    match (&found.what, authority) {
        (Kind::Other(why), _) => Err(Distrust::Form(why)),
        (Kind::Bundle(bytes), Authority::Key(key)) => {
            stated(at, "sigstore bundle", Bundle::parse(bytes)?.into_envelope()?, key, image)
        }
        (Kind::Envelope(bytes), Authority::Key(key)) => {
            stated(at, "envelope under a tag", ForeignEnvelope::parse(bytes)?, key, image)
        }
        (Kind::Claim { claim, signature }, Authority::Key(key)) => {
            let claim = Claim::open(claim, signature, key)?;
            claim.is_of(image)?;
            let reference = Some(claim.reference().to_owned());
            let predicate_type = COSIGN_SIGN_TYPE.to_owned();
            Ok(Attached { format: "claim under a tag", at, predicate_type, steps: Vec::new(), reference })
        }
        (Kind::Bundle(bytes), Authority::Identity(identity)) => {
            let vouched = keyless::vouched(identity, bytes, image, meaning)?;
            let said = vouched.statement.ok_or(Distrust::Form("a statement about the image is wanted"))?;
            let predicate_type = said.predicate_type().to_owned();
            let format = "sigstore bundle of an identity";
            Ok(Attached { format, at, predicate_type, steps: vouched.steps, reference: None })
        }
        (Kind::Envelope(_) | Kind::Claim { .. }, Authority::Identity(_)) => Err(Distrust::NoBundle),
    }
}

/// A statement: signed by the key, then read, and about the image.
fn stated(
    at: Digest,
    format: &'static str,
    envelope: ForeignEnvelope,
    key: &PublicKey,
    image: Digest,
) -> Result<Attached, Distrust> {
    let opened = envelope.verify(std::slice::from_ref(key))?;
    let statement = Foreign::parse(&opened).map_err(DetachedError::from)?;
    if !statement.is_about(image) {
        return Err(DetachedError::OtherSubject(image).into());
    }
    let predicate_type = statement.predicate_type().to_owned();
    Ok(Attached { format, at, predicate_type, steps: Vec::new(), reference: None })
}

fn unchecked(authority: &Authority) -> Vec<(&'static str, &'static str)> {
    let mut unchecked = vec![
        ("contents", "what is in the image: its digest stands for it, and nothing of it was read"),
        ("name", "the name under which it was found is in no signature: the digest is"),
    ];
    match authority {
        Authority::Key(_) => unchecked.extend([
            ("signer", "whose the key is, and whether it is still trusted, is not in it"),
            ("time", "no timestamp and no transparency log was asked: when it was signed is unknown"),
        ]),
        Authority::Identity(_) => {
            unchecked.push(("signer", "whether that identity may release this is yours to know"));
        }
    }
    unchecked
}

fn tell(judgement: &ImageJudgement, events: &Events) {
    let send = |name: &str, outcome, why: String| events.send(Event::Check { name: name.into(), outcome, why });
    for (name, attached) in judgement
        .accepted
        .iter()
        .map(|attached| ("signature", attached))
        .chain(judgement.others.iter().map(|attached| ("also said", attached)))
    {
        let Attached { format, at, predicate_type, steps, .. } = attached;
        send(name, "passed", format!("{} ({format}, {at})", shown(predicate_type)));
        for (step, found) in steps {
            send(step, "passed", found.clone());
        }
    }
    if let (Some(why), true) = (&judgement.refused, judgement.distrusted.is_empty()) {
        send("signature", "failed", why.to_string());
    }
    for (at, why) in &judgement.distrusted {
        // What does not count harms nothing where something else does: anybody may lay something beside an image.
        let outcome = if judgement.refused.is_some() { "failed" } else { "not run" };
        send("beside it", outcome, format!("{at}: {why}"));
    }
    for (name, why) in &judgement.unchecked {
        send(name, "not run", (*why).to_owned());
    }
}
