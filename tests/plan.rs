//! What the planner prints: the shipped migration, and small cases for order, second passes and refusals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is the report")]

use std::{path::Path, sync::Arc};
use transload::{
    check,
    diag::{Severity, Span},
    ident::{ObjectId, StepId},
    mapping::{Found, Mapping, Migration, Op},
    plan::{self, Counts},
    report::{plan_graph, plan_json, plan_text},
    spec::Project,
};

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn shipped() -> Migration {
    let project = Project::load(&[root("examples/allclients/migration.yaml")]);
    check::check_migration(&project, &project.migrations[0])
        .0
        .unwrap()
}

/// Records per source object of the example, as a count of its rows says.
fn counts(mapping: &Mapping) -> Counts {
    let rows = [
        ("user", 4),
        ("contact", 12_345),
        ("note", 30_000),
        ("task", 2_000),
        ("template", 6),
    ];
    Counts {
        source: rows
            .into_iter()
            .map(|(name, n)| (mapping.source.object(name).unwrap().0, n))
            .collect(),
        ..Counts::default()
    }
}

#[test]
fn the_shipped_plan_reads_well() {
    let migration = shipped();
    let plan = plan::compile(migration.mapping).unwrap();
    let estimate = plan::estimate(&plan, &counts(&plan.mapping));
    let hash = plan.fingerprints.plan.short();
    let text = plan_text::render(&plan, Some(&estimate), migration.tier.as_deref());
    insta::assert_snapshot!("shipped_text", text.replace(&hash, "[hash]"));
    insta::assert_snapshot!("shipped_dot", plan_graph::dot(&plan));
    insta::assert_snapshot!("shipped_mermaid", plan_graph::mermaid(&plan));
    let json = serde_json::to_string_pretty(&plan_json::render(&plan, Some(&estimate))).unwrap();
    let hash = regex::Regex::new("[0-9a-f]{64}").unwrap();
    insta::assert_snapshot!("shipped_json", hash.replace_all(&json, "[hash]"));
}

/// A mapping of `tests/cases/plan/mappings`; only what the planner judges may be wrong with it.
fn case(name: &str) -> (Project, Arc<Mapping>) {
    let project = Project::load(&[root(&format!("tests/cases/plan/mappings/{name}.yaml"))]);
    let (mapping, found) = check::check_mapping(&project, &project.mappings[0]);
    let told: Vec<&str> = project
        .diagnostics
        .sorted()
        .into_iter()
        .chain(found.sorted())
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.message.as_str())
        .collect();
    assert_eq!(told, [""; 0], "{name}");
    (project, Arc::new(mapping.unwrap()))
}

/// The plan without its hash, or the findings with their places.
fn outcome(name: &str) -> String {
    let (project, mapping) = case(name);
    let rows = mapping.source.objects.iter().enumerate();
    let counts = Counts {
        source: rows
            .map(|(i, _)| (ObjectId(i as u16), 1000 + i as u64))
            .collect(),
        ..Counts::default()
    };
    match plan::compile(mapping) {
        Ok(plan) => {
            let estimate = plan::estimate(&plan, &counts);
            plan_text::render(&plan, Some(&estimate), None)
                .replace(&plan.fingerprints.plan.short(), "[hash]")
        }
        Err(found) => {
            let place = |span: Span| {
                let (line, column) = project.files.line_column(span.file, span.start);
                format!("{line}:{column}")
            };
            let mut out = String::new();
            for d in found.sorted() {
                let at = place(d.primary.span);
                out += &format!("{} {at} {}\n", d.code.id(), d.message);
                out += &format!("  {at} {}\n", d.primary.text);
                for label in &d.related {
                    out += &format!("  {} {}\n", place(label.span), label.text);
                }
                out += &format!("  hint: {}\n", d.hint.as_deref().unwrap_or("none"));
            }
            out
        }
    }
}

#[test]
fn references_in_a_ring_wait_for_a_second_pass() {
    insta::assert_snapshot!(outcome("second-pass"));
}

#[test]
fn a_split_is_found_by_references() {
    insta::assert_snapshot!(outcome("split"));
}

#[test]
fn a_required_cycle_is_refused_with_its_path() {
    insta::assert_snapshot!(outcome("required-cycle"));
}

#[test]
fn after_against_a_reference_is_refused() {
    insta::assert_snapshot!(outcome("after-cycle"));
}

#[test]
fn what_the_destination_cannot_do_is_refused() {
    insta::assert_snapshot!(outcome("no-update"));
}

/// Shuffles what has no meaning: steps, reasons, the order of value-map rows.
#[test]
fn a_plan_does_not_depend_on_the_order_of_the_file() {
    let (_, mapping) = case("second-pass");
    let plan = plan::compile(mapping.clone()).unwrap();
    let mut turned = (*mapping).clone();
    turned.steps.reverse();
    let last = turned.steps.len() - 1;
    for step in &mut turned.steps {
        step.why = Some("something else".to_owned());
        step.span.start += 7;
        for id in &mut step.after {
            id.0 = last as u16 - id.0;
        }
        for field in &mut step.fields {
            field.why = Some("something else".to_owned());
            field.span.start += 9;
        }
    }
    let again = plan::compile(Arc::new(turned)).unwrap();
    assert_eq!(plan.hash(), again.hash());
    assert_eq!(
        plan_text::render(&plan, None, None),
        plan_text::render(&again, None, None)
    );
}

/// One change of meaning changes the hash of what it touches, of its step and of the plan, and of nothing else.
#[test]
fn a_change_of_meaning_changes_its_hashes_and_no_others() {
    let mapping = shipped().mapping;
    let before = plan::compile(mapping.clone()).unwrap().fingerprints;
    let step = |name: &str| mapping.steps.iter().position(|s| s.name == name).unwrap();
    type Change = Box<dyn Fn(&mut Mapping)>;
    let (contact, task) = (step("contact"), step("task"));
    let changes: Vec<(&str, usize, Change)> = vec![
        (
            "an op",
            contact,
            Box::new(move |m| m.steps[contact].fields[0].ops.push(Op::Lower)),
        ),
        (
            "a row of a value map",
            task,
            Box::new(|m| {
                let map = m
                    .value_maps
                    .iter_mut()
                    .find(|v| v.name == "task_done")
                    .unwrap();
                map.rows[0].1.push('x');
            }),
        ),
        (
            "a row of a value map in a template",
            task,
            Box::new(|m| {
                let map = m
                    .value_maps
                    .iter_mut()
                    .find(|v| v.name == "task_priority")
                    .unwrap();
                map.rows[0].1.push('x');
            }),
        ),
        (
            "a join",
            task,
            Box::new(move |m| {
                m.steps[task].joins[0].by.reverse();
            }),
        ),
        (
            "a policy",
            contact,
            Box::new(move |m| m.steps[contact].found = Found::Use),
        ),
        (
            "a column",
            contact,
            Box::new(|m| {
                let mut source = (*m.source).clone();
                let (id, object) = source.object("contact").unwrap();
                let (field, _) = object.field("first_name").unwrap();
                source.objects[id.ix()].fields[field.ix()].path = "Forename".to_owned();
                m.source = Arc::new(source);
            }),
        ),
    ];
    for (what, touched, change) in changes {
        let mut changed = (*mapping).clone();
        change(&mut changed);
        let after = plan::compile(Arc::new(changed)).unwrap().fingerprints;
        assert_ne!(before.plan, after.plan, "{what}");
        for (i, (old, new)) in before.steps.iter().zip(&after.steps).enumerate() {
            assert_eq!(old == new, i != touched, "{what}: step {i}");
        }
        let fields = before.fields[touched]
            .iter()
            .zip(&after.fields[touched])
            .filter(|(old, new)| old != new)
            .count();
        let expected = usize::from(what != "a policy");
        assert_eq!(fields, expected, "{what}");
    }
}

#[test]
fn ten_thousand_steps_are_planned() {
    let (_, mapping) = case("split");
    let mut large = (*mapping).clone();
    let deal = large
        .steps
        .iter()
        .find(|s| s.name == "deal")
        .unwrap()
        .clone();
    large.splits = Vec::new();
    large.steps = (0..10_000_u16)
        .map(|i| {
            let mut step = deal.clone();
            step.name = format!("step {i}");
            step.fields.retain(|f| f.reference.is_none());
            step.after = i.checked_sub(100).map(StepId).into_iter().collect();
            step
        })
        .collect();
    let plan = plan::compile(Arc::new(large)).unwrap();
    assert_eq!(plan.batches.len(), 100);
    assert!(plan.batches.iter().all(|b| b.len() == 100));
    assert_eq!(plan.graph().edge_count(), 9_900);
}
