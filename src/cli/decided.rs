//! What people decided about holds, on disk: `.transload/overrides.json`, written by `holds import` alone, whole or not
//! at all, and put onto the mapping whenever a migration is loaded.

use super::{
    commands::{ledger_path, state_folder},
    exit::{Exit, Failure, cannot_write, unwritable},
};
use crate::{
    ledger::View,
    mapping::{Decisions, Migration, overrides},
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The name under which an import stands among the ledger's decisions.
pub const NAME: &str = "overrides";

/// What the ledger says about the last import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Who imported.
    pub by: String,
    /// The sheet.
    pub sheet: String,
    /// Hash of the sheet.
    pub sheet_hash: String,
    /// Hash of the file of decisions after it.
    pub hash: String,
    /// What was decided, without values: step, record, field, decision.
    pub decided: Vec<String>,
}

/// The file.
pub fn path(state: &Path) -> PathBuf {
    state.join(overrides::FILE)
}

/// What was decided so far; `None` when nothing was.
///
/// # Errors
/// When the file cannot be read or is none of this version.
pub fn read(state: &Path) -> Result<Option<Decisions>, Failure> {
    let path = path(state);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        // Where a file stands in place of the folder there is none either; who writes there says so.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(_) if path.is_dir() => {
            let message = format!("{} is a folder, not a file of decisions", path.display());
            return Err(Failure::new(Exit::Usage, message)
                .hint("move the folder away, and restore the file from a copy"));
        }
        Err(e) => {
            let message = format!("cannot read {}: {e}", path.display());
            return Err(unwritable(message, &e));
        }
    };
    let wrong = |why: String| {
        Failure::new(Exit::Usage, format!("{}: {why}", path.display())).hint(
            "the file is written by `transload holds import`; restore it, or move it away and import the sheets again",
        )
    };
    let all: Decisions = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    if all.schema_version != overrides::VERSION {
        return Err(wrong(format!(
            "it has version {}, this engine knows version {}",
            all.schema_version,
            overrides::VERSION
        )));
    }
    Ok(Some(all))
}

/// The bytes of the file, and their hash.
///
/// # Errors
/// When they cannot be written down, which no value leads to.
pub fn bytes(all: &Decisions) -> Result<(Vec<u8>, String), Failure> {
    let mut bytes =
        serde_json::to_vec_pretty(all).map_err(|e| Failure::new(Exit::Internal, e.to_string()))?;
    bytes.push(b'\n');
    let hash = blake3::hash(&bytes).to_hex().to_string();
    Ok((bytes, hash))
}

/// Writes the file, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write(state: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let path = path(state);
    let part = path.with_extension("json.part");
    let written = fs::create_dir_all(state)
        .and_then(|()| fs::File::create(&part))
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&part, &path));
    written.map_err(|e| match part.is_dir() {
        true => Failure::new(Exit::Usage, format!("{} is a folder", part.display()))
            .hint("move it away and import again; nothing was noted down"),
        false => cannot_write(&path, &e),
    })
}

/// Puts what was decided onto the mapping of a migration. Gives what people should know about it.
///
/// # Errors
/// When the file cannot be read, or was made for another mapping.
pub fn onto(migration: &mut Migration) -> Result<Vec<String>, Failure> {
    let state = state_folder(&migration.path);
    let Some(all) = read(&state)? else {
        return Ok(lost(&migration.path).map(told).into_iter().collect());
    };
    if all.mapping != migration.mapping.name {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "{} has decisions for the mapping `{}`, and this migration uses `{}`",
                path(&state).display(),
                all.mapping,
                migration.mapping.name
            ),
        )
        .hint(
            "move the file away; sheets of decisions hold for the mapping they were exported with",
        ));
    }
    let lost = all.apply(Arc::make_mut(&mut migration.mapping));
    let mut notes: Vec<String> = lost
        .into_iter()
        .map(|l| format!("a decision about a hold has no place: {l}"))
        .collect();
    notes.extend(changed(&migration.path, &all)?);
    Ok(notes)
}

/// What is wrong with the file of decisions, for commands that do not need the mapping.
pub fn wrong(migration: &Path) -> Option<String> {
    match read(&state_folder(migration)) {
        Ok(Some(all)) => changed(migration, &all).unwrap_or_else(|f| Some(told(f))),
        Ok(None) => lost(migration).map(told),
        Err(failure) => Some(told(failure)),
    }
}

/// A ledger that vouches for decisions of which there is no file: what they left out, kept or set would be sent as the
/// source has it.
pub fn lost(migration: &Path) -> Option<Failure> {
    let path = path(&state_folder(migration));
    if path.exists() {
        return None;
    }
    // A ledger that cannot be read says so where it is needed.
    let view = View::open(&ledger_path(migration)).ok()?;
    let noted = last(&view.decisions().ok()?)?;
    Some(
        Failure::new(
            Exit::Usage,
            format!(
                "{} is missing, and by the ledger {} decided about holds, last with {}",
                path.display(),
                noted.by,
                noted.sheet
            ),
        )
        .hint(
            "restore it from a copy. Without one, import the sheets again (`transload audit export` names them): the first \
             begins the file anew, and what is then held again by the next run can be decided again",
        ),
    )
}

fn told(failure: Failure) -> String {
    match failure.hint {
        Some(hint) => format!("{}\n  {hint}", failure.message),
        None => failure.message,
    }
}

/// A file that is not the one the ledger vouches for.
fn changed(migration: &Path, all: &Decisions) -> Result<Option<String>, Failure> {
    let hash = bytes(all)?.1;
    let noted = match View::open(&ledger_path(migration)).and_then(|view| view.decisions()) {
        Ok(all) => last(&all).is_some_and(|noted| noted.hash == hash),
        Err(_) => true,
    };
    Ok((!noted).then(|| {
        format!(
            "{} is not what the ledger says was decided last: somebody changed it by hand, or an import was interrupted \
             (importing the sheet again notes it)",
            path(&state_folder(migration)).display()
        )
    }))
}

/// The last import among the ledger's decisions.
pub fn last(decisions: &[(String, String)]) -> Option<Noted> {
    let (_, text) = decisions.iter().find(|(name, _)| name == NAME)?;
    serde_json::from_str(text).ok()
}
