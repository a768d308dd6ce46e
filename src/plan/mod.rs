//! Everything that will be done, decided before the first step and printable. Pure.

mod error;
pub mod image;
mod sbom;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sealift_trust::name::{FileName, plain_file};
use sealift_trust::statement::Timestamp;
use serde::Serialize;

use crate::archive::{Codec, Format};
use crate::command::Command;
use crate::config::join_linker_flags;
use crate::config::settings::{Config, PackageSettings};
use crate::config::template::Fields;
use crate::store::{Key, KeyBuilder};
use crate::survey::{Extra, Survey, Surveyed, TargetInputs, Work};
use crate::target::Target;

use crate::version::{Release, Stamp};

pub use error::PlanError;
pub use image::{Image, PlatformImage};
pub use sbom::Sbom;
pub use show::show;

/// Where a build's output goes is known when it runs; in a plan it stands as this word.
pub const OUTPUT: &str = "{output}";

/// How steps are done. A change in what a build or package step does with the same inputs needs a new number.
const BUILD_VERSION: u32 = 1;
const PACKAGE_VERSION: u32 = 1;

/// All steps of a release.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The product's name.
    pub product: FileName,
    /// Which release.
    pub release: Release,
    /// Its services.
    pub services: Vec<Service>,
    /// Checks that must hold before anything is sealed.
    pub checks: Vec<Check>,
    /// Checks that will not run, and why.
    pub not_run: Vec<NotRun>,
    /// Binaries to make.
    pub builds: Vec<Build>,
    /// Archives to make.
    pub packages: Vec<Package>,
    /// SBOMs to make.
    pub sboms: Vec<Sbom>,
    /// Images to make.
    pub images: Vec<Image>,
    /// Commands before and after.
    pub hooks: Vec<Hook>,
    /// Whether other targets go on when one fails.
    pub keep_going: bool,
}

/// A service of the release.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// Its name.
    pub name: FileName,
    /// What is stamped into it.
    pub stamp: Stamp,
}

/// A check of the sources.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Which.
    pub name: &'static str,
    /// The command.
    pub command: Command,
    /// A check that was passed with this key need not run again.
    pub key: Key,
    /// Which of the survey's toolchains runs it.
    #[serde(skip)]
    pub toolchain: usize,
}

/// A check that will not run.
#[derive(Clone, Debug, Serialize)]
pub struct NotRun {
    /// Which.
    pub name: &'static str,
    /// Why.
    pub why: &'static str,
}

/// One binary.
#[derive(Clone, Debug, Serialize)]
pub struct Build {
    /// The step, for people.
    pub step: String,
    /// Whose.
    pub service: FileName,
    /// For which target.
    pub target: Target,
    /// How.
    pub how: How,
    /// The digest of all that it depends on.
    pub key: Key,
    /// The most bytes it may have.
    pub budget: Option<u64>,
    /// Compress it with upx afterwards.
    pub upx: bool,
}

/// How a binary comes to be.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// A compiler run. The environment in the command is what counts; credentials and caches are added when it runs.
    Compile {
        /// The command, with [`OUTPUT`] for the output's path.
        command: Command,
        /// Which of the survey's toolchains.
        #[serde(skip)]
        toolchain: usize,
    },
    /// A file that something else built.
    Adopt {
        /// Where it is.
        path: PathBuf,
    },
}

/// One archive.
#[derive(Clone, Debug, Serialize)]
pub struct Package {
    /// The step, for people.
    pub step: String,
    /// The file's name.
    pub name: FileName,
    /// For which target; a source archive has none.
    pub target: Option<Target>,
    /// How it is compressed.
    #[serde(serialize_with = "codec_text")]
    pub codec: Codec,
    /// Modification time of all entries, seconds since 1970.
    pub mtime: u64,
    /// What it holds.
    pub members: Vec<Member>,
    /// The most bytes it may have.
    pub budget: Option<u64>,
}

/// A file in an archive.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Member {
    /// The binary of a service for the archive's target.
    Binary {
        /// Its name in the archive.
        path: String,
        /// Whose.
        service: FileName,
    },
    /// A file of the project.
    File(Extra),
}

/// A command around the steps.
#[derive(Clone, Debug, Serialize)]
pub struct Hook {
    /// When: `before` or `after`.
    pub when: &'static str,
    /// The argument vector.
    pub args: Vec<String>,
}

/// Decides everything.
pub fn plan(survey: &Survey, config: &Config) -> Result<Plan, PlanError> {
    let mut plan = Plan {
        product: config.project.name.clone(),
        release: survey.release.clone(),
        services: Vec::new(),
        checks: Vec::new(),
        not_run: Vec::new(),
        builds: Vec::new(),
        packages: Vec::new(),
        sboms: Vec::new(),
        images: image::images(survey, config)?,
        hooks: hooks(config),
        keep_going: survey.services.iter().any(|service| service.settings.build.keep_going),
    };
    checks(survey, &mut plan);
    for service in &survey.services {
        plan.services.push(Service { name: service.name.clone(), stamp: service.stamp.clone() });
        for inputs in &service.targets {
            plan.builds.push(build(survey, service, inputs));
        }
    }
    plan.packages = packages(survey, config)?;
    plan.sboms = sbom::sboms(survey, config, &plan.images)?;
    let mut names = BTreeSet::new();
    let files = plan.packages.iter().map(|package| &package.name).chain(plan.sboms.iter().map(|sbom| &sbom.name));
    for name in files {
        if !names.insert(name.folded()) {
            return Err(PlanError::SameName { name: name.to_string() });
        }
    }
    Ok(plan)
}

fn hooks(config: &Config) -> Vec<Hook> {
    let hooks = &config.defaults.build.hooks;
    let named =
        |when, list: &[Vec<String>]| list.iter().map(|args| Hook { when, args: args.clone() }).collect::<Vec<_>>();
    [named("before", &hooks.before), named("after", &hooks.after)].concat()
}

/// `go mod verify` and `go mod tidy -diff`, where they are wanted and can say something.
fn checks(survey: &Survey, plan: &mut Plan) {
    for (index, toolchain) in survey.toolchains.iter().enumerate() {
        let mine: Vec<&Surveyed> = survey.services.iter().filter(|service| service.toolchain == Some(index)).collect();
        if mine.is_empty() {
            continue;
        }
        let mut decide = |name, wanted: bool, obstacle: Option<&'static str>, key: Key, args: &[&str]| {
            let why = if wanted { obstacle } else { Some("turned off in [build]") };
            if let Some(why) = why {
                plan.not_run.push(NotRun { name, why });
                return;
            }
            let command = Command::new(&toolchain.program, &toolchain.dir).args(args.iter().copied());
            let command = command.envs(toolchain.fixed.clone());
            plan.checks.push(Check { name, command, key, toolchain: index });
        };
        let modules = toolchain.modules.hex();
        let verify = KeyBuilder::new("mod-verify", 1).with("modules", &modules).with("cache", &toolchain.module_cache);
        let wanted = mine.iter().any(|service| service.settings.build.mod_verify);
        let obstacle = toolchain.verify_obstacle(survey.renewed);
        decide("mod-verify", wanted, obstacle, verify.finish(), &["mod", "verify"]);
        let tidy = KeyBuilder::new("mod-tidy", 1)
            .with("modules", &modules)
            .with("tree", &survey.tidiness.hex())
            .with("toolchain", &toolchain.identity.hex());
        let obstacle = if toolchain.workspace {
            Some("go mod tidy does not know workspaces")
        } else if !toolchain.can_diff_tidy() {
            Some("go mod tidy has -diff since Go 1.23")
        } else {
            None
        };
        let wanted = mine.iter().any(|service| service.settings.build.mod_tidy);
        decide("mod-tidy", wanted, obstacle, tidy.finish(), &["mod", "tidy", "-diff"]);
    }
}

fn build(survey: &Survey, service: &Surveyed, inputs: &TargetInputs) -> Build {
    let mut key = KeyBuilder::new("build", BUILD_VERSION);
    let how = match &inputs.work {
        Work::Adopt { path, digest } => {
            key.add("file", &digest.hex());
            How::Adopt { path: path.clone() }
        }
        Work::Compile => {
            let index = service.toolchain.expect("a compiled service has a toolchain");
            let toolchain = &survey.toolchains[index];
            let command = go_build(service, inputs, toolchain);
            key.add("toolchain", &toolchain.identity.hex());
            key.add("package", &service.import_path);
            for arg in command.args.iter().filter(|arg| *arg != &service.package) {
                key.add("arg", arg);
            }
            for (name, value) in command.env.iter().filter(|(name, _)| *name != "GOWORK") {
                key.add(name, value);
            }
            for (name, value) in &inputs.key {
                key.add(name, value);
            }
            How::Compile { command, toolchain: index }
        }
    };
    let package = &service.settings.package;
    key.add("upx", &package.upx.to_string());
    Build {
        step: format!("build {} {}", service.name, inputs.target),
        service: service.name.clone(),
        target: inputs.target.clone(),
        how,
        key: key.finish(),
        budget: package.binary_budget,
        upx: package.upx,
    }
}

fn go_build(service: &Surveyed, inputs: &TargetInputs, toolchain: &crate::survey::Toolchain) -> Command {
    let compile = &inputs.compile;
    let mut args = vec!["build".to_owned(), "-trimpath".into(), "-buildvcs=false".into(), toolchain.mod_flag().into()];
    if !compile.tags.is_empty() {
        args.push(format!("-tags={}", compile.tags.join(",")));
    }
    args.push(format!("-ldflags={}", ldflags(compile, &service.stamp)));
    args.extend(compile.flags.clone());
    args.extend(["-o".to_owned(), OUTPUT.to_owned(), service.package.clone()]);
    let mut env: BTreeMap<String, String> = toolchain.fixed.clone();
    env.extend(inputs.env());
    Command::new(&toolchain.program, &toolchain.dir).args(args).envs(env)
}

fn ldflags(compile: &crate::config::settings::CompileSettings, stamp: &Stamp) -> String {
    let mut flags = if compile.strip { vec!["-s".to_owned(), "-w".into()] } else { Vec::new() };
    // The linker passes over `-X` for a variable that a program does not have. The values are a SemVer version, hex
    // digits and a date: none of their characters splits an argument.
    flags.push(format!("-X=main.version={}", stamp.version));
    if !stamp.commit.is_empty() {
        flags.push(format!("-X=main.commit={}", stamp.commit));
    }
    flags.push(format!("-X=main.date={}", date(stamp.time)));
    flags.extend(compile.ldflags.clone());
    join_linker_flags(&flags)
}

fn packages(survey: &Survey, config: &Config) -> Result<Vec<Package>, PlanError> {
    let mut packages = Vec::new();
    if config.defaults.package.together {
        let mut targets: Vec<&Target> = Vec::new();
        for inputs in survey.services.iter().flat_map(|service| &service.targets) {
            if !targets.contains(&&inputs.target) {
                targets.push(&inputs.target);
            }
        }
        for target in targets {
            let together: Vec<&Surveyed> = survey
                .services
                .iter()
                .filter(|service| service.targets.iter().any(|inputs| inputs.target == *target))
                .collect();
            archives(&mut packages, config, &together, target, &config.defaults.package)?;
        }
    } else {
        for service in &survey.services {
            for inputs in &service.targets {
                archives(&mut packages, config, &[service], &inputs.target, &service.settings.package)?;
            }
        }
    }
    if let Some(members) = &survey.source {
        packages.push(source(survey, config, members)?);
    }
    Ok(packages)
}

fn archives(
    into: &mut Vec<Package>,
    config: &Config,
    services: &[&Surveyed],
    target: &Target,
    settings: &PackageSettings,
) -> Result<(), PlanError> {
    let newest = services.iter().max_by_key(|service| service.stamp.time).expect("an archive has a service");
    let alone = services.len() == 1 && !settings.together;
    let label = if alone { newest.name.as_str() } else { config.project.name.as_str() };
    let version = services.iter().map(|service| &service.stamp.version).max().expect("an archive has a service");
    let fields =
        Fields { project: config.project.name.as_str(), service: label, version: &version.to_string(), target };
    let stem = settings.name.render(&fields);
    for format in settings.formats_for(target) {
        let text = format!("{stem}.{}", format.extension());
        let name = plain_file(&text).map_err(|source| PlanError::BadName { name: text.clone(), source })?;
        let mut members: Vec<Member> = services
            .iter()
            .map(|service| Member::Binary {
                path: format!("{}{}", service.name, target.executable_suffix()),
                service: service.name.clone(),
            })
            .collect();
        let mut paths: BTreeSet<&str> = BTreeSet::new();
        for extra in services.iter().flat_map(|service| &service.extras) {
            if paths.insert(&extra.path) {
                members.push(Member::File(extra.clone()));
            }
        }
        into.push(Package {
            step: format!("package {label} {target} {format}"),
            name,
            target: Some(target.clone()),
            codec: codec(*format, settings.level)?,
            mtime: newest.stamp.time,
            members,
            budget: settings.archive_budget,
        });
    }
    Ok(())
}

fn source(survey: &Survey, config: &Config, members: &[Extra]) -> Result<Package, PlanError> {
    let text = format!("{}_{}_source.tar.gz", config.project.name, survey.release.version);
    let name = plain_file(&text).map_err(|source| PlanError::BadName { name: text.clone(), source })?;
    Ok(Package {
        step: "package source".into(),
        name,
        target: None,
        codec: codec(Format::TarGz, config.defaults.package.level)?,
        mtime: survey.release.commit.time,
        members: members.iter().cloned().map(Member::File).collect(),
        budget: None,
    })
}

fn codec(format: Format, level: u8) -> Result<Codec, PlanError> {
    if level == 0 { Ok(Codec::from(format)) } else { Codec::new(format, level).map_err(PlanError::Level) }
}

fn codec_text<S: serde::Serializer>(codec: &Codec, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&codec.describe())
}

impl Package {
    /// The step's key, once the digests of its binaries are known.
    pub fn key(&self, binary: &dyn Fn(&FileName, &Target) -> Option<sealift_trust::Digest>) -> Option<Key> {
        let mut key = KeyBuilder::new("package", PACKAGE_VERSION)
            .with("codec", &self.codec.describe())
            .with("mtime", &self.mtime.to_string());
        for member in &self.members {
            let (path, mode, digest) = match member {
                Member::Binary { path, service } => (path, "x", binary(service, self.target.as_ref()?)?),
                Member::File(extra) => (&extra.path, if extra.executable { "x" } else { "-" }, extra.artifact.digest()),
            };
            key.add("path", path);
            key.add("mode", mode);
            key.add("digest", &digest.hex());
        }
        Some(key.finish())
    }

    /// The services whose binaries it holds.
    pub fn services(&self) -> Vec<FileName> {
        let service = |member: &Member| match member {
            Member::Binary { service, .. } => Some(service.clone()),
            Member::File(_) => None,
        };
        self.members.iter().filter_map(service).collect()
    }
}

/// A moment as it is stamped; one beyond the year 9999 has no written form and becomes the first.
fn date(unix: u64) -> String {
    Timestamp::from_unix(unix).or_else(|| Timestamp::from_unix(0)).map(|time| time.to_string()).unwrap_or_default()
}
