//! Which SBOMs are made.

use sealift_trust::name::{FileName, plain_file};
use serde::Serialize;

use super::PlanError;
use crate::config::settings::Config;
use crate::config::template::Fields;
use crate::product::SbomFormat;
use crate::survey::Survey;
use crate::target::Target;

/// One SBOM of one binary.
#[derive(Clone, Debug, Serialize)]
pub struct Sbom {
    /// The step, for people.
    pub step: String,
    /// The file's name.
    pub name: FileName,
    /// Whose binary.
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

/// One for each binary and format, with the name that an archive of that binary alone has.
pub(super) fn sboms(survey: &Survey, config: &Config) -> Result<Vec<Sbom>, PlanError> {
    let mut sboms = Vec::new();
    for service in &survey.services {
        for target in service.targets.iter().map(|inputs| &inputs.target) {
            let version = service.stamp.version.to_string();
            let (project, own) = (config.project.name.as_str(), service.name.as_str());
            let stem =
                service.settings.package.name.render(&Fields { project, service: own, version: &version, target });
            for format in SbomFormat::ALL.into_iter().filter(|format| config.sbom.formats.contains(format)) {
                let text = format!("{stem}.{}", format.extension());
                let name = plain_file(&text).map_err(|source| PlanError::BadName { name: text.clone(), source })?;
                sboms.push(Sbom {
                    step: format!("sbom {} {target} {}", service.name, format.word()),
                    name,
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
