//! `cargo xtask test`: every test of the workspace, against the real programs.

use crate::campaign;
use crate::failure::Outcome;
use crate::run::cargo;
use crate::tools;

/// Installs what the tests need, then runs them, and the samples of campaigns; the arguments go to `cargo test`.
///
/// The tests find the tools' folder in `SEALIFT_TEST_TOOLS` (programs in its `bin`), which is also first on their PATH.
pub fn run(arguments: &[String]) -> Outcome {
    let tools = tools::ready("test")?;
    cargo()?
        .args(["test", "--workspace"])
        .args(arguments)
        .env("SEALIFT_TEST_TOOLS", tools.dir())
        .env("PATH", tools.path()?)
        .stream()?;
    // Who names some tests wants those.
    if arguments.is_empty() { campaign::smoke() } else { Ok(()) }
}
