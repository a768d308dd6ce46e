//! How an image is run, and what its documents say about it (image-spec, `config.md` and `annotations.md`).

use super::base::Base;
use crate::oci::{self, History, NewLayer, Platform, RunConfig};
use crate::plan;
use crate::plan::image::{BUILDER, BUNDLE};

/// The variable that Go, OpenSSL and most others find authorities with.
const CERTIFICATES: &str = "SSL_CERT_FILE";
/// Where programs are looked for.
const SEARCH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The whole image for a platform: the base with our layers on top.
pub(super) fn image(
    image: &plan::Image,
    platform: &Platform,
    base: &Base,
    layers: impl Iterator<Item = NewLayer>,
) -> oci::Image {
    let below = base.image.clone().unwrap_or_else(|| oci::Image::scratch(platform));
    let run = run(image, &below.config().config);
    let below = below.with_platform(platform).with_run(run).with_origin(created(image), None);
    layers.fold(below, oci::Image::append).with_annotations(image.annotations.clone())
}

/// What a layer is.
pub(super) fn history(image: &plan::Image, what: &str) -> History {
    let (created_by, comment) = (Some(BUILDER.to_owned()), Some(what.to_owned()));
    History { created: created(image), created_by, comment, ..History::default() }
}

/// When, as every document says it.
fn created(image: &plan::Image) -> Option<String> {
    image.annotations.get("org.opencontainers.image.created").cloned()
}

/// How it is run: what the base says, with what the project says on top.
fn run(image: &plan::Image, base: &RunConfig) -> RunConfig {
    let own = &image.run;
    let workdir = own.workdir.clone().or_else(|| base.working_dir.clone().filter(|dir| !dir.is_empty()));
    let mut run = RunConfig {
        user: Some(own.user.clone()),
        // Arguments of the base's are for the base's program.
        entrypoint: own.entrypoint.clone(),
        cmd: own.cmd.clone(),
        env: env(image, &base.env),
        working_dir: Some(workdir.unwrap_or_else(|| "/".to_owned())),
        stop_signal: own.stop_signal.clone().or_else(|| base.stop_signal.clone()),
        ..base.clone()
    };
    run.exposed_ports.extend(own.ports.iter().cloned());
    run.volumes.extend(own.volumes.iter().cloned());
    run.labels.extend(image.labels.clone());
    run
}

/// The base's variables in their order, then those that it lacks; the project's come in place of both.
fn env(image: &plan::Image, base: &[String]) -> Vec<String> {
    let name = |line: &str| line.split_once('=').map_or(line, |(name, _)| name).to_owned();
    let own = &image.run.env;
    let mut all: Vec<String> = base.to_vec();
    for line in &mut all {
        if let Some(value) = own.get(&name(line)) {
            *line = format!("{}={value}", name(line));
        }
    }
    let ours = [("PATH", SEARCH.to_owned()), (CERTIFICATES, format!("/{BUNDLE}"))];
    let ours = ours.iter().filter(|(name, _)| !own.contains_key(*name)).map(|(name, value)| (*name, value));
    let further = ours.chain(own.iter().map(|(name, value)| (name.as_str(), value)));
    for (further, value) in further {
        if all.iter().all(|line| name(line) != further) {
            all.push(format!("{further}={value}"));
        }
    }
    all
}
