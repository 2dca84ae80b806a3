//! A pair page as one HTML file: no script, no request, every text escaped, readable without style, printable.

use super::{model::Page, words};
use std::fmt::Write;

/// Kept in the file: nothing is fetched. Without it the page is plain headings and tables.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;max-width:72rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.9rem;margin:0 0 .5rem}h2{font-size:1.3rem;margin:2.2rem 0 .5rem;border-bottom:1px solid #d0d7de}\
h3{font-size:1.05rem;margin:1.2rem 0 .3rem}table{border-collapse:collapse;width:100%;font-size:.92rem;margin:.5rem 0}\
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #d8dee4;overflow-wrap:anywhere}\
th{background:#f6f8fa}td:first-child{white-space:nowrap}.lead{font-size:1.15rem}.facts{color:#57606a;font-size:.9rem}\
code{font:.92em ui-monospace,monospace}.differs td{background:#fff8e5}@media print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}\
tr{break-inside:avoid}thead{display:table-header-group}}";

/// The page as HTML.
pub fn render(page: &Page) -> String {
    let mut out = String::new();
    let title = escaped(&words::title(page));
    put(
        &mut out,
        &format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>"
        ),
    );
    put(
        &mut out,
        &format!(
            "<p class=\"lead\"><strong>{} {}</strong></p>",
            escaped(&words::summary(page)),
            escaped(&words::grade(page))
        ),
    );
    put(
        &mut out,
        &format!("<p class=\"facts\">{}</p>", escaped(&words::facts(page))),
    );
    heading(&mut out, "Compatibility");
    paragraph(&mut out, &words::computed(page));
    compatibility(&mut out, page);
    heading(&mut out, "Complexity");
    paragraph(&mut out, &words::grade(page));
    for area in &page.grade.areas {
        put(
            &mut out,
            &format!("<h3>{}: {} points</h3>", escaped(&area.title), area.points),
        );
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
    heading(&mut out, "Timeline");
    paragraph(&mut out, words::TIMELINE);
    table(
        &mut out,
        &["records", "calls", "time by tier"],
        page.timeline.iter().map(|load| {
            let tiers: Vec<String> = load
                .tiers
                .iter()
                .map(|t| {
                    let tier = t.tier.as_deref().unwrap_or("any tier");
                    let ours = if t.this_account {
                        " (this account)"
                    } else {
                        ""
                    };
                    format!("{tier}: {}{ours}", t.time)
                })
                .collect();
            vec![
                load.basis.clone(),
                load.calls_words.clone(),
                tiers.join("; "),
            ]
        }),
    );
    heading(&mut out, "What does not move by itself");
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
    heading(&mut out, "Gotchas");
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
        heading(&mut out, "Not known of the platforms");
        table(
            &mut out,
            &["platform", "behaviour", "assumed", "what is known"],
            page.quirks.iter().map(|q| {
                vec![
                    q.platform.clone(),
                    q.name.clone(),
                    format!("{} (of {})", q.assumed, q.options.join(", ")),
                    q.why.clone(),
                ]
            }),
        );
    }
    heading(&mut out, "Before the load");
    put(
        &mut out,
        &format!(
            "<ul>\n<li>{} custom fields must exist</li>",
            page.fields_to_create
        ),
    );
    for item in &page.before {
        put(&mut out, &format!("<li>{}</li>", shown(item)));
    }
    put(&mut out, "</ul>");
    heading(&mut out, "Order of the load");
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
        heading(&mut out, "Why");
        table(
            &mut out,
            &["what", "why"],
            page.reasons
                .iter()
                .map(|r| vec![r.at.clone(), r.why.clone()]),
        );
    }
    put(&mut out, "</main>\n</body>\n</html>");
    out
}

fn compatibility(out: &mut String, page: &Page) {
    head(
        out,
        &[
            "id",
            "source",
            "destination",
            "cardinality",
            "support",
            "computed",
            "note",
        ],
    );
    for row in &page.rows {
        let class = if row.differs {
            " class=\"differs\""
        } else {
            ""
        };
        put(out, &format!("<tr{class}>"));
        cells(
            out,
            &[
                row.id.clone(),
                row.source.clone(),
                row.destination.clone(),
                row.cardinality.clone(),
                words::support(row).to_owned(),
                words::computed_cell(row),
                words::note_cell(row),
            ],
        );
        put(out, "</tr>");
    }
    put(out, "</tbody>\n</table>");
}

fn put(out: &mut String, text: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{text}");
}

fn heading(out: &mut String, text: &str) {
    put(out, &format!("<h2>{}</h2>", escaped(text)));
}

fn paragraph(out: &mut String, text: &str) {
    put(out, &format!("<p>{}</p>", shown(text)));
}

fn head(out: &mut String, header: &[&str]) {
    let cells: String = header
        .iter()
        .map(|h| format!("<th scope=\"col\">{}</th>", escaped(h)))
        .collect();
    put(
        out,
        &format!("<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>"),
    );
}

fn cells(out: &mut String, row: &[String]) {
    let cells: String = row
        .iter()
        .map(|c| format!("<td>{}</td>", shown(c)))
        .collect();
    put(out, &cells);
}

fn table(out: &mut String, header: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        paragraph(out, "Nothing.");
        return;
    }
    head(out, header);
    for row in rows {
        put(out, "<tr>");
        cells(out, &row);
        put(out, "</tr>");
    }
    put(out, "</tbody>\n</table>");
}

/// A text that is no markup, for an element; names in backticks become code.
fn shown(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let mut out = String::with_capacity(text.len());
    for (i, part) in parts.iter().enumerate() {
        if !i.is_multiple_of(2) {
            out.push_str(&format!("<code>{}</code>", escaped(part)));
        } else {
            out.push_str(&escaped(part));
        }
    }
    out
}

/// A text that is no markup, in an element or an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What no HTML document may hold, and marks that turn the direction of what follows.
            '\n' | '\t' => out.push(' '),
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escaped, shown};

    #[test]
    fn names_in_backticks_are_code_and_nothing_more() {
        assert_eq!(
            shown("`a` and `<b>`"),
            "<code>a</code> and <code>&lt;b&gt;</code>"
        );
        assert_eq!(shown("one ` <b>"), "one ` &lt;b&gt;");
    }

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            escaped("<script>a(\"b\")</script> & 'c'\u{0}\u{202e}"),
            "&lt;script&gt;a(&quot;b&quot;)&lt;/script&gt; &amp; &#39;c&#39;\u{fffd}\u{fffd}"
        );
    }
}
