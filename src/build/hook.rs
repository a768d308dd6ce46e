//! Commands of the user around the steps.

use super::{BuildError, Yard};
use crate::command::Command;

/// Runs the hooks of one moment, one after the other, in the project's folder. Each gets an argument vector, the
/// environment of a compiler run, and what it may want to know: `SEALIFT_VERSION` and `SEALIFT_COMMIT`.
pub fn hooks(yard: &Yard<'_>, root: &std::path::Path, when: &'static str) -> Result<(), BuildError> {
    let known = ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT"];
    let plain = || yard.host.env.select(|name| known.contains(&name));
    for hook in yard.plan.hooks.iter().filter(|hook| hook.when == when) {
        let Some((program, args)) = hook.args.split_first() else { continue };
        let mut env = plain();
        env.extend(
            yard.survey.toolchains.first().map(|first| first.environment(Default::default())).unwrap_or_default(),
        );
        env.insert("SEALIFT_VERSION".into(), yard.plan.release.version.to_string());
        env.insert("SEALIFT_COMMIT".into(), yard.plan.release.commit.id.clone());
        let command = Command::new(program, root).args(args.iter().cloned()).envs(env);
        yard.events.info(format!("hook {when}: {}", command.line()));
        let line = command.line();
        yard.host.run(&command).map_err(|source| BuildError::Hook { when, line, source })?;
    }
    Ok(())
}
