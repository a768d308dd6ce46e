//! A plan as people read it.

use std::fmt::Write;

use super::{How, Member, Plan};
use crate::command::Command;
use crate::survey::Base;

/// All steps, each with its command, in the order in which their kinds run.
pub fn show(plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("writing to a string");
    let kind = if plan.release.snapshot { "snapshot" } else { "release" };
    line(format!("{} {} ({kind} of commit {})", plan.product, plan.release.version, plan.release.commit.id));
    for service in &plan.services {
        line(format!("service {} {} (commit {})", service.name, service.stamp.version, service.stamp.commit));
    }
    for hook in &plan.hooks {
        line(format!(
            "hook {}: {}",
            hook.when,
            Command::new("", "").args(hook.args.clone()).line().trim_start_matches("'' ")
        ));
    }
    for check in &plan.checks {
        line(format!("check {}\n    {}", check.name, check.command.line()));
    }
    for build in &plan.builds {
        line(build.step.clone());
        match &build.how {
            How::Compile { command, .. } => {
                let env: Vec<String> = command.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
                line(format!("    {} {}", env.join(" "), command.line()));
            }
            How::Adopt { path } => line(format!("    take {}", path.display())),
        }
        line(format!("    key {}", build.key.digest()));
    }
    for package in &plan.packages {
        let members: Vec<&str> = package
            .members
            .iter()
            .map(|member| match member {
                Member::Binary { path, .. } => path.as_str(),
                Member::File(extra) => extra.path.as_str(),
            })
            .collect();
        line(format!("{}\n    {}: {}", package.step, package.name, members.join(", ")));
    }
    for sbom in &plan.sboms {
        line(format!("{}\n    {}", sbom.step, sbom.name));
    }
    for image in &plan.images {
        let platforms: Vec<String> = image.platforms.iter().map(|one| one.platform.to_string()).collect();
        line(format!("{}\n    for {}", image.step, platforms.join(", ")));
        match &image.base {
            Base::Scratch => line("    on scratch".into()),
            Base::Pinned(base) => line(format!("    on {} as {}", base.reference, base.digest)),
        }
        let tags: Vec<&str> = image.tags.iter().map(|named| named.tag.as_str()).collect();
        if let Some(repository) = &image.repository {
            line(format!("    to {repository} as {}", tags.join(", ")));
        }
        let tzdata = if image.root.tzdata { ", usr/share/zoneinfo/" } else { "" };
        line(format!("    {}{tzdata}", image.holds.join(", ")));
    }
    text
}
