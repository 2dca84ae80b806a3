//! A pair page as Markdown, for `docs/pairs/` and pull requests. Cells are escaped: names come from files.

use super::{model::Page, words};
use std::fmt::Write;

/// The page as Markdown.
pub fn render(page: &Page) -> String {
    let mut out = String::new();
    line(&mut out, &format!("# {}", text(&words::title(page))));
    line(
        &mut out,
        &format!(
            "\n**{} {}**",
            text(&words::summary(page)),
            text(&words::grade(page))
        ),
    );
    let made_from = match &page.migration {
        Some(migration) => format!("{} with {migration}", page.mapping),
        None => page.mapping.clone(),
    };
    line(
        &mut out,
        &format!(
            "\nMade from {}. {}",
            text(&made_from),
            text(&words::facts(page))
        ),
    );
    line(&mut out, "\n## Compatibility");
    line(&mut out, "");
    line(&mut out, &text(&words::computed(page)));
    table(
        &mut out,
        &[
            "id",
            "source",
            "destination",
            "cardinality",
            "support",
            "computed",
            "note",
        ],
        page.rows.iter().map(|r| {
            vec![
                r.id.clone(),
                r.source.clone(),
                r.destination.clone(),
                r.cardinality.clone(),
                words::support(r).to_owned(),
                words::computed_cell(r),
                words::note_cell(r),
            ]
        }),
    );
    line(
        &mut out,
        &format!("\n## Complexity\n\n{}", text(&words::grade(page))),
    );
    for area in &page.grade.areas {
        line(
            &mut out,
            &format!("\n### {}: {} points", text(&area.title), area.points),
        );
        if area.items.is_empty() {
            line(&mut out, "\nNothing that costs points.");
            continue;
        }
        table(
            &mut out,
            &["what", "which", "weight", "points"],
            area.items.iter().map(|i| {
                vec![
                    i.say.clone(),
                    words::counted(&i.of),
                    i.weight.to_string(),
                    i.points.to_string(),
                ]
            }),
        );
    }
    line(&mut out, "\n## Timeline");
    line(&mut out, "");
    line(&mut out, words::TIMELINE);
    let tiers: Vec<&str> = page
        .timeline
        .first()
        .map(|l| {
            l.tiers
                .iter()
                .map(|t| t.tier.as_deref().unwrap_or("any tier"))
                .collect()
        })
        .unwrap_or_default();
    let header: Vec<&str> = ["records", "calls"].into_iter().chain(tiers).collect();
    table(
        &mut out,
        &header,
        page.timeline.iter().map(|load| {
            let mut row = vec![load.basis.clone(), load.calls_words.clone()];
            row.extend(load.tiers.iter().map(|t| {
                if t.this_account {
                    format!("{} (this account)", t.time)
                } else {
                    t.time.clone()
                }
            }));
            row
        }),
    );
    let not_counted = page.timeline.iter().find(|l| !l.not_counted.is_empty());
    if let Some(load) = not_counted {
        line(
            &mut out,
            &format!("\nNot counted: {}.", text(&load.not_counted.join(", "))),
        );
    }
    line(&mut out, "\n## What does not move by itself");
    table(
        &mut out,
        &["how", "what", "why, or what to do"],
        page.stays.iter().map(|s| {
            vec![
                words::stay(s.kind).to_owned(),
                s.what.clone(),
                s.why.clone(),
            ]
        }),
    );
    line(&mut out, "\n## Gotchas");
    table(
        &mut out,
        &["id", "platform", "gotcha", "check", "result"],
        page.gotchas.iter().map(|g| {
            vec![
                g.id.clone(),
                g.platform.clone(),
                g.say.clone(),
                words::outcome(g).to_owned(),
                g.result.clone(),
            ]
        }),
    );
    if !page.quirks.is_empty() {
        line(&mut out, "\n## Not known of the platforms");
        table(
            &mut out,
            &["platform", "behaviour", "assumed", "of", "what is known"],
            page.quirks.iter().map(|q| {
                vec![
                    q.platform.clone(),
                    q.name.clone(),
                    q.assumed.clone(),
                    q.options.join(", "),
                    q.why.clone(),
                ]
            }),
        );
    }
    line(&mut out, "\n## Before the load");
    line(&mut out, "");
    line(
        &mut out,
        &format!("- {} custom fields must exist", page.fields_to_create),
    );
    for item in &page.before {
        line(&mut out, &format!("- {}", text(item)));
    }
    line(&mut out, "\n## Order of the load");
    table(
        &mut out,
        &["batch", "object mapping", "from", "to", "how", "fields"],
        page.steps.iter().map(|s| {
            vec![
                s.batch.to_string(),
                s.step.clone(),
                s.from.clone(),
                s.to.clone(),
                s.load.clone(),
                s.fields.to_string(),
            ]
        }),
    );
    if !page.reasons.is_empty() {
        line(&mut out, "\n## Why");
        table(
            &mut out,
            &["what", "why"],
            page.reasons
                .iter()
                .map(|r| vec![r.at.clone(), r.why.clone()]),
        );
    }
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{}", text.trim_end());
}

fn table(out: &mut String, header: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        line(out, "\nNothing.");
        return;
    }
    line(
        out,
        &format!(
            "\n| {} |",
            header
                .iter()
                .map(|h| text(h))
                .collect::<Vec<_>>()
                .join(" | ")
        ),
    );
    line(out, &format!("|{}", "---|".repeat(header.len())));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|c| text(c)).collect();
        line(out, &format!("| {} |", cells.join(" | ")));
    }
}

/// A text that stays a text: no markup but names in backticks, no table border, one line.
fn text(raw: &str) -> String {
    let parts: Vec<&str> = raw.split('`').collect();
    // Backticks in pairs are names; a single one is a mark like others.
    let paired = !parts.len().is_multiple_of(2);
    let mut out = String::with_capacity(raw.len());
    for (i, part) in parts.iter().enumerate() {
        let odd = !i.is_multiple_of(2);
        let name = paired && odd && is_name(part);
        let tick = match (i, name) {
            (0, _) => "",
            _ if name || (paired && !odd && parts.get(i - 1).is_some_and(|p| is_name(p))) => "`",
            _ => "\\`",
        };
        out.push_str(tick);
        escape(part, &mut out);
    }
    out
}

/// What may stand in backticks as it is.
fn is_name(part: &str) -> bool {
    !part.is_empty()
        && !part
            .chars()
            .any(|c| c.is_control() || matches!(c, '\\' | '|' | '*' | '[' | ']' | '<' | '&'))
}

fn escape(part: &str, out: &mut String) {
    for c in part.chars() {
        match c {
            '\\' | '|' | '*' | '[' | ']' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_text_stays_a_text() {
        assert_eq!(
            text("a|b\n<script>&amp; [x](y) *z* `q`"),
            "a\\|b &lt;script>&amp;amp; \\[x\\](y) \\*z\\* `q`"
        );
        assert_eq!(text("one ` alone"), "one \\` alone");
        assert_eq!(
            text("`a` and `<b>` and `c`"),
            "`a` and \\`&lt;b>\\` and `c`"
        );
    }
}
