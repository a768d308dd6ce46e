//! Which SBOMs are made.

use sealift_trust::name::{FileName, plain_file};
use serde::Serialize;

use super::{Image, PlanError};
use crate::config::settings::Config;
use crate::config::template::Fields;
use crate::product::{SbomFormat, SbomOf};
use crate::survey::Survey;
use crate::target::Target;

/// One SBOM of one binary or image.
#[derive(Clone, Debug, Serialize)]
pub struct Sbom {
    /// The step, for people.
    pub step: String,
    /// The file's name.
    pub name: FileName,
    /// What it lists.
    pub of: SbomOf,
    /// Whose binary or image.
    pub service: FileName,
    /// For which target.
    pub target: Target,
    /// How it is written.
    pub format: SbomFormat,
    /// When, in seconds since 1970: the commit's time that is stamped into the binary.
    pub created: u64,
    /// The project's licence.
    pub license: Option<String>,
    /// Which of the survey's toolchains knows the modules; none for what something else built.
    #[serde(skip)]
    pub toolchain: Option<usize>,
}

/// One for each binary and format, with the name that an archive of that binary alone has; then one for each image.
pub(super) fn sboms(survey: &Survey, config: &Config, images: &[Image]) -> Result<Vec<Sbom>, PlanError> {
    let mut sboms = Vec::new();
    for service in &survey.services {
        for target in service.targets.iter().map(|inputs| &inputs.target) {
            let version = service.stamp.version.to_string();
            let (project, own) = (config.project.name.as_str(), service.name.as_str());
            let stem =
                service.settings.package.name.render(&Fields { project, service: own, version: &version, target });
            let imaged = images.iter().any(|image| {
                image.service == service.name && image.platforms.iter().any(|platform| platform.target == *target)
            });
            let of = [SbomOf::Binary].into_iter().chain(imaged.then_some(SbomOf::Image));
            let formats = SbomFormat::ALL.into_iter().filter(|format| config.sbom.formats.contains(format));
            for (of, format) in of.flat_map(|of| formats.clone().map(move |format| (of, format))) {
                let (middle, word) = match of {
                    SbomOf::Binary => ("", ""),
                    SbomOf::Image => (".image", "image "),
                };
                let text = format!("{stem}{middle}.{}", format.extension());
                let name = plain_file(&text).map_err(|source| PlanError::BadName { name: text.clone(), source })?;
                sboms.push(Sbom {
                    step: format!("sbom {word}{} {target} {}", service.name, format.word()),
                    name,
                    of,
                    service: service.name.clone(),
                    target: target.clone(),
                    format,
                    created: service.stamp.time,
                    license: config.project.license.clone(),
                    toolchain: service.toolchain,
                });
            }
        }
    }
    Ok(sboms)
}
