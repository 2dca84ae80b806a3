//! The `transload` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    transload::cli::main().into()
}
