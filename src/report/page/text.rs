//! A pair page for a terminal: plain text without colours, aligned where columns are short.

use super::{model::Page, words};
use comfy_table::{Table, presets};
use std::fmt::Write;

/// The page as text.
pub fn render(page: &Page) -> String {
    let mut out = String::new();
    line(&mut out, &words::title(page));
    line(&mut out, &words::summary(page));
    line(&mut out, &words::grade(page));
    line(&mut out, &words::facts(page));
    line(&mut out, "\nCompatibility");
    let mut rows = columns();
    for row in &page.rows {
        rows.add_row([
            row.id.clone(),
            one_line(&format!("{} to {}", row.source, row.destination)),
            row.cardinality.clone(),
            words::support(row).to_owned(),
        ]);
    }
    push_table(&mut out, &rows);
    line(&mut out, "");
    line(&mut out, &words::computed(page));
    for row in &page.rows {
        let note = words::note_cell(row);
        if row.differs || !row.because.is_empty() {
            line(
                &mut out,
                &format!("  {}: {}", row.id, one_line(&words::computed_cell(row))),
            );
        }
        if !note.is_empty() {
            line(&mut out, &format!("  {}: {}", row.id, one_line(&note)));
        }
    }
    line(&mut out, &format!("\nComplexity: {}", words::grade(page)));
    for area in &page.grade.areas {
        line(
            &mut out,
            &format!("  {}: {} points", area.title, area.points),
        );
        for item in &area.items {
            line(
                &mut out,
                &format!(
                    "    {:>3}  {}: {}",
                    item.points,
                    item.say,
                    one_line(&words::counted(&item.of))
                ),
            );
        }
    }
    line(&mut out, "\nTimeline");
    line(&mut out, &format!("  {}", words::TIMELINE));
    let mut times = columns();
    for load in &page.timeline {
        let tiers = load.tiers.iter().map(|t| {
            let tier = t.tier.as_deref().unwrap_or("any tier");
            let ours = if t.this_account {
                " (this account)"
            } else {
                ""
            };
            format!("{tier} {}{ours}", t.time)
        });
        times.add_row(
            [load.basis.clone(), format!("{} calls", load.calls_words)]
                .into_iter()
                .chain(tiers),
        );
    }
    push_table(&mut out, &times);
    line(&mut out, "\nWhat does not move by itself");
    for stay in &page.stays {
        line(
            &mut out,
            &format!(
                "  {}, {}: {}",
                words::stay(stay.kind),
                one_line(&stay.what),
                one_line(&stay.why)
            ),
        );
    }
    line(&mut out, "\nGotchas");
    for gotcha in &page.gotchas {
        line(
            &mut out,
            &format!(
                "  {} ({}): {} [{}: {}]",
                gotcha.id,
                gotcha.platform,
                one_line(&gotcha.say),
                words::outcome(gotcha),
                one_line(&gotcha.result)
            ),
        );
    }
    line(&mut out, "\nBefore the load");
    line(
        &mut out,
        &format!("  {} custom fields must exist", page.fields_to_create),
    );
    for item in &page.before {
        line(&mut out, &format!("  {}", one_line(item)));
    }
    if !page.reasons.is_empty() {
        line(&mut out, "\nWhy");
        for reason in &page.reasons {
            line(
                &mut out,
                &format!("  {}: {}", one_line(&reason.at), one_line(&reason.why)),
            );
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{}", text.trim_end());
}

/// A text without line breaks and other control characters: nothing in a file writes over a terminal.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn columns() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn push_table(out: &mut String, table: &Table) {
    for row in table.lines().filter(|l| !l.trim().is_empty()) {
        line(out, &format!(" {row}"));
    }
}
