//! `transload holds import`: takes a sheet of decisions back. Everything is checked first; with one fault nothing is
//! noted down.

use super::{ledger_path, open_view, state_folder};
use crate::cli::ledger_faults::{open_failure, unread};
use crate::{
    cli::{
        args::ReportFormat,
        connect,
        decided::{self, Noted},
        exit::{Exit, Failure},
        held::{
            self,
            judge::{Grounds, Judged, Remark, judge},
            read,
        },
        load, out, person,
    },
    clock::{Clock, SystemClock},
    ledger::{Entry, Ledger, Options, RunMeta, View},
    mapping::{Decisions, Mapping, overrides::Decided},
    report::{document::count, mask::shortened},
};
use clap::Args;
use serde_json::json;
use std::{path::PathBuf, sync::Arc};

/// Faults of a sheet that are told one by one.
const FAULTS: usize = 50;

/// Arguments of `holds import`.
#[derive(Debug, Args)]
pub struct HoldsImport {
    /// The migration file.
    pub migration: PathBuf,
    /// The sheet.
    pub file: PathBuf,
    /// Who decides (default: $USER).
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only check the sheet.
    #[arg(long)]
    pub dry_run: bool,
    /// How to print what was decided.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Takes a sheet.
///
/// # Errors
/// When something is wrong with the sheet (2), when a run is under way (7).
pub fn run(args: &HoldsImport) -> Result<Exit, Failure> {
    let by = person::named(
        args.by.as_deref(),
        "nobody is named who decides: there is no --by, and $USER is not set",
    )?;
    let sheet = read::read(&args.file)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // From what was decided before until it is written again nobody else decides.
    let path = ledger_path(&args.migration);
    let ledger = match !args.dry_run && path.is_file() {
        true => Some(
            Ledger::open(&path, Options::new(Arc::clone(&clock))).map_err(|e| open_failure(&e))?,
        ),
        false => None,
    };
    let loaded = load::migration(&args.migration)?;
    let migration = &loaded.migration;
    let view = open_view(&migration.path)?;
    let state = state_folder(&migration.path);
    let before = decided::read(&state)?;
    let noted_before = last_noted(&view)?;
    let is_lost = before.is_none() && noted_before.is_some();
    let before = before.unwrap_or_else(|| Decisions::new(&migration.mapping.name));
    let held = held::gather(&view, &migration.mapping).map_err(|e| unread(&e))?;
    let at = clock.now().round(jiff::Unit::Second).unwrap_or(clock.now());
    let judged = judge(
        &sheet,
        &Grounds {
            mapping: &migration.mapping,
            zone: connect::zone_of(migration).as_deref(),
            before: &before,
            view: &view,
            held: &held,
            decided: Decided {
                by: by.clone(),
                at: at.to_string(),
                note: String::new(),
            },
        },
    )
    .map_err(|e| unread(&e))?;
    let file = args.file.display().to_string();
    for note in &judged.notes {
        out::note(&told(&file, "note", note));
    }
    if !judged.faults.is_empty() {
        let count = judged.faults.len();
        if count > FAULTS {
            out::note(&format!("{count} faults in {file}; the first {FAULTS}:"));
        }
        for fault in judged.faults.iter().take(FAULTS) {
            out::note(&told(&file, "fault", fault));
        }
        if count > FAULTS {
            out::note(&format!("and {} more", count - FAULTS));
        }
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "{count} {} in {file}; nothing was noted down",
                if count == 1 { "fault" } else { "faults" }
            ),
        )
        .hint("correct the rows and import the sheet again"));
    }
    let all = merged(&before, &judged);
    let (bytes, hash) = decided::bytes(&all)?;
    let mut after = Mapping::clone(&migration.mapping);
    // What has no place in the mapping was said when the migration was loaded.
    let _ = all.apply(&mut after);
    let settled = held.iter().filter(|h| !h.decided(&after).is_empty());
    let standing = Standing {
        held: held.len() as u64,
        decided: settled.count() as u64,
    };
    let fresh = judged.values.len() + judged.records.len() + judged.again.len();
    let noted = Noted {
        by,
        sheet: file.clone(),
        sheet_hash: sheet.hash.clone(),
        hash: hash.clone(),
        decided: summary(&judged),
    };
    let is_noted = noted_before.is_some_and(|noted| noted.hash == hash);
    drop(view);
    // After a loss any sheet begins the file anew: else no command would run again.
    let is_new = fresh > 0 || is_lost || (judged.already > 0 && !is_noted);
    if let Some(ledger) = ledger.filter(|_| is_new) {
        note_down(
            &ledger,
            &loaded.plan.hash(),
            &state,
            &bytes,
            &noted,
            &judged,
        )?;
    }
    tell(args, &judged, &noted, standing);
    Ok(Exit::Done)
}

/// How many records are held, and how many of them have a decision with the sheet taken in: what a retry will say, too.
#[derive(Clone, Copy)]
struct Standing {
    held: u64,
    decided: u64,
}

/// The last import, as the ledger has it.
fn last_noted(view: &View) -> Result<Option<Noted>, Failure> {
    let all = view.decisions().map_err(|e| unread(&e))?;
    Ok(decided::last(&all))
}

/// The file first, then the ledger: where the second is missing, importing again adds it.
fn note_down(
    ledger: &Ledger,
    plan: &str,
    state: &std::path::Path,
    bytes: &[u8],
    noted: &Noted,
    judged: &Judged,
) -> Result<(), Failure> {
    let temporary = |e: crate::ledger::LedgerError| Failure::new(Exit::Temporary, e.to_string());
    decided::write(state, bytes)?;
    ledger
        .begin_run(RunMeta {
            command: "holds import".to_owned(),
            plan: plan.to_owned(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        })
        .map_err(temporary)?;
    let value =
        serde_json::to_string(noted).map_err(|e| Failure::new(Exit::Internal, e.to_string()))?;
    let mut entries = vec![Entry::Decided {
        name: decided::NAME.to_owned(),
        value,
    }];
    entries.extend(judged.again.iter().map(|a| Entry::Again {
        step: a.step.clone(),
        key: a.key.clone(),
        part: a.part,
        doubt: a.doubt,
    }));
    ledger.append_blocking(entries).map_err(temporary)?;
    ledger.end_run("completed").map_err(temporary)?;
    Ok(())
}

/// Everything that was decided, with what the sheet adds. Of two decisions about one cell the later one counts.
fn merged(before: &Decisions, judged: &Judged) -> Decisions {
    let mut all = before.clone();
    for row in &judged.values {
        all.values
            .retain(|v| v.map != row.map || !v.from.eq_ignore_ascii_case(&row.from));
        all.values.push(row.clone());
    }
    for row in &judged.records {
        all.records.retain(|r| !r.same_cell(row));
    }
    all.records.extend(judged.records.iter().cloned());
    all
}

/// What was decided, a line each, without values: they are in the file, which the hash vouches for.
fn summary(judged: &Judged) -> Vec<String> {
    let values = judged.values.iter().map(|v| format!("map {}", v.map));
    let records = judged.records.iter().map(|r| {
        let mut line = format!("{} {} {}", r.decision.word(), r.step, r.key);
        if !r.field.is_empty() {
            line.push(' ');
            line.push_str(&r.field);
        }
        line
    });
    let again = judged
        .again
        .iter()
        .map(|a| format!("again {} {}", a.step, a.key));
    values.chain(records).chain(again).collect()
}

fn told(file: &str, word: &str, remark: &Remark) -> String {
    let mut text = format!("{word}: {file}:{}", remark.line);
    match remark.letter.as_str() {
        "" => text.push_str(&format!(", {}", remark.column)),
        letter => text.push_str(&format!(", column {letter} ({})", remark.column)),
    }
    text.push_str(&format!(": {}", remark.message));
    if !remark.hint.is_empty() {
        text.push_str(&format!("\n  {}", remark.hint));
    }
    text
}

fn tell(args: &HoldsImport, judged: &Judged, noted: &Noted, standing: Standing) {
    if args.format == ReportFormat::Json {
        let report = json!({
            "schema_version": 1,
            "by": noted.by,
            "dry_run": args.dry_run,
            "values": judged.values,
            "records": judged.records,
            "again": judged.again,
            "already": judged.already,
            "open": judged.open,
            "held": standing.held,
            "held_decided": standing.decided,
            "notes": judged.notes,
        });
        out::result(&report.to_string());
        return;
    }
    let would = if args.dry_run { "would be " } else { "" };
    let (values, records, again) = (
        judged.values.len() as u64,
        judged.records.len() as u64,
        judged.again.len() as u64,
    );
    let mut text = format!(
        "{}, {}, {again} to be tried again: {would}noted down as decided by {}\n",
        count(values, "row of a value map", "rows of value maps"),
        count(
            records,
            "decision about a record",
            "decisions about records"
        ),
        noted.by
    );
    if values + records + again == 0 {
        "nothing new is decided\n".clone_into(&mut text);
    }
    // The ledger's lines have no values; whoever gave them may see those of value maps.
    let shown = judged.values.iter().map(|v| {
        let (from, to) = (shortened(&v.from), shortened(&v.to));
        format!("map {}: {from} -> {to}", v.map)
    });
    let others = noted.decided.iter().skip(judged.values.len()).cloned();
    for line in shown.chain(others) {
        text.push_str(&format!("  {line}\n"));
    }
    if judged.already > 0 {
        let already = count(judged.already as u64, "was", "were");
        text.push_str(&format!("{already} decided before\n"));
    }
    if judged.open > 0 {
        let open = count(judged.open as u64, "row has", "rows have");
        text.push_str(&format!("{open} no decision\n"));
    }
    let held = count(standing.held, "held record has", "held records have");
    text.push_str(&format!("{} of {held} a decision\n", standing.decided));
    if values > 0 {
        text.push_str(
            "value maps have changed: an approval of the sample no longer holds (`transload sample`, `transload approve`)\n",
        );
    }
    if values + records + again > 0 && !args.dry_run {
        text.push_str(
            "nothing has run yet; `transload holds retry` or `transload run` applies it\n",
        );
    }
    out::result(&text);
}
