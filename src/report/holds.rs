//! Held and refused records as a list: text, JSON, and CSV for a spreadsheet.

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

/// For a spreadsheet. Text cells that a spreadsheet would take for a formula get a quote in front; this file is for
/// people and is never read back.
pub fn render_csv(rows: &[Hold]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "step", "record", "part", "line", "code", "field", "value", "reason",
    ];
    let mut failed = writer.write_record(header).is_err();
    for h in rows {
        failed |= writer
            .write_record([
                safe(&h.step),
                safe(&h.key),
                h.part.to_string(),
                h.line.map(|l| l.to_string()).unwrap_or_default(),
                safe(&h.code),
                safe(h.field.as_deref().unwrap_or_default()),
                safe(h.value.as_deref().unwrap_or_default()),
                safe(&h.words),
            ])
            .is_err();
    }
    match writer.into_inner() {
        Ok(bytes) if !failed => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    }
}

fn safe(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::HoldKind;

    #[test]
    fn formulas_are_neutralised_for_people_and_commas_are_quoted() {
        let rows = [Hold {
            step: "contact".into(),
            key: "=1+1".into(),
            part: 0,
            kind: HoldKind::Held,
            code: "too_long".into(),
            field: Some("first_name".into()),
            value: Some("a,b".into()),
            words: "too long".into(),
            line: Some(3),
            since_run: 1,
        }];
        let csv = render_csv(&rows);
        assert!(csv.contains("contact,'=1+1,0,3,too_long,first_name,\"a,b\",too long"));
    }
}
