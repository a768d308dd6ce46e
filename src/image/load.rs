//! Into the local podman or docker.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{ImageError, Made, Stored};
use crate::command::Command;
use crate::event::Events;
use crate::host::Host;
use crate::host::staging;
use crate::oci::{self, ArchiveForm, ArchiveWriter, Copy, Platform};
use crate::store::Store;
use crate::target::Target;

/// Gives an image to podman, else to docker: that of this machine's platform, under its tags. Gives its names there.
///
/// # Errors
/// `image.no-runtime`; what the program says.
pub fn load(
    (host, events): (&Host, &Events),
    store: &Store,
    made: &Made,
    names: &[String],
) -> Result<Vec<String>, ImageError> {
    let program = runtime(host).ok_or(ImageError::NoRuntime)?;
    let wanted = Platform::new("linux", Target::host().arch(), Target::host().variant());
    let own = made.platforms.iter().find(|made| Platform::from(&made.image.target).is(&wanted));
    let Some(own) = own else {
        return Err(ImageError::Nothing { why: format!("{} has none for {wanted}", made.index.service) });
    };
    let file = store.stage().join(staging::unique("load.tar"));
    let mut loaded = Vec::new();
    // An archive names an image once; more names are more archives over the same blobs.
    for name in names {
        let writer = ArchiveWriter::create(&file, ArchiveForm::Docker)?;
        oci::copy(&own.descriptor, &Stored::new(store), &writer, &Copy::default(), events)?;
        writer.finish(&[(own.descriptor.clone(), Some(name.clone()))])?;
        let args = ["load".to_owned(), "-i".to_owned(), file.display().to_string()];
        let command = Command::new(&program, store.stage()).args(args).envs(environment(host));
        host.run(&command).map_err(crate::error::Failure::from)?;
        loaded.push(name.clone());
    }
    Ok(loaded)
}

/// Podman where it is, because it needs no daemon.
fn runtime(host: &Host) -> Option<PathBuf> {
    ["podman", "docker"].into_iter().find_map(|name| host.env.find_program(name))
}

/// What both need to find their storage or their daemon.
fn environment(host: &Host) -> BTreeMap<String, String> {
    let keep = ["PATH", "HOME", "USER", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];
    host.env.select(|name| {
        keep.contains(&name)
            || name.starts_with("DOCKER_")
            || name.starts_with("CONTAINER_")
            || name.starts_with("CONTAINERS_")
    })
}
