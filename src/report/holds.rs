//! Held and refused records: as a list, as the sheet that goes out for decisions, and one by one.

use super::{document::count, sheet};
use crate::{
    ledger::Hold,
    mapping::overrides::{RecordRow, ValueRow},
};
use comfy_table::{Table, presets};
use serde::Serialize;
use std::collections::BTreeMap;

/// A hold with what was decided about it.
#[derive(Clone, Debug, Serialize)]
pub struct ListRow {
    /// The hold.
    #[serde(flatten)]
    pub hold: Hold,
    /// What was decided about it: `set owner`.
    pub decided: Vec<String>,
}

/// For people.
pub fn render_text(rows: &[ListRow]) -> String {
    if rows.is_empty() {
        return "nothing is held\n".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "step", "record", "line", "code", "field", "decided", "reason",
    ]);
    for ListRow { hold: h, decided } in rows {
        table.add_row([
            h.step.clone(),
            h.key.clone(),
            h.line.map(|l| l.to_string()).unwrap_or_default(),
            h.code.clone(),
            h.field.clone().unwrap_or_default(),
            decided.join(", "),
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
pub fn render_json(rows: &[ListRow]) -> String {
    serde_json::to_string_pretty(rows).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

/// For a spreadsheet.
pub fn render_csv(rows: &[ListRow]) -> String {
    let header = [
        "step", "record", "part", "line", "code", "field", "value", "reason", "decided",
    ];
    let cells = rows.iter().map(|ListRow { hold: h, decided }| {
        [
            h.step.clone(),
            h.key.clone(),
            h.part.to_string(),
            h.line.map(|l| l.to_string()).unwrap_or_default(),
            h.code.clone(),
            h.field.clone().unwrap_or_default(),
            h.value.clone().unwrap_or_default(),
            h.words.clone(),
            decided.join(", "),
        ]
    });
    sheet::csv(&header, cells)
}

/// A row of the sheet that goes out for decisions; in JSON its members are named like the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SheetRow {
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// Line of the source file.
    pub line: Option<u64>,
    /// The code.
    pub code: String,
    /// The destination field.
    pub field: String,
    /// The value found, shortened.
    pub value: String,
    /// Why, in words.
    pub reason: String,
    /// What could be done.
    #[serde(rename = "proposed fix")]
    pub proposal: String,
    /// Records that wait for it.
    #[serde(rename = "records behind")]
    pub behind: u64,
    /// To be filled in: the decision.
    pub decision: String,
    /// To be filled in: its value.
    pub new_value: String,
    /// To be filled in: why.
    pub note: String,
    /// Names the row when it comes back.
    pub id: String,
}

/// The columns of the sheet.
pub const SHEET: [&str; 13] = [
    "step",
    "key",
    "line",
    "code",
    "field",
    "value",
    "reason",
    "proposed fix",
    "records behind",
    "decision",
    "new_value",
    "note",
    "id",
];

impl SheetRow {
    /// Its cells, in the order of the columns.
    pub fn cells(&self) -> [String; 13] {
        [
            self.step.clone(),
            self.key.clone(),
            self.line.map(|l| l.to_string()).unwrap_or_default(),
            self.code.clone(),
            self.field.clone(),
            self.value.clone(),
            self.reason.clone(),
            self.proposal.clone(),
            self.behind.to_string(),
            self.decision.clone(),
            self.new_value.clone(),
            self.note.clone(),
            self.id.clone(),
        ]
    }
}

/// The sheet as CSV, as spreadsheets want it: UTF-8 with a byte order mark.
pub fn render_sheet(rows: &[SheetRow]) -> String {
    let cells = rows.iter().map(SheetRow::cells);
    format!("\u{feff}{}", sheet::csv(&SHEET, cells))
}

/// The same for machines.
pub fn render_sheet_json(rows: &[SheetRow]) -> String {
    serde_json::to_string_pretty(rows).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

/// One hold in full.
#[derive(Clone, Debug, Serialize)]
pub struct HoldStory {
    /// The hold.
    pub hold: Hold,
    /// The source record's cells, empty ones left out: field and text.
    pub cells: Vec<(String, String)>,
    /// File and line of the entry in the mapping.
    pub spec: String,
    /// That line.
    pub spec_line: String,
    /// What the code means.
    pub explained: String,
    /// What could be done.
    pub proposal: String,
    /// Records that wait for it.
    pub behind: u64,
    /// What was decided about the record.
    pub decided: Vec<RecordRow>,
    /// The row of a value map that was decided for its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped: Option<ValueRow>,
    /// What happened: when, in which run, what, and more about it.
    pub history: Vec<(String, i64, String, String)>,
}

/// For people.
pub fn render_stories(all: &[HoldStory]) -> String {
    let texts: Vec<String> = all.iter().map(story).collect();
    texts.join("\n")
}

fn story(s: &HoldStory) -> String {
    let h = &s.hold;
    let mut out = format!("{} {}: {}\n  {}\n", h.step, h.key, h.code, h.words);
    let mut line = |name: &str, text: String| {
        if !text.is_empty() {
            out.push_str(&format!("  {name:12}{text}\n"));
        }
    };
    line("field", h.field.clone().unwrap_or_default());
    line("value", h.value.clone().unwrap_or_default());
    line(
        "export",
        h.line.map(|l| format!("line {l}")).unwrap_or_default(),
    );
    line("spec", s.spec.clone());
    line("", s.spec_line.clone());
    line("since run", h.since_run.to_string());
    line(
        "waiting",
        format!("{} behind it", count(s.behind, "record", "records")),
    );
    line("proposed", s.proposal.clone());
    for d in &s.decided {
        let value = d
            .value
            .as_deref()
            .map(|v| format!(" {v}"))
            .unwrap_or_default();
        let note = match d.decided.note.as_str() {
            "" => String::new(),
            note => format!(": {note}"),
        };
        line(
            "decided",
            format!(
                "{} {}{value} by {}, {}{note}",
                d.field,
                d.decision.word(),
                d.decided.by,
                d.decided.at
            )
            .trim_start()
            .to_owned(),
        );
    }
    if let Some(row) = &s.mapped {
        let note = match row.decided.note.as_str() {
            "" => String::new(),
            note => format!(": {note}"),
        };
        line(
            "decided",
            format!(
                "map {}: {} -> {}, for every record with the value, by {}, {}{note}",
                row.map,
                super::mask::shortened(&row.from),
                super::mask::shortened(&row.to),
                row.decided.by,
                row.decided.at
            ),
        );
    }
    if !s.cells.is_empty() {
        out.push_str("\nsource\n");
        let wide = s.cells.iter().map(|(f, _)| f.len()).max().unwrap_or(0);
        for (field, text) in &s.cells {
            out.push_str(&format!(
                "  {field:wide$}  {}\n",
                super::mask::shortened(text)
            ));
        }
    }
    if !s.history.is_empty() {
        out.push_str("\nledger\n");
        for (at, run, what, detail) in &s.history {
            out.push_str(&format!("  {at}  run {run}  {what}  {detail}\n"));
        }
    }
    if !s.explained.is_empty() {
        out.push('\n');
        out.push_str(&s.explained);
    }
    out
}

/// The same for machines.
pub fn render_stories_json(all: &[HoldStory]) -> String {
    serde_json::to_string_pretty(all).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

/// A record that a retry goes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetryRow {
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// Why it is held.
    pub code: String,
    /// What was decided about it: `set owner`.
    pub decided: Vec<String>,
}

/// What a retry would go over, for people: the records, then how many for each code.
pub fn render_retry(rows: &[RetryRow]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["step", "record", "code", "decided"]);
    for r in rows {
        table.add_row([&r.step, &r.key, &r.code, &r.decided.join(", ")]);
    }
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|l| l.trim_end().to_owned())
        .collect();
    let mut out = lines.join("\n");
    out.push('\n');
    let mut codes: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for r in rows {
        let (all, decided) = codes.entry(r.code.as_str()).or_default();
        *all += 1;
        *decided += u64::from(!r.decided.is_empty());
    }
    let wide = codes.keys().map(|c| c.len()).max().unwrap_or(0);
    for (code, (all, decided)) in &codes {
        out.push_str(&format!("\n{code:wide$}  {all:>6}"));
        if *decided > 0 {
            out.push_str(&format!(", {decided} with a decision"));
        }
    }
    let decided: u64 = codes.values().map(|(_, decided)| decided).sum();
    out.push_str(&format!(
        "\n{} would be gone over, {decided} of them with a decision\n",
        count(rows.len() as u64, "held record", "held records")
    ));
    out
}

/// The same for machines.
pub fn render_retry_json(rows: &[RetryRow]) -> String {
    serde_json::to_string_pretty(rows).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}
