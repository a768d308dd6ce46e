//! Checks of the sources that must hold before anything is sealed.

use std::time::Instant;

use super::{BuildError, Yard};
use crate::error::{Fault, Kind};
use crate::event::Event;
use crate::plan::Check;
use crate::store::Record;

/// Runs the plan's checks; one that was passed with the same inputs is not run again.
pub fn check(yard: &Yard<'_>) -> Result<(), BuildError> {
    for skipped in &yard.plan.not_run {
        yard.events.info(format!("{} not run: {}", skipped.name, skipped.why));
    }
    yard.plan.checks.iter().try_for_each(|check| run(yard, check))
}

fn run(yard: &Yard<'_>, check: &Check) -> Result<(), BuildError> {
    let began = Instant::now();
    let step = format!("check {}", check.name);
    yard.events.send(Event::Started { step: step.clone() });
    let cached = yard.store.find(&check.key)?.is_some();
    if !cached {
        let mut command = check.command.clone();
        command.env = yard.survey.toolchains[check.toolchain].environment(command.env);
        if let Err(source) = yard.host.run(&command) {
            let error = BuildError::Check { name: check.name, source };
            if yard.survey.toolchains[check.toolchain].vendored && error.kind() == Kind::Network {
                // What is vendored is enough to build; to be tidy is about modules that only tests of others need.
                let why = "the module is vendored, and other modules cannot be fetched now";
                yard.events.warn("build.check-not-run", format!("{} not run: {why}", check.name));
                yard.events.send(Event::Stopped { step });
                return Ok(());
            }
            yard.events.failed(step, &error);
            return Err(error);
        }
        let record = Record { step: step.clone(), outputs: Default::default(), value: serde_json::Value::Null };
        yard.store.record(&check.key, &record)?;
    }
    yard.events.send(Event::Finished { step, cached, took: began.elapsed(), bytes: 0 });
    Ok(())
}
