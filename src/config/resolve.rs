//! Puts the layers of a configuration over each other, once: built in, file, service, environment, command line.

use std::path::{Path, PathBuf};

use sealift_trust::SignatureFormat;

use super::error::{ConfigError, Wrong};
use super::layers::Layers;
use super::notes::{Notes, Written};
use super::origins::{Origin, segment};
use super::settings::changelog::ChangelogSettings;
use super::settings::version::{ServiceVersion, VersionRules};
use super::settings::{
    AttestSettings, Config, Project, RegistrySettings, SbomSettings, ScanFail, ScanSettings, Service, ServiceKind,
    Settings, Signatures,
};
use super::written::{Contents, WrittenRegistry, WrittenService};
use super::{Fallback, Origins, Overrides};
use crate::archive::Format;
use crate::error::{Fault, nearest};
use crate::host::Host;
use crate::product::SbomFormat;

/// The greatest compression level of gzip and zip.
const MAX_DEFLATE_LEVEL: u8 = 9;

/// How long a signer has for one signature, in seconds.
const SIGNER_TIMEOUT: u64 = 60;

/// A file's contents on their way to be resolved.
pub(super) struct Resolver<'a> {
    contents: &'a Contents,
    layers: Layers<'a>,
    notes: Notes<'a>,
}

impl<'a> Resolver<'a> {
    /// The file is named as the user names it.
    pub fn new(contents: &'a Contents, file: &'a str, text: &'a str) -> Self {
        Self { contents, layers: Layers::new(file, text), notes: Notes::new(file, text) }
    }

    /// Resolves everything. Errors: a name or a folder that cannot be decided, a service that is not there, values that
    /// contradict each other.
    pub fn resolve(
        mut self,
        host: &Host,
        root: &Path,
        fallback: &dyn Fn() -> Fallback,
        overrides: &Overrides,
    ) -> Result<(Config, Origins), ConfigError> {
        let contents = self.contents;
        let project = self.project(fallback)?;
        let version = self.layers.version(&contents.version, VersionRules::built_in());
        let changelog = self.layers.changelog(&contents.changelog, ChangelogSettings::built_in());
        let defaults = self.layers.settings("", &contents.settings, Settings::built_in());
        let services: Vec<Service> =
            contents.services.iter().map(|written| self.service(written, &project, &defaults)).collect();
        self.check_levels(&defaults, &services);
        self.check_images(&defaults, &services);
        let registries = contents.registries.iter().map(|written| self.registry(written, root)).collect();
        let all = SbomFormat::ALL.to_vec();
        let sbom_formats = self.layers.take("sbom.formats", contents.sbom_formats.as_ref(), all);
        let scan = self.scan(root);
        let key = self.layers.take_some("attest.key", contents.key.as_ref(), None);
        let signer = self.layers.take_some("attest.signer", contents.signer.as_ref(), None);
        let signer_timeout =
            self.layers.take("attest.signer-timeout", contents.signer_timeout.as_ref(), SIGNER_TIMEOUT);
        let signatures = self.layers.take("attest.signatures", contents.signatures.as_ref(), Signatures::Checksums);
        let mut formats = self.layers.take("attest.formats", contents.formats.as_ref(), vec![SignatureFormat::Raw]);
        formats.sort_unstable();
        let cache = self.cache(host, root)?;
        let mut config = Config {
            root: root.to_owned(),
            project,
            version,
            changelog,
            defaults,
            services,
            registries,
            sbom: SbomSettings { formats: sbom_formats },
            scan,
            attest: AttestSettings { key, signer, signer_timeout, signatures, formats },
            cache,
        };
        self.override_with(&mut config, overrides)?;
        match self.notes.problems() {
            Some(problems) => Err(ConfigError::Invalid(problems)),
            None => Ok((config, self.layers.origins)),
        }
    }

    fn project(&mut self, fallback: &dyn Fn() -> Fallback) -> Result<Project, ConfigError> {
        let contents = self.contents;
        // Git is asked only for what the file leaves open.
        let found = std::cell::LazyCell::new(fallback);
        let name = match &contents.name {
            Some(name) => self.layers.take("project.name", Some(name), name.value.clone()),
            None => {
                self.layers.origins.set("project.name".into(), Origin::Found(found.name_from));
                found.name.parse().map_err(|why: sealift_trust::name::NameError| ConfigError::ProjectName {
                    name: found.name.chars().take(60).collect(),
                    from: found.name_from,
                    why: why.to_string(),
                })?
            }
        };
        let source = match &contents.source {
            None if found.source.is_some() => {
                self.layers.origins.set("project.source".into(), Origin::Found(found.source_from));
                found.source.clone()
            }
            source => self.layers.take_some("project.source", source.as_ref(), None),
        };
        let license = self.layers.take_some("project.license", contents.license.as_ref(), None);
        let description = self.layers.take_some("project.description", contents.description.as_ref(), None);
        Ok(Project { name, source, license, description })
    }

    fn service(&mut self, written: &WrittenService, project: &Project, defaults: &Settings) -> Service {
        let name = written.resolved_name(Some(&project.name)).unwrap_or_else(|| project.name.clone());
        let prefix = format!("service.{}.", segment(name.as_str()));
        let path = self.layers.take(&format!("{prefix}path"), written.path.as_ref(), ".".into());
        let kind = self.layers.take(&format!("{prefix}kind"), written.kind.as_ref(), ServiceKind::Go);
        let own = &written.version;
        let version = ServiceVersion {
            tag_prefix: self.layers.take_some(&format!("{prefix}version.tag-prefix"), own.tag_prefix.as_ref(), None),
            paths: self.layers.take(&format!("{prefix}version.paths"), own.paths.as_ref(), Vec::new()),
        };
        let settings = self.layers.settings(&prefix, &written.settings, defaults.clone());
        Service { name, path, kind, version, settings }
    }

    fn registry(&mut self, written: &WrittenRegistry, root: &Path) -> RegistrySettings {
        let prefix = format!("registry.{}.", segment(&written.host.value));
        let key = |name: &str| format!("{prefix}{name}");
        let mut file = |name, written: Option<&Written<PathBuf>>| {
            self.layers.take_some(&key(name), written, None).map(|path: PathBuf| root.join(path))
        };
        let ca = file("ca", written.ca.as_ref());
        let client_cert = file("client-cert", written.client_cert.as_ref());
        let client_key = file("client-key", written.client_key.as_ref());
        RegistrySettings {
            host: self.layers.take(&key("host"), Some(&written.host), String::new()),
            ca,
            client_cert,
            client_key,
            plain_http: self.layers.take_some(&key("plain-http"), written.plain_http.as_ref(), None),
            realm: self.layers.take_some(&key("realm"), written.realm.as_ref(), None),
        }
    }

    fn scan(&mut self, root: &Path) -> ScanSettings {
        let written = &self.contents.scan;
        let below = |place: String| {
            if place.contains("://") { place } else { root.join(place).display().to_string() }
        };
        let database = self.layers.take("scan.database", written.database.as_ref(), Vec::new());
        let vex = self.layers.take("scan.vex", written.vex.as_ref(), Vec::new());
        ScanSettings {
            fail: self.layers.take("scan.fail", written.fail.as_ref(), ScanFail::None),
            minimum_cvss: self.layers.take_some("scan.minimum-cvss", written.minimum_cvss.as_ref(), None),
            database: database.into_iter().map(below).collect(),
            max_age: self.layers.take("scan.max-age", written.max_age.as_ref(), 14),
            vex: vex.into_iter().map(|path| root.join(path)).collect(),
        }
    }

    fn cache(&mut self, host: &Host, root: &Path) -> Result<PathBuf, ConfigError> {
        let key = "cache.dir";
        if let Some(dir) = host.env.var("SEALIFT_CACHE") {
            if dir.contains(char::is_control) {
                return Err(ConfigError::CacheVariable);
            }
            self.layers.origins.set(key.into(), Origin::Environment("SEALIFT_CACHE"));
            return Ok(host.env.dir().join(dir));
        }
        if let Some(dir) = &self.contents.cache {
            return Ok(root.join(self.layers.take(key, Some(dir), PathBuf::new())));
        }
        host.env.cache_dir().map(|dir| dir.join("sealift")).ok_or(ConfigError::NoCache)
    }

    fn override_with(&mut self, config: &mut Config, overrides: &Overrides) -> Result<(), ConfigError> {
        if !overrides.services.is_empty() && !config.services.is_empty() {
            let names = || config.services.iter().map(|service| service.name.as_str());
            if let Some(name) = overrides.services.iter().find(|name| !names().any(|known| known == **name)) {
                let name: String = name.chars().take(60).collect();
                let nearest = nearest(&name, names()).map(str::to_owned);
                return Err(ConfigError::NoService { name, nearest, known: names().map(str::to_owned).collect() });
            }
            config.services.retain(|service| overrides.services.iter().any(|name| name == service.name.as_str()));
        }
        if let Some(targets) = &overrides.targets {
            self.layers.origins.set("build.targets".into(), Origin::CommandLine);
            config.defaults.build.targets.clone_from(targets);
            for service in &mut config.services {
                self.layers.origins.forget(&format!("service.{}.build.targets", segment(service.name.as_str())));
                service.settings.build.targets.clone_from(targets);
            }
        }
        if let Some(key) = &overrides.key {
            self.layers.origins.set("attest.key".into(), Origin::CommandLine);
            config.attest.key = Some(key.clone());
        }
        Ok(())
    }

    /// What of an image's settings contradicts others: a level that gzip does not have, a platform that is not built.
    fn check_images(&self, defaults: &Settings, services: &[Service]) {
        let top = &self.contents.settings.image;
        let own = self.contents.services.iter().map(|service| &service.settings.image);
        let used = services.iter().map(|service| &service.settings).zip(own);
        let alone = services.is_empty().then_some((defaults, top));
        for (settings, written) in used.chain(alone) {
            let image = &settings.image;
            let level = written.level.as_ref().or(top.level.as_ref());
            if let (Some(level), Err(error)) = (level, image.codec()) {
                let wrong = Wrong::new("config.value", error.to_string());
                self.notes.add(level.span.clone(), wrong.hint(error.hint().unwrap_or_default()));
            }
            let Some(platforms) = written.platforms.as_ref().or(top.platforms.as_ref()) else { continue };
            let exact = image.platforms.iter().filter(|pattern| pattern.is_exact() && !pattern.excludes());
            // What `host` is depends on the machine, and a file must not.
            for pattern in exact.filter(|pattern| pattern.text() != "host") {
                let Ok(target) = pattern.text().parse() else { continue };
                if !crate::target::selects(&settings.build.targets, &target) {
                    let text = format!("there is no binary for {target}: build.targets does not name it");
                    let wrong = Wrong::new("config.platform", text);
                    self.notes.add(platforms.span.clone(), wrong.hint(format!("add {target} to build.targets")));
                }
            }
        }
    }

    /// A level that a format does not know: what is used counts, which are the defaults only where no service is named.
    fn check_levels(&self, defaults: &Settings, services: &[Service]) {
        let top = self.contents.settings.package.level.as_ref();
        let own = self.contents.services.iter().map(|service| service.settings.package.level.as_ref().or(top));
        let used = services.iter().map(|service| &service.settings.package).zip(own);
        let alone = services.is_empty().then_some((&defaults.package, top));
        if let (true, Some(level), true) = (defaults.package.source, top, defaults.package.level > MAX_DEFLATE_LEVEL) {
            let text = format!("the source archive is a tar.gz, which has no compression level {}", level.value);
            let hint = format!("at most {MAX_DEFLATE_LEVEL}, or package.source = false");
            self.notes.add(level.span.clone(), Wrong::new("config.value", text).hint(hint));
            return;
        }
        for (package, level) in used.chain(alone) {
            let mut formats = package.formats.iter().flat_map(|(_, formats)| formats);
            let refused = formats.find(|format| **format != Format::TarZst);
            if let (Some(format), Some(level), true) = (refused, level, package.level > MAX_DEFLATE_LEVEL) {
                let wrong = Wrong::new("config.value", format!("{format} has no compression level {}", package.level));
                let hint = format!("at most {MAX_DEFLATE_LEVEL}, or formats = [\"tar.zst\"] for all targets");
                self.notes.add(level.span.clone(), wrong.hint(hint));
            }
        }
    }
}
