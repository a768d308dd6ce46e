//! A bug in sealift, told like any other failure. A panic has words of its own, and a build that aborts prints them as they
//! are: whatever value was at hand, a secret among them.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

use super::{Options, Printer, Streams, Veil};
use crate::error::{Failure, Kind};
use crate::host::process::end_at_once;

/// From now on a panic of any thread is shown under the veil, and ends the process with the exit code of a bug.
pub(super) fn tell(options: Options, veil: Veil) {
    std::panic::set_hook(Box::new(move |panic| {
        // Streams of its own: whoever panics may hold the lock of the others.
        let mut printer = Printer::new(options, Streams::real(&veil));
        end_at_once(printer.end(&Err(failure(panic))));
    }));
}

fn failure(panic: &PanicHookInfo<'_>) -> Failure {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let said = panic.payload_as_str().unwrap_or("a panic without words");
    let trace = Backtrace::capture();
    Failure {
        code: "console.panic",
        kind: Kind::Bug,
        message: format!("sealift has a bug: {said} (at {place})"),
        causes: Vec::new(),
        hint: Some("run the same command with --verbose and RUST_BACKTRACE=1, and report what it prints".to_owned()),
        place: None,
        detail: (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string()),
    }
}
