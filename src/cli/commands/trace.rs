//! `transload trace`: explains one source record, from its cells to what the destination shows now.

use super::{ledger_path, run as runs, state_folder};
use crate::cli::ledger_faults::unreadable;
use crate::{
    cli::{
        args::ReportFormat,
        begin,
        connect::{self, Access},
        exit::{Exit, Failure},
        load, out, pacing,
        progress::Progress,
    },
    ident::StepId,
    ledger::View,
    mapping::DestinationConnection,
    outcome::trace::Trace,
    report::trace as report,
    run::trace::{Inputs, Place, Spot, trace},
    spec::Project,
};
use clap::Args;
use std::{path::PathBuf, sync::Arc};

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// The migration file.
    pub migration: PathBuf,
    /// The record: source object and key, as in `contact/10076`.
    #[arg(value_name = "OBJECT/ID")]
    pub record: String,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Read through the sandbox's admin plane what no call of the API shows. Only for a sandbox destination.
    #[arg(long)]
    pub provision: bool,
    /// Override the destination's limit of calls per minute, downwards.
    #[arg(long, value_name = "N")]
    pub calls_per_minute: Option<u64>,
}

/// Explains a record.
///
/// # Errors
/// See the table of exit codes; one message each.
pub fn run(args: &TraceArgs) -> Result<Exit, Failure> {
    let Some((object, key)) = args
        .record
        .split_once('/')
        .filter(|(object, key)| !object.is_empty() && !key.is_empty())
    else {
        return Err(
            Failure::new(Exit::Usage, format!("`{}` names no record", args.record))
                .hint("write the source object and the key: `contact/10076`"),
        );
    };
    let loaded = load::migration(&args.migration)?;
    if matches!(
        loaded.migration.destination,
        DestinationConnection::Folder { .. }
    ) {
        return Err(Failure::new(
            Exit::Usage,
            "a trace asks the destination over its API, and this one is a folder of files",
        ));
    }
    let progress = begin::progress(None)?;
    let runtime = begin::runtime()?;
    let result = runtime.block_on(start(args, &loaded, object, key, &progress));
    progress.clear();
    runtime.shutdown_background();
    let told = result?;
    out::result(&match args.format {
        ReportFormat::Text => report::render_text(&told),
        ReportFormat::Json => report::render_json(&told),
    });
    let nothing = !told.in_source && told.steps.iter().all(|s| s.history.is_empty());
    match nothing {
        true => Err(Failure::new(
            Exit::Nothing,
            format!("neither the source nor the ledger has {}", args.record),
        )),
        false => Ok(Exit::Done),
    }
}

async fn start(
    args: &TraceArgs,
    loaded: &load::Loaded,
    object: &str,
    key: &str,
    progress: &Arc<Progress>,
) -> Result<Trace, Failure> {
    let migration = &loaded.migration;
    let emit = begin::listener(progress);
    let source = Arc::new(connect::source_of(migration)?);
    let state = state_folder(&migration.path);
    let ledger = ledger_path(&migration.path);
    let view = match ledger.is_file() {
        true => Some(View::open(&ledger).map_err(|e| unreadable(&ledger, &e))?),
        false => None,
    };
    let access = Access {
        provision: args.provision,
        calls_per_minute: args.calls_per_minute,
    };
    let destination = connect::destination(loaded, access, &state, Arc::clone(&emit)).await?;
    runs::listen(&destination.cancel);
    let counting = pacing::ledger_to_look(migration)?;
    let counted = (counting.as_ref())
        .map(|ledger| pacing::Calls::count(ledger, &destination, migration, pacing::Use::Look))
        .transpose()?;
    let told = trace(Inputs {
        mapping: Arc::clone(&migration.mapping),
        source,
        zone: connect::zone_of(migration),
        rest: destination.rest.clone(),
        provision: destination.provision,
        view,
        object: object.to_owned(),
        key: key.to_owned(),
        place: places(loaded),
        emit,
    })
    .await;
    if let Some(counted) = counted {
        counted.end().await;
    }
    destination.close().await;
    told.map_err(runs::failure)
}

/// Where steps, their entries and rows of splits stand. The specs are read once more: positions in them are the same each time.
fn places(loaded: &load::Loaded) -> Arc<Place> {
    let project = Project::load(&[&loaded.migration.path]);
    let mapping = Arc::clone(&loaded.migration.mapping);
    Arc::new(move |spot: Spot| {
        let step = |id: StepId| mapping.steps.get(id.ix());
        let span = match spot {
            Spot::Step(id) => step(id).map(|s| s.span),
            Spot::Entry(id, at) => step(id).and_then(|s| Some(s.fields.get(at)?.span)),
            Spot::SplitRow(object, at) => {
                let rows = mapping.splits.get(object.ix());
                rows.and_then(|rows| Some(rows.get(at)?.span))
            }
        };
        let Some(span) = span else {
            return (String::new(), String::new());
        };
        let files = &project.files;
        let (line, _) = files.line_column(span.file, span.start);
        (
            format!("{}:{line}", files.path(span.file).display()),
            files.line(span.file, line).to_owned(),
        )
    })
}
