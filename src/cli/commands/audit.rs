//! `transload audit verify`: recomputes the ledger's hash chain.

use crate::{
    cli::{
        args::{Audit, AuditAction},
        commands::open_view,
        exit::{Exit, Failure},
        out,
    },
    ledger::verify::Broken,
};

/// Verifies the ledger beside a migration.
///
/// # Errors
/// When there is no ledger, or it cannot be read.
pub fn run(args: &Audit) -> Result<Exit, Failure> {
    let AuditAction::Verify { migration } = &args.action;
    let view = open_view(migration)?;
    match view.verify() {
        Ok(verified) => {
            out::result(&format!(
                "{} entries, chain unbroken, head {}",
                verified.entries, verified.head
            ));
            Ok(Exit::Done)
        }
        Err(Broken::Read(error)) => Err(Failure::new(Exit::Temporary, error.to_string())),
        Err(broken) => {
            out::result(&broken.to_string());
            Ok(Exit::Findings)
        }
    }
}
