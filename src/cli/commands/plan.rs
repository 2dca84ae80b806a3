//! `transload plan`: what a run would do, and what stands before it. Reads the schema lock where there is one; calls
//! nobody.

use crate::{
    cli::{
        args::{PlanArgs, PlanFormat},
        commands::state_folder,
        connect::source_of,
        exit::{Exit, Failure},
        load::{self, Loaded},
        lock, out, preflight,
    },
    ident::StepId,
    plan::{
        Counts, estimate, paced,
        preflight::{Facts, judge},
    },
    platform::lock::{ReadState, SchemaLock},
    report::{self, document},
};

/// Prints the plan.
///
/// # Errors
/// When the migration has errors, or the schema lock cannot be read.
pub fn run(args: &PlanArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let migration = &loaded.migration;
    let lock = lock::read(&state_folder(&migration.path))?;
    let source = (!args.offline).then(|| source_of(migration).ok()).flatten();
    let stale = match (&source, &lock) {
        (Some(source), Some(lock)) => preflight::stale(migration, source, lock),
        _ => Vec::new(),
    };
    let mut counts = Counts::default();
    match (&lock, &source) {
        (Some(lock), _) if stale.is_empty() => from_lock(&loaded, lock, &mut counts),
        (_, Some(source)) => {
            for step in &loaded.plan.mapping.steps {
                if let Some(n) = source.estimate(step.from) {
                    counts.source.insert(step.from, n);
                }
            }
        }
        _ => {}
    }
    let mut estimate = estimate(&loaded.plan, &counts);
    if source.is_some() {
        // What was read of an API is not read again.
        estimate.source_calls = 0;
    }
    let tier = migration.tier.as_deref();
    estimate.paced = migration.pace.as_ref().map(|pace| {
        let limits = &migration.mapping.destination.limits;
        let listing = estimate.listing.iter().map(|(_, calls)| calls).sum();
        paced(pace, limits, tier, estimate.calls, listing)
    });
    let flight = judge(
        &loaded.plan,
        &Facts {
            lock: lock.as_ref(),
            account: None,
            tier,
            provision: preflight::provisions(migration),
            stale: &stale,
        },
    );
    out::result(&match args.format {
        PlanFormat::Text => format!(
            "{}\n{}",
            report::plan_text::render(&loaded.plan, Some(&estimate), tier),
            document::text(&report::preflight::blocks(&flight))
        ),
        PlanFormat::Markdown => {
            report::plan_markdown::render(&loaded.plan, Some(&estimate), tier, &flight)
        }
        PlanFormat::Json => {
            let mut json = report::plan_json::render(&loaded.plan, Some(&estimate));
            if let Some(members) = json.as_object_mut() {
                let flight = serde_json::to_value(&flight)
                    .map_err(|e| Failure::new(Exit::Internal, e.to_string()))?;
                members.insert("preflight".to_owned(), flight);
            }
            json.to_string()
        }
        PlanFormat::Dot => report::plan_graph::dot(&loaded.plan),
        PlanFormat::Mermaid => report::plan_graph::mermaid(&loaded.plan),
    });
    if flight.is_blocked() {
        out::note(
            "the run would refuse to start; what to do stands beside each finding that blocks",
        );
        return Ok(Exit::Findings);
    }
    Ok(Exit::Done)
}

/// Numbers of records as discovery counted them; what a split sends to each step, too.
fn from_lock(loaded: &Loaded, lock: &SchemaLock, counts: &mut Counts) {
    let mapping = &loaded.plan.mapping;
    for seen in lock
        .source
        .objects
        .iter()
        .filter(|o| o.state == ReadState::Read)
    {
        if let Some((id, _)) = mapping.source.object(&seen.object) {
            counts.source.insert(id, seen.records);
        }
    }
    if lock.plan == loaded.plan.hash() {
        for (id, step) in (0u16..).map(StepId).zip(&mapping.steps) {
            if let Some(table) = lock.values.iter().find(|t| t.step == step.name) {
                counts.steps.insert(id, table.records);
            }
        }
    }
    for seen in lock.destination.iter().flat_map(|a| &a.objects) {
        if let (Some((id, _)), Some(n)) = (mapping.destination.object(&seen.object), seen.records) {
            counts.existing.insert(id, n);
        }
    }
}
