//! `transload plan`: what a run would do. Counts the source's records, calls nobody.

use crate::{
    cli::{
        args::{PlanArgs, PlanFormat},
        connect::source_of,
        exit::{Exit, Failure},
        load, out,
    },
    plan::{Counts, estimate},
    report,
};

/// Prints the plan.
///
/// # Errors
/// When the migration has errors.
pub fn run(args: &PlanArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let mut counts = Counts::default();
    if !args.offline
        && let Ok(source) = source_of(&loaded.migration)
    {
        for step in &loaded.plan.mapping.steps {
            if let Some(n) = source.estimate(step.from) {
                counts.source.insert(step.from, n);
            }
        }
    }
    let estimate = estimate(&loaded.plan, &counts);
    let tier = loaded.migration.tier.as_deref();
    out::result(&match args.format {
        PlanFormat::Text => report::plan_text::render(&loaded.plan, Some(&estimate), tier),
        PlanFormat::Json => report::plan_json::render(&loaded.plan, Some(&estimate)).to_string(),
        PlanFormat::Dot => report::plan_graph::dot(&loaded.plan),
        PlanFormat::Mermaid => report::plan_graph::mermaid(&loaded.plan),
    });
    Ok(Exit::Done)
}
