//! What a service's image is made of: the files of the project that go into it, and the base that is pinned.

use std::collections::BTreeMap;
use std::path::Path;

use sealift_trust::Digest;
use serde::Serialize;

use super::certificates::{self, Certificate};
use super::{Extra, Reader, SurveyError, extras};
use crate::archive::Names;
use crate::config::settings::Settings;
use crate::config::settings::image::Base as Configured;
use crate::host::files::{self, What};
use crate::oci::{Place, Platform};
use crate::target::Target;

/// How many files a configured folder may have.
const MAX_FILES: usize = 20_000;

/// What an image is made of besides the binaries.
pub struct ImageInputs {
    /// The targets that get an image, in the order of the platforms' names.
    pub targets: Vec<Target>,
    /// What it stands on.
    pub base: Base,
    /// The configured files; their paths are those in the image, without a leading `/`.
    pub files: Vec<Extra>,
    /// The project's own authorities.
    pub certificates: Vec<Certificate>,
}

/// What an image stands on, by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// Nothing.
    Scratch,
    /// Another image.
    Pinned(PinnedBase),
}

/// A base image as `sealift.lock` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PinnedBase {
    /// As it is written in `sealift.toml`.
    pub reference: String,
    /// Where it lies; paths are those of this machine.
    #[serde(skip)]
    pub place: Place,
    /// What the reference named when it was pinned.
    pub digest: Digest,
    /// The manifest for each target.
    pub manifests: BTreeMap<Target, Digest>,
}

/// Collects what a service's image is made of; nothing when no platform gets one.
pub(super) fn inputs(
    reader: &Reader<'_>,
    service: &str,
    settings: &Settings,
    targets: &[Target],
) -> Result<Option<ImageInputs>, SurveyError> {
    let image = &settings.image;
    let chosen = |target: &&Target| {
        let named = |exclude: bool| {
            image.platforms.iter().any(|pattern| pattern.excludes() == exclude && pattern.matches(target))
        };
        target.os() == "linux" && named(false) && !named(true)
    };
    let mut targets: Vec<Target> = targets.iter().filter(chosen).cloned().collect();
    targets.sort_by_key(|target| Platform::from(target));
    if targets.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for (to, from) in &image.files {
        project_files(reader, to, from, &mut found)?;
    }
    let mut certificates = Vec::new();
    for path in &image.certificates {
        let key = "image.ca-certificates";
        let file = extras::take(&reader.config.root, path.clone(), key, Names::Posix)?.file;
        certificates.extend(certificates::read(path, &file)?);
    }
    certificates.sort();
    certificates.dedup();
    let base = base(reader, service, &image.base, &targets)?;
    Ok(Some(ImageInputs { targets, base, files: found, certificates }))
}

/// A configured file, or every file below a configured folder.
fn project_files(reader: &Reader<'_>, to: &str, from: &str, found: &mut Vec<Extra>) -> Result<(), SurveyError> {
    let (root, key) = (&reader.config.root, "image.files");
    let inner = to.trim_start_matches('/');
    let put = |path: &str, name: String| {
        let extra = extras::take(root, path.to_owned(), key, Names::Posix)?;
        Ok::<_, SurveyError>(Extra { path: name, ..extra })
    };
    if files::what(&root.join(from))? != What::Folder {
        found.push(put(from, inner.to_owned())?);
        return Ok(());
    }
    let mut waiting = vec![String::new()];
    while let Some(folder) = waiting.pop() {
        for name in files::names(&root.join(from).join(&folder))? {
            let below = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let path = if from == "." { below.clone() } else { format!("{from}/{below}") };
            if files::what(&root.join(&path))? == What::Folder {
                // What sealift writes itself is no file of the project, nor is what git keeps.
                if !matches!(path.as_str(), "dist" | ".sealift" | ".git") {
                    waiting.push(below);
                }
                continue;
            }
            if found.len() == MAX_FILES {
                return Err(SurveyError::TooManyFiles { path: from.to_owned(), cap: MAX_FILES });
            }
            found.push(put(&path, format!("{inner}/{below}"))?);
        }
    }
    Ok(())
}

/// The pinned base, with a manifest for each target.
fn base(reader: &Reader<'_>, service: &str, configured: &Configured, targets: &[Target]) -> Result<Base, SurveyError> {
    let Configured::Image { text, place } = configured else { return Ok(Base::Scratch) };
    let reference = text.clone();
    let Some(pin) = reader.lock.image(text) else {
        return Err(SurveyError::BaseUnpinned { service: service.to_owned(), reference });
    };
    let mut manifests = BTreeMap::new();
    for target in targets {
        let Some(digest) = manifest_for(target, &pin.platforms) else {
            let known = pin.platforms.keys().cloned().collect();
            return Err(SurveyError::BasePlatform { reference, target: target.to_string(), known });
        };
        manifests.insert(target.clone(), digest);
    }
    let place = within(&reader.config.root, place);
    Ok(Base::Pinned(PinnedBase { reference, place, digest: pin.digest, manifests }))
}

/// A place whose path counts from the project.
pub fn within(root: &Path, place: &Place) -> Place {
    match place.clone() {
        Place::Layout { folder, name } => Place::Layout { folder: root.join(folder), name },
        Place::OciArchive { file, name } => Place::OciArchive { file: root.join(file), name },
        Place::DockerArchive { file, name } => Place::DockerArchive { file: root.join(file), name },
        registry @ Place::Registry(_) => registry,
    }
}

/// The manifest for a target: that of its platform, else of the nearest one whose programs the target's machines run.
fn manifest_for(target: &Target, platforms: &BTreeMap<String, Digest>) -> Option<Digest> {
    let wanted = Platform::from(target);
    let lower: &[Option<&str>] = match (target.arch(), target.variant()) {
        ("amd64", Some("v4")) => &[Some("v3"), Some("v2"), None],
        ("amd64", Some("v3")) => &[Some("v2"), None],
        ("amd64", Some(_)) | ("arm64", Some(_)) => &[None],
        ("arm", Some("v7")) => &[Some("v6"), Some("v5")],
        ("arm", Some("v6")) => &[Some("v5")],
        _ => &[],
    };
    let others = lower.iter().map(|variant| Platform::new(target.os(), target.arch(), *variant));
    std::iter::once(wanted).chain(others).find_map(|wanted| {
        let is = |text: &str| text.parse::<Platform>().is_ok_and(|platform| platform.is(&wanted));
        platforms.iter().find(|(text, _)| is(text)).map(|(_, digest)| *digest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_platform_that_runs_is_taken() {
        let platforms = ["linux/amd64", "linux/arm64/v8", "linux/arm/v6", "linux/arm/v5"];
        let all: BTreeMap<String, Digest> =
            platforms.iter().map(|text| ((*text).to_owned(), Digest::of(text.as_bytes()))).collect();
        for (target, found) in [
            ("linux/amd64", Some("linux/amd64")),
            ("linux/amd64/v3", Some("linux/amd64")),
            ("linux/arm64", Some("linux/arm64/v8")),
            ("linux/arm/v7", Some("linux/arm/v6")),
            ("linux/arm/v5", Some("linux/arm/v5")),
            ("linux/386", None),
            ("linux/riscv64", None),
        ] {
            let digest = manifest_for(&target.parse().unwrap(), &all);
            assert_eq!(digest, found.map(|text| Digest::of(text.as_bytes())), "{target}");
        }
    }
}
