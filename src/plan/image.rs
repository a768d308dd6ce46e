//! Images: what each is made of, layer by layer, and under which names it will be known. Pure.

use std::collections::{BTreeMap, BTreeSet};

use sealift_trust::Digest;
use sealift_trust::name::FileName;
use serde::Serialize;

use super::{PlanError, codec_text, date};
use crate::archive::{Attributes, Codec};
use crate::config::settings::Config;
use crate::config::template::Variable;
use crate::oci::{Place, Platform, Repository};
use crate::store::{Key, KeyBuilder};
use crate::survey::{Base, Certificate, Extra, ImageInputs, Survey, Surveyed};
use crate::target::Target;
use crate::version::{self, ImageTag};

/// How layers are made. A change in what a layer holds for the same inputs needs a new number.
const LAYER_VERSION: u32 = 1;

/// Who made the image: the tool and its version, never the machine.
pub const BUILDER: &str = concat!("sealift ", env!("CARGO_PKG_VERSION"));

/// The annotation that names the builder.
const BUILDER_KEY: &str = "sealift.builder";

/// The user and group that runs programs unless another is configured.
pub const NONROOT: u32 = 65532;

/// The bundle of public authorities.
pub const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
/// The list of users.
pub const PASSWD: &str = "etc/passwd";
/// The list of groups.
pub const GROUP: &str = "etc/group";
/// The time zone database.
pub const ZONEINFO: &str = "usr/share/zoneinfo";

/// The image of a service, for all its platforms.
#[derive(Clone, Debug, Serialize)]
pub struct Image {
    /// The step, for people.
    pub step: String,
    /// Whose.
    pub service: FileName,
    /// Where it is pushed.
    pub repository: Option<Repository>,
    /// Its names there.
    pub tags: Vec<ImageTag>,
    /// What it stands on.
    pub base: Base,
    /// The files that every image needs.
    pub root: RootFiles,
    /// The configured files; their paths are those in the image.
    pub files: Vec<Extra>,
    /// The path of the program.
    pub program: String,
    /// The program's modification time, seconds since 1970.
    pub mtime: u64,
    /// How it is run.
    pub run: Run,
    /// Notes on manifests and index.
    pub annotations: BTreeMap<String, String>,
    /// Notes in the configuration: the annotations and the configured ones.
    pub labels: BTreeMap<String, String>,
    /// How layers are compressed.
    #[serde(serialize_with = "codec_text")]
    pub codec: Codec,
    /// The most bytes that the image may have for one platform.
    pub budget: Option<u64>,
    /// What it is made for, in the order of the index.
    pub platforms: Vec<PlatformImage>,
    /// Every path above the base, without those of the time zone database.
    pub holds: Vec<String>,
}

/// The image for one platform.
#[derive(Clone, Debug, Serialize)]
pub struct PlatformImage {
    /// The step, for people.
    pub step: String,
    /// The target of the binary in it.
    pub target: Target,
    /// The machine it is for.
    pub platform: Platform,
}

/// The files that every image needs.
#[derive(Clone, Debug, Serialize)]
pub struct RootFiles {
    /// Authorities besides the public ones.
    pub certificates: Vec<Certificate>,
    /// Whether the time zone database goes in.
    pub tzdata: bool,
}

/// How the program is run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// `user[:group]`.
    pub user: String,
    /// Where it starts; the base's folder, else `/`.
    pub workdir: Option<String>,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// Further arguments.
    pub cmd: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Ports.
    pub ports: Vec<String>,
    /// Folders that hold data.
    pub volumes: Vec<String>,
    /// The signal that ends it.
    pub stop_signal: Option<String>,
}

/// The folders that every image has, with what may be done in them.
pub const FOLDERS: &[(&str, Attributes)] = &[
    ("etc", Attributes { mode: 0o755, uid: 0, gid: 0 }),
    ("etc/ssl", Attributes { mode: 0o755, uid: 0, gid: 0 }),
    ("etc/ssl/certs", Attributes { mode: 0o755, uid: 0, gid: 0 }),
    ("home", Attributes { mode: 0o755, uid: 0, gid: 0 }),
    ("home/nonroot", Attributes { mode: 0o700, uid: NONROOT, gid: NONROOT }),
    ("tmp", Attributes { mode: 0o1777, uid: 0, gid: 0 }),
    ("usr", Attributes { mode: 0o755, uid: 0, gid: 0 }),
    ("usr/bin", Attributes { mode: 0o755, uid: 0, gid: 0 }),
];

/// Plans the images of all services that have any.
pub(super) fn images(survey: &Survey, config: &Config) -> Result<Vec<Image>, PlanError> {
    let mut images = Vec::new();
    let mut repositories: BTreeMap<Repository, FileName> = BTreeMap::new();
    for service in &survey.services {
        let Some(inputs) = &service.image else { continue };
        let image = image(survey, config, service, inputs)?;
        if let Some(repository) = &image.repository
            && let Some(first) = repositories.insert(repository.clone(), service.name.clone())
        {
            let (repository, first, second) = (repository.to_string(), first.to_string(), service.name.to_string());
            return Err(PlanError::SameRepository { repository, first, second });
        }
        images.push(image);
    }
    Ok(images)
}

fn image(survey: &Survey, config: &Config, service: &Surveyed, inputs: &ImageInputs) -> Result<Image, PlanError> {
    let (settings, name) = (&service.settings.image, &service.name);
    let fill = |variable| if variable == Variable::Project { config.project.name.as_str() } else { name.as_str() };
    let repository = settings.repository.as_ref().map(|template| template.fill(fill).parse::<Repository>());
    let program = format!("usr/bin/{name}");
    check_paths(inputs, settings.entrypoint.as_deref(), &program, name, settings.tzdata)?;
    let annotations = annotations(survey, config, service, inputs);
    let configured = |(name, _): &(&String, &String)| name.starts_with("org.opencontainers.image.");
    let own = settings.labels.iter().map(|(name, value)| (name.clone(), value.clone()));
    let overridden = settings.labels.iter().filter(configured).map(|(name, value)| (name.clone(), value.clone()));
    let labels: BTreeMap<String, String> = annotations.clone().into_iter().chain(own).collect();
    let annotations: BTreeMap<String, String> = annotations.into_iter().chain(overridden).collect();
    let platform = |target: &Target| PlatformImage {
        step: format!("image {name} {target}"),
        target: target.clone(),
        platform: Platform::from(target),
    };
    Ok(Image {
        step: format!("image {name}"),
        service: name.clone(),
        repository: repository.transpose().map_err(PlanError::Repository)?,
        tags: version::tags(&service.stamp, &settings.tags, &survey.released).map_err(PlanError::Tag)?,
        base: inputs.base.clone(),
        root: RootFiles { certificates: inputs.certificates.clone(), tzdata: settings.tzdata },
        files: inputs.files.clone(),
        mtime: service.stamp.time,
        run: Run {
            user: settings.user.clone(),
            workdir: settings.workdir.clone(),
            entrypoint: settings.entrypoint.clone().unwrap_or_else(|| vec![format!("/{program}")]),
            cmd: settings.cmd.clone(),
            env: settings.env.clone(),
            ports: settings.ports.clone(),
            volumes: settings.volumes.clone(),
            stop_signal: settings.stop_signal.clone(),
        },
        annotations,
        labels,
        codec: settings.codec().map_err(PlanError::Level)?,
        budget: settings.budget,
        platforms: inputs.targets.iter().map(platform).collect(),
        holds: holds(inputs, &program),
        program,
    })
}

/// The predefined annotations (image-spec, `annotations.md`), as far as they are known.
fn annotations(survey: &Survey, config: &Config, service: &Surveyed, inputs: &ImageInputs) -> BTreeMap<String, String> {
    let stamp = &service.stamp;
    let mut all = BTreeMap::from([(BUILDER_KEY.to_owned(), BUILDER.to_owned())]);
    let mut set = |name: &str, value: String| {
        if !value.is_empty() {
            all.insert(format!("org.opencontainers.image.{name}"), value);
        }
    };
    set("created", date(stamp.time));
    set("revision", stamp.commit.clone());
    set("version", stamp.version.to_string());
    set("title", service.name.to_string());
    set("source", survey.release.source.clone().unwrap_or_default());
    set("licenses", config.project.license.clone().unwrap_or_default());
    set("description", config.project.description.clone().unwrap_or_default());
    if let Base::Pinned(base) = &inputs.base {
        // A path says nothing to anybody else.
        if let Place::Registry(reference) = &base.place {
            set("base.name", reference.to_string());
        }
        set("base.digest", base.digest.to_string());
    }
    all
}

/// Refuses configured files that stand where something else does, and an entrypoint that cannot be run.
fn check_paths(
    inputs: &ImageInputs,
    entrypoint: Option<&[String]>,
    program: &str,
    service: &FileName,
    tzdata: bool,
) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    for file in &inputs.files {
        let path = file.path.as_str();
        let taken = path == program
            || [BUNDLE, PASSWD, GROUP].contains(&path)
            || FOLDERS.iter().any(|(folder, _)| *folder == path)
            || (tzdata && path.starts_with(ZONEINFO));
        if taken || !seen.insert(path) {
            return Err(PlanError::ImagePath { service: service.to_string(), path: format!("/{path}") });
        }
    }
    let Some(first) = entrypoint.and_then(<[String]>::first) else { return Ok(()) };
    let Some(path) = first.strip_prefix('/').filter(|path| *path != program) else { return Ok(()) };
    match inputs.files.iter().find(|file| file.path == path) {
        Some(file) if !file.executable => {
            Err(PlanError::NotExecutable { service: service.to_string(), path: first.clone() })
        }
        None if inputs.base == Base::Scratch => {
            Err(PlanError::NoEntrypoint { service: service.to_string(), path: first.clone() })
        }
        _ => Ok(()),
    }
}

/// Every path above the base, folders with a `/` at their end.
fn holds(inputs: &ImageInputs, program: &str) -> Vec<String> {
    let mut all: BTreeSet<String> = FOLDERS.iter().map(|(path, _)| format!("{path}/")).collect();
    all.extend([BUNDLE, PASSWD, GROUP, program].map(str::to_owned));
    for file in &inputs.files {
        all.extend(file.path.match_indices('/').map(|(at, _)| file.path[..=at].to_owned()));
        all.insert(file.path.clone());
    }
    all.into_iter().collect()
}

impl Image {
    /// The base's manifest for a target.
    pub fn base_of(&self, target: &Target) -> Option<Digest> {
        match &self.base {
            Base::Scratch => None,
            Base::Pinned(base) => base.manifests.get(target).copied(),
        }
    }

    fn layer_key(&self, kind: &str, base: Option<Digest>) -> KeyBuilder {
        // What the base has is not there again: each layer depends on it.
        let base = base.map_or_else(|| "scratch".to_owned(), |digest| digest.to_string());
        KeyBuilder::new(kind, LAYER_VERSION).with("codec", &self.codec.describe()).with("base", &base)
    }

    /// The key of the layer with the files that every image needs; `data` is the digest of what sealift itself brings.
    pub fn root_key(&self, base: Option<Digest>, data: Digest) -> Key {
        let mut key = self.layer_key("image-root", base).with("data", &data.hex());
        key.add("tzdata", &self.root.tzdata.to_string());
        for certificate in &self.root.certificates {
            key.add("certificate", &certificate.digest.hex());
        }
        key.finish()
    }

    /// The key of the layer with the configured files.
    pub fn files_key(&self, base: Option<Digest>) -> Key {
        let mut key = self.layer_key("image-files", base);
        for file in &self.files {
            key.add("path", &file.path);
            key.add("mode", if file.executable { "x" } else { "-" });
            key.add("digest", &file.artifact.digest().hex());
        }
        key.finish()
    }

    /// The key of the layer with the program.
    pub fn program_key(&self, base: Option<Digest>, binary: Digest) -> Key {
        let key = self.layer_key("image-program", base).with("path", &self.program).with("binary", &binary.hex());
        key.with("mtime", &self.mtime.to_string()).finish()
    }
}
