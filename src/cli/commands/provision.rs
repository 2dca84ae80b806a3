//! `transload provision`: does the admin's checklist on a simulated account: custom fields, users, records of pick-lists.
//! A real account has an admin; the checklist is theirs.

use super::{discover, ledger_path, run, state_folder};
use crate::cli::ledger_faults::{open_failure, unread};
use crate::{
    cli::{
        begin, belonging,
        commands::discover::DocumentFormat,
        connect::{self, Access, Destination},
        exit::{Exit, Failure},
        load::{self, Loaded},
        lock, out, pacing, preflight, undoing,
    },
    clock::{Clock, SystemClock},
    ledger::{Ledger, Options, RunMeta},
    mapping::DestinationConnection,
    plan::{
        Plan, Preflight,
        preflight::{Facts, Todo, judge},
    },
    platform::lock::{AccountInventory, SchemaLock},
    report::{document, preflight as words},
    run::{
        Inputs, RunError,
        context::Emit,
        provision::{self, Provisioned},
        source::Source,
    },
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
    let progress = begin::progress(None)?;
    let emit = begin::listener(&progress);
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
    let clock = Arc::new(SystemClock::new());
    let ledger = Ledger::open(
        &ledger_path(&migration.path),
        Options::new(Arc::clone(&clock) as Arc<dyn Clock>),
    )
    .map_err(|e| open_failure(&e))?;
    let ledger = Arc::new(ledger);
    undoing::refuse(&ledger)?;
    belonging::check(&ledger.glance().map_err(|e| unread(&e))?, migration, false)?;
    let runtime = begin::runtime()?;
    let source = Arc::new(source);
    let result = runtime.block_on(fulfil(&loaded, &lock, &ledger, source, &emit));
    progress.clear();
    runtime.shutdown_background();
    drop(ledger);
    let (done, flight) = result?;
    print(&loaded, args.format, &done, &flight)?;
    if !done.made.is_empty() {
        out::note("`transload discover` tells `plan` and `handoff` what is there now");
    }
    if flight.is_blocked() {
        return Ok(Exit::Waits);
    }
    Ok(Exit::Done)
}

fn print(
    loaded: &Loaded,
    format: DocumentFormat,
    done: &Provisioned,
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
    if done.made.is_empty() {
        blocks.push(Block::Line("nothing to do".to_owned()));
    }
    blocks.push(Block::Items(done.made.clone()));
    if !done.refused.is_empty() {
        blocks.push(Block::Heading(2, "Refused by the account".to_owned()));
        blocks.push(Block::Items(done.refused.clone()));
    }
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
        "done": done.made,
        "refused": done.refused,
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
    ledger: &Arc<Ledger>,
    source: Arc<Source>,
    emit: &Emit,
) -> Result<(Provisioned, Preflight), Failure> {
    let migration = &loaded.migration;
    let state = state_folder(&migration.path);
    let access = Access {
        provision: true,
        ..Access::default()
    };
    let destination = connect::destination(loaded, access, &state, Arc::clone(emit)).await?;
    run::listen(&destination.cancel);
    let counted = pacing::Calls::count(ledger, &destination, migration, pacing::Use::Look)?;
    let begun = ledger
        .begin_run(RunMeta {
            command: "provision".to_owned(),
            plan: loaded.plan.hash(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        })
        .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
    let result = async {
        destination.rest.probe().await?;
        let tier = migration.tier.as_deref();
        let look = || crate::run::discover::account(&destination.rest, &migration.mapping, tier);
        let account = look().await?;
        let before = judged(loaded, lock, &account);
        let mut done = Provisioned::default();
        // Users come first: records of others may belong to them.
        make(loaded, &destination, &account, &before, "user", &mut done).await?;
        let part = Arc::new(loaded.plan.by_hand());
        let records = provision::admins_part(Inputs {
            mapping: Arc::clone(&migration.mapping),
            plan: Arc::clone(&part),
            source,
            zone: connect::zone_of(migration),
            rest: destination.rest.clone(),
            ledger: Arc::clone(ledger),
            run: begun,
            provision: true,
            emit: Arc::clone(emit),
            watch: false,
            only: None,
        })
        .await?;
        done.made.extend(records.made);
        done.refused.extend(records.refused);
        // Choices that values are mapped to, and that are no record of the source.
        let account = look().await?;
        let still = judged(loaded, lock, &account);
        make(loaded, &destination, &account, &still, "record", &mut done).await?;
        let account = look().await?;
        let mut left = judged(loaded, lock, &account);
        left.checklist
            .retain(|todo| !is_done(&part, &account, todo));
        Ok((done, left))
    }
    .await;
    counted.end().await;
    let outcome = match &result {
        Ok((done, _)) if done.refused.is_empty() => "completed",
        Ok(_) => "completed_with_holds",
        Err(error) => pacing::outcome(error),
    };
    let ended = pacing::end_run(ledger, &result, outcome);
    destination.close().await;
    let result = result.map_err(|error: RunError| run::failure(error))?;
    ended.map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
    Ok(result)
}

/// Makes what the checklist names by a single text, each once.
async fn make(
    loaded: &Loaded,
    destination: &Destination,
    account: &AccountInventory,
    flight: &Preflight,
    kind: &str,
    done: &mut Provisioned,
) -> Result<(), RunError> {
    let mut seen = BTreeSet::new();
    let todos = flight.checklist.iter();
    for todo in todos.filter(|t| t.when == "before" && t.kind == kind) {
        let Some(body) = body(loaded, &todo.object, &todo.item) else {
            continue;
        };
        let there = account.object(&todo.object).and_then(|o| o.has(&todo.item));
        if there == Some(true) || !seen.insert((&todo.object, &todo.item)) {
            continue;
        }
        let place = format!("{} {}", todo.object, todo.item);
        match provision::make_record(&destination.rest, &todo.object, &body).await? {
            None => done.made.push(format!("{place}: made")),
            Some(why) => done.refused.push(format!("{place}: {why}")),
        }
    }
    Ok(())
}

/// True for records that were just made and that no call shows: nobody else could tell that they are there.
fn is_done(part: &Plan, account: &AccountInventory, todo: &Todo) -> bool {
    let known = account.object(&todo.object).and_then(|o| o.names.as_ref());
    let mut steps = part.batches.iter().flatten();
    todo.kind == "record"
        && known.is_none()
        && steps.any(|id| {
            let step = part.step(*id);
            let to = step.and_then(|s| part.mapping.destination.objects.get(s.to.ix()));
            to.is_some_and(|o| o.name == todo.object)
        })
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
