//! `transload provision`: does the admin's checklist on a simulated account: custom fields, users, records of pick-lists.
//! A real account has an admin; the checklist is theirs.

use super::{discover, ledger_path, run, state_folder};
use crate::{
    cli::{
        commands::discover::DocumentFormat,
        connect::{self, Access},
        exit::{Exit, Failure},
        load::{self, Loaded},
        lock, out, preflight,
        progress::Progress,
    },
    clock::{Clock, SystemClock},
    event::Event,
    ledger::{Ledger, Options},
    mapping::DestinationConnection,
    plan::{
        Preflight,
        preflight::{Facts, FieldState, judge},
    },
    platform::lock::{AccountInventory, SchemaLock},
    report::{document, preflight as words},
    run::{RunError, context::Emit, provision},
};
use clap::Args;
use serde_json::json;
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// Arguments of `provision`.
#[derive(Debug, Args)]
pub struct ProvisionArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// How to print what was done and what is left.
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    pub format: DocumentFormat,
}

/// Does what the checklist says, and tells what is left.
///
/// # Errors
/// When the destination is no simulated account, cannot be reached, or a run is active.
pub fn run(args: &ProvisionArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let migration = &loaded.migration;
    if let DestinationConnection::Folder { .. } = migration.destination {
        return Err(Failure::new(
            Exit::Usage,
            "the destination is a folder of files; it needs no admin",
        ));
    }
    let state = state_folder(&migration.path);
    let progress =
        Arc::new(Progress::new(None, false).map_err(|e| Failure::new(Exit::Usage, e.to_string()))?);
    let emit: Emit = {
        let progress = Arc::clone(&progress);
        Arc::new(move |event: &Event| progress.event(event))
    };
    // What the data needs as it is now: the lock may be of another mapping or of another export.
    let source = connect::source_of(migration)?;
    let known = lock::read(&state)?.filter(|l| {
        l.plan == loaded.plan.hash() && preflight::stale(migration, &source, l).is_empty()
    });
    let lock = match known {
        Some(lock) => lock,
        None => discover::look(&loaded, true, &emit)?,
    };
    progress.clear();
    let path = ledger_path(&migration.path);
    let ledger = if path.is_file() {
        let clock = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
        let ledger = Ledger::open(&path, Options::new(clock));
        Some(ledger.map_err(|e| run::open_failure(&e))?)
    } else {
        None
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Internal, format!("cannot start: {e}")))?;
    let result = runtime.block_on(fulfil(&loaded, &lock, &emit));
    runtime.shutdown_background();
    drop(ledger);
    let (done, flight) = result?;
    print(&loaded, args.format, &done, &flight)?;
    if flight.is_blocked() {
        return Ok(Exit::Waits);
    }
    Ok(Exit::Done)
}

fn print(
    loaded: &Loaded,
    format: DocumentFormat,
    done: &[String],
    flight: &Preflight,
) -> Result<(), Failure> {
    use document::Block;
    let mut blocks = vec![
        Block::Heading(
            1,
            format!("Provision for {}", loaded.migration.mapping.name),
        ),
        Block::Heading(2, "Done".to_owned()),
    ];
    if done.is_empty() {
        blocks.push(Block::Line("nothing was left to do".to_owned()));
    }
    blocks.push(Block::Items(done.to_vec()));
    blocks.push(Block::Heading(2, "Left for people".to_owned()));
    blocks.extend(words::checklist(&flight.checklist));
    let lines = words::blocking_lines(flight);
    if !lines.is_empty() {
        blocks.push(Block::Heading(2, "Still in the way of a run".to_owned()));
        blocks.push(Block::Items(
            lines.iter().map(|l| l.trim().to_owned()).collect(),
        ));
    }
    let json = json!({
        "schema_version": 1,
        "done": done,
        "left": serde_json::to_value(&flight.checklist)
            .map_err(|e| Failure::new(Exit::Internal, e.to_string()))?,
        "blocking": lines.len(),
    });
    out::result(&match format {
        DocumentFormat::Text => document::text(&blocks),
        DocumentFormat::Markdown => document::markdown(&blocks),
        DocumentFormat::Json => json.to_string(),
    });
    Ok(())
}

async fn fulfil(
    loaded: &Loaded,
    lock: &SchemaLock,
    emit: &Emit,
) -> Result<(Vec<String>, Preflight), Failure> {
    let migration = &loaded.migration;
    let state = state_folder(&migration.path);
    let access = Access {
        provision: true,
        ..Access::default()
    };
    let destination = connect::destination(loaded, access, &state, Arc::clone(emit)).await?;
    let result = async {
        destination.rest.probe().await?;
        let tier = migration.tier.as_deref();
        let look = || crate::run::discover::account(&destination.rest, &migration.mapping, tier);
        let account = look().await?;
        let before = judged(loaded, lock, &account);
        let mut done = Vec::new();
        for field in &before.fields {
            if !matches!(field.state, FieldState::Missing | FieldState::Differs) {
                continue;
            }
            let place = format!("custom field {}.{}", field.object, field.name);
            // What people added stays.
            let there = account
                .object(&field.object)
                .and_then(|o| o.field(&field.name))
                .map(|f| f.choices.clone())
                .unwrap_or_default();
            let more = field.options.clone().unwrap_or_default();
            let options: BTreeSet<String> = there.into_iter().chain(more).collect();
            done.push(
                match provision::make_field(
                    &destination.rest,
                    &field.object,
                    &field.name,
                    &field.label,
                    &field.data_type,
                    &options,
                )
                .await?
                {
                    None => format!("{place}: made"),
                    Some(why) => format!("{place}: not made, {why}"),
                },
            );
        }
        for todo in before.checklist.iter().filter(|t| t.when == "before") {
            let by_key = matches!(todo.kind, "user" | "record");
            let Some(body) = by_key
                .then(|| body(loaded, &todo.object, &todo.item))
                .flatten()
            else {
                continue;
            };
            let place = format!("{} {}", todo.object, todo.item);
            done.push(
                match provision::make_record(&destination.rest, &todo.object, &body).await? {
                    None => format!("{place}: made"),
                    Some(why) => format!("{place}: not made, {why}"),
                },
            );
        }
        Ok((done, judged(loaded, lock, &look().await?)))
    }
    .await;
    destination.close().await;
    result.map_err(|error: RunError| run::failure(error))
}

/// The plan against the account as an admin sees it: without the help of a run.
fn judged(loaded: &Loaded, lock: &SchemaLock, account: &AccountInventory) -> Preflight {
    judge(
        &loaded.plan,
        &Facts {
            lock: Some(lock),
            account: Some(account),
            tier: loaded.migration.tier.as_deref(),
            provision: false,
            stale: &[],
        },
    )
}

/// The record of that name; `None` for an object that a single text does not name.
fn body(loaded: &Loaded, object: &str, item: &str) -> Option<serde_json::Value> {
    let (_, object) = loaded.migration.mapping.destination.object(object)?;
    let [field] = object.keys.first()?.by.as_slice() else {
        return None;
    };
    let key = object.fields.get(field.ix())?;
    let others = object
        .fields
        .iter()
        .filter(|f| f.required && f.name != key.name && f.default.is_none())
        .count();
    (others == 0 && key.reference.is_none() && !item.starts_with("all records of"))
        .then(|| json!({ key.name.clone(): item }))
}
