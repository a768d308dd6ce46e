//! Which files a version changes: read here, decided in [`crate::version::files`], written by nobody yet.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;
use sealift_trust::name::InnerPath;
use semver::Version;

use super::SurveyError;
use crate::command::Command;
use crate::config::Config;
use crate::error::Failure;
use crate::history::Git;
use crate::host::{Host, files};
use crate::toolchain::go::gomod;
use crate::version::Edit;
use crate::version::files::go::{self, Modules, Renewed};
use crate::version::files::{FilesError, cargo, npm, pattern};

/// The longest file that is changed.
const CAP: u64 = 64 << 20;

/// Whether a module path without the major version is refused or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paths {
    /// It is refused, with every line that would have to change.
    Check,
    /// It is changed, and all imports of it.
    Fix,
    /// It stays as it is.
    Keep,
}

/// What a version changes.
pub struct Bump {
    /// The files.
    pub edits: Vec<Edit>,
    /// The tags of modules in folders of their own, which stand beside the version's: `dir/v1.2.3`.
    pub module_tags: Vec<String>,
}

/// Works out what a version changes: Go modules and what they ask of each other, the packages of a Cargo workspace and of
/// npm, and the files of `version.files`. Files that git does not know are nobody's.
///
/// # Errors
/// `version.module-path`, `version.retracted`, `version.no-place`, `version.file-form`; those of cargo, where it is needed.
pub fn bump(host: &Host, config: &Config, version: &Version, paths: Paths) -> Result<Bump, SurveyError> {
    let git = Git::find(host, &config.root)?;
    let mut texts = Texts::read(host, &git, config)?;
    let module_tags = texts.go(version, paths)?;
    texts.cargo(host, version)?;
    texts.npm(version)?;
    texts.patterns(version)?;
    Ok(Bump { edits: texts.edits(version), module_tags })
}

/// The files of a project, as they are and as they will be.
struct Texts<'a> {
    config: &'a Config,
    /// What git knows or does not ignore: nothing else is read, and so nothing else is changed.
    names: BTreeSet<InnerPath>,
    before: BTreeMap<InnerPath, String>,
    after: BTreeMap<InnerPath, String>,
}

impl<'a> Texts<'a> {
    fn read(host: &Host, git: &Git, config: &'a Config) -> Result<Self, SurveyError> {
        let listed = git.text(host, ["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let names = listed.split('\0').filter(|name| !name.is_empty()).filter_map(|name| name.parse().ok()).collect();
        Ok(Self { config, names, before: BTreeMap::new(), after: BTreeMap::new() })
    }

    fn named(&self, name: &str) -> Vec<InnerPath> {
        self.names.iter().filter(|path| path.as_str().rsplit('/').next() == Some(name)).cloned().collect()
    }

    /// What a file holds, or will; none for one that is not there, is a link, or is ignored.
    fn text(&mut self, path: &InnerPath) -> Result<Option<String>, SurveyError> {
        if let Some(text) = self.after.get(path).or_else(|| self.before.get(path)) {
            return Ok(Some(text.clone()));
        }
        let full = self.config.root.join(path.as_str());
        if !self.names.contains(path) || !matches!(files::what(&full)?, files::What::File { .. }) {
            return Ok(None);
        }
        let text = files::read_text(&full, CAP)?;
        self.before.insert(path.clone(), text.clone());
        Ok(Some(text))
    }

    fn change(
        &mut self,
        path: &InnerPath,
        change: impl FnOnce(&str) -> Result<String, FilesError>,
    ) -> Result<(), SurveyError> {
        if let Some(text) = self.text(path)? {
            let new = change(&text)?;
            self.after.insert(path.clone(), new);
        }
        Ok(())
    }

    fn edits(self, version: &Version) -> Vec<Edit> {
        let Self { before, after, .. } = self;
        let edit = |(path, text): (InnerPath, String)| {
            let old = before.get(&path).map(String::as_str);
            Edit::of(path, old, text, format!("version {version}"))
        };
        after.into_iter().filter_map(edit).collect()
    }

    /// Modules that are released together: that of the project, and those of its go.work.
    fn go(&mut self, version: &Version, paths: Paths) -> Result<Vec<String>, SurveyError> {
        let mut folders: BTreeSet<String> = BTreeSet::from([String::new()]);
        if let Some(text) = self.text(&plain("go.work"))? {
            let work = gomod::parse("go.work", &text).map_err(FilesError::from)?;
            let inside = work.uses.iter().map(|folder| folder.trim_start_matches("./").trim_matches('/'));
            folders.extend(inside.filter(|folder| *folder != "." && !folder.contains("..")).map(str::to_owned));
        }
        let mut modules = Modules::new();
        let mut tags = Vec::new();
        let mut wanted = None;
        for folder in &folders {
            let name = if folder.is_empty() { "go.mod".to_owned() } else { format!("{folder}/go.mod") };
            let Some(text) = name.parse().ok().map(|path| self.text(&path)).transpose()?.flatten() else { continue };
            let module = gomod::parse(&name, &text).map_err(FilesError::from)?.module;
            let Some(module) = module else { continue };
            if let Some(place) = go::retracted(&name, &text, version)? {
                return Err(FilesError::Retracted { version: version.clone(), place }.into());
            }
            let path = match paths {
                Paths::Keep => module.clone(),
                Paths::Check | Paths::Fix => go::module_path(&module, version.major),
            };
            if path != module && wanted.is_none() {
                wanted = Some(path.clone());
            }
            if !folder.is_empty() {
                tags.push(go::tag(folder, version));
            }
            modules.insert(module, Renewed { path, version: Some(version.clone()) });
        }
        if modules.is_empty() {
            return Ok(tags);
        }
        let mut lines = Vec::new();
        for path in self.named("go.mod").into_iter().chain([plain("go.work")]) {
            let Some(old) = self.text(&path)? else { continue };
            self.change(&path, |text| go::go_mod(path.as_str(), text, &modules))?;
            if wanted.is_some() {
                self.differences(&path, &old, &mut lines);
            }
        }
        if let Some(wanted) = wanted {
            let sources: Vec<InnerPath> =
                self.names.iter().filter(|path| path.as_str().ends_with(".go")).cloned().collect();
            for path in sources {
                let Some(old) = self.text(&path)? else { continue };
                self.change(&path, |text| Ok(go::source(text, &modules)))?;
                self.differences(&path, &old, &mut lines);
            }
            if paths == Paths::Check {
                let (version, count) = (version.clone(), lines.len());
                let lines = lines.join("\n");
                return Err(FilesError::ModulePath { version, wanted, count, lines, together: true }.into());
            }
        }
        Ok(tags)
    }

    fn differences(&self, path: &InnerPath, old: &str, lines: &mut Vec<String>) {
        let new = self.after.get(path).map_or(old, String::as_str);
        for line in go::differences(old, new) {
            lines.push(format!("{path}:{}: {}\n    -> {}", line.number, line.before, line.after));
        }
    }

    /// The packages of the workspace that have the version of its root: they are released together.
    fn cargo(&mut self, host: &Host, version: &Version) -> Result<(), SurveyError> {
        let Some(root) = self.text(&plain("Cargo.toml"))? else { return Ok(()) };
        let metadata = metadata(host, self.config)?;
        let members = metadata.workspace_packages();
        let document = root.parse::<toml_edit::DocumentMut>().ok();
        let inherited = document.as_ref().and_then(|document| {
            let package = document.get("workspace").and_then(|workspace| workspace.get("package"));
            package.and_then(|package| package.get("version"))?.as_str()?.parse::<Version>().ok()
        });
        let from = inherited.or_else(|| metadata.root_package().map(|package| package.version.clone()));
        let Some(from) = from.or_else(|| members.first().map(|package| package.version.clone())) else { return Ok(()) };
        let ours: Vec<_> = members.into_iter().filter(|package| package.version == from).collect();
        let names: BTreeSet<String> = ours.iter().map(|package| package.name.to_string()).collect();
        let change = cargo::Change { from: &from, to: version, names: &names };
        for path in self.named("Cargo.toml") {
            // A manifest of another workspace, a fixture for example, is not read by cargo from here.
            let full = self.config.root.join(path.as_str());
            let is_member = metadata.packages.iter().any(|package| package.manifest_path.as_std_path() == full);
            if is_member || path.as_str() == "Cargo.toml" {
                self.change(&path, |text| cargo::manifest(path.as_str(), text, &change))?;
            }
        }
        self.change(&plain("Cargo.lock"), |text| cargo::lock("Cargo.lock", text, &change))
    }

    /// The package at the top, and its workspaces that have the same version.
    fn npm(&mut self, version: &Version) -> Result<(), SurveyError> {
        let Some(root) = self.text(&plain("package.json"))? else { return Ok(()) };
        let package = npm::read("package.json", &root)?;
        let mut members = vec![(plain("package.json"), package.clone())];
        for path in self.named("package.json") {
            let Some((folder, _)) = path.as_str().rsplit_once('/') else { continue };
            let is_workspace = |pattern: &String| match pattern.trim_start_matches("./").trim_end_matches('/') {
                pattern if pattern == folder => true,
                pattern => {
                    let inside =
                        pattern.strip_suffix("/*").and_then(|parent| folder.strip_prefix(parent)?.strip_prefix('/'));
                    inside.is_some_and(|rest| !rest.contains('/'))
                }
            };
            if let Some(text) = self.text(&path)?.filter(|_| package.workspaces.iter().any(is_workspace)) {
                let member = npm::read(path.as_str(), &text)?;
                members.push((path, member));
            }
        }
        let from = members.iter().find_map(|(_, package)| package.version.clone());
        let Some(from) = from else { return Ok(()) };
        members.retain(|(_, package)| package.version.as_ref() == Some(&from) || package.version.is_none());
        let released = members.iter().filter(|(_, package)| package.version.is_some());
        let names: BTreeSet<&str> = released.filter_map(|(_, package)| package.name.as_deref()).collect();
        let folders: BTreeSet<String> =
            members.iter().filter_map(|(path, _)| Some(path.as_str().rsplit_once('/')?.0.to_owned())).collect();
        let folders: BTreeSet<&str> = folders.iter().map(String::as_str).collect();
        let change = npm::Change { from: &from, to: version, names: &names };
        for (path, _) in &members {
            self.change(path, |text| npm::package(path.as_str(), text, &change))?;
        }
        for name in ["package-lock.json", "npm-shrinkwrap.json"] {
            self.change(&plain(name), |text| npm::lock(name, text, &folders, &change))?;
        }
        Ok(())
    }

    fn patterns(&mut self, version: &Version) -> Result<(), SurveyError> {
        for (name, text_around) in &self.config.version.files {
            let path = plain(name);
            if self.text(&path)?.is_none() {
                return Err(SurveyError::NoFile { key: "version.files", pattern: name.clone() });
            }
            self.change(&path, |text| pattern(name, text, text_around, version))?;
        }
        Ok(())
    }
}

/// A path of ours, or one that the configuration's reader has taken.
fn plain(name: &str) -> InnerPath {
    name.parse().expect("names of our own and of version.files are paths")
}

/// What cargo says of the workspace, without asking the network.
fn metadata(host: &Host, config: &Config) -> Result<Metadata, SurveyError> {
    let refuse = |message: String, hint: Option<String>| {
        SurveyError::Toolchain(Box::new(Failure {
            code: "version.cargo",
            kind: crate::error::Kind::Tool,
            message,
            causes: Vec::new(),
            hint,
            place: None,
            detail: None,
        }))
    };
    let Some(program) = host.env.find_program("cargo") else {
        return Err(refuse("cargo is not on PATH".into(), Some("install Rust: https://rustup.rs".into())));
    };
    let keep = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "TMPDIR", "SYSTEMROOT", "USERPROFILE"];
    let env = host.env.select(|name| keep.contains(&name));
    let args = ["metadata", "--format-version=1", "--no-deps", "--offline"];
    let finished = host.run(&Command::new(&program, &config.root).args(args).envs(env)).map_err(|error| {
        let detail = crate::error::Fault::detail(&error);
        match refuse("cargo could not read the workspace".into(), None) {
            SurveyError::Toolchain(failure) => SurveyError::Toolchain(Box::new(Failure { detail, ..*failure })),
            other => other,
        }
    })?;
    serde_json::from_slice(&finished.stdout)
        .map_err(|error| refuse(format!("cargo answered in an unknown form: {error}"), None))
}
