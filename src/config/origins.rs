//! Where each value of a configuration came from: what `sealift check` shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use super::settings::changelog::ChangelogSettings;
use super::settings::image::ImageSettings;
use super::settings::version::VersionRules;
use super::settings::{
    BuildSettings, CompileOverride, Config, PackageSettings, RegistrySettings, ScanFail, ScanSettings, ServiceKind,
    Settings,
};
use super::size;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The file, as `sealift.toml:3:1`.
    File {
        /// As the user names it.
        file: String,
        /// From one.
        line: usize,
        /// From one, in characters.
        column: usize,
    },
    /// The project: `go.mod`, `git remote`.
    Found(&'static str),
    /// An environment variable.
    Environment(&'static str),
    /// An option.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Origin::Found(what) => f.write_str(what),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::CommandLine => f.write_str("command line"),
        }
    }
}

/// One value for people: the dotted key, the value as TOML writes it (`none` where nothing is set), and its origin.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// `build.flags`, `service.api.build.flags`.
    pub key: String,
    /// As TOML writes it.
    pub value: String,
    /// As [`Origin`] writes it.
    pub origin: String,
}

/// The origins of all values that are not built in, by dotted key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// The origin of a dotted key: `build.flags`, `service.api.path`.
    pub fn of(&self, key: &str) -> Origin {
        self.0.get(key).cloned().unwrap_or(Origin::Default)
    }

    pub(super) fn set(&mut self, key: String, origin: Origin) {
        self.0.insert(key, origin);
    }

    pub(super) fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Every value of a configuration in the order of the reference; of a service those that are its own.
    pub fn rows(&self, config: &Config) -> Vec<Row> {
        let mut rows = vec![
            ("project.name".into(), text(config.project.name.as_str())),
            ("project.source".into(), optional(&config.project.source)),
            ("project.license".into(), optional(&config.project.license)),
            ("project.description".into(), optional(&config.project.description)),
        ];
        rows.extend(version_rows(&config.version));
        rows.extend(changelog_rows(&config.changelog));
        rows.extend(settings_rows("", &config.defaults));
        rows.push(("sbom.formats".into(), list(config.sbom.formats.iter().map(|format| format.word()))));
        rows.extend(scan_rows(&config.scan));
        rows.push((
            "attest.key".into(),
            config.attest.key.as_ref().map_or_else(none, |key| text(&key.to_string_lossy())),
        ));
        let attest = &config.attest;
        rows.extend([
            ("attest.signer".into(), attest.signer.as_ref().map_or_else(none, list)),
            ("attest.signer-timeout".into(), attest.signer_timeout.to_string()),
            ("attest.signatures".into(), text(attest.signatures.word())),
            ("attest.formats".into(), list(attest.formats.iter().map(|format| format.name()))),
        ]);
        rows.push(("cache.dir".into(), text(&config.cache.to_string_lossy())));
        for registry in &config.registries {
            rows.extend(registry_rows(registry));
        }
        for service in &config.services {
            let prefix = format!("service.{}.", segment(service.name.as_str()));
            let kind = match service.kind {
                ServiceKind::Go => "go",
                ServiceKind::Prebuilt => "prebuilt",
            };
            rows.push((format!("{prefix}path"), text(&service.path)));
            rows.push((format!("{prefix}kind"), text(kind)));
            let mut own = settings_rows(&prefix, &service.settings);
            own.push((format!("{prefix}version.tag-prefix"), optional(&service.version.tag_prefix)));
            own.push((format!("{prefix}version.paths"), list(&service.version.paths)));
            // An override that the service repeats for the same pattern comes twice; the later one is what holds.
            let last: BTreeMap<String, String> = own.iter().cloned().collect();
            let mut seen = BTreeSet::new();
            let own = own.into_iter().filter(|(key, _)| self.0.contains_key(key) && seen.insert(key.clone()));
            rows.extend(own.filter_map(|(key, _)| last.get(&key).cloned().map(|value| (key, value))));
        }
        let row = |(key, value): (String, String)| Row { origin: self.of(&key).to_string(), key, value };
        rows.into_iter().map(row).collect()
    }
}

type Pairs = Vec<(String, String)>;

fn version_rows(rules: &VersionRules) -> Pairs {
    // Enums are written as their words are.
    let word = |value: serde_json::Value| text(value.as_str().unwrap_or_default());
    let mut rows = vec![("version.tag-prefix".to_owned(), text(&rules.tag_prefix))];
    let named = |table: &str, name: &str| format!("version.{table}.{}", segment(name));
    rows.extend(rules.channels.iter().map(|(name, channel)| (named("channels", name), text(channel))));
    rows.push(("version.uncounted".into(), list(&rules.uncounted)));
    rows.extend(rules.types.iter().map(|(name, bump)| (named("types", name), text(bump.word()))));
    rows.extend(rules.files.iter().map(|(name, pattern)| (named("files", name), text(pattern))));
    rows.extend([
        ("version.zero".into(), word(serde_json::json!(rules.zero))),
        ("version.first".into(), text(&rules.first.to_string())),
        ("version.unconventional".into(), word(serde_json::json!(rules.unconventional))),
        ("version.small-tag".into(), word(serde_json::json!(rules.small_tag))),
        ("version.go-major".into(), word(serde_json::json!(rules.go_major))),
    ]);
    rows
}

fn changelog_rows(settings: &ChangelogSettings) -> Pairs {
    let forge = settings.forge.map(|forge| serde_json::json!(forge).as_str().unwrap_or_default().to_owned());
    let mut rows = vec![
        ("changelog.file".to_owned(), text(&settings.file)),
        ("changelog.template".into(), optional(&settings.template)),
        ("changelog.forge".into(), optional(&forge)),
        ("changelog.commit".into(), settings.commit.to_string()),
    ];
    let named = |(kind, title): (&String, &String)| (format!("changelog.sections.{}", segment(kind)), text(title));
    rows.extend(settings.sections.iter().map(named));
    rows
}

fn settings_rows(prefix: &str, settings: &Settings) -> Pairs {
    let mut rows = build_rows(&settings.build);
    rows.extend(package_rows(&settings.package));
    rows.extend(image_rows(&settings.image));
    rows.into_iter().map(|(key, value)| (format!("{prefix}{key}"), value)).collect()
}

fn build_rows(build: &BuildSettings) -> Pairs {
    let mut rows: Pairs = vec![
        ("build.targets".into(), list(build.targets.iter().map(|pattern| pattern.text()))),
        ("build.go".into(), optional(&build.go)),
        ("build.flags".into(), list(&build.compile.flags)),
        ("build.ldflags".into(), list(&build.compile.ldflags)),
        ("build.tags".into(), list(&build.compile.tags)),
    ];
    rows.extend(build.compile.env.iter().map(|(name, value)| (format!("build.env.{}", segment(name)), text(value))));
    rows.extend([
        ("build.cgo".into(), build.compile.cgo.to_string()),
        ("build.strip".into(), build.compile.strip.to_string()),
        ("build.mod-verify".into(), build.mod_verify.to_string()),
        ("build.mod-tidy".into(), build.mod_tidy.to_string()),
        ("build.keep-going".into(), build.keep_going.to_string()),
        ("build.hooks.before".into(), commands(&build.hooks.before)),
        ("build.hooks.generate".into(), commands(&build.hooks.generate)),
        ("build.hooks.after".into(), commands(&build.hooks.after)),
    ]);
    for (pattern, over) in &build.overrides {
        rows.extend(override_rows(&format!("build.target.{}.", segment(pattern.text())), over));
    }
    rows
}

fn override_rows(prefix: &str, over: &CompileOverride) -> Pairs {
    let lists = [("flags", &over.flags), ("ldflags", &over.ldflags), ("tags", &over.tags)];
    let mut rows: Pairs =
        lists.into_iter().filter_map(|(key, value)| Some((format!("{prefix}{key}"), list(value.as_ref()?)))).collect();
    rows.extend(over.env.iter().map(|(name, value)| (format!("{prefix}env.{}", segment(name)), text(value))));
    let switches = [("cgo", over.cgo), ("strip", over.strip)];
    rows.extend(switches.into_iter().filter_map(|(key, value)| Some((format!("{prefix}{key}"), value?.to_string()))));
    rows
}

fn package_rows(package: &PackageSettings) -> Pairs {
    let rules: Vec<String> = package
        .formats
        .iter()
        .map(|(pattern, formats)| {
            format!("{} = {}", segment(pattern.text()), list(formats.iter().map(ToString::to_string)))
        })
        .collect();
    let bytes = |bytes: Option<u64>| bytes.map_or_else(none, |bytes| text(&size::print(bytes)));
    vec![
        ("package.formats".into(), format!("{{ {} }}", rules.join(", "))),
        ("package.files".into(), list(&package.files)),
        ("package.name".into(), text(&package.name.to_string())),
        ("package.together".into(), package.together.to_string()),
        ("package.source".into(), package.source.to_string()),
        ("package.upx".into(), package.upx.to_string()),
        ("package.level".into(), package.level.to_string()),
        ("package.budget.binary".into(), bytes(package.binary_budget)),
        ("package.budget.archive".into(), bytes(package.archive_budget)),
    ]
}

fn image_rows(image: &ImageSettings) -> Pairs {
    let names = |key: &str, all: &BTreeMap<String, String>| -> Pairs {
        all.iter().map(|(name, value)| (format!("image.{key}.{}", segment(name)), text(value))).collect()
    };
    let mut rows: Pairs = vec![
        ("image.base".into(), text(image.base.text())),
        ("image.repository".into(), image.repository.as_ref().map_or_else(none, |it| text(&it.to_string()))),
        ("image.platforms".into(), list(image.platforms.iter().map(|pattern| pattern.text()))),
        ("image.tags".into(), list(image.tags.iter().map(ToString::to_string))),
        ("image.user".into(), text(&image.user)),
        ("image.workdir".into(), optional(&image.workdir)),
        ("image.entrypoint".into(), image.entrypoint.as_ref().map_or_else(none, list)),
        ("image.cmd".into(), list(&image.cmd)),
    ];
    rows.extend(names("env", &image.env));
    rows.extend([
        ("image.ports".into(), list(&image.ports)),
        ("image.volumes".into(), list(&image.volumes)),
        ("image.stop-signal".into(), optional(&image.stop_signal)),
    ]);
    rows.extend(names("labels", &image.labels));
    rows.extend(names("files", &image.files));
    rows.extend([
        ("image.ca-certificates".into(), list(&image.certificates)),
        ("image.tzdata".into(), image.tzdata.to_string()),
        ("image.budget".into(), image.budget.map_or_else(none, |bytes| text(&size::print(bytes)))),
        ("image.compression".into(), text(image.compression.word())),
        ("image.level".into(), image.level.to_string()),
    ]);
    rows
}

fn scan_rows(scan: &ScanSettings) -> Pairs {
    let fail = match scan.fail {
        ScanFail::None => "none",
        ScanFail::Module => "module",
        ScanFail::Symbol => "symbol",
    };
    vec![
        ("scan.fail".into(), text(fail)),
        ("scan.minimum-cvss".into(), optional(&scan.minimum_cvss)),
        ("scan.database".into(), list(&scan.database)),
        ("scan.max-age".into(), scan.max_age.to_string()),
        ("scan.vex".into(), list(scan.vex.iter().map(|path| path.to_string_lossy()))),
    ]
}

fn registry_rows(registry: &RegistrySettings) -> Pairs {
    let prefix = format!("registry.{}.", segment(&registry.host));
    let path = |path: &Option<PathBuf>| path.as_ref().map_or_else(none, |path| text(&path.to_string_lossy()));
    let rows = [
        ("ca", path(&registry.ca)),
        ("client-cert", path(&registry.client_cert)),
        ("client-key", path(&registry.client_key)),
        ("plain-http", registry.plain_http.map_or_else(none, |plain| plain.to_string())),
        ("realm", optional(&registry.realm)),
    ];
    rows.into_iter().map(|(key, value)| (format!("{prefix}{key}"), value)).collect()
}

fn none() -> String {
    "none".to_owned()
}

fn text(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn optional(value: &Option<String>) -> String {
    value.as_deref().map_or_else(none, text)
}

fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    format!("[{}]", items.into_iter().map(|item| text(item.as_ref())).collect::<Vec<_>>().join(", "))
}

fn commands(commands: &[Vec<String>]) -> String {
    format!("[{}]", commands.iter().map(list).collect::<Vec<_>>().join(", "))
}

/// A part of a dotted key: quoted where TOML quotes it.
pub(super) fn segment(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { text(name) }
}
