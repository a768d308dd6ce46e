//! `sealift toolchain`: the go command of a version, fetched when it is not there. For this repository's own tasks, which
//! must run where no Go is installed.

use clap::Args;

use super::World;
use super::project;
use crate::config::Overrides;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::lock::Lock;
use crate::toolchain::go::version::GoVersion;
use crate::toolchain::go::wanted::Wanted;
use crate::toolchain::go::{Provision, Trust};

#[derive(Args)]
pub struct Toolchain {
    /// Which release: 1.26.8 or go1.26.8
    #[arg(value_name = "VERSION")]
    release: String,
}

impl Toolchain {
    /// Prints the path of the go command, once that toolchain is verified and unpacked.
    pub fn run(self, world: &World<'_>) -> Result<Product, Failure> {
        let version = self.release.parse().ok().filter(|version: &GoVersion| !version.is_language());
        let version = version.ok_or_else(|| {
            let hint = Some("for example: sealift toolchain go1.26.8".to_owned());
            super::usage("usage.toolchain", Kind::Usage, format!("{:?} is not a release of Go", self.release), hint)
        })?;
        let config = project::load(world, &Overrides::default())?.config;
        let lock = Lock::read(&config.root.join("sealift.lock"))?;
        let (host, events) = (world.host, world.events);
        let provision = Provision { host, events, cache: &config.cache, lock: Some(&lock) };
        let facts = provision.provision(&Wanted::Exactly { version, by: "the command line".into() })?;
        if let Trust::Unverified { why } = &facts.trust {
            events.warn("toolchain.unverified", format!("{} is not verified: {why}", facts.version));
        }
        let data = serde_json::to_value(&facts).expect("facts are plain data");
        Ok(Product::lines([facts.program.display().to_string()]).with_data(data))
    }
}
