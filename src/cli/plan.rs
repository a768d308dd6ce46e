//! `sealift plan`.

use clap::Args;

use super::World;
use super::project::{Aim, Project, Selection};
use super::source::Trace;
use crate::console::Product;
use crate::error::Failure;
use crate::plan;
use crate::refs::Signing;
use crate::store::Records;
use crate::survey::Images;

#[derive(Args)]
pub struct Plan {
    /// Plan a snapshot of this tree
    #[arg(long)]
    snapshot: bool,
    #[command(flatten)]
    selection: Selection,
}

impl Plan {
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let mut project = Project::open(world, &self.selection, None)?;
        let aim = Aim::release(self.snapshot, Images::Wanted);
        let _source = project.enter(self.snapshot, &self.selection, (Signing::Configured, Trace::None))?;
        let (_, plan) = project.plan(aim, &self.selection)?;
        Records::note(&project.home, "plan.json", &plan)?;
        Ok(shown(&plan))
    }
}

/// A plan for people, and as data.
pub fn shown(plan: &plan::Plan) -> Product {
    let data = serde_json::to_value(plan).expect("a plan is plain data");
    Product::text(plan::show(plan)).with_data(data)
}
