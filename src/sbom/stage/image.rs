//! An SBOM of each image: its program as the program's own SBOM has it, the packages of the base, and other programs in its
//! layers.

use super::super::document::{Component, Role, Sbom};
use super::super::image::Content;
use super::{Bench, Listed, Made, Source};
use crate::build::Built;
use crate::error::{Failure, Kind};
use crate::host::machine;
use crate::image::{self, MadePlatform, Stored};
use crate::oci::{Document, Source as _, media};
use crate::plan;
use crate::product::SbomOf;

/// An image with what it was made of and the steps that list it.
type Job<'a> = (&'a MadePlatform, &'a Built, Vec<&'a plan::Sbom>);

/// Makes every SBOM of an image that the plan has, in the order of the plan. The layers of a base are read, the program is
/// not unpacked again: it is known.
pub fn images(bench: &Bench<'_>, images: &[image::Made], built: &[Built]) -> Result<Vec<Listed>, Failure> {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for platform in images.iter().flat_map(|image| &image.platforms) {
        let image = &platform.image;
        let is_of = |step: &&plan::Sbom| {
            step.of == SbomOf::Image && step.service == image.service && step.target == image.target
        };
        let steps: Vec<&plan::Sbom> = bench.plan.sboms.iter().filter(is_of).collect();
        let binary = |built: &&Built| built.binary.service == image.service && built.binary.target == image.target;
        if let (false, Some(built)) = (steps.is_empty(), built.iter().find(binary)) {
            jobs.push((platform, built, steps));
        }
    }
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let sources = bench.sources()?;
    let listed = machine::parallel(&jobs, machine::cores(), |(platform, built, steps)| {
        let mut made = None;
        let one = |step: &&plan::Sbom| {
            let source = step.toolchain.and_then(|index| sources.get(&index));
            let subject = platform.image.artifact.digest();
            let key = bench.key(step, built, source.map(|source| source.digest)).with("image", &subject.hex()).finish();
            bench.step(step, &key, (SbomOf::Image, subject), &mut made, &|| bench.image(step, platform, built, source))
        };
        steps.iter().map(one).collect::<Result<Vec<_>, Failure>>()
    })?;
    Ok(listed.into_iter().flatten().collect())
}

impl Bench<'_> {
    fn image(
        &self,
        step: &plan::Sbom,
        platform: &MadePlatform,
        built: &Built,
        source: Option<&Source<'_>>,
    ) -> Result<Made, Failure> {
        let program = self.list(step, built, source)?;
        let stored = Stored::new(self.store);
        let descriptor = &platform.descriptor;
        let Document::Manifest(manifest) = Document::parse(&stored.document(descriptor)?, &descriptor.media_type)?
        else {
            let message = format!("{} is not the manifest of an image", descriptor.digest);
            let (causes, place, detail) = (Vec::new(), None, None);
            return Err(Failure { code: "sbom.manifest", kind: Kind::Bug, message, causes, hint: None, place, detail });
        };
        let mut root = Component::new("image", Role::Image, step.service.to_string());
        root.version = Some(built.binary.version.to_string());
        root.digest = Some(descriptor.digest);
        root.license.clone_from(&step.license);
        root.properties.insert(
            "sealift:platform".to_owned(),
            descriptor.platform.as_ref().map(ToString::to_string).unwrap_or_default(),
        );
        root.properties.insert("sealift:commit".to_owned(), self.commit(&step.service).to_owned());
        let mut list = Sbom::of(root, step.created);
        let mut content = Content::new(self.store.stage(), String::new());
        // The program's own layer is the topmost one.
        let mut below = manifest.layers.iter().rev();
        below.next();
        for held in &platform.image.holds {
            content.hold(&held.path, program.list.clone());
        }
        for layer in below.filter(|layer| media::is_layer(&layer.media_type)) {
            content.layer(&stored, layer)?;
        }
        content.fill(&mut list);
        Ok(Made { list, whole: program.whole })
    }
}
