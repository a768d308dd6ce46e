//! The only code that touches the outside: processes, files, clock, environment, network.

#![allow(clippy::disallowed_methods, reason = "invariant 12 has its one exception here")]

pub mod clock;
pub mod env;
pub mod files;
pub mod http;
pub mod machine;
pub mod map;
pub mod process;
pub mod regular;
pub mod staging;
pub mod stamp;
pub mod tree;
pub mod unpack;

use env::Env;
use process::Children;

/// The outside world as a value that is handed to the stages that need it.
pub struct Host {
    /// The environment at the start.
    pub env: Env,
    /// The running children, and whether the user wants to stop.
    pub children: Children,
}

impl Host {
    /// The machine as it is, with signals handled: the first SIGINT, SIGTERM or SIGHUP ends the children and makes
    /// every later step fail with [`process::ProcessError::Interrupted`]; a second one ends the process at once.
    pub fn real() -> std::io::Result<Self> {
        let host = Self { env: Env::real(), children: Children::default() };
        host.children.listen()?;
        Ok(host)
    }

    /// A host with a given environment and no signal handling: for library use and tests.
    pub fn with_env(env: Env) -> Self {
        Self { env, children: Children::default() }
    }
}
