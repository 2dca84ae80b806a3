//! What an approval is bound to (specs, schema lock, sample, engine), and whether a run may begin.

use super::{
    commands::{ledger_path, state_folder},
    exit::{Exit, Failure},
    load::Loaded,
    lock,
};
use crate::cli::ledger_faults::unread;
use crate::{
    ledger::{Approved, Entry, Ledger, View},
    mapping::DestinationConnection,
    plan::{self, Parts},
};
use std::path::{Path, PathBuf};

/// The hash of something that is not there: its absence can be approved, too.
const NONE: &str = "none";

/// The file of the last sample.
pub fn sample_path(state: &Path) -> PathBuf {
    state.join("sample.json")
}

/// The hashes of the specs, and the version of the engine.
pub fn spec_parts(loaded: &Loaded) -> Parts {
    let mut parts = plan::parts::of(&loaded.plan, &loaded.migration);
    parts.insert("engine".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    parts
}

/// Everything that an approval is bound to, as it is now.
///
/// # Errors
/// When a file cannot be read.
pub fn parts(loaded: &Loaded) -> Result<Parts, Failure> {
    let state = state_folder(&loaded.migration.path);
    let mut parts = spec_parts(loaded);
    let schema = lock::read(&state)?.map_or_else(|| NONE.to_owned(), |lock| lock.schema_hash());
    parts.insert("schema lock".to_owned(), schema);
    let path = sample_path(&state);
    let sample = match std::fs::read(&path) {
        Ok(bytes) => blake3::hash(&bytes).to_hex().to_string(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => NONE.to_owned(),
        Err(e) => {
            return Err(Failure::new(
                Exit::Temporary,
                format!("cannot read {}: {e}", path.display()),
            ));
        }
    };
    parts.insert("sample".to_owned(), sample);
    Ok(parts)
}

/// How an approval stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Holds(Approved),
    /// Nothing was approved.
    Missing,
    /// It would hold, but fewer people have given it than the policy asks for: who, and how many must be.
    Few(Approved, Vec<String>, u32),
    /// What was approved is no longer what would run; what has changed, in words.
    Stale(Approved, Vec<String>),
}

/// Compares the last approval with what would run.
///
/// # Errors
/// When the ledger or a file cannot be read.
pub fn standing(loaded: &Loaded) -> Result<Standing, Failure> {
    let path = ledger_path(&loaded.migration.path);
    if !path.is_file() {
        return Ok(Standing::Missing);
    }
    let read = |e: crate::ledger::ReadError| unread(&e);
    let view = View::open(&path).map_err(read)?;
    let Some(approved) = view.approval().map_err(read)? else {
        return Ok(Standing::Missing);
    };
    let now = parts(loaded)?;
    let changes = plan::parts::changes(&approved.approval.parts, &now);
    if !changes.is_empty() {
        return Ok(Standing::Stale(approved, changes));
    }
    let needed = loaded.migration.mapping.policy.approvals;
    if needed > 1 {
        let people = people(&view, &now).map_err(read)?;
        if people.len() < needed as usize {
            return Ok(Standing::Few(approved, people, needed));
        }
    }
    Ok(Standing::Holds(approved))
}

/// Who has approved exactly these parts, each name once.
///
/// # Errors
/// When the ledger cannot be read.
pub fn people(view: &View, parts: &Parts) -> Result<Vec<String>, crate::ledger::ReadError> {
    let mut people: Vec<String> = Vec::new();
    for approved in view.approvals()? {
        let by = approved.approval.by;
        let new = !people.iter().any(|p| p.eq_ignore_ascii_case(&by));
        if new && plan::parts::changes(&approved.approval.parts, parts).is_empty() {
            people.push(by);
        }
    }
    Ok(people)
}

/// Whether a full run may begin: `None` when its sample is approved, else what waives that.
///
/// # Errors
/// When nothing waives it (exit 4), with what has changed since the approval; when a file cannot be read.
pub fn gate(loaded: &Loaded, auto_approve: bool) -> Result<Option<&'static str>, Failure> {
    // Nobody's account is changed.
    if matches!(
        loaded.migration.destination,
        DestinationConnection::Folder { .. }
    ) && !auto_approve
        && !loaded.migration.approval_waived
    {
        return Ok(Some("a destination of files"));
    }
    let waived = auto_approve || loaded.migration.approval_waived;
    let standing = match standing(loaded) {
        // What is wrong with the ledger is said when it is opened.
        Err(_) if waived => Standing::Missing,
        standing => standing?,
    };
    if let Standing::Holds(_) = standing {
        return Ok(None);
    }
    if auto_approve {
        return Ok(Some("--auto-approve"));
    }
    if loaded.migration.approval_waived {
        return Ok(Some("approve: none"));
    }
    Err(match standing {
        Standing::Holds(_) | Standing::Missing => Failure::new(
            Exit::NotApproved,
            "the full run needs an approved sample, and there is none",
        )
        .hint("`transload sample` loads one and shows how it came back, `transload approve` says that it is right; `--auto-approve` runs without and says so in the ledger, `approve: none` in the migration does so for good"),
        Standing::Few(_, people, needed) => Failure::new(
            Exit::NotApproved,
            format!(
                "{needed} people must approve the sample, and {} has: {}",
                people.len(),
                people.join(", ")
            ),
        )
        .hint("somebody else looks at it, too: `transload approve --by NAME`"),
        Standing::Stale(approved, changes) => Failure::new(
            Exit::NotApproved,
            format!(
                "the approval by {} no longer holds:\n  {}",
                approved.approval.by,
                changes.join("\n  ")
            ),
        )
        .hint("draw the sample again (`transload sample`), look at it, approve it (`transload approve`)"),
    })
}

/// Writes into the ledger what allowed the run to begin without an approved sample.
pub fn note_waiver(ledger: &Ledger, waived: Option<&str>) -> Result<(), Failure> {
    if let Some(by) = waived {
        ledger
            .append_blocking(vec![Entry::Waived { by: by.to_owned() }])
            .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
    }
    Ok(())
}
