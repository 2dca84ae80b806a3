//! `transload completions`: a completion script for a shell.

use crate::cli::{
    args::{Cli, Completions},
    exit::{Exit, Failure},
    out,
};
use clap::CommandFactory;

/// Prints the script.
///
/// # Errors
/// Never.
pub fn run(args: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "transload", &mut script);
    out::result(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
