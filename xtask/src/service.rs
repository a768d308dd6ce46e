//! The service in `templates/service/`: formatted, vetted and tested by Go itself.

use crate::failure::{Failure, Outcome};
use crate::run::{Program, root};

/// Runs gofmt, `go vet` and `go test` over the service.
pub fn check() -> Outcome {
    let dir = root()?.join("templates/service");
    let unformatted = Program::new("gofmt").args(["-l", "."]).dir(&dir).output()?;
    if !unformatted.is_empty() {
        return Err(Failure::refused(format!("error: gofmt -w these files of templates/service:\n{unformatted}")));
    }
    for task in ["vet", "test"] {
        Program::new("go").args([task, "./..."]).dir(&dir).stream()?;
    }
    Ok(())
}
