//! `[image]` as it is written.

use std::collections::BTreeMap;

use super::{byte_size, level};
use crate::config::notes::Written;
use crate::config::reader::Section;
use crate::config::settings::image::{Base, Compression};
use crate::config::template::Template;
use crate::config::values::{self, image};
use crate::target::Pattern;

/// `[image]`.
#[derive(Default)]
pub(in crate::config) struct WrittenImage {
    pub base: Option<Written<Base>>,
    pub repository: Option<Written<Template>>,
    pub platforms: Option<Written<Vec<Pattern>>>,
    pub tags: Option<Written<Vec<Template>>>,
    pub user: Option<Written<String>>,
    pub workdir: Option<Written<String>>,
    pub entrypoint: Option<Written<Vec<String>>>,
    pub cmd: Option<Written<Vec<String>>>,
    pub env: BTreeMap<String, Written<String>>,
    pub ports: Option<Written<Vec<String>>>,
    pub volumes: Option<Written<Vec<String>>>,
    pub stop_signal: Option<Written<String>>,
    pub labels: BTreeMap<String, Written<String>>,
    pub files: BTreeMap<String, Written<String>>,
    pub certificates: Option<Written<Vec<String>>>,
    pub tzdata: Option<Written<bool>>,
    pub budget: Option<Written<u64>>,
    pub compression: Option<Written<Compression>>,
    pub level: Option<Written<u8>>,
}

pub(super) fn read(section: &Section) -> WrittenImage {
    const WORDS: &[&str] = &["gzip", "zstd"];
    let compression = |text: &str| {
        let word = values::choice(text, WORDS)?;
        Ok(if word == "gzip" { Compression::Gzip } else { Compression::Zstd })
    };
    WrittenImage {
        base: section.text("base", image::base),
        repository: section.text("repository", image::repository),
        platforms: section.list("platforms", image::platform),
        tags: section.list("tags", image::tag),
        user: section.text("user", image::user),
        workdir: section.text("workdir", image::path),
        entrypoint: section.list("entrypoint", values::line),
        cmd: section.list("cmd", values::line),
        env: section.strings("env", image::variable),
        ports: section.list("ports", image::port),
        volumes: section.list("volumes", image::path),
        stop_signal: section.text("stop-signal", image::signal),
        labels: section.strings("labels", image::label),
        files: section.strings("files", image::file),
        certificates: section.list("ca-certificates", values::path),
        tzdata: section.bool("tzdata"),
        budget: section.value("budget", byte_size),
        compression: section.text("compression", compression),
        level: section.value("level", level),
    }
}
