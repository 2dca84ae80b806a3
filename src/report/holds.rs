//! Held and refused records as a list: text, JSON, and CSV for a spreadsheet.

use super::sheet;
use crate::ledger::Hold;
use comfy_table::{Table, presets};

/// For people.
pub fn render_text(rows: &[Hold]) -> String {
    if rows.is_empty() {
        return "nothing is held\n".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["step", "record", "line", "code", "field", "reason"]);
    for h in rows {
        table.add_row([
            h.step.clone(),
            h.key.clone(),
            h.line.map(|l| l.to_string()).unwrap_or_default(),
            h.code.clone(),
            h.field.clone().unwrap_or_default(),
            h.words.clone(),
        ]);
    }
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|l| l.trim_end().to_owned())
        .collect();
    format!("{}\n{} held\n", lines.join("\n"), rows.len())
}

/// For machines.
pub fn render_json(rows: &[Hold]) -> String {
    serde_json::to_string_pretty(rows).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

/// For a spreadsheet.
pub fn render_csv(rows: &[Hold]) -> String {
    let header = [
        "step", "record", "part", "line", "code", "field", "value", "reason",
    ];
    let cells = rows.iter().map(|h| {
        [
            h.step.clone(),
            h.key.clone(),
            h.part.to_string(),
            h.line.map(|l| l.to_string()).unwrap_or_default(),
            h.code.clone(),
            h.field.clone().unwrap_or_default(),
            h.value.clone().unwrap_or_default(),
            h.words.clone(),
        ]
    });
    sheet::csv(&header, cells)
}
