//! Packing a binary with upx, where that is asked for.

use super::{BuildError, Yard};
use crate::artifact::Artifact;
use crate::command::Command;
use crate::host::staging::{self, Settled};
use crate::plan::Build;
use crate::store::{KeyBuilder, Output, Record};

/// Packs a binary of the store into another one. The step's key names the binary and upx's own version.
pub fn pack(yard: &Yard<'_>, step: &Build, from: Artifact) -> Result<Artifact, BuildError> {
    let program = yard.host.env.find_program("upx").ok_or(BuildError::NoUpx)?;
    let failed =
        |source| BuildError::Upx { service: step.service.to_string(), target: step.target.to_string(), source };
    let asked = yard.host.run(&Command::new(&program, "/").args(["--version"])).map_err(failed)?;
    let version = String::from_utf8_lossy(&asked.stdout).lines().next().unwrap_or_default().to_owned();
    let key = KeyBuilder::new("upx", 1).with("version", &version).with("binary", &from.digest().hex()).finish();
    if let Some(record) = yard.store.find(&key)?
        && let Some(output) = record.outputs.get("binary")
        && let Some(artifact) = yard.store.intact(*output)?
    {
        return Ok(artifact);
    }
    let out = yard.store.stage().join(staging::unique("upx"));
    let source = yard.store.path_of(from.digest());
    let args = ["-q".to_owned(), "-o".into(), out.display().to_string(), "--".into(), source.display().to_string()];
    yard.host.run(&Command::new(&program, "/").args(args)).map_err(failed)?;
    let artifact = yard.store.keep(Settled::adopt(out)?)?;
    let outputs = [("binary".to_owned(), Output::from(artifact))].into();
    yard.store.record(&key, &Record { step: format!("upx {}", step.step), outputs, value: version.into() })?;
    Ok(artifact)
}
