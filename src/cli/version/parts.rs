//! `sealift version --service NAME` and `--each`.

use serde_json::{Value, json};

use super::Version;
use crate::cli::World;
use crate::cli::project::Project;
use crate::cli::release::signer;
use crate::cli::tagging::{self, Goal};
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::store::Records;
use crate::survey;
use crate::version::{self, Next};

impl Version {
    /// The versions of services, and their tags in one push. A service that has nothing to release does not keep the
    /// others from it.
    pub(super) fn parts(&self, world: &World<'_>, project: &Project<'_>) -> Result<Product, Failure> {
        let stage = (&project.store, &project.lock);
        let found = survey::parts((project.host, project.events), &project.config, stage, &self.services)?;
        let (mut new, mut nothing) = (Vec::new(), None);
        for (service, part) in found {
            match part.map_err(Failure::from) {
                Ok((release, next)) => new.push((service, release, next)),
                Err(failure) if failure.kind == Kind::Nothing => {
                    project.events.info(format!("{service}: {}", failure.message));
                    nothing.get_or_insert(failure);
                }
                Err(failure) => return Err(Failure { message: format!("{service}: {}", failure.message), ..failure }),
            }
        }
        let Some((_, first, first_next)) = new.first() else {
            self.tell(world, &version::told_nothing())?;
            let hint = Some("[service.version] with tag-prefix gives a service versions of its own".to_owned());
            let none =
                || crate::cli::usage("version.no-services", Kind::Config, "no service has a tag prefix".into(), hint);
            return Err(nothing.unwrap_or_else(none));
        };
        let mut refs = Value::Null;
        if self.tagging.wanted() {
            let versions: Vec<&Next> = new.iter().map(|(_, _, next)| next).collect();
            let goal = Goal { commit: &first.commit.id, made: false, versions: &versions, module_tags: &[] };
            let signer = if self.tagging.by_key() && !self.dry_run { signer(project, None)? } else { None };
            let prepared = self.tagging.prepare(project, &goal)?;
            if self.dry_run {
                return Ok(tagging::shown(&prepared));
            }
            let _records = project.records()?;
            tagging::perform(project, &prepared, signer.as_ref())?;
            refs = tagging::data(&prepared);
        }
        let one = new.len() == 1 && self.services.len() == 1;
        let told = if one {
            version::told(first, Some(first_next))
        } else {
            let parts: Vec<(&str, &Next)> = new.iter().map(|(service, _, next)| (service.as_str(), next)).collect();
            version::told_of_parts(&first.commit.id, &parts)
        };
        self.tell(world, &told)?;
        let services: Vec<Value> = new
            .iter()
            .map(|(service, release, next)| json!({ "service": service, "release": super::data(release, Some(next)) }))
            .collect();
        let data = json!({ "services": services, "refs": refs });
        Records::note(&project.config.root, "version.json", &data)?;
        let line = |service: &dyn std::fmt::Display, next: &Next| {
            if one { next.version.to_string() } else { format!("{service} {}", next.version) }
        };
        Ok(Product::lines(new.iter().map(|(service, _, next)| line(service, next))).with_data(data))
    }
}
