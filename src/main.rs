//! The program: a thin entry.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(sealift::cli::main())
}
