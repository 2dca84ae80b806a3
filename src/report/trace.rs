//! The story of one record, as text and JSON. It shows values: whoever asks for one record wants to see it.

use super::mask::shortened;
use crate::outcome::trace::{SplitTrace, StepTrace, Trace};

/// For people.
pub fn render_text(trace: &Trace) -> String {
    let mut out = format!("{}/{}", trace.object, trace.key);
    if let Some(line) = trace.line {
        out.push_str(&format!(", line {line}"));
    }
    out.push_str(&format!(" ({})\n", trace.mapping));
    if !trace.in_source {
        out.push_str("the source has no such record\n");
    }
    if !trace.cells.is_empty() {
        out.push_str("\nsource\n");
        let wide = trace.cells.iter().map(|(f, _)| f.len()).max().unwrap_or(0);
        for (field, text) in &trace.cells {
            out.push_str(&format!("  {field:wide$}  {}\n", shortened(text)));
        }
    }
    if let Some(split) = &trace.split {
        out.push_str(&render_split(split));
    }
    for step in &trace.steps {
        render_step(step, &mut out);
    }
    out
}

fn render_split(split: &SplitTrace) -> String {
    let mut out = format!("\nsplit, row {}", split.row);
    if !split.place.is_empty() {
        out.push_str(&format!(" ({})", split.place));
    }
    out.push_str(&match split.dropped.is_empty() {
        true => format!(": to {}\n", split.to.join(", ")),
        false => format!(": dropped, {}\n", split.dropped),
    });
    if !split.line.is_empty() {
        out.push_str(&format!("    {}\n", shortened(&split.line)));
    }
    out
}

fn render_step(step: &StepTrace, out: &mut String) {
    if matches!(step.decision.as_str(), "routed" | "") && step.history.is_empty() {
        if !step.decision.is_empty() {
            out.push_str(&format!(
                "\nstep {} ({}): {}\n",
                step.step, step.place, step.reason
            ));
        }
        return;
    }
    out.push_str(&format!(
        "\nstep {} -> {} ({})",
        step.step, step.to, step.place
    ));
    if !step.decision.is_empty() {
        out.push_str(&format!(": {}", step.decision));
    }
    if !step.reason.is_empty() {
        out.push_str(&format!(", {}", step.reason));
    }
    out.push('\n');
    for d in &step.decided {
        let value = match d.value.as_str() {
            "" => String::new(),
            value => format!(" {}", quoted(value)),
        };
        let field = match d.field.as_str() {
            "" => String::new(),
            field => format!(" {field}"),
        };
        let note = match d.note.as_str() {
            "" => String::new(),
            note => format!(": {note}"),
        };
        out.push_str(&format!(
            "  decided: {}{field}{value}, by {} at {}{note}\n",
            d.decision, d.by, d.at
        ));
    }
    for f in &step.fields {
        let silent = f.sent.is_empty() && f.values.iter().all(|(_, v)| v.is_empty());
        if silent {
            continue;
        }
        out.push_str(&format!("  {}  ({})\n", f.field, f.place));
        if !f.line.is_empty() {
            out.push_str(&format!("      {}\n", shortened(&f.line)));
        }
        for (op, value) in &f.values {
            out.push_str(&format!("      {op}: {}\n", quoted(value)));
        }
        out.push_str(&match f.sent.is_empty() {
            true => "      not sent\n".to_owned(),
            false => format!("      sent: {}\n", quoted(&f.sent)),
        });
    }
    for request in &step.requests {
        out.push_str(&format!("  request: {}", request.call));
        if request.part > 0 {
            out.push_str(&format!(", part {}", request.part + 1));
        }
        let body = serde_json::to_string_pretty(&request.body).unwrap_or_default();
        out.push('\n');
        for line in body.lines() {
            out.push_str(&format!("    {line}\n"));
        }
    }
    if !step.history.is_empty() {
        out.push_str("  ledger\n");
        for h in &step.history {
            out.push_str(&format!(
                "    {}  run {}  {}  {}\n",
                h.at, h.run, h.what, h.detail
            ));
        }
    }
    if let Some(known) = &step.known {
        out.push_str(&format!("    now: {}", known.state));
        if !known.origin.is_empty() {
            out.push_str(&format!(", {}", known.origin));
        }
        if !known.id.is_empty() {
            out.push_str(&format!(" as {}", known.id));
        }
        out.push_str(match known.unchanged {
            true => ", content as written\n",
            false => "\n",
        });
    }
    for there in &step.there {
        let part = match there.part {
            0 => String::new(),
            n => format!(", part {}", n + 1),
        };
        out.push_str(&format!("  destination {}{part}: ", there.id));
        match (there.found, there.differences.is_empty()) {
            (None, _) => out.push_str("no call of the API shows it\n"),
            (Some(false), _) => out.push_str("not there\n"),
            (Some(true), true) => out.push_str("there, as it should be\n"),
            (Some(true), false) => {
                out.push_str("there, with differences\n");
                for (field, expected, found) in &there.differences {
                    out.push_str(&format!(
                        "    {field}: {} should be {}\n",
                        quoted(found),
                        quoted(expected)
                    ));
                }
            }
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text))
}

/// For machines.
pub fn render_json(trace: &Trace) -> String {
    serde_json::to_string_pretty(trace).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}
