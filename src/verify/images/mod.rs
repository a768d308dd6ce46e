//! The images: from the index that the manifest names to every blob of its layout, and no others.
//!
//! The manifest names indexes and manifests by digest; these name configurations and layers. A document is read only when
//! its bytes are the signed ones, so that all that is followed is what was signed. The layout's own files have one form
//! ([`Release::layout_index`]).

mod documents;
mod held;
mod layout;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use sealift_trust::policy::Scope;
use sealift_trust::statement::{LAYOUT, LAYOUT_FILE, LAYOUT_INDEX, LAYOUT_TEXT};
use sealift_trust::{CheckName, Release};

use self::documents::Walked;
use self::layout::{Layout, Wrong};
use super::VerifyError;
use super::archives::Known;
use super::contents::{IN_PART, Wanted};
use super::finding::{Findings, Flaw};
use super::scene::Scene;
use crate::host::{Host, machine};
use crate::oci;
use crate::sanitize::sanitize_line;

/// Judges the images of a whole release.
pub(super) fn judge(host: &Host, scene: &Scene, release: &Release, findings: &mut Findings) -> Result<(), VerifyError> {
    if scene.scope == Scope::Files {
        findings.not_run(CheckName::ImagesPresent, IN_PART);
        findings.not_run(CheckName::ImagesMatch, IN_PART);
        return Ok(());
    }
    let Some(index) = release.layout_index() else {
        // Nothing is promised; a folder that is there all the same is a stranger.
        findings.settle(CheckName::ImagesPresent, Vec::new());
        findings.settle(CheckName::ImagesMatch, Vec::new());
        return Ok(());
    };
    let layout = match scene.file(LAYOUT).map(Layout::look).transpose()? {
        Some(Ok(layout)) => layout,
        absent => {
            let flaw = absent.and_then(Result::err).unwrap_or_else(|| Flaw::Missing(LAYOUT.to_owned()));
            findings.fail(CheckName::ImagesPresent, flaw);
            findings.not_run(CheckName::ImagesMatch, "there is no image layout");
            return Ok(());
        }
    };
    let mut seen = Seen::default();
    seen.note(layout.compare(LAYOUT_FILE, LAYOUT_TEXT.as_bytes())?);
    seen.note(layout.compare(LAYOUT_INDEX, &index)?);
    let walked = documents::walk(host, &layout, release, &mut seen)?;
    measure(host, &layout, &walked, &mut seen)?;
    hold(host, &layout, release, &walked, &mut seen)?;
    record(&layout, &walked, seen, findings);
    Ok(())
}

/// What was found wrong.
#[derive(Default)]
struct Seen {
    absent: Vec<Flaw>,
    differing: Vec<Flaw>,
    /// The blobs that are not what they should be, or not there.
    wrong: BTreeSet<Wanted>,
}

impl Seen {
    fn note(&mut self, wrong: Option<Wrong>) {
        match wrong {
            Some(Wrong::Absent(flaw)) => self.absent.push(flaw),
            Some(Wrong::Differs(flaw)) => self.differing.push(flaw),
            None => {}
        }
    }

    fn note_blob(&mut self, blob: Wanted, wrong: Option<Wrong>) {
        if wrong.is_some() {
            self.wrong.insert(blob);
        }
        self.note(wrong);
    }
}

/// Measures what was named and is no document, the longest first, so that no core is left with it at the end.
fn measure(host: &Host, layout: &Layout, walked: &Walked<'_>, seen: &mut Seen) -> Result<(), VerifyError> {
    let mut blobs: Vec<Wanted> = walked.reached.difference(&walked.read).copied().collect();
    blobs.sort_by_key(|blob| Reverse(blob.size));
    let measured = machine::parallel(&blobs, machine::cores(), |blob| {
        go_on(host)?;
        layout.measure(*blob)
    })?;
    let mut wrong: Vec<(Wanted, Option<Wrong>)> = blobs.into_iter().zip(measured).collect();
    wrong.sort_by_key(|(blob, _)| *blob);
    wrong.into_iter().for_each(|(blob, wrong)| seen.note_blob(blob, wrong));
    Ok(())
}

/// Looks into the layers of the images of which every blob is the right one: no decoder sees bytes that nobody signed.
fn hold(
    host: &Host,
    layout: &Layout,
    release: &Release,
    walked: &Walked<'_>,
    seen: &mut Seen,
) -> Result<(), VerifyError> {
    let known = Known::of(release);
    let source = match oci::Layout::open(&layout.folder) {
        Ok(source) => source,
        // One that is not as it must be was named already.
        Err(_) if !seen.absent.is_empty() || !seen.differing.is_empty() => return Ok(()),
        Err(failure) => {
            let why = sanitize_line(&failure.message).into_owned();
            seen.differing.push(Flaw::Document { name: LAYOUT.to_owned(), code: failure.code, why });
            return Ok(());
        }
    };
    let is_right = |layer: &oci::Descriptor| !seen.wrong.contains(&Wanted::from(layer));
    let images: Vec<_> = walked.images.iter().filter(|image| image.layers.iter().all(is_right)).collect();
    let flaws = machine::parallel(&images, machine::cores(), |image| {
        go_on(host)?;
        Ok::<_, VerifyError>(held::judge(&source, image, &known))
    })?;
    seen.differing.extend(flaws.into_iter().flatten());
    Ok(())
}

fn record(layout: &Layout, walked: &Walked<'_>, seen: Seen, findings: &mut Findings) {
    let strays = layout.strays.iter().cloned();
    if walked.is_complete {
        let reached: BTreeSet<_> = walked.reached.iter().map(|blob| blob.digest).collect();
        let unnamed = layout.blobs.difference(&reached).map(|digest| Flaw::Extra(layout::shown(*digest)));
        findings.settle(CheckName::NothingExtra, strays.chain(unnamed).collect());
    } else {
        let why = "an image's documents are not the signed ones";
        findings.settle_in_part(CheckName::NothingExtra, strays.collect(), why);
    }
    let is_whole = seen.absent.is_empty();
    findings.settle(CheckName::ImagesPresent, seen.absent);
    if is_whole {
        findings.settle(CheckName::ImagesMatch, seen.differing);
    } else {
        findings.settle_in_part(CheckName::ImagesMatch, seen.differing, "a blob is missing");
    }
}

fn go_on(host: &Host) -> Result<(), VerifyError> {
    if host.children.stopped() { Err(VerifyError::Interrupted) } else { Ok(()) }
}
