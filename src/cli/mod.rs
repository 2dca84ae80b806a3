//! The command line: one command per file, exit codes, progress. The only place that prints.

pub mod approval;
pub mod attachments;
pub mod args;
pub mod begin;
pub mod changes;
pub mod commands;
pub mod connect;
pub mod decided;
pub mod documents;
pub mod exit;
pub mod extract;
pub mod fill;
pub mod held;
pub mod belonging;
pub mod ledger_faults;
pub mod load;
pub mod lock;
mod memory_size;
pub mod out;
pub mod preflight;
pub mod prints;
pub mod pacing;
pub mod person;
pub mod progress;
pub mod sampled;
pub mod signal;
pub mod so_far;
pub mod togo;
pub mod undoing;

use args::{Cli, Color, Command};
use clap::Parser;
use exit::{Exit, Failure};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the program and gives its exit code.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results, not failures.
            let shown = error.render().ansi().to_string();
            return if error.use_stderr() {
                out::note(&shown);
                Exit::Usage
            } else {
                out::result(&shown);
                Exit::Done
            };
        }
    };
    colour(cli.global.color);
    log(cli.global.verbose);
    if let Some(folder) = &cli.global.directory
        && let Err(error) = std::env::set_current_dir(folder)
    {
        out::note(&format!(
            "error: cannot work in {}: {error}",
            folder.display()
        ));
        return Exit::Usage;
    }
    // A panic is a fault of ours; it gets the code for it, and the ledger makes running again safe.
    let result = catch_unwind(AssertUnwindSafe(|| dispatch(&cli)));
    match result {
        // What was asked for did not arrive: a full disk is a reason to run again.
        Ok(Ok(Exit::Done)) if out::is_lost() => Exit::Temporary,
        Ok(Ok(exit)) => exit,
        // No error: it is what the migration asks for.
        Ok(Err(failure)) if failure.until.is_some() => {
            out::note(&format!("{}; {}", failure.message, pacing::AGAIN));
            failure.exit
        }
        Ok(Err(failure)) => {
            out::note(&format!("error: {}", failure.message));
            if let Some(hint) = &failure.hint {
                out::note(&format!("hint: {hint}"));
            }
            failure.exit
        }
        Err(_) => Exit::Internal,
    }
}

fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Validate(args) => commands::validate::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Schema(args) => commands::schema::run(args),
        Command::Discover(args) => commands::discover::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Propose(args) => commands::propose::run(args),
        Command::Page(args) => commands::page::run(args),
        Command::Provision(args) => commands::provision::run(args),
        Command::Extract(args) => commands::extract::run(args),
        Command::Run(args) => commands::run::run(args),
        Command::Delta(args) => commands::delta::run(args),
        Command::Sample(args) => commands::sample::run(args),
        Command::Approve(args) => commands::approve::run(args),
        Command::Status(args) => commands::status::run(args),
        Command::Handoff(args) => commands::handoff::run(args),
        Command::Holds(args) => commands::holds::run(args),
        Command::Trace(args) => commands::trace::run(args),
        Command::Rollback(args) => commands::rollback::run(args),
        Command::Reconcile(args) => commands::reconcile::run(args),
        Command::Audit(args) => commands::audit::run(args),
        Command::Sandbox(args) => commands::sandbox::run(args),
        Command::Completions(args) => commands::completions::run(args),
    }
}

fn colour(choice: Color) {
    match choice {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
}

fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "transload=info",
        2 => "transload=debug",
        _ => "trace",
    };
    // A second logger in the same process is no harm: the first one stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .try_init();
}
