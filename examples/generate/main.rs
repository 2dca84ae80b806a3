//! Makes the example exports: `cargo run --example generate -- PAIR --contacts N --seed S --out FOLDER`.
//!
//! The same pair, number and seed give the same bytes on every machine.

mod pairs;

use clap::Parser;
use std::{io::Write as _, path::PathBuf, process::ExitCode};

/// Makes a made-up export with every exception of a pair in it.
#[derive(Parser)]
struct Args {
    /// The source platform of the pair.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(pairs::NAMES))]
    pair: String,
    /// Contacts in the export; the other objects follow.
    #[arg(long, default_value_t = 320, value_parser = clap::value_parser!(u64).range(160..))]
    contacts: u64,
    /// Seed of the random numbers.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// The folder to write to; files of the same names are replaced.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match write(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // Nobody is left to tell when this fails too.
            let _ = writeln!(
                std::io::stderr(),
                "cannot write {}: {e}",
                args.out.display()
            );
            ExitCode::FAILURE
        }
    }
}

fn write(args: &Args) -> std::io::Result<()> {
    let contacts = usize::try_from(args.contacts).unwrap_or(usize::MAX);
    for (name, bytes) in pairs::export(&args.pair, contacts, args.seed) {
        let path = args.out.join(&name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, &bytes)?;
    }
    Ok(())
}
