//! The file as it is written: every value that is there, with its place, and nothing that is not.

mod changelog;
mod image;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use sealift_trust::SignatureFormat;
use sealift_trust::name::FileName;
use toml_edit::Value;

use super::error::{Problems, Wrong, quoted};
use super::flags::Flags;
use super::keys::MAX_LEVEL;
use super::keys::attest::MAX_TIMEOUT;
use super::keys::scan::MAX_AGE;
use super::linker_flags::LinkerFlags;
use super::notes::{Notes, Written};
use super::reader::Section;
use super::settings::{FormatRules, ScanFail, ServiceKind, Signatures};
use super::template::{Template, Variable};
use super::variables::variable;
use super::{size, values};
use crate::archive::Format;
use crate::product::SbomFormat;
use crate::target::Pattern;

pub(super) use changelog::WrittenChangelog;
pub(super) use image::WrittenImage;
pub(super) use version::{WrittenServiceVersion, WrittenVersion};

/// How many services a file may have: each holds its own copy of the defaults.
const MAX_SERVICES: usize = 256;
/// The most registries.
const MAX_REGISTRIES: usize = 64;

/// `sealift.toml`.
#[derive(Default)]
pub(super) struct Contents {
    pub name: Option<Written<FileName>>,
    pub source: Option<Written<String>>,
    pub license: Option<Written<String>>,
    pub description: Option<Written<String>>,
    pub version: WrittenVersion,
    pub changelog: WrittenChangelog,
    pub settings: WrittenSettings,
    pub services: Vec<WrittenService>,
    pub registries: Vec<WrittenRegistry>,
    pub sbom_formats: Option<Written<Vec<SbomFormat>>>,
    pub scan: WrittenScan,
    pub key: Option<Written<PathBuf>>,
    pub signer: Option<Written<Vec<String>>>,
    pub signer_timeout: Option<Written<u64>>,
    pub signatures: Option<Written<Signatures>>,
    pub formats: Option<Written<Vec<SignatureFormat>>>,
    pub cache: Option<Written<PathBuf>>,
}

/// `[[service]]`.
pub(super) struct WrittenService {
    /// Where it begins.
    pub span: Range<usize>,
    pub name: Option<Written<FileName>>,
    pub path: Option<Written<String>>,
    pub kind: Option<Written<ServiceKind>>,
    pub version: WrittenServiceVersion,
    pub settings: WrittenSettings,
}

/// `[[registry]]`.
pub(super) struct WrittenRegistry {
    pub host: Written<String>,
    pub ca: Option<Written<PathBuf>>,
    pub client_cert: Option<Written<PathBuf>>,
    pub client_key: Option<Written<PathBuf>>,
    pub plain_http: Option<Written<bool>>,
    pub realm: Option<Written<String>>,
}

/// `[scan]`.
#[derive(Default)]
pub(super) struct WrittenScan {
    pub fail: Option<Written<ScanFail>>,
    pub minimum_cvss: Option<Written<String>>,
    pub database: Option<Written<Vec<String>>>,
    pub max_age: Option<Written<u64>>,
    pub vex: Option<Written<Vec<PathBuf>>>,
}

/// `[build]`, `[package]` and `[image]`.
#[derive(Default)]
pub(super) struct WrittenSettings {
    pub build: WrittenBuild,
    pub package: WrittenPackage,
    pub image: WrittenImage,
}

/// `[build]`.
#[derive(Default)]
pub(super) struct WrittenBuild {
    pub targets: Option<Written<Vec<Pattern>>>,
    pub go: Option<Written<String>>,
    pub compile: WrittenCompile,
    pub overrides: Vec<(Pattern, WrittenCompile)>,
    pub before: Option<Written<Vec<Vec<String>>>>,
    pub generate: Option<Written<Vec<Vec<String>>>>,
    pub after: Option<Written<Vec<Vec<String>>>>,
    pub mod_verify: Option<Written<bool>>,
    pub mod_tidy: Option<Written<bool>>,
    pub keep_going: Option<Written<bool>>,
}

/// What `[build]` and `[build.target."…"]` have in common.
#[derive(Default)]
pub(super) struct WrittenCompile {
    pub flags: Option<Written<Vec<String>>>,
    pub ldflags: Option<Written<Vec<String>>>,
    pub tags: Option<Written<Vec<String>>>,
    pub env: BTreeMap<String, Written<String>>,
    pub cgo: Option<Written<bool>>,
    pub strip: Option<Written<bool>>,
}

/// `[package]`.
#[derive(Default)]
pub(super) struct WrittenPackage {
    pub formats: Option<Written<FormatRules>>,
    pub files: Option<Written<Vec<String>>>,
    pub name: Option<Written<Template>>,
    pub together: Option<Written<bool>>,
    pub source: Option<Written<bool>>,
    pub upx: Option<Written<bool>>,
    pub level: Option<Written<u8>>,
    pub binary_budget: Option<Written<u64>>,
    pub archive_budget: Option<Written<u64>>,
}

/// Reads a file's text; the file is named as the user names it. Errors: everything that is wrong in it.
pub(super) fn read(file: &str, text: &str) -> Result<Contents, Problems> {
    let notes = Notes::new(file, text);
    let contents = match toml_edit::Document::parse(text) {
        Ok(document) => contents(&Section::root(document.as_table(), &notes)),
        Err(error) => {
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            let wrong = Wrong::new("config.syntax", format!("not TOML: {message}"));
            notes.add(error.span().unwrap_or(0..0), wrong.hint("https://toml.io/en/v1.0.0 is the format"));
            Contents::default()
        }
    };
    notes.problems().map_or(Ok(contents), Err)
}

fn contents(root: &Section) -> Contents {
    let mut contents = Contents { settings: settings(root), ..Contents::default() };
    if let Some(project) = root.table("project") {
        contents.name = project.text("name", |text| values::name("config.project-name", text));
        contents.source = project.text("source", values::url);
        contents.license = project.text("license", values::license);
        contents.description = project.text("description", values::line);
    }
    contents.version = root.table("version").map(|section| version::read(&section)).unwrap_or_default();
    contents.changelog = root.table("changelog").map(|section| changelog::read(&section)).unwrap_or_default();
    contents.services = root.tables("service", MAX_SERVICES).iter().map(service).collect();
    contents.registries = registries(root);
    contents.sbom_formats = root.table("sbom").and_then(|sbom| sbom.list("formats", values::sbom_format));
    contents.scan = root.table("scan").map(|section| scan(&section)).unwrap_or_default();
    if let Some(attest) = root.table("attest") {
        contents.key = attest.text("key", values::any_path);
        contents.signer = attest.list("signer", values::line).filter(|words| signer(&attest, words));
        contents.signer_timeout = attest.value("signer-timeout", timeout);
        contents.signatures = attest.text("signatures", values::signatures);
        contents.formats = attest.list("formats", values::signature_format).filter(|formats| once(&attest, formats));
    }
    contents.cache = root.table("cache").and_then(|cache| cache.text("dir", values::any_path));
    refuse_twins(root, &contents);
    refuse_twin_prefixes(root, &contents);
    contents
}

fn scan(section: &Section) -> WrittenScan {
    WrittenScan {
        fail: section.text("fail", values::scan_fail),
        minimum_cvss: section.text("minimum-cvss", values::score),
        database: section.list("database", values::database),
        max_age: section.value("max-age", max_age),
        vex: section.list("vex", values::any_path),
    }
}

fn max_age(value: &Value) -> Option<Result<u64, Wrong>> {
    let number = value.as_integer()?;
    let days = u64::try_from(number).ok().filter(|_| number <= MAX_AGE);
    let wrong = Wrong::new("config.value", format!("a database cannot be allowed an age of {number} days"));
    Some(days.ok_or_else(|| wrong.hint(format!("up to {MAX_AGE}; 0 allows any age"))))
}

fn registries(root: &Section) -> Vec<WrittenRegistry> {
    let mut all: Vec<WrittenRegistry> = Vec::new();
    for section in root.tables("registry", MAX_REGISTRIES) {
        let host = section.text("host", values::host);
        if !section.holds("host") {
            let wrong = Wrong::new("config.value", "a registry needs the key \"host\"");
            section.refuse(section.span.clone(), wrong.hint("host = \"registry.example:5000\""));
        }
        let (client_cert, client_key) =
            (section.text("client-cert", values::any_path), section.text("client-key", values::any_path));
        for (one, other, missing) in
            [(&client_cert, "client-key", &client_key), (&client_key, "client-cert", &client_cert)]
        {
            if let (Some(one), None, false) = (one, missing, section.holds(other)) {
                let wrong = Wrong::new("config.value", "a client certificate and its key come together");
                section.refuse(one.span.clone(), wrong.hint(format!("write {other} beside it")));
            }
        }
        let (ca, plain_http) = (section.text("ca", values::any_path), section.bool("plain-http"));
        let realm = section.text("realm", values::realm);
        let Some(host) = host else { continue };
        if all.iter().any(|known| known.host.value == host.value) {
            let wrong = Wrong::new("config.value", format!("a second registry has the host {}", quoted(&host.value)));
            section.refuse(host.span.clone(), wrong.hint("write one table for each registry"));
        }
        all.push(WrittenRegistry { host, ca, client_cert, client_key, plain_http, realm });
    }
    all
}

/// Two services whose names differ in nothing but case would overwrite each other's files on some systems.
fn refuse_twins(root: &Section, contents: &Contents) {
    let mut seen = BTreeSet::new();
    for service in &contents.services {
        let Some(name) = service.resolved_name(contents.name.as_ref().map(|name| &name.value)) else { continue };
        if !seen.insert(name.folded()) {
            let at = service.name.as_ref().map_or(service.span.clone(), |name| name.span.clone());
            let wrong =
                Wrong::new("config.duplicate-service", format!("a second service is named {:?}", name.as_str()));
            root.refuse(at, wrong.hint("names are unique without regard to case: give each service its own name"));
        }
    }
}

/// Two services with one prefix would make the same tags for versions that have nothing to do with each other.
fn refuse_twin_prefixes(root: &Section, contents: &Contents) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for prefix in contents.services.iter().filter_map(|service| service.version.tag_prefix.as_ref()) {
        if !seen.insert(&prefix.value) {
            let text = format!("a second service has the tag prefix {}", quoted(&prefix.value));
            let wrong = Wrong::new("config.duplicate-prefix", text);
            root.refuse(prefix.span.clone(), wrong.hint("for example \"NAME/v\", with the name of each service"));
        }
    }
    // A version begins with a digit: "v1.0.0-api/v" is "v" with the prerelease that begins "api".
    let project = contents.version.tag_prefix.as_ref().map_or("v", |prefix| prefix.value.as_str());
    for prefix in contents.services.iter().filter_map(|service| service.version.tag_prefix.as_ref()) {
        let own = prefix.value.as_str();
        let rest = |other: &str| own.strip_prefix(other).or_else(|| other.strip_prefix(own)).map(str::to_owned);
        let overlaps = |other: &&str| rest(other).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if let Some(other) = seen.iter().copied().chain([project]).find(overlaps) {
            let text = format!("tags with the prefix {} are also tags with {}", quoted(own), quoted(other));
            let wrong = Wrong::new("config.duplicate-prefix", text);
            root.refuse(prefix.span.clone(), wrong.hint("for example \"NAME/v\", with the name of each service"));
        }
    }
}

impl WrittenService {
    /// The name: as written, else the last element of the path, else the project's.
    pub fn resolved_name(&self, project: Option<&FileName>) -> Option<FileName> {
        if let Some(name) = &self.name {
            return Some(name.value.clone());
        }
        match self.path.as_ref().map(|path| path.value.rsplit('/').next().unwrap_or("")) {
            None | Some(".") => project.cloned(),
            Some(last) => last.parse().ok(),
        }
    }
}

fn service(section: &Section) -> WrittenService {
    const WORDS: &[&str] = &["go", "prebuilt"];
    let kind = section.text("kind", |text| {
        values::choice(text, WORDS).map(|word| if word == "go" { ServiceKind::Go } else { ServiceKind::Prebuilt })
    });
    let prebuilt = kind.as_ref().is_some_and(|kind| kind.value == ServiceKind::Prebuilt);
    let path = section.text("path", |text| {
        if prebuilt {
            let template = values::template(text)?;
            if template.has(Variable::Version) {
                let wrong = Wrong::new("config.template", "a prebuilt file is looked for before the version is known");
                return Err(wrong.hint("take {version} away; {target} tells the files apart"));
            }
        }
        values::path(text)
    });
    let name = section.text("name", |text| values::name("config.service-name", text));
    if prebuilt {
        for (key, there) in [("name", section.holds("name")), ("path", section.holds("path"))] {
            if !there {
                let wrong = Wrong::new("config.value", format!("a prebuilt service needs the key {key:?}"));
                section.refuse(
                    section.span.clone(),
                    wrong.hint("path = \"out/api_{target}\" names a file for each target"),
                );
            }
        }
    } else if let (false, Some(path)) = (section.holds("name"), &path) {
        let last = path.value.rsplit('/').next().unwrap_or("");
        if let (true, Err(wrong)) = (last != ".", values::name("config.service-name", last)) {
            section.refuse(path.span.clone(), wrong.hint("give the service a name: name = \"…\""));
        }
    }
    let version = section.table("version").map(|section| version::read_service(&section)).unwrap_or_default();
    WrittenService { span: section.span.clone(), name, path, kind, version, settings: settings(section) }
}

fn settings(section: &Section) -> WrittenSettings {
    WrittenSettings {
        build: section.table("build").map(|section| build(&section)).unwrap_or_default(),
        package: section.table("package").map(|section| package(&section)).unwrap_or_default(),
        image: section.table("image").map(|section| image::read(&section)).unwrap_or_default(),
    }
}

fn build(section: &Section) -> WrittenBuild {
    let hooks = section.table("hooks");
    let commands = |name| hooks.as_ref().and_then(|hooks| hooks.lists(name, values::word));
    let mut overrides = Vec::new();
    for (text, at, section) in section.by_target("target") {
        match values::rule_target(&text) {
            Ok(pattern) => overrides.push((pattern, compile(&section))),
            Err(wrong) => section.refuse(at, wrong),
        }
    }
    WrittenBuild {
        targets: section.list("targets", values::target),
        go: section.text("go", values::go_version),
        compile: compile(section),
        overrides,
        before: commands("before"),
        generate: commands("generate"),
        after: commands("after"),
        mod_verify: section.bool("mod-verify"),
        mod_tidy: section.bool("mod-tidy"),
        keep_going: section.bool("keep-going"),
    }
}

fn compile(section: &Section) -> WrittenCompile {
    let (mut reader, mut linker) = (Flags::default(), LinkerFlags::default());
    let flags = section.list("flags", |text| reader.read(text));
    if let (Some(flags), Err(wrong)) = (&flags, reader.end()) {
        section.refuse(flags.span.clone(), wrong);
    }
    WrittenCompile {
        flags,
        ldflags: section.list("ldflags", |text| linker.read(text)),
        tags: section.list("tags", values::tag),
        env: section.strings("env", variable),
        cgo: section.bool("cgo"),
        strip: section.bool("strip"),
    }
}

fn package(section: &Section) -> WrittenPackage {
    let budget = section.table("budget");
    let bytes = |name| budget.as_ref().and_then(|budget| budget.value(name, byte_size));
    WrittenPackage {
        formats: formats(section),
        files: section.list("files", values::path),
        name: section.text("name", values::name_template),
        together: section.bool("together"),
        source: section.bool("source"),
        upx: section.bool("upx"),
        level: section.value("level", level),
        binary_budget: bytes("binary"),
        archive_budget: bytes("archive"),
    }
}

fn formats(section: &Section) -> Option<Written<FormatRules>> {
    let written = section.list_or_by_target("formats", values::format)?;
    let mut rules = Vec::new();
    for (pattern, formats) in written.value {
        let at = pattern.as_ref().map_or(written.span.clone(), |pattern| pattern.span.clone());
        let text = pattern.as_ref().map_or("*", |pattern| &pattern.value);
        let distinct: BTreeSet<Format> = formats.iter().copied().collect();
        if formats.is_empty() {
            let wrong = Wrong::new("config.value", "a release without archives has no files: at least one format");
            section.refuse(at.clone(), wrong.hint("for example [\"tar.gz\", \"zip\"]"));
        } else if distinct.len() != formats.len() {
            let wrong = Wrong::new("config.value", "a format is named twice, and would write the same file twice");
            section.refuse(at.clone(), wrong.hint("name each only once"));
        }
        match values::rule_target(text) {
            Ok(pattern) => rules.push((pattern, formats)),
            Err(wrong) => section.refuse(at, wrong),
        }
    }
    Some(Written { value: rules, key: written.key, span: written.span })
}

fn byte_size(value: &Value) -> Option<Result<u64, Wrong>> {
    let (bytes, text) = match value {
        Value::Integer(number) => (u64::try_from(*number.value()).ok(), number.value().to_string()),
        Value::String(text) => (size::parse(text.value()), text.value().clone()),
        _ => return None,
    };
    Some(bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        let wrong = Wrong::new("config.value", format!("{} is not a number of bytes", quoted(&text)));
        wrong.hint("for example \"10 MB\", \"1 MiB\" or 4194304")
    }))
}

/// A signer without a program is none.
fn signer(attest: &Section<'_>, words: &Written<Vec<String>>) -> bool {
    let named = words.value.first().is_some_and(|program| !program.is_empty());
    if !named {
        let wrong = Wrong::new("config.command", "a signer is a program and its arguments");
        attest.refuse(words.span.clone(), wrong.hint("signer = [\"kms-sign\", \"release\"]"));
    }
    named
}

/// Each format once, and at least one: a release whose list nobody signed would verify for nobody without sealift.
fn once(attest: &Section<'_>, formats: &Written<Vec<SignatureFormat>>) -> bool {
    let distinct: BTreeSet<&SignatureFormat> = formats.value.iter().collect();
    let right = !distinct.is_empty() && distinct.len() == formats.value.len();
    if !right {
        let wrong = Wrong::new("config.value", "a release has at least one format of signatures, and each once");
        attest.refuse(formats.span.clone(), wrong.hint("formats = [\"raw\"]"));
    }
    right
}

fn timeout(value: &Value) -> Option<Result<u64, Wrong>> {
    let number = value.as_integer()?;
    let seconds = u64::try_from(number).ok().filter(|_| (1..=MAX_TIMEOUT).contains(&number));
    let wrong = Wrong::new("config.value", format!("nobody waits for {number} seconds"));
    Some(seconds.ok_or_else(|| wrong.hint(format!("1 to {MAX_TIMEOUT}"))))
}

fn level(value: &Value) -> Option<Result<u8, Wrong>> {
    let number = value.as_integer()?;
    let level = u8::try_from(number).ok().filter(|_| number <= MAX_LEVEL);
    let wrong = Wrong::new("config.value", format!("there is no compression level {number}"));
    Some(level.ok_or_else(|| wrong.hint(format!("1 is fast, {MAX_LEVEL} is small, 0 is the format's own default"))))
}
