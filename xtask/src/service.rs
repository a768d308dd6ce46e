//! The service in `templates/service/`: formatted, vetted and tested by Go itself.

use crate::failure::{Failure, Outcome};
use crate::run::{Program, root};
use crate::tools;

/// Runs gofmt, `go vet` and `go test` over the service.
pub fn check() -> Outcome {
    let dir = root()?.join("templates/service");
    let path = tools::ready("test")?.path()?;
    // A program is looked up in the PATH that its own child gets.
    let unformatted = Program::new("gofmt").env("PATH", &path).args(["-l", "."]).dir(&dir).output()?;
    if !unformatted.is_empty() {
        return Err(Failure::refused(format!("error: gofmt -w these files of templates/service:\n{unformatted}")));
    }
    for task in ["vet", "test"] {
        Program::new("go").env("PATH", &path).args([task, "./..."]).dir(&dir).stream()?;
    }
    Ok(())
}
