//! What people decided about holds, on disk: `.transload/overrides.json`, written by `holds import` alone, whole or not
//! at all, and put onto the mapping whenever a migration is loaded.

use super::{
    commands::{ledger_path, state_folder},
    exit::{Exit, Failure},
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
        Err(e) => {
            return Err(Failure::new(
                Exit::Temporary,
                format!("cannot read {}: {e}", path.display()),
            ));
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
    written.map_err(|e| {
        Failure::new(
            Exit::Temporary,
            format!("cannot write {}: {e}", path.display()),
        )
    })
}

/// Puts what was decided onto the mapping of a migration. Gives what people should know about it.
///
/// # Errors
/// When the file cannot be read, or was made for another mapping.
pub fn onto(migration: &mut Migration) -> Result<Vec<String>, Failure> {
    let state = state_folder(&migration.path);
    let Some(all) = read(&state)? else {
        return Ok(Vec::new());
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
    if !is_noted(&ledger_path(&migration.path), &bytes(&all)?.1) {
        notes.push(format!(
            "{} is not what the ledger says was decided last: somebody changed it by hand, or an import was interrupted \
             (importing the sheet again notes it)",
            path(&state).display()
        ));
    }
    Ok(notes)
}

/// True when the ledger vouches for a file with this hash. A ledger that cannot be read says so where it is needed.
fn is_noted(ledger: &Path, hash: &str) -> bool {
    match View::open(ledger).and_then(|view| view.decisions()) {
        Ok(all) => last(&all).is_some_and(|noted| noted.hash == hash),
        Err(_) => true,
    }
}

/// The last import among the ledger's decisions.
pub fn last(decisions: &[(String, String)]) -> Option<Noted> {
    let (_, text) = decisions.iter().find(|(name, _)| name == NAME)?;
    serde_json::from_str(text).ok()
}
