//! How a release was made, as its provenance says it: read off the survey and the plan, which decided every step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sealift_trust::statement::{
    ArchiveStep, BuildDefinition, BuildStep, BuildType, Builder, BuilderId, Dependency, ExternalParameters, ImageStep,
    InternalParameters, Metadata, Origin, Provenance, ResourceDigest, RunDetails, Subject as Made, TargetName,
    Timestamp,
};
use sealift_trust::{Digest, Release};

use super::job::Job;
use super::{AttestError, Subject};
use crate::plan::{Build, How, Plan};
use crate::survey::{Base, Survey, Toolchain, Work};
use crate::target::Target;
use crate::toolchain::go::dirhash;
use crate::toolchain::go::release::{MODULE, Release as GoRelease};
use crate::toolchain::sources::OtherModule;

/// What the sources are called among the dependencies.
const SOURCE: &str = "source";

/// How a release was made.
#[derive(Clone, Debug)]
pub struct Making {
    /// The tag that gave the version.
    pub tag: Option<String>,
    /// Whether files differed from the commit.
    pub modified: bool,
    /// What was asked for.
    pub asked: Asked,
    /// The steps.
    pub builds: Vec<BuildStep>,
    /// The archives.
    pub archives: Vec<ArchiveStep>,
    /// The images.
    pub images: Vec<ImageStep>,
    /// What was fetched or read, besides the source.
    pub dependencies: BTreeSet<Dependency>,
    /// The job that made it, and when, in seconds since 1970; of a local run nothing is said.
    pub job: Option<(Job, u64)>,
}

/// What whoever started the run asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The digest of `sealift.toml`, if there is one.
    pub configuration: Option<Digest>,
    /// The services, as they were named; empty for all.
    pub services: Vec<String>,
    /// The targets, as they were named; empty for the configured ones.
    pub targets: Vec<String>,
}

impl Making {
    /// What the plan of a project in `root` says.
    ///
    /// # Errors
    /// A target that no manifest can name.
    pub fn of(
        (survey, plan): (&Survey, &Plan),
        root: &Path,
        asked: Asked,
        job: Option<(Job, u64)>,
    ) -> Result<Self, AttestError> {
        let reader = Reader { survey, root };
        let archives = plan.packages.iter();
        let archives =
            archives.map(|package| ArchiveStep { name: package.name.clone(), codec: package.codec.describe() });
        let images = plan.images.iter().map(|image| ImageStep {
            service: image.service.clone(),
            base: match &image.base {
                Base::Scratch => "scratch".to_owned(),
                Base::Pinned(base) => base.reference.clone(),
            },
            codec: image.codec.describe(),
        });
        Ok(Self {
            tag: plan.release.tag.clone(),
            modified: plan.release.dirty,
            asked,
            builds: plan.builds.iter().map(|build| reader.build(build)).collect::<Result<_, _>>()?,
            archives: archives.collect(),
            images: images.collect(),
            dependencies: reader.dependencies(plan),
            job,
        })
    }

    /// The provenance of a release whose manifest's file has that digest.
    pub(super) fn provenance(
        &self,
        subject: &Subject,
        release: &Release,
        manifest: Digest,
    ) -> Result<Provenance, AttestError> {
        let source = Dependency {
            name: SOURCE.to_owned(),
            uri: subject.source.as_ref().map(|url| match &self.tag {
                Some(tag) => format!("git+{url}@refs/tags/{tag}"),
                None => format!("git+{url}"),
            }),
            digest: Some(ResourceDigest::GitCommit(subject.commit.clone())),
            annotations: BTreeMap::new(),
        };
        let dependencies: BTreeSet<Dependency> = self.dependencies.iter().cloned().chain([source]).collect();
        let Asked { configuration, services, targets } = self.asked.clone();
        let (id, metadata) = match &self.job {
            None => (BuilderId::Local, None),
            Some((job, now)) => {
                let finished_on = Timestamp::from_unix(*now).ok_or(AttestError::Created(*now))?;
                (job.builder, Some(Metadata { invocation_id: job.invocation.clone(), finished_on }))
            }
        };
        Ok(Provenance {
            subjects: Made::all(release, manifest),
            build_definition: BuildDefinition {
                build_type: BuildType::Sealift1,
                external_parameters: ExternalParameters {
                    source: subject.source.clone(),
                    commit: subject.commit.clone(),
                    tag: self.tag.clone(),
                    version: subject.version.clone(),
                    snapshot: subject.snapshot,
                    modified: self.modified,
                    configuration,
                    services,
                    targets,
                },
                internal_parameters: InternalParameters {
                    builds: self.builds.clone(),
                    archives: self.archives.clone(),
                    images: self.images.clone(),
                    environment: self.job.as_ref().map(|(job, _)| job.environment.clone()),
                },
                resolved_dependencies: dependencies.into_iter().collect(),
            },
            run_details: RunDetails {
                builder: Builder { id, version: [("sealift".into(), env!("CARGO_PKG_VERSION").into())].into() },
                metadata,
            },
        })
    }
}

/// Reads steps and dependencies off a survey.
struct Reader<'a> {
    survey: &'a Survey,
    root: &'a Path,
}

impl Reader<'_> {
    fn build(&self, build: &Build) -> Result<BuildStep, AttestError> {
        let from = match &build.how {
            How::Adopt { path } => Origin::File(self.inner(path)),
            How::Compile { command, toolchain } => Origin::Go {
                toolchain: self.survey.toolchains[*toolchain].version.clone(),
                folder: self.inner(&command.dir),
                arguments: command.args.clone(),
                variables: command.env.iter().map(|(name, value)| (name.clone(), self.value(value))).collect(),
            },
        };
        let target = build.target.to_string().parse::<TargetName>()?;
        Ok(BuildStep { service: build.service.clone(), target, from, upx: build.upx })
    }

    /// A path as the project has it; where the project lies is nobody's business.
    fn inner(&self, path: &Path) -> String {
        match path.strip_prefix(self.root) {
            Ok(inner) if inner.as_os_str().is_empty() => ".".to_owned(),
            Ok(inner) => inner.to_string_lossy().replace('\\', "/"),
            Err(_) => path.display().to_string(),
        }
    }

    /// The value of a variable: one of them is the path of `go.work`.
    fn value(&self, value: &str) -> String {
        if Path::new(value).is_absolute() { self.inner(Path::new(value)) } else { value.to_owned() }
    }

    fn dependencies(&self, plan: &Plan) -> BTreeSet<Dependency> {
        let mut found = BTreeSet::new();
        for build in &plan.builds {
            if let How::Compile { toolchain, .. } = &build.how {
                found.insert(toolchain_of(&self.survey.toolchains[*toolchain]));
            }
        }
        for service in &self.survey.services {
            found.extend(service.modules.iter().map(module));
            for inputs in &service.targets {
                if let Work::Adopt { path, digest } = &inputs.work {
                    found.insert(bytes(self.inner(path), *digest));
                }
            }
        }
        for image in &plan.images {
            let Base::Pinned(base) = &image.base else { continue };
            found.insert(bytes(base.reference.clone(), base.digest));
            found.extend(base.manifests.iter().map(|(target, digest)| platform(&base.reference, target, *digest)));
        }
        found
    }
}

/// The toolchain as the module that proxies have it by, and what its programs were on this machine.
fn toolchain_of(toolchain: &Toolchain) -> Dependency {
    let module = GoRelease::host(toolchain.facts.version);
    let hash = toolchain.facts.hash.as_deref().and_then(dirhash::digest);
    Dependency {
        name: toolchain.version.clone(),
        uri: Some(package_url(MODULE, &module.module_version())),
        digest: hash.map(ResourceDigest::DirHash),
        annotations: [("programs".to_owned(), toolchain.identity.to_string())].into(),
    }
}

/// A module with its hash; what replaces one is what was read.
fn module(module: &OtherModule) -> Dependency {
    let (path, version) = match module.replaced_by.split_once(' ') {
        Some((path, version)) => (path, version),
        None => (module.path.as_str(), module.version.as_str()),
    };
    let is_local = module.replaced_by == "local";
    Dependency {
        name: module.path.clone(),
        uri: (!is_local).then(|| package_url(path, version)),
        digest: dirhash::digest(&module.sum).map(ResourceDigest::DirHash),
        annotations: if is_local {
            [("replaced".to_owned(), "by a folder".to_owned())].into()
        } else {
            BTreeMap::new()
        },
    }
}

fn bytes(name: String, digest: Digest) -> Dependency {
    Dependency { name, uri: None, digest: Some(ResourceDigest::Sha256(digest)), annotations: BTreeMap::new() }
}

fn platform(reference: &str, target: &Target, digest: Digest) -> Dependency {
    let annotations = [("platform".to_owned(), target.to_string())].into();
    Dependency { annotations, ..bytes(reference.to_owned(), digest) }
}

/// The package URL of a Go module (package-url/purl-spec), with the path's own case: module paths tell cases apart.
fn package_url(path: &str, version: &str) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte.into()),
                other => out.push_str(&format!("%{other:02X}")),
            }
            out
        })
    };
    format!("pkg:golang/{}@{}", encode(path), encode(version))
}
