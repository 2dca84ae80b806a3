//! The report of a sample as text, JSON and Markdown.

use super::SampleReport;
use crate::platform::wire::Class;
use comfy_table::{CellAlignment, Table, presets};
use std::collections::BTreeMap;

/// Examples of one finding in text and Markdown.
const EXAMPLES: usize = 3;
/// Most characters of a value in text and Markdown.
const VALUE_MAX: usize = 60;

/// The report for people.
pub fn render_text(report: &SampleReport) -> String {
    let mut out = headline(report);
    out.push_str(&section("Records", &records(report), plain));
    out.push_str(&section("Shown", &coverage(report), plain));
    for line in missing(report) {
        out.push_str(&format!("  {line}\n"));
    }
    out.push_str(&section("What became of them", &ends(report), plain));
    if !report.held.is_empty() {
        out.push_str(&section("Set aside", &held(report), plain));
    }
    out.push_str(&section("Read back", &classes(report), plain));
    for line in examples(report) {
        out.push_str(&format!("  {line}\n"));
    }
    for line in unread(report) {
        out.push_str(&format!("  {line}\n"));
    }
    out.push_str(&format!("\n{}\n", verdict(report)));
    out
}

/// The report for a pull request or a page.
pub fn render_markdown(report: &SampleReport) -> String {
    let mut out = format!("# Sample of {}\n\n{}", report.mapping, headline(report));
    out.push_str(&section("Records", &records(report), markdown));
    out.push_str(&section("Shown", &coverage(report), markdown));
    list(&mut out, missing(report));
    out.push_str(&section("What became of them", &ends(report), markdown));
    if !report.held.is_empty() {
        out.push_str(&section("Set aside", &held(report), markdown));
    }
    out.push_str(&section("Read back", &classes(report), markdown));
    list(&mut out, examples(report).into_iter().chain(unread(report)));
    out.push_str(&format!("\n**{}**\n", verdict(report)));
    out
}

/// The report for machines.
pub fn render_json(report: &SampleReport) -> String {
    serde_json::to_string_pretty(report).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

fn headline(report: &SampleReport) -> String {
    let (chosen, of) = report.size_of();
    let more = if report.cover > report.size {
        format!(
            "; {} were asked for, and showing everything takes {}",
            report.size, report.cover
        )
    } else {
        String::new()
    };
    format!(
        "Sample of {}: {chosen} of {of} records, seed {}; {} of them show everything{more}\n",
        report.mapping, report.seed, report.cover
    )
}

type Rows = Vec<Vec<String>>;

fn section(title: &str, rows: &Rows, render: fn(&str, &Rows) -> String) -> String {
    render(title, rows)
}

fn plain(title: &str, rows: &Rows) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut rows = rows.iter();
    if let Some(header) = rows.next() {
        table.set_header(header);
    }
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|l| l.trim_end().to_owned())
        .collect();
    format!("\n{title}\n{}\n", lines.join("\n"))
}

fn markdown(title: &str, rows: &Rows) -> String {
    let mut out = format!("\n## {title}\n\n");
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|c| escape(c)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
        if at == 0 {
            let rule: Vec<&str> = row
                .iter()
                .enumerate()
                .map(|(i, _)| if i == 0 { "---" } else { "---:" })
                .collect();
            out.push_str(&format!("| {} |\n", rule.join(" | ")));
        }
    }
    out
}

fn list(out: &mut String, lines: impl IntoIterator<Item = String>) {
    for (at, line) in lines.into_iter().enumerate() {
        if at == 0 {
            out.push('\n');
        }
        out.push_str(&format!("- {}\n", escape(&line)));
    }
}

/// A text that Markdown takes for nothing else.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '<' | '>' | '[' | ']' | '`' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn row<const N: usize>(cells: [String; N]) -> Vec<String> {
    cells.into()
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn records(report: &SampleReport) -> Rows {
    let mut rows = vec![header(&["object", "sample", "export"])];
    rows.extend(
        report
            .records
            .iter()
            .map(|o| row([o.object.clone(), o.chosen.to_string(), o.of.to_string()])),
    );
    rows
}

fn coverage(report: &SampleReport) -> Rows {
    let mut rows = vec![header(&["kind", "shown", "of"])];
    rows.extend(
        report
            .coverage
            .iter()
            .map(|c| row([c.kind.clone(), c.shown.to_string(), c.total.to_string()])),
    );
    rows
}

fn missing(report: &SampleReport) -> Vec<String> {
    report
        .coverage
        .iter()
        .filter(|c| !c.missing.is_empty())
        .map(|c| {
            format!(
                "not shown, as no record of the export has it: {}: {}",
                c.kind,
                c.missing.join(", ")
            )
        })
        .collect()
}

fn ends(report: &SampleReport) -> Rows {
    let mut rows = vec![header(&[
        "step", "records", "loaded", "merged", "routed", "dropped", "held", "failed",
    ])];
    rows.extend(report.steps.iter().map(|s| {
        row([
            format!("{} ({} -> {})", s.step, s.from, s.to),
            s.records.to_string(),
            s.loaded.to_string(),
            s.merged.to_string(),
            s.routed.to_string(),
            s.dropped.to_string(),
            s.held.to_string(),
            s.failed.to_string(),
        ])
    }));
    rows
}

fn held(report: &SampleReport) -> Rows {
    let mut rows = vec![header(&["step and reason", "records", "for example"])];
    rows.extend(report.held.iter().map(|h| {
        let field = match h.field.as_str() {
            "" => String::new(),
            field => format!(" ({field})"),
        };
        row([
            format!("{}: {}{field}", h.step, h.code),
            h.records.to_string(),
            h.examples.join(", "),
        ])
    }));
    rows
}

/// A row for each field that has anything but equal values; the rest in one.
fn classes(report: &SampleReport) -> Rows {
    let mut names = vec!["field"];
    names.extend(Class::ALL.iter().map(|c| c.word()));
    names.push("not shown");
    let mut rows = vec![header(&names)];
    let line = |name: String, classes: &BTreeMap<Class, u64>, not_shown: u64| {
        let mut cells = vec![name];
        let counts = Class::ALL
            .iter()
            .map(|c| classes.get(c).copied().unwrap_or_default());
        cells.extend(counts.map(|n| n.to_string()));
        cells.push(not_shown.to_string());
        cells
    };
    let mut others = (0u64, BTreeMap::new());
    for field in &report.fields {
        let plain = field.classes.keys().all(|c| *c == Class::Equal) && field.not_shown == 0;
        if plain {
            others.0 += 1;
            *others.1.entry(Class::Equal).or_default() += field
                .classes
                .get(&Class::Equal)
                .copied()
                .unwrap_or_default();
        } else {
            let name = format!("{}.{}", field.step, field.field);
            rows.push(line(name, &field.classes, field.not_shown));
        }
    }
    rows.push(line(format!("{} other fields", others.0), &others.1, 0));
    rows
}

/// The first few values of each finding, the worst first.
fn examples(report: &SampleReport) -> Vec<String> {
    let mut lines = Vec::new();
    for class in Class::ALL.iter().rev() {
        if matches!(class, Class::Equal | Class::ServerSet | Class::Normalised) {
            continue;
        }
        let mut by_field: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (record, field) in report.of(*class) {
            let seen = by_field.entry((&record.step, &field.field)).or_default();
            *seen += 1;
            if *seen as usize > EXAMPLES {
                continue;
            }
            let source: Vec<String> = field
                .source
                .iter()
                .map(|c| format!("{} {}", c.field, quoted(&c.value)))
                .collect();
            let line = match record.line {
                0 => String::new(),
                line => format!(", line {line}"),
            };
            lines.push(format!(
                "{}: {}.{} of record {}{line}: source {}; written {}; there {}",
                class.word(),
                record.step,
                field.field,
                record.key,
                if source.is_empty() {
                    "none".to_owned()
                } else {
                    source.join(", ")
                },
                quoted(&field.expected),
                quoted(&field.actual),
            ));
        }
    }
    lines
}

fn unread(report: &SampleReport) -> Vec<String> {
    let mut by_reason: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for record in report.compared.iter().filter(|r| !r.unread.is_empty()) {
        *by_reason.entry((&record.step, &record.unread)).or_default() += 1;
    }
    by_reason
        .into_iter()
        .map(|((step, why), n)| {
            let records = if n == 1 { "record" } else { "records" };
            format!("not compared: {n} {records} of {step}: {why}")
        })
        .collect()
}

fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let mut short: String = text.chars().take(VALUE_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("\"{}\"", short.replace(['\n', '\r'], " "))
}

fn verdict(report: &SampleReport) -> String {
    let compared: u64 = report.classes.values().sum();
    let findings: u64 = report
        .classes
        .iter()
        .filter(|(c, _)| c.is_finding())
        .map(|(_, n)| n)
        .sum();
    match findings {
        0 => format!("{compared} values compared, none is lost or wrong"),
        n => format!(
            "{compared} values compared, {n} lost or wrong: correct the mapping, or say with `approve --accept-findings` that it is all right"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{
        Coverage, FieldClasses, ObjectCount, SCHEMA_VERSION, SampleField, SampleRecord, SourceCell,
        StepEnds,
    };

    fn sample() -> SampleReport {
        let field = |class, expected: &str, actual: &str| SampleField {
            field: "phone".into(),
            source: vec![SourceCell {
                field: "phone1".into(),
                value: expected.into(),
            }],
            expected: expected.into(),
            actual: actual.into(),
            class,
        };
        let record = |key: &str, fields| SampleRecord {
            step: "contact".into(),
            key: key.into(),
            line: 4,
            id: "1".into(),
            origin: "created".into(),
            fields,
            ..SampleRecord::default()
        };
        SampleReport {
            schema_version: SCHEMA_VERSION,
            mapping: "a--b".into(),
            size: 100,
            seed: 7,
            cover: 2,
            records: vec![ObjectCount {
                object: "contact".into(),
                chosen: 2,
                of: 9,
            }],
            coverage: vec![Coverage {
                kind: "value-map rows".into(),
                total: 2,
                shown: 1,
                missing: vec!["kind \"fax\"".into()],
            }],
            steps: vec![StepEnds {
                step: "contact".into(),
                from: "contact".into(),
                to: "person".into(),
                records: 2,
                loaded: 2,
                ..StepEnds::default()
            }],
            classes: BTreeMap::from([(Class::Equal, 1), (Class::Dropped, 1)]),
            fields: vec![FieldClasses {
                step: "contact".into(),
                field: "phone".into(),
                data_type: "phone".into(),
                classes: BTreeMap::from([(Class::Equal, 1), (Class::Dropped, 1)]),
                not_shown: 0,
            }],
            compared: vec![
                record("7", vec![field(Class::Dropped, "call | Bob", "")]),
                record("8", vec![field(Class::Equal, "555", "555")]),
            ],
            ..SampleReport::default()
        }
    }

    #[test]
    fn text_shows_what_is_lost_and_what_is_not_shown() {
        insta::assert_snapshot!(render_text(&sample()));
    }

    #[test]
    fn markdown_escapes_values() {
        insta::assert_snapshot!(render_markdown(&sample()));
    }

    #[test]
    fn json_can_be_read_again() {
        let report = sample();
        let again: SampleReport = serde_json::from_str(&render_json(&report)).expect("json");
        assert_eq!(again, report);
        assert_eq!(
            again.findings(),
            [(Class::Dropped, "contact.phone".to_owned(), 1)]
        );
    }
}
