//! Lays written settings over those below them and keeps where each value came from.

use std::collections::BTreeMap;
use std::ops::Range;

use super::notes::Written;
use super::origins::{Origin, Origins, segment};
use super::settings::changelog::ChangelogSettings;
use super::settings::image::ImageSettings;
use super::settings::version::{Bump, VersionRules};
use super::settings::{
    BuildSettings, CompileOverride, CompileSettings, Hooks, PackageSettings, Settings, with_built_in_formats,
};
use super::written::{
    WrittenBuild, WrittenChangelog, WrittenCompile, WrittenImage, WrittenPackage, WrittenSettings, WrittenVersion,
};

/// Takes values from layers, the upper one first.
pub(super) struct Layers<'a> {
    /// As the user names it.
    file: &'a str,
    text: &'a str,
    /// Where each line of the text begins: looked up for every value of a file that may be large.
    lines: Vec<usize>,
    pub origins: Origins,
}

impl<'a> Layers<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, lines, origins: Origins::default() }
    }

    /// One layer of settings over those below it.
    pub fn settings(&mut self, prefix: &str, written: &WrittenSettings, below: Settings) -> Settings {
        let package = self.package(&format!("{prefix}package."), &written.package, below.package);
        let image = self.image(&format!("{prefix}image."), &written.image, below.image);
        Settings { build: self.build(&format!("{prefix}build."), &written.build, below.build), package, image }
    }

    fn build(&mut self, prefix: &str, written: &WrittenBuild, below: BuildSettings) -> BuildSettings {
        let key = |name: &str| format!("{prefix}{name}");
        let mut overrides = below.overrides;
        for (pattern, compile) in &written.overrides {
            let prefix = format!("{prefix}target.{}.", segment(pattern.text()));
            overrides.push((pattern.clone(), self.compile_override(&prefix, compile)));
        }
        BuildSettings {
            targets: self.take(&key("targets"), written.targets.as_ref(), below.targets),
            go: self.take_some(&key("go"), written.go.as_ref(), below.go),
            compile: self.compile(prefix, &written.compile, below.compile),
            overrides,
            hooks: Hooks {
                before: self.take(&key("hooks.before"), written.before.as_ref(), below.hooks.before),
                generate: self.take(&key("hooks.generate"), written.generate.as_ref(), below.hooks.generate),
                after: self.take(&key("hooks.after"), written.after.as_ref(), below.hooks.after),
            },
            mod_verify: self.take(&key("mod-verify"), written.mod_verify.as_ref(), below.mod_verify),
            mod_tidy: self.take(&key("mod-tidy"), written.mod_tidy.as_ref(), below.mod_tidy),
            keep_going: self.take(&key("keep-going"), written.keep_going.as_ref(), below.keep_going),
        }
    }

    fn compile(&mut self, prefix: &str, written: &WrittenCompile, below: CompileSettings) -> CompileSettings {
        let over = self.compile_override(prefix, written);
        below.with(over)
    }

    fn compile_override(&mut self, prefix: &str, written: &WrittenCompile) -> CompileOverride {
        let key = |name: &str| format!("{prefix}{name}");
        for (name, value) in &written.env {
            self.take(&key(&format!("env.{}", segment(name))), Some(value), String::new());
        }
        CompileOverride {
            flags: self.take_some(&key("flags"), written.flags.as_ref(), None),
            ldflags: self.take_some(&key("ldflags"), written.ldflags.as_ref(), None),
            tags: self.take_some(&key("tags"), written.tags.as_ref(), None),
            env: written.env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect(),
            cgo: self.take_some(&key("cgo"), written.cgo.as_ref(), None),
            strip: self.take_some(&key("strip"), written.strip.as_ref(), None),
        }
    }

    fn package(&mut self, prefix: &str, written: &WrittenPackage, below: PackageSettings) -> PackageSettings {
        let key = |name: &str| format!("{prefix}{name}");
        // A rule for all targets makes those behind it unreachable; other rules leave the rest as it is built in.
        let formats = written.formats.as_ref().map(|formats| Written {
            value: with_built_in_formats(formats.value.clone()),
            key: formats.key.clone(),
            span: formats.span.clone(),
        });
        PackageSettings {
            formats: self.take(&key("formats"), formats.as_ref(), below.formats),
            files: self.take(&key("files"), written.files.as_ref(), below.files),
            name: self.take(&key("name"), written.name.as_ref(), below.name),
            together: self.take(&key("together"), written.together.as_ref(), below.together),
            source: self.take(&key("source"), written.source.as_ref(), below.source),
            upx: self.take(&key("upx"), written.upx.as_ref(), below.upx),
            level: self.take(&key("level"), written.level.as_ref(), below.level),
            binary_budget: self.take_some(&key("budget.binary"), written.binary_budget.as_ref(), below.binary_budget),
            archive_budget: self.take_some(
                &key("budget.archive"),
                written.archive_budget.as_ref(),
                below.archive_budget,
            ),
        }
    }

    fn image(&mut self, prefix: &str, written: &WrittenImage, below: ImageSettings) -> ImageSettings {
        let key = |name: &str| format!("{prefix}{name}");
        ImageSettings {
            base: self.take(&key("base"), written.base.as_ref(), below.base),
            repository: self.take_some(&key("repository"), written.repository.as_ref(), below.repository),
            platforms: self.take(&key("platforms"), written.platforms.as_ref(), below.platforms),
            tags: self.take(&key("tags"), written.tags.as_ref(), below.tags),
            user: self.take(&key("user"), written.user.as_ref(), below.user),
            workdir: self.take_some(&key("workdir"), written.workdir.as_ref(), below.workdir),
            entrypoint: self.take_some(&key("entrypoint"), written.entrypoint.as_ref(), below.entrypoint),
            cmd: self.take(&key("cmd"), written.cmd.as_ref(), below.cmd),
            env: self.names(&key("env"), &written.env, below.env),
            ports: self.take(&key("ports"), written.ports.as_ref(), below.ports),
            volumes: self.take(&key("volumes"), written.volumes.as_ref(), below.volumes),
            stop_signal: self.take_some(&key("stop-signal"), written.stop_signal.as_ref(), below.stop_signal),
            labels: self.names(&key("labels"), &written.labels, below.labels),
            files: self.names(&key("files"), &written.files, below.files),
            certificates: self.take(&key("ca-certificates"), written.certificates.as_ref(), below.certificates),
            tzdata: self.take(&key("tzdata"), written.tzdata.as_ref(), below.tzdata),
            budget: self.take_some(&key("budget"), written.budget.as_ref(), below.budget),
            compression: self.take(&key("compression"), written.compression.as_ref(), below.compression),
            level: self.take(&key("level"), written.level.as_ref(), below.level),
        }
    }

    /// `[version]` over what is built in.
    pub fn version(&mut self, written: &WrittenVersion, below: VersionRules) -> VersionRules {
        let key = |name: &str| format!("version.{name}");
        let mut types = below.types;
        for (name, value) in &written.types {
            let word = self.take(&key(&format!("types.{}", segment(name))), Some(value), String::new());
            // The reader has refused every other word.
            let bump = Bump::WORDS.iter().find(|(known, _)| *known == word).map_or(Bump::None, |(_, bump)| *bump);
            types.insert(name.clone(), bump);
        }
        VersionRules {
            tag_prefix: self.take(&key("tag-prefix"), written.tag_prefix.as_ref(), below.tag_prefix),
            channels: self.names(&key("channels"), &written.channels, below.channels),
            uncounted: self.take(&key("uncounted"), written.uncounted.as_ref(), below.uncounted),
            types,
            zero: self.take(&key("zero"), written.zero.as_ref(), below.zero),
            first: self.take(&key("first"), written.first.as_ref(), below.first),
            unconventional: self.take(&key("unconventional"), written.unconventional.as_ref(), below.unconventional),
            files: self.names(&key("files"), &written.files, below.files),
            small_tag: self.take(&key("small-tag"), written.small_tag.as_ref(), below.small_tag),
            go_major: self.take(&key("go-major"), written.go_major.as_ref(), below.go_major),
        }
    }

    /// `[changelog]` over what is built in.
    pub fn changelog(&mut self, written: &WrittenChangelog, below: ChangelogSettings) -> ChangelogSettings {
        let key = |name: &str| format!("changelog.{name}");
        ChangelogSettings {
            file: self.take(&key("file"), written.file.as_ref(), below.file),
            template: self.take_some(&key("template"), written.template.as_ref(), below.template),
            forge: self.take_some(&key("forge"), written.forge.as_ref(), below.forge),
            commit: self.take(&key("commit"), written.commit.as_ref(), below.commit),
            sections: self.names(&key("sections"), &written.sections, below.sections),
        }
    }

    /// Strings by name over those below, name by name.
    fn names(
        &mut self,
        prefix: &str,
        written: &BTreeMap<String, Written<String>>,
        below: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut all = below;
        for (name, value) in written {
            let value = self.take(&format!("{prefix}.{}", segment(name)), Some(value), String::new());
            all.insert(name.clone(), value);
        }
        all
    }

    /// The written value, with its origin kept, or the one below.
    pub fn take<T: Clone>(&mut self, key: &str, written: Option<&Written<T>>, below: T) -> T {
        let Some(written) = written else { return below };
        let origin = self.origin(&written.key);
        self.origins.set(key.to_owned(), origin);
        written.value.clone()
    }

    /// As [`Layers::take`], for what may be missing.
    pub fn take_some<T: Clone>(&mut self, key: &str, written: Option<&Written<T>>, below: Option<T>) -> Option<T> {
        match written {
            Some(_) => written.map(|written| self.take(key, Some(written), written.value.clone())),
            None => below,
        }
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        let line = self.lines.partition_point(|start| *start <= span.start);
        let start = self.lines[line - 1];
        let column = self.text.get(start..span.start).map_or(1, |before| before.chars().count() + 1);
        Origin::File { file: self.file.to_owned(), line, column }
    }
}
