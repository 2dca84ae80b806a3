//! A plan as a graph: Graphviz DOT and Mermaid.
//!
//! Names come from files people wrote, so each format has its escaping; node ids are numbers.

use super::plan_text::{destination, field_name, load_words, source};
use crate::{
    ident::StepId,
    plan::{Plan, Reason},
};
use std::{collections::BTreeMap, fmt::Write};

/// The plan for Graphviz.
pub fn dot(plan: &Plan) -> String {
    let mut out = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for (i, batch) in plan.batches.iter().enumerate() {
        put(
            &mut out,
            format_args!("  subgraph cluster_{i} {{\n    label=\"Batch {}\";", i + 1),
        );
        for id in batch {
            put(
                &mut out,
                format_args!("    s{} [label=\"{}\"];", id.0, dot_text(&label(plan, *id))),
            );
        }
        out.push_str("  }\n");
    }
    for arrow in arrows(plan) {
        let style = if arrow.deferred {
            ", style=dashed, constraint=false"
        } else {
            ""
        };
        put(
            &mut out,
            format_args!(
                "  s{} -> s{} [label=\"{}\"{style}];",
                arrow.first.0,
                arrow.then.0,
                dot_text(&arrow.words.join(", "))
            ),
        );
    }
    out.push_str("}\n");
    out
}

/// The plan for Mermaid.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    for (i, batch) in plan.batches.iter().enumerate() {
        put(
            &mut out,
            format_args!("  subgraph b{i}[\"Batch {}\"]", i + 1),
        );
        for id in batch {
            put(
                &mut out,
                format_args!("    s{}[\"{}\"]", id.0, mermaid_text(&label(plan, *id))),
            );
        }
        out.push_str("  end\n");
    }
    for arrow in arrows(plan) {
        let line = if arrow.deferred { "-.->" } else { "-->" };
        put(
            &mut out,
            format_args!(
                "  s{} {line}|\"{}\"| s{}",
                arrow.first.0,
                mermaid_text(&arrow.words.join(", ")),
                arrow.then.0
            ),
        );
    }
    out
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{text}");
}

/// Three lines: the step, its objects, how it loads.
fn label(plan: &Plan, id: StepId) -> String {
    let Some(step) = plan.step(id) else {
        return String::new();
    };
    format!(
        "{}\n{} to {}\n{}",
        step.name,
        source(plan, step),
        destination(plan, step),
        load_words(plan, step, plan.load(id))
    )
}

/// One arrow per pair of steps and kind, with the fields that need it.
struct Arrow<'p> {
    first: StepId,
    then: StepId,
    deferred: bool,
    words: Vec<&'p str>,
}

fn arrows(plan: &Plan) -> Vec<Arrow<'_>> {
    let mut all: BTreeMap<(&str, &str, bool), Arrow<'_>> = BTreeMap::new();
    for edge in &plan.edges {
        let word = match (edge.reason, plan.step(edge.then)) {
            (Reason::Field(field), Some(step)) => field_name(plan, step, field),
            _ => "after",
        };
        all.entry((plan.name(edge.first), plan.name(edge.then), edge.deferred))
            .or_insert_with(|| Arrow {
                first: edge.first,
                then: edge.then,
                deferred: edge.deferred,
                words: Vec::new(),
            })
            .words
            .push(word);
    }
    all.into_values().collect()
}

fn dot_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn mermaid_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '&' => out.push_str("#amp;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '`' => out.push_str("#96;"),
            '\n' => out.push_str("<br/>"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_a_label() {
        assert_eq!(dot_text("a\"]; x -> y\\\n"), "a\\\"]; x -> y\\\\\\n");
        assert_eq!(
            mermaid_text("a\"]<b>#1\n`"),
            "a#quot;]#lt;b#gt;#35;1<br/>#96;"
        );
    }
}
